//! Every view in a slide, in every box and on every ground: whole, legible, never empty.

use anyhow::{Context, Result};
use serde_json::json;
use xtask::browser::Graphics;
use xtask::rehearsal::Fault;

use crate::visit::{SOON, Visit, host_with, layer_with_exemplars};

/// From the smallest that is promised to a whole screen.
const BOXES: [(u32, u32); 6] =
    [(240, 240), (400, 300), (320, 640), (800, 300), (640, 640), (1280, 720)];

const GROUNDS: [&str; 4] = ["theme=dark", "theme=light", "theme=light&bg=transparent", "bg=%23fff"];

/// A picture of the gallery.
const PICTURE: &str = "animals/alpaca.jpg";

/// Each view: its name, what follows the ground in its address, and what hangs in it.
fn views(layer: &str) -> [(&'static str, String, &'static str); 4] {
    [
        ("dream", format!("&objective={layer}:200"), ".picture"),
        ("unit", format!("#/googlenet/{layer}/200"), ".dreamed, .together li"),
        ("wall", format!("&layer={layer}"), ".dream"),
        ("look", format!("&view=look&picture={PICTURE}"), ".sight"),
    ]
}

/// What of a view is not as it should be in the box it is in: names, each with a rectangle.
const FAULTS: &str = "
    const faults = [], within = (it, outer, name) => {
        const a = it.getBoundingClientRect();
        const inside = a.left > outer.left - 1 && a.top > outer.top - 1
            && a.right < outer.right + 1 && a.bottom < outer.bottom + 1;
        if (!inside || a.width < 1 || a.height < 1) faults.push(`${name} ${JSON.stringify(a)}`);
    };
    const box = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    const root = document.documentElement;
    if (root.scrollWidth > innerWidth || root.scrollHeight > innerHeight) faults.push('scrolls');
    for (const name of ['.label', '.label b', '.label span', 'a.full'])
        within(document.querySelector(`.embed ${name}`), box, name);
    const title = document.querySelector('.embed .label b');
    if (title.scrollWidth > title.clientWidth + 1) faults.push('the title is cut');
    const label = document.querySelector('.embed .label').getBoundingClientRect();
    const pictures = [...document.querySelectorAll(arguments[0])];
    const scroller = document.querySelector('.scrolls')?.getBoundingClientRect();
    let whole = 0;
    for (const it of pictures) {
        const a = it.getBoundingClientRect();
        if (scroller && (a.top >= scroller.bottom || a.bottom <= scroller.top)) continue;
        within(it, scroller ?? box, it.className);
        whole += 1;
        if (Math.abs(a.width - a.height) > 2 && !it.matches('.picture')) faults.push(`${it.className} is not square`);
    }
    if (whole === 0) faults.push('no picture');
    // A group stands in the middle.
    const all = pictures.map((it) => it.getBoundingClientRect());
    const left = Math.min(...all.map((a) => a.left)), right = Math.max(...all.map((a) => a.right));
    const beside = label.left > right - 2 || matchMedia('(min-aspect-ratio: 3/2)').matches && arguments[1] === 'dream';
    if (!beside && arguments[1] !== 'look' && Math.abs(left - (innerWidth - right)) > 12)
        faults.push(`not in the middle: ${left} ${innerWidth - right}`);
    return faults;
