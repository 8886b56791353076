//! `pellucid export --single-file` as scripts call it.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn export(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pellucid"));
    command.arg("export").args(arguments).output().unwrap()
}

#[test]
fn a_call_that_cannot_make_a_file_exits_with_2() {
    let wrong: [&[&str]; 4] = [
        &["--single-file", "talk.html"],
        &["--single-file", "talk.html", "--site", "site"],
        &["--single-file", "talk.html", "--site", "site", "--bundle", "a", "--out", "b"],
        &["--bundle", "googlenet", "--model", "googlenet", "--out", "b"],
    ];
    for arguments in wrong {
        let output = export(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_folder_that_is_no_site_is_named_with_what_makes_one() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().to_str().unwrap();
    let output = export(&["--single-file", "talk.html", "--site", site, "--bundle", "googlenet"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(site) && said.contains("cargo xtask build"), "{said}");
}
