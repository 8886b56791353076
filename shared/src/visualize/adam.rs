//! Adam (Kingma and Ba 2014, arXiv:1412.6980, algorithm 1) on one tensor.

use burn::tensor::Tensor;

const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Running moments of the gradient.
#[derive(Clone, Debug)]
pub struct Adam {
    /// Mean of gradients.
    pub first: Tensor<4>,
    /// Mean of squared gradients.
    pub second: Tensor<4>,
    /// Updates made.
    pub updates: usize,
}

impl Adam {
    /// For parameters of this shape, at rest.
    pub fn new(parameters: &Tensor<4>) -> Self {
        let zero = parameters.zeros_like();
        Self { first: zero.clone(), second: zero, updates: 0 }
    }

    /// The parameters after a step down the gradient.
    pub fn update(&mut self, parameters: Tensor<4>, gradient: Tensor<4>, rate: f64) -> Tensor<4> {
        self.updates += 1;
        let mix = |old: Tensor<4>, new: Tensor<4>, decay: f64| {
            old.mul_scalar(decay) + new.mul_scalar(1.0 - decay)
        };
        self.first = mix(self.first.clone(), gradient.clone(), FIRST_DECAY);
        self.second = mix(self.second.clone(), gradient.clone() * gradient, SECOND_DECAY);
        let correction = |decay: f64| 1.0 - decay.powi(self.updates.min(1 << 20) as i32);
        let second = self.second.clone().div_scalar(correction(SECOND_DECAY)).sqrt();
        let step = self.first.clone().div(second.add_scalar(EPSILON));
        parameters - step.mul_scalar(rate / correction(FIRST_DECAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_is_the_learning_rate_whatever_the_gradient() {
        let device = crate::device::cpu();
        let parameters = Tensor::<4>::zeros([1, 1, 1, 2], &device);
        let gradient = Tensor::<1>::from_floats([1e-3, -40.0], &device).reshape([1, 1, 1, 2]);
        let moved = Adam::new(&parameters).update(parameters, gradient, 0.05);
        let moved: Vec<f32> = moved.into_data().try_to_vec().unwrap();
        assert!((moved[0] + 0.05).abs() < 1e-6 && (moved[1] - 0.05).abs() < 1e-6, "{moved:?}");
    }

    #[test]
    fn it_settles_where_the_gradient_vanishes() {
        let device = crate::device::cpu();
        let mut parameters = Tensor::<4>::full([1, 1, 1, 1], 3.0, &device);
        let mut adam = Adam::new(&parameters);
        for _ in 0..600 {
            let gradient = parameters.clone().sub_scalar(1.0);
            parameters = adam.update(parameters, gradient, 0.05);
        }
        let settled = parameters.into_scalar::<f32>();
        assert!((settled - 1.0).abs() < 1e-2, "{settled}");
    }
}
