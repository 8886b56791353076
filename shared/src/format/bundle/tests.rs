use serde_json::{Value, json};

use super::super::dictionary::{Files, Made};
use super::super::document::VALUES_LIMIT;
use super::super::exemplars::{Exemplars, Kind, Statistic, UnitExemplars, Whole};
use super::*;
use crate::format::dictionary;
use crate::readout::dictionary::{Activation, Config, Dictionary, Parameters};
use crate::tap::Role;
use crate::visualize::Settings;
use crate::weights::Precision;

/// Tables of so many units that nothing excites, under a layer's path.
fn exemplars(path: &str, units: usize) -> Exemplars {
    let unit = UnitExemplars {
        top: Vec::new(),
        quantiles: [0.0; 9],
        histogram: [0; 24],
        zero_share: 1.0,
        elsewhere: None,
    };
    let whole = Whole {
        statistic: Statistic::Mean,
        pictures: 7,
        positions: [14, 14],
        heat: [7, 7],
        reference: Some(700),
        units: vec![unit; units],
        maps: vec![Vec::new(); units],
    };
    whole.write(|kind, page, bytes| {
        let name = match kind {
            Kind::Exemplars => "exemplars",
            Kind::Heat => "heat",
        };
        Part::of(&format!("{path}/{name}-{page}.bin"), &bytes)
    })
}

fn good() -> Value {
    let info = models::info("googlenet").unwrap();
    let weights = Part::of("weights.safetensors", b"weights");
    let mut bundle = Bundle::new(&info, Some(weights), Part::of("labels.txt", b"tench\n"));
    let sprites = |name: &str, side, count| Sprites {
        side,
        columns: 2,
        rows: 2,
        count,
        sheets: (0..usize::div_ceil(count, 4))
            .map(|sheet| Part::of(&format!("{name}-{sheet}.jpg"), b"sheet"))
            .collect(),
    };
    bundle.gallery = Some(Gallery {
        credits: Part::of("gallery/credits.json", b"[]"),
        sprites: sprites("gallery/sheet", 224, 7),
    });
    bundle.layers = vec![
        Layer {
            dreams: Some(Dreams {
                units: vec![[0, 3], [7, 9]],
                sprites: sprites("mixed4a/dreams", 96, 5),
                settings: Settings::square(160),
                steps: 256,
                seed: 7,
                penalties: " - 1e-3*tv".to_owned(),
            }),
            exemplars: Some(exemplars("mixed4a", 512)),
            ..Layer::new("mixed4a")
        },
        Layer {
            latents: Some(1000),
            dictionary: Some(DictionaryFiles {
                config: Part::of("mixed4a/sae-1k/cfg.json", b"{}"),
                weights: Part::of("mixed4a/sae-1k/sae_weights.safetensors", b"numbers"),
            }),
            exemplars: Some(exemplars("mixed4a/sae-1k", 1000)),
            ..Layer::new("mixed4a/sae-1k")
        },
    ];
    serde_json::from_str(&bundle.to_json().unwrap()).unwrap()
}

fn parse(value: &Value) -> Result<Bundle> {
    Bundle::parse(value.to_string().as_bytes())
}

/// Parses a good bundle with one field replaced.
fn with(pointer: &str, value: Value) -> Result<Bundle> {
    let mut bundle = good();
    *bundle.pointer_mut(pointer).unwrap() = value;
    parse(&bundle)
}

#[test]
fn what_is_written_is_read_back() {
    for info in models::registry() {
        let parts = ["a/weights.safetensors", "labels.txt"].map(|path| Part::of(path, b"bytes"));
        let [weights, labels] = parts;
        let bundle = Bundle::new(&info, Some(weights), labels);
        assert_eq!(Bundle::parse(bundle.to_json().unwrap().as_bytes()).unwrap(), bundle);
    }
}

#[test]
fn a_later_minor_version_opens_with_fields_nobody_knows_yet() {
    let mut bundle = good();
    bundle["schema"] = json!([2, 7]);
    bundle["dictionaries"] = json!({ "sae-8k": [] });
    bundle["layers"][0]["dreams"]["settings"]["whitening"] = json!(true);
    assert_eq!(parse(&bundle).unwrap().schema, [2, 7]);
}

