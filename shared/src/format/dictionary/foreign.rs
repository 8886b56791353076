//! Dictionaries as sparsify, dictionary_learning and OpenAI's sparse_autoencoder keep them. Read from
//! what their code writes; pickles are looked through for tensors, nothing in them is executed.

use super::super::document::parse_json;
use super::super::field::Field;
use super::{CHANNELS_LIMIT, CONFIG_LIMIT, LATENTS_LIMIT, made, take, turned};
use crate::readout::dictionary::{Activation, Dictionary, Normalization, Parameters};
use crate::weights::{StoredTensors, from_pytorch, from_safetensors, plain_from_pytorch};
use crate::{Error, Result};

/// The numbers of a dictionary of sparsify's, beside `cfg.json`.
pub const SPARSIFY: &str = "sae.safetensors";

/// The numbers of a dictionary of dictionary_learning's.
pub const DICTIONARY_LEARNING: &str = "ae.pt";

/// What [`DICTIONARY_LEARNING`] is, beside it.
pub const DICTIONARY_LEARNING_CONFIG: &str = "config.json";

/// Reads sparsify's `cfg.json` and `sae.safetensors`.
///
/// # Errors
/// Name the field or the tensor; what is no dictionary of one layer.
pub fn sparsify(config: &[u8], weights: &[u8]) -> Result<Dictionary> {
    let value = parse_json(super::CONFIG, config, CONFIG_LIMIT)?;
    let root = Field::root(super::CONFIG, &value);
    for key in ["transcode", "skip_connection"] {
        if let Some(field) = root.optional(key)?
            && field.parsed::<bool>()?
        {
            return Err(field.wrong("is true: it maps one layer to another"));
        }
    }
    if let Some(field) = root.optional("activation")?
        && field.text()? != "topk"
    {
        return Err(field.wrong(format!("is {:?}; only \"topk\" is read", field.text()?)));
    }
    let channels = root.get("d_in")?.positive(CHANNELS_LIMIT)?;
    let latents = match root.optional("num_latents")?.map(|field| field.number(LATENTS_LIMIT)) {
        Some(Ok(0)) | None => {
            let most = LATENTS_LIMIT / channels as u64;
            channels * root.get("expansion_factor")?.positive(most)?
        }
        Some(latents) => latents? as usize,
    };
    let k = root.get("k")?.positive(latents as u64)?;
    let mut tensors = from_safetensors(weights)?;
    let numbers = Parameters {
        encoder: take(&mut tensors, "encoder.weight", &[latents, channels])?,
        encoder_bias: take(&mut tensors, "encoder.bias", &[latents])?,
        decoder: take(&mut tensors, "W_dec", &[latents, channels])?,
        decoder_bias: take(&mut tensors, "b_dec", &[channels])?,
        ..Parameters::default()
    };
    made(SPARSIFY, channels, latents, Activation::TopK { k }, true, numbers)
}

/// Reads dictionary_learning's `config.json` and `ae.pt`.
///
/// # Errors
/// Name the field or the tensor; a class that is not known here.
pub fn dictionary_learning(config: &[u8], weights: &[u8]) -> Result<Dictionary> {
    let value = parse_json(DICTIONARY_LEARNING_CONFIG, config, CONFIG_LIMIT)?;
    let root = Field::root(DICTIONARY_LEARNING_CONFIG, &value);
    let trainer = root.get("trainer")?;
    let channels = trainer.get("activation_dim")?.positive(CHANNELS_LIMIT)?;
    let latents = trainer.get("dict_size")?.positive(LATENTS_LIMIT)?;
    let class = trainer.get("dict_class")?;
    let k = || trainer.get("k")?.positive(latents as u64);
    let mut tensors = from_pytorch(weights)?;
    let tensors = &mut tensors;
    let relu = Activation::Relu { l1: 0.0, by_norm: false };
    let rows = |tensors: &mut StoredTensors<'_>, name: &str| {
        take(tensors, name, &[channels, latents]).map(|values| turned(&values, latents))
    };
    let mut numbers = Parameters::default();
    let (activation, centred) = match class.text()? {
        "AutoEncoder" | "AutoEncoderNew" | "GatedAutoEncoder" | "AutoEncoderTopK"
        | "BatchTopKSAE" => {
            numbers.encoder = take(tensors, "encoder.weight", &[latents, channels])?;
            numbers.decoder = rows(tensors, "decoder.weight")?;
            match class.text()? {
                "AutoEncoder" => {
                    numbers.encoder_bias = take(tensors, "encoder.bias", &[latents])?;
                    numbers.decoder_bias = take(tensors, "bias", &[channels])?;
                    (relu, true)
                }
                "AutoEncoderNew" => {
                    numbers.encoder_bias = take(tensors, "encoder.bias", &[latents])?;
                    numbers.decoder_bias = take(tensors, "decoder.bias", &[channels])?;
                    (relu, false)
                }
                "GatedAutoEncoder" => {
                    numbers.decoder_bias = take(tensors, "decoder_bias", &[channels])?;
                    numbers.encoder_bias = take(tensors, "gate_bias", &[latents])?;
                    numbers.magnitude_scale = take(tensors, "r_mag", &[latents])?;
                    numbers.magnitude_bias = take(tensors, "mag_bias", &[latents])?;
                    (Activation::Gated { l1: 0.0 }, true)
                }
                "AutoEncoderTopK" => {
                    numbers.encoder_bias = take(tensors, "encoder.bias", &[latents])?;
                    numbers.decoder_bias = take(tensors, "b_dec", &[channels])?;
                    (Activation::TopK { k: k()? }, true)
                }
                _ => {
                    numbers.encoder_bias = take(tensors, "encoder.bias", &[latents])?;
                    numbers.decoder_bias = take(tensors, "b_dec", &[channels])?;
                    numbers.threshold = vec![take(tensors, "threshold", &[])?[0]; latents];
                    (Activation::jump(), true)
                }
            }
        }
        "JumpReluAutoEncoder" | "MatryoshkaBatchTopKSAE" => {
            numbers.encoder = rows(tensors, "W_enc")?;
            numbers.encoder_bias = take(tensors, "b_enc", &[latents])?;
            numbers.decoder = take(tensors, "W_dec", &[latents, channels])?;
            numbers.decoder_bias = take(tensors, "b_dec", &[channels])?;
            let is_matryoshka = class.text()? == "MatryoshkaBatchTopKSAE";
            numbers.threshold = match is_matryoshka {
                true => vec![take(tensors, "threshold", &[])?[0]; latents],
                false => take(tensors, "threshold", &[latents])?,
            };
            (Activation::jump(), is_matryoshka)
        }
        other => return Err(class.wrong(format!("is {other:?}, which is not known"))),
    };
    made(DICTIONARY_LEARNING, channels, latents, activation, centred, numbers)
}

