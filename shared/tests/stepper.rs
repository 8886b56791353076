//! The stepper on GoogLeNet with weights from a formula: it climbs, it repeats itself, its gradient
//! is the gradient.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "its picture is for other tests")]
mod closed_form;
#[path = "inception/formula.rs"]
#[allow(dead_code, reason = "its picture and network are for other tests")]
mod formula;

use std::sync::Arc;

use pollster::block_on;
use shared::device::cpu;
use shared::models;
use shared::models::inception::Variant;
use shared::network::Network;
use shared::visualize::score::Context;
use shared::visualize::settings::{Parameterization, Settings, Transforms};
use shared::visualize::{Dream, Preset, Snapshot};
use shared::weights::from_safetensors;

fn googlenet() -> Arc<Network> {
    let file = formula::file(Variant::GoogLeNet);
    let weights = from_safetensors(&file).unwrap();
    Arc::new(models::load("googlenet", weights, &cpu()).unwrap())
}

fn dream(model: &Arc<Network>, objective: &str, settings: Settings, seed: u64) -> Dream {
    let objective = objective.parse().unwrap();
    Dream::new(model.clone(), objective, Context::default(), settings, seed, &cpu()).unwrap()
}

fn climb(dream: &mut Dream, steps: usize) -> Vec<f32> {
    (0..steps).map(|_| block_on(dream.step()).unwrap().loss).collect()
}

/// A dozen steps lower the loss by far more than the transforms move it.
#[track_caller]
fn assert_climbs(dream: &mut Dream, what: &str) {
    let before = block_on(dream.evaluate()).unwrap().loss;
    climb(dream, 12);
    let after = block_on(dream.evaluate()).unwrap().loss;
    assert!(after < before - before.abs() * 0.05, "{what}: {before} to {after}");
}

fn small() -> Settings {
    Settings::square(48)
}

#[test]
fn every_parameterization_climbs() {
    let model = googlenet();
    for parameterization in Parameterization::ALL {
        for decorrelate in [true, false] {
            let settings = Settings { parameterization, decorrelate, ..small() };
            assert_climbs(&mut dream(&model, "mixed3a:5", settings, 1), parameterization.name());
        }
    }
}

#[test]
fn every_kind_of_objective_climbs() {
    let model = googlenet();
    // A class that these weights favour: the first steps' gradient lets everything grow, and so
    // carries the others down.
    for objective in ["mixed4a:11@center", "logits:8", "mixed3b", "mixed3a:5 - 1e-3*tv - 0.1*l2"] {
        assert_climbs(&mut dream(&model, objective, small(), 2), objective);
    }
}

#[test]
fn a_picture_alone_can_be_the_objective() {
    let model = googlenet();
    let mut dream = dream(&model, "l2", small(), 2);
    let losses = climb(&mut dream, 5);
    assert!(losses[4] < losses[0], "{losses:?}");
}

#[test]
fn diversity_spreads_a_batch_apart() {
    let model = googlenet();
    let settings = Settings { batch: 2, ..small() };
    let alike = |objective: &str| {
        let mut spread = dream(&model, objective, settings.clone(), 3);
        climb(&mut spread, 12);
        let snapshot = block_on(spread.snapshot()).unwrap();
        let mut judge = dream(&model, "similar(mixed3a)", settings.clone(), 3);
        judge.restore(&snapshot).unwrap();
        -block_on(judge.evaluate()).unwrap().loss
    };
    let (apart, alone) = (alike("mixed3a:5 - 1e3*similar(mixed3a)"), alike("mixed3a:5"));
    assert!(apart < alone, "{apart} with diversity, {alone} without");
}

#[test]
fn the_same_seed_makes_the_same_picture_and_another_another() {
    let model = googlenet();
    let picture = |seed| {
        let mut dream = dream(&model, "mixed3a:5", small(), seed);
        climb(&mut dream, 3);
        block_on(dream.images()).unwrap()
    };
    assert_eq!(picture(4), picture(4));
    assert_ne!(picture(4), picture(5));
}

#[test]
fn a_resumed_dream_goes_on_as_if_it_had_never_stopped() {
    let model = googlenet();
    for preset in Preset::ALL {
        let settings = Settings { width: 48, height: 40, ..preset.making().settings };
        let mut whole = dream(&model, "mixed3a:5", settings.clone(), 6);
        climb(&mut whole, 3);
        let bytes = block_on(whole.snapshot()).unwrap().to_bytes().unwrap();
        let expected = climb(&mut whole, 3);

        let mut resumed = dream(&model, "mixed3a:5", settings, 6);
        resumed.restore(&Snapshot::from_bytes(&bytes).unwrap()).unwrap();
        assert_eq!(climb(&mut resumed, 3), expected, "{}", preset.name());
        assert_eq!(block_on(resumed.images()).unwrap(), block_on(whole.images()).unwrap());
    }
}