#[test]
fn another_major_version_is_refused_whatever_else_it_holds() {
    let error = Bundle::parse(br#"{"schema": [1, 1]}"#).unwrap_err().to_string();
    assert!(error.contains("bundle.json: schema") && error.contains("1.1"), "{error}");
}

#[test]
fn every_field_is_missed_by_name() {
    for field in ["schema", "model", "preprocessing", "labels"] {
        let mut bundle = good();
        bundle.as_object_mut().unwrap().remove(field);
        let error = parse(&bundle).unwrap_err().to_string();
        assert!(error.contains("bundle.json") && error.contains(field), "{error}");
    }
    for part in ["weights", "labels"] {
        for field in ["path", "size", "sha256"] {
            let mut bundle = good();
            bundle[part].as_object_mut().unwrap().remove(field);
            let error = parse(&bundle).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains(field), "{error}");
        }
    }
}

#[test]
fn every_wrong_field_is_named() {
    let wrong = [
        ("/schema", json!("2.0")),
        ("/schema", json!([2])),
        ("/schema", json!([2, -1])),
        ("/model", json!("alexnet")),
        ("/model", json!(7)),
        ("/preprocessing", json!({})),
        ("/preprocessing/scale", json!([1.0, 1.0, 1.0])),
        ("/weights", json!([])),
        ("/weights/size", json!(0)),
        ("/weights/size", json!(-1)),
        ("/weights/size", json!(1.5)),
        ("/weights/size", json!(WEIGHTS_LIMIT + 1)),
        ("/weights/size", json!(1e300)),
        ("/weights/sha256", json!("")),
        ("/weights/sha256", json!("g".repeat(64))),
        ("/weights/sha256", json!("A".repeat(64))),
        ("/weights/sha256", json!("a".repeat(65))),
        ("/labels/size", json!(LABELS_LIMIT + 1)),
        ("/layers/0/name", json!("mixed9z")),
        ("/layers/1/name", json!("mixed4a")),
        ("/layers/0/dreams/units", json!([[0, 3], [2, 4]])),
        ("/layers/0/dreams/units", json!([[0, 513]])),
        ("/layers/0/dreams/units", json!([[0, 4]])),
        ("/layers/0/dreams/settings/width", json!(0)),
        ("/layers/0/dreams/steps", json!(-1)),
        ("/layers/0/dreams/penalties", json!(" - nonsense(")),
        ("/layers/0/dreams/sprites/side", json!(0)),
        ("/layers/0/dreams/sprites/columns", json!(1_u64 << 40)),
        ("/layers/0/dreams/sprites/count", json!(1_000_000_000)),
        ("/layers/0/dreams/sprites/sheets", json!([])),
        ("/layers/0/exemplars/statistic", json!("median")),
        ("/layers/0/exemplars/positions", json!([14])),
        ("/layers/0/exemplars/heat", json!([7, 0])),
        ("/layers/0/exemplars/heat", json!([7, 65])),
        ("/layers/0/exemplars/top", json!(0)),
        ("/layers/0/exemplars/top", json!(101)),
        ("/layers/0/exemplars/reference", json!(-1)),
        ("/layers/0/exemplars/usual", json!(1e300)),
        ("/layers/0/exemplars/units", json!(511)),
        ("/layers/0/exemplars/page", json!(0)),
        ("/layers/0/exemplars/page", json!(128)),
        ("/layers/0/exemplars/records", json!([])),
        ("/layers/0/exemplars/records/1/size", json!(1_u64 << 40)),
        ("/layers/0/exemplars/records/1/size", json!(7)),
        ("/layers/0/exemplars/maps/0/size", json!(7)),
        ("/layers/1/name", json!("mixed4a/sae 1k")),
        ("/layers/1/name", json!("mixed4a/")),
        ("/layers/1/name", json!("mixed9z/sae-1k")),
        ("/layers/1/latents", json!(0)),
        ("/layers/1/latents", json!(999)),
        ("/layers/1/latents", json!(null)),
        ("/layers/1/dictionary", json!([])),
        ("/layers/1/dictionary/config", json!(null)),
        ("/layers/1/dictionary/config/size", json!((1_u64 << 20) + 1)),
        ("/layers/1/dictionary/weights/path", json!("../numbers")),
        ("/layers/1/dictionary/weights/size", json!(WEIGHTS_LIMIT + 1)),
        ("/layers/1/dictionary/weights/sha256", json!("")),
        ("/gallery", json!(null)),
        ("/gallery/sprites/side", json!(4096)),
    ];
    for (pointer, value) in wrong {
        let error = with(pointer, value.clone()).unwrap_err().to_string();
        let top = pointer.split('/').nth(1).unwrap();
        assert!(error.starts_with("bundle.json") && error.contains(top), "{value}: {error}");
    }
}

