//! The operations in terms of the tensor library's own, for every device.

pub mod transformer;

use burn::backend::Backend;
use burn::backend::TensorMetadata;
use burn::backend::ops::{ConvOptions, PadMode};
use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::tensor::{Shape, Slice};

use super::normalization::{Beta, Lrn};
use super::units::Rectifier;
use super::window::Window;

/// Stands for "no pixel here". Finite, because shading languages have no infinities.
const NOTHING: f32 = f32::MIN;

/// How a picture is grown or cut at the bottom and right so that exactly the windows fit.
struct Fit {
    /// Pixels added before and after, rows first.
    padding: [(usize, usize); 2],
    /// Rows and columns of the picture that some window sees.
    seen: [usize; 2],
}

fn fit(shape: [usize; 2], window: Window) -> Fit {
    let mut padding = [(0, 0); 2];
    let mut seen = shape;
    for axis in 0..2 {
        let end = (window.output[axis] - 1) * window.stride + window.kernel;
        let before = window.before[axis];
        padding[axis] = (before, end.saturating_sub(shape[axis] + before));
        seen[axis] = shape[axis].min(end - before);
    }
    Fit { padding, seen }
}

fn padded<B: Backend>(input: FloatTensor<B>, fit: &Fit) -> FloatTensor<B> {
    let shape = input.shape();
    let input = if [shape[2], shape[3]] == fit.seen {
        input
    } else {
        let slices = [0..shape[0], 0..shape[1], 0..fit.seen[0], 0..fit.seen[1]].map(Slice::from);
        B::float_slice(input, &slices)
    };
    if fit.padding == [(0, 0); 2] {
        return input;
    }
    let [rows, columns] = fit.padding;
    B::float_pad(input, &[(0, 0), (0, 0), rows, columns], PadMode::Constant(NOTHING))
}

fn options(input: &Shape, window: Window, groups: usize) -> ConvOptions<2> {
    let Fit { padding: [rows, columns], .. } = fit([input[2], input[3]], window);
    ConvOptions::new_with_padding([window.stride; 2], [rows, columns], [1, 1], groups)
}

pub fn convolution<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    window: Window,
) -> FloatTensor<B> {
    let options = options(&input.shape(), window, 1);
    B::conv2d(input, weight, Some(bias), options)
}

pub fn convolution_backward<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    gradient: FloatTensor<B>,
    window: Window,
) -> FloatTensor<B> {
    let options = options(&input.shape(), window, 1);
    B::conv2d_x_backward(input, weight, gradient, options)
}

pub fn depthwise_convolution<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    window: Window,
) -> FloatTensor<B> {
    let shape = input.shape();
    let options = options(&shape, window, shape[1]);
    B::conv2d(input, weight, Some(bias), options)
}

pub fn depthwise_convolution_backward<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    gradient: FloatTensor<B>,
    window: Window,
) -> FloatTensor<B> {
    let shape = input.shape();
    let options = options(&shape, window, shape[1]);
    B::conv2d_x_backward(input, weight, gradient, options)
}

pub fn max_pool<B: Backend>(input: FloatTensor<B>, window: Window) -> FloatTensor<B> {
    let shape = input.shape();
    let fit = fit([shape[2], shape[3]], window);
    let (kernel, stride) = ([window.kernel; 2], [window.stride; 2]);
    B::max_pool2d(padded::<B>(input, &fit), kernel, stride, [0, 0], [1, 1], false)
}

pub fn max_pool_backward<B: Backend>(
    input: FloatTensor<B>,
    gradient: FloatTensor<B>,
    window: Window,
) -> FloatTensor<B> {
    let shape = input.shape();
    let fit = fit([shape[2], shape[3]], window);
    let (kernel, stride) = ([window.kernel; 2], [window.stride; 2]);
    let device = input.device();
    let dtype = input.dtype();
    let indices = burn::backend::get_or_init_device_settings::<B>(&device).int_dtype;
    let grown = padded::<B>(input, &fit);
    let pooled =
        B::max_pool2d_with_indices(grown.clone(), kernel, stride, [0, 0], [1, 1], false, indices);
    let grown = B::max_pool2d_with_indices_backward(
        grown,
        kernel,
        stride,
        [0, 0],
        [1, 1],
        false,
        gradient,
        pooled.indices,
    );
    let [(top, _), (left, _)] = fit.padding;
    let [rows, columns] = fit.seen;
    let inside = [0..shape[0], 0..shape[1], top..top + rows, left..left + columns];
    let seen = B::float_slice(grown.x_grad, &inside.map(Slice::from));
    if fit.seen == [shape[2], shape[3]] {
        return seen;
    }
    let place = [0..shape[0], 0..shape[1], 0..rows, 0..columns].map(Slice::from);
    B::float_slice_assign(B::float_zeros(shape, &device, dtype.into()), &place, seen)
}

