//! A dialog over the page: one at a time, closed by Escape or a click beside it.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use web_sys::HtmlDialogElement;

use crate::over::Dialog;
use crate::page::Page;

/// A modal dialog that follows [`Over::dialog`](crate::over::Over::dialog). The browser keeps the focus inside and gives it
/// back afterwards.
#[component]
pub fn Modal(
    /// Which one.
    which: Dialog,
    /// Its name for screen readers.
    label: &'static str,
    /// What is in it; made anew each time it opens.
    children: ChildrenFn,
) -> impl IntoView {
    let page = Page::here();
    let node = NodeRef::<html::Dialog>::new();
    let open = Memo::new(move |_| page.over.dialog.get() == Some(which));
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        let dialog: HtmlDialogElement = dialog;
        if open.get() && !dialog.open() {
            // Fails only for a dialog that is not in the page, and this one is.
            let _ = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    let closed = move |_: ev::Event| {
        if open.get_untracked() {
            page.over.dialog.set(None);
        }
    };
    // Only the backdrop is the dialog itself; everything in it is a child.
    let beside = move |event: ev::MouseEvent| {
        if event.target() == node.get().map(Into::into) {
            page.over.dialog.set(None);
        }
    };
    view! {
        <dialog node_ref=node aria-label=label on:close=closed on:click=beside>
            <Show when=move || open.get()>
                <div class="inside">{children()}</div>
            </Show>
        </dialog>
    }
}
