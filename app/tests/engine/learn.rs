//! A dictionary that learns in the engine, and what comes of it.

use app::protocol::{
    Classified, Classify, DeviceChoice, Event, FailureKind, Gather, Gathered, Learn, Learned,
    NOBODY, OpenDevice, Pace, PictureSize, Recall, RequestId, SHOWN, Steer, Stop,
};
use shared::device::cpu;
use shared::format::dictionary::{Files, Made as About, read, write};
use shared::image::Picture;
use shared::models;
use shared::network::{Pass, Start};
use shared::readout::dictionary::{Activation, Config, Dictionary, Parameters};
use shared::weights::{Precision, from_safetensors};

use crate::made::{MADE, Made};
use crate::page::Page;
use crate::waves::waves;

const LAYER: &str = "mixed4a";
const CHANNELS: usize = 512;
const LATENTS: usize = 48;
const K: usize = 4;
const STEPS: usize = 40;
const PICTURES: usize = 5;
const PLACES: usize = 14 * 14;

/// Of the size that is not cut, as it travels.
fn picture(number: usize) -> Picture {
    Picture::from_rgba8(224, 224, &waves(224, 224, number).to_rgba8()).unwrap()
}

fn gather(page: &mut Page, layer: &str, number: usize, count: usize) -> RequestId {
    let size = PictureSize { width: 224, height: 224 };
    let ask = Gather { picture: size, layer: layer.to_owned(), number, count };
    let id = page.ask_with(ask, vec![picture(number).to_rgba8()]);
    page.drive();
    id
}

/// A page that has gathered all pictures.
fn page() -> Page {
    let mut page = MADE.page();
    page.world.allow_breaths(PICTURES);
    for number in 0..PICTURES {
        // By one of its other names.
        let id = gather(&mut page, "inception_4a/output", number, PICTURES);
        let said = page.said(id);
        let grid = PictureSize { width: 14, height: 14 };
        let expected = Gathered { places: (number + 1) * PLACES, grid };
        assert_eq!(said[0].message.event, Event::Gathered(expected));
        assert_eq!(page.end(id), Some(Event::Done));
    }
    page
}

fn learn(page: &mut Page, steps: usize) -> RequestId {
    page.world.allow_breaths(usize::MAX);
    let id = page.ask(Learn { latents: LATENTS, k: K, steps, seed: 3 });
    page.drive();
    id
}

/// All that was said of a dictionary, with its buffers.
fn told(page: &Page, id: RequestId) -> Vec<(Learned, Vec<Vec<u8>>)> {
    let said = page.said(id).into_iter();
    said.filter_map(|reply| match reply.message.event {
        Event::Learned(learned) => Some((learned, reply.buffers)),
        _ => None,
    })
    .collect()
}

/// What the layer gives for a crop, place by place.
fn activations(crop: &Picture) -> Vec<f32> {
    let weights = from_safetensors(&MADE.weights).unwrap();
    let model = models::load("googlenet", weights, &cpu()).unwrap();
    let input = model.info().preprocessing.apply(crop.to_tensor(&cpu()));
    let layer = model.info().layer_id(LAYER).unwrap();
    let caught = model.forward(Start::Picture(input), &Pass::to(&[layer])).unwrap();
    let grid = caught.grid(layer).unwrap().into_data().try_into_vec::<f32>().unwrap();
    let at = |place| (0..CHANNELS).map(move |channel| channel * PLACES + place);
    (0..PLACES).flat_map(at).map(|index| grid[index]).collect()
}

/// Of a latent the share of places where it fires, and where it is strongest: picture, place, value.
type Found = (f32, Vec<(u32, u32, f32)>);

/// What is said of each latent.
fn found(bytes: &[u8]) -> Vec<Found> {
    let four = |bytes: &[u8]| <[u8; 4]>::try_from(bytes).unwrap();
    let of = |one: &[u8]| {
        let shown = one[4..].chunks_exact(12).map(|shown| {
            let [picture, place] = [0, 4].map(|at| u32::from_le_bytes(four(&shown[at..at + 4])));
            (picture, place, f32::from_le_bytes(four(&shown[8..])))
        });
        (f32::from_le_bytes(four(&one[..4])), shown.filter(|shown| shown.0 != NOBODY).collect())
    };
    bytes.chunks_exact(4 + 12 * SHOWN).map(of).collect()
}

