//! The published figure type: titled rows of pictures, each with its label, on white.

pub mod canvas;
pub mod chart;

use anyhow::Result;
use canvas::{Canvas, Grey, Typeface};
use shared::image::{Picture, Resampling};

/// What a figure shows.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// One line on top.
    pub title: String,
    /// Below it, smaller: how it was made.
    pub subtitle: String,
    /// A heading for each column, or none at all.
    pub columns: Vec<String>,
    /// From top to bottom.
    pub rows: Vec<Row>,
}

/// A row of cells.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Above the row; none if empty.
    pub heading: String,
    /// From left to right.
    pub cells: Vec<Cell>,
}

/// A picture and what is said under it.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Shown enlarged when small.
    pub picture: Picture,
    /// What can be typed back: an objective. None if empty.
    pub label: String,
    /// Prose below, a line each.
    pub notes: Vec<String>,
}

// A figure is drawn for screens of twice the usual density: a cell is about 120 points wide there,
// and the smallest letters 10 points high.
const MARGIN: usize = 56;
const GAP: usize = 28;
const SMALLEST_CELL: usize = 224;
/// Where pictures differ in size, the smallest is not enlarged further than the widest has room.
const WIDEST_CELL: usize = 1024;
const NARROWEST_TEXT: usize = 2 * SMALLEST_CELL;
const TITLE: f32 = 44.0;
const SUBTITLE: f32 = 24.0;
const HEADING: f32 = 26.0;
const LABEL: f32 = 21.0;
const NOTE: f32 = 21.0;
const MOST_LABEL_LINES: usize = 4;
const MOST_SUBTITLE_LINES: usize = 4;
const BLACK: Grey = Grey(0x16);
const SOFT: Grey = Grey(0x5c);

/// Below this many pixels a picture is enlarged with its pixels visible.
const CRISP_BELOW: usize = 64;

/// Lays pictures out in rows of `columns`, in order.
pub fn rows_of(columns: usize, cells: Vec<Cell>) -> Vec<Row> {
    let columns = columns.max(1);
    let mut rows = vec![Row::default()];
    for cell in cells {
        if rows.last().is_some_and(|row| row.cells.len() == columns) {
            rows.push(Row::default());
        }
        if let Some(row) = rows.last_mut() {
            row.cells.push(cell);
        }
    }
    rows
}

/// A line of text with its style, as wide as its column allows.
struct Lines<'a> {
    typeface: &'a Typeface,
    ink: Grey,
    lines: Vec<String>,
}

impl Lines<'_> {
    fn height(&self) -> usize {
        self.lines.len() * self.typeface.line_height()
    }

    /// Writes the lines and returns where the next may begin.
    fn write(&self, canvas: &mut Canvas, left: usize, mut top: usize) -> usize {
        for line in &self.lines {
            canvas.write(line, left as f32, top, self.typeface, self.ink);
            top += self.typeface.line_height();
        }
        top
    }
}

struct Faces {
    title: Typeface,
    subtitle: Typeface,
    heading: Typeface,
    label: Typeface,
    note: Typeface,
}

impl Faces {
    fn new() -> Result<Self> {
        Ok(Self {
            title: Typeface::prose(TITLE)?,
            subtitle: Typeface::prose(SUBTITLE)?,
            heading: Typeface::prose(HEADING)?,
            label: Typeface::code(LABEL)?,
            note: Typeface::prose(NOTE)?,
        })
    }
}

fn lines<'a>(
    typeface: &'a Typeface,
    ink: Grey,
    text: &str,
    width: usize,
    most: usize,
) -> Lines<'a> {
    Lines { typeface, ink, lines: typeface.wrap(text, width as f32, most) }
}

