//! Reference data that lies beside a checkout in some places and is missing in others.

use std::path::{Path, PathBuf, absolute};

/// The path of a reference file; nothing, and a line saying so, where there is none.
pub fn path(name: &str) -> Option<PathBuf> {
    // Relative to the package, where cargo runs tests: a path from when they were compiled may
    // name another checkout that shares the target folder.
    let path = absolute(Path::new("../../shared").join(name)).ok()?;
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: reference data is not here ({name})");
    None
}
