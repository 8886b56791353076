//! A dream's growth: pictures kept while it climbs, saved as one moving picture that loops.

use std::sync::Arc;

use js_sys::{ArrayBuffer, Function, Promise, Uint8Array};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::format::webp;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlCanvasElement};

use crate::page::Page;
use crate::transport::reason;
use crate::verbs::dream::state::Frame;
use crate::{browser, share};

/// The most pictures kept: at [`DURATIONS`] a few seconds, as long as an audience looks.
const MOST_FRAMES: usize = 120;

/// The most bytes of pictures kept.
const MOST_BYTES: usize = 64 << 20;

/// The whole growth takes about this long, in milliseconds, ...
const WHOLE: u32 = 6_000;

/// ... with each picture shown no shorter and no longer than this, and the last one longer.
const DURATIONS: std::ops::RangeInclusive<u32> = 40..=150;
const LAST: u32 = 1_500;

/// How faithful each picture is, 0 to 1: dreams are all texture, which shows its losses late.
const QUALITY: f64 = 0.85;

/// The pictures of one dream, evenly spaced over its steps.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    frames: Vec<Arc<Frame>>,
    /// Steps from one kept picture to the next, at least.
    every: usize,
}

impl Growth {
    /// The next picture of the dream; one with a smaller step or another size begins anew.
    pub fn add(&mut self, frame: Arc<Frame>) {
        let follows = self.frames.last().is_some_and(|last| {
            last.stepped.step <= frame.stepped.step && last.rgba.len() == frame.rgba.len()
        });
        if !follows {
            self.clear();
        }
        // The newest picture is always there, so one that came too soon gives way to the next.
        let gives_way = match &self.frames[..] {
            [.., newest] if newest.stepped.step == frame.stepped.step => true,
            [.., before, newest] => newest.stepped.step - before.stepped.step < self.every,
            _ => false,
        };
        if gives_way {
            self.frames.pop();
        }
        let most = (MOST_BYTES / frame.rgba.len().max(1)).clamp(2, MOST_FRAMES);
        self.frames.push(frame);
        if most < self.frames.len() {
            self.thin(most);
        }
    }

    /// Drops every second picture, but never the newest.
    fn thin(&mut self, most: usize) {
        let newest = self.frames.len() - 1;
        let mut place = 0;
        self.frames.retain(|_| {
            place += 1;
            place % 2 == 1 || place == newest + 1
        });
        if let [first, .., last] = &self.frames[..] {
            let span = last.stepped.step - first.stepped.step;
            self.every = span.div_ceil(most.div_ceil(2));
        }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    /// How long each picture is shown, in milliseconds.
    fn durations(&self) -> Vec<u32> {
        let count = self.frames.len();
        let each = (WHOLE / count.max(1) as u32).clamp(*DURATIONS.start(), *DURATIONS.end());
        (1..=count).map(|place| if place == count { LAST } else { each }).collect()
    }
}

/// The growth of the dream on view, for any component to keep and copy.
#[derive(Clone, Copy)]
pub struct Recorder {
    growth: StoredValue<Growth>,
    count: RwSignal<usize>,
}

impl Recorder {
    /// Whether there is enough to move, reactive.
    pub fn moves(self) -> bool {
        2 <= self.count.get()
    }
}

/// Keeps what the first pane shows, and offers it to the page's components.
pub fn follow(page: Page) {
    let recorder = Recorder { growth: StoredValue::default(), count: RwSignal::new(0) };
    provide_context(recorder);
    Effect::new(move |_| {
        let frame = page.panes[0].frame.get();
        let count = recorder.growth.try_update_value(|growth| {
            match frame {
                Some(frame) => growth.add(frame),
                None => growth.clear(),
            }
            growth.frames.len()
        });
        recorder.count.set(count.unwrap_or(0));
    });
}

/// A kind of file that holds a moving picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All colours, the smaller file; not every browser writes it and not every program shows it.
    WebP,
    /// 256 colours a picture; everything shows it.
    Gif,
}

/// Saves the growth; as a GIF where the browser cannot write what was asked for.
pub fn save(page: Page, recorder: Recorder, kind: Kind) {
    let growth = recorder.growth.get_value();
    let name =
        share::plain_name(&page.address.with_untracked(|address| address.objective.to_string()));
    page.notice.set("Putting the pictures together ...".to_owned());
    spawn_local(async move {
        let count = growth.frames.len();
        let webp = if kind == Kind::WebP { as_webp(&growth).await } else { Ok(None) };
        let saved = match webp {
            Ok(Some(file)) => Ok((file, "webp")),
            Ok(None) => as_gif(&growth).await.map(|file| (file, "gif")),
            Err(why) => Err(why),
        };
        page.notice.set(match saved {
            Ok((file, extension)) => {
                let mime = format!("image/{extension}");
                browser::download(&format!("{name}.{extension}"), &file, &mime);
                let instead = match (kind, extension) {
                    (Kind::WebP, "gif") => " It is a GIF, since this browser writes no WebP.",
                    _ => "",
                };
                format!("Saved: {count} pictures that play for ever.{instead}")
            }
            Err(why) => format!("The growth was not saved: {why}."),
        });
    });
}

