//! What is made, or asked for, only once it comes near the window.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

use crate::near::{MARGIN, SCROLLERS};

/// Calls `near` when an element comes near the window, as long as the owner lives.
fn watch(element: &Element, near: impl Fn() + 'static) {
    let options = IntersectionObserverInit::new();
    // Stage and dialogs scroll, not the window; their own edges are the ones to look beyond.
    if let Some(scroller) = element.closest(SCROLLERS).ok().flatten() {
        options.set_root(Some(&scroller));
    }
    options.set_root_margin(&format!("{MARGIN}px 0px"));
    let seen = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
        let entries = entries.iter().filter_map(|entry| entry.dyn_into().ok());
        if entries.into_iter().any(|entry: IntersectionObserverEntry| entry.is_intersecting()) {
            near();
        }
    });
    let observer = IntersectionObserver::new_with_options(seen.as_ref().unchecked_ref(), &options);
    let Ok(observer) = observer else { return };
    observer.observe(element);
    let kept = StoredValue::new_local((observer, seen));
    on_cleanup(move || {
        kept.try_update_value(|(observer, _)| observer.disconnect());
    });
}

/// A box whose children are made once it comes near the window, and stay from then on.
#[component]
pub fn Lazy(
    /// Of the box.
    class: &'static str,
    /// Of the box; says how large it is before its children are there.
    style: String,
    /// What is in it.
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    let (near, set_near) = signal(false);
    Effect::new(move |_| {
        if let Some(node) = node.get() {
            watch(&node, move || set_near.set(true));
        }
    });
    view! {
        <div node_ref=node class=class prop:style=style>
            <Show when=move || near.get()>{children()}</Show>
        </div>
    }
}
