//! Bundles in .zip files, sound and hostile.

use miniz_oxide::deflate::compress_to_vec;
use shared::Error;
use shared::format::archive::{ARCHIVE_LIMIT, Archive};
use shared::format::bundle::{Bundle, Part};

use crate::valid;
use crate::zip::{Entry, crc32, zip, zip64};

const WEIGHTS: &[u8] = b"weights, or so";
const LABELS: &[u8] = b"tench\n";

fn bundle() -> Bundle {
    let info = shared::models::info("googlenet").unwrap();
    let weights = Part::of("weights.safetensors", WEIGHTS);
    Bundle::new(&info, Some(weights), Part::of("text/labels.txt", LABELS))
}

fn manifest(bundle: &Bundle) -> Entry {
    Entry::stored("bundle.json", bundle.to_json().unwrap().as_bytes())
}

fn deflated(name: &str, bytes: &[u8]) -> Entry {
    Entry { method: 8, data: compress_to_vec(bytes, 6), ..Entry::stored(name, bytes) }
}

/// An honest archive's files: `bundle.json`, weights, labels.
fn entries() -> Vec<Entry> {
    vec![
        manifest(&bundle()),
        deflated("weights.safetensors", WEIGHTS),
        Entry::stored("text/labels.txt", LABELS),
    ]
}

fn inside(folder: &str, entries: Vec<Entry>) -> Vec<Entry> {
    let moved = |entry: Entry| Entry { name: format!("{folder}{}", entry.name), ..entry };
    entries.into_iter().map(moved).collect()
}

fn open(entries: &[Entry]) -> Result<Archive, Error> {
    Archive::open(zip(entries))
}