/// An animated GIF, picture by picture, so that the page goes on meanwhile.
async fn as_gif(growth: &Growth) -> Result<Vec<u8>, String> {
    let canvas = canvas()?;
    let first = growth.frames.first().ok_or("there is no picture yet")?;
    let mut file = Gif::begin(draw(&canvas, first)?)?;
    for (frame, duration) in growth.frames.iter().zip(growth.durations()) {
        browser::breathe().await;
        draw(&canvas, frame)?;
        let mut pixels = browser::drawn(&canvas).ok_or("the browser does not show its canvas")?;
        file.add(&mut pixels, duration)?;
    }
    file.end()
}

/// A GIF that is being written.
struct Gif {
    encoder: gif::Encoder<Vec<u8>>,
    size: [u16; 2],
}

impl Gif {
    /// Of pictures with this many pixels across and down.
    fn begin(size: [usize; 2]) -> Result<Self, String> {
        let [Ok(width), Ok(height)] = size.map(u16::try_from) else {
            return Err(format!("a GIF cannot be {} by {} pixels", size[0], size[1]));
        };
        let mut encoder = gif::Encoder::new(Vec::new(), width, height, &[]).map_err(words)?;
        encoder.set_repeat(gif::Repeat::Infinite).map_err(words)?;
        Ok(Self { encoder, size: [width, height] })
    }

    /// The next picture, shown for so many milliseconds. Its 256 colours are chosen by a network of
    /// their own (NeuQuant; Dekker 1994) from some of its pixels.
    fn add(&mut self, rgba: &mut [u8], duration: u32) -> Result<(), String> {
        let [width, height] = self.size;
        if rgba.len() != 4 * usize::from(width) * usize::from(height) {
            return Err("the pictures differ in size".to_owned());
        }
        // Every third pixel of a small picture, fewer of a large one, so that each takes the window
        // for a moment only.
        let every = if rgba.len() < 4 * 256 * 256 { 3 } else { 10 };
        let mut frame = gif::Frame::from_rgba_speed(width, height, rgba, every);
        // In hundredths of a second.
        frame.delay = duration.div_ceil(10) as u16;
        self.encoder.write_frame(&frame).map_err(words)
    }

