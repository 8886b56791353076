//! The normal distribution, both ways.

use std::f64::consts::PI;

/// Beyond this many deviations nothing is told from 0 or 1 any more.
const FAR: f64 = 8.0;

/// The part of a normal distribution below a value: a series that converges everywhere (Marsaglia
/// 2004, "Evaluating the Normal Distribution").
pub fn below(value: f64) -> f64 {
    if FAR < value.abs() {
        return if value < 0.0 { 0.0 } else { 1.0 };
    }
    let (mut sum, mut term, mut odd) = (value, value, 1.0);
    while 1e-17 < term.abs() {
        odd += 2.0;
        term *= value * value / odd;
        sum += term;
    }
    0.5 + sum * (-value * value / 2.0).exp() / (2.0 * PI).sqrt()
}

/// The value below which this part of a normal distribution lies: halved until it is known.
pub fn quantile(part: f64) -> f64 {
    let (mut low, mut high) = (-FAR, FAR);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if below(middle) < part {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_quantiles_are_found_both_ways() {
        for (part, value) in [(0.5, 0.0), (0.975, 1.959963985), (0.9995, 3.290526731)] {
            assert!((quantile(part) - value).abs() < 1e-8, "{part}");
            assert!((quantile(1.0 - part) + value).abs() < 1e-8, "{part}");
            assert!((below(value) - part).abs() < 1e-9, "{value}");
        }
    }
}
