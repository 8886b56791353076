//! What is answered to a browser: a file of the site or of the bundles over it, and nothing else.
//!
//! Headers are those of `cargo xtask serve`: browsers may keep what they got but must ask whether it
//! is still current, and get the smallest of a file's compressed copies that they understand.

use std::fs::{self, Metadata};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use shared::format::bundle::Index;

use crate::bundle::INDEX;

/// Where bundles lie below a site.
const BUNDLES: &str = "bundles";

/// Codings of compressed copies with the endings of their files, the smaller first.
const COPIES: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// What is served.
#[derive(Clone, Debug)]
pub struct Page {
    /// The site.
    pub site: PathBuf,
    /// A folder of bundles with its `index.json`, which come before the site's.
    pub bundles: PathBuf,
}

/// What a browser asked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// `GET` or `HEAD`.
    pub method: String,
    /// The path as sent, percent-encoded: `/bundles/googlenet/bundle.json`.
    pub path: String,
    /// The `Host` header.
    pub host: Option<String>,
    /// The `If-None-Match` header.
    pub known_tag: Option<String>,
    /// The `Accept-Encoding` header.
    pub codings: String,
}

/// What it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// Not sent to `HEAD`.
    pub body: Vec<u8>,
}

impl Answer {
    fn text(status: u16, text: &str) -> Self {
        let headers = vec![("Content-Type", "text/plain; charset=utf-8".to_owned())];
        Self { status, headers, body: format!("{text}\n").into_bytes() }
    }

    /// That something went wrong here.
    pub(super) fn failed(why: &str) -> Self {
        Self::text(500, why)
    }

    fn missing() -> Self {
        Self::text(404, "there is no such file")
    }
}

impl Page {
    /// The answer to a query.
    pub fn answer(&self, query: &Query) -> Answer {
        if query.method != "GET" && query.method != "HEAD" {
            return Answer::text(405, "only GET and HEAD are answered here");
        }
        // A name of somebody else's that leads here would let their page read what is served.
        if !query.host.as_deref().is_some_and(is_this_machine) {
            return Answer::text(403, "this page is for the machine it is on: 127.0.0.1");
        }
        let Some(path) = relative(&query.path) else {
            return Answer::text(400, "this path leaves the folder that is served");
        };
        let Ok(inner) = path.strip_prefix(BUNDLES) else {
            return file(&self.site, &path, query);
        };
        if inner == Path::new(INDEX) {
            return self.index();
        }
        // A bundle is of one piece: what the run's own lacks is not taken from the site's.
        let is_own = inner.iter().next().is_some_and(|name| self.bundles.join(name).is_dir());
        if is_own { file(&self.bundles, inner, query) } else { file(&self.site, &path, query) }
    }

    /// The run's own bundles, then those of the site that have other names.
    fn index(&self) -> Answer {
        let read = |path: PathBuf| Index::parse(&fs::read(path).ok()?).ok();
        let Some(mut index) = read(self.bundles.join(INDEX)) else { return Answer::missing() };
        if let Some(theirs) = read(self.site.join(BUNDLES).join(INDEX)) {
            let own: Vec<String> = index.bundles.iter().map(|entry| entry.path.clone()).collect();
            index.bundles.extend(theirs.bundles.into_iter().filter(|one| !own.contains(&one.path)));
        }
        match index.to_json() {
            Ok(text) => {
                Answer { status: 200, headers: headers(Path::new(INDEX)), body: text.into_bytes() }
            }
            Err(error) => Answer::failed(&error.to_string()),
        }
    }
}

/// Whether a `Host` header names this machine, at whatever port.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

/// The path below the folder; nothing if it tries to climb out.
fn relative(path: &str) -> Option<PathBuf> {
    let decoded = percent_decoded(path)?;
    if decoded.contains(['\0', '\\']) {
        return None;
    }
    let relative = PathBuf::from(decoded.trim_start_matches('/'));
    relative.components().all(|part| matches!(part, Component::Normal(_))).then_some(relative)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
        bytes.push((16 * high + low) as u8);
    }
    String::from_utf8(bytes).ok()
}

/// The answer for one file of a folder.
fn file(root: &Path, path: &Path, query: &Query) -> Answer {
    let mut file = root.join(path);
    if file.is_dir() {
        file = file.join("index.html");
    }
    // Links are followed, but not out of the folder.
    let is_inside = match (root.canonicalize(), file.canonicalize()) {
        (Ok(root), Ok(file)) => file.starts_with(root) && file.is_file(),
        _ => false,
    };
    let Some(data) = is_inside.then(|| file.metadata().ok()).flatten() else {
        return Answer::missing();
    };
    let mut headers = headers(&file);
    let copies = copies(&file, &data);
    if !copies.is_empty() {
        headers.push(("Vary", "Accept-Encoding".to_owned()));
    }
    let copy = copies.into_iter().find(|(coding, ..)| accepts(&query.codings, coding));
    let (sent, data) = match copy {
        Some((coding, copy, data)) => {
            headers.push(("Content-Encoding", coding.to_owned()));
            (copy, data)
        }
        None => (file, data),
    };
    let tag = tag(&data);
    headers.push(("ETag", tag.clone()));
    if query.known_tag == Some(tag) {
        return Answer { status: 304, headers, body: Vec::new() };
    }
    match fs::read(&sent) {
        Ok(body) => Answer { status: 200, headers, body },
        Err(error) => Answer::failed(&format!("reading {}: {error}", path.display())),
    }
}

fn headers(file: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("Content-Type", content_type(file).to_owned()),
        ("Cache-Control", "no-cache".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
    ]
}

/// The compressed copies of a file. One that is older is of what it was before.
fn copies(file: &Path, data: &Metadata) -> Vec<(&'static str, PathBuf, Metadata)> {
    let copy = |(coding, ending): (&'static str, &str)| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        let path = PathBuf::from(name);
        let copy = path.metadata().ok()?;
        (data.modified().ok()? <= copy.modified().ok()?).then_some((coding, path, copy))
    };
    COPIES.into_iter().filter_map(copy).collect()
}

/// Whether an `Accept-Encoding` header has this coding (RFC 9110, section 12.5.3).
fn accepts(header: &str, coding: &str) -> bool {
    header.split(',').any(|wish| {
        let (name, weight) = wish.split_once(';').unwrap_or((wish, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case(coding) && weight != Some(0.0)
    })
}

/// What tells a file from what it was before, and from its copies.
fn tag(data: &Metadata) -> String {
    let changed = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("\"{:x}-{:x}\"", data.len(), changed.map_or(0, |time| time.as_nanos()))
}

/// The media type a browser needs to hear; wasm is compiled while it streams only under its own.
fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "webmanifest") => "application/json; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("gif") => "image/gif",
        Some("ico") => "image/x-icon",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
