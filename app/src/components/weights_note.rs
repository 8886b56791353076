//! What needs the weights says so in place, and offers the ways to have them.

use leptos::prelude::*;
use web_sys::HtmlInputElement;

use crate::components::failure::FailureNote;
use crate::components::icon::{Icon, outline};
use crate::page::Page;

/// Where a model's weights are published, for people.
pub fn published(model: &str) -> Option<&'static str> {
    match model {
        "googlenet" => Some("https://github.com/BVLC/caffe/tree/master/models/bvlc_googlenet"),
        "inception-v1" => Some("https://github.com/ProGamerGov/pytorch-old-tensorflow-models"),
        "googlenet-torchvision" => {
            Some("https://docs.pytorch.org/vision/stable/models/googlenet.html")
        }
        "vit-tiny-patch16-224" => {
            Some("https://huggingface.co/timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k")
        }
        _ => None,
    }
}

/// One sentence on what is missing, and three ways out.
#[component]
pub fn WeightsNote(
    /// What needs them: "Watching it grow".
    what: &'static str,
    /// Whether the way to another network stands beside this note.
    #[prop(optional)]
    led_on: bool,
) -> impl IntoView {
    let page = Page::here();
    let session = page.session;
    let coming = Memo::new(move |_| session.library.weights_coming());
    let title = move || page.model_title();
    let said = move || match coming.get() {
        true => format!(
            "{what} needs {}'s weights; they are on their way and will be taken as soon as they are here.",
            title()
        ),
        false => format!("{what} needs {}'s weights, which are not part of this page.", title()),
    };
    let taken = move |event: leptos::ev::Event| {
        let input = event_target::<HtmlInputElement>(&event);
        if let Some(file) = input.files().and_then(|files| files.get(0)) {
            session.take_weights(file);
        }
        // The same file may be chosen again.
        input.set_value("");
    };
    let source = move || published(&page.model_name());
    // Another bundle, if one lies beside the page.
    let other = move || {
        let here = page.model_name();
        let offered = session.library.offered.get().unwrap_or_default();
        let mut others = offered.into_iter().filter(|entry| entry.path != here);
        others.find(|entry| !led_on && entry.weights != Some(false) && !entry.weights_coming)
    };
    view! {
        <div class="weights" role="status" data-testid="no-weights">
            <p>{said}</p>
            <div class="ways">
                <label class="button">
                    <Icon of=outline::OPEN/>
                    "Take a file…"
                    <input
                        type="file"
                        accept=".safetensors,.pth,.pt,.ckpt,.bin,.caffemodel"
                        data-testid="weights-file"
                        on:change=taken
                    />
                </label>
                {move || {
                    source()
                        .map(|address| {
                            view! {
                                <a class="button" href=address target="_blank" rel="noopener">
                                    "Where to get them"
                                </a>
                            }
                        })
                }}
                {move || {
                    other()
                        .map(|entry| {
                            let path = entry.path.clone();
                            view! {
                                <button
                                    class="button"
                                    data-testid="use-other"
                                    on:click=move |_| page.choose(path.clone())
                                >
                                    {format!("Open {}", entry.title)}
                                </button>
                            }
                        })
                }}
            </div>
            <p class="aside">
                "A .safetensors, .pth or .caffemodel file; it can also be dropped anywhere on this page. It stays on this device. On a machine with Pellucid, "
                <code>{move || format!("pellucid fetch {}", page.model_name())}</code> " downloads it."
            </p>
            {move || session.refused.get().map(|failure| view! { <FailureNote failure/> })}
        </div>
    }
}
