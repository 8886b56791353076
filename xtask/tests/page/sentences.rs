//! What the page says is so, and is taken back once it is not.

use std::fs;

use anyhow::{Context, Result, bail};
use xtask::browser::Graphics;
use xtask::rehearsal::Fault;

use crate::visit::{ERROR, Folder, LATER, SOON, Visit, layer_with_exemplars};

/// The unit on view.
const UNIT: &str = "document.querySelector('[data-testid=unit-page]')?.dataset.unit";

/// All that a unit's page says.
fn said_of_unit(visit: &Visit) -> Result<String> {
    Ok(visit.page().text("[data-testid=unit-page]")?.unwrap_or_default())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_unit_that_does_not_exist_is_no_unit_without_a_dream() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.open(&format!("?device=cpu#/googlenet/{layer}/9999"))?;
    visit.page().wait_for_element(".unmade", LATER)?;
    let said = said_of_unit(&visit)?;
    assert!(said.contains("9999 is not one of them"), "{said}");
    for untrue in ["made beforehand", "excites it at all"] {
        assert!(!said.contains(untrue), "{said}");
    }
    visit.page().click("[data-testid=offer]")?;
    visit.page().wait_for(&format!("{UNIT}?.startsWith('{layer}:')"), SOON)?;
    visit.page().wait_for_element("[data-testid=exemplars] [data-picture]", LATER)?;
    assert!(!said_of_unit(&visit)?.contains("9999"));
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_dream_that_did_not_come_is_not_called_unmade_and_comes_with_the_network() -> Result<()> {
    let (layer, _) = layer_with_exemplars()?;
    let visit = Visit::with(Graphics::None)?;
    visit.host.spoil(".jpg", Fault::Missing);
    // A unit whose dream is not a file of the page's own.
    visit.open(&format!("?device=cpu#/googlenet/{layer}/200"))?;
    visit.page().wait_for_element(".unmade", LATER)?;
    let said = said_of_unit(&visit)?;
    assert!(said.contains("made beforehand and did not come"), "{said}");
    assert_eq!(visit.error_kind()?, "Download");
    visit.host.heal();
    visit.page().script("window.dispatchEvent(new Event('online'));")?;
    visit.page().wait_for(
        "getComputedStyle(document.querySelector('.unit-dream .baked') ?? document.body)
             .backgroundImage !== 'none'",
        LATER,
    )?;
    visit.page().wait_for(&format!("!document.querySelector('{ERROR}')"), SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_document_that_is_called_a_picture_is_called_a_document() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?model=efficientnet-lite0&device=cpu&view=look")?;
    visit.page().wait_for_element("[data-testid=look-file]", LATER)?;
    let folder = Folder::new()?;
    let file = folder.0.join("holiday.jpg");
    fs::write(&file, "%PDF-1.7\n%\u{e2}").with_context(|| format!("writing {}", file.display()))?;
    visit.page().type_into("[data-testid=look-file]", &file.to_string_lossy())?;
    assert_eq!(visit.error_kind()?, "Picture");
    let why = visit.page().text(&format!("{ERROR} .why"))?.unwrap_or_default();
    assert!(why.contains("image/jpeg") && why.contains("a PDF document"), "{why}");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn what_made_no_sense_in_an_address_is_forgotten_with_it() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open("?device=cpu&size=3")?;
    assert_eq!(visit.error_kind()?, "Address");
    visit.page().click("[data-testid=view-look]")?;
    visit.page().wait_for(&format!("!document.querySelector('{ERROR}')"), SOON).map(drop)
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_units_sentence_and_what_the_gallery_lacks_are_said() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let purity = "document.querySelector('[data-testid=purity]')?.innerText ?? ''";
    visit.open("?device=cpu#/googlenet/logits/1")?;
    // Classes have their names from then on.
    visit.page().wait_for_element("[data-testid=model-chip]:is(.ready, .lacking)", LATER)?;
    visit.page().wait_for(&format!("({purity}).includes('would be chance.')"), LATER)?;
    let lacks = "[data-testid=gallery-lacks]";
    assert!(!visit.page().has(lacks)?, "there is a goldfish: {}", visit.page().describe());
    // A shark, an ambulance, a warplane: a gallery that is given away lacks one of them.
    for class in [2, 407, 895] {
        visit.page().script(&format!("location.hash = '#/googlenet/logits/{class}';"))?;
        visit.page().wait_for(&format!("{UNIT} === 'logits:{class}'"), SOON)?;
        visit.page().wait_for_element("[data-testid=exemplars] [data-picture]", LATER)?;
        if let Some(said) = visit.page().text(lacks)? {
            assert!(said.contains("The gallery seems to have no"), "{said}");
            return Ok(());
        }
    }
    bail!("the gallery seems to have everything: {}", visit.page().describe())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_line_tells_early_layers_from_late_ones() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    let place = "Number.parseFloat(getComputedStyle(
        document.querySelector('[data-testid=depth] i') ?? document.body)
        .getPropertyValue('--place'))";
    let mut places = Vec::new();
    for layer in ["block4", "block8", "block15"] {
        visit.open(&format!("?model=efficientnet-lite0&device=cpu&objective={layer}:3"))?;
        visit.page().wait_for(&format!("{place} > 0"), LATER)?;
        let at = visit.page().script(&format!("return {place};"))?;
        places.push(at.as_f64().context("the mark has a place")?);
    }
    assert!(places.is_sorted() && places[0] < places[2], "{places:?}");
    Ok(())
}

#[test]
#[ignore = "needs the built page: cargo xtask test"]
fn a_dreams_number_has_one_name_and_one_sign() -> Result<()> {
    let visit = Visit::with(Graphics::None)?;
    visit.open_ready(
        "?model=efficientnet-lite0&device=cpu&objective=2*(block8:3 - 0.5*block8:4)&size=32&steps=3",
    )?;
    visit.page().click("[data-testid=dream-start]")?;
    visit.wait_for_step(3)?;
    let curve = visit.page().text("[data-testid=loss]")?.unwrap_or_default();
    assert!(curve.contains("sum"), "{curve}");
    let terms = visit.page().text(".activation")?.unwrap_or_default();
    assert!(terms.contains("block8:3") && terms.contains("block8:4"), "{terms}");
    let page = visit.page().script("return document.body.innerText;")?;
    assert!(!page.as_str().unwrap_or_default().contains("loss"), "{page}");
    Ok(())
}
