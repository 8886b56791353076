//! A dictionary's latents by what they are worth: where they stand in a drawing, which are chosen, in
//! which order.

use std::fmt;
use std::str::FromStr;

use shared::format::worth::{Latent, Measure};

use crate::numbers::{percent, value};

/// Shades that dots are drawn in, from the least to the most.
pub const SHADES: usize = 5;

/// Decimal logarithms of how often latents fire, and of their mean where they do.
pub type Spot = [f32; 2];

/// A rectangle of the drawing: only latents inside are wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brush {
    /// Corner of the rare and the weak.
    pub least: Spot,
    /// Corner of the frequent and the strong.
    pub most: Spot,
}

impl Brush {
    /// The rectangle with these two in opposite corners.
    pub fn between(one: Spot, other: Spot) -> Self {
        let axis =
            |choose: fn(f32, f32) -> f32| std::array::from_fn(|of| choose(one[of], other[of]));
        Self { least: axis(f32::min), most: axis(f32::max) }
    }

    fn has(&self, spot: Spot) -> bool {
        (0..2).all(|of| (self.least[of]..=self.most[of]).contains(&spot[of]))
    }
}

/// `-3.2,-1,0.2,0.9`: frequency from and to, then mean from and to.
impl fmt::Display for Brush {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let round = |number: f32| (number * 100.0).round() / 100.0 + 0.0;
        let ends = [self.least[0], self.most[0], self.least[1], self.most[1]].map(round);
        let [a, b, c, d] = ends;
        write!(formatter, "{a},{b},{c},{d}")
    }
}

impl FromStr for Brush {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let numbers: Result<Vec<f32>, ()> =
            text.split(',').map(|part| part.parse().map_err(|_| ())).collect();
        match numbers?[..] {
            [a, b, c, d] if [a, b, c, d].iter().all(|number| number.is_finite()) => {
                Ok(Self::between([a, c], [b, d]))
            }
            _ => Err(()),
        }
    }
}

/// A measure's name in addresses.
pub fn key(measure: Measure) -> &'static str {
    match measure {
        Measure::Frequency => "frequency",
        Measure::Mean => "mean",
        Measure::Max => "max",
        Measure::Purity => "purity",
        Measure::Coherence => "coherence",
        Measure::Stability => "stability",
        Measure::Monosemanticity => "monosemanticity",
    }
}

/// The measure of this name.
pub fn measure(key_of: &str) -> Option<Measure> {
    Measure::ALL.into_iter().find(|measure| key(*measure) == key_of)
}

/// A measure's name for people.
pub fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::Max => "largest",
        other => key(other),
    }
}

/// A measure of a latent as people read it.
pub fn shown(latent: &Latent, measure: Measure) -> String {
    let number = of(latent, measure);
    match measure {
        Measure::Frequency | Measure::Purity | Measure::Coherence => percent(number),
        Measure::Mean | Measure::Max | Measure::Stability | Measure::Monosemanticity => {
            value(number)
        }
    }
}

/// What a measure means, in a few words.
pub fn words(measure: Measure) -> &'static str {
    match measure {
        Measure::Frequency => "how often it fires",
        Measure::Mean => "how strongly, where it fires",
        Measure::Max => "its strongest",
        Measure::Purity => "how many of its best pictures show the same",
        Measure::Coherence => "how often it fires side by side",
        Measure::Stability => "how alike a second training found it",
        Measure::Monosemanticity => "how alike its pictures are to another network",
    }
}

/// A measure of a latent.
pub fn of(latent: &Latent, measure: Measure) -> f32 {
    let place = Measure::ALL.iter().position(|known| *known == measure).unwrap_or(0);
    latent.measures[place]
}

/// Where a latent stands; nothing for one that never fires.
pub fn spot(latent: &Latent) -> Option<Spot> {
    let spot = [Measure::Frequency, Measure::Mean].map(|measure| of(latent, measure).log10());
    spot.iter().all(|number| number.is_finite()).then_some(spot)
}

