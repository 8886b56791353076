//! The objective's value, step by step, labelled at the line. Larger is better.

use leptos::prelude::*;

use crate::numbers;
use crate::protocol::Stepped;
use crate::verbs::dream::state::Pane;

/// Points drawn at most: more than a stage has pixels.
const POINTS: usize = 400;

/// The lowest and the highest of scores.
pub fn span(scores: &[f32]) -> Option<(f32, f32)> {
    let finite = || scores.iter().copied().filter(|score| score.is_finite());
    Some((finite().reduce(f32::min)?, finite().reduce(f32::max)?))
}

/// The line's points in a box of 1000 by 100, and its end as shares of width and height.
///
/// The whole width stands for all steps; the height for the scores from `lowest` to `highest`.
pub fn path(
    scores: &[f32],
    steps: usize,
    (lowest, highest): (f32, f32),
) -> Option<(String, f32, f32)> {
    span(scores)?;
    let range = if highest > lowest { highest - lowest } else { 1.0 };
    let last = scores.len() - 1;
    let all = steps.max(scores.len()).max(2) - 1;
    let place = |index: usize| {
        let across = index as f32 / all as f32;
        let down = (highest - scores[index]) / range;
        (across, down)
    };
    let stride = scores.len().div_ceil(POINTS).max(1);
    let indices = (0..last).step_by(stride).chain([last]);
    let mut line = String::new();
    for index in indices.filter(|index| scores[*index].is_finite()) {
        let (across, down) = place(index);
        let command = if line.is_empty() { 'M' } else { 'L' };
        line.push_str(&format!("{command}{:.1} {:.1}", 1000.0 * across, 100.0 * down));
    }
    let (across, down) = if scores[last].is_finite() { place(last) } else { (1.0, 0.5) };
    Some((line, across, down))
}

/// The curves of the panes.
#[component]
pub fn ScoreCurve(
    /// One or two.
    panes: Vec<Pane>,
) -> impl IntoView {
    let all = panes.clone();
    // Two curves share both scales, so that they can be compared.
    let scales = Memo::new(move |_| {
        let spans = all.iter().filter_map(|pane| pane.scores.with(|scores| span(scores)));
        let height = spans.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
        let steps = |pane: &Pane| pane.stepped.with(|step| step.as_ref().map_or(0, |s| s.steps));
        height.map(|height| (height, all.iter().map(steps).max().unwrap_or(0)))
    });
    let curve = |(index, pane): (usize, Pane)| {
        let drawn = Memo::new(move |_| {
            let (height, steps) = scales.get()?;
            pane.scores.with(|scores| path(scores, steps, height))
        });
        let line = move || drawn.get().map(|(line, ..)| line);
        let end = move || {
            drawn.get().map(|(_, across, down)| {
                format!("left:{:.2}%;top:{:.2}%", 100.0 * across, 100.0 * down)
            })
        };
        // The label keeps clear of the line: right of its end while there is room.
        let early = move || drawn.get().is_some_and(|(_, across, _)| across < 0.7);
        let newest =
            move || pane.scores.with(|scores| scores.last().map(|score| numbers::value(*score)));
        // Of a sum the terms are said beside the title.
        let is_sum = move || pane.stepped.with(|step| step.as_ref().is_some_and(Stepped::is_sum));
        let name = move || if is_sum() { "sum " } else { "activation " };
        view! {
            <div class="curve" class:second=index == 1>
                <svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
                    <path class="line" d=line></path>
                </svg>
                <Show when=move || drawn.with(Option::is_some)>
                    <span class="end" prop:style=end class:early=early>
                        <i></i>
                        <b>{name}{newest}</b>
                    </span>
                </Show>
            </div>
        }
    };
    view! {
        <div class="curves" data-testid="loss">
            {panes.into_iter().enumerate().map(curve).collect_view()}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_score_draws_nothing() {
        assert_eq!(path(&[], 512, (0.0, 1.0)), None);
        assert_eq!(path(&[f32::NAN], 512, (0.0, 1.0)), None);
        assert_eq!(span(&[f32::NAN]), None);
    }

    #[test]
    fn a_rising_score_ends_at_the_top_of_the_line_so_far() {
        let scores = [0.0, 5.0, 10.0];
        let (line, across, down) = path(&scores, 5, span(&scores).unwrap()).unwrap();
        assert_eq!(line, "M0.0 100.0L250.0 50.0L500.0 0.0");
        assert_eq!((across, down), (0.5, 0.0));
    }

    #[test]
    fn a_constant_score_is_a_level_line() {
        let (line, ..) = path(&[2.0, 2.0], 2, (2.0, 2.0)).unwrap();
        assert_eq!(line, "M0.0 0.0L1000.0 0.0");
    }

    #[test]
    fn long_runs_are_thinned_but_keep_their_end() {
        let scores: Vec<f32> = (0..5_000).map(|step| -(step as f32)).collect();
        let (line, across, down) = path(&scores, 5_000, (-4_999.0, 0.0)).unwrap();
        assert!(line.matches('L').count() <= POINTS + 1);
        assert_eq!((across, down), (1.0, 1.0));
    }

    #[test]
    fn a_score_that_is_no_number_leaves_a_gap() {
        let (line, ..) = path(&[1.0, f32::NAN, 0.0], 3, (0.0, 1.0)).unwrap();
        assert_eq!(line, "M0.0 0.0L1000.0 100.0");
    }
}
