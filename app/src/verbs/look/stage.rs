//! Look: what the network sees in a picture. The picture stays on this device.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::classes::short_label;
use shared::format::credits::Credit;
use web_sys::Blob;

use super::gaze::{self, Gaze, head_words, token_words};
use super::state::{Seen, Shown, Sight, place_words};
use crate::attention::Looks;
use crate::browser;
use crate::components::attended_picture::AttendedPicture;
use crate::components::attention_strip::AttentionStrip;
use crate::components::channel_strip::ChannelStrip;
use crate::components::failure::FailureNote;
use crate::components::gallery_strip::GalleryStrip;
use crate::components::heat_tile::HeatTile;
use crate::components::icon::{Icon, outline};
use crate::components::parts_trouble::PartsTrouble;
use crate::components::placed_picture::PlacedPicture;
use crate::components::weights_note::WeightsNote;
use crate::heatmap::{Laid, Place};
use crate::numbers::{percent, value};
use crate::page::Page;
use crate::parts::Loaded;
use crate::photo::Photo;
use crate::protocol::{Failure, FailureKind, PictureSize};
use crate::unit_search::pictures;

/// The stage with the picture, and the ways to bring one.
#[component]
pub fn LookView() -> impl IntoView {
    let page = Page::here();
    let sight = Sight::here();
    let layer = Signal::derive(move || page.layer());
    let open = move |file: Blob| {
        page.go(|address| address.picture = None);
        sight.open(page.session, file, layer.get_untracked());
    };
    let unknown = follow_picture(page);
    Gaze::here().follow(page, || true);
    // Back, or another view's choice, may name another layer than the one that was looked at.
    Effect::new(move |_| {
        let layer = layer.get();
        let is_of = |other: &str| {
            sight.seen.with(|seen| match seen {
                Some(seen) => seen.classified.layer == other,
                None => true,
            })
        };
        if !is_of(&layer) {
            sight.look(page.session, layer);
        }
    });
    let video = NodeRef::<html::Video>::new();
    let (over, set_over) = signal(false);
    let camera = move |_| {
        if sight.camera.get_untracked() {
            sight.close_camera();
        } else if let Some(video) = video.get_untracked() {
            sight.open_camera(page.session, video, layer);
        }
    };
    let chosen = move |event: leptos::ev::Event| {
        let input = event_target::<web_sys::HtmlInputElement>(&event);
        if let Some(file) = input.files().and_then(|files| files.get(0)) {
            open(file.into());
        }
        // The same file may be chosen again.
        input.set_value("");
    };
    on_cleanup(move || {
        sight.close_camera();
        // What went wrong here is no news on the next visit.
        sight.failure.set(None);
    });
    let empty = move || sight.seen.with(Option::is_none) && sight.photo.with(Option::is_none);
    let unseen = move || sight.seen.with(Option::is_none);
    let on = move || sight.camera.get();
    view! {
        <div
            class="stage look"
            class:over=move || over.get()
            on:dragover=move |_| set_over.set(true)
            on:dragleave=move |_| set_over.set(false)
            on:drop=move |_| set_over.set(false)
        >
            <div class="sight" class:empty=move || empty() && !on() class:busy=move || sight.busy.get()>
                <video node_ref=video class:on=on playsinline=true muted=true aria-label="Camera"></video>
                <Show when=move || !empty() && !on()>
                    <Picture/>
                </Show>
                <Show when=move || empty() && !on()>
                    <label class="drop" for="look-file">
                        <Icon of=outline::PICTURE/>
                        <b>"Drop a picture here"</b>
                        <span>"or paste it, choose one, or use the camera"</span>
                    </label>
                </Show>
            </div>
            <div class="under">
                <Verdict/>
                <div class="ways">
                    <label class="button" for="look-file">
                        <Icon of=outline::PICTURE/>
                        "Choose"
                        <input id="look-file" type="file" accept="image/*" data-testid="look-file" on:change=chosen/>
                    </label>
                    <button class="button" data-testid="camera" on:click=camera>
                        <Icon of=outline::CAMERA/>
                        {move || if on() { "Hold" } else { "Camera" }}
                    </button>
                    <button class="button narrow" on:click=move |_| page.over.sheet.set(true)>
                        <Icon of=outline::SETTINGS/>
                        "Layers"
                    </button>
                </div>
            </div>
            {move || {
                sight.failure.get().map(|failure| view! { <FailureNote failure/> })
            }}
            <UnknownPicture file=unknown/>
            <PartsTrouble/>
            <Show when=move || page.session.lacking.get()>
                <WeightsNote what="Looking"/>
            </Show>
            <Show when=move || !unseen()>
                <AttentionStrip/>
                <ChannelStrip/>
            </Show>
            <GalleryStrip/>
        </div>
    }
}

