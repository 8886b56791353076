//! A white sheet that takes pictures and text. Origin top left, units are pixels.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use anyhow::{Context, Result};
use shared::image::Picture;

/// A grey level, 0 black to 255 white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grey(pub u8);

/// A face at a size. The faces travel inside the program, so figures look alike everywhere.
#[derive(Clone, Debug)]
pub struct Typeface {
    font: FontRef<'static>,
    scale: PxScale,
}

impl Typeface {
    /// Ubuntu Light (Ubuntu Font Licence 1.0), for prose.
    pub fn prose(height: f32) -> Result<Self> {
        Self::new(epaint_default_fonts::UBUNTU_LIGHT, height)
    }

    /// Hack (MIT, Bitstream Vera licence), for what can be typed back.
    pub fn code(height: f32) -> Result<Self> {
        Self::new(epaint_default_fonts::HACK_REGULAR, height)
    }

    fn new(face: &'static [u8], height: f32) -> Result<Self> {
        let font = FontRef::try_from_slice(face).context("reading a built-in typeface")?;
        Ok(Self { font, scale: PxScale::from(height) })
    }

    /// Distance between two lines.
    pub fn line_height(&self) -> usize {
        (1.2 * self.scale.y).round() as usize
    }

    /// Width of a text set in one line.
    pub fn width(&self, text: &str) -> f32 {
        self.places(text).1
    }