#[test]
fn a_dictionary_learns_and_is_what_its_files_say() {
    let mut page = page();
    let id = learn(&mut page, STEPS);
    assert_eq!(page.end(id), Some(Event::Done));
    let told = told(&page, id);
    let steps: Vec<_> = told.iter().map(|(learned, _)| learned.step).collect();
    // The last is said again once its latents were found.
    assert_eq!(steps, (1..=STEPS).chain([STEPS]).collect::<Vec<_>>());
    let error = |at: usize| told[at].0.normalized_mse;
    assert!(error(STEPS - 1) < 0.5 * error(0), "{} to {}", error(0), error(STEPS - 1));
    let (last, buffers) = told.last().unwrap();
    let layer = last.layer.as_ref().unwrap();
    assert_eq!((layer.name.as_str(), layer.channels), ("mixed4a/mine", LATENTS));
    assert!((last.l0 - K as f64).abs() < 0.5, "{}", last.l0);

    // What the native command reads, and finds in the same pictures.
    let [survey, archive] = &buffers[..] else { panic!("{} buffers", buffers.len()) };
    let files = Files::unpacked(archive).unwrap();
    let (dictionary, made) = read(files.config.as_bytes(), &files.weights).unwrap();
    assert_eq!((made.model.as_str(), made.layer.as_str()), ("googlenet", LAYER));
    assert_eq!(made.examples, (STEPS * 1024) as u64);
    let mut best = vec![Vec::new(); LATENTS];
    let mut fired = [0; LATENTS];
    for number in 0..PICTURES {
        let codes = dictionary.codes(&activations(&picture(number)));
        let mut here = vec![(0_u32, f32::NEG_INFINITY); LATENTS];
        for place in 0..PLACES {
            for used in codes.of(place..place + 1) {
                fired[used.latent as usize] += 1;
                let here = &mut here[used.latent as usize];
                if here.1 < used.pre {
                    *here = (place as u32, used.pre);
                }
            }
        }
        for (best, (place, value)) in best.iter_mut().zip(here) {
            if value.is_finite() {
                best.push((number as u32, place, value));
            }
        }
    }
    let found = found(survey);
    assert_eq!(found.len(), LATENTS);
    for (latent, ((share, shown), mut best)) in found.iter().zip(best).enumerate() {
        best.sort_by(|one, other| other.2.total_cmp(&one.2));
        assert_eq!(shown, &best, "latent {latent}");
        let expected = fired[latent] as f32 / (PICTURES * PLACES) as f32;
        assert!((share - expected).abs() < 1e-6, "latent {latent}: {share}, {expected}");
    }

    // As a layer it answers as the files do.
    let (shown, size) = (picture(1), PictureSize { width: 224, height: 224 });
    let layer = layer.name.clone();
    let ask = Classify { picture: size, layer, channels: LATENTS, at_each_place: 0 };
    let id = page.ask_with(ask, vec![shown.to_rgba8()]);
    page.drive();
    let said = page.said(id);
    let Event::Classified(Classified { channels, .. }) = &said[0].message.event else {
        panic!("{:?}", said[0].message.event)
    };
    let crop = Made::info().preprocessing.classification_crop(&shown);
    let codes = dictionary.codes(&activations(&crop));
    for channel in channels {
        let uses = codes.uses.iter().filter(|used| used.latent as usize == channel.channel);
        let mean = uses.map(|used| used.pre).sum::<f32>() / PLACES as f32;
        assert!((mean - channel.mean).abs() < 1e-4 * mean.max(1.0), "{channel:?}: {mean}");
    }
}

#[test]
fn whoever_pauses_has_files_and_can_go_on() {
    let mut page = page();
    page.world.allow_breaths(2);
    let id = page.ask(Learn { latents: LATENTS, k: K, steps: STEPS, seed: 3 });
    page.drive();
    page.ask(Steer { dream: id, pace: Pace::Pause });
    page.world.allow_breaths(usize::MAX);
    page.drive();
    let paused = told(&page, id);
    let (learned, buffers) = paused.last().unwrap();
    assert!(learned.step < STEPS && learned.layer.is_some(), "{learned:?}");
    assert_eq!(buffers.len(), 2);
    assert_eq!(page.end(id), None);

    page.steer(id, Pace::Run);
    assert_eq!(page.end(id), Some(Event::Done));
    let whole = {
        let id = learn(&mut page, STEPS);
        told(&page, id).pop().unwrap()
    };
    let resumed = told(&page, id).pop().unwrap();
    assert_eq!(resumed.1, whole.1, "pausing changes nothing");
}

