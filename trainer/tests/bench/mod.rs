//! A folder to run `pellucid` in, and looks at what it left there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder to work in, and what every call in it begins and ends with.
pub struct Bench {
    folder: tempfile::TempDir,
    verb: &'static str,
    weights: PathBuf,
}

impl Bench {
    /// An empty folder for calls of one verb with these weights.
    pub fn new(verb: &'static str, weights: &Path) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), verb, weights: weights.to_owned() }
    }

    /// A place in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A call, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pellucid"));
        command.current_dir(self.folder.path()).arg(self.verb).args(args);
        command.args([OsStr::new("--weights"), self.weights.as_os_str()]);
        command.args(["--device", "cpu"]);
        command
    }

    /// A call to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// A call that must end well.
    pub fn succeed(&self, args: &[&str]) -> Output {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        output
    }

    /// A JSON file.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// What is in a folder, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// What a call said on stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
