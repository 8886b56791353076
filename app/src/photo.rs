//! A picture as the visitor gave it, decoded to the pixels that the command line sees too: the
//! values as they are stored, without colour profile or gamma, and turned upright.

use js_sys::{Array, Object, Reflect, Uint8Array};
use leptos::prelude::{document, window};
use shared::format::orientation::{self, Orientation};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlCanvasElement, ImageBitmap};

use crate::browser;
use crate::protocol::PictureSize;
use crate::transport::reason;

/// The network looks at 224 pixels; a shorter side beyond this adds nothing but waiting.
const SHORTER_SIDE: f64 = 1024.0;

/// A picture's pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Photo {
    /// Pixels across and down.
    pub size: PictureSize,
    /// `[height, width, 4]`.
    pub rgba: Vec<u8>,
}

/// Decodes a file.
pub async fn decode(file: &Blob) -> Result<Photo, String> {
    // Browsers follow EXIF in some formats and not in others, so they are not asked to.
    let mut bytes = browser::read(file).await?;
    let orientation = orientation::take(&mut bytes);
    let parts = Array::of1(&Uint8Array::from(bytes.as_slice()));
    let flat = match orientation {
        Orientation::NoTransforms => file.clone(),
        _ => Blob::new_with_u8_array_sequence(&parts).map_err(|thrown| reason(&thrown))?,
    };
    let options = Object::new();
    Reflect::set(&options, &"colorSpaceConversion".into(), &"none".into())
        .map_err(|thrown| reason(&thrown))?;
    let promise = window()
        .create_image_bitmap_with_blob_and_image_bitmap_options(&flat, options.unchecked_ref())
        .map_err(|thrown| reason(&thrown))?;
    let bitmap = JsFuture::from(promise).await.map_err(|thrown| reason(&thrown))?;
    let bitmap: ImageBitmap = bitmap.dyn_into().map_err(|_| "no picture came out".to_owned())?;
    let photo = upright(&bitmap, orientation);
    let (width, height) = (bitmap.width(), bitmap.height());
    bitmap.close();
    photo.ok_or_else(|| format!("its {width} x {height} pixels could not be read"))
}

fn upright(bitmap: &ImageBitmap, orientation: Orientation) -> Option<Photo> {
    let [a, b, c, d] = axes(orientation);
    let lies = a == 0.0;
    let swapped = |(width, height)| if lies { (height, width) } else { (width, height) };
    let (across, down) = swapped((f64::from(bitmap.width()), f64::from(bitmap.height())));
    read(across, down, |canvas, width, height| {
        let context = browser::context(canvas)?;
        // An axis that is turned round begins at the other end.
        let from = |axis: f64, length: f64| if axis < 0.0 { length } else { 0.0 };
        context.set_transform(a, b, c, d, from(a + c, width), from(b + d, height)).ok()?;
        let (width, height) = swapped((width, height));
        context.draw_image_with_image_bitmap_and_dw_and_dh(bitmap, 0.0, 0.0, width, height).ok()
    })
}

/// Where a picture's own axes point once it is upright: first the one across, then that down.
fn axes(orientation: Orientation) -> [f64; 4] {
    match orientation {
        Orientation::NoTransforms => [1.0, 0.0, 0.0, 1.0],
        Orientation::FlipHorizontal => [-1.0, 0.0, 0.0, 1.0],
        Orientation::Rotate180 => [-1.0, 0.0, 0.0, -1.0],
        Orientation::FlipVertical => [1.0, 0.0, 0.0, -1.0],
        Orientation::Rotate90FlipH => [0.0, 1.0, 1.0, 0.0],
        Orientation::Rotate90 => [0.0, 1.0, -1.0, 0.0],
        Orientation::Rotate270FlipH => [0.0, -1.0, -1.0, 0.0],
        Orientation::Rotate270 => [0.0, -1.0, 1.0, 0.0],
    }
}

/// Draws something of this size, made smaller if it is large, and reads its pixels.
pub fn read(
    width: f64,
    height: f64,
    draw: impl FnOnce(&HtmlCanvasElement, f64, f64) -> Option<()>,
) -> Option<Photo> {
    let scale = (SHORTER_SIDE / width.min(height)).min(1.0);
    let (across, down) = ((width * scale).round(), (height * scale).round());
    if !(across >= 1.0 && down >= 1.0) {
        return None;
    }
    let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(across as u32);
    canvas.set_height(down as u32);
    draw(&canvas, across, down)?;
    let size = PictureSize { width: across as usize, height: down as usize };
    Some(Photo { size, rgba: browser::drawn(&canvas)? })
}
