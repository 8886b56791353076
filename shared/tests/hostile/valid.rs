//! Sound inputs of every kind, small enough that an accident somewhere matters.

use std::collections::BTreeMap;

use miniz_oxide::deflate::compress_to_vec;
use serde_json::json;
use shared::format::bundle::{
    Bundle, DictionaryFiles, Dreams, Entry as Listed, Gallery, Index, Layer, Part, SCHEMA, Sprites,
};
use shared::format::credits::{self, Credit};
use shared::format::dictionary::{self, Made};
use shared::format::exemplars::{
    BARS, Exemplar, Exemplars, Reference, Statistic, UnitExemplars, Whole,
};
use shared::format::recipe::{Recipe, encode_png};
use shared::format::shards::saev::{self, Metadata};
use shared::format::shards::{Description, Named, Record, data_path, pictures_path};
use shared::format::worth::{Latent, Worth};
use shared::image::Picture;
use shared::readout::dictionary::{Activation, Config, Dictionary, Parameters};
use shared::visualize::Settings;
use shared::weights::{NamedTensor, NamedTensors, Precision, to_safetensors};

use crate::parsers::{N_LATENTS, N_PICTURES, N_UNITS, layout, worth};
use crate::protobuf::{field, number_field};
use crate::pth::{Saved, dict, legacy, pth, weights};
use crate::zip::{Entry, zip, zip64};

