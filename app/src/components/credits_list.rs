//! Whose the gallery's pictures are: author, licence and source of each, as the licences ask for.

use std::sync::Arc;

use leptos::prelude::*;
use shared::format::bundle::Sprites;
use shared::format::credits::Credit;

use crate::components::dialog::Modal;
use crate::components::lazy::Lazy;
use crate::components::sprite_picture::SpritePicture;
use crate::over::Dialog;
use crate::page::Page;
use crate::parts::Loaded;
use crate::sprite::Square;

/// Entries made at once when they come near the window.
const GROUP: usize = 20;

/// The dialog that the foot of the wall and the list of keys open.
#[component]
pub fn CreditsList() -> impl IntoView {
    view! {
        <Modal which=Dialog::Credits label="Credits">
            <Credits/>
        </Modal>
    }
}

#[component]
fn Credits() -> impl IntoView {
    let page = Page::here();
    let parts = page.session.parts;
    let list = move || match (parts.credits(), parts.gallery()) {
        (Some(Loaded::Here(credits)), Some(sprites)) => {
            view! { <List credits sprites=Arc::new(sprites)/> }.into_any()
        }
        (Some(Loaded::Coming), _) => view! { <p class="nothing">"On their way."</p> }.into_any(),
        (Some(Loaded::Failed), _) => {
            let again = move |_| parts.again();
            view! {
                <p class="nothing">
                    "The list of pictures did not arrive. "
                    <button class="link" on:click=again>"Try again"</button>
                </p>
            }
            .into_any()
        }
        _ => view! { <p class="nothing">"This bundle has no gallery."</p> }.into_any(),
    };
    view! {
        <h2>"Whose the pictures are"</h2>
        {list}
    }
}

#[component]
fn List(
    /// Whose they are.
    credits: Arc<Vec<Credit>>,
    /// The pictures.
    sprites: Arc<Sprites>,
) -> impl IntoView {
    let count = credits.len();
    let groups = count.div_ceil(GROUP);
    let group = move |group: usize| {
        let from = group * GROUP;
        let to = (from + GROUP).min(count);
        let (credits, sprites) = (credits.clone(), sprites.clone());
        view! {
            <Lazy class="credit-group" style=format!("--rows:{}", to - from)>
                {(from..to)
                    .filter_map(|index| Some((index, credits.get(index)?.clone())))
                    .map(|(index, credit)| {
                        view! { <Entry index credit sprites=sprites.clone()/> }
                    })
                    .collect_view()}
            </Lazy>
        }
    };
    view! {
        <p class="aside">
            {format!("{count} pictures, cut to squares and made smaller, each under the licence that is said with it.")}
        </p>
        <div class="credits" data-testid="credits">{(0..groups).map(group).collect_view()}</div>
    }
}

/// A picture and its credit.
#[component]
fn Entry(
    /// Its number in the gallery.
    index: usize,
    /// Whose it is.
    credit: Credit,
    /// The gallery.
    sprites: Arc<Sprites>,
) -> impl IntoView {
    let parts = Page::here().session.parts;
    let style = Signal::derive(move || parts.style(&sprites, index, Square::WHOLE));
    let Credit { title, author, licence, licence_url, source, changes, origin, note, .. } = credit;
    let author = match origin {
        Some(origin) => {
            view! { <a href=origin target="_blank" rel="noopener author">{author}</a> }.into_any()
        }
        None => author.into_any(),
    };
    let changes = [Some(changes), note].into_iter().flatten().collect::<Vec<_>>().join("; ");
    // An address becomes a link; a package's name stays words.
    let source = match source.starts_with("https://") {
        true => view! {
            <a href=source.clone() target="_blank" rel="noopener">{source.clone()}</a>
        }
        .into_any(),
        false => source.into_any(),
    };
    view! {
        <div class="credited">
            <SpritePicture style label=""/>
            <p>
                <b>{title}</b>
                " by "
                {author}
                ", "
                <a href=licence_url target="_blank" rel="noopener license">{licence}</a>
                <span>{source}" · "{changes}</span>
            </p>
        </div>
    }
}
