//! How the dream is made: the few settings everyone needs, the rest one unfold away.

use leptos::prelude::*;
use shared::visualize::setting::Values;
use shared::visualize::settings::Transforms;
use shared::visualize::{Preset, SETTINGS, Setting};

use crate::components::compare_box::CompareBox;
use crate::components::icon::{Icon, outline};
use crate::making::name_of;
use crate::page::Page;

/// Sides offered, in pixels; any other can be given in the address or the jump box.
const SIDES: [&str; 6] = ["64", "96", "128", "224", "320", "512"];

/// Settings that everyone needs.
const FIRST: [&str; 3] = ["size", "steps", "seed"];

fn is_first(setting: &Setting) -> bool {
    FIRST.contains(&setting.key)
}

/// All settings.
#[component]
pub fn SettingsList() -> impl IntoView {
    let page = Page::here();
    let changed = Memo::new(move |_| page.address.with(|address| address.settings.clone()));
    let advanced =
        Memo::new(move |_| changed.get().iter().filter(|(key, _)| !FIRST.contains(key)).count());
    let reset = move |_| page.go(|address| address.settings.clear());
    view! {
        <section class="settings">
            <h2>
                <span>"Settings"</span>
                <Show when=move || !changed.with(Vec::is_empty) fallback=|| view! { <span>"default"</span> }>
                    <button class="link" on:click=reset>"back to default"</button>
                </Show>
            </h2>
            <Presets/>
            {SETTINGS.iter().filter(|setting| is_first(setting)).map(row).collect_view()}
            <details open=advanced.get_untracked() != 0>
                <summary>
                    "More settings"
                    <span class="aside">
                        {move || match advanced.get() {
                            0 => String::new(),
                            changed => format!("{changed} changed"),
                        }}
                    </span>
                </summary>
                {SETTINGS.iter().filter(|setting| !is_first(setting)).map(row).collect_view()}
            </details>
            <CompareBox/>
        </section>
    }
}

/// What is dreamed best in which way: the first choice, with the settings behind it.
#[component]
fn Presets() -> impl IntoView {
    let page = Page::here();
    let choose = move |event| {
        let preset = event_target_value(&event).parse().ok();
        page.go(|address| {
            address.preset = preset;
            address.settings.clear();
        });
    };
    let named = move |preset: Preset| match preset {
        Preset::Object => "object",
        Preset::Scene => "scene",
        Preset::Texture => "texture",
        Preset::Classic => "classic (Lucid)",
    };
    let chosen = move || page.address.with(|address| address.preset);
    view! {
        <div class="row" class:changed=move || chosen().is_some() title=move || describe_preset(page.preset())>
            <label for="setting-preset">"Dream as"</label>
            <span class="control">
                <select id="setting-preset" data-testid="setting-preset" on:change=choose>
                    <option value="" selected=move || chosen().is_none()>
                        {move || format!("suited: {}", named(page.suited()))}
                    </option>
                    {Preset::ALL
                        .map(|preset| {
                            view! {
                                <option value=preset.name() selected=move || chosen() == Some(preset)>
                                    {named(preset)}
                                </option>
                            }
                        })}
                </select>
            </span>
        </div>
    }
}

/// What a preset is for, in a sentence.
fn describe_preset(preset: Preset) -> &'static str {
    match preset {
        Preset::Object => "Things in natural colours: a pyramid seen from near and far",
        Preset::Scene => "Things in their surroundings: the same with louder fine grids",
        Preset::Texture => "Patterns that fill the picture: a pyramid with loud fine grids",
        Preset::Classic => "Lucid's settings, to compare with the literature",
    }
}