";

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn every_view_is_whole_in_every_box_and_can_be_read_on_every_ground() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    // All of it was made beforehand.
    visit.host.spoil("worker_bg.wasm", Fault::Stalled);
    let mut faults = Vec::new();
    for (view, query, pictures) in views(&layer) {
        for ground in GROUNDS {
            visit.page().appear(640, 640, "dark")?;
            visit.open(&format!("?embed=1&{ground}{query}"))?;
            visit
                .page()
                .wait_for(&hangs(view), SOON)
                .with_context(|| format!("{view} {ground}"))?;
            for (width, height) in BOXES {
                visit.page().appear(width, height, "dark")?;
                let found = visit.page().script_with(FAULTS, &json!([pictures, view]))?;
                if found != json!([]) {
                    faults.push(format!("{view} {width}x{height} {ground}: {found}"));
                }
            }
            visit.page().appear(320, 640, "dark")?;
            let lightness = visit.page().script(
                "const { color } = getComputedStyle(document.querySelector('.label b'));
                 return Number(color.match(/oklch\\(([\\d.]+)/)[1]);",
            )?;
            let is_dark = lightness.as_f64().is_some_and(|lightness| lightness < 0.5);
            if is_dark == (ground == "theme=dark") {
                faults.push(format!("{view} {ground}: words of lightness {lightness}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// Whether what a view shows is here.
fn hangs(view: &str) -> String {
    let selector = match view {
        "look" => return "!!document.querySelector('.sight canvas')".to_owned(),
        "dream" => ".embed .baked",
        "unit" => ".embed li .sprite",
        _ => ".embed .dream",
    };
    format!(
        "(() => {{
            const it = document.querySelector('{selector}');
            return it && getComputedStyle(it).backgroundImage.includes('url(');
        }})()"
    )
}

/// What is said in place of a picture, and in the label.
fn said(visit: &Visit) -> Result<String> {
    let text =
        |selector: &str| Ok::<_, anyhow::Error>(visit.page().text(selector)?.unwrap_or_default());
    Ok(format!("{} | {}", text("[data-testid=embed-empty]")?, text(".embed .label span")?))
}

/// A site whose GoogLeNet has no weights.
fn without_weights() -> Result<Visit> {
    Visit::at(host_with(|bundle| {
        bundle.as_object_mut().map(|bundle| bundle.remove("weights"));
    })?)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn what_cannot_be_shown_in_a_slide_is_said_there_and_nothing_offers_to_play() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = without_weights()?;
    for (query, words) in [
        // Neither weights nor a growth that was recorded.
        (
            format!("objective={layer}:200&model=googlenet"),
            "Dreaming live needs GoogLeNet's weights",
        ),
        ("objective=conv2d0:5&model=googlenet".to_owned(), "No dream of it was made beforehand"),
        (format!("objective={layer}:99999&model=googlenet"), "99999 is not one of them"),
        ("objective=mixde4a:11&model=googlenet&autostart=1".to_owned(), "no layer \"mixde4a\""),
        ("objective=mixed4a:&model=googlenet".to_owned(), "Expected"),
        ("layer=mixde4a&model=googlenet".to_owned(), "no layer mixde4a"),
        ("layer=conv2d0&model=googlenet".to_owned(), "No dreams of conv2d0's units"),
        ("view=look&picture=animals/none.jpg".to_owned(), "no picture animals/none.jpg"),
        ("view=look".to_owned(), "names no picture"),
        (format!("view=look&picture={PICTURE}"), "needs GoogLeNet's weights"),
        ("objective=mixed4a:11&model=nowhere".to_owned(), "could not be downloaded"),
    ] {
        visit.open(&format!("?embed=1&device=cpu&{query}"))?;
        let here = format!(
            "[...document.querySelectorAll('[data-testid=embed-empty], .embed .label span')]
                 .some((it) => it.innerText.includes({}))",
            json!(words)
        );
        visit
            .page()
            .wait_for(&here, SOON)
            .with_context(|| format!("{query}: {:?}", said(&visit)))?;
        assert!(!visit.page().has("[data-testid=dream-start]")?, "{query} offers to play");
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_readmes_slide_plays_what_was_recorded_where_the_weights_are_missing() -> Result<()> {
    let visit = without_weights()?;
    visit.open("?embed=1&device=cpu&objective=mixed4a:11&model=googlenet")?;
    visit.page().wait_for_element("[data-testid=dream-start]", SOON)?;
    visit.page().click("[data-testid=dream-start]")?;
    let step = "Number(document.querySelector('[data-testid=recorded]')?.dataset.step ?? 0)";
    visit.page().wait_for(&format!("{step} > 1"), SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_unit_without_a_dream_shows_its_exemplars_in_a_slide() -> Result<()> {
    let visit = without_weights()?;
    visit.open("?embed=1&device=cpu&objective=mixed4b:7")?;
    visit.page().wait_for(&hangs("unit"), SOON)?;
    let shown = visit.page().script("return document.querySelectorAll('.together li').length;")?;
    assert_eq!(shown, 6);
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn look_stands_on_the_ground_that_its_address_names() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?embed=1&view=look&picture={PICTURE}&bg=%23336699"))?;
    let ground =
        "getComputedStyle(document.querySelector('.embed') ?? document.body).backgroundColor";
    visit.page().wait_for(&format!("{ground} === 'rgb(51, 102, 153)'"), SOON).map(drop)
}
