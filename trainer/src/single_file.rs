//! A built site and bundles as one HTML file that opens from a disk.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use shared::format::bundle::{Bundle, Entry, Index, SCHEMA};
use shared::format::single_file::{File, pack};
use shared::format::site::{PAGE, Site};
use shared::models;

use crate::bundle::{Existing, INDEX, MANIFEST};
use crate::output;

/// Where a site has its bundles.
const BUNDLES: &str = "bundles";

/// What goes into the file.
#[derive(Clone, Debug)]
pub struct Talk {
    /// The folder that `cargo xtask build` wrote.
    pub site: PathBuf,
    /// Bundles, by their name in the site or by their folder; the first is the one that opens.
    pub bundles: Vec<String>,
    /// What follows the page's address, such as `?objective=mixed4a:11`: the file leads through them.
    pub views: Vec<String>,
}

/// Writes the file, whole or not at all; returns its length in bytes.
pub fn write(talk: &Talk, out: &Path) -> Result<u64> {
    let (page, site, mut packed) = read_site(&talk.site)?;
    let mut entries: Vec<Entry> = Vec::new();
    for name in &talk.bundles {
        let folder = bundle_folder(&talk.site, name)?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if entries.iter().any(|entry| entry.path == name) {
            bail!("two bundles are called {name:?}; rename the folder of one");
        }
        let bundle = read_bundle(&folder, &name, &mut packed)?;
        let title = models::info(&bundle.model)?.title.to_owned();
        let weights = Some(bundle.weights.is_some());
        entries.push(Entry { path: name, title, weights, weights_coming: false });
    }
    let index = Index { schema: SCHEMA, bundles: entries }.to_json()?;
    Index::parse(index.as_bytes()).context("listing the bundles")?;
    packed.push(smaller(format!("{BUNDLES}/{INDEX}"), index.into_bytes())?);
    let text = pack(&page, &site, &packed, &talk.views)?;
    output::write_whole(out, |out| Ok(out.write_all(text.as_bytes())?))?;
    Ok(text.len() as u64)
}

fn read_site(folder: &Path) -> Result<(String, Site, Vec<File>)> {
    let list = folder.join("site.json");
    let bytes = fs::read(&list).with_context(|| {
        format!(
            "reading {}: is {} a site? `cargo xtask build --out DIR` writes one",
            list.display(),
            folder.display()
        )
    })?;
    let site = Site::parse(&bytes).with_context(|| list.display().to_string())?;
    let mut page = None;
    let mut packed = Vec::new();
    for part in &site.files {
        let path = folder.join(&part.path);
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        part.check(&bytes).with_context(|| {
            format!("{} is not as it was built; build the site again", folder.display())
        })?;
        if part.path == PAGE {
            let text = String::from_utf8(bytes);
            page = Some(text.with_context(|| format!("{PAGE} is no text"))?);
        } else {
            packed.push(smaller(part.path.clone(), bytes)?);
        }
    }
    let page = page.with_context(|| format!("{} lists no {PAGE}", list.display()))?;
    Ok((page, site, packed))
}

/// The folder of a bundle: of the site's own by its name, else as a path.
fn bundle_folder(site: &Path, name: &str) -> Result<PathBuf> {
    let own = site.join(BUNDLES).join(name);
    let found = [own, PathBuf::from(name)].into_iter().find(|folder| is_bundle(folder));
    let found = found.with_context(|| {
        format!("--bundle {name}: neither a bundle of {} nor the folder of one", site.display())
    })?;
    // So that `.` and `..` have a name too.
    found.canonicalize().with_context(|| found.display().to_string())
}

fn is_bundle(folder: &Path) -> bool {
    folder.join(MANIFEST).is_file()
}

/// Reads, checks and packs a bundle's parts.
fn read_bundle(folder: &Path, name: &str, packed: &mut Vec<File>) -> Result<Bundle> {
    let existing = Existing::open(folder)?;
    for part in existing.bundle.parts() {
        let bytes = existing.read(part)?;
        packed.push(smaller(format!("{BUNDLES}/{name}/{}", part.path), bytes)?);
    }
    let manifest = existing.bundle.to_json()?.into_bytes();
    packed.push(smaller(format!("{BUNDLES}/{name}/{MANIFEST}"), manifest)?);
    Ok(existing.bundle)
}

