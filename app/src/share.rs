//! What leaves the page: pictures with their recipes, links, code for slides.

use leptos::prelude::*;
use shared::format::recipe::{Recipe, encode_png};
use shared::image::Picture;

use crate::address::Address;
use crate::browser;
use crate::page::Page;
use crate::verbs::dream::state::Frame;

/// Saves the pictures on view as PNG files that carry their recipes.
pub fn save(page: Page) {
    let objective = page.address.with_untracked(|address| address.objective.to_string());
    let frames: Vec<_> =
        page.panes.into_iter().filter_map(|pane| pane.frame.get_untracked()).collect();
    let encoded: shared::Result<Vec<_>> = frames.iter().map(|frame| encode(frame)).collect();
    let pictures = match encoded {
        Ok(pictures) => pictures.concat(),
        Err(error) => return page.notice.set(format!("The picture was not saved: {error}.")),
    };
    for (index, png) in pictures.iter().enumerate() {
        browser::download(&file_name(&objective, index), png, "image/png");
    }
    page.notice.set(if pictures.is_empty() {
        "There is no picture to save yet: press Space to dream one.".to_owned()
    } else {
        "Saved, with the recipe that makes it again.".to_owned()
    });
}

/// The pictures of a batch, each a PNG with its own recipe.
fn encode(frame: &Frame) -> shared::Result<Vec<Vec<u8>>> {
    let size = frame.stepped.picture;
    let recipe = serde_json::from_str::<Recipe>(&frame.stepped.recipe).ok();
    let pictures = frame.rgba.chunks_exact((4 * size.width * size.height).max(1));
    pictures
        .enumerate()
        .map(|(batch_index, rgba)| {
            let picture = Picture::from_rgba8(size.width, size.height, rgba)?;
            let recipe = recipe.clone().map(|recipe| Recipe { batch_index, ..recipe });
            encode_png(&picture, recipe.as_ref())
        })
        .collect()
}

/// A file's name for an objective: `mixed4a_11.png`, `mixed4a_11_2.png` for the third of a batch.
fn file_name(objective: &str, index: usize) -> String {
    let name = plain_name(objective);
    if index == 0 { format!("{name}.png") } else { format!("{name}_{index}.png") }
}

/// An objective as every disk can write it: `mixed4a_11`.
pub fn plain_name(objective: &str) -> String {
    let mut name = String::new();
    for letter in objective.chars() {
        let plain = letter.is_ascii_alphanumeric() || letter == '-' || letter == '.';
        if plain {
            name.push(letter);
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_matches('_');
    if name.is_empty() { "dream".to_owned() } else { name.to_owned() }
}

/// Copies the address of what is on view.
pub fn copy_link(page: Page) {
    let link = link(&page.address.get_untracked());
    copy(page, link, "Link copied.");
}

/// Copies the HTML that puts the dream on view into a slide.
pub fn copy_embed(page: Page) {
    let code = embed_code(&page.address.get_untracked());
    copy(page, code, "Code for a slide copied.");
}

fn copy(page: Page, text: String, said: &'static str) {
    browser::copy(text.clone(), move |copied| {
        if copied {
            return page.notice.set(said.to_owned());
        }
        // Without a clipboard the text itself is shown, and selected for Ctrl C.
        page.notice.set(text);
        request_animation_frame(|| browser::select(".notice"));
    });
}

/// The full address of a view.
pub fn link(address: &Address) -> String {
    format!("{}{}", browser::base(), Address { autostart: false, ..address.clone() }.query())
}

fn embed_code(address: &Address) -> String {
    let embedded = Address {
        embed: true,
        present: false,
        compare: Vec::new(),
        theme: None,
        ..address.clone()
    };
    let objective = address.objective.text();
    let what = match address.view.is_wall(objective) {
        true => "What the units of a network look for".to_owned(),
        false => address.view.slide.replace("{}", objective),
    };
    let title = what.replace('"', "&quot;");
    format!(
        "<iframe src=\"{}\" title=\"{title}\" width=\"480\" height=\"480\" \
         style=\"border:0\" allow=\"fullscreen; clipboard-write\"></iframe>",
        link(&embedded).replace('&', "&amp;")
    )
}

/// The picture full screen, or back.
pub fn full_screen() {
    let document = document();
    if document.fullscreen_element().is_some() {
        document.exit_fullscreen();
    } else if let Some(pictures) = document.get_element_by_id("pictures") {
        // Refused inside some frames; then nothing changes.
        let _ = pictures.request_fullscreen();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_what_they_show() {
        assert_eq!(file_name("mixed4a:11", 0), "mixed4a_11.png");
        assert_eq!(file_name("logits:\"dumbbell\"", 0), "logits_dumbbell.png");
        assert_eq!(file_name("a:1 + 0.5*b:2", 3), "a_1_0.5_b_2_3.png");
        assert_eq!(file_name("  ", 0), "dream.png");
    }
}
