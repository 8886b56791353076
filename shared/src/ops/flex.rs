//! The operations on the processor: loops that the compiler turns into vector instructions.

use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Shape, TensorData};
use burn_flex::FlexTensor;

use super::{Lrn, VisionOps, Window};

mod convolution;

use convolution::Sizes;

impl VisionOps for Flex {
    fn convolution(
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        let [input, weight, bias] = [input, weight, bias].map(|tensor| tensor.to_contiguous());
        let sizes = sizes(&input.shape(), &weight, window);
        let output = convolution::forward(values(&input), values(&weight), values(&bias), sizes);
        tensor(output, [sizes.batch, sizes.outputs, window.output[0], window.output[1]])
    }

    fn convolution_backward(
        input: FlexTensor,
        weight: FlexTensor,
        gradient: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        let [weight, gradient] = [weight, gradient].map(|tensor| tensor.to_contiguous());
        let sizes = sizes(&input.shape(), &weight, window);
        let output = convolution::backward(values(&gradient), values(&weight), sizes);
        tensor(output, [sizes.batch, sizes.inputs, sizes.size[0], sizes.size[1]])
    }

    fn clipped_max_pool(input: FlexTensor, window: Window) -> FlexTensor {
        let input = input.to_contiguous();
        let shape = input.shape();
        let area = window.output[0] * window.output[1];
        let mut output = vec![0.0; shape[0] * shape[1] * area];
        let mut scratch = Scratch::new(shape[3], window);
        let planes = values(&input).chunks_exact(shape[2] * shape[3]);
        for (plane, pooled) in planes.zip(output.chunks_exact_mut(area)) {
            max_pool_plane(plane, [shape[2], shape[3]], pooled, window, &mut scratch);
        }
        tensor(output, [shape[0], shape[1], window.output[0], window.output[1]])
    }

    fn clipped_max_pool_backward(
        input: FlexTensor,
        gradient: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        let shape = input.shape();
        let [height, width] = [shape[2], shape[3]];
        let area = window.output[0] * window.output[1];
        let mut output = vec![0.0; shape.num_elements()];
        let mut scratch = Scratch::new(width, window);
        let planes = values(&input).chunks_exact(height * width);
        let gradients = values(&gradient).chunks_exact(area);
        for ((plane, gradient), output) in
            planes.zip(gradients).zip(output.chunks_exact_mut(height * width))
        {
            max_pool_plane_backward(plane, [height, width], gradient, output, window, &mut scratch);
        }
        tensor(output, [shape[0], shape[1], height, width])
    }

    fn local_response_norm(input: FlexTensor, lrn: Lrn) -> FlexTensor {
        let input = input.to_contiguous();
        let shape = input.shape();
        let mut output = vec![0.0; shape.num_elements()];
        each_block(shape.clone(), lrn.radius, |block| {
            let mut scales = block.buffer();
            scale(values(&input), &block, lrn, &mut scales);
            for channel in 0..block.channels {
                let values = &values(&input)[block.range(channel)];
                let scales = block.row(&scales, channel);
                for ((output, value), scale) in
                    output[block.range(channel)].iter_mut().zip(values).zip(scales)
                {
                    *output = value * lrn.beta.inverse_power(*scale);
                }
            }
        });
        FlexTensor::from_data(TensorData::new(output, shape))
    }

    fn local_response_norm_backward(
        input: FlexTensor,
        gradient: FlexTensor,
        lrn: Lrn,
    ) -> FlexTensor {
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        let shape = input.shape();
        let mut output = vec![0.0; shape.num_elements()];
        let weight = 2.0 * lrn.alpha * lrn.beta.value();
        each_block(shape.clone(), lrn.radius, |block| {
            let mut scales = block.buffer();
            scale(values(&input), &block, lrn, &mut scales);
            // gradient * output / scale, whose sum over neighbours every one of them feels.
            let mut products = block.buffer();
            for channel in 0..block.channels {
                let range = block.range(channel);
                let scales = block.row(&scales, channel);
                let inputs = &values(&input)[range.clone()];
                let gradients = &values(&gradient)[range.clone()];
                let outputs = &mut output[range];
                let products = block.row_mut(&mut products, channel);
                for place in 0..block.length {
                    let direct = gradients[place] * lrn.beta.inverse_power(scales[place]);
                    outputs[place] = direct;
                    products[place] = direct * inputs[place] / scales[place];
                }
            }
            for channel in 0..block.channels {
                let range = block.range(channel);
                let inputs = &values(&input)[range.clone()];
                let outputs = &mut output[range];
                for neighbour in block.neighbours(channel) {
                    let products = block.row(&products, neighbour);
                    for place in 0..block.length {
                        outputs[place] -= weight * inputs[place] * products[place];
                    }
                }
            }
        });
        FlexTensor::from_data(TensorData::new(output, shape))
    }
}

fn sizes(input: &Shape, weight: &FlexTensor, window: Window) -> Sizes {
    Sizes {
        batch: input[0],
        inputs: input[1],
        outputs: weight.shape()[0],
        size: [input[2], input[3]],
        window,
    }
}

fn values(tensor: &FlexTensor) -> &[f32] {
    let start = tensor.layout().start_offset();
    &tensor.storage::<f32>()[start..start + tensor.shape().num_elements()]
}

