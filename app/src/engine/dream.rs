//! A dream from its first step to its last, at the pace the window sets.

use std::collections::VecDeque;

use shared::format::recipe::Recipe;
use shared::image::Picture;
use shared::visualize;
use shared::visualize::score::Context;
use shared::visualize::stepper::Report;

use super::core::Core;
use super::host::Host;
use super::latents;
use super::voice::{Ending, Next, Voice};
use crate::failure;
use crate::protocol::{Dream, Failure, PictureSize, Stepped};

/// Climbs until `wish.steps` are made.
pub async fn dream<H: Host>(
    core: &Core<H>,
    voice: &Voice<Stepped>,
    wish: Dream,
) -> Result<(), Ending> {
    let loaded = core.loaded()?;
    core.healthy(&loaded)?;
    wish.settings.validate().map_err(failure::of)?;
    let readouts = latents::readouts(core, voice, &loaded, &wish.objective).await?;
    let context = Context { labels: loaded.labels.clone(), readouts };
    let model = loaded.model.clone();
    let blame = |error| core.blame(&loaded, error);
    let (objective, settings) = (wish.objective.clone(), wish.settings.clone());
    let device = &loaded.device;
    let mut dream = visualize::Dream::new(model, objective, context, settings, wish.seed, device)
        .map_err(blame)?;
    let mut recipe = Recipe {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        model: loaded.model.info().name.to_owned(),
        model_sha256: loaded.weights_sha256.clone(),
        objective: wish.objective.to_string(),
        settings: wish.settings.clone(),
        seed: wish.seed,
        step: 0,
        batch_index: 0,
        readouts: dream.readouts(),
    };

    let mut pulse = Pulse::default();
    // A step that was said without its pictures.
    let mut unshown: Option<Stepped> = None;
    while recipe.step < wish.steps {
        match voice.next() {
            Next::Step => {}
            rest => {
                if let Some(stepped) = unshown.take() {
                    voice.stepped(stepped, Some(pictures(&dream).await.map_err(blame)?));
                }
                if rest == Next::Stop {
                    return Err(Ending::Cancelled);
                }
                voice.until_wanted().await;
                pulse = Pulse::default();
                continue;
            }
        }
        voice.step_begins();
        let began = core.host.now();
        let report = dream.step().await.map_err(blame)?;
        core.healthy(&loaded)?;
        recipe.step = report.step;

        let is_last = wish.steps <= report.step;
        let shown = if is_last || voice.next() != Next::Step || voice.wants_picture() {
            let pictures = pictures(&dream).await.map_err(blame)?;
            core.healthy(&loaded)?;
            Some(pictures)
        } else {
            None
        };
        let rate = pulse.beat(began, core.host.now());
        let stepped = told(report, &wish, &recipe, rate)?;
        unshown = shown.is_none().then(|| stepped.clone());
        voice.stepped(stepped, shown);
        core.host.breathe().await;
    }
    Ok(())
}

fn told(report: Report, wish: &Dream, recipe: &Recipe, rate: f64) -> Result<Stepped, Failure> {
    let recipe = serde_json::to_string(recipe).map_err(|error| {
        failure::of(shared::Error::Format { what: "recipe".to_owned(), reason: error.to_string() })
    })?;
    Ok(Stepped {
        step: report.step,
        steps: wish.steps,
        loss: report.loss,
        terms: report.terms,
        picture: PictureSize { width: wish.settings.width, height: wish.settings.height },
        batch: wish.settings.batch,
        rate,
        recipe,
    })
}

/// The batch's pictures, RGBA, one after another.
async fn pictures(dream: &visualize::Dream) -> shared::Result<Vec<u8>> {
    Ok(dream.images().await?.iter().flat_map(Picture::to_rgba8).collect())
}

/// Steps per second, over the last few.
#[derive(Default)]
struct Pulse(VecDeque<f64>);

impl Pulse {
    /// Steps looked back over.
    const WINDOW: usize = 8;

    /// A step went from `began` to `ended`, in milliseconds.
    fn beat(&mut self, began: f64, ended: f64) -> f64 {
        if self.0.is_empty() {
            self.0.push_back(began);
        }
        self.0.push_back(ended);
        if Self::WINDOW + 1 < self.0.len() {
            self.0.pop_front();
        }
        let steps = (self.0.len() - 1) as f64;
        // Browsers round their clocks, so that a step may seem to take no time.
        let elapsed = (ended - self.0[0]).max(0.1);
        1000.0 * steps / elapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_the_last_steps() {
        let mut pulse = Pulse::default();
        assert_eq!(pulse.beat(0.0, 100.0), 10.0);
        for step in 1..20 {
            pulse.beat(f64::from(step) * 100.0, f64::from(step + 1) * 100.0);
        }
        let mut rate = 0.0;
        for step in 0..8 {
            let began = 2000.0 + f64::from(step) * 10.0;
            rate = pulse.beat(began, began + 10.0);
        }
        assert!((rate - 100.0).abs() < 1e-9, "{rate}");
    }

    #[test]
    fn a_clock_that_stands_still_gives_a_finite_rate() {
        assert!(Pulse::default().beat(5.0, 5.0).is_finite());
    }
}
