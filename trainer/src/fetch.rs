//! Published weights, downloaded, verified, converted into the cache.

mod published;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use serde::Serialize;
use sha1::{Digest, Sha1};
use shared::weights::Precision;

use crate::convert::{Converted, convert};
use crate::download::{DownloadError, Part, Patience, download};
use crate::failure::WrongCall;
use crate::weights::{Weights, way_to};
use crate::{cache, hash, output};

pub use published::{Hash, Mirror, PUBLISHED, Published};

/// Names of the classes of `inception-v1`, which are in an request of their own: Lucid's list.
const INCEPTION_V1_LABELS: &str =
    "https://storage.googleapis.com/modelzoo/labels/ImageNet_alternate.txt";

/// What is to be fetched.
#[derive(Clone, Debug)]
pub struct Request {
    /// The model's name in the registry.
    pub model: String,
    /// An address other than the published one.
    pub from: Option<String>,
    /// Also when the weights are here already.
    pub force: bool,
    /// Where the weights go.
    pub target: PathBuf,
}

/// What is in the cache now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fetched {
    /// The model's name in the registry.
    pub model: String,
    /// The weights, safetensors.
    pub path: PathBuf,
    /// Of the weights file, hexadecimal.
    pub sha256: String,
    /// Of the file as published, hexadecimal; `None` when nothing was downloaded.
    pub source_sha256: Option<String>,
}

/// Fetches weights unless they are here already. An interrupted fetch goes on where it stopped.
pub fn fetch(request: &Request, patience: &Patience) -> Result<Fetched> {
    shared::models::info(&request.model)?;
    let target = &request.target;
    if target.is_file() && !request.force {
        let sha256 = hash::sha256_of_file(target)?;
        let model = request.model.clone();
        return Ok(Fetched { model, path: target.clone(), sha256, source_sha256: None });
    }
    if let Some(terms) = published(&request.model).and_then(|published| published.terms) {
        eprintln!("{terms}");
    }
    let fetched = fetch_from(request, &mirrors(request)?, patience)?;
    if request.model == "inception-v1" && request.from.is_none() {
        fetch_labels(request, patience);
    }
    Ok(fetched)
}

