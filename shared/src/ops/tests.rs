//! Each operation against the library's own or a plain loop, each gradient against differences.

mod transformer;

use burn::tensor::{Distribution, Tensor, TensorData};
use burn_flex::FlexTensor;

use super::*;

const LRNS: [Lrn; 2] = [
    Lrn { radius: 2, alpha: 0.3, bias: 1.0, beta: Beta::ThreeQuarters },
    Lrn { radius: 5, alpha: 0.1, bias: 2.0, beta: Beta::Half },
];

const POOLS: [Pool; 5] = [
    Pool { kernel: 3, stride: 2, padding: Padding::Ceil(0) },
    Pool { kernel: 3, stride: 1, padding: Padding::Ceil(1) },
    Pool { kernel: 3, stride: 2, padding: Padding::Same },
    Pool { kernel: 2, stride: 2, padding: Padding::Valid },
    Pool { kernel: 3, stride: 1, padding: Padding::Same },
];

fn noise(shape: [usize; 4]) -> Tensor<4> {
    let device = crate::device::cpu();
    device.seed(7);
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device)
}

fn values(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn assert_close(left: &[f32], right: &[f32], tolerance: f32) {
    assert_eq!(left.len(), right.len());
    for (place, (left, right)) in left.iter().zip(right).enumerate() {
        let allowed = tolerance * (1.0 + right.abs());
        assert!((left - right).abs() < allowed, "place {place}: {left} and {right}");
    }
}

/// The gradient of sum(function(x) * w) by tracking, and by central differences at some places.
fn check_gradient(input: Tensor<4>, function: impl Fn(Tensor<4>) -> Tensor<4>, step: f32) {
    let weight = noise(function(input.clone()).dims());
    let score =
        |input: Tensor<4>| -> f32 { (function(input) * weight.clone()).sum().into_scalar::<f32>() };
    let tracked = input.clone().autodiff().require_grad();
    let weighed = function(tracked.clone()) * weight.clone();
    let mut gradients = weighed.sum().backward();
    let gradient = values(tracked.grad_remove(&mut gradients).unwrap());

    let shape = input.dims();
    let start = values(input);
    for place in (0..start.len()).step_by(7) {
        let moved = |by: f32| {
            let mut values = start.clone();
            values[place] += by;
            score(Tensor::from_data(TensorData::new(values, shape), &crate::device::cpu()))
        };
        let difference = (moved(step) - moved(-step)) / (2.0 * step);
        let allowed = 2e-2 * (1.0 + difference.abs());
        let found = gradient[place];
        assert!((found - difference).abs() < allowed, "place {place}: {found}, {difference}");
    }
}

#[test]
fn a_product_is_the_librarys_and_each_of_its_factors_has_its_gradient() {
    let factors =
        [([2, 3, 4, 5], [2, 3, 5, 6]), ([1, 1, 4, 5], [2, 3, 5, 6]), ([2, 3, 4, 5], [1, 1, 5, 6])];
    for (left, right) in factors {
        let (left, right) = (noise(left), noise(right) * 0.5);
        let expected = values(left.clone().matmul(right.clone()));
        assert_close(&values(product(left.clone(), right.clone())), &expected, 1e-6);
        check_gradient(left.clone(), |left| product(left, right.clone()), 1e-2);
        check_gradient(right.clone(), |right| product(left.clone(), right), 1e-2);
    }
    // Both at once, as one tensor.
    check_gradient(noise([2, 1, 4, 3]), |x| product(x.clone(), x.swap_dims(2, 3)), 1e-3);
}

#[test]
fn the_processor_pools_as_the_library_does() {
    for [height, width] in [[8, 8], [7, 9], [14, 13], [3, 3]] {
        for pool in POOLS {
            let input = noise([2, 3, height, width]);
            let [(top, rows), (left, columns)] = [pool.layout(height), pool.layout(width)];
            let Pool { kernel, stride, .. } = pool;
            let window = Window { kernel, stride, before: [top, left], output: [rows, columns] };
            let plain = input.clone().into_dispatch();
            let expected =
                plain_backend(plain, |x| primitives::max_pool::<burn::backend::Flex>(x, window));
            assert_close(&values(max_pool(input, pool)), &values(expected), 1e-7);
        }
    }
}

fn plain_backend(
    input: burn::tensor::DispatchTensor,
    function: impl FnOnce(burn_flex::FlexTensor) -> burn_flex::FlexTensor,
) -> Tensor<4> {
    let input = Tensor::<4>::from_dispatch(input);
    let primitive = input.try_into_primitive::<burn::backend::Flex>().unwrap();
    Tensor::from_primitive::<burn::backend::Flex>(function(primitive))
}

/// Pointwise, padded, strided, asymmetric, with windows left over, larger than a tile.
const CONVOLUTIONS: [([usize; 4], usize, Pool); 11] = [
    ([2, 5, 4, 7], 3, Pool { kernel: 1, stride: 1, padding: Padding::Valid }),
    ([2, 3, 6, 5], 4, Pool { kernel: 3, stride: 1, padding: Padding::Symmetric(1) }),
    ([1, 2, 9, 8], 3, Pool { kernel: 5, stride: 1, padding: Padding::Symmetric(2) }),
    ([1, 3, 17, 14], 2, Pool { kernel: 7, stride: 2, padding: Padding::Symmetric(3) }),
    ([1, 3, 12, 15], 2, Pool { kernel: 7, stride: 2, padding: Padding::Same }),
    ([1, 2, 8, 8], 2, Pool { kernel: 3, stride: 2, padding: Padding::Valid }),
    ([1, 1, 2, 3], 2, Pool { kernel: 5, stride: 1, padding: Padding::Symmetric(2) }),
    ([1, 400, 5, 60], 2, Pool { kernel: 5, stride: 1, padding: Padding::Symmetric(2) }),
    ([2, 3, 17, 19], 4, Pool { kernel: 3, stride: 1, padding: Padding::Symmetric(1) }),
    ([1, 2, 18, 17], 3, Pool { kernel: 3, stride: 1, padding: Padding::Valid }),
    ([1, 2, 41, 130], 3, Pool { kernel: 3, stride: 1, padding: Padding::Same }),
];

fn weights(outputs: usize, inputs: usize, kernel: usize) -> (Tensor<4>, Tensor<1>) {
    let scale = 1.0 / ((inputs * kernel * kernel) as f32).sqrt();
    (noise([outputs, inputs, kernel, kernel]) * scale, noise([outputs, 1, 1, 1]).reshape([outputs]))
}

fn flex(tensor: Tensor<4>) -> burn_flex::FlexTensor {
    tensor.try_into_primitive::<burn::backend::Flex>().unwrap()
}

#[test]
fn the_processor_convolves_as_the_library_does() {
    for (shape, outputs, pool) in CONVOLUTIONS {
        let input = noise(shape);
        let (weight, bias) = weights(outputs, shape[1], pool.kernel);
        let window = pool.window(&input);
        let bias_too = bias.clone().try_into_primitive::<burn::backend::Flex>().unwrap();
        let expected = plain_backend(input.clone().into_dispatch(), |x| {
            let weight = flex(weight.clone());
            primitives::convolution::<burn::backend::Flex>(x, weight, bias_too, window)
        });
        let found = convolution(input, weight, bias, pool, 1);
        assert_eq!(found.dims(), expected.dims());
        assert_close(&values(found), &values(expected), 1e-5);
    }
}

#[test]
fn the_library_and_the_processor_agree_on_convolution_gradients() {
    for (shape, outputs, pool) in CONVOLUTIONS {
        let input = noise(shape);
        let (weight, _) = weights(outputs, shape[1], pool.kernel);
        let window = pool.window(&input);
        let gradient = noise([shape[0], outputs, window.output[0], window.output[1]]);
        let pull = |function: fn(_, _, _, _) -> burn_flex::FlexTensor| {
            let factors = (flex(weight.clone()), flex(gradient.clone()));
            plain_backend(input.clone().into_dispatch(), |x| {
                function(x, factors.0, factors.1, window)
            })
        };
        let expected = pull(primitives::convolution_backward::<burn::backend::Flex>);
        let found = pull(<burn::backend::Flex as VisionOps>::convolution_backward);
        assert_close(&values(found), &values(expected), 1e-5);
    }
}

#[test]
fn convolution_gradients_match_differences() {
    for (shape, outputs, pool) in CONVOLUTIONS.into_iter().take(7) {
        let (weight, bias) = weights(outputs, shape[1], pool.kernel);
        let function = |input| convolution(input, weight.clone(), bias.clone(), pool, 1);
        check_gradient(noise(shape), function, 1e-2);
    }
}

/// Kernels of 1, 3, 5 and 7, strides up to 3, odd and even sizes, padding of every kind.
const DEPTHWISE: [([usize; 4], Pool); 9] = [
    ([2, 3, 8, 9], Pool { kernel: 3, stride: 1, padding: Padding::Same }),
    ([1, 2, 9, 8], Pool { kernel: 3, stride: 2, padding: Padding::Same }),
    ([1, 2, 8, 7], Pool { kernel: 5, stride: 1, padding: Padding::Same }),
    ([2, 2, 17, 14], Pool { kernel: 5, stride: 2, padding: Padding::Same }),
    ([1, 2, 10, 11], Pool { kernel: 5, stride: 2, padding: Padding::Symmetric(2) }),
    ([1, 1, 9, 10], Pool { kernel: 7, stride: 1, padding: Padding::Symmetric(3) }),
    ([1, 2, 11, 7], Pool { kernel: 3, stride: 3, padding: Padding::Valid }),
    ([1, 2, 1, 2], Pool { kernel: 5, stride: 2, padding: Padding::Same }),
    ([1, 2, 6, 5], Pool { kernel: 1, stride: 2, padding: Padding::Valid }),
];

#[test]
fn every_channel_is_filtered_by_itself_as_the_library_does_it() {
    for (shape, pool) in DEPTHWISE {
        let input = noise(shape);
        let (weight, bias) = weights(shape[1], 1, pool.kernel);
        let window = pool.window(&input);
        let bias_too = bias.clone().try_into_primitive::<burn::backend::Flex>().unwrap();
        let expected = plain_backend(input.clone().into_dispatch(), |x| {
            let weight = flex(weight.clone());
            primitives::depthwise_convolution::<burn::backend::Flex>(x, weight, bias_too, window)
        });
        let found = convolution(input, weight, bias, pool, shape[1]);
        assert_eq!(found.dims(), expected.dims());
        assert_close(&values(found), &values(expected), 1e-5);
    }
}

#[test]
fn the_library_and_the_processor_agree_on_depthwise_gradients() {
    for (shape, pool) in DEPTHWISE {
        let input = noise(shape);
        let (weight, _) = weights(shape[1], 1, pool.kernel);
        let window = pool.window(&input);
        let gradient = noise([shape[0], shape[1], window.output[0], window.output[1]]);
        let pull = |function: fn(_, _, _, _) -> burn_flex::FlexTensor| {
            let factors = (flex(weight.clone()), flex(gradient.clone()));
            plain_backend(input.clone().into_dispatch(), |x| {
                function(x, factors.0, factors.1, window)
            })
        };
        let expected = pull(primitives::depthwise_convolution_backward::<burn::backend::Flex>);
        let found = pull(<burn::backend::Flex as VisionOps>::depthwise_convolution_backward);
        assert_close(&values(found), &values(expected), 1e-5);
    }
}

/// In groups, a convolution is a dense one whose kernels are 0 outside their group.
#[test]
fn groups_do_not_see_each_other() {
    let pool = Pool { kernel: 3, stride: 2, padding: Padding::Symmetric(1) };
    let (input, groups) = (noise([2, 6, 7, 5]), 2);
    let (weight, bias) = weights(4, 3, pool.kernel);
    let nothing = || Tensor::zeros([2, 3, 3, 3], &crate::device::cpu());
    let [one, other] = [0, 2].map(|from| weight.clone().narrow(0, from, 2));
    let dense = Tensor::cat(
        vec![Tensor::cat(vec![one, nothing()], 1), Tensor::cat(vec![nothing(), other], 1)],
        0,
    );
    let expected = convolution(input.clone(), dense, bias.clone(), pool, 1);
    let found = convolution(input, weight, bias, pool, groups);
    assert_eq!(found.dims(), expected.dims());
    assert_close(&values(found), &values(expected), 1e-5);
}

#[test]
fn depthwise_gradients_match_differences() {
    for (shape, pool) in DEPTHWISE {
        let (weight, bias) = weights(shape[1], 1, pool.kernel);
        let function = |input| convolution(input, weight.clone(), bias.clone(), pool, shape[1]);
        check_gradient(noise(shape), function, 1e-2);
    }
}

#[test]
fn caffe_windows_are_counted_as_caffe_does() {
    let ceil = |size| Pool { kernel: 3, stride: 2, padding: Padding::Ceil(0) }.layout(size);
    assert_eq!([112, 56, 28, 14, 7].map(ceil), [(0, 56), (0, 28), (0, 14), (0, 7), (0, 3)]);
    let kept = Pool { kernel: 3, stride: 1, padding: Padding::Ceil(1) };
    assert_eq!(kept.layout(14), (1, 14));
}

#[test]
fn tensorflow_puts_the_odd_pixel_last() {
    let same = |size| Pool { kernel: 3, stride: 2, padding: Padding::Same }.layout(size);
    assert_eq!(same(112), (0, 56));
    assert_eq!(same(7), (1, 4));
}

#[test]
fn padding_never_wins() {
    let input = noise([1, 2, 5, 5]) - 10.0;
    let pooled = max_pool(input, Pool { kernel: 3, stride: 1, padding: Padding::Ceil(1) });
    assert!(values(pooled).iter().all(|&value| value < -1.0));
}

#[test]
fn pooling_hands_each_gradient_to_the_largest() {
    for pool in POOLS {
        check_gradient(noise([1, 2, 7, 9]), |input| max_pool(input, pool), 1e-3);
    }
}

#[test]
fn windows_without_a_number_have_a_gradient_too() {
    for pool in POOLS {
        let nothing = noise([1, 1, 7, 9]) * f32::NAN;
        let input = nothing.autodiff().require_grad();
        let mut gradients = max_pool(input.clone(), pool).sum().backward();
        let gradient = values(input.grad_remove(&mut gradients).unwrap());
        let windows = pool.layout(7).1 * pool.layout(9).1;
        assert_eq!(gradient.iter().sum::<f32>(), windows as f32);
    }
}

#[test]
fn the_library_and_the_processor_agree_on_pooling_gradients() {
    let pool = Pool { kernel: 3, stride: 2, padding: Padding::Ceil(0) };
    let window = Window { kernel: 3, stride: 2, before: [0, 0], output: [4, 7] };
    assert_eq!(pool.layout(8).1, 4);
    let [input, gradient] = [noise([2, 2, 8, 14]), noise([2, 2, 4, 7])];
    let gradient = gradient.try_into_primitive::<burn::backend::Flex>().unwrap();
    let plain = input.clone().into_dispatch();
    let expected = plain_backend(plain.clone(), |x| {
        primitives::max_pool_backward::<burn::backend::Flex>(x, gradient.clone(), window)
    });
    let found = plain_backend(plain, |x| {
        burn::backend::Flex::clipped_max_pool_backward(x, gradient.clone(), window)
    });
    assert_close(&values(found), &values(expected), 1e-6);
}

#[test]
fn normalization_follows_its_formula() {
    for lrn in LRNS {
        let input = noise([2, 9, 13, 11]);
        let [batch, channels, height, width] = input.dims();
        let area = height * width;
        let x = values(input.clone());
        let mut expected = x.clone();
        for picture in 0..batch {
            for channel in 0..channels {
                for place in 0..area {
                    let at = |channel: usize| x[(picture * channels + channel) * area + place];
                    let from = channel.saturating_sub(lrn.radius);
                    let to = (channel + lrn.radius).min(channels - 1);
                    let sum: f32 = (from..=to).map(|neighbour| at(neighbour).powi(2)).sum();
                    let scale = (lrn.bias + lrn.alpha * sum).powf(lrn.beta.value());
                    expected[(picture * channels + channel) * area + place] /= scale;
                }
            }
        }
        assert_close(&values(local_response_norm(input.clone(), lrn)), &expected, 1e-5);
        let library = plain_backend(input.into_dispatch(), |x| {
            primitives::local_response_norm::<burn::backend::Flex>(x, lrn)
        });
        assert_close(&values(library), &expected, 1e-5);
    }
}

#[test]
fn normalization_gradients_match_differences() {
    for lrn in LRNS {
        check_gradient(noise([1, 9, 3, 5]), |input| local_response_norm(input, lrn), 1e-2);
    }
}

#[test]
fn the_library_and_the_processor_agree_on_normalization_gradients() {
    for lrn in LRNS {
        let [input, gradient] = [noise([2, 8, 13, 11]), noise([2, 8, 13, 11]) * 0.5];
        let gradient = gradient.try_into_primitive::<burn::backend::Flex>().unwrap();
        let plain = input.into_dispatch();
        let expected = plain_backend(plain.clone(), |x| {
            primitives::local_response_norm_backward::<burn::backend::Flex>(
                x,
                gradient.clone(),
                lrn,
            )
        });
        let found = plain_backend(plain, |x| {
            burn::backend::Flex::local_response_norm_backward(x, gradient.clone(), lrn)
        });
        assert_close(&values(found), &values(expected), 1e-5);
    }
}

/// The gradient of `sum(function(x) * weight)` for a batch of two.
fn gradient_of(
    function: impl Fn(Tensor<4>) -> Tensor<4>,
    input: [f32; 4],
    weight: [f32; 4],
) -> Vec<f32> {
    let device = crate::device::cpu();
    let tensor = |values: [f32; 4]| Tensor::<1>::from_floats(values, &device).reshape([2, 2, 1, 1]);
    let input = tensor(input).autodiff().require_grad();
    let loss = function(input.clone()) * tensor(weight);
    let mut gradients = loss.sum().backward();
    values(input.grad_remove(&mut gradients).unwrap())
}

#[test]
fn a_dead_picture_is_pushed_up_and_a_living_one_is_left_alone() {
    // The first picture is off everywhere; the second has one unit on.
    let redirected = |x| relu(x, ReluGradient::Redirected);
    let gradient = gradient_of(redirected, [-1.0, -2.0, -1.0, 2.0], [-3.0, 4.0, -5.0, 6.0]);
    assert_eq!(gradient, [-3.0, 0.0, 0.0, 6.0]);
}

#[test]
fn the_processor_rectifies_as_the_library_does() {
    // More than a core takes at once, of which a part is asked for.
    let input = noise([2, 9, 30, 40]).narrow(2, 3, 20) * 4.0;
    let gradient = noise([2, 9, 30, 40]).narrow(2, 10, 20);
    let flex = |tensor: Tensor<4>| tensor.try_into_primitive::<burn::backend::Flex>().unwrap();
    for kind in [Rectifier::Relu, Rectifier::Relu6] {
        let plain = input.clone().into_dispatch();
        let output = values(plain_backend(plain, |x| {
            burn::backend::Flex::rectify(x, kind, ReluGradient::Exact)
        }));
        let expected: Vec<f32> =
            values(input.clone()).iter().map(|x| x.clamp(0.0, kind.ceiling())).collect();
        assert_eq!(output, expected);

        let output: Tensor<4> =
            Tensor::from_data(TensorData::new(output, input.dims()), &input.device());
        let pull = |pull: fn(FlexTensor, FlexTensor, Rectifier) -> FlexTensor| {
            let plain = output.clone().into_dispatch();
            values(plain_backend(plain, |x| pull(x, flex(gradient.clone()), kind)))
        };
        let found = pull(burn::backend::Flex::rectify_backward);
        assert_eq!(found, pull(primitives::rectify_backward::<burn::backend::Flex>));
        let given = values(gradient.clone());
        let kept = found.iter().zip(&given).filter(|(found, given)| found == given).count();
        assert!(0 < kept && kept < given.len(), "{kept} of {} kept", given.len());
    }
}

#[test]
fn rectifying_leaves_what_others_hold_and_what_is_no_number() {
    let device = crate::device::cpu();
    let given = [-1.0, 7.0, f32::NAN, 3.0];
    let input = Tensor::<1>::from_floats(given, &device).reshape([1, 4, 1, 1]);
    let output = values(relu6(input.clone(), ReluGradient::Exact));
    assert_eq!([output[0], output[1], output[3]], [0.0, 6.0, 3.0]);
    assert!(output[2].is_nan());
    assert_eq!(values(input)[..2], given[..2]);
}

#[test]
fn relu6_ends_at_both_ends() {
    let device = crate::device::cpu();
    let input = Tensor::<1>::from_floats([-1.0, 2.0, 6.5, 5.0], &device).reshape([2, 2, 1, 1]);
    assert_eq!(values(relu6(input, ReluGradient::Exact)), [0.0, 2.0, 6.0, 5.0]);
    let exact = |x| relu6(x, ReluGradient::Exact);
    let gradient = gradient_of(exact, [-1.0, 2.0, 6.5, 5.0], [-3.0, 4.0, -5.0, 6.0]);
    assert_eq!(gradient, [0.0, 4.0, 0.0, 6.0]);
}

#[test]
fn a_saturated_picture_is_pushed_back_from_either_end() {
    let redirected = |x| relu6(x, ReluGradient::Redirected);
    // Off or saturated everywhere: what would push further out is refused.
    let gradient = gradient_of(redirected, [-1.0, 7.0, -1.0, 7.0], [-3.0, 4.0, 5.0, -6.0]);
    assert_eq!(gradient, [-3.0, 4.0, 0.0, 0.0]);
    // One unit of the second picture is alive, so its gradient is the true one.
    let gradient = gradient_of(redirected, [-1.0, 7.0, 3.0, 7.0], [-3.0, 4.0, 5.0, 6.0]);
    assert_eq!(gradient, [-3.0, 4.0, 5.0, 0.0]);
}
