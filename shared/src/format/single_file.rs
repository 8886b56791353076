//! The page, its engine and bundles as one HTML file that opens from a disk.
//!
//! A browser lets a page from `file://` fetch nothing, so every file travels inside: base64 in a
//! `<script>` element of a type that is not run. A loader (`single_file/loader.js`) turns each into
//! an address of its own and answers the programs' requests with them.

mod markup;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;

use self::markup::Named;
use super::site::{PAGE, Site};
use crate::{Error, Result};

/// The longest file that is written, in characters: browsers hold no text much longer.
const LENGTH_LIMIT: usize = 500_000_000;

/// What makes the programs find their files inside.
const LOADER: &str = include_str!("single_file/loader.js");

/// A gzip stream is worth its unpacking where it saves one byte in this many.
const WORTHWHILE: usize = 20;

/// A file to be put inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where the page looks for it, relative to itself: `bundles/googlenet/bundle.json`.
    pub path: String,
    /// Its bytes, or those of the gzip stream that holds it.
    pub bytes: Vec<u8>,
    /// Whether the bytes are a gzip stream.
    pub gzip: bool,
    /// What it says, if it is a style or a script: such a file stands in the page that names it.
    pub text: Option<String>,
}

impl File {
    /// A file as its bytes or as the gzip stream made of them, whichever serves better.
    pub fn smaller(path: String, bytes: Vec<u8>, gzip_stream: Vec<u8>) -> Self {
        let gzip = gzip_stream.len() < bytes.len() - bytes.len() / WORTHWHILE;
        let is_text = [".css", ".js"].iter().any(|ending| path.ends_with(ending));
        let text = is_text.then(|| String::from_utf8(bytes.clone()).ok()).flatten();
        Self { path, bytes: if gzip { gzip_stream } else { bytes }, gzip, text }
    }
}

/// Writes the page with all its files inside.
///
/// `page` is the text of the site's `index.html`, made with relative addresses. `views` are what may
/// follow the page's address, such as `?objective=mixed4a:11`: the file opens at the first, and Page Down leads through the
/// rest. None opens it as the site would open.
///
/// # Errors
/// When a file of the site is missing, when two share a path, when the page has no end to put them
/// before, or when the result would be longer than browsers read.
pub fn pack(page: &str, site: &Site, files: &[File], views: &[String]) -> Result<String> {
    for needed in site.files.iter().filter(|file| file.path != PAGE) {
        if !files.iter().any(|file| file.path == needed.path) {
            return Err(wrong(format!("{:?} of the site is not among the files", needed.path)));
        }
    }
    for (place, file) in files.iter().enumerate() {
        if !is_plain(&file.path) {
            return Err(wrong(format!("the path {:?} is not plain", file.path)));
        }
        if files[..place].iter().any(|other| other.path == file.path) {
            return Err(wrong(format!("two files share the path {:?}", file.path)));
        }
    }
    let length = files.iter().map(|file| file.bytes.len().div_ceil(3) * 4).sum::<usize>();
    if LENGTH_LIMIT < length {
        return Err(wrong(format!(
            "{length} characters long, at most {LENGTH_LIMIT} can be opened: leave bundles out"
        )));
    }
    let named = |path: &str| match files.iter().find(|file| file.path == path) {
        None => Named::Elsewhere,
        Some(file) => file.text.as_deref().map_or(Named::Inside, Named::Text),
    };
    let page = markup::without_addresses(page, &named)
        .map_err(|path| wrong(format!("{path:?} holds what would end its element in the page")))?;
    let Some((before_head, after_head)) = page.split_once("<head>") else {
        return Err(wrong("the page has no <head>".to_owned()));
    };
    let Some((body, end)) = after_head.rsplit_once("</body>") else {
        return Err(wrong("the page has no </body>".to_owned()));
    };
    let mut text = String::with_capacity(length + page.len() + LOADER.len() + 200 * files.len());
    text.extend([before_head, "<head>\n  <script>\n", &views_script(views)?, "  </script>", body]);
    for File { path, bytes, gzip, .. } in files {
        let gzip = if *gzip { " data-gzip" } else { "" };
        text.extend([
            "<script type=\"application/octet-stream\" data-inside=\"",
            path,
            "\"",
            gzip,
            ">",
        ]);
        BASE64.encode_string(bytes, &mut text);
        text.push_str("</script>\n");
    }
    let (script, module) = (literal(&site.script)?, literal(&site.module())?);
    text.extend(["<script type=\"module\">\nconst SCRIPT = ", &script, ", MODULE = ", &module]);
    text.extend([";\n", LOADER, "</script>\n</body>", end]);
    Ok(text)
}

/// Runs before anything looks at the address.
fn views_script(views: &[String]) -> Result<String> {
    let views = literal(views)?;
    Ok(format!(
        "    globalThis.pellucidViews = {views};\n    \
         if (pellucidViews[0] && !location.search && !location.hash) {{\n      \
         // A sandboxed frame may not change its address.\n      \
         try {{ history.replaceState(null, \"\", pellucidViews[0]); }} catch {{}}\n    }}\n"
    ))
}

/// A value as JavaScript that may stand in a `<script>` element.
fn literal<T: serde::Serialize + ?Sized>(value: &T) -> Result<String> {
    let json = serde_json::to_string(value).map_err(|error| wrong(error.to_string()))?;
    // Nothing that could end the element or open a comment in it.
    Ok(json.replace('<', "\\u003c"))
}

/// Whether a path needs no escape in an attribute or an address.
fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    !path.is_empty() && path.bytes().all(plain) && !path.split('/').any(|name| name == "..")
}

fn wrong(reason: String) -> Error {
    Error::Format { what: "the single file".to_owned(), reason }
}

#[cfg(test)]
mod tests;
