//! Functions made of exponentials, without a branch or a call: loops of them become vector
//! instructions.

/// `1.5 * 2^23`: adding it leaves a small number's nearest integer in the lowest bits.
const ROUNDING: f32 = 12_582_912.0;

/// Exponents beyond these leave the range of the type.
const RANGE: [f32; 2] = [-87.0, 88.0];

/// The natural logarithm of 2, in two parts of which the first has few bits: multiplied with an
/// integer it stays exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// `e^x`, to 2e-7 of itself; below -87 as there.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = x.clamp(RANGE[0], RANGE[1]);
    let rounded = x * std::f32::consts::LOG2_E + ROUNDING;
    let whole = rounded - ROUNDING;
    let rest = x - whole * LN_2[0] - whole * LN_2[1];
    // Taylor's series: the rest is at most ln(2) / 2.
    let series = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let power = series.into_iter().fold(0.0, |sum, factor| sum * rest + factor);
    let exponent = rounded.to_bits().wrapping_sub(ROUNDING.to_bits()).wrapping_add(127) << 23;
    power * f32::from_bits(exponent)
}

/// Beyond this the error function is 1 in single precision.
const LAST: f32 = 3.92;

/// `erf(x) = x P(x^2) / Q(x^2)` up to [`LAST`], highest powers first: fitted by least squares,
/// reweighted until the largest error no longer fell.
const NUMERATOR: [f32; 7] = [
    1.992_135_9e-8,
    -1.994_206_3e-6,
    1.489_692_1e-4,
    3.972_228_6e-3,
    5.139_526e-2,
    2.060_991_2e-1,
    1.128_378_7,
];
const DENOMINATOR: [f32; 5] = [1.023_957_2e-3, 1.488_790_5e-2, 1.175_583e-1, 5.159_793_5e-1, 1.0];

/// The error function, to 4e-7.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let x = x.clamp(-LAST, LAST);
    let square = x * x;
    let polynomial = |sum: f32, factor: f32| sum * square + factor;
    let numerator = NUMERATOR.into_iter().fold(0.0, polynomial);
    x * numerator / DENOMINATOR.into_iter().fold(0.0, polynomial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_the_standard_librarys() {
        for step in -87_000..=88_000 {
            let x = step as f32 / 1000.0;
            let (found, expected) = (exp(x), f64::from(x).exp());
            assert!((f64::from(found) - expected).abs() < 2e-7 * expected, "{x}: {found}");
        }
        assert!(exp(-1e9) < 1e-37 && exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn the_error_function_is_the_integral_of_the_bell() {
        let bell = |x: f64| (-x * x).exp() * 2.0 / std::f64::consts::PI.sqrt();
        let step = 1e-3;
        let mut integral = 0.0;
        for number in 0..6000 {
            let x = f64::from(number) * step;
            for x in [x as f32, -x as f32] {
                let expected = integral * f64::from(x.signum());
                assert!((f64::from(erf(x)) - expected).abs() < 4e-7, "{x}: {}", erf(x));
            }
            // Simpson's rule.
            integral += step / 6.0 * (bell(x) + 4.0 * bell(x + step / 2.0) + bell(x + step));
        }
    }
}
