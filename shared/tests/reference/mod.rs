//! Reference data that lies beside a checkout in some places and is missing in others.

use std::path::PathBuf;

/// The path of a reference file; nothing, and a line saying so, where there is none.
pub fn path(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: reference data is not here");
    None
}
