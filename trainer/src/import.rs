//! Any published weights file to named tensors.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use half::{bf16, f16};
use pytorch_reader::{DType, PytorchReader, Tensor};
use shared::weights::{
    NamedTensor, NamedTensors, WeightsFormat, from_caffemodel, from_safetensors,
};

/// As far into a file as its kind can show: a tar archive says so at byte 257.
const HEAD: u64 = 512;

/// Bytes of tensors for a byte of file: shared weights may count twice or so, never this often.
const MAX_EXPANSION: u64 = 16;

/// The kinds of weights files, told apart by content: names lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain(WeightsFormat),
    PyTorch,
}

/// Reads safetensors, `.caffemodel` or `.pth`, told apart by content.
pub fn read_weights(path: &Path) -> Result<NamedTensors> {
    let read = || match detect(path)? {
        Kind::Plain(WeightsFormat::Safetensors) => Ok(from_safetensors(&std::fs::read(path)?)?),
        Kind::Plain(WeightsFormat::Caffe) => Ok(from_caffemodel(&std::fs::read(path)?)?),
        Kind::PyTorch => read_pytorch(path),
    };
    read().with_context(|| format!("reading weights from {}", path.display()))
}

fn detect(path: &Path) -> Result<Kind> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut head = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut head)?;
    let Some(kind) = kind_of(&head, length) else {
        bail!(
            "{length} bytes that are neither safetensors nor .caffemodel nor .pth; \
             was the download complete, and is it no web page?"
        );
    };
    Ok(kind)
}

fn kind_of(head: &[u8], length: u64) -> Option<Kind> {
    // First, because the length that safetensors begin with may look like a pickle.
    if let Some(format) = WeightsFormat::of(head, length) {
        return Some(Kind::Plain(format));
    }
    let is_zip = head.starts_with(b"PK\x03\x04");
    let is_tar = head.get(257..262) == Some(b"ustar");
    // PyTorch before 1.6: a pickle stream, of protocol 2 or later.
    let is_pickle = matches!(head, [0x80, 2..=5, ..]);
    (is_zip || is_tar || is_pickle).then_some(Kind::PyTorch)
}

/// Every tensor of floating point numbers; integers are counters, no weights.
fn read_pytorch(path: &Path) -> Result<NamedTensors> {
    let file_length = path.metadata()?.len();
    let tensors = PytorchReader::new(path)?.into_tensors();
    // A tensor may repeat one stored value any number of times, so a small file could ask for more
    // memory than there is.
    let declared: u64 = tensors.values().map(|tensor| tensor.byte_len() as u64).sum();
    if MAX_EXPANSION * file_length < declared {
        bail!("a file of {file_length} bytes that declares {declared} bytes of tensors");
    }
    let mut named = NamedTensors::new();
    for (name, tensor) in tensors {
        let shape = tensor.shape().to_vec();
        if let Some(values) = read_values(&tensor)? {
            named.insert(name, NamedTensor { shape, values });
        }
    }
    // Training scripts save `{"state_dict": {..}, "epoch": 90}`.
    Ok(without_common_prefix(named, "state_dict."))
}

fn read_values(tensor: &Tensor) -> Result<Option<Vec<f32>>> {
    // The reader has brought the bytes into this machine's order.
    let decode: fn(&[u8]) -> Vec<f32> = match tensor.dtype() {
        DType::F64 => |bytes| values(bytes, |bytes| f64::from_ne_bytes(bytes) as f32),
        DType::F32 => |bytes| values(bytes, f32::from_ne_bytes),
        DType::F16 => |bytes| values(bytes, |bytes| f16::from_ne_bytes(bytes).to_f32()),
        DType::BF16 => |bytes| values(bytes, |bytes| bf16::from_ne_bytes(bytes).to_f32()),
        _ => return Ok(None),
    };
    Ok(Some(decode(&tensor.read()?)))
}

fn values<const SIZE: usize>(bytes: &[u8], read: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<SIZE>().0.iter().map(|bytes| read(*bytes)).collect()
}

fn without_common_prefix(tensors: NamedTensors, prefix: &str) -> NamedTensors {
    if !tensors.keys().all(|name| name.starts_with(prefix)) {
        return tensors;
    }
    let stripped =
        tensors.into_iter().map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor));
    stripped.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write;

    use shared::weights::{Precision, to_safetensors};

    use super::*;

    // Made by `scripts/tiny_checkpoints.py` with `torch.save`.
    const ZIP: &[u8] = include_bytes!("../tests/checkpoints/tiny_zip.pth");
    const LEGACY: &[u8] = include_bytes!("../tests/checkpoints/tiny_legacy.pth");
    const NESTED: &[u8] = include_bytes!("../tests/checkpoints/tiny_nested.pth");
    const EXPANDED: &[u8] = include_bytes!("../tests/checkpoints/tiny_expanded.pth");

    fn read(bytes: &[u8]) -> Result<NamedTensors> {
        // The name says nothing: content alone decides.
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(bytes)?;
        read_weights(file.path())
    }

    fn expected() -> NamedTensors {
        let weight =
            NamedTensor { shape: vec![2, 3], values: (0..6).map(|i| i as f32 / 4.0).collect() };
        let bias = NamedTensor { shape: vec![2], values: vec![-1.5, 2.0] };
        NamedTensors::from([("fc.weight".to_owned(), weight), ("fc.bias".to_owned(), bias)])
    }

    #[test]
    fn checkpoints_of_new_and_old_pytorch_give_the_same_tensors() {
        for checkpoint in [ZIP, LEGACY, NESTED] {
            assert_eq!(read(checkpoint).unwrap(), expected());
        }
    }

    #[test]
    fn safetensors_and_caffemodel_are_told_apart_by_content() {
        let bytes = to_safetensors(&expected(), Precision::F32, &BTreeMap::new()).unwrap();
        assert_eq!(read(&bytes).unwrap(), expected());
        // NetParameter { layer: { name: "fc", blobs: { shape: { dim: 1 }, data: 0.5 } } }
        let caffe = [
            &[0xa2, 0x06, 17, 0x0a, 2][..],
            b"fc",
            &[0x3a, 11, 0x3a, 3, 0x0a, 1, 1, 0x2a, 4],
            &0.5_f32.to_le_bytes(),
        ];
        let tensors = read(&caffe.concat()).unwrap();
        assert_eq!(tensors["fc.weight"], NamedTensor { shape: vec![1], values: vec![0.5] });
    }

    #[test]
    fn a_web_page_in_place_of_weights_is_recognised() {
        for bytes in [&b"<!DOCTYPE html><html>not found</html>"[..], b"", b"{}"] {
            let error = format!("{:#}", read(bytes).unwrap_err());
            assert!(error.contains("reading weights from"), "{error}");
            assert!(error.contains("neither safetensors nor .caffemodel nor .pth"), "{error}");
        }
    }

    #[test]
    fn a_checkpoint_cut_anywhere_is_refused_without_a_panic() {
        for checkpoint in [ZIP, LEGACY] {
            for length in (0..checkpoint.len()).step_by(7) {
                assert!(read(&checkpoint[..length]).is_err(), "{length} of {}", checkpoint.len());
            }
        }
    }

    #[test]
    fn a_small_file_cannot_ask_for_gigabytes() {
        let error = format!("{:#}", read(EXPANDED).unwrap_err());
        assert!(error.contains("declares 4000000000 bytes of tensors"), "{error}");
    }
}
