//! A vision transformer with trained weights against what timm makes of them.

use super::*;

use shared::tap::{Activations, LayerId};

/// Logits, every block, three gradients with respect to the input.
pub async fn reproduces_the_transformer(reference: &Reference, device: &Device) {
    let Reference { weights, golden } = reference;
    let network = models::load("vit-tiny-patch16-224", weights.clone(), device).unwrap();
    let info = network.info();
    let input = tensor(golden["input"].values.clone(), golden["input"].shape.clone(), device);
    let id = |name: &str| info.layer_id(name).unwrap();

    let taps: Vec<LayerId> = (0..info.layers.len()).map(LayerId).collect();
    let caught = network.forward(Start::Picture(input.clone()), &Pass::to(&taps)).unwrap();
    let class = |name: &str| caught.get(id(name)).unwrap().extra.clone().unwrap().narrow(2, 0, 1);
    let logits = caught.grid(id("logits")).unwrap();
    assert_agrees("logits", &read(logits).await.unwrap(), &golden["logits"].values);
    for block in 0..12 {
        let name = format!("blocks.{block}");
        for part in ["", ".attn", ".mlp"] {
            let name = format!("{name}{part}");
            let expected = &golden[&format!("{name}.cls")].values;
            assert_agrees(&name, &read(class(&name)).await.unwrap(), expected);
        }
        let mean = caught.grid(id(&name)).unwrap().mean_dims(&[2, 3]);
        let expected = &golden[&format!("{name}.token_mean")].values;
        assert_agrees(&format!("{name} mean"), &read(mean).await.unwrap(), expected);
    }
    let tokens = caught.get(id("blocks.10")).unwrap().clone();
    let patches = tokens.grid.reshape([1, 192, 196]);
    let all = Tensor::cat(vec![tokens.extra.unwrap(), patches], 2).swap_dims(1, 2);
    let expected = &golden["blocks.10.tokens"].values;
    assert_agrees("every token of blocks.10", &read(all).await.unwrap(), expected);

    let gradient = |layer: &str, value: fn(&Activations, LayerId) -> Tensor<1>| {
        let layer = id(layer);
        let start = Start::Picture(input.clone());
        let (caught, pullback) = network.look(start, &Pass::to(&[layer])).unwrap();
        let caught = caught.tracked();
        pullback.pull(caught.gradients(value(&caught, layer))).unwrap().grid
    };
    let of_class = |caught: &Activations, layer: LayerId| {
        let extra = caught.get(layer).unwrap().extra.clone().unwrap();
        extra.narrow(2, 0, 1).narrow(1, 7, 1).sum()
    };
    let of_patches =
        |caught: &Activations, layer: LayerId| caught.grid(layer).unwrap().narrow(1, 3, 1).mean();
    let of_logit =
        |caught: &Activations, layer: LayerId| caught.grid(layer).unwrap().narrow(1, 283, 1).sum();
    for (name, found) in [
        ("grad_top_logit", gradient("logits", of_logit)),
        ("grad_blocks.10.cls_channel_7", gradient("blocks.10", of_class)),
        ("grad_blocks.5.mean_channel_3", gradient("blocks.5", of_patches)),
    ] {
        assert_agrees(name, &read(found).await.unwrap(), &golden[name].values);
    }
}
