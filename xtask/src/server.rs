//! A small static file server, for this machine only.
//!
//! Answers GET and HEAD with whole files or one range, never with anything outside its folder.
//! Browsers may keep what they got but must ask whether it is still current (`no-cache` with an
//! entity tag), because the engine's files keep their names from build to build. Where compressed
//! copies lie beside a file (`compress.rs`), a browser gets the smallest that it understands.

use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use crate::compress::Coding;
use crate::line::{self, Line};

/// Bytes of a request's head that are read at most; browsers send about one kilobyte.
const LONGEST_HEAD: u64 = 32 << 10;

/// The status of no answer at all.
const SILENCE: u16 = 0;

/// What a browser asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `GET` or `HEAD`.
    pub method: String,
    /// Path and query as sent: `/bundles/googlenet/bundle.json?x=1`.
    pub address: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// The `If-None-Match` header.
    pub known_tag: Option<String>,
    /// The `Accept-Encoding` header.
    pub codings: Option<String>,
}

impl Query {
    /// The path without the query, still percent-encoded.
    #[must_use]
    pub fn path(&self) -> &str {
        self.address.split(['?', '#']).next().unwrap_or_default()
    }
}

/// What the server says.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// Bytes; not sent to `HEAD`.
    pub body: Vec<u8>,
    /// The line on which the body is sent, to rehearse a slow network; as fast as it goes if `None`.
    pub line: Option<Line>,
}

