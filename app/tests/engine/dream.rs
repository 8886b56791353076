//! Dreams, at the window's pace.

use app::protocol::{Event, FailureKind, LoseDevice, OpenDevice, Pace, Steer, Stop};
use shared::format::recipe::Recipe;
use shared::visualize::Settings;

use crate::made::MADE;
use crate::page::Page;

#[test]
fn a_dream_climbs_step_by_step_and_ends() {
    let mut page = MADE.page();
    page.world.allow_breaths(usize::MAX);
    let dream = page.dream("mixed3a:5", 64, 6, false);
    page.drive();
    assert_eq!(page.end(dream), Some(Event::Done));
    assert_eq!(page.step_numbers(dream), [1, 2, 3, 4, 5, 6]);
    let steps = page.steps(dream);
    assert!(steps[5].0.loss < steps[0].0.loss, "{steps:?}");
    assert!(steps.iter().all(|(step, _)| step.rate.is_finite() && step.terms.len() == 1));
}

#[test]
fn the_same_seed_dreams_the_same_picture() {
    let mut page = MADE.page();
    page.world.allow_breaths(usize::MAX);
    let dreams = [0, 1].map(|_| page.dream("mixed3a:5", 32, 3, false));
    page.drive();
    let [one, other] = dreams.map(|dream| {
        let said = page.said(dream);
        said[said.len() - 2].buffers[0].clone()
    });
    assert_eq!(one.len(), 4 * 32 * 32);
    assert!(one == other);
}

#[test]
fn a_recipe_says_what_makes_the_picture_again() {
    let mut page = MADE.page();
    page.world.allow_breaths(usize::MAX);
    let dream = page.dream("0.5*mixed3a:5  -1e-3*tv", 32, 2, false);
    page.drive();
    let (last, _) = page.steps(dream).pop().unwrap();
    let recipe: Recipe = serde_json::from_str(&last.recipe).unwrap();
    recipe.validate().unwrap();
    assert_eq!(recipe.model, "googlenet");
    assert_eq!(recipe.model_sha256, MADE.weights_part().sha256);
    assert_eq!((recipe.seed, recipe.step), (7, 2));
    assert_eq!(recipe.settings, Settings::square(32));
    assert_eq!(last.terms.len(), 2);
}

#[test]
fn a_paused_dream_stays_until_it_is_told_to_go_on() {
    let mut page = MADE.page();
    page.world.allow_breaths(usize::MAX);
    let dream = page.dream("mixed3a:5", 32, 6, true);
    page.drive();
    assert_eq!(page.step_numbers(dream), [0; 0]);
    page.steer(dream, Pace::Once);
    assert_eq!(page.step_numbers(dream), [1]);
    // Two presses before the first is heard are two steps.
    page.ask(Steer { dream, pace: Pace::Once });
    page.ask(Steer { dream, pace: Pace::Once });
    page.drive();
    assert_eq!(page.step_numbers(dream), [1, 2, 3]);
    let steer = page.steer(dream, Pace::Run);
    assert_eq!(page.end(steer), Some(Event::Done));
    assert_eq!(page.step_numbers(dream), [1, 2, 3, 4, 5, 6]);
    assert_eq!(page.end(dream), Some(Event::Done));
}

#[test]
fn a_running_dream_pauses_after_the_step_it_is_in() {
    let mut page = MADE.page();
    let dream = page.dream("mixed3a:5", 32, 50, false);
    page.drive();
    page.world.allow_breaths(2);
    page.drive();
    assert_eq!(page.step_numbers(dream), [1, 2, 3]);
    page.steer(dream, Pace::Pause);
    page.seen(dream);
    page.world.allow_breaths(10);
    page.drive();
    assert_eq!(page.step_numbers(dream).last(), Some(&3));
    assert_eq!(page.end(dream), None);
}

#[test]
fn stop_means_stop_at_the_next_step() {
    let mut page = MADE.page();
    let dream = page.dream("mixed3a:5", 32, 50, false);
    page.drive();
    let stop = page.ask(Stop { target: dream });
    page.world.allow_breaths(10);
    page.drive();
    assert_eq!(page.end(stop), Some(Event::Done));
    assert_eq!(page.end(dream), Some(Event::Cancelled));
    assert_eq!(page.step_numbers(dream), [1]);
}

