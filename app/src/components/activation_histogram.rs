//! How strongly a unit answers to all places of all pictures.

use leptos::prelude::*;
use shared::format::exemplars::{BARS, UnitExemplars};

use crate::exemplars::{bars, ends, quantile};
use crate::numbers::{percent, value};

/// Width and height of the drawing, in units of its own.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 84.0;

/// Bars from the smallest activation to the largest, and the numbers behind them.
#[component]
pub fn ActivationHistogram(
    /// Whose.
    unit: UnitExemplars,
    /// Pictures that were looked at.
    pictures: usize,
) -> impl IntoView {
    let step = WIDTH / BARS as f64;
    let drawn = bars(&unit).into_iter().enumerate().map(|(index, bar)| {
        let height = bar.height * HEIGHT;
        view! {
            <rect x={index as f64 * step + 1.0} y={HEIGHT - height} width={step - 2.0} height={height}>
                <title>{bar.title}</title>
            </rect>
        }
    });
    let (low, high) = ends(&unit);
    let number = |name: &'static str, share: f64| {
        quantile(&unit, share).map(|at| {
            view! {
                <div>
                    <dt>{name}</dt>
                    <dd>{value(at)}</dd>
                </div>
            }
        })
    };
    let label = format!(
        "Histogram of activations from {} to {}; {} are exactly zero",
        value(low),
        value(high),
        percent(unit.zero_share)
    );
    view! {
        <section class="histogram" data-testid="histogram">
            <h2>
                <span>"How strongly it answers to all places of all pictures"</span>
                <span>{pictures}" pictures"</span>
            </h2>
            <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=label>
                {drawn.collect_view()}
            </svg>
            <p class="ends" aria-hidden="true"><span>{value(low)}</span><span>{value(high)}</span></p>
            <dl>
                <div>
                    <dt>"exactly zero"</dt>
                    <dd>{percent(unit.zero_share)}</dd>
                </div>
                {number("median", 0.5)}
                {number("95 % below", 0.95)}
                {number("99 % below", 0.99)}
            </dl>
            <p class="aside">"Bars leave out what is exactly zero; their height is the square root of how many there are."</p>
        </section>
    }
}
