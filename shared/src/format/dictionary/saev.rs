//! A dictionary as saev keeps one: `sae.pt`, a line of JSON and what `torch.save` wrote behind it.

use serde_json::json;

use super::super::document::parse_json;
use super::super::field::Field;
use super::super::zip;
use super::{CHANNELS_LIMIT, LATENTS_LIMIT, made, take, turned};
use crate::readout::dictionary::rows::{dot, row};
use crate::readout::dictionary::{Activation, Config, Dictionary, Normalization, Parameters};
use crate::weights::from_pytorch;
use crate::{Error, Result};

/// The file.
pub const SAEV: &str = "sae.pt";

/// The longest first line, in bytes.
const HEADER_LIMIT: usize = 1 << 16;

/// The schema that is written.
const SCHEMA: u32 = 5;

/// The latents of an activation that a BatchTopK dictionary says it was trained with, where that is
/// not known: saev's own default. In use its threshold alone counts.
const USUAL_K: usize = 32;

/// A dictionary of saev's.
#[derive(Clone, Debug, PartialEq)]
pub struct Saev {
    /// As today's saev takes it: without the decoder's bias taken off.
    pub dictionary: Dictionary,
    /// It may be from before saev changed that (July 2025), which the file does not tell: what
    /// explains real activations better is right.
    pub is_doubtful: bool,
}

/// Reads saev's `sae.pt`: a line of JSON, schemas 1 to 5 or without one, then what `torch.save`
/// wrote.
///
/// # Errors
/// Name the field or the tensor.
pub fn read(bytes: &[u8]) -> Result<Saev> {
    let wrong = |reason: String| Error::Format { what: SAEV.to_owned(), reason };
    let end = bytes.iter().take(HEADER_LIMIT).position(|&byte| byte == b'\n');
    let end = end.ok_or_else(|| wrong("does not begin with a line of JSON".to_owned()))?;
    let value = parse_json(SAEV, &bytes[..end], HEADER_LIMIT)?;
    let root = Field::root(SAEV, &value);
    let schema = root.optional("schema")?.map(|field| field.number(5)).transpose()?;
    let (channels, latents, kind, k) = match schema {
        None => {
            let channels = root.get("d_vit")?.positive(CHANNELS_LIMIT)?;
            let factor = root.get("exp_factor")?.positive(LATENTS_LIMIT / channels as u64)?;
            (channels, channels * factor, "Relu", None)
        }
        Some(_) => {
            let config = root.get("cfg")?;
            let channels = match config.optional("d_model")? {
                Some(field) => field,
                None => config.get("d_vit")?,
            };
            let channels = channels.positive(CHANNELS_LIMIT)?;
            let latents = match config.optional("d_sae")? {
                Some(field) => field.positive(LATENTS_LIMIT)?,
                None => {
                    let most = LATENTS_LIMIT / channels as u64;
                    channels * config.get("exp_factor")?.positive(most)?
                }
            };
            let (kind, parameters) = match config.optional("activation")? {
                Some(activation) => (activation.get("cls")?.text()?, activation.get("params")?),
                // The first schema named the class of the whole.
                None => (root.get("cls")?.text()?, config),
            };
            let k = parameters.optional("top_k")?;
            (channels, latents, kind, k.map(|field| field.positive(latents as u64)).transpose()?)
        }
    };
    let mut tensors = from_pytorch(&bytes[end + 1..])?;
    let numbers = Parameters {
        encoder: turned(&take(&mut tensors, "W_enc", &[channels, latents])?, latents),
        encoder_bias: take(&mut tensors, "b_enc", &[latents])?,
        decoder: take(&mut tensors, "W_dec", &[latents, channels])?,
        decoder_bias: take(&mut tensors, "b_dec", &[channels])?,
        ..Parameters::default()
    };
    let missing = || wrong("the field \"top_k\" is missing".to_owned());
    let (activation, threshold) = match kind {
        "Relu" => (Activation::Relu { l1: 0.0, by_norm: false }, Vec::new()),
        "TopK" => (Activation::TopK { k: k.ok_or_else(missing)? }, Vec::new()),
        "BatchTopK" => {
            let threshold = take(&mut tensors, "activation.threshold", &[])?;
            (Activation::jump(), vec![threshold[0]; latents])
        }
        other => return Err(wrong(format!("has the activation {other:?}, which is not known"))),
    };
    let numbers = Parameters { threshold, ..numbers };
    let dictionary = made(SAEV, channels, latents, activation, false, numbers)?;
    Ok(Saev { dictionary, is_doubtful: schema.is_none_or(|schema| schema == 1) })
}

