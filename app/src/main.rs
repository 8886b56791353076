//! The page: mounts it and takes down what the served page showed before.

use app::layout::App;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(App);
    // The first paint has done its work; the wall is the same, so nothing jumps. The program runs.
    let served = |id| leptos::prelude::document().get_element_by_id(id);
    if let Some(halted) = served("halted") {
        halted.remove();
    }
    if let Some(first) = served("first") {
        app::arrival::take_over(first);
    }
}
