//! A file over HTTP: resumed after any interruption, never taken for whole when it is not.
//!
//! Bytes go to one file, the part, which stays behind when a download fails; beside it lies what
//! the next run needs to go on ([`PartOrigin`]). The part is locked while in use, so two runs cannot
//! write to it at once, and the lock goes with the process however that ends.

mod error;
mod part;

use std::io::{self, Read};
use std::path::Path;
use std::thread;
use std::time::Duration;

use ureq::Agent;
use ureq::http::{HeaderMap, Response, StatusCode, header};

use crate::interrupt;
use crate::progress::{Counted, Progress};

pub use error::DownloadError;
pub use part::{Part, PartOrigin};

/// Bytes read at a time, and so how much a kill can cost.
const CHUNK: usize = 64 * 1024;

/// How patient a download is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection, name look-up included.
    pub connect: Duration,
    /// For the next bytes.
    pub stall: Duration,
    /// Tries in a row that bring nothing new before it gives up.
    pub attempts: u32,
    /// Before the second try; each further one waits twice as long.
    pub pause: Duration,
    /// Files longer than this are refused, in bytes.
    pub limit: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            attempts: 5,
            pause: Duration::from_secs(1),
            limit: 2 << 30,
        }
    }
}

/// What ended one attempt.
enum Failure {
    /// Another attempt may do better.
    Passing(String),
    /// The connection was not even made.
    Unreachable(String),
    /// No attempt will.
    Lasting(DownloadError),
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        Self::Lasting(error)
    }
}

/// Brings the file at `address` to the part at `path` and returns it, complete and still locked.
///
/// `hash` is what the caller will compare the whole with, if it is known: then an interrupted
/// download goes on even where the server offers nothing to tell versions apart by, and with what
/// came from another address of the same file.
pub fn download(
    address: &str,
    path: &Path,
    hash: Option<&str>,
    patience: &Patience,
) -> Result<Part, DownloadError> {
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(Some(patience.connect))
        .timeout_connect(Some(patience.connect))
        .timeout_per_read(Some(patience.stall))
        .user_agent(concat!("pellucid/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut part = Part::open(path)?;
    let mut fruitless = 0;
    loop {
        let before = part.length()?;
        let failure = match attempt(&agent, address, &mut part, hash, patience) {
            Ok(()) => return Ok(part),
            Err(Failure::Lasting(error)) => {
                part.leave()?;
                return Err(error);
            }
            // With nothing here and no way there, patience only delays the answer.
            Err(Failure::Unreachable(reason)) if part.length()? == 0 => {
                part.leave()?;
                return Err(DownloadError::Unreachable { address: address.to_owned(), reason });
            }
            Err(Failure::Unreachable(reason) | Failure::Passing(reason)) => reason,
        };
        fruitless = if before < part.length()? { 1 } else { fruitless + 1 };
        if patience.attempts <= fruitless {
            part.leave()?;
            return Err(DownloadError::GaveUp { attempts: fruitless, reason: failure });
        }
        let pause = patience.pause * 2_u32.pow(fruitless - 1);
        eprintln!("download interrupted ({failure}); trying again in {:.0} s", pause.as_secs_f64());
        thread::sleep(pause);
        if interrupt::requested() {
            return Err(DownloadError::Stopped);
        }
    }
}

fn attempt(
    agent: &Agent,
    address: &str,
    part: &mut Part,
    hash: Option<&str>,
    patience: &Patience,
) -> Result<(), Failure> {
    let start = part.resumable(address, hash)?;
    let mut request = agent.get(address).header(header::ACCEPT_ENCODING, "identity");
    if let Some(origin) = &start {
        request = request.header(header::RANGE, format!("bytes={}-", part.length()?));
        if let Some(validator) = &origin.validator {
            request = request.header(header::IF_RANGE, validator);
        }
    }
    let response = request.call().map_err(connection_failure)?;
    let status = response.status();
    if is_web_page(response.headers()) && status.is_success() {
        return Err(DownloadError::WebPage { address: address.to_owned() }.into());
    }
    let total = match (status, start) {
        (StatusCode::PARTIAL_CONTENT, Some(origin)) => {
            continued(part, &origin, response.headers())?
        }
        // Also the answer of servers that know no ranges, or whose file has changed.
        (StatusCode::OK, _) => {
            let total = content_length(response.headers());
            let validator = validator(response.headers());
            let (address, hash) = (address.to_owned(), hash.map(str::to_owned));
            part.restart(&PartOrigin { address, validator, total, hash })?;
            total
        }
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => {
            let whole = content_range(response.headers()).and_then(|range| range.total);
            if whole.is_some() && whole == Some(part.length()?) {
                return Ok(());
            }
            part.clear()?;
            return Err(Failure::Passing("the file there is another one by now".to_owned()));
        }
        (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS, _) => {
            return Err(Failure::Passing(format!("the server answered {status}")));
        }
        _ if status.is_server_error() => {
            return Err(Failure::Passing(format!("the server answered {status}")));
        }
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
            return Err(DownloadError::Gated { address: address.to_owned(), status }.into());
        }
        _ => return Err(DownloadError::Refused { address: address.to_owned(), status }.into()),
    };
    receive(address, response, part, total, patience)
}

/// The length of the whole file, once the server has shown that it goes on where we stopped.
fn continued(
    part: &mut Part,
    origin: &PartOrigin,
    headers: &HeaderMap,
) -> Result<Option<u64>, Failure> {
    let length = part.length()?;
    let range = content_range(headers);
    let total = range.and_then(|range| range.total);
    let fits = range.is_some_and(|range| range.start == Some(length))
        && (origin.total.is_none() || total.is_none() || total == origin.total);
    if !fits {
        part.clear()?;
        return Err(Failure::Passing("the server sent another piece than asked for".to_owned()));
    }
    Ok(total.or(origin.total))
}

fn receive(
    address: &str,
    response: Response<ureq::Body>,
    part: &mut Part,
    total: Option<u64>,
    patience: &Patience,
) -> Result<(), Failure> {
    let too_long = || DownloadError::TooLong { address: address.to_owned(), limit: patience.limit };
    if total.is_some_and(|total| patience.limit < total) {
        return Err(too_long().into());
    }
    let mut done = part.length()?;
    let mut progress = Progress::resumed("download", done, total, Counted::Bytes);
    let mut body = response.into_body().into_reader();
    let mut chunk = vec![0; CHUNK];
    loop {
        if interrupt::requested() {
            return Err(DownloadError::Stopped.into());
        }
        let count = match body.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::Passing(error.to_string())),
        };
        if done == 0 && begins_like_a_page(&chunk[..count]) {
            return Err(DownloadError::WebPage { address: address.to_owned() }.into());
        }
        done += count as u64;
        if patience.limit < done {
            return Err(too_long().into());
        }
        part.append(&chunk[..count])?;
        progress.advance(count as u64);
    }
    progress.finish();
    match total {
        Some(total) if done < total => {
            Err(Failure::Passing(format!("the connection ended after {done} of {total} bytes")))
        }
        Some(total) if total < done => {
            part.clear()?;
            Err(Failure::Passing(format!("{done} bytes came, {total} were announced")))
        }
        _ => Ok(()),
    }
}

