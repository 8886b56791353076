//! Styles and scripts beside the page: the styles joined, each file named after what is in it.
//!
//! Nothing of either stands in the page, so a content security policy of `default-src 'self'`
//! forbids none of it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::stamp;

/// The page, in its folder.
const PAGE: &str = "index.html";

/// How the page names a style of the checkout, before the file's name.
const STYLE: &str = "<link rel=\"stylesheet\" href=\"public/style/";

/// How it names a script.
const SCRIPT: &str = "<script src=\"public/";

/// Takes the styles and scripts that a page names from the checkout, and has it name those of its
/// own folder.
pub fn place(page: &Path, checkout: &Path) -> Result<()> {
    let file = page.join(PAGE);
    let html = String::from_utf8(stamp::read(&file)?)
        .with_context(|| format!("{} is not text", file.display()))?;
    let html = with_styles(&html, page, &checkout.join("public/style"))?;
    let html = with_scripts(&html, page, &checkout.join("public"))?;
    refuse_inline(&html)?;
    fs::write(&file, html).with_context(|| format!("writing {}", file.display()))
}

/// The page with one style in place of many.
fn with_styles(html: &str, page: &Path, folder: &Path) -> Result<String> {
    let mut pieces = html.split(STYLE);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    let (mut styles, mut rest) = (String::new(), String::new());
    for piece in pieces {
        let (name, after) = piece.split_once("\">").context("a link to a style does not end")?;
        styles += &read(folder, name)?;
        rest += after.trim_start();
    }
    if !styles.is_empty() {
        let name = put(page, "style", "css", &styles)?;
        text += &format!("<link rel=\"stylesheet\" href=\"./{name}\">\n  {rest}");
    }
    Ok(text)
}

/// The page with its scripts by their own names.
fn with_scripts(html: &str, page: &Path, folder: &Path) -> Result<String> {
    let mut pieces = html.split(SCRIPT);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, after) = piece.split_once('"').context("a script's name does not end")?;
        let stem = name.strip_suffix(".js").with_context(|| format!("{name} is no script"))?;
        let name = put(page, stem, "js", &read(folder, name)?)?;
        text += &format!("<script src=\"./{name}\"{after}");
    }
    Ok(text)
}

fn read(folder: &Path, name: &str) -> Result<String> {
    let file = folder.join(name);
    fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
}

/// Writes a text under a name that changes with it; returns the name.
fn put(page: &Path, stem: &str, ending: &str, text: &str) -> Result<String> {
    let hash = Sha256::digest(text);
    let hash: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("{stem}-{hash}.{ending}");
    let file = page.join(&name);
    fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    Ok(name)
}

/// Refuses a page that holds what a strict policy forbids.
fn refuse_inline(html: &str) -> Result<()> {
    let markup = without_comments(html);
    let named = |tag: &str| tag.contains(" src=");
    let script = markup.split("<script").skip(1).find(|after| {
        let tag = after.split('>').next().unwrap_or_default();
        !named(tag)
    });
    let inline = script.or_else(|| markup.split_once("<style").map(|(_, after)| after));
    let inline = inline.or_else(|| markup.split_once(" style=").map(|(_, after)| after));
    if let Some(inline) = inline {
        let start: String = inline.chars().take(80).collect();
        bail!("the page has a script or a style in it, which belongs into public/: {start:?}");
    }
    Ok(())
}

fn without_comments(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split("<!--") {
        text += if text.is_empty() { piece } else { piece.split_once("-->").unwrap_or_default().1 };
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const HTML: &str = "<!doctype html><head>\n  <!-- a <style> -->\n  \
        <link rel=\"stylesheet\" href=\"public/style/a.css\">\n  \
        <link rel=\"stylesheet\" href=\"public/style/b.css\">\n  <title>x</title></head>\
        <script src=\"public/start.js\" defer></script>";

    /// A checkout with two styles and a script, and a page of this text.
    fn folders(name: &str, html: &str) -> (PathBuf, PathBuf) {
        let base = std::env::temp_dir().join(format!("xtask-assets-{}-{name}", std::process::id()));
        let (checkout, page) = (base.join("checkout"), base.join("page"));
        fs::create_dir_all(checkout.join("public/style")).unwrap();
        fs::create_dir_all(&page).unwrap();
        for (path, text) in
            [("style/a.css", "a {}\n"), ("style/b.css", "b {}\n"), ("start.js", "start();")]
        {
            fs::write(checkout.join("public").join(path), text).unwrap();
        }
        fs::write(page.join(PAGE), html).unwrap();
        (page, checkout)
    }

    #[test]
    fn styles_become_one_file_and_scripts_keep_theirs() {
        let (page, checkout) = folders("joined", HTML);
        place(&page, &checkout).unwrap();
        let html = fs::read_to_string(page.join(PAGE)).unwrap();
        assert!(!html.contains("public/"), "{html}");
        let named = |before: &str| {
            let (_, after) = html.split_once(before).unwrap();
            fs::read_to_string(page.join(after.split('"').next().unwrap())).unwrap()
        };
        assert_eq!(named("href=\"./"), "a {}\nb {}\n");
        assert_eq!(named("src=\"./"), "start();");
        assert_eq!(html.matches("stylesheet").count(), 1, "{html}");
        assert!(html.contains("<title>x</title>") && html.contains("\" defer>"), "{html}");
    }

    #[test]
    fn what_a_strict_policy_forbids_is_refused() {
        for (name, inline) in [
            ("script", "<script>go()</script>"),
            ("module", "<script type=\"module\">go()</script>"),
            ("style", "<style>a {}</style>"),
            ("attribute", "<p style=\"color: red\">"),
        ] {
            let (page, checkout) = folders(name, &format!("{HTML}{inline}"));
            let error = place(&page, &checkout).unwrap_err().to_string();
            assert!(error.contains("public/"), "{error}");
        }
    }
}
