//! `pellucid layers`: what can be looked at in a model.

use anyhow::Result;
use serde::Serialize;
use shared::models::{self, ModelInfo};
use shared::tap::{Grid, LayerInfo, Sees};
use shared::visualize::objective::Place;

use crate::exemplars::positions;
use crate::{naming, output};

/// Which model.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pellucid layers --models\n  \
    pellucid layers\n  \
    pellucid layers googlenet\n  \
    pellucid layers vit-tiny-patch16-224\n  \
    pellucid layers inception-v1 --json\n\n\
    A transformer's layer has its patches in rows and columns and, behind a plus, tokens that have\n\
    no place: blocks.10:7@cls is unit 7 of the class token, blocks.-2 the last block but one.")]
pub struct Args {
    /// Its name, such as googlenet, or what its publishers call it [default: efficientnet-lite0,
    /// which is built in]
    model: Option<String>,

    /// The models that there are instead, with all their names and what they end in
    #[arg(long, conflicts_with = "model")]
    models: bool,

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
    /// What stands behind the `@` of tokens without a place; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<String>,
}

/// A stable interface: scripts read it.
#[derive(Debug, Serialize)]
struct ModelRow<'a> {
    name: &'a str,
    title: &'a str,
    aliases: &'a [&'a str],
    classes: usize,
    /// Its last layer.
    output: &'a str,
    outputs: usize,
}

/// Prints the layers in forward order, or the models. Needs no weights.
pub fn run(args: Args) -> Result<()> {
    if args.models {
        return print_models(args.json);
    }
    let info = models::info(args.model.as_deref().unwrap_or_else(|| naming::default()))?;
    if args.json {
        return output::json(&info.layers.iter().map(row).collect::<Vec<_>>());
    }
    table(&info).iter().try_for_each(|line| output::line(line))
}

fn print_models(as_json: bool) -> Result<()> {
    let all = models::registry();
    let rows: Vec<ModelRow<'_>> = all.iter().filter_map(model_row).collect();
    if as_json {
        return output::json(&rows);
    }
    let heading = ["model", "title", "ends in", "also called"].map(str::to_owned);
    let rows = rows.iter().map(|row| {
        let ends = format!("{} {}", row.outputs, row.output);
        [row.name.to_owned(), row.title.to_owned(), ends, row.aliases.join(", ")]
    });
    let lines = aligned(std::iter::once(heading).chain(rows).collect(), [false; 4]);
    lines.iter().try_for_each(|line| output::line(line))
}

fn model_row(info: &ModelInfo) -> Option<ModelRow<'_>> {
    let last = info.layers.last()?;
    Some(ModelRow {
        name: info.name,
        title: info.title,
        aliases: models::aliases(info.name).ok()?,
        classes: info.layers.iter().find(|layer| layer.is_classes()).map_or(0, |l| l.channels),
        output: &last.name,
        outputs: last.channels,
    })
}

fn row(layer: &LayerInfo) -> Row<'_> {
    let token = |number: usize| match number.checked_sub(1) {
        None => Place::Class.to_string(),
        Some(number) => Place::Register(number).to_string(),
    };
    Row {
        name: &layer.name,
        aliases: &layer.aliases,
        channels: layer.channels,
        stride: layer.grid.stride().unwrap_or_default(),
        receptive_field: layer.sees.pixels().unwrap_or_default(),
        tokens: (0..layer.grid.extra()).map(token).collect(),
    }
}

fn table(info: &ModelInfo) -> Vec<String> {
    let side = info.preprocessing.crop;
    let shape = |layer: &LayerInfo| match layer.grid {
        Grid::None => format!("{}", layer.channels),
        Grid::Convolutional { .. } | Grid::Patches { .. } => {
            let [rows, columns] = positions(layer, &info.preprocessing);
            let tokens = match layer.grid.extra() {
                0 => String::new(),
                1 => " + cls".to_owned(),
                extra => format!(" + cls + {} reg", extra - 1),
            };
            format!("{}x{rows}x{columns}{tokens}", layer.channels)
        }
    };
    let sees = |layer: &LayerInfo| match layer.sees {
        Sees::Pixels(side) => side.to_string(),
        Sees::Everything => "all".to_owned(),
    };
    let stride = |layer: &LayerInfo| layer.grid.stride().map_or("-".to_owned(), |n| n.to_string());
    let heading = format!("shape at {side} px");
    let mut rows = vec![
        ["layer", "channels", &heading, "stride", "sees px", "also called"].map(str::to_owned),
    ];
    rows.extend(info.layers.iter().map(|layer| {
        [
            layer.name.clone(),
            layer.channels.to_string(),
            shape(layer),
            stride(layer),
            sees(layer),
            layer.aliases.join(", "),
        ]
    }));
    aligned(rows, [false, true, true, true, true, false])
}

/// Columns as wide as their widest entry, some of them to the right; the last as long as it is.
fn aligned<const N: usize>(rows: Vec<[String; N]>, to_the_right: [bool; N]) -> Vec<String> {
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).zip(to_the_right).map(|((cell, width), right)| {
            if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
