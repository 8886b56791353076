//! What GPUs do otherwise than the tensor library would.

use burn::backend::ops::FloatTensorOps;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl::prelude::Scalar;
use burn_cubecl::kernel::matmul::init_matmul_output;
use burn_cubecl::tensor::CubeTensor;
use cubek::matmul::definition::{MatmulElems, MatmulGlobalElems};
use cubek::matmul::launch::launch_ref;
use cubek::matmul::{multi_level, strategy::Strategy};
use cubek::std::InputBinding;

use super::VisionOps;

impl VisionOps for CubeBackend {
    /// NVIDIA's tensor cores take numbers of 11 bits (TF32) in place of single precision, and the
    /// library gives them every product that they can take. Attention is then 1e-3 off.
    fn product(left: CubeTensor, right: CubeTensor) -> CubeTensor {
        let (kind, output) =
            (f32::elem_type_native(), init_matmul_output(&left, &right, left.dtype));
        let mut kinds =
            MatmulElems::from_globals(&MatmulGlobalElems { lhs: kind, rhs: kind, out: kind });
        let launched = launch_ref(
            &Strategy::MultiLevel(multi_level::Strategy::SimpleUnit(Default::default())),
            &output.client,
            InputBinding::new(left.clone().binding(), kind),
            InputBinding::new(right.clone().binding(), kind),
            output.clone().binding(),
            &mut kinds,
        );
        match launched {
            Ok(()) => output,
            // A shape that this way of computing does not take.
            Err(_) => Self::float_matmul(left, right),
        }
    }
}
