use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};

use super::super::found::Content;
use super::*;

/// A member: its name, its kind, what it holds or links to.
type Member<'a> = (&'a str, EntryType, &'a [u8]);

fn tar_of(members: &[Member<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, bytes) in members {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(0);
        if matches!(kind, EntryType::Link | EntryType::Symlink) {
            let target = str::from_utf8(bytes).unwrap();
            builder.append_link(&mut header, name, target).unwrap();
        } else {
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
    }
    builder.into_inner().unwrap()
}

fn file<'a>(name: &'a str, bytes: &'a [u8]) -> Member<'a> {
    (name, EntryType::Regular, bytes)
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Names and contents of what a file called `shard.tar` holds, and what was left out.
fn walked(shard: &[u8]) -> (Vec<(String, String)>, LeftOut) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shard.tar");
    fs::write(&path, shard).unwrap();
    let (mut found, mut left_out) = (Vec::new(), LeftOut::default());
    let flow = walk(&path, "shard.tar/", &mut left_out, &mut |picture| {
        let name = picture.name.clone();
        let content = match picture.content() {
            Content::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
            Content::Broken(reason) => format!("broken: {reason}"),
            Content::File(path) => panic!("{path:?} is no member"),
        };
        found.push((name, content));
        Ok(ControlFlow::Continue(()))
    });
    assert!(flow.unwrap().is_continue());
    (found, left_out)
}

fn check(shard: &[u8], expected: &[(&str, &str)]) {
    let (found, _) = walked(shard);
    let found: Vec<_> = found.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(found, expected);
}

/// The only thing found, which cannot be read.
fn reason(shard: &[u8]) -> String {
    let (found, _) = walked(shard);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].1.strip_prefix("broken: ").unwrap_or_else(|| panic!("{found:?}")).to_owned()
}

#[test]
fn links_give_what_they_lead_to() {
    use EntryType::{Link, Symlink};
    let members = tar_of(&[
        ("a/early.jpg", Symlink, b"../b/cat.jpg"),
        file("b/cat.jpg", b"a cat"),
        ("b/hard.jpg", Link, b"b/cat.jpg"),
        ("a/soft.jpg", Symlink, b"../b/hard.jpg"),
        file("z.jpg", b"last"),
    ]);
    let expected = [
        ("shard.tar/a/early.jpg", "a cat"),
        ("shard.tar/b/cat.jpg", "a cat"),
        ("shard.tar/b/hard.jpg", "a cat"),
        ("shard.tar/a/soft.jpg", "a cat"),
        ("shard.tar/z.jpg", "last"),
    ];
    check(&members, &expected);
}

#[test]
fn links_that_lead_elsewhere_or_in_circles_are_named() {
    for target in ["/photographs/cat.jpg", "../cat.jpg", "missing.jpg", "a.jpg"] {
        let link = tar_of(&[("a.jpg", EntryType::Symlink, target.as_bytes())]);
        let reason = reason(&link);
        assert!(reason.contains(&format!("link to {target}")), "{reason}");
    }
    let hard = tar_of(&[file("a.jpg", b"1"), ("b.jpg", EntryType::Link, b"a.jpg")]);
    let (found, _) = walked(&gzipped(&hard));
    assert!(found[1].1.contains("link to a.jpg"), "{found:?}");
}

#[test]
fn shards_inside_shards_are_read_packed_or_not() {
    let inner = tar_of(&[file("1.jpg", b"one"), file("./2.jpg", b"two")]);
    let packed = gzipped(&inner);
    let outer = tar_of(&[file("n01.tar", &inner), file("x.jpg", b"x"), file("n02.tgz", &packed)]);
    let expected = [
        ("shard.tar/n01.tar/1.jpg", "one"),
        ("shard.tar/n01.tar/2.jpg", "two"),
        ("shard.tar/x.jpg", "x"),
        ("shard.tar/n02.tgz/1.jpg", "one"),
        ("shard.tar/n02.tgz/2.jpg", "two"),
    ];
    check(&outer, &expected);
    check(&gzipped(&outer), &expected);
}

