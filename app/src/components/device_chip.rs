//! The device in use: which, why, and a way to change it.

use leptos::prelude::*;

use crate::components::popover::Popover;
use crate::page::Page;
use crate::protocol::{DeviceChoice, DeviceReport};

/// The device's name for people.
pub fn device_name(choice: DeviceChoice) -> &'static str {
    match choice {
        DeviceChoice::Automatic => "Device",
        DeviceChoice::WebGpu => "WebGPU",
        DeviceChoice::Cpu => "CPU",
    }
}

/// A chip that opens the choice of devices.
#[component]
pub fn DeviceChip() -> impl IntoView {
    let page = Page::here();
    let device = page.session.device;
    let open = RwSignal::new(false);
    let name = move || device.get().map_or("Device", |report| device_name(report.device));
    let state = move || match device.get() {
        None if page.session.trouble.with(Option::is_some) => "none".to_owned(),
        None => "starting".to_owned(),
        Some(report) if report.software => "software".to_owned(),
        Some(_) => "ready".to_owned(),
    };
    let kind = move || {
        device.get().map(|report| match report.device {
            DeviceChoice::WebGpu => "webgpu",
            _ => "cpu",
        })
    };
    view! {
        <div class="device">
            <button
                class="chip"
                data-testid="device-chip"
                data-device=kind
                aria-expanded=move || open.get().to_string()
                title=move || device.get().map(|report| report.reason)
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <span
                    class="dot"
                    class:on=move || device.with(Option::is_some)
                    class:slow=move || device.get().is_some_and(|report| report.software)
                ></span>
                <b>{name}</b>
                <span class="state">{state}</span>
            </button>
            <Popover open label="Device">
                {move || device.get().map(explain)}
                <div class="choices">
                    <Choice of=DeviceChoice::WebGpu id="device-choice-webgpu" open
                        text="The graphics card: fast where there is a real one."/>
                    <Choice of=DeviceChoice::Cpu id="device-choice-cpu" open
                        text="The processor: works everywhere."/>
                </div>
            </Popover>
        </div>
    }
}

fn explain(report: DeviceReport) -> impl IntoView {
    let adapter =
        if report.adapter.is_empty() { "The processor" } else { &report.adapter }.to_owned();
    let software = report.software.then_some("A software renderer: slower than the CPU.");
    view! {
        <p class="adapter">{adapter}</p>
        <p class="why">{report.reason}</p>
        {software.map(|text| view! { <p class="why">{text}</p> })}
    }
}

/// One device to choose.
#[component]
fn Choice(
    /// Which.
    of: DeviceChoice,
    /// For tests.
    id: &'static str,
    /// What it is good for.
    text: &'static str,
    /// Whether the popover is shown.
    open: RwSignal<bool>,
) -> impl IntoView {
    let page = Page::here();
    let on = move || page.session.device.get().is_some_and(|report| report.device == of);
    let choose = move |_| {
        open.set(false);
        if !untrack(on) {
            page.switch(of);
        }
    };
    view! {
        <button class="choice" class:on=on data-testid=id aria-pressed=move || on().to_string() on:click=choose>
            <b>{device_name(of)}</b>
            <span>{text}</span>
        </button>
    }
}
