//! Look: real photographs, the reference network's answers.

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};
use std::path::PathBuf;
use xtask::browser::Graphics;

use crate::visit::{ERROR, GOLDFISH, LATER, SOON, Visit, has_googlenet, reference};

/// Photographs on which the reference network is not in two minds (its first logit leads by at
/// least 2), so that another JPEG decoder cannot flip the answer.
fn clear_photographs(count: usize) -> Result<Vec<(PathBuf, u64)>> {
    let Some(golden) = reference("golden/googlenet_top5.json") else { return Ok(Vec::new()) };
    let Some(folder) = reference("images/imagenet-sample") else { return Ok(Vec::new()) };
    let golden: Value = serde_json::from_slice(&std::fs::read(golden)?)?;
    let entries = golden["pictures"].as_array().context("the golden file lists no pictures")?;
    let clear = entries.iter().filter(|entry| entry["margin"].as_f64().is_some_and(|m| m >= 2.0));
    clear
        // Spread over the alphabet of classes.
        .step_by(100)
        .take(count)
        .map(|entry| {
            let file = entry["file"].as_str().context("a picture without a file")?;
            let class = entry["argmax"].as_u64().context("a picture without an argmax")?;
            Ok((folder.join(file), class))
        })
        .collect()
}

/// Shows the photographs one after another and waits for each one's class to lead.
fn classify(query: &str, count: usize) -> Result<()> {
    let photographs = clear_photographs(count)?;
    if !has_googlenet() || photographs.is_empty() {
        return Ok(());
    }
    let visit = Visit::new()?;
    visit.open_ready(query)?;
    for (file, class) in photographs {
        visit.page().type_into("[data-testid=look-file]", &file.to_string_lossy())?;
        let first = "document.querySelector('[data-testid=look-top] [data-class]')?.dataset.class";
        visit
            .page()
            .wait_for(&format!("{first} === '{class}'"), LATER)
            .with_context(|| format!("{} is class {class}", file.display()))?;
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn photographs_get_the_reference_class_on_the_processor() -> Result<()> {
    classify("?view=look&device=cpu", 3)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_photograph_gets_the_reference_class_on_webgpu() -> Result<()> {
    classify("?view=look&device=webgpu", 1)
}

/// A photograph as a file that a script in the page can hand over.
const FILE: &str = "
    const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
    const held = new DataTransfer();
    held.items.add(new File([bytes], 'fish.jpg', { type: 'image/jpeg' }));
";

/// Hands a photograph over with a script that has it in `held`, and waits for its class.
fn hand_over(act: &str) -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open_ready("?model=efficientnet-lite0&device=cpu&view=look")?;
    let bytes = BASE64.encode(visit.goldfish()?);
    visit.page().script_with(&format!("{FILE}{act}"), &json!([bytes]))?;
    visit.page().wait_for_element(GOLDFISH, LATER)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_pasted_photograph_is_seen() -> Result<()> {
    hand_over(
        "document.dispatchEvent(
             new ClipboardEvent('paste', { clipboardData: held, bubbles: true }));",
    )
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_dropped_photograph_is_seen() -> Result<()> {
    hand_over(
        "const target = document.querySelector('label.drop');
         for (const kind of ['dragenter', 'dragover', 'drop']) {
             target.dispatchEvent(new DragEvent(kind, { dataTransfer: held, bubbles: true }));
         }",
    )
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_channels_shown_are_of_the_layer_that_the_address_names() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    visit.open_ready(
        "?model=efficientnet-lite0&device=cpu&view=look&layer=block8&picture=animals/goldfish.jpg",
    )?;
    let shown = |layer: &str| {
        let tile = format!("[data-testid=look-channels] [data-unit^='{layer}:']");
        page.wait_for_element(&tile, LATER)
    };
    shown("block8")?;
    page.click("[data-testid=layer-list] [data-layer=block10]")?;
    shown("block10")?;
    page.back()?;
    shown("block8")
}

/// Pastes a picture of two colours that lies on its side, as its EXIF says, and in PNG says that its
/// gamma is not the usual one. The longer side is `arguments[1]`.
const PASTE_ON_ITS_SIDE: &str = r#"
    const [type, length] = arguments;
    const canvas = Object.assign(document.createElement('canvas'), { width: length, height: 16 });
    const context = canvas.getContext('2d');
    ['rgb(200, 100, 50)', 'rgb(50, 100, 200)'].forEach((colour, half) => {
        context.fillStyle = colour;
        context.fillRect(half * length / 2, 0, length / 2, 16);
    });
    const letters = (text) => [...text].map((letter) => letter.charCodeAt(0));
    const large = (value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
    const small = (value) => large(value).reverse();
    const exif = [...letters('MM\0*'), 0, 0, 0, 8, 0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0,
        0, 0];
    const checksum = (bytes) => ~bytes.reduce((sum, byte) => {
        sum ^= byte;
        for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
        return sum;
    }, -1);
    const chunk = (kind, data) => [...large(data.length), ...letters(kind), ...data,
        ...large(checksum([...letters(kind), ...data]))];
    const wrap = {
        'image/jpeg': (file) => [...file.slice(0, 2), 0xff, 0xe1, 0, exif.length + 8,
            ...letters('Exif\0\0'), ...exif, ...file.slice(2)],
        'image/png': (file) => [...file.slice(0, 33), ...chunk('gAMA', large(100000)),
            ...chunk('eXIf', exif), ...file.slice(33)],
        'image/webp': (file) => {
            const isExtended = String.fromCharCode(...file.slice(12, 16)) === 'VP8X';
            const head = isExtended ? file.slice(12, 30)
                : [...letters('VP8X'), ...small(10), 0, 0, 0, 0, length - 1, 0, 0, 15, 0, 0];
            head[8] |= 8;
            const body = [...letters('WEBP'), ...head, ...file.slice(isExtended ? 30 : 12),
                ...letters('EXIF'), ...small(exif.length), ...exif];
            return [...letters('RIFF'), ...small(body.length), ...body];
        },
    };
    const blob = await new Promise((done) => canvas.toBlob(done, type, 1));
    const file = [...new Uint8Array(await blob.arrayBuffer())];
    const held = new DataTransfer();
    held.items.add(new File([new Uint8Array(wrap[type](file))], 'sideways', { type }));
    document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: held, bubbles: true }));
"#;

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn pictures_are_turned_upright_and_keep_the_values_that_are_stored() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open_ready("?model=efficientnet-lite0&device=cpu&view=look")?;
    for (format, length) in [("image/jpeg", 32), ("image/png", 34), ("image/webp", 36)] {
        let paste = format!("return (async function() {{ {PASTE_ON_ITS_SIDE} }})(...arguments)");
        visit.page().script_with(&paste, &json!([format, length]))?;
        let upright = format!(
            "(() => {{
                const shown = document.querySelector('canvas[aria-label=\"The picture\"]');
                if (shown?.width !== 16 || shown.height !== {length}) return false;
                const of = (y) => [...shown.getContext('2d').getImageData(8, y, 1, 1).data];
                const near = (y, colour) =>
                    colour.every((level, place) => Math.abs(of(y)[place] - level) < 16);
                return near(4, [200, 100, 50]) && near({length} - 4, [50, 100, 200]);
            }})()"
        );
        visit.page().wait_for(&upright, SOON).with_context(|| format.to_owned())?;
    }
    Ok(())
}

