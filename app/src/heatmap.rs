//! Where a channel answers, in colour over a grey copy of the picture.

use shared::colormap::inferno;

/// A map, and the value that gets the brightest colour.
pub type Heat = (Map, f32);

/// A cell of a map: row and column, from 0.
pub type Place = [usize; 2];

/// A place as addresses write it: "6,7".
pub fn place_text([row, column]: Place) -> String {
    format!("{row},{column}")
}

/// What [`place_text`] wrote; nothing for anything else.
pub fn read_place(text: &str) -> Option<Place> {
    let number = |text: &str| text.parse::<u16>().ok().map(usize::from);
    let (row, column) = text.split_once(',')?;
    Some([number(row)?, number(column)?])
}

/// Values row by row; `columns` in a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Values in a row.
    pub columns: usize,
    /// All values.
    pub values: Vec<f32>,
}

impl Map {
    /// From the little-endian bytes that the engine sends. A short last value is dropped.
    pub fn from_bytes(columns: usize, bytes: &[u8]) -> Self {
        let values = bytes
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        Self { columns, values }
    }

    /// The value in a row and a column.
    pub fn cell(&self, [row, column]: Place) -> Option<f32> {
        let row = self.values.chunks(self.columns.max(1)).nth(row)?;
        row.get(column).copied()
    }

    /// The largest value; that of none is the smallest there is.
    pub fn largest(&self) -> f32 {
        self.values.iter().copied().fold(f32::MIN, f32::max)
    }

    /// The value at a place given in 0..=1 across and down, between neighbours by their distance.
    fn at(&self, across: f32, down: f32) -> f32 {
        let columns = self.columns.max(1);
        let rows = self.values.len() / columns;
        if rows == 0 {
            return 0.0;
        }
        let (left, right, share_right) = neighbours(across, columns);
        let (upper, lower, share_lower) = neighbours(down, rows);
        let mix = |from: f32, to: f32, share: f32| from + share * (to - from);
        let row = |row: usize| {
            mix(self.values[row * columns + left], self.values[row * columns + right], share_right)
        };
        mix(row(upper), row(lower), share_lower)
    }
}

/// What lies over a picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Laid {
    /// In colour over a grey copy: where something answers.
    Heat(Heat),
    /// Hatched over the picture: a share of each place that something leaves.
    Hatched(Map),
}

/// The two cells around a place in 0..=1 and the share of the second. Cells are squares: the
/// middle of the first of `count` lies at `0.5 / count`.
fn neighbours(place: f32, count: usize) -> (usize, usize, f32) {
    let position = (place * count as f32 - 0.5).clamp(0.0, (count - 1) as f32);
    let first = position as usize;
    (first, (first + 1).min(count - 1), position - first as f32)
}

/// Paints a map over a picture: grey where the channel is silent, inferno where it answers.
///
/// - `rgba`: the picture, `[height, width, 4]`
/// - `full`: the value that gets the brightest colour
/// - returns: `[side, side, 4]`, opaque
pub fn paint(
    rgba: &[u8],
    width: usize,
    height: usize,
    map: &Map,
    full: f32,
    side: usize,
) -> Vec<u8> {
    each_pixel(rgba, [width, height], side, |[red, green, blue], [column, row]| {
        // Rec. 709 weights, darkened so that the colours stand out.
        let grey = 0.6 * (0.2126 * red + 0.7152 * green + 0.0722 * blue);
        let value = map.at(middle(column, side), middle(row, side));
        let share = if full > 0.0 { (value / full).clamp(0.0, 1.0) } else { 0.0 };
        // The picture shows through everywhere, least where the channel answers most.
        let cover = 0.85 * share.sqrt();
        inferno(share).map(|byte| grey * (1.0 - cover) + f32::from(byte) * cover)
    })
}

