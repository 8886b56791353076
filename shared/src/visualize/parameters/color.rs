//! Colours as ImageNet has them (Olah et al. 2017).

/// Square roots of the covariance of colours in ImageNet, from decorrelated channels (light and
/// dark, blue and yellow, green and magenta) to RGB (Lucid, `color.py`).
pub(super) const COLOR_CORRELATION: [[f64; 3]; 3] =
    [[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]];

/// The square roots of the covariance of colours divided by its longest column: `rgb[i] = sum of matrix[i][j] * field[j]`.
pub fn color_matrix() -> [[f32; 3]; 3] {
    let length =
        |column: usize| COLOR_CORRELATION.iter().map(|row| row[column].powi(2)).sum::<f64>().sqrt();
    let longest = (0..3).map(length).fold(0.0, f64::max);
    COLOR_CORRELATION.map(|row| row.map(|value| (value / longest) as f32))
}
