//! The page: mounts it and takes down what the served page showed before.

use app::page::App;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(App);
    // The first paint has done its work; the wall is the same, so nothing jumps. The program runs.
    for id in ["first", "halted"] {
        if let Some(served) = leptos::prelude::document().get_element_by_id(id) {
            served.remove();
        }
    }
}
