//! What transformers do, against the library's own operations and against differences.

use burn::backend::Flex;

use super::super::primitives::transformer as library;
use super::*;

/// Batch, channels, tokens, heads.
const TOKENS: [(usize, usize, usize, usize); 4] =
    [(1, 4, 5, 2), (2, 6, 17, 3), (1, 64, 197, 1), (2, 24, 9, 3)];

const KINDS: [Gelu; 2] = [Gelu::Exact, Gelu::Quick];

fn tokens(batch: usize, channels: usize, tokens: usize) -> Tensor<4> {
    noise([batch, channels, 1, tokens])
}

fn per_channel(channels: usize) -> Tensor<1> {
    noise([channels, 1, 1, 1]).reshape([channels])
}

fn flex_1(tensor: Tensor<1>) -> burn_flex::FlexTensor {
    tensor.try_into_primitive::<Flex>().unwrap()
}

/// What the processor and the library make of the same tensors.
#[track_caller]
fn assert_same(
    input: Tensor<4>,
    processor: impl FnOnce(burn_flex::FlexTensor) -> burn_flex::FlexTensor,
    library: impl FnOnce(burn_flex::FlexTensor) -> burn_flex::FlexTensor,
) {
    let found = plain_backend(input.clone().into_dispatch(), processor);
    let expected = plain_backend(input.into_dispatch(), library);
    assert_eq!(found.dims(), expected.dims());
    assert_close(&values(found), &values(expected), 1e-5);
}

#[test]
fn the_processor_normalises_layers_as_the_library_does() {
    for (batch, channels, count, _) in TOKENS {
        let input = tokens(batch, channels, count) * 3.0 + 1.0;
        let [scale, shift] = [per_channel(channels), per_channel(channels) * 0.5].map(flex_1);
        let gradient = flex(tokens(batch, channels, count));
        assert_same(
            input.clone(),
            |x| <Flex as VisionOps>::layer_norm(x, scale.clone(), shift.clone(), 1e-6),
            |x| library::layer_norm::<Flex>(x, scale.clone(), shift.clone(), 1e-6),
        );
        let same =
            |x| library::layer_norm_backward::<Flex>(x, scale.clone(), gradient.clone(), 1e-5);
        assert_same(
            input,
            |x| Flex::layer_norm_backward(x, scale.clone(), gradient.clone(), 1e-5),
            same,
        );
    }
}

#[test]
fn the_processor_bends_as_the_library_does() {
    for kind in KINDS {
        let input = tokens(2, 6, 900) * 3.0;
        let gradient = flex(tokens(2, 6, 900));
        assert_same(
            input.clone(),
            |x| <Flex as VisionOps>::gelu(x, kind),
            |x| library::gelu::<Flex>(x, kind),
        );
        assert_same(
            input,
            |x| <Flex as VisionOps>::gelu_backward(x, gradient.clone(), kind),
            |x| library::gelu_backward::<Flex>(x, gradient.clone(), kind),
        );
    }
}

#[test]
fn the_processor_attends_as_the_library_does() {
    for (batch, channels, count, heads) in TOKENS {
        let input = tokens(batch, 3 * channels, count);
        let gradient = flex(tokens(batch, channels, count));
        assert_same(
            input.clone(),
            |x| <Flex as VisionOps>::attention(x, heads),
            |x| library::attention::<Flex>(x, heads, <Flex as VisionOps>::product),
        );
        assert_same(
            input,
            |x| Flex::attention_backward(x, gradient.clone(), heads),
            |x| {
                library::attention_backward::<Flex>(
                    x,
                    gradient.clone(),
                    heads,
                    <Flex as VisionOps>::product,
                )
            },
        );
    }
}

#[test]
fn attention_is_the_mean_of_values_by_the_weights_of_its_head() {
    let (batch, channels, count, heads) = TOKENS[1];
    let input = tokens(batch, 3 * channels, count);
    let weights = attention_weights(input.clone(), heads);
    assert_close(&values(weights.clone().sum_dim(3)), &vec![1.0; batch * heads * count], 1e-5);
    let of_values = input.clone().narrow(1, 2 * channels, channels);
    let of_values = of_values.reshape([batch, heads, channels / heads, count]);
    let expected = of_values.matmul(weights.swap_dims(2, 3)).reshape([batch, channels, 1, count]);
    assert_close(&values(attention(input, heads)), &values(expected), 1e-5);
}

#[test]
fn large_scores_do_not_overflow() {
    let input = tokens(1, 6, 5) * 1e4;
    assert!(values(attention(input, 2)).iter().all(|value| value.is_finite()));
}

#[test]
fn gradients_of_what_transformers_do_match_differences() {
    for (batch, channels, count, heads) in [TOKENS[0], TOKENS[1], TOKENS[3]] {
        let (scale, shift) = (per_channel(channels), per_channel(channels));
        let input = tokens(batch, channels, count);
        check_gradient(input, |x| layer_norm(x, scale.clone(), shift.clone(), 1e-6), 1e-2);
        check_gradient(tokens(batch, 3 * channels, count), |x| attention(x, heads), 1e-2);
    }
    for kind in KINDS {
        check_gradient(tokens(1, 6, 30), |x| gelu(x, kind), 1e-2);
    }
    check_gradient(tokens(1, 6, 30), gated, 1e-2);
}
