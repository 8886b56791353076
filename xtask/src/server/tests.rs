use std::time::Duration;

use super::*;

/// A folder with a page, a module of ten bytes and a secret beside the folder.
fn site(name: &str) -> PathBuf {
    let base = std::env::temp_dir().join(format!("xtask-server-{}-{name}", std::process::id()));
    let root = base.join("site");
    fs::create_dir_all(root.join("inner")).unwrap();
    fs::write(root.join("index.html"), "<title>page</title>").unwrap();
    fs::write(root.join("inner/index.html"), "inner").unwrap();
    fs::write(root.join("a b.wasm"), "0123456789").unwrap();
    fs::write(base.join("secret"), "secret").unwrap();
    root
}

fn get(root: &Path, address: &str) -> Answer {
    answer(root, &Query { method: "GET".into(), address: address.into(), ..Query::default() })
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let found = answer.headers.iter().find(|(held, _)| *held == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn a_folder_answers_with_its_page_whatever_the_query() {
    let root = site("page");
    assert_eq!(get(&root, "/").body, b"<title>page</title>");
    assert_eq!(get(&root, "/?model=googlenet").body, b"<title>page</title>");
    assert_eq!(get(&root, "/inner/").body, b"inner");
    assert_eq!(header(&get(&root, "/inner"), "Location"), Some("/inner/"));
    assert_eq!(get(&root, "/absent").status, 404);
}

#[test]
fn wasm_has_its_own_media_type() {
    let root = site("type");
    let found = get(&root, "/a%20b.wasm");
    assert_eq!(found.status, 200);
    assert_eq!(header(&found, "Content-Type"), Some("application/wasm"));
}

#[test]
fn no_path_leaves_the_folder() {
    let root = site("escape");
    for path in
        ["/../secret", "/%2e%2e/secret", "/inner/../../secret", "/..%2fsecret", "/%", "/%00"]
    {
        let found = get(&root, path);
        assert!([400, 404].contains(&found.status), "{path}: {}", found.status);
        assert_ne!(found.body, b"secret", "{path}");
    }
    let absolute = format!("/{}", root.parent().unwrap().join("secret").display());
    assert_ne!(get(&root, &absolute).body, b"secret");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let root = site("link");
    let link = root.join("link");
    if !link.exists() {
        std::os::unix::fs::symlink(root.parent().unwrap().join("secret"), &link).unwrap();
    }
    assert_eq!(get(&root, "/link").status, 404);
}

#[test]
fn a_known_tag_is_answered_without_the_bytes() {
    let root = site("tag");
    let tag = header(&get(&root, "/"), "ETag").unwrap().to_owned();
    let again = Query {
        method: "GET".into(),
        address: "/".into(),
        known_tag: Some(tag),
        ..Query::default()
    };
    let found = answer(&root, &again);
    assert_eq!((found.status, found.body.len()), (304, 0));
}

#[test]
fn a_range_is_answered_with_just_those_bytes() {
    let root = site("range");
    let range = |range: &str| {
        answer(
            &root,
            &Query {
                method: "GET".into(),
                address: "/a%20b.wasm".into(),
                range: Some(range.into()),
                ..Query::default()
            },
        )
    };
    let cases: [(&str, u16, &[u8]); 8] = [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=10-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=3-1", 200, b"0123456789"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
    ];
    for (asked, status, body) in cases {
        let found = range(asked);
        assert_eq!((found.status, found.body.as_slice()), (status, body), "{asked}");
    }
    assert_eq!(header(&range("bytes=0-3"), "Content-Range"), Some("bytes 0-3/10"));
}

#[test]
fn a_compressed_copy_is_sent_to_whoever_understands_it() {
    let root = site("copies");
    fs::write(root.join("index.html.gz"), "gzip").unwrap();
    fs::write(root.join("index.html.br"), "brotli").unwrap();
    fs::write(root.join("a b.wasm.gz"), "gz").unwrap();
    let ask = |address: &str, codings: &str, range: Option<&str>, tag: Option<&str>| {
        let (range, known_tag) = (range.map(str::to_owned), tag.map(str::to_owned));
        let codings = Some(codings.to_owned());
        let (method, address) = ("GET".to_owned(), address.to_owned());
        answer(&root, &Query { method, address, range, known_tag, codings })
    };
    let mut tags = Vec::new();
    for (address, codings, body, coding) in [
        ("/", "gzip, deflate, br, zstd", &b"brotli"[..], Some("br")),
        ("/", "gzip;q=0.5, br;q=0", b"gzip", Some("gzip")),
        ("/", "deflate", b"<title>page</title>", None),
        ("/a%20b.wasm", "br, gzip", b"gz", Some("gzip")),
    ] {
        let found = ask(address, codings, None, None);
        assert_eq!((found.status, found.body.as_slice()), (200, body), "{codings}");
        assert_eq!(header(&found, "Content-Encoding"), coding, "{codings}");
        assert_eq!(header(&found, "Vary"), Some("Accept-Encoding"), "{codings}");
        assert_eq!(header(&found, "Accept-Ranges").is_some(), coding.is_none(), "{codings}");
        let tag = header(&found, "ETag").unwrap().to_owned();
        let again = ask(address, codings, None, Some(&tag));
        assert_eq!((again.status, again.body.len()), (304, 0), "{codings}");
        tags.push(tag);
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "each representation has a tag of its own: {tags:?}");
    let part = ask("/a%20b.wasm", "gzip", Some("bytes=0-3"), None);
    assert_eq!((part.status, part.body.as_slice()), (206, &b"0123"[..]));
    assert_eq!(header(&part, "Content-Encoding"), None);
}

#[test]
fn a_copy_of_what_a_file_was_before_is_not_sent() {
    let root = site("stale");
    let copy = File::create(root.join("index.html.br")).unwrap();
    copy.set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    let query = Query {
        method: "GET".into(),
        address: "/".into(),
        codings: Some("br".into()),
        ..Query::default()
    };
    assert_eq!(answer(&root, &query).body, b"<title>page</title>");
}

#[test]
fn only_reading_is_answered() {
    let root = site("method");
    let query = Query { method: "PUT".into(), address: "/".into(), ..Query::default() };
    assert_eq!(answer(&root, &query).status, 405);
}

#[test]
fn a_started_server_answers_over_the_network_and_states_the_length() {
    let root = site("network");
    let server = Server::start(0, move |query| answer(&root, query)).unwrap();
    let mut response = ureq::get(format!("{}a%20b.wasm", server.url())).call().unwrap();
    assert_eq!(response.headers().get("content-length").unwrap(), "10");
    assert_eq!(response.body_mut().read_to_string().unwrap(), "0123456789");
    // Many at once, over connections that stay open: none may wait for another.
    let connections: Vec<_> = (0..40)
        .map(|_| TcpStream::connect(server.url().replace("http://", "").trim_end_matches('/')))
        .collect::<io::Result<_>>()
        .unwrap();
    for mut stream in connections.iter().rev() {
        stream.write_all(b"GET /inner/ HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "HTTP/1.1 200 OK");
    }
    let head = ureq::head(format!("{}a%20b.wasm", server.url())).call().unwrap();
    assert_eq!(head.headers().get("content-length").unwrap(), "10");
}