/// Reads a file of OpenAI's sparse_autoencoder, with the activation ReLU, or with TopK, which
/// normalizes each example first.
///
/// # Errors
/// Name the tensor; another activation, or a k that cannot be.
pub fn openai(bytes: &[u8]) -> Result<Dictionary> {
    const WHAT: &str = "sparse_autoencoder's file";
    let wrong = |reason: &str| Error::Format { what: WHAT.to_owned(), reason: reason.to_owned() };
    let plain = |keys: &[&str]| plain_from_pytorch(bytes, keys);
    let (activation, normalization) = match plain(&["activation"])? {
        Some(name) if name == "TopK" => {
            let k = plain(&["activation_state_dict", "k"])?.and_then(|k| k.as_u64());
            let k = k.and_then(|k| usize::try_from(k).ok());
            let k = k.ok_or_else(|| wrong("is a TopK dictionary that does not say its k"))?;
            (Activation::TopK { k }, Normalization::Layer)
        }
        Some(name) if name != "ReLU" => {
            return Err(wrong(&format!("has the activation {name}; ReLU and TopK are read")));
        }
        _ => (Activation::Relu { l1: 0.0, by_norm: false }, Normalization::None),
    };
    let mut tensors = from_pytorch(bytes)?;
    let Some(&[latents, channels]) = tensors.shape("encoder.weight") else {
        return Err(wrong("has no matrix encoder.weight"));
    };
    let encoder = take(&mut tensors, "encoder.weight", &[latents, channels])?;
    let decoder = match tensors.shape("decoder.weight") {
        Some(_) => turned(&take(&mut tensors, "decoder.weight", &[channels, latents])?, latents),
        None => encoder.clone(),
    };
    let numbers = Parameters {
        encoder,
        decoder,
        encoder_bias: take(&mut tensors, "latent_bias", &[latents])?,
        decoder_bias: take(&mut tensors, "pre_bias", &[channels])?,
        ..Parameters::default()
    };
    let dictionary = made(WHAT, channels, latents, activation, true, numbers)?;
    Ok(dictionary.with_normalization(normalization))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::weights::{NamedTensor, NamedTensors, Precision, to_safetensors};

    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|number| (number as f32 * 0.7).sin()).collect()
    }

    #[test]
    fn sparsify_keeps_rows_and_counts_latents_by_their_expansion() {
        let tensor = |shape: &[usize]| NamedTensor {
            shape: shape.to_vec(),
            values: numbers(shape.iter().product()),
        };
        let tensors = NamedTensors::from([
            ("encoder.weight".to_owned(), tensor(&[6, 3])),
            ("encoder.bias".to_owned(), tensor(&[6])),
            ("W_dec".to_owned(), tensor(&[6, 3])),
            ("b_dec".to_owned(), tensor(&[3])),
        ]);
        let weights = to_safetensors(&tensors, Precision::F32, &BTreeMap::new()).unwrap();
        let config = br#"{"activation": "topk", "expansion_factor": 2, "normalize_decoder": true,
            "num_latents": 0, "k": 2, "multi_topk": false, "transcode": false, "d_in": 3}"#;
        let dictionary = sparsify(config, &weights).unwrap();
        assert_eq!(dictionary.parameters().encoder, numbers(18));
        assert_eq!(dictionary.config().activation, Activation::TopK { k: 2 });
        assert!(dictionary.config().centred);
        let other = br#"{"activation": "groupmax", "expansion_factor": 2, "k": 2, "d_in": 3}"#;
        assert!(sparsify(other, &weights).unwrap_err().to_string().contains("groupmax"));
        let other = br#"{"expansion_factor": 2, "k": 2, "d_in": 3, "transcode": true}"#;
        assert!(sparsify(other, &weights).unwrap_err().to_string().contains("transcode"));
    }
}
