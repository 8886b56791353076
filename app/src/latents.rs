//! A dictionary's latents by what they are worth: where they stand in a drawing, which are chosen, in
//! which order.

use std::fmt;
use std::str::FromStr;

use shared::format::worth::{Latent, Measure, Worth};

use crate::measures::of;

/// Shades that dots are drawn in, from the least to the most.
pub const SHADES: usize = 5;

/// The edge of the drawing of a map, on which places are at most 1: dots at its rim are whole.
const EDGE: f32 = 1.04;

/// How latents are laid out in their drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// By what is measured: how often each fires across, how strongly up.
    #[default]
    Value,
    /// On a map: those whose directions are alike stand together.
    Likeness,
}

impl Arrangement {
    /// In the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Value, Self::Likeness];

    /// Its name in addresses.
    pub fn key(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Likeness => "likeness",
        }
    }

    /// The arrangement of this name.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.key() == key)
    }

    /// The same where these latents can be arranged so; else the usual one.
    pub fn of(self, worth: &Worth) -> Self {
        if worth.mapped { self } else { Self::Value }
    }

    /// Where a latent stands; nothing for one that never fires.
    pub fn spot(self, latent: &Latent) -> Option<Spot> {
        let spot = match self {
            Self::Value => {
                [Measure::Frequency, Measure::Mean].map(|measure| of(latent, measure).log10())
            }
            Self::Likeness => latent.place,
        };
        (fires(latent) && spot.iter().all(|number| number.is_finite())).then_some(spot)
    }
}

/// Where something is in the drawing, across and up: decimal logarithms of how often a latent fires
/// and of its mean where it does, or a place on the map.
pub type Spot = [f32; 2];

/// A rectangle of the drawing: only latents inside are wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brush {
    /// The lower left corner, of the rare and the weak.
    pub least: Spot,
    /// The upper right one, of the frequent and the strong.
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

