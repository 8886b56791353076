//! Numbers from closed formulas, as the scripts that made the references compute them too.

use shared::burn::tensor::{Tensor, TensorData};
use shared::device::cpu;

/// One number in -1..1 for each place of the tensor of this name: SplitMix64 seeded with FNV-1a of
/// the name.
pub fn uniform(name: &str) -> impl Iterator<Item = f64> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    (1_u64..).map(move |place| {
        let mut z = seed.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

/// RGB in 0..1; `phase` tells the channels apart.
pub fn picture(height: usize, width: usize, phase: f64) -> Tensor<4> {
    let mut planes = Vec::new();
    for c in 0..3 {
        for y in 0..height {
            for x in 0..width {
                let (c, y, x) = (f64::from(c), y as f64, x as f64);
                let wave = 2.0 * (0.05 * x * (1.0 + c)).sin() + (0.2 * y).cos() + phase * c;
                planes.push((0.5 + 0.5 * wave.sin()) as f32);
            }
        }
    }
    Tensor::from_data(TensorData::new(planes, [1, 3, height, width]), &cpu())
}
