//! `site.json`: the files that make the page, as `cargo xtask build` lists them beside it.

use super::document::parse_json;
use super::field::Field;
use super::part::Part;
use crate::Result;

/// The longest `site.json` that is read, in bytes.
pub const SITE_LIMIT: usize = 1 << 20;

/// The largest file of a page that is accepted, in bytes.
const FILE_LIMIT: u64 = 256 << 20;

/// The most files of a page.
const FILES_LIMIT: usize = 10_000;

/// The page itself, in every site.
pub const PAGE: &str = "index.html";

/// `site.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Changes with every byte of the page; 16 hexadecimal digits.
    pub version: String,
    /// The window's program: `page-HASH.js`, with `page-HASH_bg.wasm` beside it.
    pub script: String,
    /// Every file of the page, itself included. Bundles are not among them: each lists its own.
    pub files: Vec<Part>,
}

impl Site {
    /// Reads and checks `site.json`.
    ///
    /// # Errors
    /// Name the field, say what was found and what can stand there.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let value = parse_json("site.json", bytes, SITE_LIMIT)?;
        let root = Field::root("site.json", &value);
        let version = root.get("version")?;
        let is_version = version.text()?.len() == 16
            && version.text()?.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_version {
            return Err(version.wrong("expected 16 hexadecimal digits"));
        }
        let listed = root.get("files")?;
        let files: Vec<Part> = listed
            .items(FILES_LIMIT)?
            .iter()
            .map(|file| Part::read(file, FILE_LIMIT))
            .collect::<Result<_>>()?;
        let script = root.get("script")?;
        for needed in [PAGE, script.text()?, &module(script.text()?)] {
            if !files.iter().any(|file| file.path == needed) {
                return Err(listed.wrong(format!("{needed:?} is not among them")));
            }
        }
        Ok(Self { version: version.text()?.to_owned(), script: script.text()?.to_owned(), files })
    }

    /// The window's wasm.
    pub fn module(&self) -> String {
        module(&self.script)
    }
}

/// The wasm beside a script that wasm-bindgen made.
fn module(script: &str) -> String {
    format!("{}_bg.wasm", script.strip_suffix(".js").unwrap_or(script))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(script: &str, paths: &[&str]) -> String {
        let file = |path: &&str| {
            format!(r#"{{"path":"{path}","size":1,"sha256":"{}"}}"#, "0123456789abcdef".repeat(4))
        };
        let files: Vec<String> = paths.iter().map(file).collect();
        format!(
            r#"{{"version":"0123456789abcdef","script":"{script}","files":[{}]}}"#,
            files.join(",")
        )
    }

    #[test]
    fn a_site_names_its_program() {
        let text = text("page-1.js", &["index.html", "page-1.js", "page-1_bg.wasm"]);
        let site = Site::parse(text.as_bytes()).unwrap();
        assert_eq!((site.files.len(), site.module().as_str()), (3, "page-1_bg.wasm"));
    }

    #[test]
    fn a_site_that_lacks_its_page_or_leaves_its_folder_is_refused_by_name() {
        for (text, named) in [
            (text("page.js", &["page.js", "page_bg.wasm"]), "index.html"),
            (text("page.js", &["index.html", "page.js"]), "page_bg.wasm"),
            (text("page.js", &["../index.html"]), "files[0].path"),
            (text("page.js", &[]).replace("0123456789abcdef", "x"), "version"),
        ] {
            let error = Site::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
