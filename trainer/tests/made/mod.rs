//! What tests work with wherever they run: GoogLeNet's weights from a formula, pictures of stripes.

#[path = "../../../shared/tests/closed_form/mod.rs"]
#[allow(dead_code, reason = "its picture is for other tests")]
mod closed_form;
#[path = "../../../shared/tests/inception/formula.rs"]
#[allow(dead_code, reason = "its picture and network are for other tests")]
mod formula;
mod stripes;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::LazyLock;

use shared::models::inception::Variant;

pub use stripes::stripes;

/// A file of GoogLeNet's weights, 14 MB.
pub fn weights() -> &'static Path {
    static WEIGHTS: LazyLock<PathBuf> = LazyLock::new(|| {
        // Each program of tests writes the same one; none may read what another has half written.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let [file, half] = ["safetensors".to_owned(), process::id().to_string()]
            .map(|end| folder.join(format!("googlenet-formula.{end}")));
        fs::write(&half, formula::file(Variant::GoogLeNet)).unwrap();
        fs::rename(half, &file).unwrap();
        file
    });
    &WEIGHTS
}
