//! Published weights, downloaded, verified, converted into the cache.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use sha1::{Digest, Sha1};
use shared::weights::Precision;

use crate::cache::{self, Weights};
use crate::convert::{self, Origin};
use crate::download::{DownloadError, Part, Patience, download};
use crate::failure::WrongCall;
use crate::output;

/// Where a model's weights are published.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The model's name in the registry.
    pub model: &'static str,
    /// Its addresses, in the order in which they are tried.
    pub sources: &'static [Source<'static>],
}

/// One address of a weights file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// Of the file.
    pub address: &'a str,
    /// What is known of its bytes.
    pub hash: Hash,
}

/// Names of the classes of `inception-v1`, which are in an order of their own: Lucid's list.
const INCEPTION_V1_LABELS: &str =
    "https://storage.googleapis.com/modelzoo/labels/ImageNet_alternate.txt";

/// What is known of a published file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1, hexadecimal.
    Sha1(&'static str),
    /// How the SHA-256 begins, hexadecimal.
    Sha256Begins(&'static str),
    /// Nothing: the file is judged by its structure.
    Unknown,
}

impl Hash {
    /// By which a file is known before it is whole, wherever it comes from.
    fn identity(self) -> Option<&'static str> {
        match self {
            Self::Sha1(hash) | Self::Sha256Begins(hash) => Some(hash),
            Self::Unknown => None,
        }
    }
}

/// BVLC's, under the name it was published by.
const BVLC: Hash = Hash::Sha1("405fc5acd08a3bb12de8ee5e23a96bec22f08204");

/// torchvision's.
const TORCHVISION: Hash = Hash::Sha256Begins("1378be20");

