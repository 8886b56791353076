//! Reference data, which lies beside the repository on some machines.

use std::path::{Path, PathBuf, absolute};

/// A file or folder of the reference data; `None`, and a line saying so, where there is none.
pub fn path(name: &str) -> Option<PathBuf> {
    // Cargo runs tests in their package's folder. Not the folder they were compiled in: several
    // checkouts may share what is compiled.
    let path = absolute(Path::new("../../shared").join(name)).ok()?;
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: reference data is not here ({name})");
    None
}