/// Shows the picture of the gallery that the address names, as soon as it is here.
/// Returns its file where the gallery has no such picture.
pub fn follow_picture(page: Page) -> Memo<Option<String>> {
    let sight = Sight::here();
    let parts = page.session.parts;
    let asked = Memo::new(move |_| page.address.with(|address| address.picture.clone()));
    // Where the picture lies: its sheet, the corner and the side there.
    let found = Memo::new(move |_| {
        let asked = asked.get()?;
        let credits = parts.credits().and_then(Loaded::here)?;
        let sprites = parts.gallery()?;
        let index = credits.iter().position(|credit| credit.file == asked)?;
        let place = sprites.place(index)?;
        let sheet = parts.sheet(&sprites, place.sheet).here()?;
        Some((sheet, [place.left, place.top, sprites.side]))
    });
    Effect::new(move |_| {
        let Some((sheet, part)) = found.get() else { return };
        let side = part[2];
        let named = move || page.address.with_untracked(|address| address.picture.clone());
        let of = named();
        spawn_local(async move {
            let rgba = browser::pixels(&sheet, part, side).await;
            let Some(rgba) = rgba.filter(|_| named() == of) else { return };
            let photo = Photo { size: PictureSize { width: side, height: side }, rgba };
            sight.show(page.session, photo, untrack(|| page.layer()));
        });
    });
    let unknown = Memo::new(move |_| {
        let asked = asked.get()?;
        let open = page.session.library.open.with(Option::is_some);
        let lacks = match parts.credits() {
            Some(credits) => !credits.here()?.iter().any(|credit| credit.file == asked),
            None => open,
        };
        lacks.then_some(asked)
    });
    // The one that was shown before is not the one that is asked for.
    Effect::new(move |_| {
        if unknown.with(Option::is_some) {
            sight.clear();
        }
    });
    unknown
}

/// Pictures offered at most instead of one that is not there.
const OFFERED: usize = 4;

/// The gallery has no picture of that file: those that it may mean.
#[component]
fn UnknownPicture(
    /// What the address names.
    file: Memo<Option<String>>,
) -> impl IntoView {
    let page = Page::here();
    let offer = move |credit: Credit| {
        let file = credit.file;
        view! {
            <button class="button" data-testid="other-picture" on:click=move |_| page.look_at(Some(file.clone()))>
                {credit.title}
            </button>
        }
    };
    move || {
        let file = file.get()?;
        let credits = page.session.parts.credits().and_then(Loaded::here).unwrap_or_default();
        let why = match credits.len() {
            0 => "This bundle has no gallery.".to_owned(),
            many => format!("None of its {many} pictures comes from {file}."),
        };
        let failure = Failure::new(
            FailureKind::Input,
            "The gallery has no such picture.",
            why,
            "Choose another, or bring one of your own.",
        );
        let name = file.rsplit('/').next().unwrap_or_default();
        let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let near = pictures(name, &credits).into_iter().take(OFFERED);
        let near: Vec<Credit> = near.filter_map(|index| credits.get(index).cloned()).collect();
        Some(
            view! { <FailureNote failure>{near.into_iter().map(offer).collect_view()}</FailureNote> },
        )
    }
}

/// The crop that the network saw, and over it where a channel answers, what is left, or where a block
/// looks.
#[component]
pub fn Picture() -> impl IntoView {
    let page = Page::here();
    let sight = Sight::here();
    let gaze = Gaze::here();
    let looks = Memo::new(move |_| gaze.looks(page));
    let over = Memo::new(move |_| {
        let seen = sight.seen.get()?;
        let place = sight.place(page);
        let attention = || looks.with(|looks| Over::attention(page, gaze, looks.as_ref()?));
        match sight.shown.get() {
            Some(Shown::Channel(channel)) => Over::channel(&seen, channel, place),
            Some(Shown::Rest) => Over::rest(&seen, place),
            None if sight.rest.get() && place.is_none() => {
                Over::rest(&seen, None).or_else(attention)
            }
            None => attention().or_else(|| Over::place(&seen, place?, sight.rest.get())),
        }
    });
    let laid = Memo::new(move |_| over.with(|over| over.as_ref()?.laid.clone()));
    let label = Signal::derive(move || {
        over.with(|over| match over {
            Some(Over { name, says, .. }) => format!("{name} {says}"),
            None => "The picture as the network sees it".to_owned(),
        })
    });
    let plain = NodeRef::<html::Canvas>::new();
    let unseen = move || sight.seen.with(Option::is_none);
    let attends = move || {
        let asked = page.address.with(|address| address.attention.is_some());
        asked && gaze.attention.with(Option::is_some)
    };
    let has_places = move || {
        !attends() && sight.seen.with(|seen| seen.as_ref().is_some_and(|it| it.has_places()))
    };
    Effect::new(move |_| {
        let (Some(canvas), Some(photo)) = (plain.get(), sight.photo.get()) else { return };
        // Without a context there is nothing to draw on; what is said beside it still holds.
        let _ = browser::draw(&canvas, &photo.rgba, photo.size.width, photo.size.height);
    });
    view! {
        <Show
            when=unseen
            fallback=move || view! { <HeatTile seen=sight.seen laid side=448 label/> }
        >
            <canvas class="plain" node_ref=plain role="img" aria-label="The picture"></canvas>
        </Show>
        <Show when=attends>
            <AttendedPicture/>
        </Show>
        <Show when=has_places>
            <PlacedPicture/>
        </Show>
        {move || {
            over.get()
                .map(|Over { id, name, says, .. }| {
                    view! {
                        <p class="named" data-testid=id aria-hidden="true">
                            <b>{name}</b>
                            <span>{says}</span>
                        </p>
                    }
                })
        }}
    }
}

