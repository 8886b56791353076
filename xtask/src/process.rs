//! Running other programs: shown before they start, named when they fail.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs a program to its end with its output visible.
pub fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", line(command));
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("starting `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs a program to its end with its output visible, and returns whether it succeeded and what it
/// printed, its errors apart.
pub fn run_and_keep(command: &mut Command) -> Result<(bool, String)> {
    println!("$ {}", line(command));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting `{}`", line(command)))?;
    let mut printed = Vec::new();
    let mut piece = [0; 4096];
    let mut source = child.stdout.take().context("the program has no output")?;
    loop {
        let count = source
            .read(&mut piece)
            .with_context(|| format!("reading what `{}` prints", line(command)))?;
        if count == 0 {
            break;
        }
        printed.extend_from_slice(&piece[..count]);
        let mut shown = io::stdout().lock();
        shown.write_all(&piece[..count]).and_then(|()| shown.flush()).context("printing")?;
    }
    let status = child.wait().with_context(|| format!("waiting for `{}`", line(command)))?;
    Ok((status.success(), String::from_utf8_lossy(&printed).into_owned()))
}

/// Runs a program and returns what it printed; its errors stay visible.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting `{}`", line(command)))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", line(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed something that is not text", line(command)))
}

/// What a program prints when asked quietly; nothing if it is missing or fails.
pub fn quiet_output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program that runs beside others, with what it prints kept in a file meanwhile.
///
/// It goes on to its own end where this program fails before it waits for it.
pub struct Background {
    child: Child,
    line: String,
    log: PathBuf,
}

impl Background {
    /// Starts it.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let line = line(command);
        let file = File::create(log).with_context(|| format!("writing {}", log.display()))?;
        let same = file.try_clone().with_context(|| format!("writing {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(same)
            .spawn()
            .with_context(|| format!("starting `{line}`"))?;
        println!("$ {line}  # in the background");
        Ok(Self { child, line, log: log.to_owned() })
    }

    /// Waits for its end and prints what it printed.
    pub fn wait(mut self) -> Result<()> {
        println!("$ {}  # until now in the background", self.line);
        let status = self.child.wait().with_context(|| format!("waiting for `{}`", self.line))?;
        let printed =
            fs::read(&self.log).with_context(|| format!("reading {}", self.log.display()))?;
        print!("{}", String::from_utf8_lossy(&printed));
        if !status.success() {
            bail!("`{}` failed ({status})", self.line);
        }
        Ok(())
    }
}

/// The call as one would type it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| {
            let word = word.to_string_lossy();
            if word.contains(' ') { format!("'{word}'") } else { word.into_owned() }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_named_with_its_arguments() {
        let error = run(Command::new("cargo").arg("no-such-task-at-all")).unwrap_err();
        assert!(error.to_string().contains("cargo no-such-task-at-all"), "{error}");
    }

    #[test]
    fn a_program_that_fails_in_the_background_is_named_when_it_is_waited_for() {
        let log = std::env::temp_dir().join(format!("xtask-process-{}.log", std::process::id()));
        let mut command = Command::new("cargo");
        let background = Background::start(command.arg("no-such-task-at-all"), &log).unwrap();
        let error = background.wait().unwrap_err();
        assert!(error.to_string().contains("cargo no-such-task-at-all"), "{error}");
        assert!(fs::read_to_string(&log).unwrap().contains("no-such-task-at-all"));
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = output(&mut Command::new("no-such-program-at-all")).unwrap_err();
        assert!(error.to_string().contains("no-such-program-at-all"), "{error}");
    }
}
