//! The pictures that a dictionary learns from: the gallery's, or the visitor's own.

use std::sync::Arc;

use leptos::prelude::*;
use shared::format::credits::Credit;
use wasm_bindgen::JsCast;
use web_sys::{Blob, HtmlCanvasElement};

use crate::browser;
use crate::page::Page;
use crate::parts::Loaded;
use crate::photo::{self, Photo};
use crate::protocol::PictureSize;
use crate::sprite::Square;

/// How much of a picture's shorter side the network sees, as in classifying.
const SEEN: f64 = 0.875;

/// The most pictures of one's own.
pub const MOST: usize = 1000;

/// A picture of the visitor's, as the network sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnPicture {
    /// Its file's name.
    pub name: String,
    /// Where the browser finds it.
    address: String,
    /// Its pixels.
    photo: Photo,
}

impl OwnPicture {
    /// The middle of a picture in a file, of this side.
    pub async fn open(name: String, file: &Blob, side: usize) -> Result<Self, String> {
        let whole = photo::decode(file).await?;
        let drawn = || {
            let canvas: HtmlCanvasElement =
                document().create_element("canvas").ok()?.dyn_into().ok()?;
            browser::draw(&canvas, &whole.rgba, whole.size.width, whole.size.height)?;
            let middle: HtmlCanvasElement =
                document().create_element("canvas").ok()?.dyn_into().ok()?;
            middle.set_width(side as u32);
            middle.set_height(side as u32);
            let [width, height] = [whole.size.width, whole.size.height].map(|pixels| pixels as f64);
            let length = SEEN * width.min(height);
            let context = browser::context(&middle)?;
            context
                .draw_image_with_html_canvas_element_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
                    &canvas,
                    (width - length) / 2.0,
                    (height - length) / 2.0,
                    length,
                    length,
                    0.0,
                    0.0,
                    side as f64,
                    side as f64,
                )
                .ok()?;
            let address = middle.to_data_url_with_type("image/jpeg").ok()?;
            Some((browser::drawn(&middle)?, address))
        };
        let (rgba, address) = drawn().ok_or("the browser did not draw it")?;
        let size = PictureSize { width: side, height: side };
        Ok(Self { name, address, photo: Photo { size, rgba } })
    }
}

/// Which pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Pictures {
    /// The gallery's.
    #[default]
    Gallery,
    /// The visitor's own.
    Own(Arc<Vec<OwnPicture>>),
}

impl Pictures {
    /// How many there are. Reactive.
    pub fn count(&self, page: Page) -> usize {
        match self {
            Self::Gallery => page.session.parts.gallery().map_or(0, |sprites| sprites.count),
            Self::Own(pictures) => pictures.len(),
        }
    }

    /// A picture's pixels, as the network takes them; nothing where it does not come.
    pub async fn photo(&self, page: Page, index: usize) -> Option<Photo> {
        let Self::Own(pictures) = self else {
            let sprites = untrack(|| page.session.parts.gallery())?;
            let place = sprites.place(index)?;
            let side = sprites.side;
            let sheet = loop {
                match untrack(|| page.session.parts.sheet(&sprites, place.sheet)) {
                    Loaded::Here(address) => break address,
                    Loaded::Failed => return None,
                    Loaded::Coming => browser::breathe().await,
                }
            };
            let rgba = browser::pixels(&sheet, [place.left, place.top, side], side).await?;
            return Some(Photo { size: PictureSize { width: side, height: side }, rgba });
        };
        pictures.get(index).map(|picture| picture.photo.clone())
    }

    /// A square part of a picture as a CSS background; nothing before it is here. Reactive.
    pub fn style(&self, page: Page, index: usize, part: Square) -> Option<String> {
        match self {
            Self::Gallery => page.session.parts.style(&page.session.parts.gallery()?, index, part),
            Self::Own(pictures) => {
                let address = &pictures.get(index)?.address;
                // CSS counts a position as the share of what does not fit.
                let at = |from: f64| if part.side < 1.0 { from / (1.0 - part.side) } else { 0.0 };
                Some(format!(
                    "background-image:url({address});background-size:{:.2}%;background-position:{:.2}% {:.2}%",
                    100.0 / part.side,
                    100.0 * at(part.left),
                    100.0 * at(part.top),
                ))
            }
        }
    }

    /// What a picture is called. Reactive.
    pub fn title(&self, page: Page, index: usize) -> String {
        let title = match self {
            Self::Gallery => {
                let credits = page.session.parts.credits().and_then(Loaded::here);
                let credit = |credits: Arc<Vec<Credit>>| Some(credits.get(index)?.title.clone());
                credits.and_then(credit)
            }
            Self::Own(pictures) => pictures.get(index).map(|picture| picture.name.clone()),
        };
        title.unwrap_or_else(|| format!("Picture {index}"))
    }
}
