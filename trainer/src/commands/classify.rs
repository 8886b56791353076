//! `pellucid classify`: pictures to class names.

use std::path::PathBuf;

use anyhow::{Result, bail};
use shared::models;

use super::arguments::{DeviceArgs, WeightsArgs};
use crate::classify::{Classified, Classify, has_classes};
use crate::failure::WrongCall;
use crate::model::LoadedModel;
use crate::pictures::listing::Listing;
use crate::pictures::source::Source;
use crate::{device, naming, output};

/// Characters of a bar at probability 1.
const BAR: usize = 24;

/// Which pictures, by which model.
#[derive(Debug, clap::Args)]
#[command(override_usage = "pellucid classify [OPTIONS] [MODEL] <PICTURE>...")]
#[command(after_help = "Examples:\n  \
    pellucid classify cat.jpg\n  \
    pellucid classify googlenet cat.jpg\n  \
    pellucid classify vit-tiny-patch16-224 cat.jpg\n  \
    pellucid classify googlenet photographs/ --batch 8 --json > classes.jsonl\n\n\
    A first word that is a model's name is the model; otherwise it is the one that is built in,\n\
    efficientnet-lite0. A picture called like a model is ./NAME.")]
pub struct Args {
    /// Pictures, or folders that are searched to the bottom, also in .tar files: JPEG, PNG, WebP,
    /// BMP, GIF. The model's name may come first
    #[arg(required = true, value_name = "PICTURE")]
    words: Vec<PathBuf>,

    #[command(flatten)]
    weights: WeightsArgs,

    /// How many classes to show for each picture
    #[arg(long, default_value_t = 5, value_name = "N")]
    top: usize,

    /// Pictures computed together
    #[arg(long, default_value_t = 1, value_name = "N")]
    batch: usize,

    /// One line of JSON for each picture
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    device: DeviceArgs,
}

/// Prints the classes of each picture. Pictures that cannot be read are named, counted and skipped.
pub fn run(args: Args) -> Result<()> {
    for (name, value) in [("--batch", args.batch), ("--top", args.top)] {
        if value == 0 {
            return Err(WrongCall(format!("{name} is 0; it must be at least 1")).into());
        }
    }
    let named = naming::split(&args.words, "a picture or folder", |path| path.exists())?;
    has_classes(&models::info(named.model)?)?;
    let device = device::open(args.device.device.into())?;
    let loaded = LoadedModel::load(named.model, args.weights.weights.as_deref(), &device)?;
    let sources = named.rest.iter().map(|path| Source::as_given(path)).collect();
    let listing = Listing::of(sources)?;
    let color = output::wants_color();
    let classify = Classify { loaded: &loaded, device: &device, batch: args.batch, top: args.top };
    let unreadable = classify.run(&listing, |progress, classified| {
        progress.suspend(|| match args.json {
            true => output::json_line(&classified),
            false => print(&classified, color),
        })
    })?;
    if 0 < unreadable {
        bail!("{unreadable} of {} pictures could not be read and were skipped", listing.pictures);
    }
    if 0 < listing.empty {
        bail!("{} of the {} named hold no picture", listing.empty, named.rest.len());
    }
    Ok(())
}

fn print(classified: &Classified, color: bool) -> Result<()> {
    let mut text = classified.file.clone();
    for score in &classified.top {
        let bar = bar(score.probability);
        let bar = if color { format!("\x1b[36m{bar}\x1b[0m") } else { bar };
        let percent = 100.0 * score.probability;
        text.push_str(&format!("\n  {percent:5.1} % {bar} {} ({})", score.label, score.class));
    }
    output::line(&text)
}

/// A bar of eighths, padded to its full width.
fn bar(share: f32) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * 8.0 * BAR as f32).round() as usize;
    let full = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
    format!("{full:<BAR$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share_and_always_as_wide() {
        assert_eq!(bar(0.0), " ".repeat(BAR));
        assert_eq!(bar(1.0), "█".repeat(BAR));
        assert_eq!(bar(0.5), "█".repeat(BAR / 2) + &" ".repeat(BAR / 2));
        assert!((0..=100).all(|percent| bar(percent as f32 / 100.0).chars().count() == BAR));
    }
}