#[test]
fn no_two_parts_share_a_path() {
    for pointer in
        ["/labels/path", "/gallery/sprites/sheets/1/path", "/layers/0/exemplars/maps/1/path"]
    {
        let error = with(pointer, json!("weights.safetensors")).unwrap_err().to_string();
        assert!(error.contains("weights.safetensors"), "{pointer}: {error}");
    }
}

#[test]
fn a_bundle_without_weights_opens() {
    let bundle = with("/weights", json!(null)).unwrap();
    assert_eq!(bundle.weights, None);
    assert_eq!(bundle.layer("mixed4a").unwrap().dreams.as_ref().unwrap().picture(8), Some(4));
    assert_eq!(bundle.parts().len(), 1 + 3 + 2 + 2 + 2 * 2 + 2 * 4);
}

#[test]
fn a_readout_has_its_own_channels_and_its_layers_places() {
    let bundle = parse(&good()).unwrap();
    let model = models::info("googlenet").unwrap();
    let of = |name: &str| bundle.layer(name).unwrap().info(&model).unwrap();
    let (layer, readout) = (of("mixed4a"), of("mixed4a/sae-1k"));
    assert_eq!((layer.role, layer.channels), (Role::Features, 512));
    assert_eq!((readout.role, readout.channels), (Role::Latents, 1000));
    assert_eq!((readout.grid, readout.sees), (layer.grid, layer.sees));
    // By whichever name its layer is called.
    let aliased = with("/layers/1/name", json!("inception_4a/output/sae-1k")).unwrap();
    assert_eq!(aliased.layers[1].name, "mixed4a/sae-1k");
}

#[test]
fn a_dictionary_belongs_to_latents() {
    let files = good()["layers"][1]["dictionary"].clone();
    let mut bundle = good();
    bundle["layers"][0]["dictionary"] = files;
    let error = parse(&bundle).unwrap_err().to_string();
    assert!(error.contains("layers[0].dictionary") && error.contains("no latents"), "{error}");
}

#[test]
fn a_dictionary_must_fit_its_layer() {
    let model = models::info("googlenet").unwrap();
    let bundle = parse(&good()).unwrap();
    let layer = bundle.layer("mixed4a/sae-1k").unwrap();
    let made = |channels, latents| {
        let config = Config {
            channels,
            latents,
            activation: Activation::TopK { k: 3 },
            centred: true,
            prefixes: vec![latents],
            revival: None,
        };
        let numbers = Parameters::zeros(&config);
        let dictionary = Dictionary::new(config, numbers).unwrap();
        dictionary::write(&dictionary, &Made::default(), Precision::F16).unwrap()
    };
    let told = |files: &Files| {
        layer.dictionary(&model, files.config.as_bytes(), &files.weights).map_err(|e| e.to_string())
    };
    let good = made(512, 1000);
    assert_eq!(told(&good).unwrap().config().latents, 1000);
    assert!(told(&made(508, 1000)).unwrap_err().contains("508 channels; mixed4a has 512"));
    assert!(told(&made(512, 999)).unwrap_err().contains("999 latents, the bundle 1000"));
    let cut = Files { weights: good.weights[..100].to_vec(), ..good.clone() };
    assert!(told(&cut).is_err());
    let readouts = layer
        .readouts(&model, good.config.as_bytes(), &good.weights, &crate::device::cpu())
        .unwrap();
    let derived = &readouts[&("mixed4a".to_owned(), "sae-1k".to_owned())];
    assert_eq!(derived.info, layer.info(&model).unwrap());
    assert_eq!(derived.sha256, dictionary::sha256(good.config.as_bytes(), &good.weights));
}

