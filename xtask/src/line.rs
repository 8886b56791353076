//! A slow network: answers that share a line wait for each other on it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that go at once: on a slow line small pieces of all answers go in turn.
pub const PIECE: usize = 8 << 10;

/// A line of so many bytes a second; clones are the same line.
#[derive(Clone, Debug)]
pub struct Line {
    bytes_per_second: u64,
    free_at: Arc<Mutex<Instant>>,
}

impl Line {
    /// A line on which nothing is under way.
    #[must_use]
    pub fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, free_at: Arc::new(Mutex::new(Instant::now())) }
    }

    /// Waits until so many bytes have gone through.
    pub fn pass(&self, bytes: usize) {
        let gone = self.gone_at(bytes, Instant::now());
        thread::sleep(gone.saturating_duration_since(Instant::now()));
    }

    /// When so many bytes more will have gone through.
    fn gone_at(&self, bytes: usize, now: Instant) -> Instant {
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        *free_at = (*free_at).max(now) + takes;
        *free_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_on_one_line_wait_for_each_other_and_a_rest_is_not_made_up_for() {
        let line = Line::new(1_000_000);
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        assert_eq!(line.gone_at(25_000, start), after(25));
        assert_eq!(line.clone().gone_at(25_000, start), after(50));
        assert_eq!(line.gone_at(25_000, after(200)), after(225));
    }
}
