//! Tar shards, compressed or not, and those inside of them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Result;
use flate2::bufread::MultiGzDecoder;
use tar::{Archive, Entries, Entry, EntryType};

use super::decode::has_picture_ending;
use super::found::{Found, Location, Visit};
use super::left_out::{LeftOut, Why, is_hidden};
use super::name;

/// Endings of names, longest first. Those compressed otherwise than with gzip are said, not read.
const ENDINGS: [&str; 6] = [".tar.bz2", ".tar.zst", ".tar.xz", ".tar.gz", ".tgz", ".tar"];

/// How far shards are read inside of each other. ImageNet's own archive goes one deep; a file made
/// to hold itself would go on for ever.
const DEEPEST: usize = 4;

/// How many links are followed from one to the next.
const LONGEST_CHAIN: usize = 8;

/// The name of a shard without its ending; nothing if it is none by its name.
pub fn stem(name: &str) -> Option<&str> {
    let lower = name.to_ascii_lowercase();
    ENDINGS.iter().find_map(|ending| lower.strip_suffix(ending)).map(|stem| &name[..stem.len()])
}

/// Whether a file is called like a shard.
pub fn has_ending(name: &str) -> bool {
    stem(name).is_some()
}

/// Whether a file is called like a shard and is there.
pub fn is_shard(path: &Path) -> bool {
    has_ending(&name::text(path.as_os_str())) && path.is_file()
}

/// Walks a shard's pictures, with `prefix` before their names.
pub fn walk(
    path: &Path,
    prefix: &str,
    left_out: &mut LeftOut,
    visit: Visit<'_>,
) -> Result<ControlFlow<()>> {
    let called = match prefix.trim_end_matches('/') {
        "" => name::text(path.as_os_str()),
        called => called.to_owned(),
    };
    let shard = Shard { called: &called, prefix, depth: 1 };
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    match opened {
        Ok((length, file)) => Walk { left_out }.section(
            Section { file: &file, start: 0, length, at: 0 },
            shard,
            visit,
        ),
        Err(error) => visit(shard.broken(error.to_string())),
    }
}

/// A shard and what is said of it.
#[derive(Clone, Copy)]
struct Shard<'a> {
    called: &'a str,
    /// Before the names of its members.
    prefix: &'a str,
    depth: usize,
}

impl Shard<'_> {
    /// The shard itself as one picture that cannot be had.
    fn broken(&self, reason: String) -> Found<'static> {
        Found { name: self.called.to_owned(), size: 0, location: Location::Broken(reason) }
    }

    /// The library's words quote the file's bytes.
    fn damaged(&self, members: u64) -> Found<'static> {
        self.broken(match members {
            0 => "it is damaged or no tar archive".to_owned(),
            members => format!("it is damaged behind its member number {members}"),
        })
    }
}

/// A part of a file, read as a file of its own.
#[derive(Clone, Copy)]
struct Section<'a> {
    file: &'a File,
    start: u64,
    length: u64,
    at: u64,
}

impl<'a> Section<'a> {
    fn part(self, start: u64, length: u64) -> Self {
        let length = length.min(self.length.saturating_sub(start));
        Section { start: self.start + start, length, at: 0, ..self }
    }
}

impl Read for Section<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.at);
        let room = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        // Several sections of one file take turns.
        self.file.seek(SeekFrom::Start(self.start + self.at))?;
        let read = self.file.read(&mut bytes[..room])?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Section<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// How a file is packed, by its first bytes.
enum Packing {
    Plain,
    Gzip,
    Empty,
    Other(&'static str),
}

impl Packing {
    fn of(start: &[u8]) -> Self {
        match start {
            [] => Self::Empty,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Other("zstd"),
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Self::Other("xz"),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Other("bzip2"),
            _ => Self::Plain,
        }
    }
}

/// Where members of a shard lie, for the links among them.
struct Links<'a> {
    /// What members are read from, if one can go back in it.
    section: Option<Section<'a>>,
    /// Only shards with links are looked through for them.
    places: Option<Places>,
}

type Places = HashMap<String, Target>;

enum Target {
    /// Its first byte, and how many.
    File(u64, u64),
    Link(String),
}

impl<'a> Links<'a> {
    /// The file that a link leads to.
    fn follow<R: Read>(&mut self, entry: &Entry<'_, R>, inner: &str) -> Option<Section<'a>> {
        let section = self.section?;
        let mut target = &target_of(entry, inner)?;
        let places = self.places.get_or_insert_with(|| places_in(section));
        for _ in 0..LONGEST_CHAIN {
            match places.get(target)? {
                Target::File(start, length) => return Some(section.part(*start, *length)),
                Target::Link(next) => target = next,
            }
        }
        None
    }
}

struct Walk<'a> {
    left_out: &'a mut LeftOut,
}

