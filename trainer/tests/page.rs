//! The server of `pellucid explore`: the site with one's own bundles over it, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use shared::format::bundle::{Entry, Index, SCHEMA};
use trainer::page::{Answer, Page, Query, Server};

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn index(folder: &Path, names: &[&str]) {
    let entry = |name: &&str| Entry {
        path: (*name).to_owned(),
        title: format!("{name} of {}", folder.parent().unwrap().file_name().unwrap().display()),
        weights: Some(true),
        weights_coming: false,
    };
    let index = Index { schema: SCHEMA, bundles: names.iter().map(entry).collect() };
    write(&folder.join("index.json"), &index.to_json().unwrap());
}

/// A site with two bundles, a run that has one of them itself, and a secret beside both.
fn page(root: &Path) -> Page {
    let (site, bundles) = (root.join("site"), root.join("run/bundles"));
    write(&site.join("index.html"), "<title>page</title>");
    write(&site.join("a b.wasm"), "0123456789");
    write(&site.join("a b.wasm.br"), "small");
    write(&site.join("bundles/googlenet/bundle.json"), "theirs");
    write(&site.join("bundles/efficientnet-lite0/bundle.json"), "theirs");
    write(&site.join("bundles/efficientnet-lite0/gallery/0.jpg"), "theirs");
    index(&site.join("bundles"), &["googlenet", "efficientnet-lite0"]);
    write(&bundles.join("efficientnet-lite0/bundle.json"), "own");
    index(&bundles, &["efficientnet-lite0"]);
    write(&root.join("secret"), "secret");
    write(&root.join("run/secret"), "secret");
    Page { site, bundles }
}

fn query(path: &str) -> Query {
    let host = Some("127.0.0.1:8017".to_owned());
    Query { method: "GET".to_owned(), path: path.to_owned(), host, ..Query::default() }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let found = answer.headers.iter().find(|(held, _)| *held == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn ones_own_bundles_come_first_and_take_the_place_of_the_sites() {
    let root = tempfile::tempdir().unwrap();
    let page = page(root.path());
    let get = |path: &str| page.answer(&query(path));
    assert_eq!(get("/").body, b"<title>page</title>");
    assert_eq!(get("/bundles/googlenet/bundle.json").body, b"theirs");
    assert_eq!(get("/bundles/efficientnet-lite0/bundle.json").body, b"own");
    // A bundle is of one piece.
    assert_eq!(get("/bundles/efficientnet-lite0/gallery/0.jpg").status, 404);
    let listed = Index::parse(&get("/bundles/index.json").body).unwrap().bundles;
    let titles: Vec<_> = listed.iter().map(|entry| entry.title.as_str()).collect();
    assert_eq!(titles, ["efficientnet-lite0 of run", "googlenet of site"]);
}

#[test]
fn files_have_their_types_and_tags_and_the_copies_that_a_browser_understands() {
    let root = tempfile::tempdir().unwrap();
    let page = page(root.path());
    let ask = |codings: &str, known_tag: Option<&str>| {
        let (codings, known_tag) = (codings.to_owned(), known_tag.map(str::to_owned));
        page.answer(&Query { codings, known_tag, ..query("/a%20b.wasm") })
    };
    let whole = ask("", None);
    assert_eq!((whole.status, whole.body.as_slice()), (200, &b"0123456789"[..]));
    assert_eq!(header(&whole, "Content-Type"), Some("application/wasm"));
    assert_eq!(header(&whole, "Cache-Control"), Some("no-cache"));
    assert_eq!(header(&whole, "Vary"), Some("Accept-Encoding"));
    let copy = ask("gzip, br", None);
    assert_eq!(
        (copy.body.as_slice(), header(&copy, "Content-Encoding")),
        (&b"small"[..], Some("br"))
    );
    let again = ask("gzip, br", header(&copy, "ETag"));
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(ask("br;q=0", None).body, whole.body);
    // Of what the file was before.
    let old = File::create(root.path().join("site/a b.wasm.br")).unwrap();
    old.set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    assert_eq!(ask("br", None).body, whole.body);
}

#[test]
fn no_path_leaves_the_folders() {
    let root = tempfile::tempdir().unwrap();
    let page = page(root.path());
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "/bundles/../../secret",
        "/bundles/efficientnet-lite0/../../secret",
        "/bundles/efficientnet-lite0/%2e%2e/%2e%2e/secret",
        "/..%2fsecret",
        "/..%5csecret",
        "/%",
        "/%+1",
        "/%00",
        "/nothing",
        "/bundles/nothing/bundle.json",
    ] {
        let found = page.answer(&query(path));
        assert!([400, 404].contains(&found.status), "{path}: {}", found.status);
    }
    let absolute = format!("/{}", root.path().join("secret").display());
    assert_eq!(page.answer(&query(&absolute)).status, 404);
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folders_are_not_followed() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let page = page(root.path());
    symlink(root.path().join("secret"), page.site.join("link")).unwrap();
    symlink(root.path(), page.bundles.join("link")).unwrap();
    for path in ["/link", "/bundles/link/secret"] {
        assert_eq!(page.answer(&query(path)).status, 404, "{path}");
    }
}

#[test]
fn only_reading_is_answered_and_only_to_this_machine() {
    let root = tempfile::tempdir().unwrap();
    let page = page(root.path());
    let put = Query { method: "PUT".to_owned(), ..query("/") };
    assert_eq!(page.answer(&put).status, 405);
    for (host, status) in [
        (Some("localhost:8017"), 200),
        (Some("[::1]:8017"), 200),
        (Some("127.0.0.1"), 200),
        (Some("rebound.example.org:8017"), 403),
        (None, 403),
    ] {
        let host = host.map(str::to_owned);
        assert_eq!(
            page.answer(&Query { host: host.clone(), ..query("/") }).status,
            status,
            "{host:?}"
        );
    }
}

#[test]
fn a_server_answers_many_at_once_and_ends_when_it_is_told() {
    let root = tempfile::tempdir().unwrap();
    let page = page(root.path());
    let server = Server::bind(Some(0)).unwrap();
    let url = server.url();
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let running = scope.spawn(|| server.run(page, || ended.load(Ordering::Relaxed)));
        let send = |request: &str| {
            let mut stream = TcpStream::connect(&address).unwrap();
            let request =
                format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            stream
        };
        let read = |mut stream: TcpStream| {
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        };
        // Connections that say nothing keep nobody waiting.
        let idle: Vec<_> = (0..8).map(|_| TcpStream::connect(&address).unwrap()).collect();
        let whole = read(send("GET /a%20b.wasm"));
        assert!(whole.starts_with("HTTP/1.1 200 OK\r\n") && whole.ends_with("\r\n\r\n0123456789"));
        let head = read(send("HEAD /a%20b.wasm")).to_lowercase();
        assert!(head.contains("content-length: 10\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(read(send("GET /../run/secret")).starts_with("HTTP/1.1 400"));
        drop(idle);
        ended.store(true, Ordering::Relaxed);
        running.join().unwrap().unwrap();
    });
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    let taken = Server::bind(Some(0)).unwrap();
    let port = taken.url().rsplit_once(':').unwrap().1.trim_end_matches('/').parse().unwrap();
    let error = Server::bind(Some(port)).unwrap_err();
    assert!(error.to_string().contains("name another with --port"), "{error}");
}