/// Hatches a picture: lines as wide as the map's share of the distance between them.
///
/// - `rgba`: the picture, `[height, width, 4]`
/// - returns: `[side, side, 4]`, opaque
pub fn hatch(rgba: &[u8], width: usize, height: usize, map: &Map, side: usize) -> Vec<u8> {
    // Fine enough to follow the map's cells, coarse enough to be seen as lines.
    let distance = (side / 40).max(4);
    each_pixel(rgba, [width, height], side, |colour, [column, row]| {
        let share = map.at(middle(column, side), middle(row, side)).clamp(0.0, 1.0);
        let along = ((column + row) % distance) as f32 + 0.5;
        let is_line = along < share * distance as f32;
        colour.map(|value| if is_line { 0.15 * value + 0.85 * 236.0 } else { 0.8 * value })
    })
}

/// The middle of a pixel in 0..1.
fn middle(pixel: usize, side: usize) -> f32 {
    (pixel as f32 + 0.5) / side as f32
}

/// A picture of `[side, side, 4]`, opaque: what `colour` makes of the nearest colour of `rgba`, 0 to
/// 255, and of column and row.
fn each_pixel(
    rgba: &[u8],
    [width, height]: [usize; 2],
    side: usize,
    colour: impl Fn([f32; 3], [usize; 2]) -> [f32; 3],
) -> Vec<u8> {
    let mut painted = Vec::with_capacity(4 * side * side);
    for row in 0..side {
        for column in 0..side {
            let x = (column * width / side).min(width.saturating_sub(1));
            let y = (row * height / side).min(height.saturating_sub(1));
            let here = match rgba.get(4 * (y * width + x)..).unwrap_or_default() {
                [red, green, blue, ..] => [*red, *green, *blue].map(f32::from),
                _ => [0.0; 3],
            };
            painted.extend(colour(here, [column, row]).map(|value| value as u8));
            painted.push(255);
        }
    }
    painted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_the_values_they_hold() {
        let bytes: Vec<u8> = [1.5_f32, -2.0, 0.25].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(Map::from_bytes(3, &bytes).values, [1.5, -2.0, 0.25]);
        assert_eq!(Map::from_bytes(3, &bytes[..5]).values, [1.5]);
    }

    #[test]
    fn silence_leaves_the_picture_grey() {
        let map = Map { columns: 1, values: vec![0.0] };
        let painted = paint(&[200, 100, 50, 255], 1, 1, &map, 3.0, 1);
        assert!(painted[0] == painted[1] && painted[1] == painted[2] && painted[3] == 255);
    }

    #[test]
    fn the_strongest_place_is_the_brightest() {
        let map = Map { columns: 2, values: vec![0.0, 1.0, 2.0, 4.0] };
        let painted = paint(&[0, 0, 0, 255], 1, 1, &map, 4.0, 2);
        let brightness: Vec<u32> =
            painted.chunks(4).map(|p| p[..3].iter().map(|&byte| u32::from(byte)).sum()).collect();
        assert!(brightness.is_sorted() && brightness[3] > 2 * brightness[1], "{brightness:?}");
    }

    #[test]
    fn lines_are_as_wide_as_the_share_that_is_left() {
        let lines = |share: f32| {
            let map = Map { columns: 1, values: vec![share] };
            let painted = hatch(&[0, 0, 0, 255], 1, 1, &map, 40);
            painted.chunks(4).filter(|pixel| 0 < pixel[0]).count()
        };
        assert_eq!([0.0, 0.25, 1.0].map(lines), [0, 400, 1600]);
        // Less than nothing explained is nothing explained.
        assert_eq!(lines(1.7), 1600);
    }

    #[test]
    fn between_two_cells_lies_their_mean() {
        let map = Map { columns: 2, values: vec![0.0, 4.0] };
        assert_eq!(map.at(0.5, 0.5), 2.0);
        assert_eq!(map.at(0.0, 0.0), 0.0);
        assert_eq!(map.at(1.0, 1.0), 4.0);
    }

    #[test]
    fn nothing_to_paint_is_painted_without_a_crash() {
        let map = Map { columns: 0, values: Vec::new() };
        assert_eq!(paint(&[], 0, 0, &map, 0.0, 2).len(), 16);
    }
}
