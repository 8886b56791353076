//! How far a job is, on stderr: a bar in a terminal, now and then a line elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// Between two lines where there is no terminal.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Shown as kB, MB, ...
    Bytes,
    /// Shown as a number and this word: `pictures`, `steps`.
    Things(&'static str),
}

/// A job's progress, with rate and remaining time.
pub struct Progress {
    bar: ProgressBar,
    what: String,
    counted: Counted,
    started: Instant,
    /// Work done before this run, which says nothing about its rate.
    inherited: u64,
    table: String,
    /// When the last plain line was printed; `None` in a terminal, where the bar speaks, and where
    /// nothing is shown.
    last_line: Option<Instant>,
}

impl Progress {
    /// Begins. `total` is unknown for streams that do not say.
    pub fn new(what: &str, total: Option<u64>, counted: Counted) -> Self {
        Self::resumed(what, 0, total, counted)
    }

    /// Begins with `done` already done by an earlier run.
    pub fn resumed(what: &str, done: u64, total: Option<u64>, counted: Counted) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(total, target);
        bar.set_style(style(total, counted));
        bar.set_message(what.to_owned());
        bar.set_position(done);
        bar.reset_eta();
        let started = Instant::now();
        let last_line = (!terminal).then_some(started);
        let (what, table) = (what.to_owned(), String::new());
        Self { bar, what, counted, started, inherited: done, table, last_line }
    }

    /// One that nobody sees but its notes.
    pub fn hidden() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let (what, table, counted) = (String::new(), String::new(), Counted::Things(""));
        Self { bar, what, counted, started: Instant::now(), inherited: 0, table, last_line: None }
    }

    /// `count` more are done.
    pub fn advance(&mut self, count: u64) {
        self.bar.inc(count);
        self.print_if_due();
    }

    /// Some lines above the bar, in the place of those before; elsewhere than in a terminal they
    /// come before the next line.
    pub fn table(&mut self, text: &str) {
        self.table = output::printable(text);
        self.bar.set_prefix(format!("{}\n", self.table));
    }

    /// A line for people, above the bar.
    pub fn note(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{}", output::printable(text)));
    }

    /// Runs something that writes to the terminal, with the bar out of its way.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Ends, with a last line where there is no terminal.
    pub fn finish(self) {
        self.bar.finish_and_clear();
        if self.last_line.is_some() {
            eprintln!("{}", self.line());
        }
    }

    /// Ends without a last line: what comes next says what came of it.
    pub fn clear(self) {
        self.bar.finish_and_clear();
    }

    fn print_if_due(&mut self) {
        let Some(last) = self.last_line else { return };
        if PLAIN_INTERVAL <= last.elapsed() {
            eprintln!("{}", self.line());
            self.last_line = Some(Instant::now());
        }
    }

    fn line(&self) -> String {
        let done = self.bar.position();
        let rate = (done - self.inherited.min(done)) as f64 / self.started.elapsed().as_secs_f64();
        let line = plain_line(&self.what, done, self.bar.length(), rate, self.counted);
        if self.table.is_empty() { line } else { format!("{}\n{line}", self.table) }
    }
}

fn style(total: Option<u64>, counted: Counted) -> ProgressStyle {
    let template = match (total.is_some(), counted) {
        (true, Counted::Bytes) => {
            "{prefix}{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left".to_owned()
        }
        (false, Counted::Bytes) => "{prefix}{msg} {spinner} {bytes} {bytes_per_sec}".to_owned(),
        (true, Counted::Things(word)) => {
            format!("{{prefix}}{{msg}} {{bar:30}} {{pos}}/{{len}} {word} {{per_sec}}, {{eta}} left")
        }
        (false, Counted::Things(word)) => {
            format!("{{prefix}}{{msg}} {{spinner}} {{pos}} {word} {{per_sec}}")
        }
    };
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `googlenet: 12.00 MB of 53.50 MB, 1.20 MB/s, 35 s left`
fn plain_line(what: &str, done: u64, total: Option<u64>, rate: f64, counted: Counted) -> String {
    let amount = |count: u64| match counted {
        Counted::Bytes => DecimalBytes(count).to_string(),
        Counted::Things(_) => count.to_string(),
    };
    let word = match counted {
        Counted::Bytes => String::new(),
        Counted::Things(word) => format!(" {word}"),
    };
    let speed = match counted {
        Counted::Bytes => format!("{}/s", DecimalBytes(rate as u64)),
        Counted::Things(_) => format!("{rate:.1}/s"),
    };
    match total {
        Some(total) if done < total && 0.0 < rate => {
            let left = (total - done) as f64 / rate;
            format!(
                "{what}: {} of {}{word}, {speed}, {left:.0} s left",
                amount(done),
                amount(total)
            )
        }
        Some(total) => format!("{what}: {} of {}{word}, {speed}", amount(done), amount(total)),
        None => format!("{what}: {}{word}, {speed}", amount(done)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_says_rate_and_remaining_time() {
        let line = plain_line("googlenet", 12_000_000, Some(53_000_000), 1e6, Counted::Bytes);
        assert_eq!(line, "googlenet: 12.00 MB of 53.00 MB, 1.00 MB/s, 41 s left");
        let line = plain_line("classify", 7, Some(7), 20.0, Counted::Things("pictures"));
        assert_eq!(line, "classify: 7 of 7 pictures, 20.0/s");
    }
}
