//! Results on stdout, and nothing else there.

use std::fs;
use std::io::{BufWriter, IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

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
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let unfinished = beside(path, "writing");
    let written = (|| {
        let file = fs::File::create(&unfinished)?;
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        fs::rename(&unfinished, path)?;
        Ok::<_, anyhow::Error>(())
    })();
    if written.is_err() {
        // The error that counts is the one that brought us here.
        let _ = fs::remove_file(&unfinished);
    }
    written.with_context(|| format!("writing {}", path.display()))
}

/// A name in the same folder that no other running `pellucid` uses.
pub fn beside(path: &Path, purpose: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{purpose}-{}", std::process::id()));
    path.with_file_name(name)
}

/// Bytes as people say them: `14.0 MB`.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
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

    #[test]
    fn bytes_read_well() {
        assert_eq!(bytes(14_008_808), "14.0 MB");
        assert_eq!(bytes(999), "999 B");
    }
}
