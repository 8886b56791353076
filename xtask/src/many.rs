//! A made-up layer of many units in a bundle that ships, for tests and benchmarks of long lists.
//!
//! Its tables are written here by what `docs/bundle.md` says, independently of the program that
//! writes real ones.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::rehearsal::Host;
use crate::server::{self, Answer};

/// Its units.
pub const UNITS: usize = 16_384;

/// Its name.
pub const LAYER: &str = "block8/made-up";

/// The network it is in.
pub const NETWORK: &str = "efficientnet-lite0";

/// Units of a row of the map.
const ROW: usize = 128;

/// Units on a page, exemplars of a unit, and sides of a heat map.
const PAGE: usize = 256;
const TOP: usize = 9;
const HEAT: usize = 7;

/// A host of the site whose bundle has the layer as well, first of all.
pub fn host(site: &Path) -> Result<Host> {
    let folder = format!("/bundles/{NETWORK}/");
    let file = site.join(format!("bundles/{NETWORK}/bundle.json"));
    let text = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
    let mut described: Value = serde_json::from_slice(&text).context("bundle.json is not JSON")?;
    let mut files = HashMap::new();
    let layer = layer(&described, site, &mut files)?;
    let layers = described["layers"].as_array_mut().context("the bundle has layers")?;
    layers.insert(0, layer);
    files.insert("bundle.json".to_owned(), described.to_string().into_bytes());
    let site = site.to_owned();
    Host::start_with(move |query| {
        let inner = query.path().strip_prefix(&folder).and_then(|path| files.get(path));
        match inner {
            Some(bytes) => {
                let mut answer = Answer::text(200, "");
                answer.headers = vec![("Content-Type", "application/octet-stream".to_owned())];
                answer.body.clone_from(bytes);
                answer
            }
            None => server::answer(&site, query),
        }
    })
}

/// The layer's description, and its parts.
fn layer(bundle: &Value, site: &Path, files: &mut HashMap<String, Vec<u8>>) -> Result<Value> {
    let pictures = bundle["gallery"]["sprites"]["count"].as_u64().context("a gallery")? as usize;
    let mut part = |path: String, bytes: Vec<u8>| {
        let sha256: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        let described = json!({ "path": path, "size": bytes.len(), "sha256": sha256 });
        files.insert(path, bytes);
        described
    };
    // Frequency falls with the number, the mean goes round: every fourth is as strong. On the map
    // they stand in rows from the lower left.
    let latent = |unit: usize| {
        let frequency = 0.2 * 0.9995_f32.powi(unit as i32);
        let mean = 10_f32.powf((unit % 4) as f32 / 2.0);
        let stability = (unit % 101) as f32 / 100.0;
        let place = [unit % ROW, unit / ROW].map(|at| at as f32 / ROW as f32 * 2.0 - 1.0);
        let measures = [frequency, mean, 2.0 * mean, 0.0, 0.0, stability, 0.0];
        let numbers = measures.into_iter().chain(place);
        let numbers: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
        [numbers, ((UNITS - 1 - unit) as u32).to_le_bytes().to_vec()].concat()
    };
    let pages = |kind: &[u8; 4], record: usize, of: &dyn Fn(usize) -> Vec<u8>| {
        let page = |first: usize| {
            let count = PAGE.min(UNITS - first);
            let numbers = [1, first, count, record].map(|number| (number as u32).to_le_bytes());
            let header = [&b"pellucid"[..], kind, &numbers.concat()].concat();
            header.into_iter().chain((first..first + count).flat_map(of)).collect::<Vec<u8>>()
        };
        (0..UNITS).step_by(PAGE).map(page).collect::<Vec<_>>()
    };
    let record = |unit: usize| {
        let mut record = (TOP as u32).to_le_bytes().to_vec();
        for number in [0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 2.0, 5.0_f32] {
            record.extend(number.to_le_bytes());
        }
        record.extend((0..24_u16).flat_map(|bar| (40 - bar).to_le_bytes()));
        for rank in 0..TOP {
            let picture = (unit * 31 + rank * 7) % pictures;
            record.extend((picture as u32).to_le_bytes());
            record.extend((5.0 / (1 + rank) as f32).to_le_bytes());
            record.extend([unit % 14, rank].map(|place| (place as u16).to_le_bytes()).concat());
        }
        record
    };
    let map = |unit: usize| {
        let bytes = 0..TOP * HEAT * HEAT;
        bytes.map(|byte| (unit + byte) as u8).collect::<Vec<u8>>()
    };
    let named = |name: &str, pages: Vec<Vec<u8>>| {
        let named = pages.into_iter().enumerate();
        named
            .map(|(number, page)| (format!("{LAYER}/{name}-{number}.bin"), page))
            .collect::<Vec<_>>()
    };
    let records = named("exemplars", pages(b"exem", 96 + 12 * TOP, &record));
    let maps = named("heat", pages(b"heat", TOP * HEAT * HEAT, &map));
    let latents = named("latents", pages(b"late", 40, &latent));

    // The dreams are those of a real layer, again and again.
    let real = bundle["layers"].as_array().into_iter().flatten();
    let dreams = real.map(|layer| &layer["dreams"]).find(|dreams| dreams.is_object());
    let mut dreams = dreams.context("a layer with dreams")?.clone();
    let sheet = dreams["sprites"]["sheets"][0]["path"].as_str().context("a sheet")?;
    let sheet = fs::read(site.join(format!("bundles/{NETWORK}/{sheet}")))?;
    let columns = dreams["sprites"]["columns"].as_u64().context("columns")?;
    let whole = dreams["sprites"]["count"].as_u64().context("a count")? / columns;
    let on_sheet = (columns * whole) as usize;
    let sheets: Vec<Value> = (0..UNITS.div_ceil(on_sheet))
        .map(|number| part(format!("{LAYER}/dreams-{number}.jpg"), sheet.clone()))
        .collect();
    dreams["units"] = json!([[0, UNITS]]);
    dreams["sprites"]["rows"] = whole.into();
    dreams["sprites"]["count"] = UNITS.into();
    dreams["sprites"]["sheets"] = sheets.into();

    let mut parts = |pages: Vec<(String, Vec<u8>)>| {
        pages.into_iter().map(|(path, page)| part(path, page)).collect::<Vec<_>>()
    };
    Ok(json!({
        "name": LAYER,
        "latents": UNITS,
        "worth": {
            "activations": 980_000, "normalized_mse": 0.2, "l0": 32.0,
            "measured": ["frequency", "mean", "max", "stability"], "mapped": true, "nearest": 0,
            "units": UNITS, "page": PAGE, "records": parts(latents),
        },
        "dreams": dreams,
        "exemplars": {
            "statistic": "mean", "pictures": pictures, "positions": [14, 14],
            "heat": [HEAT, HEAT], "top": TOP, "usual": 5.0, "units": UNITS, "page": PAGE,
            "records": parts(records), "maps": parts(maps),
        },
    }))
}
