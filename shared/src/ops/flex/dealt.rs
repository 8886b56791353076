//! A plane dealt out: places that leave the same rest when divided by the stride, down and across,
//! lie together. What neighbouring windows see at one place of the kernel then lies next to each
//! other, over row ends, and a plane takes one long loop for each place.

use super::super::Window;

/// Room to deal planes of one size out.
pub struct Dealt {
    window: Window,
    /// Of the plane, rows first.
    size: [usize; 2],
    /// Rows and columns of a rest's plane.
    dealt_size: [usize; 2],
    /// `[rest down, rest across, rows, columns]`
    values: Vec<f32>,
}

impl Dealt {
    /// For planes of `size`, rows first; where there is padding stands `padding`.
    pub fn new(size: [usize; 2], window: Window, padding: f32) -> Self {
        let reach = (window.kernel - 1) / window.stride;
        let [rows, columns] = window.output.map(|windows| windows + reach);
        let values = vec![padding; window.stride * window.stride * rows * columns];
        Self { window, size, dealt_size: [rows, columns], values }
    }

    /// From one row of windows to the next.
    pub fn columns(&self) -> usize {
        self.dealt_size[1]
    }

    /// How many values a loop over all windows takes, those at row ends included that belong to no
    /// window.
    pub fn loop_length(&self) -> usize {
        let [rows, columns] = self.window.output;
        (rows - 1) * self.columns() + columns
    }

    /// What the windows see at a place of the kernel, window after window.
    pub fn seen_at(&self, place: usize) -> &[f32] {
        &self.values[self.first(place)..][..self.loop_length()]
    }

    /// Where the values that the windows see at a place of the kernel begin.
    fn first(&self, place: usize) -> usize {
        let Window { kernel, stride, .. } = self.window;
        let [rows, columns] = self.dealt_size;
        let (down, across) = (place / kernel, place % kernel);
        let rest = (down % stride) * stride + across % stride;
        (rest * rows + down / stride) * columns + across / stride
    }

    /// Takes a plane in.
    pub fn deal(&mut self, plane: &[f32]) {
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
                let dealt = &mut self.values[start + column.min(columns)..start + columns];
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
