//! Where the tokens of a transformer's block look in a picture, head by head.

use shared::tap::{LayerId, LayerInfo, Role};

use crate::heatmap::Map;
use crate::protocol::Attended;

/// What a model has of attention that can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Blocks.
    pub blocks: usize,
    /// Heads in each.
    pub heads: usize,
}

impl Heads {
    /// Those of a model of these layers; nothing where it has none.
    pub fn of(layers: &[LayerInfo]) -> Option<Self> {
        let (_, heads) = compared(layers).next()?;
        Some(Self { blocks: compared(layers).count(), heads })
    }
}

/// What attention compares, block by block: the layer's place among all, and its heads.
pub fn compared(layers: &[LayerInfo]) -> impl Iterator<Item = (LayerId, usize)> {
    layers.iter().enumerate().filter_map(|(number, layer)| match layer.role {
        Role::Attention { heads } => Some((LayerId(number), heads)),
        _ => None,
    })
}

/// How much each token of a block attends to each other, by head.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// What the engine said of it.
    pub attended: Attended,
    /// `[heads, tokens that look, tokens that are looked at]`; tokens without a place first, then
    /// patches row by row. The last sums to 1.
    weights: Vec<f32>,
}

/// What one token looks at, by all heads.
#[derive(Clone, Debug, PartialEq)]
pub struct Looks {
    /// The mean over the heads, then head after head.
    pub maps: Vec<Map>,
    /// The largest value in any of them: the end of the colour scale.
    pub full: f32,
    /// What each of `maps` leaves to tokens that have no place, as a share of 1.
    pub beside: Vec<f32>,
}

impl Attention {
    /// From the bytes that the engine sends; nothing where there are fewer than it says.
    pub fn new(attended: Attended, bytes: &[u8]) -> Option<Self> {
        let tokens = attended.tokens();
        let weights = Map::from_bytes(tokens, bytes).values;
        let needed = attended.heads * tokens * tokens;
        (0 < tokens && weights.len() == needed).then_some(Self { attended, weights })
    }

    /// Whether there is such a patch.
    pub fn has(&self, [row, column]: [usize; 2]) -> bool {
        row < self.attended.patches.height && column < self.attended.patches.width
    }

    /// What a patch looks at, or the class token; that of a patch that is not there is the class
    /// token's.
    pub fn looks(&self, from: Option<[usize; 2]>) -> Looks {
        let Attended { heads, extra, patches, .. } = self.attended;
        let tokens = self.attended.tokens();
        let token = match from.filter(|from| self.has(*from)) {
            Some([row, column]) => extra + row * patches.width + column,
            None => 0,
        };
        let row = |head: usize| &self.weights[(head * tokens + token) * tokens..][..tokens];
        let mut mean = vec![0.0; tokens];
        for head in 0..heads {
            for (sum, weight) in mean.iter_mut().zip(row(head)) {
                *sum += weight / heads as f32;
            }
        }
        let all: Vec<&[f32]> = std::iter::once(&mean[..]).chain((0..heads).map(row)).collect();
        let map =
            |weights: &&[f32]| Map { columns: patches.width, values: weights[extra..].to_vec() };
        let maps: Vec<Map> = all.iter().map(map).collect();
        let largest = maps.iter().map(Map::largest).fold(0.0, f32::max);
        let beside = all.iter().map(|weights| weights[..extra].iter().sum()).collect();
        Looks { maps, full: largest, beside }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::PictureSize;

    /// Two heads, a class token and four patches; every token looks at token `head` alone, but the
    /// last patch at itself.
    fn attention() -> Attention {
        let patches = PictureSize { width: 2, height: 2 };
        let attended = Attended { block: 3, heads: 2, extra: 1, patches, milliseconds: 1.0 };
        let mut weights = [0.0_f32; 2 * 5 * 5];
        for head in 0..2 {
            for token in 0..5 {
                let at = if token == 4 { 4 } else { head };
                weights[(head * 5 + token) * 5 + at] = 1.0;
            }
        }
        let bytes: Vec<u8> = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
        Attention::new(attended, &bytes).unwrap()
    }

    #[test]
    fn a_token_looks_by_each_head_and_by_their_mean() {
        let looks = attention().looks(None);
        assert_eq!(looks.maps.len(), 3);
        assert_eq!(looks.maps[0].values, [0.5, 0.0, 0.0, 0.0]);
        assert_eq!(looks.maps[1].values, [0.0; 4]);
        assert_eq!(looks.maps[2].values, [1.0, 0.0, 0.0, 0.0]);
        assert_eq!((looks.full, looks.beside), (1.0, vec![0.5, 1.0, 0.0]));
        let last = attention().looks(Some([1, 1]));
        assert_eq!(last.maps[1].values, [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(attention().looks(Some([2, 0])), attention().looks(None));
    }

    #[test]
    fn too_few_bytes_are_no_attention() {
        let Attention { attended, .. } = attention();
        assert_eq!(Attention::new(attended, &[0; 4 * 49]), None);
    }

    #[test]
    fn transformers_have_heads_and_others_none() {
        for (model, expected) in [
            ("vit-tiny-patch16-224", Some(Heads { blocks: 12, heads: 3 })),
            ("dinov3-vit-s-16", Some(Heads { blocks: 12, heads: 6 })),
            ("googlenet", None),
        ] {
            let info = shared::models::info(model).unwrap();
            assert_eq!(Heads::of(&info.layers), expected, "{model}");
        }
    }
}