/// `-3.2,-1,0.2,0.9`: across from and to, then up from and to.
impl fmt::Display for Brush {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let round = |number: f32| (number * 1000.0).round() / 1000.0 + 0.0;
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

/// Whether a latent fired on anything.
pub fn fires(latent: &Latent) -> bool {
    0.0 < of(latent, Measure::Frequency)
}

/// The latents that are chosen: those inside the brush, those with the most of a measure first.
pub fn chosen(
    latents: &[Latent],
    arranged: Arrangement,
    brush: Option<Brush>,
    by: Option<Measure>,
) -> Vec<usize> {
    let is_inside = |latent: &Latent| {
        brush.is_none_or(|brush| arranged.spot(latent).is_some_and(|spot| brush.has(spot)))
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
pub struct Frame {
    /// What the plane is.
    pub arranged: Arrangement,
    shown: Brush,
}

impl Frame {
    /// With room for all that fire: by value to the next halves of a decade, on a map all of it.
    pub fn around(latents: &[Latent], arranged: Arrangement) -> Option<Self> {
        let spots = || latents.iter().filter_map(|latent| arranged.spot(latent));
        let axis = |of: usize, choose: fn(f32, f32) -> f32| spots().map(|s| s[of]).reduce(choose);
        let out = |least: f32| match arranged {
            Arrangement::Value => (2.0 * least - 0.1).floor() / 2.0,
            Arrangement::Likeness => -EDGE,
        };
        let shown = Brush {
            least: [out(axis(0, f32::min)?), out(axis(1, f32::min)?)],
            most: [-out(-axis(0, f32::max)?), -out(-axis(1, f32::max)?)],
        };
        Some(Self { arranged, shown })
    }

    /// A spot as shares of width and height, from the left and from the top.
    pub fn share(&self, spot: Spot) -> [f32; 2] {
        let Brush { least, most } = self.shown;
        let share = |of: usize| (spot[of] - least[of]) / (most[of] - least[of]).max(f32::EPSILON);
        [share(0), 1.0 - share(1)]
    }

    /// The spot at shares of width and height.
    pub fn spot(&self, [across, down]: [f32; 2]) -> Spot {
        let Brush { least, most } = self.shown;
        let at = |of: usize, share: f32| least[of] + share.clamp(0.0, 1.0) * (most[of] - least[of]);
        [at(0, across), at(1, 1.0 - down)]
    }

    /// By value, whole decades on an axis, 0 across and 1 up, with their places as shares.
    pub fn ticks(&self, axis: usize) -> Vec<(f32, f32)> {
        let (from, to) =
            (self.shown.least[axis].ceil() as i32, self.shown.most[axis].floor() as i32);
        let place = |decade: i32| {
            let mut spot = self.shown.least;
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
            .filter_map(|(number, latent)| Some((number, distance(self.arranged.spot(latent)?))));
        let (number, found) = far.min_by(|one, other| one.1.total_cmp(&other.1))?;
        (found <= reach * reach).then_some(number)
    }
}

/// The shade of each latent: as many have each, by rank, so that differences show wherever the
/// numbers lie.
pub fn shades(latents: &[Latent], by: Measure) -> Vec<usize> {
    let mut ranked: Vec<usize> =
        (0..latents.len()).filter(|number| fires(&latents[*number])).collect();
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
        let Some(spot) = frame.arranged.spot(latent) else { continue };
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
        let mut latents = vec![
            latent(0.001, 1.0, 0.5),
            latent(0.1, 10.0, 0.9),
            latent(0.0, 0.0, 0.0),
            latent(0.01, 2.0, 0.2),
        ];
        for (latent, place) in
            latents.iter_mut().zip([[-1.0, 0.2], [0.0, -0.4], [0.0; 2], [1.0, 0.4]])
        {
            latent.place = place;
        }
        latents
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
    fn what_is_chosen_lies_in_the_brush_and_is_sorted() {
        let latents = latents();
        let value = Arrangement::Value;
        assert_eq!(chosen(&latents, value, None, None), [0, 1, 2, 3]);
        assert_eq!(chosen(&latents, value, None, Some(Measure::Purity)), [1, 0, 3, 2]);
        let rare = Brush { least: [-4.0, -1.0], most: [-1.5, 2.0] };
        // What never fires lies nowhere.
        assert_eq!(chosen(&latents, value, Some(rare), None), [0, 3]);
        let left = Brush { least: [-1.0, -1.0], most: [0.1, 1.0] };
        assert_eq!(chosen(&latents, Arrangement::Likeness, Some(left), None), [0, 1]);
    }

    #[test]
    fn only_latents_that_have_places_are_arranged_by_likeness() {
        let worth = |mapped| Worth {
            activations: 1,
            normalized_mse: 0.0,
            l0: 1.0,
            measured: Vec::new(),
            mapped,
            nearest: 0,
            units: 4,
            page: 4,
            records: Vec::new(),
        };
        for arranged in Arrangement::ALL {
            assert_eq!(Arrangement::named(arranged.key()), Some(arranged));
            assert_eq!(arranged.of(&worth(true)), arranged);
            assert_eq!(arranged.of(&worth(false)), Arrangement::Value);
        }
        assert_eq!(Arrangement::named("number"), None);
    }

    #[test]
    fn places_and_spots_belong_together() {
        let latents = latents();
        for arranged in Arrangement::ALL {
            let frame = Frame::around(&latents, arranged).unwrap();
            for latent in &latents {
                let Some(spot) = arranged.spot(latent) else { continue };
                let share = frame.share(spot);
                assert!(share.iter().all(|share| (0.0..=1.0).contains(share)), "{share:?}");
                let back = frame.spot(share);
                assert!((0..2).all(|of| (back[of] - spot[of]).abs() < 1e-5), "{back:?}, {spot:?}");
            }
            assert_eq!(Frame::around(&latents[2..3], arranged), None);
        }
        let frame = Frame::around(&latents, Arrangement::Value).unwrap();
        // The frequent are right, the strong are up.
        let [rare, frequent] =
            [0, 1].map(|number| frame.share(frame.arranged.spot(&latents[number]).unwrap()));
        assert!(rare[0] < frequent[0] && frequent[1] < rare[1]);
        assert_eq!(
            frame.ticks(0).iter().map(|tick| tick.0).collect::<Vec<_>>(),
            [0.001, 0.01, 0.1]
        );
    }

    #[test]
    fn the_nearest_within_reach_is_found() {
        let latents = latents();
        for arranged in Arrangement::ALL {
            let frame = Frame::around(&latents, arranged).unwrap();
            let [across, down] = frame.share(arranged.spot(&latents[3]).unwrap());
            let at = |offset: f32, reach| {
                frame.nearest(&latents, [across + offset / 500.0, down], [500.0, 300.0], reach)
            };
            assert_eq!((at(0.0, 8.0), at(7.0, 8.0), at(9.0, 8.0)), (Some(3), Some(3), None));
        }
    }

    #[test]
    fn shades_are_ranks() {
        let latents: Vec<Latent> =
            (0..10).map(|number| latent(0.1, 1.0, number as f32 / 100.0)).collect();
        let expected = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4];
        assert_eq!(shades(&latents, Measure::Purity), expected);
        let frame = Frame::around(&latents, Arrangement::Value).unwrap();
        let drawings = dots(&latents, &frame, &expected);
        assert!(drawings.iter().all(|drawing| drawing.matches('M').count() == 2));
    }
}
