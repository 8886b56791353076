//! Max-pooling on the processor, a whole plane at a time.

use super::super::Window;
use super::dealt::Dealt;

/// Room to pool planes of one size in.
pub struct Planes {
    window: Window,
    size: [usize; 2],
    /// Minus infinity where there is padding.
    dealt: Dealt,
    best: Vec<f32>,
    /// How far behind the window's corner in the plane the best value lies.
    winner: Vec<u32>,
    /// As `winner`, of the first value that is not padding: for windows without any number.
    foremost: Vec<u32>,
}

impl Planes {
    /// For planes of `size`, rows first.
    pub fn new(size: [usize; 2], window: Window) -> Self {
        let dealt = Dealt::new(size, window, f32::NEG_INFINITY);
        let columns = dealt.columns();
        let foremost = (0..dealt.loop_length()).map(|index| {
            let [down, across] = [(index / columns, 0), (index % columns, 1)]
                .map(|(place, axis)| window.before[axis].saturating_sub(place * window.stride));
            (down * size[1] + across) as u32
        });
        Self {
            window,
            size,
            best: vec![0.0; dealt.loop_length()],
            winner: vec![0; dealt.loop_length()],
            foremost: foremost.collect(),
            dealt,
        }
    }

    /// The largest value in each window of `plane`.
    pub fn pool(&mut self, plane: &[f32], output: &mut [f32]) {
        self.dealt.deal(plane);
        self.best.fill(f32::NEG_INFINITY);
        for place in 0..self.window.kernel * self.window.kernel {
            for (best, &value) in self.best.iter_mut().zip(self.dealt.seen_at(place)) {
                *best = if *best < value { value } else { *best };
            }
        }
        let rows = self.best.chunks(self.dealt.columns());
        for (output, best) in output.chunks_exact_mut(self.window.output[1]).zip(rows) {
            output.copy_from_slice(&best[..output.len()]);
        }
    }

    /// Adds the gradient of each window to where in `plane` its largest value, the first of
    /// several, lies.
    pub fn pull_back(&mut self, plane: &[f32], gradient: &[f32], output: &mut [f32]) {
        self.dealt.deal(plane);
        self.best.fill(f32::NEG_INFINITY);
        self.winner.copy_from_slice(&self.foremost);
        let Window { kernel, stride, before: [top, left], output: [_, columns] } = self.window;
        for place in 0..kernel * kernel {
            let behind = (place / kernel * self.size[1] + place % kernel) as u32;
            let bests = self.best.iter_mut().zip(&mut self.winner);
            for ((best, winner), &value) in bests.zip(self.dealt.seen_at(place)) {
                let wins = *best < value;
                *best = if wins { value } else { *best };
                *winner = if wins { behind } else { *winner };
            }
        }
        let winners = self.winner.chunks(self.dealt.columns());
        for (row, (gradient, winners)) in gradient.chunks_exact(columns).zip(winners).enumerate() {
            let corners = (row * stride * self.size[1]..).step_by(stride);
            for (corner, (gradient, &behind)) in corners.zip(gradient.iter().zip(winners)) {
                // Padding never wins, so neither edge is undercut.
                output[corner + behind as usize - top * self.size[1] - left] += gradient;
            }
        }
    }
}