impl Walk<'_> {
    fn section(
        &mut self,
        mut section: Section<'_>,
        shard: Shard<'_>,
        visit: Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        let mut start = Vec::new();
        if let Err(error) = section.part(0, 6).read_to_end(&mut start) {
            return visit(shard.broken(error.to_string()));
        }
        if !matches!(Packing::of(&start), Packing::Plain) {
            return self.stream(&mut section, shard, visit);
        }
        match Archive::new(section).entries_with_seek() {
            Ok(entries) => self.entries(entries, Some(section), shard, visit),
            Err(_) => visit(shard.damaged(0)),
        }
    }

    fn stream(
        &mut self,
        reader: &mut dyn Read,
        shard: Shard<'_>,
        visit: Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        let mut reader = BufReader::new(reader);
        match reader.fill_buf().map(Packing::of) {
            Ok(Packing::Plain) => self.unpacked(&mut reader, shard, visit),
            Ok(Packing::Gzip) => self.unpacked(&mut MultiGzDecoder::new(reader), shard, visit),
            Ok(Packing::Empty) => visit(shard.broken("the file is empty".to_owned())),
            Ok(Packing::Other(packing)) => visit(shard.broken(format!(
                "it is packed with {packing}, which is not read: unpack it, or pack it with gzip"
            ))),
            Err(_) => visit(shard.damaged(0)),
        }
    }

    fn unpacked(
        &mut self,
        reader: &mut dyn Read,
        shard: Shard<'_>,
        visit: Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        match Archive::new(reader).entries() {
            Ok(entries) => self.entries(entries, None, shard, visit),
            Err(_) => visit(shard.damaged(0)),
        }
    }

    /// `section` is what the entries are read from, if one can go back in it.
    fn entries<R: Read>(
        &mut self,
        entries: Entries<'_, R>,
        section: Option<Section<'_>>,
        shard: Shard<'_>,
        visit: Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        let mut links = Links { section, places: None };
        for (members, entry) in (0..).zip(entries) {
            let mut entry = match entry {
                Ok(entry) => entry,
                // Behind a damaged header nothing can be found.
                Err(_) => return visit(shard.damaged(members)),
            };
            let inner = member_name(&entry);
            let kind = entry.header().entry_type();
            let is_wanted = has_picture_ending(Path::new(&inner)) || has_ending(&inner);
            if kind.is_dir() || inner.ends_with('/') || !is_wanted {
                continue;
            }
            let name = format!("{}{inner}", shard.prefix);
            if inner.split('/').any(|part| is_hidden(part.as_bytes())) {
                self.left_out.add(Why::Hidden, &name);
                continue;
            }
            let flow = match kind {
                EntryType::Link | EntryType::Symlink => match links.follow(&entry, &inner) {
                    Some(mut file) => visit(Found {
                        name,
                        size: file.length,
                        location: Location::Shard(&mut file),
                    }),
                    None => visit(broken(name, &unfound(&entry))),
                },
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    self.file(&mut entry, section, name, shard.depth, visit)
                }
                _ => visit(broken(name, "it is neither a file nor a link")),
            }?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// A picture, or a shard inside the shard.
    fn file<R: Read>(
        &mut self,
        entry: &mut Entry<'_, R>,
        section: Option<Section<'_>>,
        name: String,
        depth: usize,
        visit: Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        if is_stored_otherwise(entry) {
            return visit(broken(name, "it is stored in pieces, which are not put together here"));
        }
        let size = entry.size();
        if !has_ending(&name) {
            return visit(Found { name, size, location: Location::Shard(entry) });
        }
        let shard = Shard { called: &name, prefix: &format!("{name}/"), depth: depth + 1 };
        if DEEPEST < shard.depth {
            let reason = format!("it lies more than {DEEPEST} shards deep: unpack those around it");
            return visit(shard.broken(reason));
        }
        match section.filter(|_| !entry.header().entry_type().is_gnu_sparse()) {
            Some(section) => {
                self.section(section.part(entry.raw_file_position(), size), shard, visit)
            }
            None => self.stream(entry, shard, visit),
        }
    }
}

fn broken(name: String, reason: &str) -> Found<'static> {
    Found { name, size: 0, location: Location::Broken(reason.to_owned()) }
}

/// A member's name without the `./` that some programs begin it with.
fn member_name<R: Read>(entry: &Entry<'_, R>) -> String {
    let name = name::of_bytes(&entry.path_bytes());
    name.trim_start_matches("./").to_owned()
}

/// GNU's and others' newer ways to leave out zeros: a list of pieces stands before the file.
fn is_stored_otherwise<R: Read>(entry: &mut Entry<'_, R>) -> bool {
    entry.pax_extensions().ok().flatten().is_some_and(|mut extensions| {
        extensions.any(|extension| {
            extension.is_ok_and(|extension| extension.key_bytes().starts_with(b"GNU.sparse."))
        })
    })
}

/// The member that a link names: by its whole name, or from the link's own folder if it is symbolic.
/// Nothing if it lies elsewhere.
fn target_of<R: Read>(entry: &Entry<'_, R>, inner: &str) -> Option<String> {
    let target = name::of_bytes(&entry.link_name_bytes()?);
    if entry.header().entry_type() == EntryType::Link {
        return Some(target.trim_start_matches("./").to_owned());
    }
    if target.starts_with('/') {
        return None;
    }
    let folder = inner.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn unfound<R: Read>(entry: &Entry<'_, R>) -> String {
    let target = entry.link_name_bytes().unwrap_or_default();
    format!("it is a link to {}, which is not to be had from this shard", name::of_bytes(&target))
}

/// Where all files and links of a shard lie.
fn places_in(section: Section<'_>) -> Places {
    let mut places = Places::new();
    let mut archive = Archive::new(section.part(0, section.length));
    let Ok(entries) = archive.entries_with_seek() else { return places };
    for entry in entries.map_while(io::Result::ok) {
        let inner = member_name(&entry);
        let target = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                Target::File(entry.raw_file_position(), entry.size())
            }
            EntryType::Link | EntryType::Symlink => match target_of(&entry, &inner) {
                Some(target) => Target::Link(target),
                None => continue,
            },
            _ => continue,
        };
        places.insert(inner, target);
    }
    places
}

#[cfg(test)]
mod tests;
