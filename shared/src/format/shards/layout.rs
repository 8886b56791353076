//! Where a number lies: the shapes of arrays, and the arithmetic of shards.

use std::ops::Range;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use serde::{Deserialize, Serialize};

use super::super::field::Field;
use crate::Result;

/// The most examples of a store.
const EXAMPLES_LIMIT: u64 = 1 << 40;

/// The most examples of a shard.
pub const PER_SHARD_LIMIT: u64 = 1 << 16;

/// The most arrays of a store.
const ARRAYS_LIMIT: usize = 64;

/// The most layers in all arrays of a store together.
const LAYERS_LIMIT: usize = 1000;

/// The most channels of a layer, and the most tokens.
const AXIS_LIMIT: u64 = 1 << 20;

/// The largest file of data, in bytes.
const FILE_LIMIT: u64 = 1 << 40;

/// The longest name of a layer, in characters.
const NAME_LIMIT: usize = 200;

/// How a number is stored, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// Single precision.
    F32,
    /// Half precision: 11 bits, up to 65,504.
    F16,
    /// The upper half of single precision: 8 bits.
    Bf16,
}

impl Dtype {
    /// Its name in files, which is also the ending of theirs.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }

    /// Bytes of a number.
    pub fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// What a number must be smaller than, either way, to have a finite one nearest to it.
    fn limit(self) -> f32 {
        match self {
            Self::F32 => f32::INFINITY,
            // Half a step above the largest.
            Self::F16 => 65_520.0,
            Self::Bf16 => f32::from_bits(0x7f7f_8000),
        }
    }

    /// Appends numbers, rounded to the nearest. Nothing is appended where one is not finite, or
    /// would not be any more.
    ///
    /// # Errors
    /// The first such number.
    pub fn encode(self, numbers: &[f32], bytes: &mut Vec<u8>) -> Outcome {
        let limit = self.limit();
        let fits = |number: &f32| number.abs() < limit;
        // One loop without a way out, so that it is done many at a time.
        if !numbers.iter().fold(true, |all, number| all & fits(number))
            && let Some(first) = numbers.iter().find(|number| !fits(number))
        {
            return Err(*first);
        }
        match self {
            Self::F32 => append(numbers, f32::to_le_bytes, bytes),
            Self::F16 => {
                let mut halves = vec![f16::ZERO; numbers.len()];
                halves.convert_from_f32_slice(numbers);
                append(&halves, f16::to_le_bytes, bytes);
            }
            Self::Bf16 => {
                let mut halves = vec![bf16::ZERO; numbers.len()];
                halves.convert_from_f32_slice(numbers);
                append(&halves, bf16::to_le_bytes, bytes);
            }
        }
        Ok(())
    }

    /// Appends so many times what stands for numbers that there are none of: NaN.
    pub fn encode_nothing(self, count: usize, bytes: &mut Vec<u8>) {
        let nan: &[u8] = match self {
            Self::F32 => &[0, 0, 0xc0, 0x7f],
            Self::F16 => &[0, 0x7e],
            Self::Bf16 => &[0xc0, 0x7f],
        };
        bytes.extend_from_slice(&nan.repeat(count));
    }

    /// Numbers as they were stored; what is left over of an incomplete one is no number.
    pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F32 => bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
            Self::F16 => {
                bytes.as_chunks().0.iter().map(|two| f16::from_le_bytes(*two).to_f32()).collect()
            }
            Self::Bf16 => {
                bytes.as_chunks().0.iter().map(|two| bf16::from_le_bytes(*two).to_f32()).collect()
            }
        }
    }
}

fn append<T: Copy, const WIDTH: usize>(
    numbers: &[T],
    to_bytes: impl Fn(T) -> [u8; WIDTH],
    bytes: &mut Vec<u8>,
) {
    let before = bytes.len();
    bytes.resize(before + WIDTH * numbers.len(), 0);
    for (place, number) in bytes[before..].as_chunks_mut().0.iter_mut().zip(numbers) {
        *place = to_bytes(*number);
    }
}