/// The latents that are chosen: those inside the brush, those with the most of a measure first.
pub fn chosen(latents: &[Latent], brush: Option<Brush>, by: Option<Measure>) -> Vec<usize> {
    let is_inside = |latent: &Latent| {
        brush.is_none_or(|brush| spot(latent).is_some_and(|spot| brush.has(spot)))
    };
    let mut chosen: Vec<usize> =
        (0..latents.len()).filter(|number| is_inside(&latents[*number])).collect();
    if let Some(by) = by {
        chosen.sort_by(|one, other| of(&latents[*other], by).total_cmp(&of(&latents[*one], by)));
    }
    chosen
}

/// The part of the plane that is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame(Brush);

impl Frame {
    /// With room for all that fire, to the next halves of a decade.
    pub fn around(latents: &[Latent]) -> Option<Self> {
        let spots = || latents.iter().filter_map(spot);
        let axis = |of: usize, choose: fn(f32, f32) -> f32| spots().map(|s| s[of]).reduce(choose);
        let out = |least: f32| (2.0 * least - 0.1).floor() / 2.0;
        Some(Self(Brush {
            least: [out(axis(0, f32::min)?), out(axis(1, f32::min)?)],
            most: [-out(-axis(0, f32::max)?), -out(-axis(1, f32::max)?)],
        }))
    }

    /// A spot as shares of width and height, from the left and from the top.
    pub fn share(&self, spot: Spot) -> [f32; 2] {
        let Brush { least, most } = self.0;
        let share = |of: usize| (spot[of] - least[of]) / (most[of] - least[of]).max(f32::EPSILON);
        [share(0), 1.0 - share(1)]
    }

    /// The spot at shares of width and height.
    pub fn spot(&self, [across, down]: [f32; 2]) -> Spot {
        let Brush { least, most } = self.0;
        let at = |of: usize, share: f32| least[of] + share.clamp(0.0, 1.0) * (most[of] - least[of]);
        [at(0, across), at(1, 1.0 - down)]
    }

    /// Whole decades on an axis, 0 across and 1 up, with their places as shares.
    pub fn ticks(&self, axis: usize) -> Vec<(f32, f32)> {
        let (from, to) = (self.0.least[axis].ceil() as i32, self.0.most[axis].floor() as i32);
        let place = |decade: i32| {
            let mut spot = self.0.least;
            spot[axis] = decade as f32;
            (10_f32.powi(decade), self.share(spot)[axis])
        };
        (from..=to).map(place).collect()
    }

    /// The latent that is drawn nearest to a place, given as shares of a box of this width and
    /// height in pixels, if it is within `reach` pixels.
    pub fn nearest(
        &self,
        latents: &[Latent],
        place: [f32; 2],
        pixels: [f32; 2],
        reach: f32,
    ) -> Option<usize> {
        let distance = |spot: Spot| {
            let share = self.share(spot);
            (0..2).map(|of| ((share[of] - place[of]) * pixels[of]).powi(2)).sum::<f32>()
        };
        let far = latents
            .iter()
            .enumerate()
            .filter_map(|(number, latent)| Some((number, distance(spot(latent)?))));
        let (number, found) = far.min_by(|one, other| one.1.total_cmp(&other.1))?;
        (found <= reach * reach).then_some(number)
    }
}

/// The shade of each latent: as many have each, by rank, so that differences show wherever the
/// numbers lie.
pub fn shades(latents: &[Latent], by: Measure) -> Vec<usize> {
    let mut ranked: Vec<usize> =
        (0..latents.len()).filter(|number| spot(&latents[*number]).is_some()).collect();
    ranked.sort_by(|one, other| of(&latents[*one], by).total_cmp(&of(&latents[*other], by)));
    let mut shades = vec![0; latents.len()];
    let many = ranked.len().max(1);
    for (rank, number) in ranked.into_iter().enumerate() {
        shades[number] = rank * SHADES / many;
    }
    shades
}