/// Fetches weights from the first of these addresses that gives them. A download that is complete
/// already needs none of them.
pub fn fetch_from(
    request: &Request,
    mirrors: &[Mirror<'_>],
    patience: &Patience,
) -> Result<Fetched> {
    let part_path = request.target.with_extension("part");
    if let Some(fetched) = finished(request, mirrors, &part_path)? {
        return Ok(fetched);
    }
    let mut failures = Vec::new();
    for (place, mirror) in mirrors.iter().enumerate() {
        eprintln!("fetching {} from {}", request.model, mirror.address);
        let is_last = place + 1 == mirrors.len();
        // Where there are others, one that does not answer is not waited for.
        let attempts = if is_last { patience.attempts } else { patience.attempts.min(2) };
        let failure =
            match receive(request, mirror, &part_path, &Patience { attempts, ..*patience }) {
                Ok(fetched) => return Ok(fetched),
                Err(Unusable::Here(error)) => return Err(error),
                Err(Unusable::There(error)) => format!("{error:#}"),
            };
        if !is_last {
            eprintln!("{failure}; trying another address");
        }
        failures.push(failure);
    }
    let model = &request.model;
    bail!(
        "no weights for {model} came over the network: {}. Run `{}` again later, name another \
         address with --from, or take a file from elsewhere with `pellucid import {model} FILE`",
        failures.join("; "),
        way_to(model)
    )
}

/// Weights from a download that ended before but was not kept: the process was killed in between.
fn finished(
    request: &Request,
    mirrors: &[Mirror<'_>],
    part_path: &Path,
) -> Result<Option<Fetched>> {
    if !part_path.is_file() {
        return Ok(None);
    }
    let part = Part::open(part_path)?;
    let origin = part.origin();
    let is_whole = |mirror: &&Mirror<'_>| match mirror.hash {
        Hash::Unknown => origin.as_ref().is_some_and(|origin| {
            origin.address == mirror.address && origin.total == part.length().ok()
        }),
        hash => verify(part_path, hash).is_ok(),
    };
    let Some(mirror) = mirrors.iter().find(is_whole) else { return Ok(None) };
    match keep(request, mirror, part_path) {
        Ok(fetched) => {
            part.remove().context("removing the download")?;
            Ok(Some(fetched))
        }
        Err(Unusable::There(_)) => Ok(None),
        Err(Unusable::Here(error)) => Err(error),
    }
}

/// Downloads from one address, makes sure of what came, and keeps it.
fn receive(
    request: &Request,
    mirror: &Mirror<'_>,
    part_path: &Path,
    patience: &Patience,
) -> Result<Fetched, Unusable> {
    loop {
        let part = download(mirror.address, part_path, mirror.hash.identity(), patience)?;
        let unusable = match keep(request, mirror, part.path()) {
            Err(Unusable::There(error)) => error,
            kept_or_here => {
                if kept_or_here.is_ok() {
                    part.remove().context("removing the download").map_err(Unusable::Here)?;
                }
                return kept_or_here;
            }
        };
        // The bytes are all here and wrong: going on from them would never end well.
        let begun_elsewhere = part.origin().is_some_and(|origin| origin.address != mirror.address);
        part.remove().context("removing the download").map_err(Unusable::Here)?;
        if !begun_elsewhere {
            return Err(Unusable::There(unusable.context(format!(
                "what {} sent is not the published {}; it was removed",
                mirror.address, request.model
            ))));
        }
        // Perhaps only what came from there was wrong.
        eprintln!("what came from another address before does not belong to it; beginning anew");
    }
}

/// Names for the classes. Weights work without them, so failing is only worth a sentence.
fn fetch_labels(request: &Request, patience: &Patience) {
    let target = cache::labels_file(&request.target);
    let fetched = || -> Result<()> {
        let part = download(INCEPTION_V1_LABELS, &target.with_extension("part"), None, patience)?;
        let text = std::fs::read_to_string(part.path());
        part.remove()?;
        let text = text?;
        let lines = text.lines().count();
        if !(1000..=1008).contains(&lines) {
            bail!("{lines} lines, expected 1000 to 1008");
        }
        output::write_whole(&target, |out| Ok(out.write_all(text.as_bytes())?))
    };
    if let Err(error) = fetched() {
        eprintln!(
            "its classes go by their numbers: no labels from {INCEPTION_V1_LABELS} ({error:#})"
        );
    }
}

fn published(model: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|published| published.model == model)
}

/// The addresses to use.
fn mirrors(request: &Request) -> Result<Vec<Mirror<'_>>> {
    let published = published(&request.model);
    let published = published.map_or(&[][..], |published| published.mirrors);
    let Some(address) = request.from.as_deref() else { return Ok(published.to_vec()) };
    if !address.starts_with("http://") && !address.starts_with("https://") {
        return Err(WrongCall(format!(
            "--from {address}: expected an address that begins with http:// or https://; \
             a file is taken by `pellucid import {} FILE`",
            request.model
        ))
        .into());
    }
    // A mirror keeps the name; under another name it may be another format.
    fn name(address: &str) -> &str {
        address.rsplit('/').next().unwrap_or_default()
    }
    let mirrored = published.iter().find(|mirror| name(mirror.address) == name(address));
    Ok(vec![Mirror { address, hash: mirrored.map_or(Hash::Unknown, |mirror| mirror.hash) }])
}

/// Why weights were not kept.
enum Unusable {
    /// They did not come, or are not what was published: another address may do better.
    There(anyhow::Error),
    /// Something is wrong on this side.
    Here(anyhow::Error),
}

