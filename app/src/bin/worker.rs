//! The engine, started by the page in a web worker of its own.

fn main() {
    // Elsewhere than in a browser there is nobody to talk to.
    #[cfg(target_family = "wasm")]
    app::worker::start();
}
