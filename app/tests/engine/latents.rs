//! Latents of a bundle's dictionary: a layer like any other.

use app::protocol::{
    Classified, Classify, DeviceChoice, Event, FailureKind, NOBODY, OpenDevice, PictureSize,
    RequestId, Respond, Responded,
};
use shared::format::bundle::{Bundle, DictionaryFiles, Layer, Part};
use shared::format::dictionary::{Made as About, sha256, write};
use shared::format::recipe::Recipe;
use shared::readout::dictionary::{Activation, Config, Dictionary, Parameters};
use shared::weights::Precision;

use crate::made::{MADE, Made};
use crate::page::Page;
use crate::waves::waves;

const CHANNELS: usize = 512;
const LATENTS: usize = 24;
/// A picture that is cut, whoever looks at it.
const SIZE: PictureSize = PictureSize { width: 300, height: 260 };
const LAYER: &str = "mixed4a/sae-24";
const CONFIG: &str = "https://page.example/bundles/googlenet/mixed4a/sae-24/cfg.json";
const WEIGHTS: &str =
    "https://page.example/bundles/googlenet/mixed4a/sae-24/sae_weights.safetensors";

fn dictionary() -> Dictionary {
    let activation = Activation::TopK { k: 6 };
    let config = Config {
        channels: CHANNELS,
        latents: LATENTS,
        activation,
        centred: true,
        prefixes: vec![LATENTS],
        revival: None,
    };
    let mut numbers = Parameters::zeros(&config);
    let mut number = 0.0_f64;
    for values in numbers.all_mut() {
        for value in values {
            number += 1.0;
            *value = ((number * 1.7).sin() * 0.1) as f32;
        }
    }
    Dictionary::new(config, numbers).unwrap()
}

/// A page whose bundle has the dictionary, in half precision; said to have so many latents.
fn page(dictionary: &Dictionary, latents: usize) -> (Page, String) {
    let files = write(dictionary, &About::default(), Precision::F16).unwrap();
    let config = files.config.into_bytes();
    let of_layer = Layer {
        latents: Some(latents),
        dictionary: Some(DictionaryFiles {
            config: Part::of("mixed4a/sae-24/cfg.json", &config),
            weights: Part::of("mixed4a/sae-24/sae_weights.safetensors", &files.weights),
        }),
        ..Layer::new(LAYER)
    };
    let sha256 = sha256(&config, &files.weights);
    let bundle = Bundle { layers: vec![of_layer], ..MADE.bundle.clone() };
    let mut page = Page::new();
    MADE.serve(&page.world);
    {
        let mut served = page.world.files.borrow_mut();
        served.insert(Made::BUNDLE.to_owned(), Ok(bundle.to_json().unwrap().into_bytes()));
        served.insert(CONFIG.to_owned(), Ok(config));
        served.insert(WEIGHTS.to_owned(), Ok(files.weights));
    }
    page.world.allow_breaths(usize::MAX);
    page.ask(OpenDevice(DeviceChoice::Automatic));
    let load = page.load();
    page.drive();
    assert_eq!(page.end(load), Some(Event::Done));
    (page, sha256)
}

fn picture() -> Vec<u8> {
    waves(SIZE.width, SIZE.height, 0).to_rgba8()
}

fn classify(page: &mut Page, layer: &str, channels: usize) -> RequestId {
    let ask = Classify { picture: SIZE, layer: layer.to_owned(), channels, at_each_place: 3 };
    let id = page.ask_with(ask, vec![picture()]);
    page.drive();
    id
}

/// What was said, and each channel's map by its number, `[channels, places]`.
fn maps(page: &Page, id: RequestId, channels: usize) -> (Classified, Vec<Vec<f32>>) {
    let said = page.said(id).into_iter().next().unwrap();
    let Event::Classified(seen) = said.message.event else { panic!("{:?}", said.message) };
    let mut maps = vec![Vec::new(); channels];
    let before = said.buffers.len() - seen.channels.len();
    for (channel, buffer) in seen.channels.iter().zip(&said.buffers[before..]) {
        maps[channel.channel] = numbers(buffer);
    }
    (seen, maps)
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

/// What the layer gives, `[places, channels]`.
fn activations(page: &mut Page) -> Vec<f32> {
    let id = classify(page, "mixed4a", CHANNELS);
    let (_, channels) = maps(page, id, CHANNELS);
    (0..channels[0].len()).flat_map(|place| channels.iter().map(move |map| map[place])).collect()
}

/// Of the dictionary in half precision, as it was served.
fn halved(dictionary: &Dictionary) -> Dictionary {
    let files = write(dictionary, &About::default(), Precision::F16).unwrap();
    shared::format::dictionary::read(files.config.as_bytes(), &files.weights).unwrap().0
}

#[test]
fn latents_and_their_maps_are_what_the_dictionary_finds_in_its_layer() {
    let dictionary = dictionary();
    let (mut page, _) = page(&dictionary, LATENTS);
    let activations = activations(&mut page);
    let places = activations.len() / CHANNELS;
    let codes = halved(&dictionary).codes(&activations);
    let mut expected = vec![vec![0.0; places]; LATENTS];
    let placed = (0..places)
        .flat_map(|place| codes.of(place..place + 1).iter().map(move |used| (place, used)));
    for (place, used) in placed {
        expected[used.latent as usize][place] = used.pre;
    }
    let largest = expected.iter().flatten().copied().fold(0.0_f32, f32::max);
    assert!(0.0 < largest);

    // By another of its layer's names.
    let id = classify(&mut page, "inception_4a/output/sae-24", LATENTS);
    let (seen, found) = maps(&page, id, LATENTS);
    assert_eq!((seen.layer.as_str(), seen.map.width, seen.top.len()), (LAYER, 14, 5));
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() <= 1e-4 * largest, "{found}, {expected}");
    }

    let ask = Respond { layer: LAYER.to_owned(), channel: 3, pictures: vec![SIZE] };
    let id = page.ask_with(ask, vec![picture()]);
    page.drive();
    let said = page.said(id).into_iter().next().unwrap();
    let Event::Responded(Responded { max, .. }) = said.message.event else { panic!("no answer") };
    let highest = expected[3].iter().copied().fold(f32::NEG_INFINITY, f32::max);
    assert!((max - highest).abs() <= 1e-4 * largest, "{max}, {highest}");
    for (found, expected) in numbers(&said.buffers[0]).iter().zip(&expected[3]) {
        assert!((found - expected).abs() <= 1e-4 * largest, "{found}, {expected}");
    }
}

