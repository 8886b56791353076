//! Files that are no weights, called what they are.

use std::fmt;

/// What a file is instead of weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Nothing at all.
    Empty,
    /// What Git keeps in the place of a large file.
    GitLfsPointer {
        /// Bytes of the file itself, if the pointer says so.
        size: Option<u64>,
    },
    /// A page for people.
    WebPage,
    /// Something compressed or bundled, by the name of the program.
    Packed(&'static str),
    /// A .zip archive that PyTorch did not write.
    Zip {
        /// It is a bundle of ours.
        bundle: bool,
    },
    /// A pickle that `torch.save` did not write.
    Pickle {
        /// Its protocol.
        protocol: u8,
    },
    /// Another kind of file, by its name.
    Other(&'static str),
    /// Nobody knows.
    Unknown {
        /// How long it is.
        length: usize,
    },
}

/// How files of other kinds begin, and what to call them.
const BEGINNINGS: [(&[u8], Foreign); 15] = [
    (b"\x1f\x8b", Foreign::Packed("gzip")),
    (b"\xfd7zXZ\0", Foreign::Packed("xz")),
    (b"BZh", Foreign::Packed("bzip2")),
    (b"\x28\xb5\x2f\xfd", Foreign::Packed("zstd")),
    (b"7z\xbc\xaf\x27\x1c", Foreign::Packed("7-Zip")),
    (b"Rar!\x1a\x07", Foreign::Packed("rar")),
    (b"PK\x05\x06", Foreign::Zip { bundle: false }),
    (b"\x89HDF\r\n\x1a\n", Foreign::Other("an HDF5 file, as Keras writes them")),
    (b"\x93NUMPY", Foreign::Other("an array of NumPy's")),
    (b"GGUF", Foreign::Other("a GGUF file of llama.cpp's")),
    (b"\x89PNG", Foreign::Other("a picture")),
    (b"\xff\xd8\xff", Foreign::Other("a picture")),
    (b"GIF8", Foreign::Other("a picture")),
    (b"RIFF", Foreign::Other("a picture or a sound")),
    (b"%PDF", Foreign::Other("a PDF")),
];

/// How the pointers of Git LFS begin.
const LFS: &[u8] = b"version https://git-lfs";

/// Where a tar archive says that it is one, and how.
const TAR: (usize, &[u8]) = (257, b"ustar");

impl Foreign {
    /// What a file is by how it begins; nothing if none of these.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::Empty);
        }
        if bytes.starts_with(LFS) {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
            let size =
                text.lines().find_map(|line| line.strip_prefix("size ")?.trim().parse().ok());
            return Some(Self::GitLfsPointer { size });
        }
        let (place, mark) = TAR;
        if bytes.get(place..).is_some_and(|rest| rest.starts_with(mark)) {
            return Some(Self::Packed("tar"));
        }
        if let Some(protocol) = pickle_protocol(bytes) {
            return Some(Self::Pickle { protocol });
        }
        if let Some((_, kind)) = BEGINNINGS.iter().find(|(start, _)| bytes.starts_with(start)) {
            return Some(kind.clone());
        }
        // A byte order mark may come first.
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        match text.first() {
            Some(b'<') => Some(Self::WebPage),
            Some(b'{' | b'[') => Some(Self::Other("a text in JSON")),
            _ => None,
        }
    }

    /// What to do next, as a sentence without its full stop.
    pub fn next(&self) -> &'static str {
        match self {
            Self::Empty => "download it again: nothing of it arrived",
            Self::GitLfsPointer { .. } => {
                "run `git lfs pull` in its repository, or download the file from the repository's page"
            }
            Self::WebPage => {
                "download the file itself, with the link called \"download\" or \"raw\", not the page that shows it"
            }
            Self::Packed(_) => "unpack it and take the weights file that is in it",
            Self::Zip { bundle: true } => {
                "open it in the page as a bundle, or unpack it and take its weights.safetensors"
            }
            Self::Zip { bundle: false } => "unpack it and take the weights file that is in it",
            Self::Pickle { .. } => {
                "load it in Python and save what is in it with torch.save(model.state_dict(), FILE)"
            }
            Self::Other(_) | Self::Unknown { .. } => {
                "take a .safetensors, .pth or .caffemodel file; if it should be one, download it again"
            }
        }
    }
}

/// The protocol of a pickle, told by its first bytes.
fn pickle_protocol(bytes: &[u8]) -> Option<u8> {
    if let [0x80, protocol @ 2..=5, ..] = bytes {
        return Some(*protocol);
    }
    // Protocol 0 is text, and begins with a dictionary, a list, a number or a class, each on a line.
    let line = bytes[..bytes.len().min(256)].split(|byte| *byte == b'\n').next()?;
    let is_word = |word: &[u8]| {
        let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"._".contains(byte);
        word.len() < line.len() && word.iter().all(letter)
    };
    let begins = match line {
        [b'(', b'd' | b'l', b'p', ..] | b"(d" | b"(l" => true,
        [b'L', digits @ .., b'L'] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        [b'c', module @ ..] => {
            let known: [&[u8]; 6] =
                [b"collections", b"torch", b"numpy", b"copy_reg", b"copyreg", b"__main__"];
            is_word(module) && known.iter().any(|known| module.starts_with(known))
        }
        _ => false,
    };
    (begins && line.len() < bytes.len()).then_some(0)
}

impl fmt::Display for Foreign {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("this is an empty file"),
            Self::GitLfsPointer { size: Some(size) } => write!(
                out,
                "this is a Git LFS pointer, a few lines that stand for a file of {size} bytes"
            ),
            Self::GitLfsPointer { size: None } => {
                out.write_str("this is a Git LFS pointer, a few lines that stand for the file")
            }
            Self::WebPage => out.write_str("this is a web page"),
            Self::Packed(program) => write!(out, "this is packed with {program}"),
            Self::Zip { bundle: true } => out.write_str("this is a bundle of Pellucid's"),
            Self::Zip { bundle: false } => {
                out.write_str("this is a .zip archive that PyTorch did not write")
            }
            Self::Pickle { protocol } => {
                write!(out, "this is a pickle of protocol {protocol} that torch.save did not write")
            }
            Self::Other(kind) => write!(out, "this is {kind}"),
            Self::Unknown { length } => {
                write!(out, "{length} bytes that are neither safetensors nor .caffemodel nor .pth")
            }
        }
    }
}
