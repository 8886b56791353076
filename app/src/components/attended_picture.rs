//! Over a picture with attention: the pointer, arrow keys or a finger choose the patch that looks.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use crate::attending::Attending;
use crate::page::Page;
use crate::protocol::PictureSize;
use crate::verbs::look::gaze::{Gaze, block, head_words, heads, token_words};

/// Takes pointer and keys, and marks the patch that looks.
#[component]
pub fn AttendedPicture() -> impl IntoView {
    let page = Page::here();
    let gaze = Gaze::here();
    let node = NodeRef::<html::Div>::new();
    let patches =
        move || gaze.attention.with_untracked(|it| it.as_ref().map(|it| it.attended.patches));
    let at = move |event: &ev::PointerEvent| {
        let (node, patches) = (node.get_untracked()?, patches()?);
        let bounds = node.get_bounding_client_rect();
        let across = (f64::from(event.client_x()) - bounds.left()) / bounds.width();
        let down = (f64::from(event.client_y()) - bounds.top()) / bounds.height();
        patch(patches, across, down)
    };
    let pin = move |from: Option<[usize; 2]>| {
        page.slide(|address| {
            address.attention = address.attention.map(|it| Attending { from, ..it });
        });
    };
    let pinned = move || page.address.with_untracked(|address| address.attention?.from);
    let moved = move |event: ev::PointerEvent| {
        let pointed = at(&event);
        if gaze.pointed.get_untracked() != pointed {
            gaze.pointed.set(pointed);
        }
    };
    let pressed = move |event: ev::PointerEvent| {
        let Some(from) = at(&event) else { return };
        // Once more lets it go.
        pin(Some(from).filter(|from| pinned() != Some(*from)));
        gaze.pointed.set(None);
    };
    let key = move |event: ev::KeyboardEvent| {
        let Some(patches) = patches() else { return };
        let key = event.key();
        let next = match key.as_str() {
            "Escape" if pinned().is_some() => None,
            _ => match walked(patches, pinned(), &key) {
                Some(next) => Some(next),
                None => return,
            },
        };
        // The page has its own use for these.
        event.prevent_default();
        event.stop_propagation();
        gaze.pointed.set(None);
        pin(next);
    };
    on_cleanup(move || gaze.pointed.set(None));
    let label = move || {
        let attending = page.address.with(|address| address.attention);
        let head = head_words(attending.and_then(|it| it.head));
        let block = heads(page).map(|heads| block(page, heads)).unwrap_or_default();
        format!(
            "Attention of block {block}, {head}: arrow keys choose the patch that looks, Escape the class token"
        )
    };
    let from = move || gaze.from(page);
    let mark = move || {
        let [row, column] = from()?;
        let patches = gaze.attention.with(|it| it.as_ref().map(|it| it.attended.patches))?;
        let share = |place: usize, of: usize| 100.0 * place as f64 / of.max(1) as f64;
        let style = format!(
            "left:{:.3}%;top:{:.3}%;width:{:.3}%;height:{:.3}%",
            share(column, patches.width),
            share(row, patches.height),
            share(1, patches.width),
            share(1, patches.height),
        );
        Some(view! { <i class="looks" prop:style=style></i> })
    };
    view! {
        <div
            node_ref=node
            class="attended"
            role="application"
            aria-label=label
            tabindex="0"
            data-testid="attended"
            data-from=move || from().map(|[row, column]| format!("{row},{column}"))
            on:pointermove=moved
            on:pointerleave=move |_| gaze.pointed.set(None)
            on:pointerup=pressed
            on:keydown=key
        >
            {mark}
        </div>
        <p class="spoken" role="status">{move || token_words(from())}</p>
    }
}

/// The patch at a place given in 0..1 across and down.
fn patch(patches: PictureSize, across: f64, down: f64) -> Option<[usize; 2]> {
    let inside = |place: f64| (0.0..1.0).contains(&place);
    let at = |place: f64, count: usize| (place * count as f64) as usize;
    let there = inside(across) && inside(down);
    there.then(|| [at(down, patches.height), at(across, patches.width)])
}

/// The patch that an arrow key leads to: the middle one from the class token, which has no place.
fn walked(patches: PictureSize, from: Option<[usize; 2]>, key: &str) -> Option<[usize; 2]> {
    let (down, across) = match key {
        "ArrowUp" => (-1, 0),
        "ArrowDown" => (1, 0),
        "ArrowLeft" => (0, -1),
        "ArrowRight" => (0, 1),
        _ => return None,
    };
    let Some([row, column]) = from else {
        return Some([patches.height / 2, patches.width / 2]);
    };
    let moved = |place: usize, by: isize, count: usize| {
        place.saturating_add_signed(by).min(count.saturating_sub(1))
    };
    Some([moved(row, down, patches.height), moved(column, across, patches.width)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCHES: PictureSize = PictureSize { width: 14, height: 7 };

    #[test]
    fn a_pointer_finds_its_patch_and_none_outside() {
        assert_eq!(patch(PATCHES, 0.0, 0.0), Some([0, 0]));
        assert_eq!(patch(PATCHES, 0.999, 0.999), Some([6, 13]));
        assert_eq!(patch(PATCHES, 0.5, 0.5), Some([3, 7]));
        assert_eq!(patch(PATCHES, 1.0, 0.5), None);
        assert_eq!(patch(PATCHES, 0.5, f64::NAN), None);
    }

    #[test]
    fn arrows_walk_from_the_middle_to_the_edges() {
        assert_eq!(walked(PATCHES, None, "ArrowLeft"), Some([3, 7]));
        assert_eq!(walked(PATCHES, Some([3, 7]), "ArrowUp"), Some([2, 7]));
        assert_eq!(walked(PATCHES, Some([6, 13]), "ArrowDown"), Some([6, 13]));
        assert_eq!(walked(PATCHES, Some([0, 0]), "ArrowLeft"), Some([0, 0]));
        assert_eq!(walked(PATCHES, Some([0, 0]), "Enter"), None);
    }
}
