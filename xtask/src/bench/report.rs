//! The results as a page for people.

use std::fmt::Write;

use super::measured::{Measured, Part};
use super::native::{BARE, OURS, TURNS};
use super::page::SOFTWARE_ROUNDS;
use crate::cli::{Bench, Device};

/// A row of a table: what was measured, under which key, which quantity.
#[derive(Clone, Copy)]
struct Row {
    key: &'static str,
    says: &'static str,
    quantity: Quantity,
}

#[derive(Clone, Copy)]
enum Quantity {
    Milliseconds,
    Megabytes,
    /// Milliseconds for so many pictures.
    Pictures(u32),
}

impl Quantity {
    fn format(self, value: f64) -> String {
        match self {
            Self::Milliseconds if value < 1000.0 => format!("{value:.1} ms"),
            Self::Milliseconds => format!("{:.2} s", value / 1e3),
            Self::Megabytes => format!("{:.1} MB", value / 1e6),
            Self::Pictures(count) => {
                let rate = f64::from(count) / value * 1e3;
                format!("{:.1} s, {rate:.1} pictures/s", value / 1e3)
            }
        }
    }
}

const fn milliseconds(key: &'static str, says: &'static str) -> Row {
    Row { key, says, quantity: Quantity::Milliseconds }
}

const fn megabytes(key: &'static str, says: &'static str) -> Row {
    Row { key, says, quantity: Quantity::Megabytes }
}

const COMPUTE: [Row; 7] = [
    milliseconds("forward_224", "forward pass, 224 px"),
    milliseconds("gradient_128", "gradient step: mixed4a:11 with respect to the picture, 128 px"),
    milliseconds(
        "dream_224",
        "whole step of a visualization after its first 16, 224 px, standard settings",
    ),
    milliseconds("lite0_forward_224", "EfficientNet-Lite0: forward pass, 224 px"),
    milliseconds("lite0_gradient_128", "EfficientNet-Lite0: gradient step, block8:11, 128 px"),
    milliseconds("forward_64", "forward pass, 64 px"),
    milliseconds("gradient_32", "gradient step, 32 px"),
];

const PAGE: [Row; 6] = [
    milliseconds("first_answer", "from nothing to the first forward pass: engine, weights, run"),
    COMPUTE[0],
    COMPUTE[1],
    COMPUTE[2],
    COMPUTE[3],
    COMPUTE[4],
];

const WHOLE: [Row; 18] = [
    milliseconds("classify_time", "`pellucid classify`: a whole process, from start to answer"),
    megabytes("classify_memory", "its peak memory"),
    Row {
        key: "exemplars_time",
        says: "`pellucid exemplars`, 5,488 channels on 700 photographs; other: `pellucid classify` on them",
        quantity: Quantity::Pictures(700),
    },
    Row {
        key: "record_time",
        says: "`pellucid record`, places of three modules of 700 photographs, f16; other: `pellucid classify` on them",
        quantity: Quantity::Pictures(700),
    },
    milliseconds("first_paint", "page: address to first paint, cold browser, local server"),
    milliseconds("ready", "page: address to a network that can be used, on the processor"),
    milliseconds("first_picture", "page: address to the first picture of a dream (128 px)"),
    megabytes("first_paint_bytes", "page: sent by then for the first paint, uncompressed"),
    megabytes("first_picture_bytes", "page: sent by then for that picture, weights included"),
    milliseconds("second_first_paint", "page: the same, second visit: first paint"),
    milliseconds("second_first_picture", "page: the same, second visit: first picture"),
    megabytes("second_first_picture_bytes", "page: the same, second visit: sent"),
    megabytes(
        "page_memory",
        "page: peak memory of its process, dreaming at 224 px on the processor",
    ),
    megabytes(
        "many_bytes",
        "page: a layer of 16,384 units, 360 x 740 px: read before the first of them, without pictures and programs",
    ),
    milliseconds(
        "many_blocked",
        "page: the longest that the window is blocked in scrolling through all of them; 0 is less than 50 ms",
    ),
    megabytes("many_memory", "page: memory of its process after that"),
    megabytes("size", "programs a visitor downloads (wasm and JavaScript), as they are"),
    megabytes("size_in_brotli", "the same in brotli"),
];