impl From<DownloadError> for Unusable {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::Disk { .. } | DownloadError::Busy(_) | DownloadError::Stopped => {
                Self::Here(error.into())
            }
            DownloadError::Unreachable { .. }
            | DownloadError::Refused { .. }
            | DownloadError::Gated { .. }
            | DownloadError::WebPage { .. }
            | DownloadError::TooLong { .. }
            | DownloadError::GaveUp { .. } => Self::There(error.into()),
        }
    }
}

fn keep(request: &Request, mirror: &Mirror<'_>, part: &Path) -> Result<Fetched, Unusable> {
    verify(part, mirror.hash).map_err(Unusable::There)?;
    let file = Weights::File(part.to_owned());
    let Converted { bytes, source_sha256 } =
        convert(&request.model, &file, mirror.address, Precision::F32).map_err(Unusable::There)?;
    if mirror.hash == Hash::Unknown {
        eprintln!("no hash is published for this file; its sha256 is {source_sha256}");
    }
    output::write_whole(&request.target, |out| Ok(out.write_all(&bytes)?))
        .map_err(Unusable::Here)?;
    Ok(Fetched {
        model: request.model.clone(),
        path: request.target.clone(),
        sha256: hash::sha256(&bytes),
        source_sha256: Some(source_sha256),
    })
}

fn verify(part: &Path, hash: Hash) -> Result<()> {
    let (name, expected, found) = match hash {
        Hash::Unknown => return Ok(()),
        Hash::Sha1(expected) => ("sha1", expected, sha1_of_file(part)?),
        Hash::Sha256Begins(expected) => {
            let mut found = hash::sha256_of_file(part)?;
            found.truncate(expected.len());
            ("beginning of the sha256", expected, found)
        }
    };
    if found != expected {
        bail!("its {name} is {found}, published is {expected}");
    }
    Ok(())
}

fn sha1_of_file(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(HEXLOWER.encode(&Sha1::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::published::BVLC;
    use super::*;

    fn request(model: &str, from: Option<&str>) -> Request {
        let from = from.map(str::to_owned);
        Request { model: model.to_owned(), from, force: false, target: PathBuf::from("unused") }
    }

    fn hosts(model: &str) -> Vec<String> {
        let request = request(model, None);
        let host = |mirror: &Mirror<'_>| mirror.address.split('/').nth(2).unwrap().to_owned();
        mirrors(&request).unwrap().iter().map(host).collect()
    }

    #[test]
    fn every_model_of_the_registry_has_an_address_and_most_another_elsewhere() {
        for info in shared::models::registry() {
            let hosts = hosts(info.name);
            // Nobody but Hugging Face hands these on.
            if info.name.starts_with("vit-")
                || info.name.starts_with("dinov3-")
                || info.name.ends_with("-laion2b")
            {
                assert!(!hosts.is_empty(), "{}", info.name);
                assert!(hosts.iter().all(|host| host == "huggingface.co"), "{hosts:?}");
            } else {
                assert!(2 <= hosts.len(), "{}", info.name);
                assert!(hosts.windows(2).all(|hosts| hosts[0] != hosts[1]), "{hosts:?}");
            }
        }
    }

    #[test]
    fn a_mirror_of_the_published_file_must_have_its_hash_and_another_file_need_not() {
        let mirror =
            request("googlenet", Some("https://mirror.example.org/bvlc_googlenet.caffemodel"));
        assert_eq!(mirrors(&mirror).unwrap()[0].hash, BVLC);
        let other = request("googlenet", Some("https://example.org/googlenet.safetensors"));
        assert_eq!(mirrors(&other).unwrap()[0].hash, Hash::Unknown);
    }

    #[test]
    fn a_file_given_as_an_address_is_pointed_to_import() {
        let error = mirrors(&request("googlenet", Some("/tmp/weights.caffemodel"))).unwrap_err();
        assert!(error.to_string().contains("pellucid import googlenet"), "{error}");
    }
}
