//! Downloads from servers that stall, truncate, resume, change their mind and lie.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, process};

use server::{Answer, Asked, Server};
use shared::models::inception::Variant;
use shared::weights::{NamedTensor, Precision, to_safetensors};
use trainer::convert::convert;
use trainer::download::{DownloadError, Patience, download};
use trainer::fetch::{Hash, Mirror, Request, fetch, fetch_from};
use trainer::hash;
use trainer::weights::Weights;

const HASTE: Patience = Patience {
    connect: Duration::from_secs(5),
    stall: Duration::from_millis(300),
    attempts: 3,
    pause: Duration::from_millis(1),
    limit: 10 << 20,
};

/// Some bytes that no piece of themselves could be taken for.
fn file() -> Vec<u8> {
    (0..300_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Downloads into a fresh folder and gives what arrived.
fn downloaded(server: &Server) -> Result<Vec<u8>, DownloadError> {
    let folder = tempfile::tempdir().unwrap();
    let part = download(&server.address("weights"), &folder.path().join("part"), None, &HASTE)?;
    Ok(fs::read(part.path()).unwrap())
}

/// Where each request began.
fn starts(server: &Server) -> Vec<Option<usize>> {
    server.asked().into_iter().map(|asked| asked.from).collect()
}

#[test]
fn a_file_arrives_as_it_is() {
    let server = Server::start(|asked, _| Answer::honest(&file(), asked));
    assert_eq!(downloaded(&server).unwrap(), file());
    assert_eq!(starts(&server), [None]);
}

#[test]
fn a_connection_that_ends_early_is_resumed_where_it_ended() {
    let server = Server::start(|asked, number| {
        let answer = Answer::honest(&file(), asked);
        if number < 2 { answer.cut(100_000) } else { answer }
    });
    assert_eq!(downloaded(&server).unwrap(), file());
    assert_eq!(starts(&server), [None, Some(100_000), Some(200_000)]);
    let guards: Vec<_> = server.asked().into_iter().map(|asked| asked.if_range).collect();
    assert_eq!(guards, [None, Some("\"v1\"".to_owned()), Some("\"v1\"".to_owned())]);
}

#[test]
fn a_connection_that_falls_silent_is_left_and_resumed() {
    let server = Server::start(|asked, number| {
        let answer = Answer::honest(&file(), asked);
        if number == 0 { answer.cut(100_000).silent(Duration::from_secs(60)) } else { answer }
    });
    assert_eq!(downloaded(&server).unwrap(), file());
    assert_eq!(starts(&server), [None, Some(100_000)]);
}

#[test]
fn a_server_without_ranges_is_asked_for_the_whole_again() {
    let server = Server::start(|_, number| {
        let answer = Answer::whole(&file());
        if number == 0 { answer.cut(100_000) } else { answer }
    });
    assert_eq!(downloaded(&server).unwrap(), file());
}

#[test]
fn a_file_that_changed_meanwhile_is_not_mixed_with_its_old_self() {
    let new: Vec<u8> = file().into_iter().map(|byte| !byte).collect();
    let expected = new.clone();
    let server = Server::start(move |asked, number| match number {
        0 => Answer::honest(&file(), asked).cut(100_000),
        // The guard no longer fits, so an honest server sends the whole.
        _ => Answer::whole(&new),
    });
    assert_eq!(downloaded(&server).unwrap(), expected);
}

#[test]
fn a_piece_from_the_wrong_place_is_thrown_away() {
    let server = Server::start(|asked, number| match number {
        0 => Answer::honest(&file(), asked).cut(100_000),
        1 => Answer::honest(&file(), &Asked { from: Some(50_000), if_range: None }),
        _ => Answer::honest(&file(), asked),
    });
    assert_eq!(downloaded(&server).unwrap(), file());
    assert_eq!(starts(&server), [None, Some(100_000), None]);
}

#[test]
fn a_piece_of_a_file_of_another_length_is_thrown_away() {
    let server = Server::start(|asked, number| match number {
        0 => Answer::honest(&file(), asked).cut(100_000),
        1 => Answer::honest(&file()[..200_000], asked),
        _ => Answer::honest(&file(), asked),
    });
    assert_eq!(downloaded(&server).unwrap(), file());
}

#[test]
fn an_overloaded_server_is_asked_again() {
    let server = Server::start(|asked, number| match number {
        0 => Answer::status("503 Service Unavailable"),
        _ => Answer::honest(&file(), asked),
    });
    assert_eq!(downloaded(&server).unwrap(), file());
}

#[test]
fn a_part_that_was_complete_already_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part");
    let server = Server::start(|asked, _| Answer::honest(&file(), asked));
    for _ in 0..2 {
        drop(download(&server.address("weights"), &path, None, &HASTE).unwrap());
        assert_eq!(fs::read(&path).unwrap(), file());
    }
    assert_eq!(starts(&server), [None, Some(file().len())]);
}

#[test]
fn a_server_that_never_gets_anywhere_is_given_up_and_what_came_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part");
    let server = Server::start(|asked, _| match asked.from {
        Some(_) => Answer::honest(&file(), asked).cut(0),
        None => Answer::whole(&file()).cut(1_000),
    });
    let error = download(&server.address("weights"), &path, None, &HASTE).unwrap_err();
    assert!(matches!(error, DownloadError::GaveUp { .. }), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().len(), 1_000);
}

