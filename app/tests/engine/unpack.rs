//! Bundles that come as .zip files.

use app::protocol::{
    DeviceChoice, Event, FailureKind, FetchPart, Fetching, LoadModel, OpenDevice, Progress,
    RequestId, Unpack, Unpacked,
};
use shared::format::bundle::{Bundle, Part};

use crate::made::MADE;
use crate::page::Page;
use crate::zip::{Entry, zip};

fn unpack(page: &mut Page, archive: Vec<u8>) -> RequestId {
    let id = page.ask_with(Unpack { name: "talk.zip".to_owned() }, vec![archive]);
    page.drive();
    id
}

/// The address a bundle was given.
fn address(page: &Page, id: RequestId) -> String {
    assert_eq!(page.end(id), Some(Event::Done));
    match &page.said(id)[0].message.event {
        Event::Unpacked(Unpacked { bundle_url, json }) => {
            assert_eq!(Bundle::parse(json.as_bytes()).unwrap(), MADE.bundle);
            bundle_url.clone()
        }
        other => panic!("expected a bundle: {other:?}"),
    }
}

#[test]
fn a_dropped_bundle_is_opened_loaded_and_gives_its_parts_without_a_network() {
    let mut page = Page::new();
    let id = unpack(&mut page, MADE.zip());
    let bundle_url = address(&page, id);
    let labels = page.ask(FetchPart {
        bundle_url: bundle_url.clone(),
        part: MADE.bundle.labels.clone(),
        what: "labels".to_owned(),
    });
    page.ask(OpenDevice(DeviceChoice::Cpu));
    let load = page.ask(LoadModel { bundle_url: bundle_url.clone() });
    page.drive();
    assert_eq!(page.end(load), Some(Event::Done));
    let said = page.said(labels);
    let [progress, part, done] = said.as_slice() else { panic!("expected a part: {said:?}") };
    assert!(matches!(
        progress.message.event,
        Event::Fetching(Fetching::Progress(Progress { cached: true, .. }))
    ));
    assert_eq!(part.message.event, Event::Fetching(Fetching::Part));
    assert_eq!(Part::of("labels.txt", &part.buffers[0]), MADE.bundle.labels);
    assert_eq!(done.message.event, Event::Done);
    assert!(page.world.fetched.borrow().is_empty());
    assert!(page.world.cache.borrow().is_empty());
}

#[test]
fn a_file_dropped_twice_has_one_address_and_another_file_another() {
    let mut page = Page::new();
    let mut renamed = MADE.entries();
    for entry in &mut renamed {
        entry.name = entry.name.replace("googlenet/", "");
    }
    let addresses = [MADE.zip(), zip(&renamed), MADE.zip()].map(|archive| {
        let id = unpack(&mut page, archive);
        address(&page, id)
    });
    assert_eq!(addresses[0], addresses[2]);
    assert_ne!(addresses[0], addresses[1]);
}

#[test]
fn a_file_that_is_no_bundle_is_refused_by_name_with_what_is_wrong() {
    let honest = MADE.entries();
    let json = String::from_utf8(honest[0].data.clone()).unwrap();
    let escaping = json.replace("\"labels.txt\"", "\"../labels.txt\"");
    let mut bomb = honest.clone();
    bomb[2].method = 8;
    bomb[2].size = u32::MAX;
    for (archive, words) in [
        (Vec::new(), "no whole .zip file"),
        (b"PK\x03\x04 and then prose".to_vec(), "no whole .zip file"),
        (MADE.zip()[..1_000_000].to_vec(), "no whole .zip file"),
        (zip(&honest[1..]), "no bundle.json"),
        (zip(&honest[..2]), "labels.txt: is missing"),
        (zip(&[Entry::stored("bundle.json", escaping.as_bytes())]), "bundle.json: labels.path"),
        (zip(&bomb), "labels.txt: unpacks to 4294967295 bytes"),
    ] {
        let mut page = Page::new();
        let id = unpack(&mut page, archive);
        let failure = page.failure(id);
        assert_eq!(failure.kind, FailureKind::Corrupted);
        assert!(failure.what.contains("talk.zip"), "{failure:?}");
        assert!(failure.why.contains(words), "{words}: {failure:?}");
    }
}

#[test]
fn a_part_that_was_swapped_in_the_archive_is_refused_when_it_is_wanted() {
    let mut page = Page::new();
    let mut entries = MADE.entries();
    let mut weights = MADE.weights.clone();
    weights[5_000_000] ^= 1;
    entries[1] = Entry::stored(&entries[1].name, &weights);
    let id = unpack(&mut page, zip(&entries));
    let bundle_url = address(&page, id);
    page.ask(OpenDevice(DeviceChoice::Cpu));
    let load = page.ask(LoadModel { bundle_url });
    page.drive();
    let failure = page.failure(load);
    assert_eq!(failure.kind, FailureKind::Corrupted);
    assert!(failure.why.contains("weights.safetensors: has sha256"), "{failure:?}");
}

#[test]
fn the_address_of_an_earlier_engines_bundle_asks_for_the_file_again() {
    let mut page = Page::new();
    for bundle_url in ["dropped:1/bundle.json", "dropped:0/bundle.json", "dropped:"] {
        let id = page.ask(LoadModel { bundle_url: bundle_url.to_owned() });
        page.drive();
        let failure = page.failure(id);
        assert_eq!(failure.kind, FailureKind::NotReady);
        assert!(failure.next.contains("file again"), "{failure:?}");
    }
    assert!(page.world.fetched.borrow().is_empty());
}