/// The file, compressed where that is worth it.
fn smaller(path: String, bytes: Vec<u8>) -> Result<File> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes).with_context(|| format!("compressing {path}"))?;
    let compressed = encoder.finish().with_context(|| format!("compressing {path}"))?;
    Ok(File::smaller(path, bytes, compressed))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD as BASE64;
    use flate2::read::GzDecoder;
    use shared::format::bundle::{Part, labels_to_text};

    use super::*;

    const PAGE_TEXT: &str = "<html><head></head><body><h1>Hi</h1></body></html>";

    /// A site with a bundle that has no weights.
    fn site() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let files = [
            (PAGE, PAGE_TEXT.as_bytes().to_vec()),
            ("page-1.js", b"export default 1;".repeat(100)),
            ("page-1_bg.wasm", (0..=255).collect()),
        ];
        for (path, bytes) in &files {
            fs::write(root.path().join(path), bytes).unwrap();
        }
        let parts = files.each_ref().map(|(path, bytes)| Part::of(path, bytes));
        let list = serde_json::json!({
            "version": "0123456789abcdef", "script": "page-1.js", "files": parts,
        });
        fs::write(root.path().join("site.json"), list.to_string()).unwrap();

        let info = models::info("googlenet").unwrap();
        let n_classes = info.layers.last().unwrap().channels;
        let labels = labels_to_text(&vec!["a class".to_owned(); n_classes]);
        let bundle = Bundle::new(&info, None, Part::of("labels.txt", labels.as_bytes()));
        let folder = root.path().join("bundles/googlenet");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("labels.txt"), labels).unwrap();
        fs::write(folder.join("bundle.json"), bundle.to_json().unwrap()).unwrap();
        root
    }

    fn talk(site: &Path) -> Talk {
        Talk {
            site: site.to_owned(),
            bundles: vec!["googlenet".to_owned()],
            views: vec!["?objective=mixed4a:11".to_owned()],
        }
    }

    /// A file inside, as the page will read it.
    fn inside(text: &str, path: &str) -> Option<Vec<u8>> {
        let (_, rest) = text.split_once(&format!("data-inside=\"{path}\""))?;
        let (gzip, rest) = rest.split_once('>')?;
        let bytes = BASE64.decode(rest.split_once('<')?.0).unwrap();
        if gzip.is_empty() {
            return Some(bytes);
        }
        let mut plain = Vec::new();
        GzDecoder::new(&bytes[..]).read_to_end(&mut plain).unwrap();
        Some(plain)
    }

    #[test]
    fn page_and_bundle_are_in_the_file_as_they_were() {
        let site = site();
        let out = site.path().join("talk.html");
        let length = write(&talk(site.path()), &out).unwrap();
        let text = fs::read_to_string(&out).unwrap();
        assert_eq!(text.len() as u64, length);
        for path in [
            "page-1.js",
            "page-1_bg.wasm",
            "bundles/googlenet/bundle.json",
            "bundles/googlenet/labels.txt",
        ] {
            let original = fs::read(site.path().join(path)).unwrap();
            assert_eq!(inside(&text, path).as_deref(), Some(&original[..]), "{path}");
        }
        let index = Index::parse(&inside(&text, "bundles/index.json").unwrap()).unwrap();
        assert_eq!(index.bundles[0].path, "googlenet");
        assert!(text.contains("<h1>Hi</h1>") && text.contains("?objective=mixed4a:11"));
    }

    #[test]
    fn a_bundle_may_lie_anywhere() {
        let site = site();
        let elsewhere = tempfile::tempdir().unwrap();
        let folder = elsewhere.path().join("mine");
        fs::rename(site.path().join("bundles/googlenet"), &folder).unwrap();
        let bundles = vec![folder.to_string_lossy().into_owned()];
        let out = elsewhere.path().join("talk.html");
        write(&Talk { bundles, ..talk(site.path()) }, &out).unwrap();
        let text = fs::read_to_string(&out).unwrap();
        assert!(inside(&text, "bundles/mine/labels.txt").is_some());
    }

    #[test]
    fn a_damaged_site_or_bundle_is_named_and_leaves_no_file() {
        for (damaged, named) in [
            ("page-1_bg.wasm", "build the site again"),
            ("bundles/googlenet/labels.txt", "labels.txt"),
            ("bundles/googlenet/bundle.json", "bundle.json"),
        ] {
            let site = site();
            fs::write(site.path().join(damaged), "something else").unwrap();
            let out = site.path().join("talk.html");
            let error = write(&talk(site.path()), &out).unwrap_err();
            assert!(format!("{error:#}").contains(named), "{error:#}");
            assert!(!out.exists());
        }
        let empty = tempfile::tempdir().unwrap();
        let error = write(&talk(empty.path()), &empty.path().join("talk.html")).unwrap_err();
        assert!(format!("{error:#}").contains("cargo xtask build"), "{error:#}");
    }
}
