//! The list of keys that `?` opens.

use leptos::prelude::*;

use crate::components::dialog::Modal;
use crate::keys::LIST;
use crate::over::Dialog;
use crate::page::Page;

/// Every key and what it does.
#[component]
pub fn KeysList() -> impl IntoView {
    let page = Page::here();
    view! {
        <Modal which=Dialog::Keys label="Keys">
            <h2>"Keys"</h2>
            <dl class="keys">
                {LIST
                    .iter()
                    .map(|(keys, meaning)| {
                        let keys = keys
                            .split(' ')
                            .map(|key| view! { <kbd>{key}</kbd> })
                            .collect_view();
                        view! {
                            <div>
                                <dt>{keys}</dt>
                                <dd>{*meaning}</dd>
                            </div>
                        }
                    })
                    .collect_view()}
            </dl>
            <p class="foot">
                <button class="link" on:click=move |_| page.over.dialog.set(Some(Dialog::Credits))>
                    "Whose the pictures are"
                </button>
            </p>
        </Modal>
    }
}