fn tensor(values: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// Rows that pooling works on, as wide as all windows reach.
struct Scratch {
    best: Vec<f32>,
    winner: Vec<u32>,
    row: Vec<f32>,
}

impl Scratch {
    fn new(width: usize, window: Window) -> Self {
        let reach = (window.output[1] - 1) * window.stride + window.kernel;
        let length = reach.max(width + window.before[1]);
        Self {
            best: vec![f32::NEG_INFINITY; length],
            winner: vec![0; window.output[1]],
            row: vec![f32::NEG_INFINITY; length],
        }
    }
}

#[inline(always)]
fn larger(left: f32, right: f32) -> f32 {
    if left < right { right } else { left }
}

/// The rows of the picture that a row of windows sees.
fn seen_rows(window: Window, output_row: usize, height: usize) -> std::ops::Range<usize> {
    let first = output_row * window.stride;
    let from = first.saturating_sub(window.before[0]);
    let to = (first + window.kernel).saturating_sub(window.before[0]).min(height);
    from..to
}

/// Down the columns first, where neighbours in memory are neighbours in the vector; then across.
fn max_pool_plane(
    plane: &[f32],
    [height, width]: [usize; 2],
    output: &mut [f32],
    window: Window,
    scratch: &mut Scratch,
) {
    let left = window.before[1];
    for (output_row, output) in output.chunks_exact_mut(window.output[1]).enumerate() {
        let row = &mut scratch.row;
        row[left..left + width].fill(f32::NEG_INFINITY);
        for source in seen_rows(window, output_row, height) {
            let source = &plane[source * width..][..width];
            for (best, &value) in row[left..left + width].iter_mut().zip(source) {
                *best = larger(*best, value);
            }
        }
        let reach = (window.output[1] - 1) * window.stride + 1;
        let best = &mut scratch.best[..reach];
        best.copy_from_slice(&row[..reach]);
        for shift in 1..window.kernel {
            for (best, &value) in best.iter_mut().zip(&row[shift..shift + reach]) {
                *best = larger(*best, value);
            }
        }
        for (output, &best) in output.iter_mut().zip(best.iter().step_by(window.stride)) {
            *output = best;
        }
    }
}

fn max_pool_plane_backward(
    plane: &[f32],
    [height, width]: [usize; 2],
    gradient: &[f32],
    output: &mut [f32],
    window: Window,
    scratch: &mut Scratch,
) {
    let left = window.before[1];
    let columns = window.output[1];
    for (output_row, gradient) in gradient.chunks_exact(columns).enumerate() {
        let best = &mut scratch.best[..columns];
        best.fill(f32::NEG_INFINITY);
        for source_row in seen_rows(window, output_row, height) {
            scratch.row[left..left + width].copy_from_slice(&plane[source_row * width..][..width]);
            for shift in 0..window.kernel {
                // Padding columns hold minus infinity and never win, so `left` is never undercut.
                let place = (source_row * width + shift).wrapping_sub(left) as u32;
                let candidates = scratch.row[shift..].iter().step_by(window.stride);
                for (column, ((best, winner), &value)) in
                    best.iter_mut().zip(&mut scratch.winner).zip(candidates).enumerate()
                {
                    let wins = *best < value;
                    *best = if wins { value } else { *best };
                    let here = place.wrapping_add((column * window.stride) as u32);
                    *winner = if wins { here } else { *winner };
                }
            }
        }
        for (&winner, &gradient) in scratch.winner.iter().zip(gradient) {
            output[winner as usize] += gradient;
        }
    }
}

/// Some neighbouring places in all channels of one picture: few enough to stay in the cache.
struct Block {
    start: usize,
    length: usize,
    area: usize,
    channels: usize,
    radius: usize,
}

/// Places in a block: with 192 channels, its rows fill about 100 kB.
const BLOCK: usize = 128;

fn each_block(shape: Shape, radius: usize, mut visit: impl FnMut(Block)) {
    let (batch, channels, area) = (shape[0], shape[1], shape[2] * shape[3]);
    for picture in 0..batch {
        for from in (0..area).step_by(BLOCK) {
            visit(Block {
                start: picture * channels * area + from,
                length: BLOCK.min(area - from),
                area,
                channels,
                radius,
            });
        }
    }
}

impl Block {
    fn range(&self, channel: usize) -> std::ops::Range<usize> {
        let from = self.start + channel * self.area;
        from..from + self.length
    }

    fn buffer(&self) -> Vec<f32> {
        vec![0.0; self.channels * self.length]
    }

    fn row<'a>(&self, buffer: &'a [f32], channel: usize) -> &'a [f32] {
        &buffer[channel * self.length..][..self.length]
    }

    fn row_mut<'a>(&self, buffer: &'a mut [f32], channel: usize) -> &'a mut [f32] {
        &mut buffer[channel * self.length..][..self.length]
    }

    fn neighbours(&self, channel: usize) -> std::ops::Range<usize> {
        channel.saturating_sub(self.radius)..(channel + self.radius + 1).min(self.channels)
    }
}

/// `bias + alpha * sum of squares`, the number whose power divides.
fn scale(input: &[f32], block: &Block, lrn: Lrn, scales: &mut [f32]) {
    for channel in 0..block.channels {
        let scales = block.row_mut(scales, channel);
        scales.fill(lrn.bias);
        for neighbour in block.neighbours(channel) {
            for (scale, value) in scales.iter_mut().zip(&input[block.range(neighbour)]) {
                *scale += lrn.alpha * value * value;
            }
        }
    }
}
