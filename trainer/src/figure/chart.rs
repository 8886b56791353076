//! A chart: bars, points or lines between two axes, on white.

use std::path::Path;

use anyhow::Result;
use shared::format::png;

use super::canvas::{Canvas, Grey, Typeface};
use crate::output;

const WIDTH: usize = 1440;
const HEIGHT: usize = 960;
const MARGIN: usize = 56;
/// Room for numbers and words beside and below the axes.
const LEFT: usize = 170;
const BELOW: usize = 120;
const TITLE: f32 = 44.0;
const SUBTITLE: f32 = 24.0;
const WORDS: f32 = 24.0;
const NUMBERS: f32 = 21.0;
const BLACK: Grey = Grey(0x16);
const SOFT: Grey = Grey(0x5c);
const FAINT: Grey = Grey(0xd8);
/// Ticks of an axis, about.
const TICKS: f64 = 6.0;
/// Half of a line's width and of a point's, in pixels.
const HALF_LINE: f32 = 1.5;
const HALF_POINT: f32 = 3.5;

/// What a chart shows.
#[derive(Clone, Debug)]
pub struct Chart {
    /// One line on top.
    pub title: String,
    /// Below it, smaller: what is shown.
    pub subtitle: String,
    /// To the right.
    pub across: Axis,
    /// Upwards.
    pub up: Axis,
    /// What is drawn.
    pub marks: Marks,
}

/// What an axis counts.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it says.
    pub label: String,
    /// From where to where.
    pub range: [f64; 2],
}

/// What is drawn between axes.
#[derive(Clone, Debug)]
pub enum Marks {
    /// Side by side over the whole width: their heights.
    Bars(Vec<f64>),
    /// Across and up, each with what is written beside it.
    Points(Vec<([f64; 2], String)>),
    /// Each with what is written at its end.
    Lines(Vec<(Vec<[f64; 2]>, String)>),
}

impl Axis {
    /// Over all of some numbers, with a little room at both ends.
    pub fn over(label: &str, numbers: impl Iterator<Item = f64>) -> Self {
        let [mut least, mut most] = [f64::INFINITY, f64::NEG_INFINITY];
        for number in numbers.filter(|number| number.is_finite()) {
            (least, most) = (least.min(number), most.max(number));
        }
        if most <= least {
            let middle = if least.is_finite() { least } else { 0.0 };
            (least, most) = (middle - 0.5, middle + 0.5);
        }
        let room = 0.04 * (most - least);
        Self { label: label.to_owned(), range: [least - room, most + room] }
    }

    /// Numbers to be written: 1, 2 or 5 times a power of ten apart.
    fn ticks(&self) -> Vec<f64> {
        let [least, most] = self.range;
        let rough = (most - least) / TICKS;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0].into_iter().find(|times| rough <= times * power);
        let step = step.unwrap_or(10.0) * power;
        let first = (least / step).ceil() as i64;
        (first..).map(|tick| tick as f64 * step).take_while(|tick| *tick <= most).collect()
    }

    /// Where a number lies, 0 at the beginning, 1 at the end.
    fn place(&self, number: f64) -> f64 {
        (number - self.range[0]) / (self.range[1] - self.range[0])
    }
}

impl Chart {
    /// Draws it into a PNG file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let canvas = self.draw()?;
        let bytes = png::encode(canvas.width(), canvas.height(), canvas.rgb(), &[])?;
        output::write_whole(path, |out| Ok(out.write_all(&bytes)?))
    }

    /// Draws it.
    ///
    /// # Errors
    /// The letters cannot be read.
    pub fn draw(&self) -> Result<Canvas> {
        let (title, subtitle) = (Typeface::prose(TITLE)?, Typeface::prose(SUBTITLE)?);
        let (words, numbers) = (Typeface::prose(WORDS)?, Typeface::prose(NUMBERS)?);
        let mut canvas = Canvas::new(WIDTH, HEIGHT);
        canvas.write(&self.title, MARGIN as f32, MARGIN, &title, BLACK);
        let mut top = MARGIN + title.line_height();
        for line in subtitle.wrap(&self.subtitle, (WIDTH - 2 * MARGIN) as f32, 2) {
            canvas.write(&line, MARGIN as f32, top, &subtitle, SOFT);
            top += subtitle.line_height();
        }
        canvas.write(&self.up.label, MARGIN as f32, top + 12, &words, SOFT);
        let top = (top + 24 + words.line_height()) as f32;
        let (left, right) = (LEFT as f32, (WIDTH - MARGIN) as f32);
        let bottom = (HEIGHT - BELOW) as f32;
        let across = |number: f64| left + (right - left) * self.across.place(number) as f32;
        let up = |number: f64| bottom - (bottom - top) * self.up.place(number) as f32;
        for tick in self.up.ticks() {
            canvas.line([left, up(tick)], [right, up(tick)], 0.5, FAINT);
            let text = written(tick);
            let start = left - 16.0 - numbers.width(&text);
            let above = up(tick) - 0.5 * numbers.line_height() as f32;
            canvas.write(&text, start, above.max(0.0) as usize, &numbers, SOFT);
        }
        for tick in self.across.ticks() {
            canvas.line([across(tick), bottom], [across(tick), bottom + 8.0], 1.0, SOFT);
            let text = written(tick);
            let start = across(tick) - 0.5 * numbers.width(&text);
            canvas.write(&text, start, bottom as usize + 14, &numbers, SOFT);
        }
        let start = 0.5 * (left + right - words.width(&self.across.label));
        canvas.write(&self.across.label, start, HEIGHT - MARGIN - 12, &words, SOFT);
        let mut written_at = Words { typeface: &numbers, places: Vec::new() };
        match &self.marks {
            Marks::Bars(heights) => {
                let width = (right - left) / heights.len() as f32;
                for (place, &height) in heights.iter().enumerate() {
                    let start = left + place as f32 * width;
                    let top = up(height).min(bottom);
                    canvas.fill([start + 1.0, top], [start + width - 1.0, bottom], SOFT);
                }
            }
            Marks::Points(points) => {
                for ([x, y], text) in points {
                    canvas.line([across(*x), up(*y)], [across(*x), up(*y)], HALF_POINT, BLACK);
                    let above = up(*y) - numbers.line_height() as f32;
                    written_at.write(&mut canvas, text, [across(*x) + 8.0, above], SOFT);
                }
            }
            Marks::Lines(lines) => {
                for (points, text) in lines {
                    for pair in points.windows(2) {
                        let [from, to] = [pair[0], pair[1]].map(|[x, y]| [across(x), up(y)]);
                        canvas.line(from, to, HALF_LINE, SOFT);
                    }
                    if let Some(&[x, y]) = points.last() {
                        let start = (across(x) - numbers.width(text) - 8.0).max(left);
                        let above = up(y) - 1.2 * numbers.line_height() as f32;
                        written_at.write(&mut canvas, text, [start, above], BLACK);
                    }
                }
            }
        }
        canvas.line([left, bottom], [right, bottom], 1.0, BLACK);
        Ok(canvas)
    }
}