#[test]
fn a_web_page_is_not_taken_for_weights() {
    let page = b"<!DOCTYPE html><p>Please log in";
    let honest = Server::start(move |_, _| {
        let mut answer = Answer::whole(page);
        answer.headers.push("Content-Type: text/html; charset=utf-8".to_owned());
        answer
    });
    let lying = Server::start(move |_, _| {
        let mut answer = Answer::whole(page);
        answer.headers.push("Content-Type: application/octet-stream".to_owned());
        answer
    });
    for server in [honest, lying] {
        let error = downloaded(&server).unwrap_err();
        assert!(matches!(error, DownloadError::WebPage { .. }), "{error}");
    }
}

#[test]
fn a_file_that_is_not_there_is_refused_with_its_address() {
    let server = Server::start(|_, _| Answer::status("404 Not Found"));
    let error = downloaded(&server).unwrap_err().to_string();
    assert!(error.contains("404") && error.contains(&server.address("weights")), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_file_for_those_who_signed_in_is_called_that_with_what_to_do() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let server = Server::start(move |_, _| Answer::status(status));
        let folder = tempfile::tempdir().unwrap();
        let request = Request {
            model: "dinov3-vit-s-16".to_owned(),
            ..request(server.address("model.safetensors"), folder.path().join("d.safetensors"))
        };
        let error = format!("{:#}", fetch(&request, &HASTE).unwrap_err());
        for hint in [status, "signed in", "browser", "pellucid import dinov3-vit-s-16 FILE"] {
            assert!(error.contains(hint), "{error}");
        }
        assert_eq!(starts(&server), [None]);
    }
}

