//! Windows: a pool's or a convolution's, and how they are laid out over an activation.

use burn::tensor::Tensor;

/// How far a window may reach over the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Not at all: windows that do not fit are dropped.
    Valid,
    /// This many pixels on every side; windows that do not fit are dropped.
    Symmetric(usize),
    /// This many pixels on every side, and as many more on the right and bottom as the last
    /// window needs, which is dropped if it would lie in the padding alone (Caffe's rule,
    /// PyTorch's `ceil_mode`).
    Ceil(usize),
    /// TensorFlow's: `ceil(size / stride)` windows, the odd pixel on the right and bottom.
    Same,
}

/// A square window, a pool's or a convolution's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Side, in pixels.
    pub kernel: usize,
    /// Pixels between neighbouring windows.
    pub stride: usize,
    /// What happens at the edge.
    pub padding: Padding,
}

impl Pool {
    /// Pixels of padding before the first one, and how many windows there are, along an axis.
    /// No windows if the axis is too short.
    pub fn layout(&self, size: usize) -> (usize, usize) {
        let Self { kernel, stride, padding } = *self;
        match padding {
            Padding::Valid => Self { padding: Padding::Symmetric(0), ..*self }.layout(size),
            Padding::Symmetric(before) if size + 2 * before < kernel => (before, 0),
            Padding::Symmetric(before) => (before, (size + 2 * before - kernel) / stride + 1),
            Padding::Ceil(before) if size + 2 * before < kernel => (before, usize::from(0 < size)),
            Padding::Ceil(before) => {
                let windows = (size + 2 * before - kernel).div_ceil(stride) + 1;
                let beyond = size + before <= (windows - 1) * stride;
                (before, windows - usize::from(beyond))
            }
            Padding::Same => {
                let windows = size.div_ceil(stride);
                let needed = (windows.saturating_sub(1) * stride + kernel).saturating_sub(size);
                (needed / 2, windows)
            }
        }
    }
}

impl Pool {
    /// Positions along an axis after this, for `length` before it; none if it is too short.
    pub fn positions(&self, length: usize) -> Option<usize> {
        if let Padding::Ceil(padding) = self.padding
            && length + 2 * padding + self.stride <= self.kernel
        {
            // Here Caffe's formula counts no window, and PyTorch refuses.
            return None;
        }
        let (_, windows) = self.layout(length);
        (0 < windows).then_some(windows)
    }

    pub(super) fn window(self, input: &Tensor<4>) -> Window {
        let [_, _, height, width] = input.dims();
        let [(top, rows), (left, columns)] = [self.layout(height), self.layout(width)];
        let Self { kernel, stride, .. } = self;
        Window { kernel, stride, before: [top, left], output: [rows, columns] }
    }
}

/// A [`Pool`] laid out over one size of activation. Rows first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Side, in pixels.
    pub kernel: usize,
    /// Pixels between neighbouring windows.
    pub stride: usize,
    /// How far the first window reaches over the top and left edge.
    pub before: [usize; 2],
    /// Rows and columns of windows.
    pub output: [usize; 2],
}