/// Keeps every stream that the page gets, and lets it have one only once the test says so.
const WATCH_THE_CAMERA: &str = "
    window.streams = [];
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (asked) => {
        const stream = await ask(asked);
        window.streams.push(stream);
        while (window.held) await new Promise((resolve) => setTimeout(resolve, 10));
        return stream;
    };
";

/// Whether the page has had a camera and all its tracks have ended.
const CAMERA_OFF: &str = "window.streams.length > 0 && window.streams.every((stream) =>
    stream.getTracks().every((track) => track.readyState === 'ended'))";

/// A visit to Look whose camera is watched.
fn beside_a_camera() -> Result<Visit> {
    let visit = Visit::with(Graphics::None)?;
    visit.page().before_each_page(WATCH_THE_CAMERA)?;
    visit.open_ready("?model=efficientnet-lite0&device=cpu&view=look")?;
    Ok(visit)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn the_camera_is_seen_and_goes_off_with_the_view() -> Result<()> {
    let visit = beside_a_camera()?;
    let page = visit.page();
    page.click("[data-testid=camera]")?;
    page.wait_for_element("[data-testid=look-top] [data-class]", LATER)?;
    assert_eq!(page.script(&format!("return {CAMERA_OFF};"))?, false);
    page.click("[data-testid=view-dream]")?;
    page.wait_for(CAMERA_OFF, SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_camera_that_is_allowed_after_the_view_was_left_goes_off_at_once() -> Result<()> {
    let visit = beside_a_camera()?;
    let page = visit.page();
    page.script("window.held = true;")?;
    page.click("[data-testid=camera]")?;
    page.wait_for("window.streams.length > 0", SOON)?;
    page.click("[data-testid=view-dream]")?;
    page.wait_for_element("[data-testid=dream-wall]", SOON)?;
    page.script("window.held = false;")?;
    page.wait_for(CAMERA_OFF, SOON).map(drop)
}

/// The channel whose heat lies over the picture.
const HEAT: &str = "[data-testid=heat-channel]";

/// Moves the pointer, as a hand would.
fn point(visit: &Visit, x: f64, y: f64) -> Result<()> {
    let to = json!({ "type": "mouseMoved", "x": x, "y": y });
    visit.page().devtools("Input.dispatchMouseEvent", &to).map(drop)
}

/// Where the middle of an element is, in pixels across and down.
fn middle_of(visit: &Visit, element: &str) -> Result<[f64; 2]> {
    let place = visit.page().script(&format!(
        "const {{ left, top, width, height }} = {element}.getBoundingClientRect();
         return [left + width / 2, top + height / 2];"
    ))?;
    Ok([0, 1].map(|side| place[side].as_f64().unwrap_or(f64::NAN)))
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn heat_shows_only_where_the_pointer_moves_and_says_whose_it_is() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    // High enough for everything: nothing scrolls, so a place is a place.
    page.appear(1280, 2400, "dark")?;
    let opens = "?model=efficientnet-lite0&device=cpu&view=look&layer=block8";
    let tile = "document.querySelectorAll('[data-testid=look-channels] [data-unit]')[1]";
    visit.open_ready(&format!("{opens}&picture=animals/goldfish.jpg"))?;
    page.wait_for(&format!("!!{tile}"), LATER)?;
    let [x, y] = middle_of(&visit, tile)?;

    // The pointer rests where the tiles will be when a picture is chosen.
    visit.open_ready(opens)?;
    page.wait_for_element("[data-testid=gallery] [data-picture]", LATER)?;
    point(&visit, x, y)?;
    page.script(
        "document.querySelector('[data-testid=gallery] [data-picture$=\"goldfish.jpg\"]').click();",
    )?;
    page.wait_for(&format!("!!{tile}"), LATER)?;
    // The browser tells what came under a resting pointer once it has painted.
    page.script(
        "return new Promise((done) =>
             requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 300))));",
    )?;
    let under = "document.elementFromPoint(...arguments)?.closest('.tile')?.dataset.unit";
    let unit = page.script_with(&format!("return {under};"), &json!([x, y]))?;
    let unit = unit.as_str().context("the pointer rests on no tile")?.replace(':', " : ");
    assert!(!page.has(HEAT)?, "heat shows though nothing has moved: {}", page.describe());
    point(&visit, x + 3.0, y)?;
    page.wait_for_element(HEAT, SOON)?;
    let said = page.text(HEAT)?.unwrap_or_default();
    assert!(said.contains(&unit), "{said:?} does not name {unit}");
    // It goes with the pointer.
    point(&visit, 5.0, 5.0)?;
    page.wait_for(&format!("!document.querySelector('{HEAT}')"), SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_place_of_the_picture_tells_its_latents_and_how_much_they_leave() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    page.appear(1280, 2400, "dark")?;
    let opens = "?model=efficientnet-lite0&device=cpu&view=look&layer=block8/sae-2k";
    visit.open_ready(&format!("{opens}&picture=animals/goldfish.jpg"))?;
    let tiles = "[...document.querySelectorAll('[data-testid=look-channels] [data-unit]')]";
    page.wait_for(&format!("{tiles}.length === 12"), LATER)?;
    let units = format!("return {tiles}.map((tile) => tile.dataset.unit);");
    let whole = page.script(&units)?;
    assert!(whole[0].as_str().is_some_and(|unit| unit.starts_with("block8/sae-2k:")), "{whole}");
    let title = "[data-testid=look-title]";
    assert_eq!(page.text(title)?.as_deref(), Some("Most active latents of block8/sae-2k"));

    let [x, y] = middle_of(&visit, "document.querySelector('[data-testid=placed]')")?;
    // Not on the line between two places.
    point(&visit, x + 2.0, y + 2.0)?;
    page.wait_for_element("[data-testid=strongest-here]", SOON)?;
    let there = page.script(&units)?;
    assert_ne!(there, whole);
    let said = page.text("[data-testid=strongest-here]")?.unwrap_or_default();
    let strongest = there[0].as_str().and_then(|unit| unit.split(':').nth(1));
    let strongest = strongest.context("nothing answers in the middle of a goldfish")?;
    for words in ["row 8, column 8:", &format!("{strongest} ("), "% explained"] {
        assert!(said.contains(words), "{said:?} lacks {words:?}");
    }
    // The pointer leaves, and the whole picture's are back; a key keeps a place.
    point(&visit, 5.0, 5.0)?;
    page.wait_for(&format!("{tiles}[0].dataset.unit === {}", whole[0]), SOON)?;
    page.script("document.querySelector('[data-testid=placed]').focus();")?;
    page.press("\u{e013}")?;
    page.wait_for(&format!("{tiles}[0].dataset.unit === {}", there[0]), SOON)?;
    page.click("[data-testid=whole-picture]")?;
    page.wait_for(&format!("{tiles}[0].dataset.unit === {}", whole[0]), SOON)?;

    // What is left lies over the picture once it is asked for.
    page.click("[data-testid=look-rest]")?;
    page.wait_for_element("[data-testid=unexplained]", SOON)?;
    let said = page.text("[data-testid=unexplained]")?.unwrap_or_default();
    assert!(said.contains("explains") && said.contains("% in this picture"), "{said}");

    // A latent's tile leads to its page.
    page.script(&format!("{tiles}[0].click();"))?;
    page.wait_for_element("[data-testid=latent-facts]", LATER).map(drop)
}

