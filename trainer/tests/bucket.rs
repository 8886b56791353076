//! A store in an object storage: a real server of S3, and lines to it that fail.

#![allow(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

#[allow(dead_code, reason = "it reads JSON for other tests")]
mod bench;
mod made;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use trainer::shards::bucket::{Bucket, Patience};
use trainer::shards::shelf::Shelf;

use bench::{Bench, stderr};
use made::stripes;

/// A server of S3 that keeps its objects in a folder, with one bucket, `bucket`.
fn server(root: &Path) -> SocketAddr {
    fs::create_dir_all(root.join("bucket")).unwrap();
    let mut service = S3ServiceBuilder::new(FileSystem::new(root).unwrap());
    service.set_auth(SimpleAuth::from_single("key", "secret"));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
    });
    address
}

/// What becomes of a connection to a server.
#[derive(Clone, Copy)]
enum Line {
    /// All goes through.
    Good,
    /// Nothing is ever answered.
    Stalls,
    /// It ends when so many bytes have gone there.
    EndsThere(usize),
    /// It ends when so many bytes have come back.
    EndsBack(usize),
}

/// A way to a server on which the first connections are as `lines` says and all others good; how
/// many there have been.
fn way(server: SocketAddr, lines: &'static [Line]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    thread::spawn(move || {
        for client in listener.incoming() {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            let line = lines.get(number).copied().unwrap_or(Line::Good);
            let client = client.unwrap();
            thread::spawn(move || {
                if matches!(line, Line::Stalls) {
                    thread::sleep(Duration::from_secs(60));
                    return;
                }
                let server = TcpStream::connect(server).unwrap();
                let (there, back) = match line {
                    Line::EndsThere(bytes) => (bytes, usize::MAX),
                    Line::EndsBack(bytes) => (usize::MAX, bytes),
                    _ => (usize::MAX, usize::MAX),
                };
                let [from, to] = [client.try_clone().unwrap(), server.try_clone().unwrap()];
                thread::spawn(move || carry(from, to, there));
                carry(server, client, back);
            });
        }
    });
    (address, count)
}

/// Carries bytes until there are no more, or so many were: then both ends are cut.
fn carry(mut from: TcpStream, mut to: TcpStream, mut most: usize) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let carried = count.min(most);
        if to.write_all(&bytes[..carried]).is_err() || count > carried {
            break;
        }
        most -= carried;
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn variables(server: SocketAddr) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT", format!("http://{server}")),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", "key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_TIMEOUT", "2s".to_owned()),
    ]
}

/// A folder to work in, with so many pictures of stripes.
fn bench(pictures: usize) -> Bench {
    let bench = Bench::new("record", made::weights());
    fs::create_dir(bench.path("pictures")).unwrap();
    for number in 0..pictures {
        stripes(number).save(bench.path("pictures").join(format!("{number}.png"))).unwrap();
    }
    bench
}

const CALL: [&str; 8] =
    ["googlenet", "conv2d1", "--images", "pictures", "--shard-size", "2", "--dtype", "f32"];

fn run(bench: &Bench, server: SocketAddr, args: &[&str]) -> Output {
    bench.command(args).envs(variables(server)).output().unwrap()
}

