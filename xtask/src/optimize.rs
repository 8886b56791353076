//! wasm-opt over the built modules; a module that did not change is not optimised again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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
    prune(&workspace.workshop().join("optimized"))
}

/// The optimised form of a module, from the folder of those made before if it is there.
fn optimized(workspace: &Workspace, module: &Path) -> Result<PathBuf> {
    let cache = workspace.workshop().join("optimized");
    fs::create_dir_all(&cache).with_context(|| format!("making {}", cache.display()))?;
    let key = Fingerprint::default().with(stamp::read(module)?).with(LEVEL).with(FEATURES).finish();
    let kept = cache.join(format!("{key}.wasm"));
    if kept.is_file() {
        // Counts as used now, so that pruning takes the others first.
        if let Ok(file) = File::options().append(true).open(&kept) {
            let _ = file.set_modified(SystemTime::now());
        }
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

fn prune(cache: &Path) -> Result<()> {
    let mut files: Vec<(SystemTime, PathBuf)> = stamp::files_below(cache)?
        .into_iter()
        .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file)))
        .collect();
    files.sort();
    let n_old = files.len().saturating_sub(KEPT);
    for (_, file) in files.into_iter().take(n_old) {
        fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    }
    Ok(())
}