#[test]
fn terms_are_told_before_anything_is_downloaded() {
    let server = Server::start(|_, _| Answer::status("401 Unauthorized"));
    let cache = tempfile::tempdir().unwrap();
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_pellucid"));
    command.args(["fetch", "dinov3-vit-b-16", "--from", &server.address("model.safetensors")]);
    let output = command.env("PELLUCID_CACHE", cache.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let terms = said.find("DINOv3 License").unwrap();
    assert!(terms < said.find("fetching").unwrap(), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_file_beyond_the_limit_is_refused_announced_or_not() {
    let endless = Patience { limit: 1_000, ..HASTE };
    for headers in [vec!["Content-Length: 300000".to_owned()], vec![]] {
        let server = Server::start(move |_, _| Answer {
            headers: headers.clone(),
            ..Answer::whole(&file())
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        let error = download(&server.address("weights"), &path, None, &endless).unwrap_err();
        assert!(matches!(error, DownloadError::TooLong { .. }), "{error}");
    }
}

fn request(from: String, target: PathBuf) -> Request {
    Request { model: "googlenet".to_owned(), from: Some(from), force: true, target }
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn without_a_network_the_answer_says_so_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let request = request(nowhere(), folder.path().join("g.safetensors"));
    let error = format!("{:#}", fetch(&request, &HASTE).unwrap_err());
    for hint in ["network", "pellucid import googlenet FILE", "--from"] {
        assert!(error.contains(hint), "{error}");
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_mirror_that_serves_other_bytes_is_caught_by_the_hash_and_the_old_weights_stay() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("googlenet.safetensors");
    fs::write(&target, "old").unwrap();
    let server = Server::start(|asked, _| Answer::honest(&file(), asked));
    let request = request(server.address("bvlc_googlenet.caffemodel"), target.clone());
    let error = format!("{:#}", fetch(&request, &HASTE).unwrap_err());
    assert!(error.contains("405fc5acd08a3bb12de8ee5e23a96bec22f08204"), "{error}");
    assert_eq!(fs::read(&target).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["googlenet.safetensors"]);
}

#[test]
fn bytes_that_are_no_weights_are_caught_by_their_structure() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|asked, _| Answer::honest(&file(), asked));
    let request = request(server.address("mine.safetensors"), folder.path().join("g.safetensors"));
    fetch(&request, &HASTE).unwrap_err();
    assert!(names(folder.path()).is_empty());
}

#[test]
fn weights_are_converted_into_place_and_not_fetched_twice() {
    let (published, _) = published();
    let server = Server::start(move |asked, number| {
        let answer = Answer::honest(&published, asked);
        if number == 0 { answer.cut(9_000_000) } else { answer }
    });
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("weights/googlenet.safetensors");
    let request = request(server.address("mine.safetensors"), target.clone());
    let fetched = fetch(&request, &Patience { limit: 20 << 20, ..HASTE }).unwrap();
    assert_eq!(starts(&server), [None, Some(9_000_000)]);
    assert_eq!(fetched.path, target);
    assert_eq!(names(target.parent().unwrap()), ["googlenet.safetensors"]);
    convert("googlenet", &Weights::File(target.clone()), "", Precision::F32).unwrap();

    let again = fetch(&Request { force: false, ..request }, &HASTE).unwrap();
    assert_eq!((again.sha256, again.source_sha256), (fetched.sha256, None));
    assert_eq!(server.asked().len(), 2);
}

/// Where nothing listens: a port taken once and given back.
fn nowhere() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}/w")
}

/// A network as GoogLeNet's, in a file, and the beginning of the file's hash.
fn published() -> (Vec<u8>, Hash) {
    let tensors = Variant::GoogLeNet.published_tensors().into_iter().map(|(name, shape)| {
        let values = vec![0.5; shape.iter().product()];
        (name, NamedTensor { shape, values })
    });
    let file = to_safetensors(&tensors.collect(), Precision::F16, &BTreeMap::new()).unwrap();
    let begins = hash::sha256(&file)[..8].to_owned();
    // A published hash lives as long as the program does.
    (file, Hash::Sha256Begins(begins.leak()))
}

/// Fetches into a folder from the first of these addresses that gives the file.
fn fetch_any(folder: &Path, sources: &[(&str, Hash)]) -> Result<(), String> {
    let mirrors: Vec<_> = sources.iter().map(|&(address, hash)| Mirror { address, hash }).collect();
    let request = request(String::new(), folder.join("googlenet.safetensors"));
    let fetched = fetch_from(&request, &mirrors, &Patience { limit: 20 << 20, ..HASTE });
    fetched.map(|_| ()).map_err(|error| format!("{error:#}"))
}

#[test]
fn the_next_address_is_tried_where_one_is_dead_lacks_the_file_or_has_another() {
    let (file, hash) = published();
    let lacking = Server::start(|_, _| Answer::status("404 Not Found"));
    let other = Server::start(|asked, _| Answer::honest(b"another file of the same name", asked));
    let right = Server::start(move |asked, _| Answer::honest(&file, asked));
    let (dead, lacking) = (nowhere(), lacking.address("w"));
    let (other, right_address) = (other.address("w"), right.address("w"));
    let folder = tempfile::tempdir().unwrap();
    let bad = [(dead.as_str(), hash), (&lacking, hash), (&other, hash)];
    let all = [&bad[..], &[(&right_address, hash)]].concat();
    fetch_any(folder.path(), &all).unwrap();
    assert_eq!(names(folder.path()), ["googlenet.safetensors"]);
    assert_eq!(right.asked().len(), 1);

    // Where none gives it, each is named with its reason.
    let folder = tempfile::tempdir().unwrap();
    let error = fetch_any(folder.path(), &bad).unwrap_err();
    for words in [
        format!("{dead} cannot be reached"),
        format!("{lacking} answered 404"),
        format!("what {other} sent is not the published googlenet"),
        "pellucid import googlenet FILE".to_owned(),
    ] {
        assert!(error.contains(&words), "{words}: {error}");
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_download_that_one_address_began_another_ends() {
    let (file, hash) = published();
    let half = file.clone();
    let dying = Server::start(move |_, number| match number {
        0 => Answer::whole(&half).cut(9_000_000),
        _ => Answer::status("404 Not Found"),
    });
    let ending = Server::start(move |asked, _| Answer::honest(&file, asked));
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (dying.address("w"), ending.address("w"));
    fetch_any(folder.path(), &[(&one, hash), (&other, hash)]).unwrap();
    assert_eq!(starts(&ending), [Some(9_000_000)]);
    assert_eq!(names(folder.path()), ["googlenet.safetensors"]);
}

#[test]
fn an_address_of_another_file_that_does_not_answer_costs_nothing_of_what_is_here() {
    let (file, hash) = published();
    let dying = Server::start(move |asked, number| match number {
        0 => Answer::whole(&file).cut(9_000_000),
        _ => Answer::honest(&file, asked).cut(0),
    });
    let folder = tempfile::tempdir().unwrap();
    fetch_any(folder.path(), &[(&dying.address("w"), hash), (&nowhere(), Hash::Unknown)])
        .unwrap_err();
    assert_eq!(fs::metadata(folder.path().join("googlenet.part")).unwrap().len(), 9_000_000);
}

#[test]
fn what_one_address_began_wrongly_another_begins_anew() {
    let (file, hash) = published();
    let lie = vec![b'x'; file.len()];
    let lying = Server::start(move |_, number| match number {
        0 => Answer::whole(&lie).cut(9_000_000),
        _ => Answer::status("404 Not Found"),
    });
    let honest = Server::start(move |asked, _| {
        // As a server that checks no version.
        Answer::honest(&file, &Asked { if_range: None, ..asked.clone() })
    });
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (lying.address("w"), honest.address("w"));
    fetch_any(folder.path(), &[(&one, hash), (&other, hash)]).unwrap();
    assert_eq!(starts(&honest), [Some(9_000_000), None]);
    assert_eq!(names(folder.path()), ["googlenet.safetensors"]);
}

#[test]
fn a_finished_download_asks_nobody() {
    let (file, hash) = published();
    let folder = tempfile::tempdir().unwrap();
    // A run that was killed after the last byte.
    fs::write(folder.path().join("googlenet.part"), &file).unwrap();
    let dead = nowhere();
    fetch_any(folder.path(), &[(&dead, hash)]).unwrap();
    assert_eq!(names(folder.path()), ["googlenet.safetensors"]);

    // Without a hash it is whole if it came from there and is as long as was announced.
    let folder = tempfile::tempdir().unwrap();
    let origin = serde_json::json!({ "address": dead, "validator": null, "total": file.len() });
    fs::write(folder.path().join("googlenet.part"), &file).unwrap();
    fs::write(folder.path().join("googlenet.part.json"), origin.to_string()).unwrap();
    fetch_any(folder.path(), &[(&dead, Hash::Unknown)]).unwrap();
    assert_eq!(names(folder.path()), ["googlenet.safetensors"]);
}

/// `pellucid fetch googlenet` from this address into this cache.
fn command(server: &Server, cache: &Path) -> process::Command {
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_pellucid"));
    command.args(["fetch", "googlenet", "--from", &server.address("mine.safetensors")]);
    command.env("PELLUCID_CACHE", cache);
    command
}

#[cfg(unix)]
#[test]
fn a_fetch_that_is_killed_goes_on_where_it_was() {
    let server = Server::start(|asked, number| {
        let answer = Answer::honest(&file(), asked);
        if number == 0 { answer.cut(200_000).silent(Duration::from_secs(60)) } else { answer }
    });
    let cache = tempfile::tempdir().unwrap();
    let part = cache.path().join("weights/googlenet.part");
    let mut child = command(&server, cache.path()).spawn().unwrap();
    while fs::metadata(&part).map_or(0, |metadata| metadata.len()) < 200_000 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let weights = cache.path().join("weights");
    assert_eq!(names(&weights), ["googlenet.part", "googlenet.part.json"]);

    // These bytes are no weights, so the second run fails, but only once it has them all.
    let output = command(&server, cache.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(starts(&server), [None, Some(200_000)]);
    assert!(names(&weights).is_empty());
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_named_and_what_arrived_is_kept() {
    let server = Server::start(|asked, _| Answer::honest(&file(), asked));
    let cache = tempfile::tempdir().unwrap();
    // A limit on the size of files stands for a disk that is full; its signal is ignored, so
    // that writing fails as it does there.
    let mut limited = process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""]);
    let unlimited = command(&server, cache.path());
    limited.arg(unlimited.get_program()).args(unlimited.get_args());
    let output = limited.env("PELLUCID_CACHE", cache.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("googlenet.part") && said.contains("kept"), "{said}");
    let weights = cache.path().join("weights");
    assert_eq!(names(&weights), ["googlenet.part", "googlenet.part.json"]);
    let kept = fs::metadata(weights.join("googlenet.part")).unwrap().len() as usize;
    assert!(0 < kept && kept < file().len());

    command(&server, cache.path()).output().unwrap();
    assert_eq!(starts(&server), [None, Some(kept)]);
}
