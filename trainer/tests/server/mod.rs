//! A small HTTP server whose every answer is scripted, good or bad.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Where the wanted piece begins, if only a piece is wanted.
    pub from: Option<usize>,
    /// The version the piece must be of.
    pub if_range: Option<String>,
}

/// What the client gets.
#[derive(Clone, Debug)]
pub struct Answer {
    /// For example `200 OK`.
    pub status: &'static str,
    /// Whole lines, without line ends.
    pub headers: Vec<String>,
    /// Sent after the headers, whatever they announce.
    pub body: Vec<u8>,
    /// Afterwards: silence for this long before the connection ends.
    pub silence: Duration,
}

impl Answer {
    /// The whole of a file.
    pub fn whole(file: &[u8]) -> Self {
        Self {
            status: "200 OK",
            headers: vec![format!("Content-Length: {}", file.len()), "ETag: \"v1\"".to_owned()],
            body: file.to_vec(),
            silence: Duration::ZERO,
        }
    }

    /// What an honest server sends of a file.
    pub fn honest(file: &[u8], asked: &Asked) -> Self {
        let same_version = asked.if_range.as_deref().is_none_or(|version| version == "\"v1\"");
        match asked.from {
            Some(from) if same_version && from < file.len() => Self {
                status: "206 Partial Content",
                headers: vec![
                    format!("Content-Length: {}", file.len() - from),
                    format!("Content-Range: bytes {from}-{}/{}", file.len() - 1, file.len()),
                    "ETag: \"v1\"".to_owned(),
                ],
                body: file[from..].to_vec(),
                silence: Duration::ZERO,
            },
            Some(_) if same_version => Self {
                status: "416 Range Not Satisfiable",
                headers: vec![
                    "Content-Length: 0".to_owned(),
                    format!("Content-Range: bytes */{}", file.len()),
                ],
                body: Vec::new(),
                silence: Duration::ZERO,
            },
            _ => Self::whole(file),
        }
    }

    /// The same, but the connection ends after so many bytes of the body.
    pub fn cut(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }

    /// The same, but nothing follows for so long.
    pub fn silent(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// Only a status.
    pub fn status(status: &'static str) -> Self {
        let headers = vec!["Content-Length: 0".to_owned()];
        Self { status, headers, body: Vec::new(), silence: Duration::ZERO }
    }
}

/// A server on a port of its own, until the test ends.
pub struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each request with `script(request, its number from 0)`.
    pub fn start(script: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (record, script) = (Arc::clone(&asked), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (record, script) = (Arc::clone(&record), Arc::clone(&script));
                thread::spawn(move || serve(stream, &record, script.as_ref()));
            }
        });
        Self { port, asked }
    }

    /// The address of a file here.
    pub fn address(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, record: &Mutex<Vec<Asked>>, script: &dyn Fn(&Asked, usize) -> Answer) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut asked = Asked { from: None, if_range: None };
    let mut is_request = false;
    while let Some(Ok(line)) = lines.next() {
        is_request |= line.starts_with("GET ");
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(": ") else { continue };
        if name.eq_ignore_ascii_case("range") {
            let from = value.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-'));
            asked.from = from.map(|from| from.parse().unwrap());
        }
        if name.eq_ignore_ascii_case("if-range") {
            asked.if_range = Some(value.to_owned());
        }
    }
    if !is_request {
        return;
    }
    let number = {
        let mut record = record.lock().unwrap();
        record.push(asked.clone());
        record.len() - 1
    };
    let answer = script(&asked, number);
    let mut head = format!("HTTP/1.1 {}\r\nConnection: close\r\n", answer.status);
    answer.headers.iter().for_each(|header| head.push_str(&format!("{header}\r\n")));
    head.push_str("\r\n");
    let mut stream = stream;
    // A client that leaves in the middle is part of the test.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer.body));
    thread::sleep(answer.silence);
}