/// Words beside marks, none over another.
struct Words<'a> {
    typeface: &'a Typeface,
    /// Left, right and top.
    places: Vec<[f32; 3]>,
}

impl Words<'_> {
    /// Writes at a place, or right above those that are there.
    fn write(&mut self, canvas: &mut Canvas, text: &str, [left, mut top]: [f32; 2], ink: Grey) {
        if text.is_empty() {
            return;
        }
        let (right, height) =
            (left + self.typeface.width(text), self.typeface.line_height() as f32);
        let is_over = |top: f32, place: &&[f32; 3]| {
            left < place[1] && place[0] < right && (top - place[2]).abs() < height
        };
        while let Some(place) = self.places.iter().find(|place| is_over(top, place)) {
            top = place[2] - height - 1.0;
        }
        self.places.push([left, right, top]);
        canvas.write(text, left, top.max(0.0) as usize, self.typeface, ink);
    }
}

/// Without the dust that sums of tenths leave.
fn written(tick: f64) -> String {
    let rounded = (tick * 1e9).round() / 1e9;
    // Never "-0".
    format!("{}", rounded + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        let ticks = |range| Axis { label: String::new(), range }.ticks();
        assert_eq!(ticks([-4.1, 0.2]), [-4.0, -3.0, -2.0, -1.0, 0.0]);
        assert_eq!(ticks([0.0, 1200.0]), [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0, 1200.0]);
        let tenths: Vec<_> = ticks([0.02, 0.61]).into_iter().map(written).collect();
        assert_eq!(tenths, ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]);
    }

    #[test]
    fn an_axis_has_room_for_all_numbers_and_for_a_single_one() {
        let axis = Axis::over("", [3.0, f64::INFINITY, 1.0].into_iter());
        assert!(axis.range[0] < 1.0 && 3.0 < axis.range[1]);
        let [least, most] = Axis::over("", [2.0].into_iter()).range;
        assert!(least < 2.0 && 2.0 < most);
        let [least, most] = Axis::over("", std::iter::empty()).range;
        assert!(least < most);
    }

    #[test]
    fn words_beside_marks_do_not_lie_over_each_other() {
        let typeface = Typeface::prose(NUMBERS).unwrap();
        let mut canvas = Canvas::new(400, 400);
        let mut words = Words { typeface: &typeface, places: Vec::new() };
        for place in [[10.0, 300.0], [14.0, 304.0], [12.0, 280.0], [300.0, 300.0]] {
            words.write(&mut canvas, "seed-0", place, BLACK);
        }
        let height = typeface.line_height() as f32;
        let tops: Vec<f32> = words.places.iter().map(|place| place[2]).collect();
        for (place, top) in tops.iter().enumerate().take(3) {
            let others = tops[..place].iter();
            assert!(others.into_iter().all(|other| height <= (top - other).abs()), "{tops:?}");
        }
        assert_eq!(tops[3], 300.0);
    }

    #[test]
    fn what_is_higher_is_drawn_higher() {
        let axis = |range| Axis { label: "latents".to_owned(), range };
        let chart = Chart {
            title: "Bars".to_owned(),
            subtitle: String::new(),
            across: axis([0.0, 2.0]),
            up: axis([0.0, 10.0]),
            marks: Marks::Bars(vec![2.0, 8.0]),
        };
        let canvas = chart.draw().unwrap();
        let dark = |column: usize| {
            let is_bar = |row: &usize| canvas.rgb()[3 * (row * WIDTH + column)] == 0x5c;
            (200..HEIGHT - BELOW).filter(is_bar).count()
        };
        assert!(3 * dark(500) < dark(1100), "{} {}", dark(500), dark(1100));
    }
}