#[test]
fn no_path_leaves_the_folder() {
    let escapes = [
        "",
        "/etc/passwd",
        "..",
        "../weights",
        "a/../../b",
        "a//b",
        "./a",
        "a/.",
        "a/..",
        ".hidden",
        "a\\b",
        "..\\b",
        "C:/b",
        "c:b",
        "https://example.org/a",
        "//example.org/a",
        "%2e%2e/a",
        "a?b",
        "a#b",
        "a b",
        "a\0b",
        "ä",
        "a/",
        "trailing.",
        "bundle.json",
    ];
    for path in escapes {
        let error = with("/weights/path", json!(path)).unwrap_err().to_string();
        assert!(error.contains("weights.path"), "{path:?}: {error}");
    }
    assert!(with("/weights/path", json!("a".repeat(201))).is_err());
    for path in ["weights.safetensors", "deep/er/we-ights_1.f16.safetensors"] {
        assert!(with("/weights/path", json!(path)).is_ok(), "{path}");
    }
}

#[test]
fn a_part_that_comes_without_its_bundle_is_held_to_the_same_rules() {
    let good = Part::of("gallery/0.jpg", b"sheet");
    good.validate().unwrap();
    let wrong = [
        ("path", Part { path: "../secret".to_owned(), ..good.clone() }),
        ("path", Part { path: "a%2fb".to_owned(), ..good.clone() }),
        ("size", Part { size: 0, ..good.clone() }),
        ("size", Part { size: WEIGHTS_LIMIT + 1, ..good.clone() }),
        ("sha256", Part { sha256: "A".repeat(64), ..good.clone() }),
        ("sha256", Part { sha256: String::new(), ..good }),
    ];
    for (field, part) in wrong {
        let error = part.validate().unwrap_err().to_string();
        assert!(error.contains(&format!(": {field}: ")), "{error}");
    }
}

#[test]
fn prose_nesting_and_size_are_no_danger() {
    for bytes in [&b""[..], b"<html>", b"[]", b"null", b"\xff\xfe", b"{\"schema\": [2, 0]"] {
        assert!(Bundle::parse(bytes).is_err());
    }
    assert!(Bundle::parse("[".repeat(100_000).as_bytes()).is_err());
    assert!(Bundle::parse(&vec![b' '; MANIFEST_LIMIT + 1]).is_err());
    // Eight million bytes that would become 32 times as many.
    let many = format!("[{}0]", "0,".repeat(VALUES_LIMIT));
    let error = parse_json("exemplars", many.as_bytes(), usize::MAX).unwrap_err().to_string();
    assert!(error.contains("exemplars") && error.contains("values"), "{error}");
}

#[test]
fn a_part_with_a_byte_missing_or_changed_is_refused() {
    let part = Part::of("weights.safetensors", b"weights");
    part.check(b"weights").unwrap();
    let short = part.check(b"weight").unwrap_err().to_string();
    assert!(short.contains("weights.safetensors") && short.contains('6'), "{short}");
    let changed = part.check(b"Weights").unwrap_err().to_string();
    assert!(changed.contains("sha256"), "{changed}");
}

#[test]
fn labels_are_one_a_class() {
    let labels: Vec<_> = ["tench, Tinca tinca", "goldfish"].map(str::to_owned).into();
    let text = labels_to_text(&labels);
    assert_eq!(labels_from_bytes(text.as_bytes(), 2).unwrap(), labels);
    assert!(labels_from_bytes(text.as_bytes(), 3).is_err());
    assert!(labels_from_bytes(b"tench\n\n", 2).is_err());
    assert!(labels_from_bytes(b"tench\x1b[2J\ngoldfish\n", 2).is_err());
    assert!(labels_from_bytes(b"\xff\ngoldfish\n", 2).is_err());
}
