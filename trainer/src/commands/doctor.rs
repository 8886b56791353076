//! `pellucid doctor`: what is here, what is missing, and how to mend it.

use anyhow::Result;
use indicatif::DecimalBytes;

use crate::doctor::{BuiltIn, Examination, examine};
use crate::{output, weights};

/// How to tell it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pellucid doctor\n  \
    pellucid doctor --json")]
pub struct Args {
    /// JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Prints the examination.
pub fn run(args: Args) -> Result<()> {
    let examination = examine()?;
    if args.json {
        return output::json(&examination);
    }
    output::line(&text(&examination))
}

fn text(examination: &Examination) -> String {
    let or_none = |list: String| if list.is_empty() { "none".to_owned() } else { list };
    let mut lines = vec![
        format!("pellucid   {} on {}", examination.version, examination.platform),
        format!(
            "processor  {} threads; {}",
            examination.threads,
            or_none(examination.processor_features.join(", "))
        ),
        format!("devices    {}", examination.drivers.join(", ")),
        format!("automatic  {}", examination.automatic),
    ];
    if examination.adapters.is_empty() {
        lines.push("adapters   none".to_owned());
    }
    for adapter in &examination.adapters {
        let kind = if adapter.software { ", software" } else { "" };
        lines.push(format!("adapter    {} ({}{kind})", adapter.name, adapter.driver));
    }
    let BuiltIn { model, size } = &examination.built_in;
    lines.push(format!("built in   {model} ({})", DecimalBytes(*size)));
    lines.push(format!("cache      {}", examination.cache.display()));
    for file in &examination.cached {
        lines.push(format!("           {:>9}  {}", DecimalBytes(file.size).to_string(), file.path));
    }
    if let Some(page) = &examination.page {
        lines.push(format!("page       {}", page.display()));
    }
    if examination.missing.is_empty() {
        lines.push("missing    nothing".to_owned());
    }
    let (models, mut others): (Vec<_>, Vec<_>) =
        examination.missing.iter().partition(|missing| missing.model.is_some());
    if let [_, _, ..] = models.as_slice() {
        let (count, mend) = (models.len(), weights::way_to("MODEL"));
        lines.push(format!(
            "missing    weights of {count} models (`pellucid layers --models`): {mend}"
        ));
    } else {
        others.extend(models);
    }
    for missing in others {
        lines.push(format!("missing    {}: {}", missing.what, missing.mend));
    }
    lines.join("\n")
}
