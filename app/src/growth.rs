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
use crate::pane::Frame;
use crate::transport::reason;
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

/// Saves the growth as an animated WebP.
pub fn save(page: Page, recorder: Recorder) {
    let growth = recorder.growth.get_value();
    let name = share::plain_name(&page.address.with_untracked(|address| address.objective.clone()));
    page.notice.set("Putting the pictures together ...".to_owned());
    spawn_local(async move {
        let count = growth.frames.len();
        page.notice.set(match animate(&growth).await {
            Ok(file) => {
                browser::download(&format!("{name}.webp"), &file, "image/webp");
                format!("Saved: {count} pictures that play for ever.")
            }
            Err(why) => format!("The growth was not saved: {why}."),
        });
    });
}

async fn animate(growth: &Growth) -> Result<Vec<u8>, String> {
    let canvas = document().create_element("canvas").map_err(|thrown| reason(&thrown))?;
    let canvas: HtmlCanvasElement = canvas.unchecked_into();
    let mut files = Vec::new();
    for frame in &growth.frames {
        let size = frame.stepped.picture;
        browser::draw(&canvas, &frame.rgba, size.width, size.height)
            .ok_or("the browser has no canvas for it")?;
        files.push(encoded(&canvas).await?);
    }
    let size = [canvas.width() as usize, canvas.height() as usize];
    let durations = growth.durations();
    let frames = files.iter().zip(durations);
    let frames: Vec<_> = frames.map(|(file, duration)| webp::Frame { file, duration }).collect();
    webp::animate(size, &frames).map_err(|error| error.to_string())
}

/// What is on a canvas, as a WebP file.
async fn encoded(canvas: &HtmlCanvasElement) -> Result<Vec<u8>, String> {
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
        return Err("this browser cannot write WebP; Chrome, Edge and Firefox can".to_owned());
    }
    let buffer = JsFuture::from(blob.array_buffer()).await.map_err(|thrown| reason(&thrown))?;
    let buffer: ArrayBuffer = buffer.unchecked_into();
    Ok(Uint8Array::new(&buffer).to_vec())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

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
}
