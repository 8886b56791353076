//! Where a block of a transformer looks, head by head; a click lays one over the picture.

use leptos::prelude::*;

use crate::attending::Attending;
use crate::attention::Heads;
use crate::components::failure::FailureNote;
use crate::components::heat_tile::HeatTile;
use crate::heatmap::Laid;
use crate::numbers::percent;
use crate::page::Page;
use crate::verbs::look::gaze::{Gaze, block, head_words, heads, token_words};
use crate::verbs::look::state::Sight;

/// Side of a tile's canvas, in pixels.
const SIDE: usize = 112;

/// The strip of heads, the choice of the block, and the scale of the colours; nothing for networks
/// without attention.
#[component]
pub fn AttentionStrip() -> impl IntoView {
    let page = Page::here();
    let heads = Memo::new(move |_| heads(page));
    move || heads.get().map(|heads| view! { <Strip heads/> })
}

#[component]
fn Strip(
    /// What the network has of it.
    heads: Heads,
) -> impl IntoView {
    let page = Page::here();
    let gaze = Gaze::here();
    let looks = Memo::new(move |_| gaze.looks(page));
    let block = Memo::new(move |_| block(page, heads));
    let last = heads.blocks.saturating_sub(1);
    let from = move || token_words(gaze.from(page));
    let full = move || looks.with(|looks| looks.as_ref().map(|looks| percent(looks.full)));
    let share = move || 100.0 * block.get() as f64 / last.max(1) as f64;
    let slide = move |event| {
        let Ok(block) = event_target_value(&event).parse() else { return };
        page.slide(|address| {
            let before = address.attention;
            let (head, from) = before.map_or((None, None), |before| (before.head, before.from));
            address.attention = Some(Attending { block, head, from });
        });
    };
    let pinned = move || page.address.with(|address| address.attention.and_then(|it| it.from));
    let unpin = move |_| {
        page.go(|address| {
            address.attention = address.attention.map(|it| Attending { from: None, ..it });
        })
    };
    let tiles = move || {
        let all = std::iter::once(None).chain((0..heads.heads).map(Some));
        all.map(|head| view! { <li><Head head looks block/></li> }).collect_view()
    };
    view! {
        <section class="strip attention" data-testid="attention">
            <h2>
                <span>"Where block "<b>{block}</b>" looks from "{from}</span>
                <span class="scale" aria-label="Scale of the attention">"0" <i></i> {full}</span>
            </h2>
            <label class="block">
                <span>"Block"</span>
                <input
                    type="range"
                    min="0"
                    max=last
                    data-testid="attention-block"
                    aria-valuetext=move || format!("block {}", block.get())
                    prop:value=move || block.get().to_string()
                    prop:style=move || format!("--share:{:.1}%", share())
                    on:input=slide
                />
                <b>{block}</b>
            </label>
            <ul class="tiles" data-testid="attention-heads">{tiles}</ul>
            <p class="aside">
                "Brighter: it attends more there; the shares of a head sum to 100 %. Under each its largest. Click one to lay it over the picture; then the patch under the pointer looks, and a click keeps it. "
                <Show when=move || pinned().is_some()>
                    <button class="link" data-testid="from-class-token" on:click=unpin>
                        "Look from the class token again"
                    </button>
                </Show>
            </p>
            {move || gaze.failure.get().map(|failure| view! { <FailureNote failure/> })}
        </section>
    }
}

/// One head, or the mean over all.
#[component]
fn Head(
    /// The head; the mean for none.
    head: Option<usize>,
    /// What the token on view looks at.
    looks: Memo<Option<crate::attention::Looks>>,
    /// The block on view.
    block: Memo<usize>,
) -> impl IntoView {
    let page = Page::here();
    let sight = Sight::here();
    let place = head.map_or(0, |head| head + 1);
    let map = Signal::derive(move || {
        looks.with(|looks| {
            let looks = looks.as_ref()?;
            Some(looks.maps.get(place)?.clone())
        })
    });
    let laid = Signal::derive(move || {
        let full = looks.with(|looks| Some(looks.as_ref()?.full))?;
        Some(Laid::Heat((map.get()?, full)))
    });
    let most = move || map.with(|map| map.as_ref().map(|map| percent(map.largest())));
    let words = head_words(head);
    let name = if head.is_some() { words.clone() } else { "mean".to_owned() };
    let label = Signal::derive(move || format!("Where {words} of block {} looks", block.get()));
    let on = move || {
        let of_address = page.address.with(|address| address.attention);
        of_address.is_some_and(|it| it.head == head)
    };
    let choose = move |_| {
        let is_on = untrack(on);
        let block = block.get_untracked();
        page.go(|address| {
            let from = address.attention.and_then(|it| it.from);
            address.attention = (!is_on).then_some(Attending { block, head, from });
        });
    };
    view! {
        <button
            class="tile"
            class:on=on
            data-head=head.map_or_else(|| "mean".to_owned(), |head| head.to_string())
            aria-pressed=move || on().to_string()
            on:click=choose
        >
            <HeatTile seen=sight.seen laid side=SIDE label/>
            <span class="name">{name}</span>
            <span class="value">{most}</span>
        </button>
    }
}
