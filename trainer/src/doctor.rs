//! What is here, what is missing, and how to mend it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::{built_in, cache, device, page, weights};

/// Everything a person who asks for help is asked for first.
#[derive(Clone, Debug, Serialize)]
pub struct Examination {
    /// Of this program.
    pub version: &'static str,
    /// `linux x86_64`
    pub platform: String,
    /// Threads that can run at once.
    pub threads: usize,
    /// Vector instructions this processor has, of those that the kernels use.
    pub processor_features: Vec<&'static str>,
    /// Drivers this program was built with.
    pub drivers: &'static [&'static str],
    /// What the GPU drivers reach.
    pub adapters: Vec<AdapterReport>,
    /// What `--device auto` takes, and why.
    pub automatic: String,
    /// The model whose weights are inside this program.
    pub built_in: BuiltIn,
    /// The cache folder.
    pub cache: PathBuf,
    /// What lies in it.
    pub cached: Vec<CachedFile>,
    /// The built page that `pellucid explore` shows, if one is here.
    pub page: Option<PathBuf>,
    /// What is missing.
    pub missing: Vec<Missing>,
}

/// A network inside this program.
#[derive(Clone, Debug, Serialize)]
pub struct BuiltIn {
    /// Its name in the registry.
    pub model: &'static str,
    /// Bytes of its weights.
    pub size: u64,
}

/// A GPU, or something that acts as one.
#[derive(Clone, Debug, Serialize)]
pub struct AdapterReport {
    /// As its driver names it.
    pub name: String,
    /// `wgpu` or `cuda`.
    pub driver: &'static str,
    /// It renders on the processor.
    pub software: bool,
}

/// A file in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CachedFile {
    /// Relative to the cache folder.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

/// Something that is not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What.
    pub what: String,
    /// The model, where that is its weights and nothing of them is here.
    pub model: Option<&'static str>,
    /// The command that mends it.
    pub mend: String,
}

/// Looks around. Opens every GPU that the compiled drivers reach.
pub fn examine() -> Result<Examination> {
    let folder = cache::folder()?;
    let cached = files(&folder);
    let automatic = device::choose(device::Choice::Auto)?;
    let page = page::find(None);
    Ok(Examination {
        version: env!("CARGO_PKG_VERSION"),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        processor_features: processor_features(),
        drivers: device::COMPILED,
        adapters: device::adapters()
            .into_iter()
            .map(|adapter| AdapterReport {
                name: adapter.name,
                driver: adapter.driver,
                software: adapter.software,
            })
            .collect(),
        automatic: format!("{} ({})", automatic.driver, automatic.reason),
        built_in: BuiltIn {
            model: built_in::MODEL,
            size: built_in::weights(built_in::MODEL).map_or(0, |weights| weights.len() as u64),
        },
        missing: missing(&cached).into_iter().chain(missing_page(&page)).collect(),
        cache: folder,
        cached,
        page: page.ok().flatten(),
    })
}

fn missing(cached: &[CachedFile]) -> Vec<Missing> {
    let mut missing = Vec::new();
    for info in shared::models::registry() {
        let is_here = |ending: &str| {
            let path = format!("weights/{}.{ending}", info.name);
            cached.iter().any(|file| file.path == path)
        };
        if !is_here("safetensors") && built_in::weights(info.name).is_none() {
            let is_begun = is_here("part");
            let state = if is_begun { " (downloaded in part)" } else { "" };
            missing.push(Missing {
                what: format!("weights of {}{state}", info.name),
                model: (!is_begun).then_some(info.name),
                mend: weights::way_to(info.name),
            });
        }
    }
    if device::COMPILED == ["cpu"] {
        missing.push(Missing {
            what: "GPU drivers in this program".to_owned(),
            model: None,
            mend: "cargo install --path trainer --features wgpu".to_owned(),
        });
    }
    missing
}

/// What is to be said where there is no page.
fn missing_page(found: &Result<Option<PathBuf>>) -> Option<Missing> {
    let what = match found {
        Ok(Some(_)) => return None,
        Ok(None) => "a built page, for `pellucid explore` to show".to_owned(),
        Err(_) => format!("a built page where ${} says that one is", page::VARIABLE),
    };
    Some(Missing { what, model: None, mend: page::BUILD.to_owned() })
}

/// Every file of weights in a cache, sorted; none if there is no such folder. Other programs'
/// files may lie beside them: builds of this one, for instance.
fn files(root: &Path) -> Vec<CachedFile> {
    let mut found = Vec::new();
    let mut folders = vec![root.join("weights")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(path);
            } else if let Ok(relative) = path.strip_prefix(root) {
                // One spelling on every system.
                let path = relative.to_string_lossy().replace('\\', "/");
                found.push(CachedFile { path, size: metadata.len() });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

#[cfg(target_arch = "x86_64")]
fn processor_features() -> Vec<&'static str> {
    let known = [
        ("sse4.2", std::arch::is_x86_feature_detected!("sse4.2")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
    ];
    known.into_iter().filter(|(_, here)| *here).map(|(name, _)| name).collect()
}

#[cfg(target_arch = "aarch64")]
fn processor_features() -> Vec<&'static str> {
    // Every processor of this family has it.
    vec!["neon"]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn processor_features() -> Vec<&'static str> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_model_is_mended_by_fetching_it() {
        let cached = ["weights/googlenet.safetensors", "weights/inception-v1.part"]
            .map(|path| CachedFile { path: path.to_owned(), size: 1 });
        let missing = missing(&cached);
        assert!(missing.iter().all(|missing| missing.mend != weights::way_to("googlenet")));
        let partly = missing.iter().find(|missing| missing.mend == weights::way_to("inception-v1"));
        assert!(partly.unwrap().what.contains("in part"));
        assert!(missing.iter().all(|missing| !missing.what.contains(built_in::MODEL)));
    }

    #[test]
    fn weights_are_listed_with_their_sizes_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("weights/own")).unwrap();
        fs::write(root.path().join("weights/b"), "12").unwrap();
        fs::write(root.path().join("weights/own/a"), "1").unwrap();
        fs::write(root.path().join("other"), "1").unwrap();
        let listed: Vec<_> =
            files(root.path()).into_iter().map(|file| (file.path, file.size)).collect();
        assert_eq!(listed, [("weights/b".to_owned(), 2), ("weights/own/a".to_owned(), 1)]);
        assert!(files(&root.path().join("nothing")).is_empty());
    }
}