#[test]
fn shards_inside_shards_end_somewhere() {
    let mut shard = tar_of(&[file("1.jpg", b"one")]);
    for _ in 0..DEEPEST {
        shard = tar_of(&[file("inner.tar", &shard)]);
    }
    assert!(reason(&shard).contains("shards deep"));
}

#[test]
fn a_contiguous_member_is_a_file_like_any_other() {
    check(&tar_of(&[("a.jpg", EntryType::Continuous, b"a")]), &[("shard.tar/a.jpg", "a")]);
}

#[test]
fn members_that_are_no_files_are_named() {
    assert!(reason(&tar_of(&[("a.jpg", EntryType::Fifo, b"")])).contains("neither a file"));
    check(&tar_of(&[("a.jpg/", EntryType::Directory, b""), file("a.txt", b"")]), &[]);
}

#[test]
fn members_stored_in_pieces_are_named() {
    let mut builder = Builder::new(Vec::new());
    builder.append_pax_extensions([("GNU.sparse.major", &b"1"[..])]).unwrap();
    let mut header = Header::new_ustar();
    header.set_size(1);
    builder.append_data(&mut header, "a.jpg", &b"a"[..]).unwrap();
    assert!(reason(&builder.into_inner().unwrap()).contains("pieces"));
}

#[test]
fn hidden_members_are_left_out_and_counted() {
    let shard = tar_of(&[
        file("./a.jpg", b"a"),
        file("./._a.jpg", b"a resource fork"),
        file("__MACOSX/b/c.jpg", b"another"),
        file(".notes.txt", b"no picture anyway"),
    ]);
    let (found, left_out) = walked(&shard);
    assert_eq!(found, [("shard.tar/a.jpg".to_owned(), "a".to_owned())]);
    let lines: Vec<_> = left_out.lines().collect();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("left out: shard.tar/._a.jpg and 1 more"), "{lines:?}");
}

#[test]
fn what_is_no_shard_is_said_without_its_bytes() {
    let garbage: Vec<u8> = (0..2048_u32).map(|place| (place * 7 % 251) as u8).collect();
    for (bytes, said) in [
        (&b""[..], "empty"),
        (b"\x28\xb5\x2f\xfd rest", "zstd"),
        (b"BZh91AY rest", "bzip2"),
        (b"\xfd7zXZ\0 rest", "xz"),
        (&garbage, "no tar archive"),
        (&gzipped(&garbage), "no tar archive"),
        (&gzipped(&tar_of(&[file("a.txt", &garbage)]))[..40], "no tar archive"),
    ] {
        let reason = reason(bytes);
        assert!(reason.contains(said), "{reason}");
        assert!(!reason.contains(char::is_control) && reason.is_ascii(), "{reason:?}");
    }
}

#[test]
fn names_that_are_no_text_are_spelt_out() {
    let mut shard = tar_of(&[file("xx.jpg", b"a")]);
    shard[0] = 0xff;
    let (sum, checksum) = (shard[..512].iter(), 148..156);
    let sum: u32 = sum.map(|&byte| u32::from(byte)).sum::<u32>()
        - shard[checksum.clone()].iter().map(|&byte| u32::from(byte)).sum::<u32>()
        + 8 * u32::from(b' ');
    shard[checksum].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    check(&shard, &[("shard.tar/\\xffx.jpg", "a")]);
}

#[test]
fn names_tell_what_a_shard_is() {
    for (name, expected) in [
        ("train-000.tar", Some("train-000")),
        ("n02123394.TAR.gz", Some("n02123394")),
        ("a.tgz", Some("a")),
        ("tar", None),
        ("cat.jpg", None),
    ] {
        assert_eq!(stem(name), expected, "{name}");
    }
}
