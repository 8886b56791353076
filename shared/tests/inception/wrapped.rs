//! Weights as training scripts write them give what the plain file gives.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use shared::device::cpu;
use shared::models::inception::Variant;
use shared::models::{self, Choice};
use shared::weights::{
    NamedTensor, NamedTensors, Precision, from_bytes, from_pytorch, to_safetensors,
};

use crate::caught::forward;
use crate::pth::{Saved, dict, legacy, pth, weights};
use crate::{formula, reference, values};

const MODEL: &str = "googlenet-torchvision";

static PLAIN: LazyLock<NamedTensors> =
    LazyLock::new(|| formula::weights(Variant::GoogLeNetTorchvision));

fn safetensors(tensors: &NamedTensors) -> Vec<u8> {
    to_safetensors(tensors, Precision::F32, &BTreeMap::new()).unwrap()
}

fn logits(file: &[u8]) -> Vec<f32> {
    let tensors = || from_bytes(file).unwrap();
    let network = models::load(MODEL, tensors(), &cpu()).unwrap();
    // What is kept of it for later is the network's own as well.
    let kept = models::distilled(MODEL, tensors(), Precision::F32, &BTreeMap::new()).unwrap();
    assert_eq!(from_bytes(&kept).unwrap().len(), PLAIN.len());
    let input = network.info().preprocessing.apply(formula::picture());
    let caught = forward(&network, input, &["logits"]).unwrap();
    values(caught.get("logits").unwrap())
}

/// Each convolution's kernels smaller, so that another set is another network.
fn averaged() -> NamedTensors {
    let mut tensors = PLAIN.clone();
    for tensor in tensors.values_mut() {
        tensor.values.iter_mut().for_each(|value| *value *= 0.875);
    }
    tensors
}

/// What Adam keeps, with tensors of the parameters' own shapes, once under numbers and once under
/// the parameters' names.
fn optimizer() -> Saved {
    let some: NamedTensors = PLAIN.clone().into_iter().take(5).collect();
    let moments = |tensor: &NamedTensor| {
        let moments = ["exp_avg", "exp_avg_sq"].map(|name| (name, Saved::Tensor(tensor.clone())));
        dict(moments.into_iter().chain([("step", Saved::Number(7))]))
    };
    let numbered = Saved::Numbered(some.values().map(moments).collect());
    let named = dict(some.iter().map(|(name, tensor)| (name, moments(tensor))));
    let groups = Saved::List(vec![dict([("lr", Saved::Text("0.1"))])]);
    dict([("state", numbered), ("param_groups", groups), ("named", named)])
}

/// A training script's checkpoint: weights under this name, and all the rest.
fn checkpoint(name: &str, parameters: Saved) -> Saved {
    dict([
        ("epoch", Saved::Number(100)),
        ("optimizer", optimizer()),
        (name, parameters),
        ("optim_state", optimizer()),
        ("best", Saved::Tensor(NamedTensor { shape: vec![], values: vec![0.7] })),
        ("args", Saved::Object("Namespace", dict([("arch", Saved::Text("googlenet"))]).into())),
    ])
}

#[test]
fn whatever_a_script_put_before_the_names_makes_no_difference() {
    let expected = logits(&safetensors(&PLAIN));
    for before in ["", "module.", "_orig_mod.", "model.", "module._orig_mod.model.", "a.b."] {
        let prefixed: NamedTensors = PLAIN
            .iter()
            .map(|(name, tensor)| (format!("{before}{name}"), tensor.clone()))
            .collect();
        assert_eq!(logits(&safetensors(&prefixed)), expected, "{before:?} in safetensors");
        let saved = weights(&PLAIN, before);
        assert_eq!(logits(&pth("archive", &saved)), expected, "{before:?} in .pth");
        assert_eq!(logits(&legacy(&saved)), expected, "{before:?} in an old .pth");
    }
}

#[test]
fn weights_deep_in_a_checkpoint_are_found_beside_an_optimizers_tensors() {
    let expected = logits(&safetensors(&PLAIN));
    for name in ["model", "state_dict", "model_state_dict", "ema", "model_ema", "net"] {
        let saved = checkpoint(name, weights(&PLAIN, "module."));
        assert_eq!(logits(&pth("checkpoint_epoch_0100", &saved)), expected, "{name}");
    }
    let inside = checkpoint("ema", dict([("state_dict", weights(&PLAIN, ""))]));
    assert_eq!(logits(&legacy(&inside)), expected);
}

#[test]
fn of_model_and_average_the_average_is_taken_and_said() {
    let both = dict([
        ("model", weights(&PLAIN, "module.")),
        ("model_ema", weights(&averaged(), "module.")),
        ("optimizer", optimizer()),
    ]);
    let file = pth("both", &both);
    assert_eq!(logits(&file), logits(&safetensors(&averaged())));
    let choice = models::choice(MODEL, &from_bytes(&file).unwrap()).unwrap().unwrap();
    let (taken, left) = ("model_ema.module".to_owned(), vec!["model.module".to_owned()]);
    assert_eq!(choice, Choice { taken, left });
    let plain = safetensors(&PLAIN);
    assert_eq!(models::choice(MODEL, &from_bytes(&plain).unwrap()).unwrap(), None);
}

#[test]
fn a_whole_model_is_read_without_its_class() {
    let mut modules: BTreeMap<&str, NamedTensors> = BTreeMap::new();
    for (name, tensor) in PLAIN.iter() {
        let (module, rest) = name.split_once('.').unwrap();
        modules.entry(module).or_default().insert(rest.to_owned(), tensor.clone());
    }
    let module = |tensors: &NamedTensors| {
        let parts = [("_parameters", weights(tensors, "")), ("_modules", Saved::List(Vec::new()))];
        Saved::Object("Module", dict(parts).into())
    };
    let inner = dict(modules.iter().map(|(name, tensors)| (*name, module(tensors))));
    let network = Saved::Object("GoogLeNet", dict([("_modules", inner)]).into());
    assert_eq!(logits(&pth("model", &network)), logits(&safetensors(&PLAIN)));
}

#[test]
fn an_archive_is_found_by_its_end_whatever_its_files_are_called() {
    // 76 bytes stand between the directory and its end; where guesses go wrong depends on the name.
    for letters in 1..40 {
        let tensor = NamedTensor { shape: vec![4], values: vec![1.5, -2.0, 0.0, 3.25] };
        let tensors = NamedTensors::from([("w".to_owned(), tensor)]);
        let file = pth(&"a".repeat(letters), &weights(&tensors, ""));
        let read: NamedTensors = from_pytorch(&file).unwrap().into_iter().collect();
        assert_eq!(read, tensors, "{letters}");
    }
}

#[test]
fn an_archive_of_the_reference_under_a_name_of_21_letters_is_read() {
    let Some(path) = reference::path("cases/stem-of-21-letters.pth") else { return };
    let file = std::fs::read(path).unwrap();
    let mut tensors = from_bytes(&file).unwrap();
    assert_eq!(tensors.take("w", &[4]).unwrap(), [0.0; 4]);
}