/// Sorts failures by what another attempt can do about them.
fn connection_failure(error: ureq::Error) -> Failure {
    use ureq::{Error, Timeout};
    match &error {
        Error::HostNotFound => Failure::Unreachable("its name is not known here".to_owned()),
        Error::ConnectionFailed => Failure::Unreachable("no connection".to_owned()),
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            Failure::Unreachable("no answer".to_owned())
        }
        Error::Io(cause) => match cause.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::TimedOut
            | io::ErrorKind::WouldBlock => Failure::Passing(cause.to_string()),
            // Refused, no route, no name: the last of these has no kind of its own.
            _ => Failure::Unreachable(cause.to_string()),
        },
        Error::BadUri(_) | Error::Http(_) | Error::InvalidProxyUrl => {
            Failure::Unreachable(error.to_string())
        }
        _ => Failure::Passing(error.to_string()),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, header::CONTENT_LENGTH)?.parse().ok()
}

fn is_web_page(headers: &HeaderMap) -> bool {
    text(headers, header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html"))
}

/// No weights format begins with markup.
fn begins_like_a_page(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'<')
}

/// What tells one version of a file from another: a strong ETag, else the date.
/// Weak ETags do not promise the same bytes.
fn validator(headers: &HeaderMap) -> Option<String> {
    let etag = text(headers, header::ETAG).filter(|etag| etag.starts_with('"'));
    etag.or_else(|| text(headers, header::LAST_MODIFIED)).map(str::to_owned)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ContentRange {
    /// First byte of the piece; `None` when there is no piece, only a length.
    start: Option<u64>,
    /// Length of the whole file, if said.
    total: Option<u64>,
}

/// `bytes 100-199/200`, `bytes 100-199/*`, `bytes */200`
fn content_range(headers: &HeaderMap) -> Option<ContentRange> {
    let (piece, total) =
        text(headers, header::CONTENT_RANGE)?.strip_prefix("bytes ")?.split_once('/')?;
    let start = match piece.split_once('-') {
        Some((start, _)) => Some(start.trim().parse().ok()?),
        None => None,
    };
    Some(ContentRange { start, total: total.trim().parse().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, header::HeaderValue::from_static(value))])
    }

    #[test]
    fn content_ranges_are_read_or_refused() {
        let range = |value| content_range(&with(header::CONTENT_RANGE, value));
        let known = |start, total| Some(ContentRange { start, total });
        assert_eq!(range("bytes 100-199/200"), known(Some(100), Some(200)));
        assert_eq!(range("bytes 100-199/*"), known(Some(100), None));
        assert_eq!(range("bytes */200"), known(None, Some(200)));
        assert_eq!(range("bytes x-199/200"), None);
        assert_eq!(range("lines 1-2/3"), None);
    }

    #[test]
    fn only_what_tells_bytes_apart_validates() {
        assert_eq!(validator(&with(header::ETAG, "\"v1\"")).as_deref(), Some("\"v1\""));
        assert_eq!(validator(&with(header::ETAG, "W/\"v1\"")), None);
        let date = "Mon, 02 Nov 2026 10:00:00 GMT";
        assert_eq!(validator(&with(header::LAST_MODIFIED, date)).as_deref(), Some(date));
    }

    #[test]
    fn markup_is_no_weights_file() {
        assert!(begins_like_a_page(b"\n <!DOCTYPE html>"));
        assert!(!begins_like_a_page(b"PK\x03\x04"));
        assert!(!begins_like_a_page(b""));
    }
}