impl Answer {
    fn new(status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Self {
        Self { status, headers, body, line: None }
    }

    /// A status with a line of text for whoever looks.
    #[must_use]
    pub fn text(status: u16, text: &str) -> Self {
        let headers = vec![("Content-Type", "text/plain; charset=utf-8".to_owned())];
        Self::new(status, headers, text.as_bytes().to_vec())
    }

    /// No answer: the connection is closed without a word, as by a host that is not there.
    #[must_use]
    pub fn silence() -> Self {
        Self::new(SILENCE, Vec::new(), Vec::new())
    }
}

/// The answer for one file of a folder.
#[must_use]
pub fn answer(root: &Path, query: &Query) -> Answer {
    if query.method != "GET" && query.method != "HEAD" {
        return Answer::text(405, "only GET and HEAD are answered here\n");
    }
    let Some(relative) = relative_path(query.path()) else {
        return Answer::text(400, "this path leaves the folder that is served\n");
    };
    let mut file = root.join(relative);
    if file.is_dir() {
        if !query.path().ends_with('/') {
            let mut answer = Answer::text(308, "this is a folder\n");
            answer.headers.push(("Location", format!("{}/", query.path())));
            return answer;
        }
        file = file.join("index.html");
    }
    if !stays_inside(root, &file) {
        return Answer::text(404, "there is no such file\n");
    }
    match read(&file, query) {
        Ok(answer) => answer,
        Err(error) => Answer::text(500, &format!("{error:#}\n")),
    }
}

/// The path below the folder; nothing if it tries to climb out.
fn relative_path(path: &str) -> Option<PathBuf> {
    let decoded = percent_decoded(path)?;
    if decoded.contains(['\0', '\\']) {
        return None;
    }
    let relative = PathBuf::from(decoded.trim_start_matches('/'));
    let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    relative.components().all(is_plain).then_some(relative)
}

/// Whether the file exists and is still inside once links are followed.
fn stays_inside(root: &Path, file: &Path) -> bool {
    match (root.canonicalize(), file.canonicalize()) {
        (Ok(root), Ok(file)) => file.starts_with(root) && file.is_file(),
        _ => false,
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

fn read(file: &Path, query: &Query) -> Result<Answer> {
    let data = fs::metadata(file).with_context(|| format!("reading {}", file.display()))?;
    let length = data.len();
    let mut headers = vec![
        ("Content-Type", content_type(file).to_owned()),
        ("Cache-Control", "no-cache".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
    ];
    let copies = copies(file, &data);
    if !copies.is_empty() {
        headers.push(("Vary", "Accept-Encoding".to_owned()));
    }
    // A range is one of the file itself.
    let wanted = query.codings.as_deref().filter(|_| query.range.is_none()).unwrap_or_default();
    let copy = copies.into_iter().find(|(coding, _)| accepts(wanted, coding.name()));
    if let Some((coding, data)) = copy {
        headers.push(("Content-Encoding", coding.name().to_owned()));
        headers.push(("ETag", tag(&data)));
        if query.known_tag == Some(tag(&data)) {
            return Ok(Answer::new(304, headers, Vec::new()));
        }
        let copy = coding.copy_of(file);
        let body = fs::read(&copy).with_context(|| format!("reading {}", copy.display()))?;
        return Ok(Answer::new(200, headers, body));
    }
    headers.push(("Accept-Ranges", "bytes".to_owned()));
    headers.push(("ETag", tag(&data)));
    if query.known_tag == Some(tag(&data)) {
        return Ok(Answer::new(304, headers, Vec::new()));
    }
    let (status, start, count) = match query.range.as_deref().map(|range| span(range, length)) {
        // No range, or a form that may be ignored: the whole file is a correct answer.
        None | Some(Span::Whole) => (200, 0, length),
        Some(Span::Part { first, last }) => {
            headers.push(("Content-Range", format!("bytes {first}-{last}/{length}")));
            (206, first, last - first + 1)
        }
        Some(Span::Outside) => {
            headers.push(("Content-Range", format!("bytes */{length}")));
            return Ok(Answer::new(416, headers, Vec::new()));
        }
    };
    let mut body = Vec::new();
    let mut source = File::open(file).with_context(|| format!("opening {}", file.display()))?;
    source.seek(SeekFrom::Start(start)).context("seeking to the range")?;
    source.take(count).read_to_end(&mut body).context("reading the range")?;
    Ok(Answer::new(status, headers, body))
}

/// What tells a file from what it was before, and from its copies.
fn tag(data: &Metadata) -> String {
    let changed = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("\"{:x}-{:x}\"", data.len(), changed.map_or(0, |time| time.as_nanos()))
}

/// The compressed copies of a file. One that is older is of what it was before.
fn copies(file: &Path, data: &Metadata) -> Vec<(Coding, Metadata)> {
    let is_newer = |copy: &Metadata| match (copy.modified(), data.modified()) {
        (Ok(copied), Ok(changed)) => changed <= copied,
        _ => false,
    };
    let copy = |coding: Coding| Some((coding, coding.copy_of(file).metadata().ok()?));
    Coding::ALL.into_iter().filter_map(copy).filter(|(_, copy)| is_newer(copy)).collect()
}

/// Whether an `Accept-Encoding` header has this coding (RFC 9110, section 12.5.3).
fn accepts(header: &str, coding: &str) -> bool {
    header.split(',').any(|wish| {
        let (name, weight) = wish.split_once(';').unwrap_or((wish, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case(coding) && weight != Some(0.0)
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Span {
    Whole,
    Part { first: u64, last: u64 },
    Outside,
}

/// What a `Range` header asks of a file of `length` bytes (RFC 9110, section 14).
fn span(range: &str, length: u64) -> Span {
    let Some(one) = range.strip_prefix("bytes=").filter(|list| !list.contains(',')) else {
        return Span::Whole;
    };
    let Some((first, last)) = one.split_once('-') else { return Span::Whole };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first > last => Span::Whole,
        (Ok(first), _) if first >= length => Span::Outside,
        (Ok(first), Ok(last)) => Span::Part { first, last: last.min(length - 1) },
        (Ok(first), Err(_)) if last.trim().is_empty() => Span::Part { first, last: length - 1 },
        (Err(_), Ok(0)) => Span::Outside,
        (Err(_), Ok(_)) if first.trim().is_empty() && length == 0 => Span::Outside,
        (Err(_), Ok(count)) if first.trim().is_empty() => {
            Span::Part { first: length.saturating_sub(count), last: length - 1 }
        }
        _ => Span::Whole,
    }
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
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A running server; it takes no more connections once dropped.
pub struct Server {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on this machine's own address and answers with `respond`; port 0 is any free one.
    pub fn start(
        port: u16,
        respond: impl Fn(&Query) -> Answer + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("port {port} cannot be used; name another one with --port"))?;
        let address = listener.local_addr().context("the server has no address")?;
        let closing = Arc::new(AtomicBool::new(false));
        let must_close = Arc::clone(&closing);
        let respond = Arc::new(respond);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if must_close.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let respond = Arc::clone(&respond);
                // One thread a connection: browsers keep them open, and none may wait for another.
                thread::spawn(move || {
                    // A browser that goes away in the middle is not our trouble.
                    let _ = converse(&stream, respond.as_ref());
                });
            }
        });
        Ok(Self { address, closing, thread: Some(thread) })
    }

    /// Where it is: `http://127.0.0.1:8080/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers until the process is ended.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // If it panicked, it has said so itself.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is to stop.
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers one request after another until the browser hangs up.
fn converse(stream: &TcpStream, respond: &dyn Fn(&Query) -> Answer) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let Some(request) = Request::read(&mut reader)? else { return Ok(()) };
        let is_head = request.query.method == "HEAD";
        // Another method may bring a body, which would be taken for the next request.
        let stays = request.keep_alive && (is_head || request.query.method == "GET");
        let answer = respond(&request.query);
        if answer.status == SILENCE {
            return Ok(());
        }
        send(stream, answer, is_head, stays)?;
        if !stays {
            return Ok(());
        }
    }
}

/// A request's first line and the headers we care about (RFC 9112).
struct Request {
    query: Query,
    keep_alive: bool,
}

impl Request {
    /// Reads the next request; nothing if the browser has hung up or does not speak HTTP.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = reader.take(LONGEST_HEAD);
        let mut line = String::new();
        head.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (Some(method), Some(address), Some(version)) =
            (words.next(), words.next(), words.next())
        else {
            return Ok(None);
        };
        let mut query =
            Query { method: method.to_owned(), address: address.to_owned(), ..Query::default() };
        let mut keep_alive = version == "HTTP/1.1";
        loop {
            let mut line = String::new();
            if head.read_line(&mut line)? == 0 {
                // Cut off, or longer than any browser's.
                return Ok(None);
            }
            let Some((name, value)) = line.split_once(':') else { break };
            let value = value.trim().to_owned();
            match name.to_ascii_lowercase().as_str() {
                "range" => query.range = Some(value),
                "if-none-match" => query.known_tag = Some(value),
                "accept-encoding" => query.codings = Some(value),
                "connection" => keep_alive &= !value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        Ok(Some(Self { query, keep_alive }))
    }
}

fn send(mut stream: &TcpStream, answer: Answer, is_head: bool, stays: bool) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if answer.status != 304 {
        head += &format!("Content-Length: {}\r\n", answer.body.len());
    }
    head += if stays { "\r\n" } else { "Connection: close\r\n\r\n" };
    stream.write_all(head.as_bytes())?;
    if is_head {
        return Ok(());
    }
    let Some(line) = answer.line else { return stream.write_all(&answer.body) };
    for piece in answer.body.chunks(line::PIECE) {
        line.pass(piece.len());
        stream.write_all(piece)?;
    }
    Ok(())
}

/// What stands beside the number of a status, for people who read along.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        304 => "Not Modified",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        416 => "Range Not Satisfiable",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests;
