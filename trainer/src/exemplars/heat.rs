//! Where in its exemplars a unit is excited, coarsely.

/// The longest side of a heat map.
pub const SIDE: usize = 7;

/// Rows and columns of the heat maps of a layer with so many positions.
pub fn size([rows, columns]: [usize; 2]) -> [usize; 2] {
    [rows.min(SIDE), columns.min(SIDE)]
}

/// A map of activations reduced to [`size`], each place the largest of the positions it covers.
/// Where positions do not divide evenly, neighbouring places share some.
///
/// # Shapes
/// - `map`: `[rows, columns]`
/// - returns: [`size`]
pub fn pool(map: &[f32], positions: [usize; 2]) -> Vec<f32> {
    let [rows, columns] = positions;
    let [high, wide] = size(positions);
    let covered = |place: usize, of: usize, length: usize| {
        place * length / of..((place + 1) * length).div_ceil(of)
    };
    let places = (0..high).flat_map(|row| (0..wide).map(move |column| (row, column)));
    places
        .map(|(row, column)| {
            let across = covered(column, wide, columns);
            covered(row, high, rows)
                .flat_map(|row| &map[row * columns..][across.clone()])
                .fold(f32::NEG_INFINITY, |largest, &value| largest.max(value))
        })
        .collect()
}

/// Heat maps of one unit as bytes: 255 is the largest activation in any of them, 0 is zero or less.
pub fn quantize<'a>(maps: impl Iterator<Item = &'a [f32]> + Clone) -> Vec<u8> {
    let largest = maps.clone().flatten().fold(0.0_f32, |largest, &value| largest.max(value));
    let byte = |&value: &f32| {
        if value <= 0.0 {
            return 0;
        }
        // What is more than nothing is at least 1.
        (255.0 * (value / largest)).round().clamp(1.0, 255.0) as u8
    };
    maps.flatten().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_maps_stay_and_large_ones_keep_the_largest_of_each_square() {
        let map: Vec<f32> = (0..12).map(|value| value as f32).collect();
        assert_eq!(pool(&map, [3, 4]), map);
        let map: Vec<f32> = (0..14 * 14).map(|value| value as f32).collect();
        let pooled = pool(&map, [14, 14]);
        assert_eq!(pooled.len(), 49);
        assert_eq!((pooled[0], pooled[1], pooled[7], pooled[48]), (15.0, 17.0, 43.0, 195.0));
        assert_eq!(pool(&[-3.0], [1, 1]), [-3.0]);
    }

    #[test]
    fn every_position_is_covered_whatever_the_size() {
        for rows in 1..20 {
            for columns in [1, 7, 8, 13, 17] {
                for place in 0..rows * columns {
                    let mut map = vec![0.0; rows * columns];
                    map[place] = 1.0;
                    let pooled = pool(&map, [rows, columns]);
                    let [high, wide] = size([rows, columns]);
                    assert_eq!(pooled.len(), high * wide);
                    let hits: Vec<_> = (0..high * wide).filter(|&at| pooled[at] == 1.0).collect();
                    assert!(!hits.is_empty(), "{rows}x{columns}: {place}");
                    // It is hot where it lies.
                    let (row, column) = (place / columns, place % columns);
                    assert!(hits.contains(&(row * high / rows * wide + column * wide / columns)));
                }
            }
        }
    }

    #[test]
    fn the_largest_of_all_maps_is_255_and_nothing_is_0() {
        let maps: [&[f32]; 2] = [&[0.0, -1.0, 1e-9, 2.0], &[4.0, 1.0, 0.0, 3.0]];
        assert_eq!(quantize(maps.into_iter()), [0, 0, 1, 128, 255, 64, 0, 191]);
        assert_eq!(quantize([[-1.0, 0.0].as_slice()].into_iter()), [0, 0]);
    }
}
