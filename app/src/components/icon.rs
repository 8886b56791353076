//! Line icons, drawn for a 24 by 24 box.

use leptos::prelude::*;

/// Outlines by name.
pub mod outline {
    /// A wand and sparks.
    pub const DREAM: &str = "M4 20l7-7M13 4l1.2 3.3L17.5 8.5 14.2 9.7 13 13l-1.2-3.3L8.5 8.5l3.3-1.2zM19 14l.7 1.8 1.8.7-1.8.7L19 19l-.7-1.8-1.8-.7 1.8-.7z";
    /// An eye.
    pub const LOOK: &str =
        "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 100 6 3 3 0 000-6z";
    /// Dots that come together.
    pub const TRAIN: &str = "M4 5.5v.01M4 12v.01M4 18.5v.01M7 6l5 4.5M7 12h5M7 18l5-4.5M16 9.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5z";
    /// Four pictures on a wall.
    pub const WALL: &str = "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z";
    /// A triangle.
    pub const PLAY: &str = "M8 5.5v13l10.5-6.5z";
    /// Two bars.
    pub const PAUSE: &str = "M8 5.5v13M16 5.5v13";
    /// A triangle against a bar.
    pub const STEP: &str = "M7 6v12l8-6zM18 6v12";
    /// Towards the left.
    pub const PREVIOUS: &str = "M14.5 6l-6 6 6 6";
    /// Towards the right.
    pub const NEXT: &str = "M9.5 6l6 6-6 6";
    /// Into a tray.
    pub const SAVE: &str = "M12 4v11M7.5 10.5L12 15l4.5-4.5M5 19.5h14";
    /// A strip of film.
    pub const FILM: &str =
        "M5 4h14v16H5zM9 4v16M15 4v16M5 8h4M5 12h4M5 16h4M15 8h4M15 12h4M15 16h4";
    /// Round and round.
    pub const LOOP: &str = "M19 12a7 7 0 11-2.2-5.1M17.5 3.5v4h-4";
    /// A sheet with a corner turned down.
    pub const FILE: &str = "M6 3.5h8l4 4v13H6zM14 3.5v4h4";
    /// Two links of a chain.
    pub const LINK: &str = "M10 14a4 4 0 005.7 0l3-3A4 4 0 0013 5.3l-1 1M14 10a4 4 0 00-5.7 0l-3 3A4 4 0 0011 18.7l1-1";
    /// Angle brackets.
    pub const EMBED: &str = "M8.5 7L3.5 12l5 5M15.5 7l5 5-5 5";
    /// Four corners.
    pub const FULL: &str = "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5";
    /// A screen on a stand.
    pub const PRESENT: &str = "M3 4h18M5 4v10.5h14V4M12 14.5V20M8 20h8";
    /// Two sliders.
    pub const SETTINGS: &str = "M4 8h8M18 8h2M15 5.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5zM4 16h2M12 16h8M9 13.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5z";
    /// Five eyes of a die.
    pub const DICE: &str = "M5 5h14v14H5zM9 9v.01M15 9v.01M12 12v.01M9 15v.01M15 15v.01";
    /// A cross.
    pub const CLOSE: &str = "M6 6l12 12M18 6L6 18";
    /// Half a sun.
    pub const THEME: &str =
        "M12 4a8 8 0 100 16 8 8 0 000-16zM12 4v16M12 8l5-1.5M12 12h8M12 16l5 1.5";
    /// A keyboard.
    pub const KEYS: &str = "M3 7h18v10H3zM7 10.5v.01M11 10.5v.01M15 10.5v.01M17.5 10.5v.01M8 14h8";
    /// A lens.
    pub const SEARCH: &str = "M11 5a6 6 0 100 12 6 6 0 000-12zM15.5 15.5L20 20";
    /// A camera.
    pub const CAMERA: &str = "M4 8h4l1.5-2.5h5L16 8h4v11H4zM12 10.5a3 3 0 100 6 3 3 0 000-6z";
    /// A picture in a frame.
    pub const PICTURE: &str = "M4 5h16v14H4zM4 16l4.5-4.5L12 15l3-3 5 5M15.5 9v.01";
    /// A pane beside a stage.
    pub const PANEL: &str = "M4 5h16v14H4zM14.5 5v14";
    /// Towards the foot.
    pub const MORE: &str = "M7 10l5 5 5-5";
    /// Out of a box.
    pub const OPEN: &str = "M14 4h6v6M20 4l-9 9M18 14v5H5V6h5";
}

/// An outline as an icon; decoration, so the control around it carries the name.
#[component]
pub fn Icon(
    /// One of [`outline`].
    #[prop(into)]
    of: Signal<&'static str>,
) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d=move || of.get()></path>
        </svg>
    }
}
