//! Every reader of outside input, with what must hold of anything it accepts.
//!
//! Each takes any bytes and says whether they were accepted. The fuzz targets call the same.

use shared::format::archive::Archive;
use shared::format::bundle::{Bundle, Index, Part, labels_from_bytes};
use shared::format::credits;
use shared::format::dictionary;
use shared::format::exemplars::{Exemplars, Heat, Records, Statistic};
use shared::format::png::{self, Text};
use shared::format::recipe::{KEYWORD, recipe_from_png};
use shared::format::shards::saev::{self, Metadata};
use shared::format::shards::{Array, Description, Dtype, Layout, Record, TokenKind};
use shared::format::site::{PAGE, Site};
use shared::format::worth::{Latents, Measure, Worth};
use shared::visualize::Objective;
use shared::weights::{StoredTensors, from_caffemodel, from_pytorch, from_safetensors};

/// Classes of the labels that are read.
pub const N_CLASSES: usize = 4;

/// Pictures of the gallery that credits and exemplars are read for.
pub const N_PICTURES: usize = 3;

/// Latents that are read.
pub const N_LATENTS: usize = 3;

/// Channels of the layer whose exemplars are read.
pub const N_UNITS: usize = 2;

/// An objective that is accepted prints as what it parses to.
pub fn objective(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(objective) = text.parse::<Objective>() else { return false };
    let printed = objective.to_string();
    // White space that was left out makes room for escapes, but not always enough.
    if printed.len() <= shared::visualize::objective::MAX_LENGTH {
        assert_eq!(printed.parse(), Ok(objective), "{printed}");
    }
    true
}

/// Safetensors that are accepted have as many values as their shapes say.
pub fn safetensors(bytes: &[u8]) -> bool {
    from_safetensors(bytes).is_ok_and(are_whole)
}

/// A Caffe model that is accepted has as many values as its shapes say.
pub fn caffemodel(bytes: &[u8]) -> bool {
    from_caffemodel(bytes).is_ok_and(are_whole)
}

/// What PyTorch saved and is accepted has as many values as its shapes say.
pub fn pytorch(bytes: &[u8]) -> bool {
    from_pytorch(bytes).is_ok_and(are_whole)
}

fn are_whole(tensors: StoredTensors<'_>) -> bool {
    for (name, tensor) in tensors {
        assert_eq!(tensor.shape.iter().product::<usize>(), tensor.values.len(), "{name}");
    }
    true
}

/// A bundle that is accepted stays in its folder and survives being written again.
pub fn bundle(bytes: &[u8]) -> bool {
    let Ok(bundle) = Bundle::parse(bytes) else { return false };
    for part in bundle.parts() {
        let steps = part.path.split(['/', '\\']);
        assert!(steps.clone().all(|step| !["", ".", ".."].contains(&step)), "{:?}", part.path);
        assert_eq!(part.sha256.len(), 64);
    }
    let written = bundle.to_json().expect("an accepted bundle can be written");
    assert_eq!(Bundle::parse(written.as_bytes()).ok(), Some(bundle));
    true
}

/// An archive that is accepted gives the parts that its bundle describes, or none in their place.
pub fn zip(bytes: &[u8]) -> bool {
    let Ok(archive) = Archive::open(bytes.to_vec()) else { return false };
    for part in archive.bundle().parts() {
        if let Ok(bytes) = archive.unpack(part) {
            assert_eq!(Part::of(&part.path, &bytes), *part);
        }
    }
    bundle(archive.json().as_bytes())
}

/// A list of bundles that is accepted stays in its folder and survives being written again.
pub fn index(bytes: &[u8]) -> bool {
    let Ok(index) = Index::parse(bytes) else { return false };
    for entry in &index.bundles {
        assert!(!entry.path.split('/').any(|step| ["", ".", ".."].contains(&step)));
    }
    let written = index.to_json().expect("an accepted list can be written");
    assert_eq!(Index::parse(written.as_bytes()).ok(), Some(index));
    true
}

/// Credits that are accepted are one for each picture, and their licences are no programs.
pub fn credits(bytes: &[u8]) -> bool {
    let Ok(credits) = credits::from_json(bytes, N_PICTURES) else { return false };
    assert_eq!(credits.len(), N_PICTURES);
    assert!(credits.iter().all(|credit| credit.licence_url.starts_with("https://")));
    true
}

