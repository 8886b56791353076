//! What the layers of a transformer hold, in words: their names tell only those who know them.

/// What a layer holds, in a few words; nothing where its name says it, or is that of a convolution.
pub fn explained(layer: &str) -> Option<String> {
    let words = match layer {
        "patch_embed" => "each patch of the picture by itself",
        "tokens" => "patches and class token with their positions, before the first block",
        "norm" => "all tokens after the last block, normalised",
        "pooled" => "the class token in the end",
        "embedding" => "the picture as one point among all pictures",
        _ => return of_block(layer),
    };
    Some(words.to_owned())
}

/// The same of a layer in a block: `blocks.10`, `blocks.10.mlp.act`.
fn of_block(layer: &str) -> Option<String> {
    let rest = layer.strip_prefix("blocks.")?;
    let (number, part) = rest.split_once('.').unwrap_or((rest, ""));
    let block: usize = number.parse().ok()?;
    Some(match part {
        "" => format!("tokens after block {block}"),
        "attn" => format!("what attention adds in block {block}"),
        "attn.qkv" => format!("queries, keys and values of block {block}"),
        "attn.rope" => format!("the same of block {block}, turned by the patches' places"),
        "mlp" => format!("what the perceptron adds in block {block}"),
        "mlp.fc1" => format!("units of block {block}'s perceptron, before their nonlinearity"),
        "mlp.act" => format!("units of block {block}'s perceptron"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_of_a_transformer_but_its_classes_is_explained() {
        for model in
            ["vit-tiny-patch16-224", "clip-vit-b-32", "dinov2-vit-s-14-reg4", "dinov3-vit-s-16"]
        {
            let layers = shared::models::info(model).unwrap().layers;
            for layer in layers.iter().filter(|layer| !layer.is_classes()) {
                assert!(explained(&layer.name).is_some(), "{model}: {}", layer.name);
            }
        }
        assert_eq!(explained("blocks.10").as_deref(), Some("tokens after block 10"));
    }

    #[test]
    fn convolutions_keep_their_names() {
        for model in ["googlenet", "efficientnet-lite0"] {
            let layers = shared::models::info(model).unwrap().layers;
            assert!(layers.iter().all(|layer| explained(&layer.name).is_none()), "{model}");
        }
    }
}