#[test]
fn what_was_saved_is_taken_again() {
    let mut page = page();
    let id = learn(&mut page, STEPS);
    let (learned, mut buffers) = told(&page, id).pop().unwrap();
    let survey = buffers.remove(0);
    let id = page.ask_with(Recall, buffers.clone());
    page.drive();
    assert_eq!(page.end(id), Some(Event::Done));
    let (recalled, again) = told(&page, id).pop().unwrap();
    assert_eq!(recalled.layer, learned.layer);
    assert_eq!(again[0], survey);
    assert_eq!(again[1], buffers[0]);
    assert!(0.0 < recalled.normalized_mse && recalled.normalized_mse < 1.0, "{recalled:?}");
}

#[test]
fn files_that_do_not_fit_are_refused() {
    let mut page = page();
    page.world.allow_breaths(usize::MAX);
    let activation = Activation::TopK { k: 2 };
    let config = Config {
        channels: 8,
        latents: 4,
        activation,
        centred: true,
        prefixes: vec![4],
        revival: None,
    };
    let other = Dictionary::new(config.clone(), Parameters::zeros(&config)).unwrap();
    let files = write(&other, &About::default(), Precision::F32).unwrap();
    let packed = files.packed().unwrap();
    let id = page.ask_with(Recall, vec![packed.clone()]);
    page.drive();
    let refused = page.failure(id);
    assert_eq!(refused.kind, FailureKind::Input);
    assert!(refused.why.contains("8 channels") && refused.why.contains("512"), "{}", refused.why);

    let of_nothing = Files { config: "{}".to_owned(), ..files.clone() };
    let cut = Files { weights: files.weights[..40].to_vec(), ..files };
    for broken in [
        Vec::new(),
        vec![packed[..packed.len() / 2].to_vec()],
        vec![of_nothing.packed().unwrap()],
        vec![cut.packed().unwrap()],
    ] {
        let id = page.ask_with(Recall, broken);
        page.drive();
        assert_eq!(page.failure(id).kind, FailureKind::Corrupted);
    }
}

#[test]
fn nothing_is_learned_from_nothing_or_into_nothing() {
    let mut page = MADE.page();
    page.world.allow_breaths(usize::MAX);
    let id = learn(&mut page, STEPS);
    assert_eq!(page.failure(id).kind, FailureKind::NotReady);
    // The second picture has no first.
    let id = gather(&mut page, LAYER, 1, 2);
    assert_eq!(page.failure(id).kind, FailureKind::NotReady);
    let id = gather(&mut page, LAYER, 0, 2);
    assert_eq!(page.end(id), Some(Event::Done));
    for (latents, k) in [(0, 1), (5000, 4), (4, 5), (4, 0)] {
        let id = page.ask(Learn { latents, k, steps: 1, seed: 0 });
        page.drive();
        assert_eq!(page.failure(id).kind, FailureKind::Input, "{latents}, {k}");
    }
}

#[test]
fn it_moves_along_with_the_network_and_stops_when_told() {
    let mut page = page();
    page.world.allow_breaths(3);
    let id = page.ask(Learn { latents: LATENTS, k: K, steps: STEPS, seed: 3 });
    page.drive();
    page.ask(Stop { target: id });
    page.world.allow_breaths(usize::MAX);
    page.drive();
    assert_eq!(page.end(id), Some(Event::Cancelled));

    // While it learns.
    let learning = page.ask(Learn { latents: LATENTS, k: K, steps: STEPS, seed: 3 });
    page.ask(Steer { dream: learning, pace: Pace::Pause });
    page.drive();
    page.ask(OpenDevice(DeviceChoice::WebGpu));
    page.steer(learning, Pace::Run);
    assert_eq!(page.end(learning), Some(Event::Done));
    let look = |page: &mut Page| {
        let size = PictureSize { width: 224, height: 224 };
        let layer = "mixed4a/mine".to_owned();
        let ask = Classify { picture: size, layer, channels: 3, at_each_place: 0 };
        let id = page.ask_with(ask, vec![picture(0).to_rgba8()]);
        page.drive();
        page.end(id)
    };
    assert_eq!(look(&mut page), Some(Event::Done));
    page.ask(OpenDevice(DeviceChoice::Cpu));
    page.drive();
    assert_eq!(look(&mut page), Some(Event::Done));
}