/// Exemplars that are accepted are of pictures and places that exist.
pub fn exemplars(bytes: &[u8]) -> bool {
    let exemplars = Exemplars {
        statistic: Statistic::Mean,
        pictures: N_PICTURES,
        positions: [14, 14],
        heat: [7, 7],
        top: 2,
        reference: Some(700),
        usual: 1.0,
        units: N_UNITS,
        page: 256,
        records: Vec::new(),
        maps: Vec::new(),
    };
    if let Ok(heat) = Heat::open(&exemplars, 0, bytes.to_vec()) {
        assert_eq!(heat.map(N_UNITS - 1, exemplars.top - 1).map(<[u8]>::len), Some(49));
        return true;
    }
    let Ok(records) = Records::open(&exemplars, N_PICTURES, 0, bytes.to_vec()) else {
        return false;
    };
    let [rows, columns] = exemplars.positions;
    for exemplar in (0..N_UNITS).flat_map(|unit| records.top(unit)) {
        assert!(exemplar.picture < N_PICTURES && exemplar.value.is_finite());
        assert!(exemplar.row < rows && exemplar.column < columns);
    }
    true
}

/// What the latents of a page that is read are measured by.
pub fn worth() -> Worth {
    Worth {
        activations: 980_000,
        normalized_mse: 0.2,
        l0: 32.0,
        measured: vec![Measure::Frequency],
        mapped: true,
        nearest: 2,
        units: N_LATENTS,
        page: 256,
        records: Vec::new(),
    }
}

/// Latents that are accepted have finite measures, places on the map, and neighbours that exist.
pub fn latents(bytes: &[u8]) -> bool {
    let Ok(latents) = Latents::open(&worth(), 0, bytes.to_vec()) else { return false };
    for latent in (0..N_LATENTS).filter_map(|unit| latents.latent(unit)) {
        assert!(latent.measures.iter().all(|number| number.is_finite()));
        assert!(latent.place.iter().all(|number| number.abs() <= 1.0));
        assert!(latent.nearest.iter().all(|other| *other < N_LATENTS));
    }
    true
}

/// A dictionary that is accepted finds finite latents in an activation. Its `cfg.json` comes first,
/// then a zero, then its numbers.
pub fn dictionary(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (config, weights) = bytes.split_at(end);
    let weights = weights.get(1..).unwrap_or_default();
    let Ok((dictionary, _)) = dictionary::read(config, weights) else { return false };
    let channels = dictionary.config().channels;
    let codes = dictionary.codes(&vec![0.5; channels]);
    assert!(codes.uses.iter().all(|used| (used.latent as usize) < dictionary.config().latents));
    assert_eq!(dictionary.decode(&codes).len(), channels);
    true
}

/// The layout of the store whose records are read.
pub fn layout() -> Layout {
    let array = Array {
        layers: vec!["blocks.3".to_owned(), "blocks.11".to_owned()],
        channels: 6,
        tokens: 5,
        extra: 1,
        grid: Some([2, 2]),
    };
    Layout {
        examples: 11,
        tokens: TokenKind::All,
        dtype: Dtype::F32,
        examples_per_shard: 4,
        arrays: vec![array],
    }
}

/// What a store says of itself and its shards, ours or saev's: what is accepted has a size that can
/// be had, and ours survives being written again.
pub fn shards(bytes: &[u8]) -> bool {
    if let Ok(store) = Description::parse(bytes) {
        let written = store.to_json().expect("an accepted description can be written");
        assert_eq!(Description::parse(written.as_bytes()).ok(), Some(store.clone()));
        assert_bounded(&store.layout);
        return true;
    }
    let layout = layout();
    if let Ok(record) = Record::parse(bytes, 2, &"ab".repeat(32), &layout) {
        assert!(record.arrays.iter().all(|part| !part.path.contains('/')));
        assert!(record.unreadable.iter().all(|number| (8..11).contains(number)));
        return true;
    }
    if let Ok(metadata) = Metadata::parse(bytes) {
        assert_eq!(metadata.hash().expect("accepted metadata has a hash").len(), 8);
        assert_bounded(&metadata.layout());
        return true;
    }
    saev::check_list(bytes, &layout).is_ok()
}

fn assert_bounded(layout: &Layout) {
    for array in 0..layout.arrays.len() {
        assert!(layout.file_bytes(0, array) <= 1 << 40);
    }
}

/// A site's list that is accepted names the page and its programs.
pub fn site(bytes: &[u8]) -> bool {
    let Ok(site) = Site::parse(bytes) else { return false };
    for needed in [PAGE, &site.script, &site.module()] {
        assert!(site.files.iter().any(|file| file.path == needed), "{needed}");
    }
    true
}

/// Labels that are accepted are as many as there are classes.
pub fn labels(bytes: &[u8]) -> bool {
    let Ok(labels) = labels_from_bytes(bytes, N_CLASSES) else { return false };
    assert_eq!(labels.len(), N_CLASSES);
    true
}

/// A recipe that is accepted is one that can be cooked.
pub fn recipe_png(bytes: &[u8]) -> bool {
    let Ok(Some(recipe)) = recipe_from_png(bytes) else { return false };
    recipe.validate().expect("an accepted recipe is valid");
    true
}

/// A recipe's text, packed into a sound picture first.
pub fn recipe(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let text = Text { keyword: KEYWORD, text: &text };
    png::encode(1, 1, &[0; 3], &[text]).is_ok_and(|picture| recipe_png(&picture))
}