#[test]
fn what_is_strongest_at_a_place_and_what_it_explains_there_are_the_dictionarys() {
    let dictionary = dictionary();
    let (mut page, _) = page(&dictionary, LATENTS);
    let activations = activations(&mut page);
    let places = activations.len() / CHANNELS;
    let halved = halved(&dictionary);
    let codes = halved.codes(&activations);
    let bias = &halved.parameters().decoder_bias;
    let made = halved.decode(&codes);
    let squares = |one: &[f32], other: &[f32]| {
        one.iter().zip(other).map(|(one, other)| f64::from(one - other).powi(2)).sum::<f64>()
    };

    // None is asked for but those that are strongest somewhere.
    let id = classify(&mut page, LAYER, 0);
    let said = page.said(id).into_iter().next().unwrap();
    let Event::Classified(seen) = said.message.event else { panic!("{:?}", said.message) };
    assert_eq!(said.buffers.len(), 3 + seen.channels.len());
    let listed: Vec<u32> = said.buffers[1]
        .chunks_exact(4)
        .map(|four| u32::from_le_bytes(four.try_into().unwrap()))
        .collect();
    let shares = numbers(&said.buffers[2]);
    assert_eq!((listed.len(), shares.len()), (3 * places, places));
    let (mut left, mut whole) = (0.0, 0.0);
    for place in 0..places {
        let mut used = codes.of(place..place + 1).to_vec();
        used.sort_by(|one, other| other.pre.total_cmp(&one.pre));
        for (rank, &index) in listed[3 * place..][..3].iter().enumerate() {
            match used.get(rank) {
                Some(used) => {
                    let map = numbers(&said.buffers[3 + index as usize]);
                    let near = (map[place] - used.pre).abs() <= 1e-4 * used.pre;
                    assert!(near, "place {place}: {}, {used:?}", map[place]);
                }
                None => assert_eq!(index, NOBODY),
            }
        }
        let here = place * CHANNELS..(place + 1) * CHANNELS;
        let activation = &activations[here.clone()];
        let [rest, all] = [squares(&made[here], activation), squares(bias, activation)];
        let expected = 1.0 - rest / all;
        assert!((f64::from(shares[place]) - expected).abs() < 1e-4, "{place}: {expected}");
        (left, whole) = (left + rest, whole + all);
    }
    assert!((f64::from(seen.explained.unwrap()) - (1.0 - left / whole)).abs() < 1e-4);
}

#[test]
fn a_latent_is_dreamed_and_its_recipe_says_of_which_dictionary() {
    let (mut page, sha256) = page(&dictionary(), LATENTS);
    for objective in ["mixed4a/sae-24:3", "only(mixed4a/sae-24:3)"] {
        let dream = page.dream(objective, 64, 4, false);
        page.drive();
        assert_eq!(page.end(dream), Some(Event::Done), "{objective}");
        let steps = page.steps(dream);
        assert!(steps[3].0.loss < steps[0].0.loss, "{objective}: {steps:?}");
        let recipe: Recipe = serde_json::from_str(&steps[3].0.recipe).unwrap();
        assert_eq!(recipe.readouts, [(LAYER.to_owned(), sha256.clone())].into());
    }
}

#[test]
fn the_same_latents_are_there_on_another_device() {
    let (mut page, _) = page(&dictionary(), LATENTS);
    let before = classify(&mut page, LAYER, LATENTS);
    page.ask(OpenDevice(DeviceChoice::WebGpu));
    let after = classify(&mut page, LAYER, LATENTS);
    assert_eq!(maps(&page, before, LATENTS).1, maps(&page, after, LATENTS).1);
}

#[test]
fn a_dictionary_that_does_not_fit_is_named() {
    let (mut page, _) = page(&dictionary(), LATENTS + 1);
    let id = classify(&mut page, LAYER, LATENTS);
    let failure = page.failure(id);
    assert_eq!(failure.kind, FailureKind::Corrupted);
    assert!(failure.why.contains("24 latents, the bundle 25"), "{failure:?}");
}

#[test]
fn a_file_that_is_not_what_the_bundle_says_is_named() {
    let (mut page, _) = page(&dictionary(), LATENTS);
    page.world.files.borrow_mut().insert(CONFIG.to_owned(), Ok(b"{}".to_vec()));
    let id = classify(&mut page, LAYER, LATENTS);
    let failure = page.failure(id);
    assert_eq!(failure.kind, FailureKind::Download);
    assert!(failure.why.contains("cfg.json"), "{failure:?}");
}

#[test]
fn a_latent_beyond_the_last_is_refused() {
    let (mut page, _) = page(&dictionary(), LATENTS);
    let dream = page.dream("mixed4a/sae-24:24", 32, 1, false);
    page.drive();
    assert!(page.failure(dream).why.contains("24 latents"), "{:?}", page.failure(dream));
}