impl Figure {
    /// Draws the figure.
    pub fn draw(&self) -> Result<Canvas> {
        let faces = Faces::new()?;
        let scale = self.scale();
        let widths = self.column_widths(scale);
        let text_width =
            (widths.iter().map(|width| width + GAP).sum::<usize>()).saturating_sub(GAP);
        let text_width = text_width.max(NARROWEST_TEXT);
        let left_of = |column: usize| {
            MARGIN + widths[..column].iter().map(|width| width + GAP).sum::<usize>()
        };

        let title = lines(&faces.title, BLACK, &self.title, text_width, 2);
        let subtitle =
            lines(&faces.subtitle, SOFT, &self.subtitle, text_width, MOST_SUBTITLE_LINES);
        let columns: Vec<_> = self
            .columns
            .iter()
            .zip(&widths)
            .map(|(text, &width)| lines(&faces.heading, BLACK, text, width, 2))
            .collect();
        let texts: Vec<_> =
            self.rows.iter().map(|row| row_texts(row, &faces, &widths, text_width)).collect();

        let column_height =
            columns.iter().map(Lines::height).max().map_or(0, |high| high + GAP / 2);
        let top_height = title.height() + GAP / 4 + subtitle.height() + GAP;
        let heights = self.rows.iter().zip(&texts);
        let heights: Vec<_> = heights.map(|(row, texts)| row_height(row, texts, scale)).collect();
        let height = MARGIN
            + top_height
            + column_height
            + heights.iter().map(|height| height + GAP).sum::<usize>()
            + MARGIN
            - GAP;
        let mut canvas = Canvas::new(text_width + 2 * MARGIN, height);

        let below_title = title.write(&mut canvas, MARGIN, MARGIN);
        subtitle.write(&mut canvas, MARGIN, below_title + GAP / 4);
        let mut top = MARGIN + top_height;
        for (column, heading) in columns.iter().enumerate() {
            heading.write(&mut canvas, left_of(column), top);
        }
        top += column_height;
        for ((row, texts), height) in self.rows.iter().zip(&texts).zip(heights) {
            texts.heading.write(&mut canvas, MARGIN, top);
            let below_heading = top + texts.heading_height();
            let picture_height = picture_height(row, scale);
            for (column, cell) in row.cells.iter().enumerate() {
                let (width, height) = shown_size(&cell.picture, scale);
                let left = left_of(column) + (widths[column] - width) / 2;
                let above = below_heading + (picture_height - height) / 2;
                place(&mut canvas, &cell.picture, left, above, scale);
                let mut below = below_heading + picture_height + GAP / 3;
                for text in &texts.cells[column] {
                    below = text.write(&mut canvas, left_of(column), below);
                }
            }
            top += height + GAP;
        }
        Ok(canvas)
    }
}

impl Figure {
    fn widths(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.picture.width())
    }

    /// How much every picture is enlarged: by one whole number, so that sizes can be compared, and
    /// until the smallest is wide enough.
    fn scale(&self) -> usize {
        let smallest = self.widths().min().unwrap_or(SMALLEST_CELL).max(1);
        let widest = self.widths().max().unwrap_or(smallest);
        let most = if widest == smallest { usize::MAX } else { (WIDEST_CELL / widest).max(1) };
        SMALLEST_CELL.div_ceil(smallest).clamp(1, most)
    }

    /// Each as wide as its widest picture, and wide enough for what is written below.
    fn column_widths(&self, scale: usize) -> Vec<usize> {
        let n_columns = self.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        let n_columns = n_columns.max(self.columns.len()).max(1);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.cells.get(column));
            let widths = cells.map(|cell| shown_size(&cell.picture, scale).0);
            widths.max().unwrap_or(SMALLEST_CELL).max(SMALLEST_CELL)
        };
        (0..n_columns).map(width).collect()
    }
}

struct RowTexts<'a> {
    heading: Lines<'a>,
    cells: Vec<Vec<Lines<'a>>>,
}

impl RowTexts<'_> {
    /// With the space that keeps a heading off its pictures.
    fn heading_height(&self) -> usize {
        match self.heading.height() {
            0 => 0,
            height => height + GAP / 4,
        }
    }
}

fn row_texts<'a>(row: &Row, faces: &'a Faces, widths: &[usize], text_width: usize) -> RowTexts<'a> {
    let cells = row
        .cells
        .iter()
        .zip(widths)
        .map(|(cell, &width)| {
            let label = lines(&faces.label, BLACK, &cell.label, width, MOST_LABEL_LINES);
            let notes = cell.notes.iter().map(|note| lines(&faces.note, SOFT, note, width, 2));
            std::iter::once(label).chain(notes).collect()
        })
        .collect();
    RowTexts { heading: lines(&faces.heading, BLACK, &row.heading, text_width, 2), cells }
}

fn row_height(row: &Row, texts: &RowTexts<'_>, scale: usize) -> usize {
    let below = texts.cells.iter().map(|cell| cell.iter().map(Lines::height).sum::<usize>());
    texts.heading_height() + picture_height(row, scale) + GAP / 3 + below.max().unwrap_or(0)
}

