//! JavaScript packages of other people's, installed where nothing else sees them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;
use crate::workspace::find_program;

/// Installs packages such as `axe-core@4.11.0` below `folder/node_modules`, unless they are there.
pub fn install(folder: &Path, packages: &[&str]) -> Result<()> {
    if packages.iter().all(|package| is_there(folder, package)) {
        return Ok(());
    }
    let npm = find_program(&["npm", "npm.cmd"]).context("there is no npm")?;
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    // A description of its own, so that npm installs here and not in a folder above.
    let description = folder.join("package.json");
    fs::write(&description, "{ \"private\": true }\n")
        .with_context(|| format!("writing {}", description.display()))?;
    let arguments = ["install", "--no-audit", "--no-fund", "--ignore-scripts"];
    process::run(Command::new(npm).args(arguments).args(packages).current_dir(folder))
}

fn is_there(folder: &Path, package: &str) -> bool {
    let Some((name, version)) = package.rsplit_once('@') else { return false };
    let description = fs::read(folder.join("node_modules").join(name).join("package.json"));
    let description = description.ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    description.is_some_and(|description| description["version"] == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_asked_for_counts_as_there() {
        let folder = std::env::temp_dir().join(format!("xtask-npm-{}", std::process::id()));
        let package = folder.join("node_modules/@some/library");
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("package.json"), "{ \"version\": \"1.2.3\" }").unwrap();
        assert!(is_there(&folder, "@some/library@1.2.3"));
        assert!(!is_there(&folder, "@some/library@1.2.4"));
        assert!(!is_there(&folder, "another@1.2.3"));
        fs::remove_dir_all(folder).unwrap();
    }
}
