//! Max-pooling on the processor, a whole plane at a time.
//!
//! A plane is first dealt out: places that leave the same rest when divided by the stride, down
//! and across, lie together. What neighbouring windows see at one place of the kernel then lies
//! next to each other, over row ends, and a plane takes one long loop for each place.

use super::super::Window;

/// Room to pool planes of one size in.
pub struct Planes {
    window: Window,
    size: [usize; 2],
    /// Rows and columns of a dealt plane.
    dealt_size: [usize; 2],
    /// `[rest down, rest across, rows, columns]`; minus infinity where there is padding.
    dealt: Vec<f32>,
    best: Vec<f32>,
    /// How far behind the window's corner in the plane the best value lies.
    winner: Vec<u32>,
    /// As `winner`, of the first value that is not padding: for windows without any number.
    foremost: Vec<u32>,
}

impl Planes {
    /// For planes of `size`, rows first.
    pub fn new(size: [usize; 2], window: Window) -> Self {
        let reach = (window.kernel - 1) / window.stride;
        let [rows, columns] = window.output.map(|windows| windows + reach);
        let n_windows = (window.output[0] - 1) * columns + window.output[1];
        let foremost = (0..n_windows).map(|index| {
            let [down, across] = [(index / columns, 0), (index % columns, 1)]
                .map(|(place, axis)| window.before[axis].saturating_sub(place * window.stride));
            (down * size[1] + across) as u32
        });
        Self {
            window,
            size,
            dealt_size: [rows, columns],
            dealt: vec![f32::NEG_INFINITY; window.stride * window.stride * rows * columns],
            best: vec![0.0; n_windows],
            winner: vec![0; n_windows],
            foremost: foremost.collect(),
        }
    }

    /// The largest value in each window of `plane`.
    pub fn pool(&mut self, plane: &[f32], output: &mut [f32]) {
        self.deal(plane);
        self.best.fill(f32::NEG_INFINITY);
        for place in 0..self.window.kernel * self.window.kernel {
            let values = &self.dealt[self.first(place)..];
            for (best, &value) in self.best.iter_mut().zip(values) {
                *best = if *best < value { value } else { *best };
            }
        }
        let rows = self.best.chunks(self.dealt_size[1]);
        for (output, best) in output.chunks_exact_mut(self.window.output[1]).zip(rows) {
            output.copy_from_slice(&best[..output.len()]);
        }
    }

    /// Adds the gradient of each window to where in `plane` its largest value, the first of
    /// several, lies.
    pub fn pull_back(&mut self, plane: &[f32], gradient: &[f32], output: &mut [f32]) {
        self.deal(plane);
        self.best.fill(f32::NEG_INFINITY);
        self.winner.copy_from_slice(&self.foremost);
        let Window { kernel, stride, before: [top, left], output: [_, columns] } = self.window;
        for place in 0..kernel * kernel {
            let values = &self.dealt[self.first(place)..];
            let behind = (place / kernel * self.size[1] + place % kernel) as u32;
            let bests = self.best.iter_mut().zip(&mut self.winner);
            for ((best, winner), &value) in bests.zip(values) {
                let wins = *best < value;
                *best = if wins { value } else { *best };
                *winner = if wins { behind } else { *winner };
            }
        }
        let winners = self.winner.chunks(self.dealt_size[1]);
        for (row, (gradient, winners)) in gradient.chunks_exact(columns).zip(winners).enumerate() {
            let corners = (row * stride * self.size[1]..).step_by(stride);
            for (corner, (gradient, &behind)) in corners.zip(gradient.iter().zip(winners)) {
                // Padding never wins, so neither edge is undercut.
                output[corner + behind as usize - top * self.size[1] - left] += gradient;
            }
        }
    }

    /// Where the dealt values that the windows see at a place of the kernel begin.
    fn first(&self, place: usize) -> usize {
        let Window { kernel, stride, .. } = self.window;
        let [rows, columns] = self.dealt_size;
        let (down, across) = (place / kernel, place % kernel);
        let rest = (down % stride) * stride + across % stride;
        (rest * rows + down / stride) * columns + across / stride
    }

    fn deal(&mut self, plane: &[f32]) {
        let Window { stride, before: [top, left], .. } = self.window;
        let [rows, columns] = self.dealt_size;
        for (row, values) in plane.chunks_exact(self.size[1]).enumerate() {
            let (down, row) = ((row + top) % stride, (row + top) / stride);
            if rows <= row {
                break;
            }
            for across in 0..stride {
                // The first value whose place leaves this rest, and where it goes.
                let first = (across + stride - left % stride) % stride;
                let column = (first + left) / stride;
                let start = ((down * stride + across) * rows + row) * columns;
                let dealt = &mut self.dealt[start + column.min(columns)..start + columns];
                let values = &values[first.min(values.len())..];
                match stride {
                    1 => {
                        let seen = values.len().min(dealt.len());
                        dealt[..seen].copy_from_slice(&values[..seen]);
                    }
                    _ => {
                        let values = values.iter().step_by(stride);
                        dealt.iter_mut().zip(values).for_each(|(dealt, &value)| *dealt = value);
                    }
                }
            }
        }
    }
}
