//! What lets a site be kept: the list of its files, and the service worker that keeps them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::compress::is_copy;
use crate::stamp;

/// The list of the page's files.
pub const LIST: &str = "site.json";

/// The script that keeps them; `public/service_worker.js` with what it must know before it.
pub const WORKER: &str = "service_worker.js";

/// Writes both into the folder of a page that is otherwise complete, and has no bundles yet.
/// `worker` is the file `public/service_worker.js`.
pub fn write(page: &Path, worker: &Path) -> Result<()> {
    let mut files = Vec::new();
    let mut hashes = Map::new();
    let mut whole = Sha256::new();
    let mut scripts = Vec::new();
    for file in stamp::files_below(page)? {
        let inner = file.strip_prefix(page).unwrap_or(&file);
        // Copies are for hosts; a page never asks for one.
        if [LIST, WORKER].map(Path::new).contains(&inner) || is_copy(&file) {
            continue;
        }
        // As in an address, also where folders are divided by something else.
        let names: Vec<_> = inner.iter().map(|name| name.to_string_lossy()).collect();
        let path = names.join("/");
        let bytes = stamp::read(&file)?;
        let hash = Sha256::digest(&bytes);
        whole.update(&path);
        whole.update(hash);
        if path.starts_with("page-") && path.ends_with(".js") {
            scripts.push(path.clone());
        }
        hashes.insert(path.clone(), format!("sha256-{}", BASE64.encode(hash)).into());
        files.push(json!({ "path": path, "size": bytes.len(), "sha256": hexadecimal(&hash) }));
    }
    let [script] = &scripts[..] else {
        bail!("{} has {scripts:?} as the page's script, expected one", page.display());
    };
    let version = hexadecimal(&whole.finalize()[..8]);
    let list = json!({ "version": version, "script": script, "files": files });
    let list = format!("{list:#}\n");
    put(&page.join(LIST), &list)?;
    // Kept too: a page asks for it to pack itself into one file, and needs the one of its own build.
    let hash = Sha256::digest(&list);
    hashes.insert(LIST.to_owned(), format!("sha256-{}", BASE64.encode(hash)).into());
    let files = Value::Object(hashes);
    let before = format!("const VERSION = \"{version}\";\nconst FILES = {files:#};\n\n");
    let worker =
        fs::read_to_string(worker).with_context(|| format!("reading {}", worker.display()))?;
    put(&page.join(WORKER), &(before + &worker))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn put(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list and the worker of a site with this page, made in a folder of this name.
    fn listed(name: &str, page: &str) -> (Value, String) {
        let name = format!("xtask-offline-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("dreams")).unwrap();
        for (path, text) in [("index.html", page), ("page-1.js", "x"), ("dreams/a.jpg", "picture")]
        {
            fs::write(folder.join(path), text).unwrap();
        }
        let source = folder.with_extension("source");
        fs::write(&source, "the rest").unwrap();
        fs::write(folder.join("page-1.js.br"), "copy").unwrap();
        // Twice: what it wrote itself is no part of the page.
        write(&folder, &source).unwrap();
        write(&folder, &source).unwrap();
        let list = serde_json::from_slice(&fs::read(folder.join(LIST)).unwrap()).unwrap();
        let worker = fs::read_to_string(folder.join(WORKER)).unwrap();
        fs::remove_dir_all(folder).unwrap();
        fs::remove_file(source).unwrap();
        (list, worker)
    }

    #[test]
    fn every_file_is_listed_with_its_hash() {
        let (list, worker) = listed("listed", "<p>hello");
        let paths: Vec<_> = list["files"].as_array().unwrap().iter().map(|f| &f["path"]).collect();
        assert_eq!(paths, ["dreams/a.jpg", "index.html", "page-1.js"]);
        assert_eq!(list["script"], "page-1.js");
        // From `printf x | sha256sum`, and the same in base64.
        assert_eq!(
            list["files"][2]["sha256"],
            "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
        );
        assert!(worker.contains("sha256-LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE="));
        assert!(worker.contains("\"site.json\": \"sha256-"), "{worker}");
        assert!(worker.ends_with("the rest"), "{worker}");
    }

    #[test]
    fn another_byte_is_another_version() {
        let versions = [("one", "<p>hello"), ("other", "<p>hallo")]
            .map(|(name, page)| listed(name, page).0["version"].clone());
        assert_ne!(versions[0], versions[1]);
        assert_eq!(versions[0].as_str().unwrap().len(), 16);
    }
}
