//! What a layer answered, as the tokens that are kept of it.

use anyhow::{Context, Result};
use shared::format::shards::{Array, TokenKind};
use shared::tap::{Activations, Caught, LayerId};

/// Places that are turned from channels to tokens at a time: a line of the processor's cache.
const AT_A_TIME: usize = 16;

/// What a layer answered to a batch.
pub struct Answer {
    /// `[pictures, channels, rows, columns]`.
    grid: Vec<f32>,
    /// Of one picture: channels, rows, columns.
    shape: [usize; 3],
    /// Class and register tokens, the former first: `[pictures, tokens, channels]`.
    extra: Vec<f32>,
    /// How many of them a picture has.
    extra_tokens: usize,
}

impl Answer {
    /// Takes a layer's answer out of what was caught.
    ///
    /// # Errors
    /// The layer was not caught, or its device fails.
    pub fn take(activations: &mut Activations, layer: LayerId) -> Result<Self> {
        let Caught { grid, extra } =
            activations.0.remove(&layer).context("this layer was not caught")?;
        let [_, channels, rows, columns] = grid.dims();
        let (extra, extra_tokens) = match extra {
            Some(extra) => {
                let [.., tokens] = extra.dims();
                (pollster::block_on(shared::device::read(extra.swap_dims(1, 2)))?, tokens)
            }
            None => (Vec::new(), 0),
        };
        let grid = pollster::block_on(shared::device::read(grid))?;
        Ok(Self { grid, shape: [channels, rows, columns], extra, extra_tokens })
    }

    /// The array that these tokens of the layer belong into, with no layer in it yet.
    ///
    /// # Errors
    /// The layer has no such tokens: what it has.
    pub fn array(&self, kind: TokenKind) -> Result<Array, String> {
        let [channels, rows, columns] = self.shape;
        if kind == TokenKind::Cls && self.extra_tokens == 0 {
            return Err(format!("it has no class token, only {rows} x {columns} places"));
        }
        let grid = match kind {
            TokenKind::Patches | TokenKind::All => Some([rows, columns]),
            TokenKind::Cls | TokenKind::Pooled => None,
        };
        let extra = match kind {
            TokenKind::Cls => 1,
            TokenKind::All => self.extra_tokens,
            TokenKind::Patches | TokenKind::Pooled => 0,
        };
        let places = grid.map_or(usize::from(kind == TokenKind::Pooled), |_| rows * columns);
        Ok(Array { layers: Vec::new(), channels, tokens: extra + places, extra, grid })
    }

    /// Appends the tokens of a picture of the batch, `[token, channel]`.
    pub fn append(&self, picture: usize, kind: TokenKind, tokens: &mut Vec<f32>) {
        let [channels, rows, columns] = self.shape;
        let places = rows * columns;
        let extra = &self.extra[picture * self.extra_tokens * channels..];
        match kind {
            TokenKind::Cls => tokens.extend_from_slice(&extra[..channels]),
            TokenKind::All => tokens.extend_from_slice(&extra[..self.extra_tokens * channels]),
            TokenKind::Patches | TokenKind::Pooled => {}
        }
        let planes = self.grid[picture * channels * places..].chunks_exact(places).take(channels);
        match kind {
            TokenKind::Cls => {}
            TokenKind::Pooled => tokens.extend(planes.map(mean)),
            TokenKind::Patches | TokenKind::All => {
                let before = tokens.len();
                tokens.resize(before + places * channels, 0.0);
                turn(planes, channels, &mut tokens[before..]);
            }
        }
    }
}

/// In double precision, so that it does not depend on how many there are.
fn mean(plane: &[f32]) -> f32 {
    (plane.iter().map(|&value| f64::from(value)).sum::<f64>() / plane.len() as f64) as f32
}

/// From `[channel, place]` to `[place, channel]`.
fn turn<'a>(planes: impl Iterator<Item = &'a [f32]> + Clone, channels: usize, out: &mut [f32]) {
    for (block, rows) in out.chunks_mut(AT_A_TIME * channels).enumerate() {
        for (channel, plane) in planes.clone().enumerate() {
            let values = &plane[block * AT_A_TIME..];
            for (row, value) in rows.chunks_exact_mut(channels).zip(values) {
                row[channel] = *value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pictures, three channels, 5 x 4 places, two extra tokens; every value tells its place.
    fn answer() -> Answer {
        Answer {
            grid: (0..2 * 3 * 20).map(|value| value as f32).collect(),
            shape: [3, 5, 4],
            extra: (0..2 * 2 * 3).map(|value| -1.0 - value as f32).collect(),
            extra_tokens: 2,
        }
    }

    fn kept(picture: usize, kind: TokenKind) -> Vec<f32> {
        let mut tokens = vec![0.5];
        answer().append(picture, kind, &mut tokens);
        assert_eq!(tokens.remove(0), 0.5);
        let array = answer().array(kind).unwrap();
        assert_eq!(tokens.len(), array.tokens * array.channels, "{kind:?}");
        tokens
    }

    #[test]
    fn places_become_tokens_row_by_row() {
        let tokens = kept(1, TokenKind::Patches);
        for place in 0..20 {
            for channel in 0..3 {
                assert_eq!(tokens[place * 3 + channel], (60 + channel * 20 + place) as f32);
            }
        }
        assert_eq!(answer().array(TokenKind::Patches).unwrap().grid, Some([5, 4]));
    }

    #[test]
    fn extra_tokens_come_before_places_and_the_class_token_before_all() {
        assert_eq!(kept(1, TokenKind::Cls), [-7.0, -8.0, -9.0]);
        let all = kept(1, TokenKind::All);
        assert_eq!(all[..6], [-7.0, -8.0, -9.0, -10.0, -11.0, -12.0]);
        assert_eq!(all[6..], kept(1, TokenKind::Patches));
        assert_eq!(answer().array(TokenKind::All).unwrap().extra, 2);
    }

    #[test]
    fn pooled_is_the_mean_over_places_alone() {
        assert_eq!(kept(0, TokenKind::Pooled), [9.5, 29.5, 49.5]);
    }

    #[test]
    fn a_layer_without_a_class_token_says_what_it_has() {
        let without = Answer { extra: Vec::new(), extra_tokens: 0, ..answer() };
        assert_eq!(
            without.array(TokenKind::Cls).unwrap_err(),
            "it has no class token, only 5 x 4 places"
        );
        assert_eq!(without.array(TokenKind::All).unwrap().tokens, 20);
    }
}
