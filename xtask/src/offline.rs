//! What lets a site be kept: the list of its files, and the service worker that keeps them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::stamp;

/// The list of the page's files.
pub const LIST: &str = "site.json";

/// The script that keeps them; `public/service_worker.js` with what it must know before it.
pub const WORKER: &str = "service_worker.js";

/// Writes both into a site, when everything else of it is in its place. `worker` is the text of
/// `public/service_worker.js`, `bundles` the folder of the bundles in the site.
pub fn write(site: &Path, worker: &str, bundles: &str) -> Result<()> {
    let mut files = Vec::new();
    let mut lists = Vec::new();
    let mut hashes = Map::new();
    let mut whole = Sha256::new();
    let mut scripts = Vec::new();
    for file in stamp::files_below(site)? {
        let inner = file.strip_prefix(site).unwrap_or(&file);
        if [LIST, WORKER].map(Path::new).contains(&inner) {
            continue;
        }
        // As in an address, also where folders are divided by something else.
        let names: Vec<_> = inner.iter().map(|name| name.to_string_lossy()).collect();
        let path = names.join("/");
        if inner.starts_with(bundles) {
            if names.last().is_some_and(|name| name == "index.json" || name == "bundle.json") {
                lists.push(path);
            }
            continue;
        }
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
        bail!("{} has {scripts:?} as the page's script, expected one", site.display());
    };
    let version = hexadecimal(&whole.finalize()[..8]);
    let list = json!({ "version": version, "script": script, "files": files });
    put(&site.join(LIST), &format!("{list:#}\n"))?;
    let files = Value::Object(hashes);
    let before = format!(
        "const VERSION = \"{version}\";\nconst FILES = {files:#};\nconst LISTS = {:#};\n\n",
        json!(lists)
    );
    put(&site.join(WORKER), &(before + worker))
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

    fn listed(page: &str) -> (Value, String) {
        let site = std::env::temp_dir().join(format!(
            "xtask-offline-{}-{}",
            std::process::id(),
            page.len()
        ));
        let _ = fs::remove_dir_all(&site);
        fs::create_dir_all(site.join("bundles/googlenet")).unwrap();
        fs::create_dir_all(site.join("dreams")).unwrap();
        for (path, text) in [
            ("index.html", page),
            ("page-1.js", "x"),
            ("dreams/a.jpg", "picture"),
            ("bundles/googlenet/bundle.json", "{}"),
        ] {
            fs::write(site.join(path), text).unwrap();
        }
        write(&site, "the rest", "bundles").unwrap();
        let list = serde_json::from_slice(&fs::read(site.join(LIST)).unwrap()).unwrap();
        let worker = fs::read_to_string(site.join(WORKER)).unwrap();
        fs::remove_dir_all(site).unwrap();
        (list, worker)
    }

    #[test]
    fn the_list_has_the_page_and_no_bundle() {
        let (list, worker) = listed("<p>hello");
        let paths: Vec<_> = list["files"].as_array().unwrap().iter().map(|f| &f["path"]).collect();
        assert_eq!(paths, ["dreams/a.jpg", "index.html", "page-1.js"]);
        assert_eq!(list["script"], "page-1.js");
        // From `printf x | sha256sum`.
        assert_eq!(
            list["files"][2]["sha256"],
            "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
        );
        assert!(
            worker
                .contains("\"page-1.js\": \"sha256-LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=\"")
        );
        assert!(worker.contains("LISTS = [\n  \"bundles/googlenet/bundle.json\"\n];"), "{worker}");
        assert!(worker.ends_with("the rest"), "{worker}");
    }

    #[test]
    fn another_byte_is_another_version() {
        let versions = ["<p>hello", "<p>hallo!"].map(|page| listed(page).0["version"].clone());
        assert_ne!(versions[0], versions[1]);
        assert_eq!(versions[0].as_str().unwrap().len(), 16);
    }
}