/// Whether numbers could be stored: the first that could not.
pub type Outcome = std::result::Result<(), f32>;

/// Which tokens of a layer are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// The class token.
    Cls,
    /// Every place.
    Patches,
    /// The extra tokens, then every place.
    All,
    /// The mean over all places.
    Pooled,
}

impl TokenKind {
    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cls => "cls",
            Self::Patches => "patches",
            Self::All => "all",
            Self::Pooled => "pooled",
        }
    }
}

/// Layers of one shape, in one file a shard: `[example, layer, token, channel]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Array {
    /// Canonical names.
    pub layers: Vec<String>,
    /// Of each layer.
    pub channels: usize,
    /// Of each layer, those that are kept.
    pub tokens: usize,
    /// How many of the tokens are extra ones, which come first.
    pub extra: usize,
    /// Rows and columns of the others, where places are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid: Option<[usize; 2]>,
}

impl Array {
    /// Numbers of one layer of an example.
    pub fn layer_numbers(&self) -> usize {
        self.tokens * self.channels
    }

    /// Numbers of an example.
    pub fn example_numbers(&self) -> usize {
        self.layers.len() * self.layer_numbers()
    }

    fn read(field: &Field<'_>, kind: TokenKind) -> Result<Self> {
        let layers = field.get("layers")?;
        let names = layers.items(LAYERS_LIMIT)?;
        if names.is_empty() {
            return Err(layers.wrong("has no layer"));
        }
        let names = names.iter().map(|name| Ok(name.short_text(NAME_LIMIT)?.to_owned()));
        let grid = match field.optional("grid")? {
            Some(grid) => match grid.items(2)?.as_slice() {
                [rows, columns] => {
                    Some([rows.positive(AXIS_LIMIT)?, columns.positive(AXIS_LIMIT)?])
                }
                sides => return Err(grid.wrong(format!("has {} sides, expected 2", sides.len()))),
            },
            None => None,
        };
        let array = Self {
            layers: names.collect::<Result<_>>()?,
            channels: field.get("channels")?.positive(AXIS_LIMIT)?,
            tokens: field.get("tokens")?.positive(AXIS_LIMIT)?,
            extra: field.get("extra")?.number(AXIS_LIMIT)? as usize,
            grid,
        };
        let places = grid.map(|[rows, columns]| rows * columns);
        let expected = match (kind, places) {
            (TokenKind::Patches, Some(places)) if array.extra == 0 => places,
            (TokenKind::All, Some(places)) => array.extra + places,
            (TokenKind::Cls, None) if array.extra == 1 => 1,
            (TokenKind::Pooled, None) if array.extra == 0 => 1,
            _ => {
                let kind = kind.name();
                return Err(field.wrong(format!("its extra and grid do not go with {kind:?}")));
            }
        };
        if array.tokens != expected {
            let reason = format!("is {}, expected {expected}", array.tokens);
            return Err(field.get("tokens")?.wrong(reason));
        }
        Ok(array)
    }
}

/// The arithmetic of a store: how many examples, how many in a shard, which arrays.
///
/// It is whole: every size that follows from it is within bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// How many pictures the job has.
    pub examples: u64,
    /// Which tokens are kept.
    pub tokens: TokenKind,
    /// How numbers are stored.
    pub dtype: Dtype,
    /// How many a shard holds, but for the last.
    pub examples_per_shard: u64,
    /// The arrays.
    pub arrays: Vec<Array>,
}

impl Layout {
    /// Reads and checks it.
    pub(super) fn read(field: &Field<'_>) -> Result<Self> {
        let tokens: TokenKind = field.get("tokens")?.parsed()?;
        let listed = field.get("arrays")?;
        let arrays: Vec<Array> = listed
            .items(ARRAYS_LIMIT)?
            .iter()
            .map(|array| Array::read(array, tokens))
            .collect::<Result<_>>()?;
        let layout = Self {
            examples: field.get("examples")?.positive(EXAMPLES_LIMIT)? as u64,
            tokens,
            dtype: field.get("dtype")?.parsed()?,
            examples_per_shard: field.get("examples_per_shard")?.positive(PER_SHARD_LIMIT)? as u64,
            arrays,
        };
        layout.check().map_err(|reason| listed.wrong(reason))?;
        Ok(layout)
    }

