//! "Save as one file": the page, the engine and the bundle on view, packed into one HTML file.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::format::bundle::{Entry, Index, SCHEMA};
use shared::format::single_file::{File, pack};
use shared::format::site::PAGE;

use crate::address::Address;
use crate::ask::client::Client;
use crate::library::{FOLDER, Opened};
use crate::page::Page;
use crate::{browser, site};

/// The file's name.
const NAME: &str = "pellucid.html";

/// In a single file made for several views, Page Down and Page Up lead through them, as a
/// presenter's remote control does through slides.
pub fn follow_views(page: Page) {
    let views = site::views();
    if views.len() < 2 {
        return;
    }
    // The page begins anew between a slide's view and one with everything around it.
    let here = page.address.get_untracked();
    let place = views.iter().position(|view| page.read(view).0 == here).unwrap_or(0);
    let place = StoredValue::new(place);
    let handle = window_event_listener(leptos::ev::keydown, move |event| {
        let next = match event.key().as_str() {
            "PageDown" => (place.get_value() + 1).min(views.len() - 1),
            "PageUp" => place.get_value().saturating_sub(1),
            _ => return,
        };
        event.prevent_default();
        if next == place.get_value() {
            return;
        }
        place.set_value(next);
        show(page, &views[next]);
    });
    on_cleanup(move || handle.remove());
}

fn show(page: Page, view: &str) {
    let (address, problems) = page.read(view);
    let furnished = page.address.with_untracked(|before| before.embed);
    if address.embed != furnished {
        // With other furniture around it the page begins anew.
        let _ = window().location().set_href(&format!("{}{view}", browser::base()));
        return;
    }
    let starts = address.autostart;
    page.problems.set(problems);
    page.go(|before| *before = address);
    if starts {
        page.start(false);
    }
}

/// Gathers everything and hands it to the visitor as one file that opens at what is on view.
pub fn save(page: Page) {
    let Some(open) = page.session.library.open.get_untracked() else {
        return page.notice.set("There is no network to take along yet.".to_owned());
    };
    let address = page.address.get_untracked();
    let model = folder_name(&open.url);
    let view = Address { autostart: false, bundle: None, model, ..address }.query();
    page.notice.set("Gathering the page and its network ...".to_owned());
    spawn_local(async move {
        match gather(page.session.client, &open, &[view]).await {
            Ok(text) => {
                browser::download(NAME, text.as_bytes(), "text/html");
                let megabytes = text.len() as f64 / 1e6;
                let lacks = match open.bundle.weights {
                    Some(_) => "",
                    None => " Its network is not in it: it shows what was made beforehand.",
                };
                page.notice.set(format!(
                    "Saved as one file of {megabytes:.0} MB. It opens by double click, offline.{lacks}"
                ));
            }
            Err(why) => page.notice.set(format!("The file was not saved: {why}.")),
        }
    });
}

async fn gather(client: Client, open: &Opened, views: &[String]) -> Result<String, String> {
    let site = site::description().await?;
    let mut page = String::new();
    let mut packed = Vec::new();
    for part in &site.files {
        let bytes = site::file(part).await?;
        if part.path == PAGE {
            page = String::from_utf8(bytes).map_err(|_| format!("{PAGE} is no text"))?;
        } else {
            packed.push(smaller(part.path.clone(), bytes).await?);
        }
    }
    let name = folder_name(&open.url);
    for part in open.bundle.parts() {
        let bytes = open.part(client, part, &part.path).await.map_err(|failure| failure.what)?;
        packed.push(smaller(format!("{FOLDER}/{name}/{}", part.path), bytes).await?);
    }
    let manifest = open.bundle.to_json().map_err(|error| error.to_string())?;
    packed.push(smaller(format!("{FOLDER}/{name}/bundle.json"), manifest.into_bytes()).await?);
    let index = index(&name, open)?.into_bytes();
    packed.push(smaller(format!("{FOLDER}/index.json"), index).await?);
    pack(&page, &site, &packed, views).map_err(|error| error.to_string())
}

/// What the folder of a bundle is called, from the address of its `bundle.json`.
fn folder_name(bundle_url: &str) -> String {
    let folder = bundle_url.rsplit('/').nth(1).unwrap_or_default();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let name: String = folder.chars().filter(|&letter| plain(letter)).collect();
    if name.is_empty() { "bundle".to_owned() } else { name }
}

/// The list of the one bundle that is inside.
fn index(name: &str, open: &Opened) -> Result<String, String> {
    let entry = Entry {
        path: name.to_owned(),
        title: open.title.clone(),
        weights: Some(open.bundle.weights.is_some()),
        weights_coming: false,
    };
    let index = Index { schema: SCHEMA, bundles: vec![entry] };
    index.to_json().map_err(|error| error.to_string())
}

/// The file, compressed where that is worth it.
async fn smaller(path: String, bytes: Vec<u8>) -> Result<File, String> {
    let compressed = site::gzip(&bytes).await?;
    Ok(File::smaller(path, bytes, compressed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_keeps_the_name_of_its_folder_where_that_is_plain() {
        for (address, name) in [
            ("https://a.example/bundles/googlenet/bundle.json", "googlenet"),
            ("https://a.example/my%20own/bundle.json", "my20own"),
            ("bundle.json", "bundle"),
        ] {
            assert_eq!(folder_name(address), name);
        }
    }
}