/// Dots in a box of 1000 by 1000, one drawing for each shade: points without length, which round
/// ends make visible at any size.
pub fn dots(latents: &[Latent], frame: &Frame, shades: &[usize]) -> [String; SHADES] {
    let mut drawings: [String; SHADES] = Default::default();
    for (latent, shade) in latents.iter().zip(shades) {
        let Some(spot) = spot(latent) else { continue };
        let [across, down] = frame.share(spot).map(|share| 1000.0 * share);
        drawings[*shade].push_str(&format!("M{across:.1} {down:.1}h0"));
    }
    drawings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latent(frequency: f32, mean: f32, purity: f32) -> Latent {
        let mut latent = Latent::default();
        for (measure, number) in
            [(Measure::Frequency, frequency), (Measure::Mean, mean), (Measure::Purity, purity)]
        {
            let place = Measure::ALL.iter().position(|known| *known == measure).unwrap();
            latent.measures[place] = number;
        }
        latent
    }

    fn latents() -> Vec<Latent> {
        vec![
            latent(0.001, 1.0, 0.5),
            latent(0.1, 10.0, 0.9),
            latent(0.0, 0.0, 0.0),
            latent(0.01, 2.0, 0.2),
        ]
    }

    #[test]
    fn a_brush_survives_the_round_trip() {
        let brush = Brush { least: [-3.25, 0.2], most: [-1.0, 0.9] };
        assert_eq!(brush.to_string(), "-3.25,-1,0.2,0.9");
        assert_eq!(brush.to_string().parse(), Ok(brush));
        // By whichever corners it was drawn.
        assert_eq!(Brush::between([-1.0, 0.2], [-3.25, 0.9]), brush);
        for wrong in ["", "1,2,3", "1,2,3,nan", "a,b,c,d", "1,2,3,4,5"] {
            assert!(wrong.parse::<Brush>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn measures_are_called_by_one_name_each() {
        for known in Measure::ALL {
            assert_eq!(measure(key(known)), Some(known));
        }
        assert_eq!(measure("weight"), None);
    }

    #[test]
    fn what_is_chosen_lies_in_the_brush_and_is_sorted() {
        let latents = latents();
        assert_eq!(chosen(&latents, None, None), [0, 1, 2, 3]);
        assert_eq!(chosen(&latents, None, Some(Measure::Purity)), [1, 0, 3, 2]);
        let rare = Brush { least: [-4.0, -1.0], most: [-1.5, 2.0] };
        // What never fires lies nowhere.
        assert_eq!(chosen(&latents, Some(rare), None), [0, 3]);
    }

    #[test]
    fn places_and_spots_belong_together() {
        let latents = latents();
        let frame = Frame::around(&latents).unwrap();
        for latent in &latents {
            let Some(spot) = spot(latent) else { continue };
            let share = frame.share(spot);
            assert!(share.iter().all(|share| (0.0..=1.0).contains(share)), "{share:?}");
            let back = frame.spot(share);
            assert!((0..2).all(|of| (back[of] - spot[of]).abs() < 1e-5), "{back:?}, {spot:?}");
        }
        // The frequent are right, the strong are up.
        let [rare, frequent] = [0, 1].map(|number| frame.share(spot(&latents[number]).unwrap()));
        assert!(rare[0] < frequent[0] && frequent[1] < rare[1]);
        assert_eq!(Frame::around(&latents[2..3]), None);
        assert_eq!(
            frame.ticks(0).iter().map(|tick| tick.0).collect::<Vec<_>>(),
            [0.001, 0.01, 0.1]
        );
    }

    #[test]
    fn the_nearest_within_reach_is_found() {
        let latents = latents();
        let frame = Frame::around(&latents).unwrap();
        let [across, down] = frame.share(spot(&latents[3]).unwrap());
        let at = |offset: f32, reach| {
            frame.nearest(&latents, [across + offset / 500.0, down], [500.0, 300.0], reach)
        };
        assert_eq!((at(0.0, 8.0), at(7.0, 8.0), at(9.0, 8.0)), (Some(3), Some(3), None));
    }

    #[test]
    fn shades_are_ranks() {
        let latents: Vec<Latent> =
            (0..10).map(|number| latent(0.1, 1.0, number as f32 / 100.0)).collect();
        let expected = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4];
        assert_eq!(shades(&latents, Measure::Purity), expected);
        let frame = Frame::around(&latents).unwrap();
        let drawings = dots(&latents, &frame, &expected);
        assert!(drawings.iter().all(|drawing| drawing.matches('M').count() == 2));
    }
}