fn refusal(entries: &[Entry]) -> String {
    match open(entries) {
        Ok(_) => panic!("an archive that should be refused was opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_bundle_opens_from_the_root_or_from_one_folder() {
    for folder in ["", "googlenet/"] {
        let mut entries = inside(folder, entries());
        let clutter = ["__MACOSX/._bundle.json", "__MACOSX/a/bundle.json", ".DS_Store", "größe"];
        entries.extend(clutter.map(|name| Entry::stored(name, b"clutter")));
        entries.insert(0, Entry::stored("googlenet/", b""));
        entries.push(Entry::stored("deep/er/bundle.json", b"not ours"));
        let archive = open(&entries).unwrap();
        assert_eq!(archive.json(), bundle().to_json().unwrap());
        assert_eq!(*archive.bundle(), bundle());
        let parts = archive.bundle().parts();
        assert_eq!(archive.unpack(parts[0]).unwrap(), WEIGHTS);
        assert_eq!(archive.unpack(parts[1]).unwrap(), LABELS);
    }
}

#[test]
fn the_records_of_large_archives_are_no_part_of_the_directory() {
    let archive = Archive::open(zip64(&entries())).unwrap();
    assert_eq!(archive.unpack(archive.bundle().parts()[0]).unwrap(), WEIGHTS);
}

#[test]
fn what_is_no_archive_of_one_bundle_is_refused() {
    let without = |place: usize| {
        let mut entries = entries();
        entries.remove(place);
        entries
    };
    let with = |entry: Entry| [entries(), vec![entry]].concat();
    let another = Entry { name: "b/bundle.json".to_owned(), ..manifest(&bundle()) };
    for (entries, words) in [
        (vec![], "no bundle.json"),
        (without(0), "no bundle.json"),
        (inside("a/b/", entries()), "no bundle.json"),
        (with(another), "two bundles, b/bundle.json and bundle.json"),
        (with(entries()[1].clone()), "two entries are called \"weights.safetensors\""),
        (without(1), "weights.safetensors: is missing"),
        (without(2), "text/labels.txt: is missing"),
        (with(Entry::stored("../../evil", b"")), "\"../../evil\" leaves its folder"),
        (with(Entry::stored("a/../../evil", b"")), "leaves its folder"),
        (with(Entry::stored("/etc/passwd", b"")), "\"/etc/passwd\" leaves its folder"),
        (with(Entry::stored("C:/evil", b"")), "leaves its folder"),
        (with(Entry::stored("..\\evil", b"")), "leaves its folder"),
    ] {
        let error = refusal(&entries);
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn what_the_archive_says_of_a_part_must_fit_the_bundle_and_the_data() {
    let replaced = |entry: Entry| {
        let place = entries().iter().position(|known| known.name == entry.name).unwrap();
        let mut entries = entries();
        entries[place] = entry;
        entries
    };
    let weights = deflated("weights.safetensors", WEIGHTS);
    let labels = Entry::stored("text/labels.txt", LABELS);
    let json = b"{\"schema\": [1, 1]}";
    for (entries, words) in [
        (
            replaced(Entry { size: 99, ..weights.clone() }),
            "weights.safetensors: unpacks to 99 bytes, bundle.json says 14",
        ),
        (replaced(Entry { method: 12, ..weights.clone() }), "compressed by method 12"),
        (replaced(Entry { flags: 1, ..weights.clone() }), "weights.safetensors: is encrypted"),
        (
            replaced(Entry { data: Vec::new(), ..labels }),
            "text/labels.txt: 0 bytes cannot unpack to the 6",
        ),
        (replaced(Entry::stored("bundle.json", json)), "bundle.json: schema"),
        (
            replaced(Entry { crc: 7, ..manifest(&bundle()) }),
            "bundle.json: is damaged in the archive",
        ),
        (replaced(Entry::stored("bundle.json", b"\xff")), "bundle.json: is no UTF-8"),
        (
            replaced(Entry { size: u32::MAX - 1, ..deflated("bundle.json", b"{}") }),
            "bundle.json: has 4294967294 bytes, at most",
        ),
    ] {
        let error = refusal(&entries);
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn a_part_that_is_not_what_its_bundle_describes_is_not_unpacked() {
    let part = bundle().weights.unwrap();
    let unpack = |entry: Entry| {
        let mut entries = entries();
        entries[1] = entry;
        open(&entries).unwrap().unpack(&part).unwrap_err().to_string()
    };
    let honest = deflated(&part.path, WEIGHTS);
    let swapped = deflated(&part.path, b"Weights, or so");
    let mut broken = honest.clone();
    broken.data[0] = 7;
    for (entry, words) in [
        (swapped, "sha256"),
        (Entry { crc: 7, ..honest.clone() }, "is damaged in the archive"),
        (broken, "cannot be unpacked"),
        (Entry { data: compress_to_vec(b"weights", 6), ..honest }, "unpacks to 7 bytes, not 14"),
    ] {
        let error = unpack(entry);
        assert!(error.starts_with("weights.safetensors: "), "{error}");
        assert!(error.contains(words), "{words}: {error}");
    }
    let stranger = Part::of("other.bin", b"other");
    let error = open(&entries()).unwrap().unpack(&stranger).unwrap_err().to_string();
    assert!(error.starts_with("other.bin: "), "{error}");
}

/// A bundle whose weights claim `size` bytes, and the archive that holds `data` in their place.
fn with_weights(size: u64, data: Vec<u8>) -> Vec<Entry> {
    let part = Part { size, ..Part::of("weights.safetensors", WEIGHTS) };
    let bundle = Bundle { weights: Some(part), ..bundle() };
    let claimed = Entry { method: 8, size: size as u32, data, ..entries()[1].clone() };
    vec![manifest(&bundle), claimed, entries()[2].clone()]
}

#[test]
fn a_bomb_unpacks_to_no_more_than_it_says_and_says_no_more_than_it_could() {
    let zeros = compress_to_vec(&vec![0; 10 << 20], 9);
    assert!(zeros.len() < 16 << 10, "{}", zeros.len());
    // Ten mebibytes in the place of a hundred bytes.
    let archive = open(&with_weights(100, zeros.clone())).unwrap();
    let error = archive.unpack(archive.bundle().parts()[0]).unwrap_err().to_string();
    assert!(error.contains("unpacks to more than the 100 bytes"), "{error}");
    // A gibibyte that ten kilobytes cannot hold.
    let error = refusal(&with_weights(1 << 30, zeros));
    assert!(error.contains("cannot unpack to the 1073741824"), "{error}");
    // More than a bundle may have in all.
    let error = refusal(&with_weights(ARCHIVE_LIMIT, Vec::new()));
    assert!(error.contains("2147483654 bytes, at most 2147483648"), "{error}");
}

#[test]
fn an_archive_cut_anywhere_is_refused_without_a_panic() {
    for archive in valid::zips() {
        for length in 0..archive.len() {
            assert!(Archive::open(archive[..length].to_vec()).is_err(), "{length}");
        }
    }
}

#[test]
fn a_changed_byte_never_changes_what_is_unpacked() {
    let honest = zip(&entries());
    for place in 0..honest.len() {
        let mut changed = honest.clone();
        changed[place] ^= 0x15;
        let Ok(archive) = Archive::open(changed) else { continue };
        assert_eq!(archive.json(), bundle().to_json().unwrap(), "{place}");
        for (part, bytes) in bundle().parts().into_iter().zip([WEIGHTS, LABELS]) {
            assert!(archive.unpack(part).map_or(true, |found| found == bytes), "{place}: {part:?}");
        }
    }
}

#[test]
fn the_writers_checksum_is_the_published_one() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