/// Channels that are named at a place.
const NAMED: usize = 3;

/// What lies over the picture.
#[derive(Clone, PartialEq)]
struct Over {
    /// Nothing but the words where there is none.
    laid: Option<Laid>,
    /// What tests call the words.
    id: &'static str,
    /// Whose it is: `mixed4a : 11`, `block 11, head 2`.
    name: String,
    /// What bright places say.
    says: String,
}

impl Over {
    /// Where a channel answers.
    fn channel(seen: &Seen, channel: usize, place: Option<Place>) -> Option<Self> {
        let laid = Some(Laid::Heat(seen.heat(channel, place)?));
        let channel = seen.classified.channels.get(channel)?;
        let token = channel.class_token.map(|token| format!("; class token {}", value(token)));
        Some(Self {
            laid,
            id: "heat-channel",
            name: format!("{} : {}", seen.classified.layer, channel.channel),
            says: format!(
                "answers where it is bright, at most {}{}",
                value(channel.max),
                token.unwrap_or_default()
            ),
        })
    }

    /// What latents leave unexplained.
    fn rest(seen: &Seen, place: Option<Place>) -> Option<Self> {
        let explained = percent(seen.share(place)?);
        let here = place.map_or_else(
            || "in this picture".to_owned(),
            |place| format!("in {}", place_words(place)),
        );
        Some(Self {
            laid: Some(Laid::Hatched(seen.rest()?)),
            id: "unexplained",
            name: seen.classified.layer.clone(),
            says: format!("explains {explained} {here}; hatched is what it does not"),
        })
    }

    /// What is strongest at a place.
    fn place(seen: &Seen, place: Place, is_hatched: bool) -> Option<Self> {
        let strong = seen.on_view(Some(place)).into_iter().take(NAMED);
        let strong = strong.filter_map(|channel| {
            let number = seen.classified.channels.get(channel)?.channel;
            Some(format!("{number} ({})", value(seen.value(channel, Some(place))?)))
        });
        let strong = match strong.collect::<Vec<_>>() {
            none if none.is_empty() => "nothing answers".to_owned(),
            some => some.join(", "),
        };
        let explained =
            seen.share(Some(place)).map(|share| format!("; {} explained", percent(share)));
        Some(Self {
            laid: seen.rest().filter(|_| is_hatched).map(Laid::Hatched),
            id: "strongest-here",
            name: format!("{}:", place_words(place)),
            says: format!("{strong}{}", explained.unwrap_or_default()),
        })
    }

    /// Where a block looks, if the address asks for that. Reactive.
    fn attention(page: Page, gaze: Gaze, looks: &Looks) -> Option<Self> {
        let (attending, heat, beside) = gaze::shown(page, looks)?;
        let from = token_words(gaze.from(page));
        let most = percent(heat.0.largest());
        Some(Self {
            laid: Some(Laid::Heat(heat)),
            id: "heat-attention",
            name: format!("block {}, {}:", attending.block, head_words(attending.head)),
            says: format!(
                "{from} looks where it is bright, at most {most}; {} at tokens without a place",
                percent(beside)
            ),
        })
    }
}

/// The best class, and that nothing left the device.
#[component]
fn Verdict() -> impl IntoView {
    let page = Page::here();
    let sight = Sight::here();
    let best = move || {
        let seen = sight.seen.get()?;
        let best = seen.classified.top.first()?;
        Some((short_label(&best.label).to_owned(), best.probability, seen.classified.milliseconds))
    };
    let title = move || match best() {
        Some((name, ..)) => name,
        None if sight.seen.with(Option::is_some) => "It names nothing".to_owned(),
        None if sight.busy.get() && page.session.model.with(Option::is_none) => {
            "Waits for the network".to_owned()
        }
        None if sight.busy.get() => "Looking".to_owned(),
        None => "What does it see?".to_owned(),
    };
    let numbers = move || match (best(), sight.seen.get()) {
        (Some((_, probability, milliseconds)), _) => {
            Some(format!("{} sure · {milliseconds:.0} ms", percent(probability)))
        }
        (None, Some(seen)) => {
            let model = page.model_title();
            Some(format!("{model} has no classes · {:.0} ms", seen.classified.milliseconds))
        }
        (None, None) => None,
    };
    view! {
        <div class="verdict" aria-live="polite">
            <h1>{title}</h1>
            <p>
                {move || numbers().map(|numbers| view! { <span class="sure">{numbers}</span> })}
                <span>"Your picture never leaves this device."</span>
            </p>
        </div>
    }
}