    /// What is wrong with the arrays together, if anything is.
    pub fn check(&self) -> std::result::Result<(), String> {
        let mut names: Vec<&str> = self.layers().collect();
        if names.is_empty() || LAYERS_LIMIT < names.len() {
            return Err(format!("has {} layers, expected 1 to {LAYERS_LIMIT}", names.len()));
        }
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("has the layer {:?} twice", twice[0]));
        }
        for (number, array) in self.arrays.iter().enumerate() {
            // Each is at most 2^20, so that no two of them overflow.
            let size = (array.layer_numbers() as u64)
                .checked_mul(array.layers.len() as u64 * self.dtype.width() as u64)
                .and_then(|size| size.checked_mul(self.examples_per_shard));
            if size.is_none_or(|size| FILE_LIMIT < size) {
                return Err(format!(
                    "a shard of array {number} is larger than {FILE_LIMIT} bytes: \
                     it must hold fewer examples"
                ));
            }
        }
        Ok(())
    }

    /// The names of all layers.
    pub fn layers(&self) -> impl Iterator<Item = &str> {
        self.arrays.iter().flat_map(|array| array.layers.iter().map(String::as_str))
    }

    /// In which array a layer is, and which of its layers it is.
    pub fn find(&self, layer: &str) -> Option<[usize; 2]> {
        self.arrays.iter().enumerate().find_map(|(number, array)| {
            let place = array.layers.iter().position(|name| name == layer)?;
            Some([number, place])
        })
    }

    /// How many shards there are when all is recorded.
    pub fn shards(&self) -> u64 {
        self.examples.div_ceil(self.examples_per_shard)
    }

    /// The examples of a shard; none behind the last.
    pub fn shard_examples(&self, shard: u64) -> Range<u64> {
        let start = shard.saturating_mul(self.examples_per_shard).min(self.examples);
        start..start.saturating_add(self.examples_per_shard).min(self.examples)
    }

    /// Bytes of an example in an array.
    pub fn example_bytes(&self, array: usize) -> usize {
        self.arrays[array].example_numbers() * self.dtype.width()
    }

    /// Bytes of a shard's file of an array.
    pub fn file_bytes(&self, shard: u64, array: usize) -> u64 {
        let examples = self.shard_examples(shard);
        (examples.end - examples.start) * self.example_bytes(array) as u64
    }

    /// Where in its shard's file a layer of an example lies, in bytes: all its tokens.
    pub fn layer_bytes(&self, example: u64, [array, layer]: [usize; 2]) -> Range<usize> {
        let row = (example % self.examples_per_shard) as usize;
        let length = self.arrays[array].layer_numbers() * self.dtype.width();
        let start = row * self.example_bytes(array) + layer * length;
        start..start + length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        let array = |layers: &[&str], channels, extra, grid: [usize; 2]| Array {
            layers: layers.iter().map(|&layer| layer.to_owned()).collect(),
            channels,
            tokens: extra + grid[0] * grid[1],
            extra,
            grid: Some(grid),
        };
        Layout {
            examples: 11,
            tokens: TokenKind::All,
            dtype: Dtype::F16,
            examples_per_shard: 4,
            arrays: vec![array(&["a", "b"], 6, 1, [2, 2]), array(&["c"], 3, 0, [5, 4])],
        }
    }

    #[test]
    fn every_number_has_a_place_of_its_own_and_files_have_no_others() {
        let layout = layout();
        assert_eq!(layout.shards(), 3);
        for (array, shape) in layout.arrays.iter().enumerate() {
            for shard in 0..layout.shards() {
                let mut next = 0;
                for example in layout.shard_examples(shard) {
                    for layer in 0..shape.layers.len() {
                        let place = layout.layer_bytes(example, [array, layer]);
                        assert_eq!(place.start, next);
                        next = place.end;
                    }
                }
                assert_eq!(next as u64, layout.file_bytes(shard, array));
            }
        }
        let all: Vec<u64> = (0..3).flat_map(|shard| layout.shard_examples(shard)).collect();
        assert_eq!(all, (0..11).collect::<Vec<_>>());
        assert_eq!((layout.shard_examples(3), layout.shard_examples(u64::MAX)), (11..11, 11..11));
    }

    #[test]
    fn layers_are_found_in_their_arrays() {
        assert_eq!(layout().find("b"), Some([0, 1]));
        assert_eq!(layout().find("c"), Some([1, 0]));
        assert_eq!(layout().find("d"), None);
    }

    #[test]
    fn arrays_that_hold_a_layer_twice_or_too_much_are_refused() {
        let mut twice = layout();
        twice.arrays[1].layers.push("a".to_owned());
        assert!(twice.check().unwrap_err().contains("\"a\" twice"));
        let mut large = layout();
        (large.arrays[0].tokens, large.arrays[0].channels) = (1 << 20, 1 << 20);
        assert!(large.check().unwrap_err().contains("fewer examples"));
        let none = Layout { arrays: Vec::new(), ..layout() };
        assert!(none.check().unwrap_err().contains("0 layers"));
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest_and_come_back() {
        let numbers = [0.0, -1.5, 65504.0, 1.0 / 3.0, -0.0, 3e-8];
        for (dtype, most) in [(Dtype::F32, 0.0), (Dtype::F16, 2e-3), (Dtype::Bf16, 4e-3)] {
            let mut bytes = Vec::new();
            dtype.encode(&numbers, &mut bytes).unwrap();
            assert_eq!(bytes.len(), numbers.len() * dtype.width());
            for (number, back) in numbers.iter().zip(dtype.decode(&bytes)) {
                assert!((number - back).abs() <= most * number.abs() + 3e-8, "{dtype:?}");
            }
        }
        let mut bytes = Vec::new();
        Dtype::F16.encode(&[1.0, -2.0], &mut bytes).unwrap();
        assert_eq!(bytes, [0x00, 0x3c, 0x00, 0xc0]);
    }

    #[test]
    fn what_has_no_room_is_told_and_nothing_is_stored_of_it() {
        let mut bytes = vec![7];
        assert_eq!(Dtype::F16.encode(&[1.0, 65520.0], &mut bytes), Err(65520.0));
        assert!(Dtype::Bf16.encode(&[65520.0], &mut Vec::new()).is_ok());
        assert!(Dtype::Bf16.encode(&[f32::MAX], &mut bytes).is_err());
        for dtype in [Dtype::F32, Dtype::F16, Dtype::Bf16] {
            assert!(dtype.encode(&[f32::NAN], &mut bytes).is_err());
            assert!(dtype.encode(&[-f32::INFINITY], &mut bytes).is_err());
            // The largest that is not refused stays finite.
            let mut bytes = Vec::new();
            dtype.encode(&[dtype.limit().next_down()], &mut bytes).unwrap();
            assert!(dtype.decode(&bytes)[0].is_finite(), "{dtype:?}");
        }
        assert_eq!(bytes, [7]);
    }

    #[test]
    fn rows_of_pictures_that_could_not_be_read_are_the_nan_that_is_documented() {
        for (dtype, expected) in [
            (Dtype::F32, vec![0, 0, 0xc0, 0x7f]),
            (Dtype::F16, vec![0, 0x7e]),
            (Dtype::Bf16, vec![0xc0, 0x7f]),
        ] {
            let mut bytes = Vec::new();
            dtype.encode_nothing(2, &mut bytes);
            assert_eq!(bytes, expected.repeat(2), "{dtype:?}");
            assert!(dtype.decode(&bytes).iter().all(|number| number.is_nan()));
        }
    }
}
