//! What excites a unit, and the bytes of its record: fields at fixed places.

/// Shares of all activations that lie below the quantiles that are kept.
pub const QUANTILES: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];

/// Bars of a unit's histogram: equally wide, from the smallest activation to the largest.
pub const BARS: usize = 24;

/// Bytes of an exemplar: picture, value, row and column.
const EXEMPLAR: usize = 12;

/// Bytes of a record before its exemplars: how many there are, the share of zeros, what other
/// pictures reach, quantiles and histogram.
const BEFORE_TOP: usize = 12 + 4 * QUANTILES.len() + 2 * BARS;

/// Bytes of the record of a unit that has at most `top` exemplars.
pub(super) fn length(top: usize) -> usize {
    BEFORE_TOP + top * EXEMPLAR
}

/// What excites a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitExemplars {
    /// The most exciting pictures, best first.
    pub top: Vec<Exemplar>,
    /// Activations, over all positions of all pictures, below which the shares in [`QUANTILES`]
    /// lie. Good to one or two per cent.
    pub quantiles: [f32; QUANTILES.len()],
    /// How many in a thousand of all activations that are not exactly zero fall into each of
    /// [`BARS`] bars from the first quantile to the last.
    pub histogram: [u16; BARS],
    /// The share of activations that are exactly zero, 0..=1.
    pub zero_share: f32,
    /// The largest statistic among pictures that the bundle need not hold: measured by it, a
    /// gallery that has little of what a unit looks for is told from a unit that never answers
    /// much.
    pub elsewhere: Option<f32>,
}

/// A picture that excites a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// Its number in the gallery.
    pub picture: usize,
    /// Its statistic.
    pub value: f32,
    /// Where the largest activation is.
    pub row: usize,
    /// Where the largest activation is.
    pub column: usize,
}

/// A unit's bytes, all of them there.
#[derive(Clone, Copy)]
pub(super) struct Record<'a>(pub &'a [u8]);

impl<'a> Record<'a> {
    fn bytes<const N: usize>(self, start: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.0[start..start + N]);
        bytes
    }

    fn number(self, start: usize) -> usize {
        u32::from_le_bytes(self.bytes(start)) as usize
    }

    fn float(self, start: usize) -> f32 {
        f32::from_le_bytes(self.bytes(start))
    }

    fn short(self, start: usize) -> u16 {
        u16::from_le_bytes(self.bytes(start))
    }

    /// The share of activations that are exactly zero.
    pub fn zero_share(self) -> f32 {
        self.float(4)
    }

    /// What other pictures reach, where that is known.
    pub fn elsewhere(self) -> f32 {
        self.float(8)
    }

    /// How many exemplars it says it has.
    pub fn count(self) -> usize {
        self.number(0)
    }

    /// One of [`QUANTILES`].
    pub fn quantile(self, place: usize) -> f32 {
        self.float(12 + 4 * place)
    }

    /// A bar of the histogram.
    pub fn bar(self, bar: usize) -> u16 {
        self.short(12 + 4 * QUANTILES.len() + 2 * bar)
    }

    /// Its exemplars.
    pub fn top(self) -> impl Iterator<Item = Exemplar> + 'a {
        (0..self.count()).map(move |rank| {
            let start = BEFORE_TOP + rank * EXEMPLAR;
            Exemplar {
                picture: self.number(start),
                value: self.float(start + 4),
                row: self.short(start + 8).into(),
                column: self.short(start + 10).into(),
            }
        })
    }
}

/// A unit as its record of `length` bytes.
pub(super) fn encode(unit: &UnitExemplars, length: usize) -> Vec<u8> {
    let mut record = (unit.top.len() as u32).to_le_bytes().to_vec();
    record.extend(unit.zero_share.to_le_bytes());
    record.extend(unit.elsewhere.unwrap_or(0.0).to_le_bytes());
    record.extend(unit.quantiles.iter().flat_map(|quantile| quantile.to_le_bytes()));
    record.extend(unit.histogram.iter().flat_map(|bar| bar.to_le_bytes()));
    for exemplar in &unit.top {
        record.extend((exemplar.picture as u32).to_le_bytes());
        record.extend(exemplar.value.to_le_bytes());
        record.extend((exemplar.row as u16).to_le_bytes());
        record.extend((exemplar.column as u16).to_le_bytes());
    }
    record.resize(length, 0);
    record
}