const fn source(address: &'static str, hash: Hash) -> Source<'static> {
    Source { address, hash }
}

/// An EfficientNet-Lite as timm publishes it: PyTorch's naming, with the beginning of the file's
/// SHA-256; and the same weights on Hugging Face, with no hash.
macro_rules! lite {
    ($size:literal, $hash:literal) => {
        Published {
            model: concat!("efficientnet-lite", $size),
            sources: &[
                source(
                    concat!(
                        "https://github.com/rwightman/pytorch-image-models/releases/download/",
                        "v0.1-weights/tf_efficientnet_lite",
                        $size,
                        "-",
                        $hash,
                        ".pth"
                    ),
                    Hash::Sha256Begins($hash),
                ),
                source(
                    concat!(
                        "https://huggingface.co/timm/tf_efficientnet_lite",
                        $size,
                        ".in1k/resolve/main/model.safetensors"
                    ),
                    Hash::Unknown,
                ),
            ],
        }
    };
}

/// The published files.
pub const PUBLISHED: [Published; 8] = [
    Published {
        model: "googlenet",
        sources: &[
            // Address and hash: models/bvlc_googlenet/readme.md of BVLC's Caffe.
            source("http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel", BVLC),
            // tools/caffe_converter/model_zoo.py of Apache MXNet.
            source(
                "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/caffe/models/bvlc_googlenet/bvlc_googlenet.caffemodel",
                BVLC,
            ),
            source(
                "https://www.deepdetect.com/downloads/platform/pretrained/caffe/googlenet/bvlc_googlenet.caffemodel",
                BVLC,
            ),
        ],
    },
    // The conversion of Google's inception5h that Lucent loads; no hash is published.
    Published {
        model: "inception-v1",
        sources: &[
            source(
                "https://github.com/ProGamerGov/pytorch-old-tensorflow-models/raw/master/inception5h.pth",
                Hash::Unknown,
            ),
            source(
                "https://raw.githubusercontent.com/ProGamerGov/pytorch-old-tensorflow-models/master/inception5h.pth",
                Hash::Unknown,
            ),
        ],
    },
    // PyTorch writes the beginning of a file's SHA-256 into its name.
    Published {
        model: "googlenet-torchvision",
        sources: &[
            source("https://download.pytorch.org/models/googlenet-1378be20.pth", TORCHVISION),
            // Huawei's model zoo for Ascend.
            source(
                "https://ascend-repo-modelzoo.obs.cn-east-2.myhuaweicloud.com/model/1_PyTorch_PTH/GoogleNet/PTH/googlenet-1378be20.pth",
                TORCHVISION,
            ),
        ],
    },
    lite!("0", "0aa007d2"),
    lite!("1", "bde8b488"),
    lite!("2", "dcccb7df"),
    lite!("3", "b733e338"),
    lite!("4", "741542c3"),
];

/// What is to be fetched.
#[derive(Clone, Debug)]
pub struct Order {
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

/// The command that brings a model's published weights into the cache.
pub fn way_to(model: &str) -> String {
    format!("pellucid fetch {model}")
}

/// Fetches weights unless they are here already. An interrupted fetch goes on where it stopped.
pub fn fetch(order: &Order, patience: &Patience) -> Result<Fetched> {
    shared::models::info(&order.model)?;
    let target = &order.target;
    if target.is_file() && !order.force {
        let sha256 = cache::sha256_of_file(target)?;
        let model = order.model.clone();
        return Ok(Fetched { model, path: target.clone(), sha256, source_sha256: None });
    }
    let fetched = fetch_from(order, &sources(order)?, patience)?;
    if order.model == "inception-v1" && order.from.is_none() {
        fetch_labels(order, patience);
    }
    Ok(fetched)
}

/// Fetches weights from the first of these addresses that gives them. A download that is complete
/// already needs none of them.
pub fn fetch_from(order: &Order, sources: &[Source<'_>], patience: &Patience) -> Result<Fetched> {
    let part_path = order.target.with_extension("part");
    if let Some(fetched) = finished(order, sources, &part_path)? {
        return Ok(fetched);
    }
    let mut failures = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        eprintln!("fetching {} from {}", order.model, source.address);
        let is_last = place + 1 == sources.len();
        // Where there are others, one that does not answer is not waited for.
        let attempts = if is_last { patience.attempts } else { patience.attempts.min(2) };
        let failure = match receive(order, source, &part_path, &Patience { attempts, ..*patience })
        {
            Ok(fetched) => return Ok(fetched),
            Err(Unusable::Here(error)) => return Err(error),
            Err(Unusable::There(error)) => format!("{error:#}"),
        };
        if !is_last {
            eprintln!("{failure}; trying another address");
        }
        failures.push(failure);
    }
    let model = &order.model;
    bail!(
        "no weights for {model} came over the network: {}. Run `{}` again later, name another \
         address with --from, or take a file from elsewhere with `pellucid import {model} FILE`",
        failures.join("; "),
        way_to(model)
    )
}

/// Weights from a download that ended before but was not kept: the process was killed in between.
fn finished(order: &Order, sources: &[Source<'_>], part_path: &Path) -> Result<Option<Fetched>> {
    if !part_path.is_file() {
        return Ok(None);
    }
    let part = Part::open(part_path)?;
    let origin = part.origin();
    let is_whole = |source: &&Source<'_>| match source.hash {
        Hash::Unknown => origin.as_ref().is_some_and(|origin| {
            origin.address == source.address && origin.total == part.length().ok()
        }),
        hash => verify(part_path, hash).is_ok(),
    };
    let Some(source) = sources.iter().find(is_whole) else { return Ok(None) };
    match keep(order, source, part_path) {
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
    order: &Order,
    source: &Source<'_>,
    part_path: &Path,
    patience: &Patience,
) -> Result<Fetched, Unusable> {
    loop {
        let part = download(source.address, part_path, source.hash.identity(), patience)?;
        let unusable = match keep(order, source, part.path()) {
            Err(Unusable::There(error)) => error,
            kept_or_here => {
                if kept_or_here.is_ok() {
                    part.remove().context("removing the download").map_err(Unusable::Here)?;
                }
                return kept_or_here;
            }
        };
        // The bytes are all here and wrong: going on from them would never end well.
        let begun_elsewhere = part.origin().is_some_and(|origin| origin.address != source.address);
        part.remove().context("removing the download").map_err(Unusable::Here)?;
        if !begun_elsewhere {
            return Err(Unusable::There(unusable.context(format!(
                "what {} sent is not the published {}; it was removed",
                source.address, order.model
            ))));
        }
        // Perhaps only what came from there was wrong.
        eprintln!("what came from another address before does not belong to it; beginning anew");
    }
}

/// Names for the classes. Weights work without them, so failing is only worth a sentence.
fn fetch_labels(order: &Order, patience: &Patience) {
    let target = cache::labels_file(&order.target);
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

/// The addresses to use.
fn sources(order: &Order) -> Result<Vec<Source<'_>>> {
    let published = PUBLISHED.iter().find(|published| published.model == order.model);
    let published = published.map_or(&[][..], |published| published.sources);
    let Some(address) = order.from.as_deref() else { return Ok(published.to_vec()) };
    if !address.starts_with("http://") && !address.starts_with("https://") {
        return Err(WrongCall(format!(
            "--from {address}: expected an address that begins with http:// or https://; \
             a file is taken by `pellucid import {} FILE`",
            order.model
        ))
        .into());
    }
    // A mirror keeps the name; under another name it may be another format.
    fn name(address: &str) -> &str {
        address.rsplit('/').next().unwrap_or_default()
    }
    let mirrored = published.iter().find(|source| name(source.address) == name(address));
    Ok(vec![Source { address, hash: mirrored.map_or(Hash::Unknown, |source| source.hash) }])
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
            | DownloadError::WebPage { .. }
            | DownloadError::TooLong { .. }
            | DownloadError::GaveUp { .. } => Self::There(error.into()),
        }
    }
}

fn keep(order: &Order, source: &Source<'_>, part: &Path) -> Result<Fetched, Unusable> {
    verify(part, source.hash).map_err(Unusable::There)?;
    let file = Weights::File(part.to_owned());
    let (tensors, origin) = convert::read(&order.model, &file).map_err(Unusable::There)?;
    if source.hash == Hash::Unknown {
        eprintln!("no hash is published for this file; its sha256 is {}", origin.sha256);
    }
    let origin = Origin { source: source.address.to_owned(), ..origin };
    let bytes = convert::encode(&order.model, &tensors, Precision::F32, &origin)
        .map_err(Unusable::There)?;
    output::write_whole(&order.target, |out| Ok(out.write_all(&bytes)?)).map_err(Unusable::Here)?;
    Ok(Fetched {
        model: order.model.clone(),
        path: order.target.clone(),
        sha256: cache::sha256_of(&bytes),
        source_sha256: Some(origin.sha256),
    })
}

fn verify(part: &Path, hash: Hash) -> Result<()> {
    let (name, expected, found) = match hash {
        Hash::Unknown => return Ok(()),
        Hash::Sha1(expected) => ("sha1", expected, sha1_of_file(part)?),
        Hash::Sha256Begins(expected) => {
            let mut found = cache::sha256_of_file(part)?;
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
    Ok(cache::hex(&Sha1::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(model: &str, from: Option<&str>) -> Order {
        let from = from.map(str::to_owned);
        Order { model: model.to_owned(), from, force: false, target: PathBuf::from("unused") }
    }

    #[test]
    fn every_model_of_the_registry_has_more_than_one_address() {
        for info in shared::models::registry() {
            let order = order(info.name, None);
            let sources = sources(&order).unwrap();
            assert!(2 <= sources.len(), "{}", info.name);
            let hosts: Vec<_> =
                sources.iter().map(|source| source.address.split('/').nth(2)).collect();
            assert!(hosts.windows(2).all(|hosts| hosts[0] != hosts[1]), "{hosts:?}");
        }
    }

    #[test]
    fn a_mirror_of_the_published_file_must_have_its_hash_and_another_file_need_not() {
        let mirror =
            order("googlenet", Some("https://mirror.example.org/bvlc_googlenet.caffemodel"));
        assert_eq!(sources(&mirror).unwrap()[0].hash, BVLC);
        let other = order("googlenet", Some("https://example.org/googlenet.safetensors"));
        assert_eq!(sources(&other).unwrap()[0].hash, Hash::Unknown);
    }

    #[test]
    fn a_file_given_as_an_address_is_pointed_to_import() {
        let error = sources(&order("googlenet", Some("/tmp/weights.caffemodel"))).unwrap_err();
        assert!(error.to_string().contains("pellucid import googlenet"), "{error}");
    }
}