/// Has the browser answer a page that asks for the camera as if this had gone wrong.
fn without_camera(name: &str) -> String {
    format!(
        "navigator.mediaDevices.getUserMedia = async () => {{
             throw new DOMException('it went wrong', '{name}');
         }};"
    )
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_camera_that_is_not_there_is_not_to_be_allowed_and_is_no_news_later() -> Result<()> {
    for (name, what) in
        [("NotFoundError", "No camera was found."), ("NotAllowedError", "is not allowed")]
    {
        let visit = Visit::with(Graphics::None)?;
        let page = visit.page();
        page.before_each_page(&without_camera(name))?;
        visit.open("?model=efficientnet-lite0&device=cpu&view=look")?;
        page.wait_for_element("[data-testid=camera]", SOON)?;
        page.click("[data-testid=camera]")?;
        assert_eq!(visit.error_kind()?, "Picture");
        let said = page.text(ERROR)?.unwrap_or_default();
        assert!(said.contains(what), "{name}: {said}");
        assert_eq!(said.contains("Allow the camera"), name == "NotAllowedError", "{said}");
        page.click("[data-testid=view-dream]")?;
        page.click("[data-testid=view-look]")?;
        page.wait_for_element("[data-testid=camera]", SOON)?;
        assert!(!page.has(ERROR)?, "{}", page.describe());
    }
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_picture_that_the_gallery_lacks_is_said_where_it_would_be_and_others_are_offered() -> Result<()>
{
    let visit = Visit::with(Graphics::None)?;
    let page = visit.page();
    visit.open("?model=efficientnet-lite0&device=cpu&view=look&picture=animals/golfish.jpg")?;
    assert_eq!(visit.error_kind()?, "Input");
    assert!(page.text(ERROR)?.is_some_and(|said| said.contains("animals/golfish.jpg")));
    page.click("[data-testid=other-picture]")?;
    page.wait_for("location.search.includes('picture=animals/goldfish.jpg')", SOON)?;
    page.wait_for_element(GOLDFISH, LATER)?;
    assert!(!page.has(ERROR)?, "{}", page.describe());
    // Back names it again: the picture that was shown meanwhile is not it.
    page.back()?;
    page.wait_for_element(ERROR, SOON)?;
    page.wait_for("!document.querySelector('.sight canvas')", SOON).map(drop)
}
