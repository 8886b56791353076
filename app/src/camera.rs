//! The visitor's camera: opened, closed, and why there is none.

use js_sys::Reflect;
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomException, HtmlVideoElement, MediaStream, MediaStreamConstraints, MediaStreamTrack,
};

use crate::protocol::{Failure, FailureKind};
use crate::transport::reason;

/// What `navigator` calls cameras and microphones.
const DEVICES: &str = "mediaDevices";

/// Opens the camera and shows it in a video element.
pub async fn stream(video: &HtmlVideoElement) -> Result<MediaStream, Failure> {
    let failed = |thrown: JsValue| {
        let name = thrown.dyn_ref::<DomException>().map(DomException::name).unwrap_or_default();
        unopened(&name, reason(&thrown))
    };
    let navigator = window().navigator();
    // Browsers hide cameras from pages that others could have altered on their way.
    let hidden = Reflect::get(&navigator, &DEVICES.into()).is_ok_and(|found| found.is_undefined());
    if hidden {
        return Err(unopened(HIDDEN, "the browser offers none to this address".to_owned()));
    }
    let constraints = MediaStreamConstraints::new();
    constraints.set_video(&true.into());
    let devices = navigator.media_devices().map_err(failed)?;
    let promise = devices.get_user_media_with_constraints(&constraints).map_err(failed)?;
    let stream = JsFuture::from(promise).await.map_err(failed)?;
    let stream: MediaStream =
        stream.dyn_into().map_err(|_| unopened("", "no video came".to_owned()))?;
    video.set_src_object(Some(&stream));
    if let Ok(playing) = video.play()
        && let Err(thrown) = JsFuture::from(playing).await
    {
        stop(&stream);
        return Err(failed(thrown));
    }
    Ok(stream)
}

/// Lets the camera go.
pub fn stop(stream: &MediaStream) {
    for track in stream.get_tracks() {
        if let Ok(track) = track.dyn_into::<MediaStreamTrack>() {
            track.stop();
        }
    }
}

/// Where browsers hide cameras; no name that they throw.
const HIDDEN: &str = "hidden";

/// Why the camera did not open, by the name of what the browser threw (Media Capture and Streams,
/// section 10.3.1).
fn unopened(name: &str, why: String) -> Failure {
    let (what, next) = match name {
        "NotFoundError" | "OverconstrainedError" => {
            ("No camera was found.", "Connect one and try again, or choose a picture instead.")
        }
        "NotAllowedError" | "SecurityError" => (
            "The camera is not allowed here.",
            "Allow the camera for this page, or choose a picture instead.",
        ),
        "NotReadableError" | "AbortError" => (
            "The camera did not start.",
            "Close other programs that use it and try again, or choose a picture instead.",
        ),
        HIDDEN => (
            "This page cannot have a camera.",
            "Open it from an address that begins with https://, or choose a picture instead.",
        ),
        _ => ("The camera did not open.", "Try again, or choose a picture instead."),
    };
    Failure::new(FailureKind::Picture, what, why, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_camera_that_is_forbidden_is_to_be_allowed() {
        let next = |name: &str| unopened(name, "why".to_owned()).next;
        assert!(next("NotAllowedError").starts_with("Allow"));
        for name in ["NotFoundError", "NotReadableError", HIDDEN, "TypeError", ""] {
            assert!(!next(name).to_lowercase().contains("allow"), "{name}: {}", next(name));
            assert!(next(name).ends_with("or choose a picture instead."), "{name}");
        }
        assert_eq!(unopened("NotFoundError", String::new()).what, "No camera was found.");
    }
}
