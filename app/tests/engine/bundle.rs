//! Bundles and their parts, fetched, kept and checked.

use app::files;
use app::files::download::FetchError;
use app::protocol::{Event, Failure, FailureKind, FetchPart, Fetching, Progress, RequestId, Stop};
use futures::executor::block_on;
use shared::format::bundle::{Bundle, Part};

use crate::host::TestHost;
use crate::made::{MADE, Made};
use crate::page::Page;

/// What the window reads of a bundle, without an engine.
fn described(page: &Page) -> Result<Bundle, Failure> {
    block_on(files::description(&TestHost(page.world.clone()), Made::BUNDLE))
}

fn fetch(page: &mut Page, part: &Part) -> RequestId {
    let (bundle_url, what) = (Made::BUNDLE.to_owned(), "exemplars".to_owned());
    let id = page.ask(FetchPart { bundle_url, part: part.clone(), what });
    page.drive();
    id
}

/// A part that is served beside the bundle.
fn exemplars(page: &Page) -> (Part, Vec<u8>) {
    let bytes: Vec<u8> = (0..70_000_u32).flat_map(u32::to_le_bytes).collect();
    let address = Made::BUNDLE.replace("bundle.json", "mixed4a/exemplars-0.bin");
    page.world.files.borrow_mut().insert(address, Ok(bytes.clone()));
    (Part::of("mixed4a/exemplars-0.bin", &bytes), bytes)
}

fn progress(page: &Page, id: RequestId) -> Vec<(u64, Option<u64>, bool)> {
    page.said(id)
        .into_iter()
        .filter_map(|reply| match reply.message.event {
            Event::Fetching(Fetching::Progress(Progress { what, done, total, cached })) => {
                assert_eq!(what, "exemplars");
                Some((done, total, cached))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_bundle_is_fetched_and_checked_without_an_engine() {
    let page = Page::new();
    MADE.serve(&page.world);
    assert_eq!(described(&page).unwrap(), MADE.bundle);
    assert_eq!(*page.world.fetched.borrow(), [Made::BUNDLE]);
}

#[test]
fn a_bundle_that_cannot_be_opened_says_why() {
    let text = MADE.bundle.to_json().unwrap();
    let wrong_field = text.replace("\"labels.txt\"", "\"../labels.txt\"");
    let cases = [
        (Err(FetchError::Status(404)), FailureKind::Download, "404"),
        (Err(FetchError::Unreachable("offline".to_owned())), FailureKind::Download, "offline"),
        (Ok(vec![b' '; (4 << 20) + 1]), FailureKind::Download, "4194304"),
        (Ok(b"<html>".to_vec()), FailureKind::Corrupted, "bundle.json: is no JSON"),
        (Ok(wrong_field.into_bytes()), FailureKind::Corrupted, "bundle.json: labels.path"),
    ];
    for (answer, kind, words) in cases {
        let page = Page::new();
        page.world.files.borrow_mut().insert(Made::BUNDLE.to_owned(), answer);
        let failure = described(&page).unwrap_err();
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert!(failure.why.contains(words), "{failure:?}");
    }
}

#[test]
fn a_part_comes_from_its_server_once_and_from_the_cache_ever_after() {
    let mut page = Page::new();
    let (part, bytes) = exemplars(&page);
    for visit in 0..2 {
        let id = fetch(&mut page, &part);
        assert_eq!(page.end(id), Some(Event::Done));
        let said = page.said(id);
        let came = &said[said.len() - 2];
        assert_eq!(came.message.event, Event::Fetching(Fetching::Part));
        assert!(came.buffers == [bytes.as_slice()]);
        let progress = progress(&page, id);
        assert_eq!(progress.last(), Some(&(part.size, Some(part.size), visit == 1)));
        assert!(progress.iter().all(|(_, _, cached)| *cached == (visit == 1)));
        assert_eq!(page.world.fetched.borrow().len(), 1);
    }
}

#[test]
fn a_damaged_copy_in_the_cache_is_dropped_and_fetched_again() {
    let mut page = Page::new();
    let (part, bytes) = exemplars(&page);
    page.world.cache.borrow_mut().insert(part.sha256.clone(), b"damaged".to_vec());
    let id = fetch(&mut page, &part);
    assert_eq!(page.end(id), Some(Event::Done));
    assert!(page.world.cache.borrow()[&part.sha256] == bytes);
}

#[test]
fn a_part_other_than_described_does_not_reach_the_window() {
    let mut page = Page::new();
    let (part, bytes) = exemplars(&page);
    let size = part.size;
    let cases = [
        (Part { size: size + 1, ..part.clone() }, FailureKind::Download, "it ended after"),
        (Part { size: size - 1, ..part.clone() }, FailureKind::Download, "more than"),
        (Part { sha256: "0".repeat(64), ..part.clone() }, FailureKind::Corrupted, "sha256"),
        (Part::of("elsewhere.json", &bytes), FailureKind::Download, "404"),
    ];
    for (wrong, kind, words) in cases {
        let id = fetch(&mut page, &wrong);
        let failure = page.failure(id);
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert!(failure.what.contains("exemplars"), "{failure:?}");
        assert!(failure.why.contains(words), "{words}: {failure:?}");
        assert!(
            page.said(id)
                .iter()
                .all(|reply| reply.message.event != Event::Fetching(Fetching::Part))
        );
        assert!(page.world.cache.borrow().is_empty());
    }
}

#[test]
fn a_part_that_leaves_the_folder_is_refused_before_anything_is_fetched() {
    let mut page = Page::new();
    let (part, _) = exemplars(&page);
    let at = |path: &str| Part { path: path.to_owned(), ..part.clone() };
    let wrong = [
        (at("../../secret"), "path"),
        (at("//elsewhere.example/x"), "path"),
        (at("https://elsewhere.example/x"), "path"),
        (at("a%2f..%2fb"), "path"),
        (Part { size: u64::MAX, ..part.clone() }, "size"),
        (Part { sha256: "../x".to_owned(), ..part.clone() }, "sha256"),
    ];
    for (wrong, field) in wrong {
        let id = fetch(&mut page, &wrong);
        let failure = page.failure(id);
        assert_eq!(failure.kind, FailureKind::Corrupted);
        assert!(failure.why.contains(field), "{failure:?}");
    }
    assert_eq!(*page.world.fetched.borrow(), [""; 0]);
}

#[test]
fn a_part_on_its_way_can_be_stopped() {
    let mut page = Page::new();
    let (part, _) = exemplars(&page);
    page.world.stall(true);
    let id = fetch(&mut page, &part);
    assert_eq!(page.end(id), None);
    page.ask(Stop { target: id });
    page.drive();
    assert_eq!(page.end(id), Some(Event::Cancelled));
}
