//! What is wrong with an objective, and what may have been meant, to choose from.

use leptos::prelude::*;
use shared::visualize::mistake::{Mistake, Offer};

/// One sentence, and below it the objectives that may have been meant.
#[component]
pub fn MistakeNote(
    /// What is wrong, if anything is.
    #[prop(into)]
    wrong: Signal<Option<Mistake>>,
    /// Hears the objective that is chosen.
    #[prop(into)]
    choose: Callback<String>,
    /// Names the sentence for what it describes.
    #[prop(optional)]
    id: Option<&'static str>,
) -> impl IntoView {
    let offer = move |Offer { title, objective }: Offer| {
        let (chosen, shown) = (objective.clone(), objective.clone());
        view! {
            <li>
                <button
                    class="layer plain"
                    data-testid="offer"
                    data-objective=objective
                    on:click=move |_| choose.run(chosen.clone())
                >
                    <span>{title}</span>
                    <code class="count">{shown}</code>
                </button>
            </li>
        }
    };
    let offers = move || wrong.get().map(|wrong| wrong.offers).unwrap_or_default();
    view! {
        <div class="wrong">
            <p id=id class="mistake" role="status">
                {move || wrong.get().map(|wrong| wrong.brief)}
                <Show when=move || !offers().is_empty()>" Did you mean:"</Show>
            </p>
            <ul class="layers">{move || offers().into_iter().map(offer).collect_view()}</ul>
        </div>
    }
}
