//! `pellucid layers`: what can be looked at in a model.

use anyhow::Result;
use serde::Serialize;
use shared::models::{self, ModelInfo};
use shared::tap::LayerInfo;

use crate::{naming, output};

/// Which model.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pellucid layers\n  \
    pellucid layers googlenet\n  \
    pellucid layers inception-v1 --json")]
pub struct Args {
    /// Its name, such as googlenet [default: efficientnet-lite0, which is built in]
    model: Option<String>,

    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// A stable interface: scripts read it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'a str,
    aliases: &'a [String],
    channels: usize,
    stride: usize,
    receptive_field: usize,
}

/// Prints the layers in forward order. Needs no weights.
pub fn run(args: Args) -> Result<()> {
    let info = models::info(args.model.as_deref().unwrap_or_else(|| naming::default()))?;
    if args.json {
        return output::json(&info.layers.iter().map(row).collect::<Vec<_>>());
    }
    for line in table(&info) {
        output::line(&line)?;
    }
    Ok(())
}

fn row(layer: &LayerInfo) -> Row<'_> {
    Row {
        name: &layer.name,
        aliases: &layer.aliases,
        channels: layer.channels,
        stride: layer.grid.stride().unwrap_or_default(),
        receptive_field: layer.sees.pixels().unwrap_or_default(),
    }
}

/// Columns as wide as their widest entry; numbers to the right.
fn table(info: &ModelInfo) -> Vec<String> {
    let side = info.preprocessing.crop;
    let shape = |layer: &LayerInfo| match layer.grid.stride() {
        None => format!("{}", layer.channels),
        // Every stage rounds so that a layer has its input's side over its stride, rounded up.
        Some(stride) => format!("{0}x{1}x{1}", layer.channels, side.div_ceil(stride)),
    };
    let or_dash = |number: Option<usize>| number.map_or("-".to_owned(), |n| n.to_string());
    let heading = format!("shape at {side} px");
    let mut rows = vec![
        ["layer", "channels", &heading, "stride", "sees px", "also called"].map(str::to_owned),
    ];
    rows.extend(info.layers.iter().map(|layer| {
        [
            layer.name.clone(),
            layer.channels.to_string(),
            shape(layer),
            or_dash(layer.grid.stride()),
            or_dash(layer.sees.pixels()),
            layer.aliases.join(", "),
        ]
    }));
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    rows.iter()
        .map(|[name, channels, shape, stride, field, aliases]| {
            format!(
                "{name:<0$}  {channels:>1$}  {shape:>2$}  {stride:>3$}  {field:>4$}  {aliases}",
                widths[0], widths[1], widths[2], widths[3], widths[4]
            )
            .trim_end()
            .to_owned()
        })
        .collect()
}