/// A setting with its name and the control that suits what it may be; marked where it is not the
/// preset's.
fn row(setting: &'static Setting) -> AnyView {
    let page = Page::here();
    let value = Memo::new(move |_| setting.get(&page.making()));
    let own = Memo::new(move |_| setting.get(&page.preset().making()));
    let control = match setting.values {
        Values::SomeOf(names) => return view! { <Ticks setting names value/> }.into_any(),
        Values::Size { .. } => view! { <Pick setting value choices=&SIDES unit=" px"/> }.into_any(),
        Values::OneOf(choices) => view! { <Pick setting value choices/> }.into_any(),
        Values::Switch => view! { <Toggle setting value/> }.into_any(),
        Values::Whole { .. } => view! { <Number setting value step="1"/> }.into_any(),
        Values::Number { .. } | Values::Positive { .. } => {
            view! { <Number setting value step="any"/> }.into_any()
        }
    };
    let die = (setting.key == "seed").then(|| {
        view! {
            <button class="quiet" aria-label="Another seed" title="Another seed (R)" on:click=move |_| page.dice()>
                <Icon of=outline::DICE/>
            </button>
        }
    });
    let title = move || format!("{}: {}", page.preset().name(), own.get());
    view! {
        <div class="row" class:changed=move || value.get() != own.get() title=title>
            <label for=format!("setting-{}", setting.key)>{setting.label}</label>
            <span class="control">{control}{die}</span>
        </div>
    }
    .into_any()
}

/// A number, taken when Enter is pressed or the field is left.
#[component]
fn Number(
    /// Which setting.
    setting: &'static Setting,
    /// Its value in force.
    value: Memo<String>,
    /// As HTML's.
    step: &'static str,
) -> impl IntoView {
    let page = Page::here();
    let change = move |event: leptos::ev::Event| {
        page.set(setting.key, event_target_value(&event).trim());
        // What was refused is replaced by what is in force.
        let input = event_target::<web_sys::HtmlInputElement>(&event);
        input.set_value(&value.get_untracked());
    };
    view! {
        <input
            id=format!("setting-{}", setting.key)
            type="number"
            min="0"
            step=step
            data-testid=format!("setting-{}", setting.key)
            prop:value=move || value.get()
            on:change=change
        />
    }
}

/// One of a few values.
#[component]
fn Pick(
    /// Which setting.
    setting: &'static Setting,
    /// Its value in force.
    value: Memo<String>,
    /// Those that are offered.
    choices: &'static [&'static str],
    /// Follows each value.
    #[prop(optional)]
    unit: &'static str,
) -> impl IntoView {
    let page = Page::here();
    // A value from an address may be none of the offered ones.
    let other = move || {
        let value = value.get();
        (!choices.contains(&value.as_str())).then(
            || view! { <option value=value.clone() selected=true>{value.clone()}{unit}</option> },
        )
    };
    let option = move |choice: &'static str| {
        view! {
            <option value=choice selected=move || value.get() == choice>{name_of(choice)}{unit}</option>
        }
    };
    view! {
        <select
            id=format!("setting-{}", setting.key)
            data-testid=format!("setting-{}", setting.key)
            on:change=move |event| page.set(setting.key, &event_target_value(&event))
        >
            {other}
            {choices.iter().copied().map(option).collect_view()}
        </select>
    }
}

/// A switch.
#[component]
fn Toggle(
    /// Which setting.
    setting: &'static Setting,
    /// Its value in force.
    value: Memo<String>,
) -> impl IntoView {
    let page = Page::here();
    view! {
        <input
            id=format!("setting-{}", setting.key)
            type="checkbox"
            data-testid=format!("setting-{}", setting.key)
            prop:checked=move || value.get() == "1"
            on:change=move |event| {
                page.set(setting.key, if event_target_checked(&event) { "1" } else { "0" });
            }
        />
    }
}

/// Some of a few, each with a switch.
#[component]
fn Ticks(
    /// Which setting.
    setting: &'static Setting,
    /// Their names.
    names: &'static [&'static str],
    /// Its value in force.
    value: Memo<String>,
) -> impl IntoView {
    let page = Page::here();
    let chosen = move |value: String| value.parse::<Transforms>().unwrap_or(Transforms::NONE);
    let tick = move |name: &'static str| {
        let change = move |event: leptos::ev::Event| {
            let now = chosen(value.get_untracked());
            page.set(setting.key, &now.with(name, event_target_checked(&event)).to_string());
        };
        view! {
            <label class="tick">
                <input
                    type="checkbox"
                    data-testid=format!("transform-{name}")
                    prop:checked=move || chosen(value.get()).has(name)
                    on:change=change
                />
                {name}
            </label>
        }
    };
    view! {
        <fieldset class="row ticks">
            <legend>{setting.label}</legend>
            {names.iter().copied().map(tick).collect_view()}
        </fieldset>
    }
}