    /// Breaks a text at spaces, or within a word that is too long, into at most `most` lines.
    /// What does not fit ends in an ellipsis.
    pub fn wrap(&self, text: &str, width: f32, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&joined) <= width {
                line = joined;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                line.push(letter);
                if width < self.width(&line) && 1 < line.chars().count() {
                    line.pop();
                    lines.push(std::mem::take(&mut line));
                    line.push(letter);
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        if most < lines.len() {
            lines.truncate(most);
            if let Some(last) = lines.last_mut() {
                while !last.is_empty() && width < self.width(&format!("{last}…")) {
                    last.pop();
                }
                last.push('…');
            }
        }
        lines
    }

    /// Each letter's distance from the start, and the whole width.
    fn places(&self, text: &str) -> (Vec<(char, f32)>, f32) {
        let font = self.font.as_scaled(self.scale);
        let mut caret = 0.0;
        let mut last = None;
        let mut places = Vec::new();
        for letter in text.chars() {
            let glyph = font.glyph_id(letter);
            if let Some(last) = last {
                caret += font.kern(last, glyph);
            }
            places.push((letter, caret));
            caret += font.h_advance(glyph);
            last = Some(glyph);
        }
        (places, caret)
    }
}

/// RGB bytes, `[height, width, 3]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Canvas {
    /// A white sheet.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, rgb: vec![255; 3 * width * height] }
    }

    /// Pixels across.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels down.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Interleaved bytes, `[height, width, 3]`.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Puts a picture down, each pixel as a square of side `factor`; what lies outside the sheet
    /// is cut off.
    pub fn place(&mut self, picture: &Picture, left: usize, top: usize, factor: usize) {
        let bytes = picture.to_rgb8();
        let width = (factor * picture.width()).min(self.width.saturating_sub(left));
        let height = (factor * picture.height()).min(self.height.saturating_sub(top));
        for row in 0..height {
            for column in 0..width {
                let from = 3 * (row / factor * picture.width() + column / factor);
                let to = 3 * ((top + row) * self.width + left + column);
                self.rgb[to..to + 3].copy_from_slice(&bytes[from..from + 3]);
            }
        }
    }

    /// Writes one line of text whose letters begin at `left` and whose line begins at `top`.
    pub fn write(&mut self, text: &str, left: f32, top: usize, typeface: &Typeface, ink: Grey) {
        let font = typeface.font.as_scaled(typeface.scale);
        let baseline = top as f32 + font.ascent();
        for (letter, place) in typeface.places(text).0 {
            let position = point(left + place, baseline);
            let glyph = font.glyph_id(letter).with_scale_and_position(typeface.scale, position);
            let Some(outline) = typeface.font.outline_glyph(glyph) else {
                continue;
            };
            let corner = outline.px_bounds().min;
            outline.draw(|column, row, coverage| {
                let (x, y) = (corner.x + column as f32, corner.y + row as f32);
                if 0.0 <= x && 0.0 <= y {
                    self.ink(x as usize, y as usize, coverage, ink);
                }
            });
        }
    }

    /// Fills the rectangle between two corners.
    pub fn fill(&mut self, [left, top]: [f32; 2], [right, bottom]: [f32; 2], ink: Grey) {
        // How much of a pixel lies between two edges.
        let part = |pixel: usize, from: f32, to: f32| {
            (to.min(pixel as f32 + 1.0) - from.max(pixel as f32)).clamp(0.0, 1.0)
        };
        for row in top.max(0.0) as usize..bottom.max(0.0).ceil() as usize {
            for column in left.max(0.0) as usize..right.max(0.0).ceil() as usize {
                let coverage = part(row, top, bottom) * part(column, left, right);
                self.ink(column, row, coverage, ink);
            }
        }
    }

    /// Draws a line with round ends, `half` as wide to either side; from a place to itself, a point.
    pub fn line(&mut self, from: [f32; 2], to: [f32; 2], half: f32, ink: Grey) {
        let reach = half + 1.0;
        let [left, top] = [0, 1].map(|axis| (from[axis].min(to[axis]) - reach).max(0.0) as usize);
        let [right, bottom] =
            [0, 1].map(|axis| (from[axis].max(to[axis]) + reach).max(0.0) as usize);
        let along = [to[0] - from[0], to[1] - from[1]];
        let squared = along[0].powi(2) + along[1].powi(2);
        for row in top..=bottom.min(self.height.saturating_sub(1)) {
            for column in left..=right.min(self.width.saturating_sub(1)) {
                let away = [column as f32 + 0.5 - from[0], row as f32 + 0.5 - from[1]];
                let part =
                    (away[0] * along[0] + away[1] * along[1]) / squared.max(f32::MIN_POSITIVE);
                let part = part.clamp(0.0, 1.0);
                let distance = (away[0] - part * along[0]).hypot(away[1] - part * along[1]);
                self.ink(column, row, half + 0.5 - distance, ink);
            }
        }
    }

    fn ink(&mut self, column: usize, row: usize, coverage: f32, Grey(level): Grey) {
        if self.width <= column || self.height <= row {
            return;
        }
        let start = 3 * (row * self.width + column);
        let coverage = coverage.clamp(0.0, 1.0);
        for value in &mut self.rgb[start..start + 3] {
            *value = (f32::from(*value) * (1.0 - coverage) + f32::from(level) * coverage) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_within_their_width() {
        let typeface = Typeface::prose(20.0).unwrap();
        let text = "mixed4a:11 + 0.5*mixed4b:3 and averylongwordthatneverendsandgoesonandon";
        let lines = typeface.wrap(text, 120.0, 10);
        assert!(lines.iter().all(|line| typeface.width(line) <= 120.0), "{lines:?}");
        let letters = |text: &str| text.replace(' ', "");
        assert_eq!(letters(&lines.concat()), letters(text));
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        let typeface = Typeface::code(20.0).unwrap();
        let lines = typeface.wrap("one two three four five six seven", 80.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…'), "{lines:?}");
        assert!(typeface.width(&lines[1]) <= 80.0, "{lines:?}");
    }

    #[test]
    fn text_leaves_ink_where_it_stands_and_nowhere_else() {
        let mut canvas = Canvas::new(100, 60);
        canvas.write("Hg", 10.0, 20, &Typeface::prose(20.0).unwrap(), Grey(0));
        let dark: Vec<usize> =
            (0..100 * 60).filter(|place| canvas.rgb()[3 * place] < 128).collect();
        assert!(20 < dark.len());
        assert!(dark.iter().all(|place| (10..40).contains(&(place % 100))));
        assert!(dark.iter().all(|place| (20..44).contains(&(place / 100))));
    }

    #[test]
    fn a_picture_over_the_edge_is_cut_off() {
        let black = Picture::from_rgb8(4, 4, &[0; 48]).unwrap();
        let mut canvas = Canvas::new(6, 6);
        canvas.place(&black, 4, 4, 1);
        let dark = canvas.rgb().chunks_exact(3).filter(|pixel| pixel[0] == 0).count();
        assert_eq!(dark, 4);
    }
}