/// The page.
pub fn markdown(measured: &Measured, arguments: &Bench) -> String {
    let Bench { rounds, gpu, .. } = arguments;
    let (title, call, exceptions) = match gpu {
        None => (
            "Benchmarks",
            "cargo xtask bench".to_owned(),
            format!("; {SOFTWARE_ROUNDS} on WebGPU, {TURNS} of whole programs"),
        ),
        Some(driver) => (
            "Benchmarks on a GPU",
            format!("cargo xtask bench --gpu {}", driver.name()),
            String::new(),
        ),
    };
    let mut text = format!(
        "# {title}\n\n\
         Written by `{call}` on {}. Medians of {} samples ({TURNS} turns of {rounds}, \
         ours and theirs alternating{exceptions}), batch 1; \
         the last column is Pellucid's time over that of \
         the fastest other. Run it on a quiet machine; ratios carry over to other machines better \
         than times do.\n\n\
         The network is GoogLeNet. `scripts/bench_peers.py` and `xtask/src/bench/peers.js` \
         hold the programs that run it elsewhere.\n",
        machine(),
        TURNS as u32 * rounds,
    );
    let mut section = |title: &str, part: Part, rows: &[Row], others: &[&str]| {
        let table = table(measured, part, rows, others);
        if !table.is_empty() {
            let _ = write!(text, "\n## {title}\n\n{table}");
        }
    };
    section("Native, on the processor", Part::Native, &COMPUTE, &["onnxruntime", "torch"]);
    let driver = gpu.map_or("", Device::name);
    let title = format!("Native, on {} through {driver}", named(&measured.native_adapter));
    section(&title, Part::NativeGpu, &COMPUTE, &["torch on CUDA"]);
    let browser = ["onnxruntime-web", "TensorFlow.js"];
    section("In Chromium, on the processor, one thread", Part::Page, &PAGE, &browser);
    let title = format!("In Chromium, on WebGPU ({})", named(&measured.adapter));
    section(&title, Part::PageGpu, &PAGE, &browser);
    section(
        "Whole programs",
        Part::Whole,
        &WHOLE,
        &["onnxruntime", "onnxruntime-web", "TensorFlow.js", BARE],
    );
    let growth = [
        (Part::Native, "resident_over_steps", "natively (32 px, mixed4a)"),
        (Part::NativeGpu, "resident_over_steps", "natively (32 px, mixed4a)"),
        (Part::Whole, "page_resident", "in the page (32 px, mixed3a)"),
    ];
    let mut lines = String::new();
    for (part, key, says) in growth {
        if let Some(samples) = measured.samples(part, OURS, key) {
            let turn = &samples[..samples.len().min(10)];
            let list: Vec<String> =
                turn.iter().map(|bytes| format!("{:.0}", bytes / 1e6)).collect();
            let _ = writeln!(lines, "- {says}: {}", list.join(", "));
        }
    }
    if !lines.is_empty() {
        text.push_str("\n## Memory over 2,000 steps\n\n");
        text.push_str("Resident memory after every 200 steps, in MB:\n\n");
        text.push_str(&lines);
    }
    text
}

/// A GPU's name, and a word about it if it is none.
fn named(adapter: &Option<(String, bool)>) -> String {
    match adapter {
        Some((name, true)) => format!("{name}: a software renderer"),
        Some((name, false)) => name.clone(),
        None => "a GPU".to_owned(),
    }
}

/// Rows that were measured, with a column for each of `others` that measured any of them.
fn table(measured: &Measured, part: Part, rows: &[Row], others: &[&str]) -> String {
    let rows: Vec<&Row> =
        rows.iter().filter(|row| measured.samples(part, OURS, row.key).is_some()).collect();
    let others: Vec<&&str> = others
        .iter()
        .filter(|who| rows.iter().any(|row| measured.samples(part, who, row.key).is_some()))
        .collect();
    let mut text = String::new();
    if rows.is_empty() {
        return text;
    }
    let _ = write!(text, "| | {OURS} |");
    for who in &others {
        let _ = write!(text, " {who} |");
    }
    let rule = "---|".repeat(others.len() + 1);
    let (ratio, end) = if others.is_empty() { ("", "") } else { (" ratio |", "---|") };
    let _ = writeln!(text, "{ratio}\n|---|{rule}{end}");
    for row in rows {
        let Some(ours) = measured.median(part, OURS, row.key) else { continue };
        let _ = write!(text, "| {} | {} |", row.says, row.quantity.format(ours));
        let mut best: Option<f64> = None;
        for who in &others {
            match measured.median(part, who, row.key) {
                Some(theirs) => {
                    best = Some(best.map_or(theirs, |best| best.min(theirs)));
                    let _ = write!(text, " {} |", row.quantity.format(theirs));
                }
                None => text.push_str(" |"),
            }
        }
        if !others.is_empty() {
            let _ = match best {
                Some(best) => write!(text, " {:.2} |", ours / best),
                None => write!(text, " |"),
            };
        }
        text.push('\n');
    }
    text
}

/// The processor, as the system names it.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") };
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    match name {
        Some((_, name)) => format!("{cores} of {}", name.trim()),
        None => format!("{cores} ({})", std::env::consts::ARCH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_rows_and_columns_that_were_measured() {
        let mut measured = Measured::default();
        measured.add(Part::Native, OURS, "forward_224", &[30.0]);
        measured.add(Part::Native, OURS, "gradient_128", &[18.0]);
        measured.add(Part::Native, "torch", "forward_224", &[60.0]);
        measured.add(Part::Native, "slow", "forward_224", &[6000.0]);
        let table = table(&measured, Part::Native, &COMPUTE, &["torch", "absent", "slow"]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "| | Pellucid | torch | slow | ratio |");
        assert_eq!(lines[1], "|---|---|---|---|---|");
        assert_eq!(lines[2], "| forward pass, 224 px | 30.0 ms | 60.0 ms | 6.00 s | 0.50 |");
        assert!(lines[3].ends_with("| 18.0 ms | | | |"), "{}", lines[3]);
        assert_eq!(lines.len(), 4);
    }
}
