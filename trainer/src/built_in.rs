//! The network inside this program: EfficientNet-Lite0, whose licence allows it.

/// Its name in the registry; taken where a call names no model.
pub const MODEL: &str = "efficientnet-lite0";

/// The weights of its bundle, eight bits each.
static WEIGHTS: &[u8] =
    include_bytes!("../../public/bundles/efficientnet-lite0/weights.safetensors");

/// The weights of a model, if this program carries them.
pub fn weights(model: &str) -> Option<&'static [u8]> {
    (model == MODEL).then_some(WEIGHTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_inside_is_one_of_the_registry_and_its_weights_fit() {
        let tensors = shared::weights::from_bytes(WEIGHTS).unwrap();
        shared::models::load(MODEL, tensors, &shared::device::cpu()).unwrap();
        assert!(weights("googlenet").is_none());
    }
}