pub fn objectives() -> Vec<Vec<u8>> {
    [
        "mixed4a:11 + 0.5*mixed4b:3@center - logits:1",
        r#"logits:"a \"quoted\" dumbbell" - 1e-3*tv - 1e-4*l2 - 1e2*similar(inception_4a/output)"#,
        r"-mixed4c/{zig\}zag} + blocks.-2:7@3,14 - inception4a.branch1.conv",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

fn tensors() -> NamedTensors {
    let tensor = |shape: &[usize]| {
        let length = shape.iter().product();
        NamedTensor {
            shape: shape.to_vec(),
            values: (0..length).map(|value| value as f32 / 8.0).collect(),
        }
    };
    let named =
        [("conv1/7x7_s2.weight", tensor(&[2, 3, 1, 2])), ("conv1/7x7_s2.bias", tensor(&[2]))];
    named.map(|(name, tensor)| (name.to_owned(), tensor)).into()
}

pub fn safetensors() -> Vec<Vec<u8>> {
    let metadata = BTreeMap::from([("licence".to_owned(), "none".to_owned())]);
    [Precision::F16, Precision::F32, Precision::Q8]
        .map(|precision| to_safetensors(&tensors(), precision, &metadata).unwrap())
        .into()
}

/// Networks of one convolution, in the two layouts that Caffe has used: `caffe.proto`, `NetParameter`
/// with `layer` (100) and blobs with a `shape`, or with the older `layers` (2) and four sides.
pub fn caffemodels() -> Vec<Vec<u8>> {
    let values = |length: u8| {
        (0..length).flat_map(|value| f32::from(value).to_le_bytes()).collect::<Vec<_>>()
    };
    let packed = |length| field(5, &values(length));
    let shaped = |sides: &[u8], length| [field(7, &field(1, sides)), packed(length)].concat();
    let four_sided = |sides: [usize; 4], length| {
        let sides = (1..).zip(sides).flat_map(|(number, side)| number_field(number, side));
        sides.chain(packed(length)).collect::<Vec<u8>>()
    };
    let current = [
        field(1, b"conv1/7x7_s2"),
        field(2, b"Convolution"),
        field(7, &shaped(&[2, 3, 1, 2], 12)),
        field(7, &shaped(&[2], 2)),
    ];
    let older = [
        field(4, b"conv1/7x7_s2"),
        number_field(5, 4),
        field(6, &four_sided([2, 3, 1, 2], 12)),
        field(6, &four_sided([1, 1, 1, 2], 2)),
    ];
    vec![
        [field(1, b"tiny"), field(100, &current.concat())].concat(),
        [field(1, b"tiny"), field(2, &older.concat())].concat(),
    ]
}

/// A training script's checkpoint, in both layouts, and a whole model.
pub fn checkpoints() -> Vec<Vec<u8>> {
    let parameters = weights(&tensors(), "module.");
    let known = dict([("step", Saved::Number(7)), ("exp_avg", weights(&tensors(), ""))]);
    let checkpoint = dict([
        ("model", parameters.clone()),
        ("optimizer", dict([("state", Saved::Numbered(vec![known]))])),
        ("losses", Saved::List(vec![Saved::Number(3), Saved::Number(2)])),
        ("args", Saved::Object("Namespace", dict([("lr", Saved::Text("0.1"))]).into())),
    ]);
    let model = Saved::Object("Net", dict([("_parameters", parameters)]).into());
    vec![pth("archive", &checkpoint), legacy(&checkpoint), pth("m", &model)]
}

pub fn bundles() -> Vec<Vec<u8>> {
    let info = shared::models::info("googlenet").unwrap();
    let (weights, labels) =
        (Part::of("weights.safetensors", b"w"), Part::of("text/labels.txt", b"l"));
    let plain = Bundle::new(&info, Some(weights), labels);
    let sprites = |name: &str, side, count| Sprites {
        side,
        columns: 2,
        rows: 1,
        count,
        sheets: (0..usize::div_ceil(count, 2))
            .map(|sheet| Part::of(&format!("{name}/{sheet}.jpg"), b"s"))
            .collect(),
    };
    let mut whole = plain.clone();
    whole.gallery = Some(Gallery {
        credits: Part::of("gallery/credits.json", b"c"),
        sprites: sprites("gallery", 224, 3),
    });
    whole.layers = vec![Layer {
        dreams: Some(Dreams {
            units: vec![[0, 2], [7, 9]],
            sprites: sprites("mixed4a", 96, 4),
            settings: Settings::square(96),
            steps: 128,
            seed: 1,
            penalties: " - 1e-3*tv".to_owned(),
        }),
        exemplars: Some(tables(512).0),
        ..Layer::new("mixed4a")
    }];
    let part = |name: &str| Part::of(&format!("mixed4a/sae-3/{name}"), b"part");
    let page = latents().remove(0);
    whole.layers.push(Layer {
        latents: Some(N_LATENTS),
        dictionary: Some(DictionaryFiles { config: part("c.json"), weights: part("w") }),
        worth: Some(Worth { records: vec![Part::of("latents.bin", &page)], ..worth() }),
        ..Layer::new("mixed4a/sae-3")
    });
    [plain, whole].map(|bundle| bundle.to_json().unwrap().into_bytes()).into()
}

pub fn latents() -> Vec<Vec<u8>> {
    let latent = |unit: usize| Latent {
        measures: [0.1, 2.0, 7.5, 0.5, 0.25, 0.75, 0.0],
        place: [unit as f32 / N_LATENTS as f32, -1.0],
        partner: (unit != 1).then_some(7),
        nearest: vec![(unit + 1) % N_LATENTS],
    };
    let latents: Vec<Latent> = (0..N_LATENTS).map(latent).collect();
    let mut pages = Vec::new();
    worth().write(&latents, |_, bytes| {
        let part = Part::of("latents.bin", &bytes);
        pages.push(bytes);
        part
    });
    pages
}

/// `cfg.json`, a zero and the numbers, of every kind.
pub fn dictionaries() -> Vec<Vec<u8>> {
    let of = |activation| {
        let config = Config {
            channels: 3,
            latents: 5,
            activation,
            centred: true,
            prefixes: vec![5],
            revival: None,
        };
        let mut numbers = Parameters::zeros(&config);
        numbers.all_mut().into_iter().flatten().for_each(|number| *number = 0.25);
        let dictionary = Dictionary::new(config, numbers).unwrap();
        let files = dictionary::write(&dictionary, &Made::default(), Precision::F16).unwrap();
        [files.config.as_bytes(), &[0], &files.weights].concat()
    };
    [
        Activation::Relu { l1: 0.0, by_norm: false },
        Activation::TopK { k: 2 },
        Activation::jump(),
        Activation::Gated { l1: 0.0 },
    ]
    .map(of)
    .into()
}

pub fn indexes() -> Vec<Vec<u8>> {
    let entry = |path: &str, weights, weights_coming| Listed {
        path: path.to_owned(),
        title: path.to_uppercase(),
        weights,
        weights_coming,
    };
    let bundles = vec![entry("googlenet", Some(false), true), entry("more/lite", None, false)];
    vec![Index { schema: SCHEMA, bundles }.to_json().unwrap().into_bytes()]
}

pub fn credits() -> Vec<Vec<u8>> {
    let credit = |title: &str| Credit {
        file: format!("animals/{title}.jpg"),
        title: title.to_owned(),
        category: "animals".to_owned(),
        kinds: vec!["animal".to_owned()],
        author: "Ein Künstler".to_owned(),
        licence: "CC0-1.0".to_owned(),
        licence_url: "https://creativecommons.org/publicdomain/zero/1.0/".to_owned(),
        source: "a package".to_owned(),
        changes: "cropped".to_owned(),
        origin: Some("https://example.org/".to_owned()),
        note: Some("sharpened before".to_owned()),
    };
    let credits: Vec<Credit> = ["cat", "owl", "yak"].map(credit).into();
    assert_eq!(credits.len(), N_PICTURES);
    vec![credits::to_json(&credits).unwrap().into_bytes()]
}

/// The exemplars of a layer of so many units, and the pages of their tables.
pub fn tables(units: usize) -> (Exemplars, Vec<Vec<u8>>) {
    let unit = |value: f32| UnitExemplars {
        top: vec![
            Exemplar { picture: 2, value, row: 13, column: 0 },
            Exemplar { picture: 0, value: value / 2.0, row: 0, column: 13 },
        ],
        quantiles: std::array::from_fn(|step| step as f32 * value),
        histogram: [41; BARS],
        zero_share: 0.25,
        elsewhere: None,
    };
    let whole = Whole {
        statistic: Statistic::Mean,
        pictures: N_PICTURES,
        positions: [14, 14],
        heat: [7, 7],
        reference: None,
        units: (0..units).map(|value| unit(value as f32)).collect(),
        maps: vec![vec![7; 2 * 49]; units],
    };
    let mut pages = Vec::new();
    let exemplars = whole.measured_by(Reference { pictures: 700, best: vec![8.5; units] }).write(
        |kind, page, bytes| {
            let part = Part::of(&format!("mixed4a/{kind:?}-{page}.bin").to_lowercase(), &bytes);
            pages.push(bytes);
            part
        },
    );
    (exemplars, pages)
}

/// A page of records and one of heat maps.
pub fn exemplars() -> Vec<Vec<u8>> {
    tables(N_UNITS).1
}

/// A description of a store and the record of its last shard; the same in saev's words.
pub fn shards() -> Vec<Vec<u8>> {
    let layout = layout();
    let preprocessing = shared::models::info("googlenet").unwrap().preprocessing;
    let hash = "ab".repeat(32);
    let named = Named {
        model: "made-up".to_owned(),
        weights_sha256: hash.clone(),
        preprocessing,
        pictures_sha256: hash.clone(),
        titles_sha256: Some(hash.clone()),
    };
    let part = |path: String, size| Part { path, size, sha256: hash.clone() };
    let record = Record {
        store_sha256: hash.clone(),
        shard: 2,
        first: 8,
        examples: 3,
        unreadable: vec![9],
        arrays: vec![part(data_path(2, 0, &hash, &layout), layout.file_bytes(2, 0))],
        pictures: part(pictures_path(2, &hash), 100),
    };
    let list = serde_json::to_vec(&saev::list(&layout)).unwrap();
    let store = Description { named, layout };
    let metadata = Metadata::of(&store, 11).unwrap();
    vec![
        store.to_json().unwrap().into_bytes(),
        record.to_json().unwrap().into_bytes(),
        serde_json::to_vec(&metadata).unwrap(),
        list,
    ]
}

pub fn sites() -> Vec<Vec<u8>> {
    let part = |path: &str| serde_json::to_value(Part::of(path, b"f")).unwrap();
    let files = ["index.html", "page-1.js", "page-1_bg.wasm", "dreams/a.jpg"].map(part);
    let site = json!({ "version": "0123456789abcdef", "script": "page-1.js", "files": files });
    vec![site.to_string().into_bytes()]
}

/// A bundle in an archive, stored, and one in a folder of it, deflated.
pub fn zips() -> Vec<Vec<u8>> {
    let stored = [
        Entry::stored("bundle.json", &bundles()[0]),
        Entry::stored("weights.safetensors", b"w"),
        Entry::stored("text/labels.txt", b"l"),
    ];
    let deflated = stored.clone().map(|entry| Entry {
        name: format!("googlenet/{}", entry.name),
        method: 8,
        data: compress_to_vec(&entry.data, 6),
        ..entry
    });
    vec![zip(&stored), zip(&deflated), zip64(&stored)]
}

pub fn labels() -> Vec<Vec<u8>> {
    vec!["tench, Tinca tinca\ncrane\ndumbbell\nécureuil\n".as_bytes().to_vec()]
}

fn recipe_value() -> Recipe {
    Recipe {
        version: "0.1.0".to_owned(),
        model: "googlenet".to_owned(),
        model_sha256: "0f".repeat(32),
        objective: "mixed4a:11 + mixed4a/{stripes} - 1e-3*tv".to_owned(),
        settings: Settings { batch: 3, ..Settings::square(96) },
        seed: u64::MAX,
        step: 512,
        batch_index: 2,
        readouts: [("mixed4a/{stripes}".to_owned(), "0f".repeat(32))].into(),
    }
}

pub fn recipes() -> Vec<Vec<u8>> {
    vec![serde_json::to_vec(&recipe_value()).unwrap()]
}

pub fn recipe_pictures() -> Vec<Vec<u8>> {
    let picture = Picture::from_rgb8(2, 1, &[0, 128, 255, 3, 2, 1]).unwrap();
    vec![encode_png(&picture, Some(&recipe_value())).unwrap()]
}
