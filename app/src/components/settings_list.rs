//! How the dream is made: the few settings everyone needs, the rest one unfold away.

use leptos::prelude::*;
use shared::visualize::Preset;

use crate::components::compare_box::CompareBox;
use crate::components::icon::{Icon, outline};
use crate::page::Page;

/// Sides offered, in pixels; any other can be given in the address or the jump box.
const SIDES: [&str; 6] = ["64", "96", "128", "224", "320", "512"];

/// All settings.
#[component]
pub fn SettingsList() -> impl IntoView {
    let page = Page::here();
    let changed = Memo::new(move |_| page.address.with(|address| address.settings.clone()));
    let advanced = Memo::new(move |_| {
        let few = ["size", "steps", "seed"];
        changed.get().iter().filter(|(key, _)| !few.contains(key)).count()
    });
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
            <Row key="size" label="Size">
                <Pick key="size" options=SIDES.map(|side| (side, "")).to_vec() unit=" px"/>
            </Row>
            <Row key="steps" label="Steps">
                <Number key="steps" step="1"/>
            </Row>
            <Row key="seed" label="Seed">
                <Number key="seed" step="1"/>
                <button class="quiet" aria-label="Another seed" title="Another seed (R)" on:click=move |_| page.dice()>
                    <Icon of=outline::DICE/>
                </button>
            </Row>
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
                <Row key="parameterization" label="Picture as">
                    <Pick
                        key="parameterization"
                        options=vec![
                            ("pyramid", "pyramid"),
                            ("fourier", "Fourier"),
                            ("pixel", "pixels"),
                            ("maco", "MACO"),
                        ]
                    />
                </Row>
                <Row key="decay" label="Fine grids quieter by">
                    <Number key="decay" step="any"/>
                </Row>
                <Row key="decorrelate" label="Decorrelate colours">
                    <Toggle key="decorrelate"/>
                </Row>
                <Row key="lr" label="Learning rate">
                    <Number key="lr" step="any"/>
                </Row>
                <Transforms/>
                <Row key="margin" label="Margin, cut off">
                    <Number key="margin" step="1"/>
                </Row>
                <Row key="zoom" label="Zoom, in and out">
                    <Number key="zoom" step="any"/>
                </Row>
                <Row key="views" label="Views a step">
                    <Number key="views" step="1"/>
                </Row>
                <Row key="noise" label="Noise on what it sees">
                    <Number key="noise" step="any"/>
                </Row>
                <Row key="erosion" label="Erosion of its paths">
                    <Number key="erosion" step="any"/>
                </Row>
                <Row key="redirected-steps" label="Redirected steps">
                    <Number key="redirected-steps" step="1"/>
                </Row>
                <Row key="tv" label="Total variation, less">
                    <Number key="tv" step="any"/>
                </Row>
                <Row key="l2" label="Far from grey, less">
                    <Number key="l2" step="any"/>
                </Row>
                <Row key="batch" label="Pictures at once">
                    <Number key="batch" step="1"/>
                </Row>
                <Row key="diversity" label="Diversity among them">
                    <Number key="diversity" step="any"/>
                </Row>
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
        Preset::Texture => "Patterns that fill the picture: a pyramid with loud fine grids",
        Preset::Classic => "Lucid's settings, to compare with the literature",
    }
}

/// A setting with its name; marked where it is not the preset's.
#[component]
fn Row(
    /// Its key.
    key: &'static str,
    /// Its name for people.
    label: &'static str,
    /// The control.
    children: Children,
) -> impl IntoView {
    let page = Page::here();
    let own = Memo::new(move |_| page.preset().making().get(key));
    let title = move || format!("{}: {}", page.preset().name(), own.get());
    let changed = move || page.making().get(key) != own.get();
    view! {
        <div class="row" class:changed=changed title=title>
            <label for=format!("setting-{key}")>{label}</label>
            <span class="control">{children()}</span>
        </div>
    }
}

/// A number, taken when Enter is pressed or the field is left.
#[component]
fn Number(
    /// Which setting.
    key: &'static str,
    /// As HTML's.
    step: &'static str,
) -> impl IntoView {
    let page = Page::here();
    let value = move || page.making().get(key);
    let change = move |event: leptos::ev::Event| {
        page.set(key, event_target_value(&event).trim());
        // What was refused is replaced by what is in force.
        let input = event_target::<web_sys::HtmlInputElement>(&event);
        input.set_value(&untrack(value));
    };
    view! {
        <input
            id=format!("setting-{key}")
            type="number"
            min="0"
            step=step
            data-testid=format!("setting-{key}")
            prop:value=value
            on:change=change
        />
    }
}

/// One of a few values.
#[component]
fn Pick(
    /// Which setting.
    key: &'static str,
    /// Values with their names for people; an empty name stands for the value.
    options: Vec<(&'static str, &'static str)>,
    /// Follows each value.
    #[prop(optional)]
    unit: &'static str,
) -> impl IntoView {
    let page = Page::here();
    let value = Memo::new(move |_| page.making().get(key));
    let known = options.clone();
    // A value from an address may be none of the offered ones.
    let other = move || {
        let value = value.get();
        let offered = known.iter().any(|(offer, _)| *offer == value);
        (!offered).then(
            || view! { <option value=value.clone() selected=true>{value.clone()}{unit}</option> },
        )
    };
    view! {
        <select
            id=format!("setting-{key}")
            data-testid=format!("setting-{key}")
            on:change=move |event| page.set(key, &event_target_value(&event))
        >
            {other}
            {options
                .into_iter()
                .map(|(offer, name)| {
                    let name = if name.is_empty() { offer } else { name };
                    view! {
                        <option value=offer selected=move || value.get() == offer>{name}{unit}</option>
                    }
                })
                .collect_view()}
        </select>
    }
}

/// A switch.
#[component]
fn Toggle(
    /// Which setting.
    key: &'static str,
) -> impl IntoView {
    let page = Page::here();
    view! {
        <input
            id=format!("setting-{key}")
            type="checkbox"
            data-testid=format!("setting-{key}")
            prop:checked=move || page.making().get(key) == "1"
            on:change=move |event| page.set(key, if event_target_checked(&event) { "1" } else { "0" })
        />
    }
}

/// The random movements, each with a switch.
#[component]
fn Transforms() -> impl IntoView {
    let page = Page::here();
    let switch = move |name: &'static str| {
        let on = move || {
            let transforms = page.making().settings.transforms;
            match name {
                "pad" => transforms.pad,
                "jitter" => transforms.jitter,
                "scale" => transforms.scale,
                _ => transforms.rotate,
            }
        };
        let change = move |event: leptos::ev::Event| {
            let checked = event_target_checked(&event);
            let mut transforms = untrack(|| page.making()).settings.transforms;
            match name {
                "pad" => transforms.pad = checked,
                "jitter" => transforms.jitter = checked,
                "scale" => transforms.scale = checked,
                _ => transforms.rotate = checked,
            }
            page.set("transforms", &transforms.to_string());
        };
        view! {
            <label class="tick">
                <input
                    type="checkbox"
                    data-testid=format!("transform-{name}")
                    prop:checked=on
                    on:change=change
                />
                {name}
            </label>
        }
    };
    view! {
        <fieldset class="row ticks">
            <legend>"Transforms before each look"</legend>
            {["pad", "jitter", "scale", "rotate"].map(switch)}
        </fieldset>
    }
}
