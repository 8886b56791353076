//! Ctrl-C as a flag that long jobs look at between steps.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// From now on the first Ctrl-C only sets the flag; the second one ends the program at once.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::SeqCst) {
            // 130 is what a shell reports for a program ended by Ctrl-C.
            std::process::exit(130);
        }
        eprintln!("\npellucid: stopping after this step; Ctrl-C again stops at once");
    })
    .context("listening for Ctrl-C")
}

/// Whether Ctrl-C was pressed.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// An error once Ctrl-C was pressed, for loops that end with `?`.
pub fn check() -> Result<()> {
    if requested() {
        bail!("stopped by Ctrl-C; long jobs go on with the same command");
    }
    Ok(())
}
