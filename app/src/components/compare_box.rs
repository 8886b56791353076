//! Two dreams side by side that differ in one setting.

use leptos::prelude::*;
use shared::visualize::{Making, Setting};

use crate::address::checked;
use crate::making::describe;
use crate::page::Page;

/// What a second pane may change, and the values offered for it.
const OFFERS: [(&str, &[&str]); 6] = [
    ("parameterization", &["pixel", "fourier", "maco", "pyramid"]),
    ("decorrelate", &["0", "1"]),
    ("transforms", &["none", "standard", "jitter"]),
    ("seed", &["1", "2", "3"]),
    ("lr", &["0.01", "0.1", "0.2"]),
    ("size", &["64", "128", "224"]),
];

/// The settings in which the second pane differs from the first, as a label for each.
pub fn labels(first: &Making, second: &Making) -> (String, String) {
    let side = |of: &Making, other: &Making| {
        let parts: Vec<_> =
            of.differences(other).iter().map(|(key, value)| describe(key, value)).collect();
        parts.join(", ")
    };
    (side(first, second), side(second, first))
}

/// Chooses what the second pane changes.
#[component]
pub fn CompareBox() -> impl IntoView {
    let page = Page::here();
    let chosen = Memo::new(move |_| {
        page.address.with(|address| {
            let parts: Vec<_> =
                address.compare.iter().map(|(key, value)| format!("{key}:{value}")).collect();
            parts.join(",")
        })
    });
    let offers = Memo::new(move |_| {
        let making = page.making();
        let differ = |(key, value): &(&'static str, &'static str)| {
            Setting::of(key).is_ok_and(|setting| setting.get(&making) != *value)
        };
        let all = OFFERS.iter().flat_map(|(key, values)| values.iter().map(|value| (*key, *value)));
        all.filter(differ).collect::<Vec<_>>()
    });
    let custom = move || {
        let chosen = chosen.get();
        let offered = offers.get().iter().any(|(key, value)| format!("{key}:{value}") == chosen);
        (!offered && !chosen.is_empty())
            .then(|| view! { <option value=chosen.clone() selected=true>{chosen.clone()}</option> })
    };
    let change = move |event| {
        let value = event_target_value(&event);
        let pair = value.split_once(':').and_then(|(key, value)| checked(key, value).ok());
        let pair = pair.map(|(setting, value)| (setting.key, value));
        page.go(|address| address.compare = pair.into_iter().collect());
    };
    view! {
        <div class="row" class:changed=move || !chosen.with(String::is_empty)>
            <label for="compare">"Compare with"</label>
            <span class="control">
                <select id="compare" data-testid="compare" on:change=change>
                    <option value="" selected=move || chosen.with(String::is_empty)>"nothing"</option>
                    {custom}
                    {move || {
                        offers
                            .get()
                            .into_iter()
                            .map(|(key, value)| {
                                let pair = format!("{key}:{value}");
                                let on = pair.clone();
                                view! {
                                    <option value=pair selected=move || chosen.get() == on>
                                        {describe(key, value)}
                                    </option>
                                }
                            })
                            .collect_view()
                    }}
                </select>
            </span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pane_is_labelled_with_what_is_its_own() {
        let first = Making::default();
        let mut second = first.clone();
        second.set("parameterization", "pixel").unwrap();
        second.set("decorrelate", "0").unwrap();
        let (left, right) = labels(&first, &second);
        assert_eq!(left, "Fourier, Colours decorrelated");
        assert_eq!(right, "Pixels, Colours as they are");
    }
}