/// Writes a dictionary as `sae.pt` of schema 5. What takes the decoder's bias off first gets it into
/// the encoder's bias, because saev takes none off.
///
/// # Errors
/// A kind that saev does not have: gated, with thresholds that differ, encoded greedily, or of
/// examples that are normalized first.
pub fn write(dictionary: &Dictionary) -> Result<Vec<u8>> {
    let wrong = |reason: &str| Error::Format { what: SAEV.to_owned(), reason: reason.to_owned() };
    let &Config { channels, latents, activation, centred, .. } = dictionary.config();
    if dictionary.pursuit().is_some() {
        return Err(wrong("has no matching pursuit"));
    }
    if dictionary.normalization() != Normalization::None {
        return Err(wrong("normalizes no examples"));
    }
    let numbers = dictionary.parameters();
    let mut bias = numbers.encoder_bias.clone();
    if centred {
        for (latent, value) in bias.iter_mut().enumerate() {
            *value -= dot(row(&numbers.encoder, latent, channels), &numbers.decoder_bias);
        }
    }
    let none = json!({"cls": "NoSparsity", "params": {"key": "no-sparsity"}});
    let no_aux = json!({"cls": "NoAux", "params": {"key": "no-aux"}});
    let mut threshold = Vec::new();
    let activation = match activation {
        Activation::Relu { .. } => json!({
            "cls": "Relu",
            "params": {"key": "relu", "sparsity": none, "aux": no_aux},
        }),
        Activation::TopK { k } => json!({
            "cls": "TopK",
            "params": {"key": "top-k", "top_k": k, "sparsity": none, "aux": no_aux},
        }),
        Activation::JumpRelu { .. } | Activation::BatchTopK { .. } => {
            let first = numbers.threshold.first().copied().unwrap_or(0.0);
            if numbers.threshold.iter().any(|other| *other != first) {
                return Err(wrong("has one threshold for all latents; these have their own"));
            }
            threshold.push(first);
            json!({
                "cls": "BatchTopK",
                "params": {"key": "batch-top-k", "top_k": USUAL_K.min(latents), "sparsity": none,
                    "momentum": 0.1, "aux": no_aux},
            })
        }
        Activation::Gated { .. } => return Err(wrong("has no gated dictionaries")),
    };
    let header = json!({
        "schema": SCHEMA,
        "cfg": {
            "d_model": channels,
            "d_sae": latents,
            "activation": activation,
            "reinit_blend": 0.8,
            "reinit_enc_dec_tranpose": true,
            "remove_parallel_grads": true,
            "normalize_w_dec": true,
        },
        "commit": "unknown",
        "lib": concat!("pellucid ", env!("CARGO_PKG_VERSION")),
    });
    let encoder = turned(&numbers.encoder, channels);
    let mut tensors: Vec<(&str, Vec<usize>, &[f32])> = vec![
        ("W_dec", vec![latents, channels], &numbers.decoder),
        ("b_dec", vec![channels], &numbers.decoder_bias),
        ("W_enc", vec![channels, latents], &encoder),
        ("b_enc", vec![latents], &bias),
    ];
    if !threshold.is_empty() {
        tensors.push(("activation.threshold", Vec::new(), &threshold));
    }
    let mut bytes = header.to_string().into_bytes();
    bytes.push(b'\n');
    bytes.extend(archive(&tensors)?);
    Ok(bytes)
}

