//! Bytes to named tensors, which are read one at a time.
//!
//! Every reader here takes untrusted bytes: sizes are checked against the bytes that are there
//! before anything is allocated.

mod caffemodel;
mod element;
mod error;
mod foreign;
mod pytorch;
mod safetensors;
mod stored;
mod tensor;

pub use caffemodel::from_caffemodel;
pub use error::WeightsError;
pub use foreign::Foreign;
pub use pytorch::{from_pytorch, plain_from_pytorch};
pub use safetensors::{Precision, SafetensorsWriter, from_safetensors, to_safetensors};
pub use stored::{NotTaken, Reading, StoredTensors};
pub use tensor::{NamedTensor, NamedTensors};

/// How the names of weights files end, in the order in which they are proposed.
pub const ENDINGS: [&str; 6] = ["safetensors", "pth", "pt", "ckpt", "bin", "caffemodel"];

/// Finds the tensors in safetensors, a `.caffemodel`, or what `torch.save` wrote, told apart by content: names lie.
///
/// # Errors
/// A damaged file; one that is something else is called what it is.
pub fn from_bytes(bytes: &[u8]) -> Result<StoredTensors<'_>, WeightsError> {
    if safetensors::begins(bytes) {
        return from_safetensors(bytes);
    }
    if pytorch::begins(bytes) {
        return from_pytorch(bytes);
    }
    if let Some(foreign) = Foreign::of(bytes) {
        return Err(WeightsError::Foreign(foreign));
    }
    if caffemodel::begins(bytes) {
        return from_caffemodel(bytes);
    }
    Err(WeightsError::Foreign(Foreign::Unknown { length: bytes.len() }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_kind_of_a_file_is_told_by_its_content() {
        let tensor = NamedTensor { shape: vec![1], values: vec![0.5] };
        let tensors = NamedTensors::from([("fc.weight".to_owned(), tensor)]);
        let written = to_safetensors(&tensors, Precision::F32, &BTreeMap::new()).unwrap();
        let read =
            |bytes: &[u8]| -> NamedTensors { from_bytes(bytes).unwrap().into_iter().collect() };
        assert_eq!(read(&written), tensors);
        // NetParameter { layer: { name: "fc", blobs: { shape: { dim: 1 }, data: 0.5 } } }
        let caffe = [
            &[0xa2, 0x06, 17, 0x0a, 2][..],
            b"fc",
            &[0x3a, 11, 0x3a, 3, 0x0a, 1, 1, 0x2a, 4],
            &0.5_f32.to_le_bytes(),
        ];
        assert_eq!(read(&caffe.concat()), tensors);
    }

    #[test]
    fn what_is_no_weights_is_called_what_it_is_with_what_to_do_next() {
        let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 53533754\n";
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let mut json = b"\xef\xbb\xbf ".to_vec();
        json.extend(b"{}");
        for (bytes, what, next) in [
            (&b""[..], "this is an empty file", "download it again"),
            (
                lfs,
                "this is a Git LFS pointer, a few lines that stand for a file of 53533754 bytes",
                "git lfs pull",
            ),
            (
                &lfs[..60],
                "this is a Git LFS pointer, a few lines that stand for the file",
                "git lfs pull",
            ),
            (b"\n <!DOCTYPE html><title>Sign in</title>", "this is a web page", "the file itself"),
            (b"\x1f\x8b\x08\0", "this is packed with gzip", "unpack it"),
            (&tar, "this is packed with tar", "unpack it"),
            (b"(dp0\nVfc\np1\n", "this is a pickle of protocol 0", "torch.save(model.state_dict()"),
            (b"ccollections\nOrderedDict\n", "this is a pickle of protocol 0", "torch.save"),
            (b"L119547037146038801333356L\n.", "this is a pickle of protocol 0", "torch.save"),
            (
                b"\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94.",
                "this is a pickle of protocol 4",
                "torch.save",
            ),
            (b"\x89HDF\r\n\x1a\n", "this is an HDF5 file", "take a .safetensors"),
            (&json, "this is a text in JSON", "take a .safetensors"),
            (
                b"no weights at all",
                "17 bytes that are neither safetensors nor .caffemodel nor .pth",
                "download it again",
            ),
        ] {
            let error = from_bytes(bytes).unwrap_err().to_string();
            assert!(error.starts_with(what) && error.contains(next), "{what}: {error}");
        }
    }
}