/// Where rectified units give zero.
pub fn is_low<B: Backend>(output: FloatTensor<B>) -> BoolTensor<B> {
    let bools = burn::backend::get_or_init_device_settings::<B>(&output.device()).bool_dtype;
    B::float_lower_equal_elem(output, 0f32.into(), bools)
}

/// Where they give their ceiling, if they have one.
pub fn is_high<B: Backend>(output: FloatTensor<B>, kind: Rectifier) -> Option<BoolTensor<B>> {
    let bools = burn::backend::get_or_init_device_settings::<B>(&output.device()).bool_dtype;
    let ceiling = kind.ceiling();
    ceiling.is_finite().then(|| B::float_greater_equal_elem(output, ceiling.into(), bools))
}

pub fn rectify_backward<B: Backend>(
    output: FloatTensor<B>,
    gradient: FloatTensor<B>,
    kind: Rectifier,
) -> FloatTensor<B> {
    let low = is_low::<B>(output.clone());
    let off = match is_high::<B>(output, kind) {
        Some(high) => B::bool_or(low, high),
        None => low,
    };
    B::float_mask_fill(gradient, off, 0f32.into())
}

/// Sum over neighbouring channels, those beyond the ends counting as zero.
fn neighbours<B: Backend>(values: FloatTensor<B>, radius: usize) -> FloatTensor<B> {
    let shape = values.shape();
    let channels = shape[1];
    let mut border = shape.clone();
    border[1] = radius;
    let border = B::float_zeros(border, &values.device(), values.dtype().into());
    let grown = B::float_cat(vec![border.clone(), values, border], 1);
    let shifted = |by: usize| {
        let slices = [0..shape[0], by..by + channels, 0..shape[2], 0..shape[3]].map(Slice::from);
        B::float_slice(grown.clone(), &slices)
    };
    (1..=2 * radius).fold(shifted(0), |sum, by| B::float_add(sum, shifted(by)))
}

/// `bias + alpha * sum of squares`, the number whose power divides.
fn scale<B: Backend>(input: FloatTensor<B>, lrn: Lrn) -> FloatTensor<B> {
    let squares = B::float_mul(input.clone(), input);
    let sums = neighbours::<B>(squares, lrn.radius);
    B::float_add_scalar(B::float_mul_scalar(sums, lrn.alpha.into()), lrn.bias.into())
}

/// `scale ^ -beta`.
fn inverse_power<B: Backend>(scale: FloatTensor<B>, beta: Beta) -> FloatTensor<B> {
    let root = B::float_sqrt(scale);
    B::float_recip(match beta {
        Beta::Half => root,
        Beta::ThreeQuarters => B::float_mul(root.clone(), B::float_sqrt(root)),
    })
}

pub fn local_response_norm<B: Backend>(input: FloatTensor<B>, lrn: Lrn) -> FloatTensor<B> {
    let factor = inverse_power::<B>(scale::<B>(input.clone(), lrn), lrn.beta);
    B::float_mul(input, factor)
}

pub fn local_response_norm_backward<B: Backend>(
    input: FloatTensor<B>,
    gradient: FloatTensor<B>,
    lrn: Lrn,
) -> FloatTensor<B> {
    let scale = scale::<B>(input.clone(), lrn);
    let direct = B::float_mul(gradient, inverse_power::<B>(scale.clone(), lrn.beta));
    let product = B::float_div(B::float_mul(direct.clone(), input.clone()), scale);
    let shared = B::float_mul(input, neighbours::<B>(product, lrn.radius));
    let weight = -2.0 * lrn.alpha * lrn.beta.value();
    B::float_add(direct, B::float_mul_scalar(shared, weight.into()))
}
