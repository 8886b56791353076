//! Channels as typed on the command line: `0..10`, `3,7,20..25`.

use std::ops::Range;
use std::str::FromStr;

use shared::Error;
use shared::tap::LayerInfo;

/// How many channels are shown when nobody chose any.
const FIRST: usize = 10;

/// The most that a figure shows.
const MOST: usize = 10_000;

/// Some channels; ranges leave out their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels(Vec<Range<usize>>);

impl FromStr for Channels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let piece = |piece: &str| {
            let number = |digits: &str| digits.trim().parse::<usize>().ok();
            let range = match piece.split_once("..") {
                Some((first, end)) => number(first).zip(number(end)).map(|(from, to)| from..to),
                None => number(piece).map(|channel| channel..channel.saturating_add(1)),
            };
            range.filter(|range| !range.is_empty()).ok_or_else(|| {
                format!("{piece:?} is no channel; 7 is one, 0..10 are ten, 3,7,20..25 are seven")
            })
        };
        let ranges = text.split(',').map(piece).collect::<Result<Vec<_>, _>>()?;
        if MOST < ranges.iter().fold(0, |sum: usize, range| sum.saturating_add(range.len())) {
            return Err(format!("these are more than the {MOST} channels that a figure shows"));
        }
        Ok(Self(ranges))
    }
}

impl Channels {
    /// The channels of a layer, in the order they were typed; without a choice the first ten.
    ///
    /// # Errors
    /// A channel that the layer does not have.
    pub fn of(chosen: Option<&Self>, layer: &LayerInfo) -> shared::Result<Vec<usize>> {
        let Some(Self(ranges)) = chosen else {
            return Ok((0..layer.channels.min(FIRST)).collect());
        };
        let channels: Vec<usize> = ranges.iter().cloned().flatten().collect();
        match channels.iter().find(|&&channel| layer.channels <= channel) {
            None => Ok(channels),
            Some(&index) => Err(Error::OutOfRange {
                layer: layer.name.clone(),
                what: "channels",
                index,
                count: layer.channels,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_numbers_ranges_and_lists_of_these() {
        for (text, expected) in [("7", vec![7]), ("0..3", vec![0, 1, 2]), ("5,1..3", vec![5, 1, 2])]
        {
            let Channels(ranges) = text.parse().unwrap();
            assert_eq!(ranges.into_iter().flatten().collect::<Vec<_>>(), expected, "{text}");
        }
        for wrong in ["", "a", "3..3", "9..1", "1,", "-1", "0..99999", "0..=3"] {
            assert!(wrong.parse::<Channels>().is_err(), "{wrong}");
        }
    }
}
