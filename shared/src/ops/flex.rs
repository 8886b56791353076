//! The operations on the processor: loops that the compiler turns into vector instructions.

use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Shape, TensorData};
use burn_flex::FlexTensor;

use super::{Gelu, Lrn, Rectifier, ReluGradient, VisionOps, Window};

mod attention;
mod convolution;
mod dealt;
mod depthwise;
mod exponential;
mod gelu;
mod layer_norm;
pub(crate) mod parallel;
mod pooling;
pub(crate) mod product;
mod rectifier;
mod winograd;

use convolution::Sizes;
use pooling::Planes;

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

    fn depthwise_convolution(
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        let [input, weight, bias] = [input, weight, bias].map(|tensor| tensor.to_contiguous());
        let shape = input.shape();
        let channels = shape[1];
        let (size, plane) = ([shape[2], shape[3]], shape[2] * shape[3]);
        let area = window.output[0] * window.output[1];
        let places = window.kernel * window.kernel;
        let mut output = vec![0.0; shape[0] * channels * area];
        let (input, weight, bias) = (values(&input), values(&weight), values(&bias));
        parallel::each_piece(
            &mut output,
            area,
            || depthwise::Forward::new(size, window),
            |index, output, planes| {
                let channel = index % channels;
                let kernel = &weight[channel * places..][..places];
                planes.correlate(&input[index * plane..][..plane], kernel, bias[channel], output);
            },
        );
        tensor(output, [shape[0], channels, window.output[0], window.output[1]])
    }

    fn depthwise_convolution_backward(
        input: FlexTensor,
        weight: FlexTensor,
        gradient: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        let [weight, gradient] = [weight, gradient].map(|tensor| tensor.to_contiguous());
        let shape = input.shape();
        let channels = shape[1];
        let (size, plane) = ([shape[2], shape[3]], shape[2] * shape[3]);
        let area = window.output[0] * window.output[1];
        let places = window.kernel * window.kernel;
        let mut output = vec![0.0; shape.num_elements()];
        let (weight, gradient) = (values(&weight), values(&gradient));
        parallel::each_piece(
            &mut output,
            plane,
            || depthwise::Backward::new(size, window),
            |index, output, planes| {
                let kernel = &weight[index % channels * places..][..places];
                planes.pull_back(&gradient[index * area..][..area], kernel, output);
            },
        );
        tensor(output, [shape[0], channels, size[0], size[1]])
    }

    fn clipped_max_pool(input: FlexTensor, window: Window) -> FlexTensor {
        let input = input.to_contiguous();
        let shape = input.shape();
        let area = window.output[0] * window.output[1];
        let mut output = vec![0.0; shape[0] * shape[1] * area];
        let (size, plane) = ([shape[2], shape[3]], shape[2] * shape[3]);
        let input = values(&input);
        parallel::each_piece(
            &mut output,
            area,
            || Planes::new(size, window),
            |index, output, planes| {
                planes.pool(&input[index * plane..][..plane], output);
            },
        );
        tensor(output, [shape[0], shape[1], window.output[0], window.output[1]])
    }

    fn clipped_max_pool_backward(
        input: FlexTensor,
        gradient: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        let shape = input.shape();
        let (size, plane) = ([shape[2], shape[3]], shape[2] * shape[3]);
        let area = window.output[0] * window.output[1];
        let mut output = vec![0.0; shape.num_elements()];
        let (input, gradient) = (values(&input), values(&gradient));
        parallel::each_piece(
            &mut output,
            plane,
            || Planes::new(size, window),
            |index, output, planes| {
                let seen = &input[index * plane..][..plane];
                let gradient = &gradient[index * area..][..area];
                planes.pull_back(seen, gradient, output);
            },
        );
        tensor(output, [shape[0], shape[1], size[0], size[1]])
    }

    fn local_response_norm(input: FlexTensor, lrn: Lrn) -> FlexTensor {
        let input = input.to_contiguous();
        let shape = input.shape();
        let (channels, area) = (shape[1], shape[2] * shape[3]);
        let input = values(&input);
        let mut output = scales(input, channels, area, lrn);
        parallel::each_piece(
            &mut output,
            area,
            || (),
            |index, output, ()| {
                for (output, value) in output.iter_mut().zip(&input[index * area..]) {
                    *output = value * lrn.beta.inverse_power(*output);
                }
            },
        );
        FlexTensor::from_data(TensorData::new(output, shape))
    }

    fn local_response_norm_backward(
        input: FlexTensor,
        gradient: FlexTensor,
        lrn: Lrn,
    ) -> FlexTensor {
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        let shape = input.shape();
        let (channels, area) = (shape[1], shape[2] * shape[3]);
        let (input, gradient) = (values(&input), values(&gradient));
        let scales = scales(input, channels, area, lrn);
        // gradient * output / scale, whose sum over neighbours every one of them feels.
        let mut products = vec![0.0; input.len()];
        parallel::each_piece(
            &mut products,
            area,
            || (),
            |index, products, ()| {
                let plane = index * area..(index + 1) * area;
                let [scales, input, gradient] =
                    [&scales, input, gradient].map(|all| &all[plane.clone()]);
                for (place, product) in products.iter_mut().enumerate() {
                    let factor = lrn.beta.inverse_power(scales[place]) / scales[place];
                    *product = gradient[place] * input[place] * factor;
                }
            },
        );
        let weight = 2.0 * lrn.alpha * lrn.beta.value();
        let mut output = vec![0.0; input.len()];
        parallel::each_piece(
            &mut output,
            area,
            || (),
            |index, output, ()| {
                for neighbour in neighbours(index, channels, lrn.radius) {
                    for (sum, product) in output.iter_mut().zip(&products[neighbour * area..]) {
                        *sum += product;
                    }
                }
                let plane = index * area..(index + 1) * area;
                let [scales, input, gradient] =
                    [&scales, input, gradient].map(|all| &all[plane.clone()]);
                for (place, output) in output.iter_mut().enumerate() {
                    let direct = gradient[place] * lrn.beta.inverse_power(scales[place]);
                    *output = direct - weight * input[place] * *output;
                }
            },
        );
        FlexTensor::from_data(TensorData::new(output, shape))
    }

    fn rectify(input: FlexTensor, kind: Rectifier, _: ReluGradient) -> FlexTensor {
        in_place(input, |values| rectifier::forward(values, kind))
    }

    fn rectify_backward(output: FlexTensor, gradient: FlexTensor, kind: Rectifier) -> FlexTensor {
        let output = output.to_contiguous();
        in_place(gradient, |gradient| rectifier::backward(values(&output), gradient, kind))
    }

    fn layer_norm(
        input: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        epsilon: f32,
    ) -> FlexTensor {
        let [input, scale, shift] = [input, scale, shift].map(|tensor| tensor.to_contiguous());
        let shape = input.shape();
        let sizes = layer_norm::Sizes { channels: shape[1], tokens: shape[2] * shape[3] };
        let (scale, shift) = (values(&scale), values(&shift));
        let output = layer_norm::forward(values(&input), scale, shift, sizes, epsilon);
        FlexTensor::from_data(TensorData::new(output, shape))
    }

    fn layer_norm_backward(
        input: FlexTensor,
        scale: FlexTensor,
        gradient: FlexTensor,
        epsilon: f32,
    ) -> FlexTensor {
        let [input, scale, gradient] =
            [input, scale, gradient].map(|tensor| tensor.to_contiguous());
        let shape = input.shape();
        let sizes = layer_norm::Sizes { channels: shape[1], tokens: shape[2] * shape[3] };
        let (scale, gradient) = (values(&scale), values(&gradient));
        let output = layer_norm::backward(values(&input), scale, gradient, sizes, epsilon);
        FlexTensor::from_data(TensorData::new(output, shape))
    }

    fn gelu(input: FlexTensor, kind: Gelu) -> FlexTensor {
        let input = input.to_contiguous();
        let output = gelu::forward(values(&input), kind);
        FlexTensor::from_data(TensorData::new(output, input.shape()))
    }

    fn gelu_backward(input: FlexTensor, gradient: FlexTensor, kind: Gelu) -> FlexTensor {
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        let output = gelu::backward(values(&input), values(&gradient), kind);
        FlexTensor::from_data(TensorData::new(output, input.shape()))
    }

    fn attention(input: FlexTensor, heads: usize) -> FlexTensor {
        let input = input.to_contiguous();
        let shape = input.shape();
        let sizes = attention::Sizes { channels: shape[1] / 3, heads, tokens: shape[3] };
        let output = attention::forward(values(&input), sizes);
        tensor(output, [shape[0], sizes.channels, 1, shape[3]])
    }

    fn attention_backward(input: FlexTensor, gradient: FlexTensor, heads: usize) -> FlexTensor {
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        let shape = input.shape();
        let sizes = attention::Sizes { channels: shape[1] / 3, heads, tokens: shape[3] };
        let output = attention::backward(values(&input), values(&gradient), sizes);
        FlexTensor::from_data(TensorData::new(output, shape))
    }
}

/// Planes of the channels around the `index`th plane of a batch, itself included.
fn neighbours(index: usize, channels: usize, radius: usize) -> std::ops::Range<usize> {
    let picture = index - index % channels;
    index.saturating_sub(radius).max(picture)..(index + radius + 1).min(picture + channels)
}

/// `bias + alpha * sum of squares`, the number whose power divides.
fn scales(input: &[f32], channels: usize, area: usize, lrn: Lrn) -> Vec<f32> {
    let mut scales = vec![lrn.bias; input.len()];
    parallel::each_piece(
        &mut scales,
        area,
        || (),
        |index, scales, ()| {
            for neighbour in neighbours(index, channels, lrn.radius) {
                for (scale, value) in scales.iter_mut().zip(&input[neighbour * area..]) {
                    *scale += lrn.alpha * value * value;
                }
            }
        },
    );
    scales
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

/// The tensor with its values changed, in its own memory where nothing else has it.
fn in_place(tensor: FlexTensor, change: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut changed = tensor.to_contiguous();
    drop(tensor);
    let (start, length) = (changed.layout().start_offset(), changed.shape().num_elements());
    change(&mut changed.storage_mut::<f32>()[start..start + length]);
    changed
}

fn tensor(values: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
