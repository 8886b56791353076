//! Over a picture: the pointer, arrow keys or a finger choose one of its places.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use crate::heatmap::Place;
use crate::protocol::PictureSize;

/// Takes pointer and keys, and marks the place that is chosen.
#[component]
pub fn PlacePicker(
    /// Rows and columns; nothing while they are not known.
    #[prop(into)]
    grid: Signal<Option<PictureSize>>,
    /// The place under the pointer.
    pointed: RwSignal<Option<Place>>,
    /// The one that stays when the pointer leaves.
    #[prop(into)]
    kept: Signal<Option<Place>>,
    /// A click, a tap or a key keeps another, or none.
    #[prop(into)]
    keep: Callback<Option<Place>>,
    /// The one of the two that counts.
    #[prop(into)]
    marked: Signal<Option<Place>>,
    /// What choosing does, for screen readers.
    #[prop(into)]
    label: Signal<String>,
    /// Said when another is chosen.
    #[prop(into)]
    said: Signal<String>,
    /// What tests call it.
    id: &'static str,
) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    let at = move |event: &ev::PointerEvent| {
        let (node, grid) = (node.get_untracked()?, grid.get_untracked()?);
        let bounds = node.get_bounding_client_rect();
        let across = (f64::from(event.client_x()) - bounds.left()) / bounds.width();
        let down = (f64::from(event.client_y()) - bounds.top()) / bounds.height();
        place(grid, across, down)
    };
    let moved = move |event: ev::PointerEvent| {
        let here = at(&event);
        if pointed.get_untracked() != here {
            pointed.set(here);
        }
    };
    let pressed = move |event: ev::PointerEvent| {
        let Some(here) = at(&event) else { return };
        // Once more lets it go.
        keep.run(Some(here).filter(|here| kept.get_untracked() != Some(*here)));
        pointed.set(None);
    };
    let key = move |event: ev::KeyboardEvent| {
        let Some(grid) = grid.get_untracked() else { return };
        let key = event.key();
        let kept = kept.get_untracked();
        let next = match key.as_str() {
            "Escape" if kept.is_some() => None,
            _ => match walked(grid, kept, &key) {
                Some(next) => Some(next),
                None => return,
            },
        };
        // The page has its own use for these.
        event.prevent_default();
        event.stop_propagation();
        pointed.set(None);
        keep.run(next);
    };
    on_cleanup(move || pointed.set(None));
    let mark = move || {
        let ([row, column], grid) = (marked.get()?, grid.get()?);
        let share = |place: usize, of: usize| 100.0 * place as f64 / of.max(1) as f64;
        let style = format!(
            "left:{:.3}%;top:{:.3}%;width:{:.3}%;height:{:.3}%",
            share(column, grid.width),
            share(row, grid.height),
            share(1, grid.width),
            share(1, grid.height),
        );
        Some(view! { <i class="chosen" prop:style=style></i> })
    };
    view! {
        <div
            node_ref=node
            class="places"
            role="application"
            aria-label=label
            tabindex="0"
            data-testid=id
            data-from=move || marked.get().map(|[row, column]| format!("{row},{column}"))
            on:pointermove=moved
            on:pointerleave=move |_| pointed.set(None)
            on:pointerup=pressed
            on:keydown=key
        >
            {mark}
        </div>
        <p class="spoken" role="status">{said}</p>
    }
}

/// The place at a point given in 0..1 across and down.
fn place(grid: PictureSize, across: f64, down: f64) -> Option<Place> {
    let inside = |point: f64| (0.0..1.0).contains(&point);
    let at = |point: f64, count: usize| (point * count as f64) as usize;
    let there = inside(across) && inside(down);
    there.then(|| [at(down, grid.height), at(across, grid.width)])
}

/// The place that an arrow key leads to: the middle one where none is kept.
fn walked(grid: PictureSize, from: Option<Place>, key: &str) -> Option<Place> {
    let (down, across) = match key {
        "ArrowUp" => (-1, 0),
        "ArrowDown" => (1, 0),
        "ArrowLeft" => (0, -1),
        "ArrowRight" => (0, 1),
        _ => return None,
    };
    let Some([row, column]) = from else {
        return Some([grid.height / 2, grid.width / 2]);
    };
    let moved = |place: usize, by: isize, count: usize| {
        place.saturating_add_signed(by).min(count.saturating_sub(1))
    };
    Some([moved(row, down, grid.height), moved(column, across, grid.width)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: PictureSize = PictureSize { width: 14, height: 7 };

    #[test]
    fn a_pointer_finds_its_place_and_none_outside() {
        assert_eq!(place(GRID, 0.0, 0.0), Some([0, 0]));
        assert_eq!(place(GRID, 0.999, 0.999), Some([6, 13]));
        assert_eq!(place(GRID, 0.5, 0.5), Some([3, 7]));
        assert_eq!(place(GRID, 1.0, 0.5), None);
        assert_eq!(place(GRID, 0.5, f64::NAN), None);
    }

    #[test]
    fn arrows_walk_from_the_middle_to_the_edges() {
        assert_eq!(walked(GRID, None, "ArrowLeft"), Some([3, 7]));
        assert_eq!(walked(GRID, Some([3, 7]), "ArrowUp"), Some([2, 7]));
        assert_eq!(walked(GRID, Some([6, 13]), "ArrowDown"), Some([6, 13]));
        assert_eq!(walked(GRID, Some([0, 0]), "ArrowLeft"), Some([0, 0]));
        assert_eq!(walked(GRID, Some([0, 0]), "Enter"), None);
    }
}
