//! Compressed copies beside a site's files, for hosts that send them: `page.js.br`, `page.js.gz`.
//!
//! The best that brotli can do takes about a minute for the engine, so what was compressed once is
//! kept by its content.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::bundle::put_file;
use crate::stamp::{self, Fingerprint};
use crate::workspace::Workspace;

/// Files that may shrink. Pictures are compressed already.
const KINDS: [&str; 10] =
    ["html", "js", "css", "wasm", "json", "svg", "txt", "md", "bin", "safetensors"];

/// A copy is worth its place where it saves one byte in so many: trained weights save fewer.
const WORTHWHILE: usize = 10;

/// Streams to keep, of which a site has about 150.
const KEPT: usize = 600;

/// A way to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// The smaller one.
    Brotli,
    /// What everything understands.
    Gzip,
}

impl Coding {
    /// Both, the better one first.
    pub const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// As HTTP calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The ending of a copy's name, as hosts look for it.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gz",
        }
    }

    /// Where a file's copy lies.
    pub fn copy_of(self, file: &Path) -> PathBuf {
        let mut name = file.as_os_str().to_owned();
        name.push(".");
        name.push(self.ending());
        name.into()
    }

    fn compressed(self, bytes: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(bytes).context("compressing")?;
                encoder.finish().context("compressing")
            }
            Self::Brotli => {
                let mut stream = Vec::new();
                let settings = BrotliEncoderParams {
                    quality: 11,
                    // The largest window that browsers have.
                    lgwin: 24,
                    size_hint: bytes.len(),
                    ..BrotliEncoderParams::default()
                };
                brotli::BrotliCompress(&mut &bytes[..], &mut stream, &settings)
                    .context("compressing")?;
                Ok(stream)
            }
        }
    }
}

/// Whether a file is a copy of another.
pub fn is_copy(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    Coding::ALL.iter().any(|coding| coding.ending() == ending)
}

/// Brings the copies in a site up to date. It may be served meanwhile.
pub fn folder(workspace: &Workspace, site: &Path) -> Result<()> {
    let cache = workspace.workshop().join("compressed");
    fs::create_dir_all(&cache).with_context(|| format!("making {}", cache.display()))?;
    let (copies, files): (Vec<_>, Vec<_>) =
        stamp::files_below(site)?.into_iter().partition(|file| is_copy(file));
    let streams = streams(&cache, &files)?;
    for copy in copies {
        let original = copy.with_extension("");
        if streams.get(&original).is_none_or(Vec::is_empty) {
            fs::remove_file(&copy).with_context(|| format!("removing {}", copy.display()))?;
        }
    }
    for (file, streams) in &streams {
        for (coding, stream) in streams {
            put_file(&coding.copy_of(file), &stamp::read(stream)?)?;
        }
    }
    stamp::keep_newest(&cache, KEPT)
}

/// The streams of each file that is worth compressing, compressed on all cores.
fn streams(cache: &Path, files: &[PathBuf]) -> Result<BTreeMap<PathBuf, Vec<(Coding, PathBuf)>>> {
    let mut waiting = Vec::new();
    for file in files {
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if KINDS.contains(&ending) {
            let length = file.metadata().with_context(|| format!("reading {}", file.display()))?;
            waiting.push((length.len(), file));
        }
    }
    // The largest first, so that nobody waits for it at the end.
    waiting.sort();
    waiting.reverse();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((_, file)) = waiting.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let made = streams_of(cache, file);
                    if let Ok(mut done) = done.lock() {
                        done.push(((*file).clone(), made));
                    }
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_default();
    done.into_iter().map(|(file, made)| Ok((file, made?))).collect()
}

/// The streams of a file, none where they save too little.
fn streams_of(cache: &Path, file: &Path) -> Result<Vec<(Coding, PathBuf)>> {
    let bytes = stamp::read(file)?;
    let enough = |stream: &Path| {
        let length = stream.metadata().map_or(u64::MAX, |data| data.len());
        length <= (bytes.len() - bytes.len() / WORTHWHILE) as u64
    };
    // What gzip can hardly shrink brotli can hardly either, and takes minutes to find out.
    let gzip = kept(cache, &bytes, Coding::Gzip)?;
    if bytes.is_empty() || !enough(&gzip) {
        return Ok(Vec::new());
    }
    let brotli = kept(cache, &bytes, Coding::Brotli)?;
    Ok(vec![(Coding::Brotli, brotli), (Coding::Gzip, gzip)])
}

/// The compressed form of some bytes, from the folder of those made before if it is there.
fn kept(cache: &Path, bytes: &[u8], coding: Coding) -> Result<PathBuf> {
    let key = Fingerprint::default().with(bytes).with(coding.name()).finish();
    let kept = cache.join(format!("{key}.{}", coding.ending()));
    if kept.is_file() {
        stamp::touch(&kept);
    } else {
        put_file(&kept, &coding.compressed(bytes)?)?;
    }
    Ok(kept)
}

/// A file's size as a host sends it at best.
pub fn brotli_size(file: &Path) -> Result<u64> {
    let copy = Coding::Brotli.copy_of(file);
    match copy.metadata() {
        Ok(data) => Ok(data.len()),
        Err(_) => Ok(Coding::Brotli.compressed(&stamp::read(file)?)?.len() as u64),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("xtask-compress-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Bytes that nothing can shrink.
    fn noise() -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        (0..10_000).map(|_| next()).collect()
    }

    #[test]
    fn both_streams_hold_the_file() {
        let text = "what a unit looks for ".repeat(500).into_bytes();
        let gzip = Coding::Gzip.compressed(&text).unwrap();
        let mut plain = Vec::new();
        GzDecoder::new(&gzip[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, text);
        let stream = Coding::Brotli.compressed(&text).unwrap();
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &stream[..], &mut plain).unwrap();
        assert_eq!(plain, text);
        assert!(stream.len() < gzip.len());
    }

    #[test]
    fn what_does_not_shrink_and_what_is_compressed_already_has_no_copy() {
        let (cache, site) = (folder("cache"), folder("site"));
        let text = b"text ".repeat(100);
        for (name, bytes) in
            [("a.js", &text), ("b.jpg", &text), ("c.bin", &noise()), ("d.json", &Vec::new())]
        {
            fs::write(site.join(name), bytes).unwrap();
        }
        let files = stamp::files_below(&site).unwrap();
        let streams = streams(&cache, &files).unwrap();
        let of = |name: &str| streams.get(&site.join(name)).map(Vec::len);
        assert_eq!(
            [of("a.js"), of("b.jpg"), of("c.bin"), of("d.json")],
            [Some(2), None, Some(0), Some(0)]
        );
    }

    #[test]
    fn the_same_bytes_are_compressed_once() {
        let cache = folder("once");
        let first = kept(&cache, b"text", Coding::Gzip).unwrap();
        // What lies there is taken as it is.
        fs::write(&first, "kept").unwrap();
        let again = kept(&cache, b"text", Coding::Gzip).unwrap();
        assert_eq!(fs::read(again).unwrap(), b"kept");
        assert_ne!(first, kept(&cache, b"text", Coding::Brotli).unwrap());
        assert_ne!(first, kept(&cache, b"tex", Coding::Gzip).unwrap());
    }

    #[test]
    fn a_copy_lies_beside_its_file_under_its_whole_name() {
        let copy = Coding::Brotli.copy_of(Path::new("site/page.js"));
        assert_eq!(copy, Path::new("site/page.js.br"));
        assert!(is_copy(&copy) && !is_copy(Path::new("site/page.js")));
        assert_eq!(copy.with_extension(""), Path::new("site/page.js"));
    }
}
