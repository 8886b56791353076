//! Small pictures onto large ones: the sheets that a bundle's sprites are on.

use anyhow::{Context, Result};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};
use shared::format::bundle::Sprites;

use super::files::Files;
use crate::interrupt;

/// What places of the last row show where there is no picture.
const EMPTY: u8 = 128;

/// How pictures lie on their sheets, and how these are compressed.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Side of a picture, in pixels. A multiple of 16 keeps JPEG's blocks inside the pictures.
    pub side: usize,
    /// Pictures in a row.
    pub columns: usize,
    /// Rows on a sheet.
    pub rows: usize,
    /// JPEG's, 1 to 100.
    pub quality: u8,
    /// How finely JPEG keeps colours.
    pub colors: SamplingFactor,
}

impl Layout {
    /// Lays out pictures of `[side, side, 3]` bytes, in order. The sheets are called `prefix0.jpg`,
    /// `prefix1.jpg` and so on.
    pub fn lay_out(
        &self,
        prefix: &str,
        pictures: impl Iterator<Item = Result<Vec<u8>>>,
        files: &mut Files,
    ) -> Result<Sprites> {
        let row_length = self.columns * self.side * 3;
        let mut sheets = Vec::new();
        let mut sheet: Vec<u8> = Vec::new();
        let mut count = 0;
        for picture in pictures {
            interrupt::check()?;
            let place = count % (self.columns * self.rows);
            if place == 0 && !sheet.is_empty() {
                let path = format!("{prefix}{}.jpg", sheets.len());
                sheets.push(files.add(&path, self.encode(&sheet)?));
                sheet.clear();
            }
            let (row, column) = (place / self.columns, place % self.columns);
            sheet.resize((row + 1) * self.side * row_length, EMPTY);
            let lines = sheet[row * self.side * row_length..].chunks_exact_mut(row_length);
            for (line, pixels) in lines.zip(picture?.chunks_exact(self.side * 3)) {
                line[column * self.side * 3..][..self.side * 3].copy_from_slice(pixels);
            }
            count += 1;
        }
        if !sheet.is_empty() {
            let path = format!("{prefix}{}.jpg", sheets.len());
            sheets.push(files.add(&path, self.encode(&sheet)?));
        }
        let Self { side, columns, rows, .. } = *self;
        Ok(Sprites { side, columns, rows, count, sheets })
    }

    /// A sheet as JPEG, with the tables that suit it best.
    fn encode(&self, sheet: &[u8]) -> Result<Vec<u8>> {
        let width = self.columns * self.side;
        let height = sheet.len() / (3 * width);
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, self.quality);
        encoder.set_sampling_factor(self.colors);
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        encoder.set_optimized_huffman_tables(true);
        // Each pixel's block first, then all of the rest: every further scan costs some 2 per cent.
        encoder.set_progressive_scans(2);
        encoder
            .encode(sheet, width as u16, height as u16, ColorType::Rgb)
            .context("compressing a sheet of pictures")?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout =
        Layout { side: 16, columns: 3, rows: 2, quality: 90, colors: SamplingFactor::F_2_2 };

    fn grey(level: u8) -> Vec<u8> {
        vec![level; LAYOUT.side * LAYOUT.side * 3]
    }

    #[test]
    fn every_picture_is_where_the_reader_looks_for_it() {
        let levels: Vec<u8> = (0..8).map(|number| 10 + 30 * number).collect();
        let mut files = Files::default();
        let pictures = levels.iter().map(|&level| Ok(grey(level)));
        let sprites = LAYOUT.lay_out("dreams-", pictures, &mut files).unwrap();
        assert_eq!(sprites.sheets.len(), 2);
        assert_eq!(sprites.sheets[1].path, "dreams-1.jpg");
        let sheets: Vec<_> = sprites
            .sheets
            .iter()
            .map(|part| {
                image::load_from_memory(files.get(&part.path).unwrap()).unwrap().into_rgb8()
            })
            .collect();
        for (index, sheet) in sheets.iter().enumerate() {
            let expected = sprites.sheet_size(index);
            assert_eq!([sheet.width() as usize, sheet.height() as usize], expected);
        }
        for (number, &level) in levels.iter().enumerate() {
            let place = sprites.place(number).unwrap();
            for (x, y) in [(0, 0), (15, 0), (0, 15), (15, 15)] {
                let pixel =
                    sheets[place.sheet].get_pixel((place.left + x) as u32, (place.top + y) as u32);
                let error = pixel.0.map(|value| value.abs_diff(level)).into_iter().max();
                assert!(error <= Some(2), "picture {number}: {pixel:?}, expected {level}");
            }
        }
    }

    #[test]
    fn a_full_sheet_is_not_followed_by_an_empty_one() {
        let mut files = Files::default();
        let sprites = LAYOUT.lay_out("", (0..6).map(|_| Ok(grey(0))), &mut files).unwrap();
        assert_eq!((sprites.count, sprites.sheets.len()), (6, 1));
    }

    #[test]
    fn a_picture_that_cannot_be_read_ends_it() {
        let pictures = [Ok(grey(0)), Err(anyhow::anyhow!("torn"))];
        let error = LAYOUT.lay_out("", pictures.into_iter(), &mut Files::default()).unwrap_err();
        assert_eq!(error.to_string(), "torn");
    }
}