    fn end(self) -> Result<Vec<u8>, String> {
        self.encoder.into_inner().map_err(words)
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// An animated WebP; nothing where the browser cannot write one.
async fn as_webp(growth: &Growth) -> Result<Option<Vec<u8>>, String> {
    let canvas = canvas()?;
    let mut files = Vec::new();
    let mut size = [0; 2];
    for frame in &growth.frames {
        size = draw(&canvas, frame)?;
        match encoded(&canvas).await? {
            Some(file) => files.push(file),
            None => return Ok(None),
        }
    }
    let durations = growth.durations();
    let frames = files.iter().zip(durations);
    let frames: Vec<_> = frames.map(|(file, duration)| webp::Frame { file, duration }).collect();
    webp::animate(size, &frames).map(Some).map_err(words)
}

fn canvas() -> Result<HtmlCanvasElement, String> {
    let canvas = document().create_element("canvas").map_err(|thrown| reason(&thrown))?;
    Ok(canvas.unchecked_into())
}

/// Draws the pictures of a step, several side by side; how many pixels that is across and down.
fn draw(canvas: &HtmlCanvasElement, frame: &Frame) -> Result<[usize; 2], String> {
    let size = frame.stepped.picture;
    browser::draw(canvas, &frame.rgba, size.width, size.height)
        .ok_or("the browser has no canvas for it")?;
    Ok([canvas.width() as usize, canvas.height() as usize])
}

/// What is on a canvas, as a WebP file; nothing where the browser cannot write one.
async fn encoded(canvas: &HtmlCanvasElement) -> Result<Option<Vec<u8>>, String> {
    let promise = Promise::new(&mut |resolve: Function, reject: Function| {
        let done = Closure::once_into_js(move |blob: JsValue| {
            let _ = resolve.call1(&JsValue::NULL, &blob);
        });
        let quality = JsValue::from_f64(QUALITY);
        let asked = canvas.to_blob_with_type_and_encoder_options(
            done.unchecked_ref(),
            "image/webp",
            &quality,
        );
        if let Err(thrown) = asked {
            let _ = reject.call1(&JsValue::NULL, &thrown);
        }
    });
    let blob = JsFuture::from(promise).await.map_err(|thrown| reason(&thrown))?;
    let blob: Blob = blob.dyn_into().map_err(|_| "the picture is too large for the browser")?;
    // A browser that cannot write WebP writes PNG without a word.
    if blob.type_() != "image/webp" {
        return Ok(None);
    }
    let buffer = JsFuture::from(blob.array_buffer()).await.map_err(|thrown| reason(&thrown))?;
    let buffer: ArrayBuffer = buffer.unchecked_into();
    Ok(Some(Uint8Array::new(&buffer).to_vec()))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::codecs::gif::GifDecoder;
    use image::codecs::webp::{WebPDecoder, WebPEncoder};
    use image::{AnimationDecoder, ExtendedColorType};

    use super::*;
    use crate::protocol::{PictureSize, Stepped};

    fn frame(step: usize, side: usize) -> Arc<Frame> {
        let stepped = Stepped {
            step,
            steps: 10_000,
            loss: 0.0,
            terms: Vec::new(),
            picture: PictureSize { width: side, height: side },
            batch: 1,
            rate: 1.0,
            recipe: String::new(),
        };
        Arc::new(Frame { stepped, rgba: vec![0; 4 * side * side] })
    }

    fn steps(growth: &Growth) -> Vec<usize> {
        growth.frames.iter().map(|frame| frame.stepped.step).collect()
    }

    #[test]
    fn a_long_dream_keeps_few_evenly_spaced_pictures_and_always_the_newest() {
        let mut growth = Growth::default();
        for step in 1..=5000 {
            growth.add(frame(step, 8));
            let kept = steps(&growth);
            assert!(kept.len() <= MOST_FRAMES);
            assert_eq!((kept[0], kept.last()), (1, Some(&step)));
        }
        let kept = steps(&growth);
        assert!(MOST_FRAMES / 2 - 2 <= kept.len(), "{} pictures are too few", kept.len());
        let gaps: Vec<usize> = kept.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let inner = &gaps[..gaps.len() - 1];
        let (least, most) = (inner.iter().min().unwrap(), inner.iter().max().unwrap());
        assert!(*most <= 2 * least + 1, "{gaps:?}");
    }

    #[test]
    fn large_pictures_are_kept_within_the_memory_allowed() {
        let mut growth = Growth::default();
        for step in 1..=60 {
            growth.add(frame(step, 1024));
        }
        let bytes: usize = growth.frames.iter().map(|frame| frame.rgba.len()).sum();
        assert!(bytes <= MOST_BYTES && 2 <= growth.frames.len(), "{bytes}");
    }

    #[test]
    fn another_dream_begins_anew_and_a_step_said_again_counts_once() {
        let mut growth = Growth::default();
        for step in [1, 2, 3, 3, 4, 4] {
            growth.add(frame(step, 8));
        }
        assert_eq!(steps(&growth), [1, 2, 3, 4]);
        growth.add(frame(1, 8));
        assert_eq!(steps(&growth), [1]);
        growth.add(frame(2, 16));
        assert_eq!(steps(&growth), [2]);
    }

    #[test]
    fn the_last_picture_is_held() {
        let growth = Growth { frames: vec![frame(1, 8); 60], every: 1 };
        assert_eq!(growth.durations()[..2], [100, 100]);
        assert_eq!(growth.durations()[59], LAST);
    }

    #[test]
    fn an_independent_decoder_plays_what_was_put_together() {
        let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255]];
        let files = colours.map(|colour| {
            let mut file = Vec::new();
            let encoder = WebPEncoder::new_lossless(&mut file);
            encoder.encode(&colour.repeat(6 * 4), 6, 4, ExtendedColorType::Rgb8).unwrap();
            file
        });
        let frames = files.each_ref().map(|file| webp::Frame { file, duration: 70 });
        let animation = webp::animate([6, 4], &frames).unwrap();
        let decoder = WebPDecoder::new(Cursor::new(&animation)).unwrap();
        let played = decoder.into_frames().collect_frames().unwrap();
        assert_eq!(played.len(), 3);
        for (frame, colour) in played.iter().zip(colours) {
            assert_eq!(frame.delay().numer_denom_ms(), (70, 1));
            assert_eq!(frame.buffer().dimensions(), (6, 4));
            assert_eq!(frame.buffer().get_pixel(5, 3).0[..3], colour);
        }
    }

    #[test]
    fn an_independent_decoder_plays_the_gif() {
        let colours = [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]];
        let mut file = Gif::begin([6, 4]).unwrap();
        for colour in colours {
            file.add(&mut colour.repeat(6 * 4), 70).unwrap();
        }
        let file = file.end().unwrap();
        let looped = file.windows(11).any(|name| name == b"NETSCAPE2.0");
        assert!(looped, "it plays once");
        let played = GifDecoder::new(Cursor::new(&file)).unwrap().into_frames();
        let played = played.collect_frames().unwrap();
        assert_eq!(played.len(), 3);
        for (frame, colour) in played.iter().zip(colours) {
            assert_eq!(frame.delay().numer_denom_ms(), (70, 1));
            assert_eq!(frame.buffer().dimensions(), (6, 4));
            let found = frame.buffer().get_pixel(5, 3).0;
            let is_near = found.iter().zip(colour).all(|(&a, b)| a.abs_diff(b) <= 4);
            assert!(is_near, "{found:?} for {colour:?}");
        }
    }

    #[test]
    fn a_gif_refuses_what_it_cannot_hold() {
        assert!(Gif::begin([70_000, 4]).is_err());
        let mut file = Gif::begin([6, 4]).unwrap();
        assert!(file.add(&mut [0; 4 * 5 * 4], 70).is_err());
    }
}
