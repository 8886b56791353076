//! wasm-opt over the built modules; a module that did not change is not optimised again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::stamp::{self, Fingerprint};
use crate::workspace::Workspace;
use crate::{process, tools};

/// How hard wasm-opt tries: two CPU minutes for the engine, where `-O3` takes about four.
const LEVEL: &str = "-O2";

/// What the compiler was allowed to emit: wasm-opt refuses instructions it was not told of.
const FEATURES: [&str; 7] = [
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Optimised modules to keep: two a site, for the last few sources one went back and forth between.
const KEPT: usize = 6;

/// Optimises every wasm module of a folder in place.
pub fn folder(workspace: &Workspace, folder: &Path) -> Result<()> {
    let modules = stamp::files_below(folder)?
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    for module in modules {
        let optimized = optimized(workspace, &module)?;
        fs::copy(&optimized, &module)
            .with_context(|| format!("copying {} to {}", optimized.display(), module.display()))?;
    }
    stamp::keep_newest(&workspace.workshop().join("optimized"), KEPT)
}

/// The optimised form of a module, from the folder of those made before if it is there.
fn optimized(workspace: &Workspace, module: &Path) -> Result<PathBuf> {
    let cache = workspace.workshop().join("optimized");
    fs::create_dir_all(&cache).with_context(|| format!("making {}", cache.display()))?;
    let key = Fingerprint::default().with(stamp::read(module)?).with(LEVEL).with(FEATURES).finish();
    let kept = cache.join(format!("{key}.wasm"));
    if kept.is_file() {
        stamp::touch(&kept);
        return Ok(kept);
    }
    let unfinished = cache.join(format!("{key}.part"));
    let program = tools::wasm_opt(workspace).context("wasm-opt is not installed")?;
    let mut command = workspace.tool(program);
    command.arg(LEVEL).args(FEATURES).arg(module).arg("--output").arg(&unfinished);
    process::run(&mut command)?;
    fs::rename(&unfinished, &kept).with_context(|| format!("renaming {}", unfinished.display()))?;
    Ok(kept)
}