#[test]
fn a_paused_dream_can_be_stopped() {
    let mut page = MADE.page();
    let dream = page.dream("mixed3a:5", 32, 50, true);
    page.drive();
    page.ask(Stop { target: dream });
    page.drive();
    assert_eq!(page.end(dream), Some(Event::Cancelled));
}

#[test]
fn two_dreams_climb_in_turn() {
    let mut page = MADE.page();
    let one = page.dream("mixed3a:5", 32, 50, false);
    let other = page.dream("mixed3a:6", 32, 50, false);
    page.drive();
    for round in 1..6 {
        page.world.allow_breaths(2);
        page.drive();
        let made = [one, other].map(|dream| page.step_numbers(dream).len());
        assert_eq!(made, [1 + round; 2]);
    }
}

#[test]
fn a_slow_window_misses_pictures_but_no_step() {
    let mut page = MADE.page();
    let dream = page.dream("mixed3a:5", 32, 8, false);
    page.drive();
    page.world.allow_breaths(2);
    page.drive();
    page.seen(dream);
    page.world.allow_breaths(2);
    page.drive();
    let shown = |page: &Page| -> Vec<(usize, bool)> {
        page.steps(dream).iter().map(|(step, shown)| (step.step, *shown)).collect()
    };
    assert_eq!(shown(&page), [(1, true), (2, false), (3, false), (4, true), (5, false)]);
    // The step it pauses on is shown after all.
    page.world.allow_breaths(1);
    page.ask(Steer { dream, pace: Pace::Pause });
    page.drive();
    assert_eq!(shown(&page)[5..], [(5, true)]);
    page.world.allow_breaths(usize::MAX);
    page.steer(dream, Pace::Run);
    assert_eq!(shown(&page)[6..], [(6, false), (7, false), (8, true)]);
    assert_eq!(page.end(dream), Some(Event::Done));
}

#[test]
fn an_objective_that_names_what_is_not_there_is_answered_with_what_is() {
    let mut page = MADE.page();
    for (objective, word) in [
        ("mixed3a:256", "0 to 255"),
        ("logits:\"clas 7\"", "\"class 7\""),
        ("mixde3a:5", "mixed3a"),
    ] {
        let dream = page.dream(objective, 32, 3, false);
        page.drive();
        let failure = page.failure(dream);
        assert_eq!(failure.kind, FailureKind::Input);
        assert!(failure.why.contains(word), "{objective}: {failure:?}");
    }
}

#[test]
fn settings_that_cannot_work_are_named() {
    let mut page = MADE.page();
    let dream = page.dream("mixed3a:5", 8, 3, false);
    page.drive();
    let failure = page.failure(dream);
    assert_eq!(failure.kind, FailureKind::Input);
    assert!(failure.why.contains("size is 8;"), "{failure:?}");
}

#[test]
fn a_lost_device_fails_its_dream_and_the_processor_goes_on() {
    let mut page = Page::new();
    page.world.pretend_gpu.set(true);
    MADE.serve(&page.world);
    page.ask(OpenDevice(app::protocol::DeviceChoice::WebGpu));
    page.load();
    let dream = page.dream("mixed3a:5", 32, 50, false);
    page.drive();
    let lose = page.ask(LoseDevice);
    page.world.allow_breaths(usize::MAX);
    page.drive();
    assert_eq!(page.end(lose), Some(Event::Done));
    assert_eq!(page.failure(dream).kind, FailureKind::DeviceLost);
    let again = page.dream("mixed3a:5", 32, 2, false);
    page.drive();
    assert_eq!(page.failure(again).kind, FailureKind::DeviceLost);

    let n_fetched = page.world.fetched.borrow().len();
    page.ask(OpenDevice(app::protocol::DeviceChoice::Cpu));
    let again = page.dream("mixed3a:5", 32, 2, false);
    page.drive();
    assert_eq!(page.end(again), Some(Event::Done));
    assert_eq!(page.world.fetched.borrow().len(), n_fetched);
}