/// What `torch.save` makes of tensors by name: a zip archive of a pickle and a file of numbers each.
fn archive(tensors: &[(&str, Vec<usize>, &[f32])]) -> Result<Vec<u8>> {
    let pickle = pickle(tensors);
    let numbers = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let numbers: Vec<Vec<u8>> = tensors.iter().map(|(_, _, values)| numbers(values)).collect();
    let mut files: Vec<(String, &[u8])> =
        vec![("sae/data.pkl".to_owned(), &pickle), ("sae/byteorder".to_owned(), b"little")];
    let named = numbers.iter().enumerate();
    files.extend(named.map(|(key, bytes)| (format!("sae/data/{key}"), bytes.as_slice())));
    files.push(("sae/version".to_owned(), b"3\n"));
    zip::stored(&files)
}

/// An ordered dictionary of tensors in a pickle of protocol 2 (Python, `pickletools`).
fn pickle(tensors: &[(&str, Vec<usize>, &[f32])]) -> Vec<u8> {
    let mut out = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    for (key, (name, shape, values)) in tensors.iter().enumerate() {
        text(&mut out, name);
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend(b"ctorch\nFloatStorage\n");
        text(&mut out, &key.to_string());
        text(&mut out, "cpu");
        number(&mut out, values.len());
        // The storage's name becomes the storage; then where in it the tensor begins.
        out.extend(b"tQ");
        number(&mut out, 0);
        let strides = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product());
        for numbers in [shape.clone(), strides.collect()] {
            out.push(b'(');
            numbers.into_iter().for_each(|value| number(&mut out, value));
            out.push(b't');
        }
        // No gradient, no hooks.
        out.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    out.extend(b"u.");
    out
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

/// In eight bytes, whatever its size.
fn number(out: &mut Vec<u8>, value: usize) {
    out.extend([0x8a, 8]);
    out.extend((value as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dictionary(activation: Activation, centred: bool) -> Dictionary {
        let (channels, latents) = (3, 5);
        let prefixes = vec![latents];
        let config = Config { channels, latents, activation, centred, prefixes, revival: None };
        let mut parameters = Parameters::zeros(&config);
        for values in parameters.all_mut() {
            let numbers = values.iter_mut().enumerate();
            numbers.for_each(|(place, value)| *value = (place as f32 * 0.7 + 0.3).sin());
        }
        parameters.threshold.iter_mut().for_each(|threshold| *threshold = 0.25);
        Dictionary::new(config, parameters).unwrap()
    }

    #[test]
    fn what_is_written_is_read_and_takes_examples_apart_alike() {
        let examples: Vec<f32> = (0..12).map(|number| (number as f32).cos()).collect();
        for activation in [
            Activation::Relu { l1: 0.0, by_norm: false },
            Activation::TopK { k: 2 },
            Activation::jump(),
        ] {
            for centred in [false, true] {
                let ours = dictionary(activation, centred);
                let found = read(&write(&ours).unwrap()).unwrap();
                assert!(!found.is_doubtful);
                let made =
                    |dictionary: &Dictionary| dictionary.decode(&dictionary.codes(&examples));
                for (one, other) in made(&ours).iter().zip(made(&found.dictionary)) {
                    assert!((one - other).abs() < 1e-6, "{activation:?}");
                }
            }
        }
    }

    #[test]
    fn what_saev_does_not_have_is_refused() {
        let said = |dictionary: &Dictionary| write(dictionary).unwrap_err().to_string();
        assert!(said(&dictionary(Activation::Gated { l1: 0.0 }, true)).contains("gated"));
        let jump = dictionary(Activation::jump(), true);
        let mut numbers = jump.parameters().clone();
        numbers.threshold[2] = 0.5;
        let jump = Dictionary::new(jump.config().clone(), numbers).unwrap();
        assert!(said(&jump).contains("one threshold"));
    }

    #[test]
    fn what_is_not_saevs_is_said_to_be_none() {
        for bytes in [&b"PK\x03\x04"[..], b"{\"schema\":9}\n", b"{\"schema\":5}\n", b"[]\n", b"\n"]
        {
            assert!(read(bytes).unwrap_err().to_string().starts_with(SAEV), "{bytes:?}");
        }
    }
}
