//! The engine, started by the page in a web worker of its own.

fn main() {
    app::worker::start();
}
