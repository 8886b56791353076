//! Reference data, which lies beside the repository on some machines.

use std::path::{Path, PathBuf};

/// A file or folder of the reference data; `None`, and a line saying so, where there is none.
pub fn path(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: reference data is not here ({name})");
    None
}
