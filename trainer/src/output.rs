//! Results on stdout, and nothing else there.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufWriter, IsTerminal, Write, stdout};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use tempfile::NamedTempFile;

/// Between a hidden file's name, which is that of its target, and what makes it the only one.
pub const WRITING: &str = ".writing-";

/// Prints a value as one line of JSON.
pub fn json_line(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Prints a value as JSON over several lines.
pub fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Prints a line. A reader that went away is an error, so that long jobs stop.
pub fn line(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).context("writing to stdout")
}

/// Whether results are read by a person at a terminal that wants colours.
pub fn wants_color() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// A message for the terminal: what a library or a file put into it cannot steer that.
pub fn printable(message: &str) -> String {
    let mut printable = String::with_capacity(message.len());
    for character in message.chars() {
        if character.is_control() && !matches!(character, '\n' | '\t') {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// Writes a file whole or not at all: beside its target first, then renamed.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    written_beside(path, write, |file| Ok(file.persist(path).map(drop)?))
}

/// The same, unless there is such a file: then it is left alone, and the answer is false.
pub fn create_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<bool> {
    written_beside(path, write, |file| match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.into()),
    })
}

fn written_beside<T>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
    rename: impl FnOnce(NamedTempFile) -> Result<T>,
) -> Result<T> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(WRITING);
    let written = || -> Result<T> {
        let mut out = BufWriter::new(unfinished(&prefix, folder)?);
        write(&mut out)?;
        let file = out.into_inner().map_err(|error| error.into_error())?;
        file.as_file().sync_all()?;
        rename(file)
    };
    written().with_context(|| format!("writing {}", path.display()))
}

/// A file that is removed again unless it takes a name of its own. What its name begins with is to
/// begin with a dot, so that no walk over pictures takes it for one.
pub fn unfinished(prefix: impl AsRef<OsStr>, folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix.as_ref());
    // Otherwise a file of this kind is its owner's alone. The system takes off what it must.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    // It says to whoever tidies up that somebody is at work. Where a file system has no locks,
    // nothing is tidied up there either.
    let _ = file.as_file().lock();
    Ok(file)
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.json");
        write_whole(&path, |out| Ok(out.write_all(b"old")?)).unwrap();
        let failed = write_whole(&path, |out| {
            out.write_all(b"half")?;
            bail!("no more")
        });
        assert!(format!("{:#}", failed.unwrap_err()).contains("kept.json"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn messages_do_not_steer_the_terminal() {
        assert_eq!(printable("Käse\n\tis fine"), "Käse\n\tis fine");
        assert_eq!(printable("a\x1b[2J\r\0b"), "a\\u{1b}[2J\\r\\u{0}b");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_written_is_as_open_to_others_as_any_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [usual, whole] = ["usual", "whole"].map(|name| folder.path().join(name));
        fs::write(&usual, "").unwrap();
        write_whole(&whole, |_| Ok(())).unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&usual), mode(&whole));
    }
}
