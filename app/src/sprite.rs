//! A small picture on a large sheet, as CSS shows it: scaled and moved behind a square window.

use shared::format::bundle::Sprites;

/// A square part of a picture, in shares of its side, 0..=1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Square {
    /// Of its left edge.
    pub left: f64,
    /// Of its upper edge.
    pub top: f64,
    /// Of its own side.
    pub side: f64,
}

impl Square {
    /// The whole picture.
    pub const WHOLE: Self = Self { left: 0.0, top: 0.0, side: 1.0 };
}

/// A picture's sheet and what CSS needs to show a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Which sheet.
    pub sheet: usize,
    /// `background-size` and `background-position`.
    pub style: String,
}

/// The window onto a picture; nothing beyond the last.
pub fn window(sprites: &Sprites, index: usize, part: Square) -> Option<Window> {
    let place = sprites.place(index)?;
    let side = sprites.side as f64;
    // Scaling mixes neighbouring pixels: half of one is left out, so that none is a neighbour's.
    let margin = 0.5;
    let shown = (part.side * side).clamp(1.0, side - 2.0 * margin).max(1.0);
    let from = |share: f64| (share * side).clamp(margin, (side - margin - shown).max(margin));
    let left = place.left as f64 + from(part.left);
    let top = place.top as f64 + from(part.top);
    let [width, height] = sprites.sheet_size(place.sheet).map(|pixels| pixels as f64);
    let style = format!(
        "background-size:{:.3}% {:.3}%;background-position:{:.3}% {:.3}%",
        100.0 * width / shown,
        100.0 * height / shown,
        position(left, width, shown),
        position(top, height, shown),
    );
    Some(Window { sheet: place.sheet, style })
}

/// CSS counts a background's position as the share of what does not fit into the window.
fn position(offset: f64, length: f64, shown: f64) -> f64 {
    if length <= shown { 0.0 } else { 100.0 * offset / (length - shown) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::format::bundle::Part;

    fn sprites() -> Sprites {
        let sheets = ["a", "b"].map(|path| Part::of(path, b"sheet")).into();
        Sprites { side: 100, columns: 4, rows: 2, count: 10, sheets }
    }

    /// What a window of 1 pixel for each of the shown shows of the sheet, in its pixels: from, to.
    fn shown(window: &Window, width: f64, height: f64) -> [f64; 4] {
        let numbers: Vec<f64> =
            window.style.split([':', ';', ' ', '%']).filter_map(|word| word.parse().ok()).collect();
        let [across, down, left, top] = numbers[..] else { panic!("{}", window.style) };
        let (wide, high) = (100.0 * width / across, 100.0 * height / down);
        let from = |share: f64, length: f64, side: f64| share / 100.0 * (length - side);
        let (x, y) = (from(left, width, wide), from(top, height, high));
        [x, y, x + wide, y + high]
    }

    #[test]
    fn a_window_shows_its_picture_and_no_neighbour() {
        let sprites = sprites();
        for (index, sheet, left, top) in
            [(0, 0, 0.0, 0.0), (3, 0, 300.0, 0.0), (6, 0, 200.0, 100.0)]
        {
            let window = window(&sprites, index, Square::WHOLE).unwrap();
            assert_eq!(window.sheet, sheet);
            let [x, y, right, bottom] = shown(&window, 400.0, 200.0);
            assert!(
                (x - left - 0.5).abs() < 0.01 && (right - left - 99.5).abs() < 0.01,
                "{x} {right}"
            );
            assert!((y - top - 0.5).abs() < 0.01 && (bottom - top - 99.5).abs() < 0.01, "{y}");
        }
    }

    #[test]
    fn a_part_lies_where_it_lies_in_the_picture() {
        let part = Square { left: 0.25, top: 0.5, side: 0.5 };
        let window = window(&sprites(), 9, part).unwrap();
        // The second sheet has one row.
        let [x, y, right, bottom] = shown(&window, 400.0, 100.0);
        assert_eq!([x, y, right, bottom].map(f64::round), [125.0, 50.0, 175.0, 100.0]);
    }

    #[test]
    fn beyond_the_last_there_is_nothing() {
        assert_eq!(window(&sprites(), 10, Square::WHOLE), None);
    }
}
