//! A list of checks, run one after another, with how long each took at the end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Runs steps and remembers what they cost.
#[derive(Default)]
pub struct Steps {
    durations: Vec<(String, Duration)>,
    notes: Vec<String>,
}

impl Steps {
    /// Announces a step, runs it, and names it if it fails.
    pub fn step(&mut self, name: &str, task: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n=== {name}");
        let start = Instant::now();
        let outcome = task();
        self.durations.push((name.to_owned(), start.elapsed()));
        if outcome.is_err() {
            self.report();
        }
        outcome.with_context(|| format!("the step \"{name}\" failed"))
    }

    /// Remembers a check that cannot run here, and why.
    pub fn skip(&mut self, what: &str) {
        self.note(&format!("skipped: {what}"));
    }

    /// Prints a line now, and again at the end.
    pub fn note(&mut self, line: &str) {
        println!("{line}");
        self.notes.push(line.to_owned());
    }

    /// Prints the table of durations and the notes.
    pub fn report(&self) {
        println!("\n{:>9}  step", "minutes");
        for (name, duration) in &self.durations {
            println!("{:>9.2}  {name}", duration.as_secs_f64() / 60.0);
        }
        let total: Duration = self.durations.iter().map(|(_, duration)| *duration).sum();
        println!("{:>9.2}  in all", total.as_secs_f64() / 60.0);
        for line in &self.notes {
            println!("{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_named() {
        let error = Steps::default().step("paint", || anyhow::bail!("no paint")).unwrap_err();
        assert_eq!(format!("{error:#}"), "the step \"paint\" failed: no paint");
    }
}
