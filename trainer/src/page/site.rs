//! Where a built page lies.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::failure::WrongCall;

/// The environment variable that names a site.
pub const VARIABLE: &str = "PELLUCID_SITE";

/// What makes one in a checkout.
pub const BUILD: &str = "cargo xtask build --out site";

/// Files that only a site of ours has.
const MARKS: [&str; 2] = ["index.html", "worker_loader.js"];

/// The site that was named, else that of `$PELLUCID_SITE`, else one beside this program: `site`, or
/// where `cargo xtask serve` of the checkout puts it that this program was built in.
///
/// # Errors
/// What was named is no site.
pub fn find(given: Option<&Path>) -> Result<Option<PathBuf>> {
    let variable = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let named = match given {
        Some(given) => Some(("--site", given.to_owned())),
        None => variable.map(|folder| (VARIABLE, folder)),
    };
    if let Some((name, folder)) = named {
        if !is_site(&folder) {
            let folder = folder.display();
            let wrong = format!("{name} {folder} is no built page; {}", way_to_one());
            return Err(WrongCall(wrong).into());
        }
        return Ok(Some(folder));
    }
    let program = env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent);
    let usual = beside
        .into_iter()
        .flat_map(|folder| ["site", "../xtask/site"].map(|name| folder.join(name)));
    Ok(usual.filter(|folder| is_site(folder)).find_map(|folder| folder.canonicalize().ok()))
}

/// How somebody without a page comes by one.
pub fn way_to_one() -> String {
    format!("`{BUILD}` makes one; name it with --site site or in ${VARIABLE}")
}

fn is_site(folder: &Path) -> bool {
    MARKS.iter().all(|mark| folder.join(mark).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_no_page_is_refused_with_the_way_to_one() {
        let folder = tempfile::tempdir().unwrap();
        let error = find(Some(folder.path())).unwrap_err();
        assert!(error.is::<WrongCall>());
        assert!(error.to_string().contains("cargo xtask build --out site"), "{error}");
        for mark in MARKS {
            std::fs::write(folder.path().join(mark), "").unwrap();
        }
        assert_eq!(find(Some(folder.path())).unwrap().as_deref(), Some(folder.path()));
    }
}