fn picture_height(row: &Row, scale: usize) -> usize {
    row.cells.iter().map(|cell| shown_size(&cell.picture, scale).1).max().unwrap_or(0)
}

fn shown_size(picture: &Picture, scale: usize) -> (usize, usize) {
    (scale * picture.width(), scale * picture.height())
}

fn place(canvas: &mut Canvas, picture: &Picture, left: usize, top: usize, scale: usize) {
    let (width, height) = shown_size(picture, scale);
    if picture.width() < CRISP_BELOW || scale == 1 {
        canvas.place(picture, left, top, scale);
    } else {
        canvas.place(&picture.resize(width, height, Resampling::Lanczos), left, top, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(side: usize, level: u8) -> Cell {
        let picture = Picture::from_rgb8(side, side, &vec![level; 3 * side * side]).unwrap();
        Cell { picture, label: "mixed4a:11".to_owned(), notes: vec!["activation 12.3".to_owned()] }
    }

    fn figure(cells: usize, side: usize) -> Figure {
        let cells = (0..cells).map(|_| cell(side, 100)).collect();
        Figure {
            title: "Ten channels".to_owned(),
            subtitle: "128 px".to_owned(),
            columns: Vec::new(),
            rows: rows_of(5, cells),
        }
    }

    fn pixels_of(canvas: &Canvas, level: u8) -> usize {
        canvas.rgb().chunks_exact(3).filter(|pixel| *pixel == [level; 3]).count()
    }

    #[test]
    fn ten_cells_stand_in_two_rows_of_five() {
        let rows = figure(10, 128).rows;
        assert_eq!(rows.iter().map(|row| row.cells.len()).collect::<Vec<_>>(), [5, 5]);
    }

    #[test]
    fn every_picture_is_shown_whole() {
        let canvas = figure(7, 240).draw().unwrap();
        // Letters may add a few pixels of the very same grey.
        let shown = pixels_of(&canvas, 100);
        assert!((7 * 240 * 240..7 * 240 * 240 + 600).contains(&shown), "{shown}");
    }

    #[test]
    fn small_pictures_are_enlarged_to_a_readable_size() {
        let canvas = figure(1, 16).draw().unwrap();
        assert!(SMALLEST_CELL * SMALLEST_CELL <= pixels_of(&canvas, 100));
    }

    #[test]
    fn pictures_of_different_sizes_are_enlarged_alike() {
        let of = |sides: &[usize]| Figure {
            rows: rows_of(9, sides.iter().map(|&side| cell(side, 100)).collect()),
            ..Figure::default()
        };
        for (sides, scale, widths) in [
            (&[64, 128, 224][..], 4, vec![256, 512, 896]),
            (&[32, 512], 2, vec![SMALLEST_CELL, 1024]),
            (&[96, 96], 3, vec![288, 288]),
            (&[300, 2000], 1, vec![300, 2000]),
        ] {
            let figure = of(sides);
            assert_eq!(figure.scale(), scale, "{sides:?}");
            assert_eq!(figure.column_widths(scale), widths, "{sides:?}");
        }
        let shown = pixels_of(&of(&[64, 128]).draw().unwrap(), 100);
        let alike = 16 * (64 * 64 + 128 * 128);
        assert!((alike..alike + 600).contains(&shown), "{shown}");
    }

    #[test]
    fn a_longer_label_makes_room_for_itself() {
        let short = figure(1, 128).draw().unwrap();
        let mut long = figure(1, 128);
        long.rows[0].cells[0].label =
            "mixed4a:11 + 0.5*mixed4b:3 - 0.25*logits:1 - 0.001*tv".to_owned();
        assert!(short.height() < long.draw().unwrap().height());
    }

    #[test]
    fn headings_add_to_the_height() {
        let plain = figure(2, 128).draw().unwrap().height();
        let mut headed = figure(2, 128);
        headed.columns = vec!["pixel".to_owned(), "fourier".to_owned()];
        let with_columns = headed.draw().unwrap().height();
        headed.rows[0].heading = "decorrelated colours".to_owned();
        assert!(plain < with_columns && with_columns < headed.draw().unwrap().height());
    }

    #[test]
    fn a_figure_without_pictures_is_only_its_title() {
        let figure = Figure { title: "Nothing".to_owned(), ..Figure::default() };
        assert!(0 < figure.draw().unwrap().height());
    }
}