/// The files of a store and their bytes; those that the server keeps for itself are hidden.
fn files(store: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in [store.to_owned(), store.join("shards")] {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.path().is_file() && !name.starts_with('.') {
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

#[test]
fn a_store_in_a_bucket_is_the_one_in_a_folder() {
    let bench = bench(5);
    let server = server(&bench.path("served"));
    bench.succeed(&[CALL.as_slice(), &["--out", "local"]].concat());
    let call =
        |part| [CALL.as_slice(), &["--partition", part, "--out", "s3://bucket/a/store"]].concat();
    for part in ["1/2", "2/2"] {
        let output = run(&bench, server, &call(part));
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert!(files(&bench.path("served/bucket/a/store")) == files(&bench.path("local")));
    let output = run(&bench, server, &call("1/1"));
    assert!(stderr(&output).contains("s3://bucket/a/store: there already"), "{}", stderr(&output));

    let look = ["--verify", "s3://bucket/a/store"];
    assert!(run(&bench, server, &look).status.success());
    let other = [&call("1/1"), ["--tokens", "pooled"].as_slice()].concat();
    let output = run(&bench, server, &other);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--tokens patches, not pooled"), "{}", stderr(&output));

    // Damage is found there too.
    let shards = bench.path("served/bucket/a/store/shards");
    let data = bench.names("served/bucket/a/store/shards");
    let data = data.iter().find(|name| name.ends_with(".f32") && !name.starts_with('.')).unwrap();
    let mut bytes = fs::read(shards.join(data)).unwrap();
    bytes[9] ^= 1;
    fs::write(shards.join(data), bytes).unwrap();
    assert_eq!(run(&bench, server, &look).status.code(), Some(1));
}

#[test]
fn large_files_go_in_pieces_and_are_the_same() {
    let bench = bench(0);
    let server = server(&bench.path("served"));
    let bucket = open(server, Patience::default());
    let mut file = bucket.begin(0).unwrap();
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|number| (number % 251) as u8).collect();
    file.write_all(&bytes).unwrap();
    bucket.keep(file, "shards/large").unwrap();
    assert!(fs::read(bench.path("served/bucket/store/shards/large")).unwrap() == bytes);
    assert_eq!(bucket.list("shards").unwrap(), BTreeMap::from([("large".to_owned(), 20_000_000)]));
    let mut heard = 0;
    let sha256 = bucket.sha256("shards/large", &mut |bytes| heard += bytes).unwrap();
    assert_eq!((sha256, heard), (trainer::hash::sha256(&bytes), 20_000_000));
    assert!(bucket.read("shards/large", 100).unwrap_err().to_string().contains("at most 100"));
    assert!(bucket.create("store.json", b"first").unwrap());
    assert!(!bucket.create("store.json", b"later").unwrap());
    assert_eq!(bucket.read("store.json", 100).unwrap().unwrap(), b"first");
    assert_eq!(bucket.read("nothing", 100).unwrap(), None);
}

fn open(server: SocketAddr, patience: Patience) -> Bucket {
    let variables = variables(server).into_iter().map(|(name, value)| (name.to_owned(), value));
    Bucket::open("s3://bucket/store", variables, patience).unwrap()
}

#[test]
fn a_server_that_stalls_or_fails_half_way_is_asked_again() {
    let bench = bench(5);
    let server = server(&bench.path("served"));
    bench.succeed(&[CALL.as_slice(), &["--out", "local"]].concat());
    const BAD: [Line; 6] = [
        Line::Stalls,
        Line::EndsBack(10),
        Line::EndsThere(100_000),
        Line::Stalls,
        Line::EndsBack(300),
        Line::EndsThere(1_000_000),
    ];
    let (way, connections) = way(server, &BAD);
    let output = run(&bench, way, &[CALL.as_slice(), &["--out", "s3://bucket/store"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let connections = connections.load(Ordering::SeqCst);
    assert!(BAD.len() < connections, "{connections} connections");
    assert!(files(&bench.path("served/bucket/store")) == files(&bench.path("local")));
}

#[test]
fn a_server_that_never_answers_ends_it_with_its_name_and_nothing_half_done() {
    let bench = bench(0);
    let server = server(&bench.path("served"));
    let (way, _) = way(server, &[Line::Stalls; 100]);
    let bucket = open(way, Patience { retries: 1, time: Duration::from_secs(3) });
    let error = format!("{:#}", bucket.put("shards/000000.json", b"record").unwrap_err());
    assert!(error.contains("writing s3://bucket/store/shards/000000.json"), "{error}");
    assert!(!bench.path("served/bucket/store").exists());
}

#[test]
fn a_key_that_is_wrong_is_said_at_once() {
    let bench = bench(1);
    let server = server(&bench.path("served"));
    let mut command = bench.command(&[CALL.as_slice(), &["--out", "s3://bucket/store"]].concat());
    command.envs(variables(server)).env("AWS_SECRET_ACCESS_KEY", "wrong");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("s3://bucket/store/store.json"), "{}", stderr(&output));
}
