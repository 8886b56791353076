//! What is made, or asked for, only once it comes near the window.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{
    Element, HtmlElement, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit,
};

/// What scrolls on this page.
const SCROLLERS: &str = "#stage, dialog .inside";

/// How far outside of it counts as near.
const NEAR: &str = "700px 0px";

/// Calls `near` with every element of these that comes near the window, as long as the owner lives.
pub fn watch(elements: &[Element], near: impl Fn(HtmlElement) + 'static) {
    let options = IntersectionObserverInit::new();
    // Stage and dialogs scroll, not the window; their own edges are the ones to look beyond.
    let scroller = elements.first().and_then(|element| element.closest(SCROLLERS).ok().flatten());
    if let Some(scroller) = &scroller {
        options.set_root(Some(scroller));
    }
    options.set_root_margin(NEAR);
    let seen = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
        for entry in entries.iter() {
            let Ok(entry) = entry.dyn_into::<IntersectionObserverEntry>() else { continue };
            if entry.is_intersecting()
                && let Ok(element) = entry.target().dyn_into::<HtmlElement>()
            {
                near(element);
            }
        }
    });
    let observer = IntersectionObserver::new_with_options(seen.as_ref().unchecked_ref(), &options);
    let Ok(observer) = observer else { return };
    elements.iter().for_each(|element| observer.observe(element));
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
            watch(&[node.into()], move |_| set_near.set(true));
        }
    });
    view! {
        <div node_ref=node class=class prop:style=style>
            <Show when=move || near.get()>{children()}</Show>
        </div>
    }
}