#[test]
fn pictures_have_their_size_whatever_is_painted_around_them() {
    let model = googlenet();
    let settings = Settings { width: 48, height: 40, margin: 9, ..small() };
    let mut dream = dream(&model, "mixed3a:5 - 1e-3*tv", settings, 6);
    climb(&mut dream, 1);
    let picture = &block_on(dream.images()).unwrap()[0];
    assert_eq!((picture.width(), picture.height()), (48, 40));
}

#[test]
fn noise_and_views_leave_the_movement_of_the_first_view_alone() {
    let model = googlenet();
    let loss = |settings| climb(&mut dream(&model, "conv2d1", settings, 9), 1)[0];
    let plain = loss(small());
    let faint = loss(Settings { noise: 1e-6, ..small() });
    assert!((faint / plain - 1.0).abs() < 1e-3, "{faint}, {plain}");
    assert_ne!(loss(Settings { views: 2, ..small() }), plain);
}

#[test]
fn a_snapshot_of_another_size_is_refused() {
    let model = googlenet();
    let snapshot = block_on(dream(&model, "mixed3a:5", small(), 6).snapshot()).unwrap();
    let mut other = dream(&model, "mixed3a:5", Settings::square(64), 6);
    assert!(other.restore(&snapshot).unwrap_err().to_string().contains("shape"));
}

#[test]
fn a_value_that_is_not_finite_stops_the_step_and_keeps_the_state() {
    let model = googlenet();
    let mut dream = dream(&model, "mixed3a:5", small(), 7);
    climb(&mut dream, 1);
    let mut snapshot = block_on(dream.snapshot()).unwrap();
    snapshot.parameters[0] = f32::NAN;
    dream.restore(&snapshot).unwrap();
    let error = block_on(dream.step()).unwrap_err().to_string();
    assert!(error.contains("step 2") && error.contains("not finite"), "{error}");
    assert_eq!(dream.steps_made(), 1);
}

/// Differences of the whole road, transforms and penalties included, along one direction.
/// The first step's gradient is read from Adam's first moment, which holds a tenth of it.
#[test]
fn the_gradient_of_a_step_is_the_slope_of_its_loss() {
    let model = googlenet();
    let all = [Transforms::NONE, Transforms::STANDARD];
    let each = [
        Transforms { pad: true, ..Transforms::NONE },
        Transforms { jitter: true, ..Transforms::NONE },
        Transforms { scale: true, ..Transforms::NONE },
        Transforms { rotate: true, ..Transforms::NONE },
    ];
    let seen = Settings { margin: 6, zoom: 1.4, views: 3, noise: 0.1, erosion: 0.3, ..small() };
    for parameterization in Parameterization::ALL {
        let moved =
            all.into_iter().chain(each).map(|transforms| Settings { transforms, ..small() });
        for settings in moved.chain([seen.clone()]) {
            let settings = Settings { parameterization, redirected_steps: 0, ..settings };
            let mut stepped = dream(&model, "conv2d2 + 5*l2", settings.clone(), 8);
            let start = block_on(stepped.snapshot()).unwrap();
            climb(&mut stepped, 1);
            let moments = block_on(stepped.snapshot()).unwrap().first_moment;
            let gradient: Vec<f64> = moments.iter().map(|&value| f64::from(value) * 10.0).collect();
            let size = gradient.iter().map(|value| value * value).sum::<f64>().sqrt();

            let loss = |by: f64| {
                let mut moved = start.clone();
                for (parameter, slope) in moved.parameters.iter_mut().zip(&gradient) {
                    *parameter += (by * slope / size) as f32;
                }
                let mut again = dream(&model, "conv2d2 + 5*l2", settings.clone(), 8);
                again.restore(&moved).unwrap();
                f64::from(climb(&mut again, 1)[0])
            };
            // A coarse grid's few numbers move the whole picture.
            let step = if parameterization == Parameterization::Pyramid { 1e-3 } else { 5e-3 };
            let slope = (loss(step) - loss(-step)) / (2.0 * step);
            assert!((slope / size - 1.0).abs() < 2e-2, "{settings:?}: {slope}, {size}");
        }
    }
}
