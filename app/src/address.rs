//! The page's address: everything on view, as a query and a route that can be copied.
//!
//! Defaults are left out, so a plain address stays short. A value that makes no sense is reported
//! and its default used: an old or mistyped link opens as much as it can.

use shared::format::worth::Measure;
use shared::visualize::objective::Typed;
use shared::visualize::{Making, Preset, Setting};

use crate::attending::Attending;
use crate::heatmap::{Place, place_text, read_place};
use crate::latents::{Arrangement, Brush};
use crate::measures;
use crate::problem::Problem;
use crate::protocol::DeviceChoice;
use crate::query;
use crate::route::{Route, is_plain_word};
use crate::theme::Theme;
use crate::unit::Unit;
use crate::view::View;

/// The model of a site that has no list of bundles.
pub const USUAL_MODEL: &str = "googlenet";

/// What the page shows, and with what.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// Which verb.
    pub view: View,
    /// The bundle's folder beside the page, which is its model's name; empty for the site's first.
    pub model: String,
    /// Where a bundle of somebody else's is: its folder or its `bundle.json`.
    pub bundle: Option<String>,
    /// What is dreamed, as typed; empty before something is chosen.
    pub objective: Typed,
    /// How it is dreamed, if not in the way that suits it.
    pub preset: Option<Preset>,
    /// Settings that are not the preset's, as key and value.
    pub settings: Vec<(&'static str, String)>,
    /// Settings of the second pane, as key and value; empty for one pane.
    pub compare: Vec<(&'static str, String)>,
    /// The layer whose units hang on the wall, or are looked for in a picture; empty for the
    /// bundle's first.
    pub layer: String,
    /// What units are searched for in Exemplars: their number, or what excites them.
    pub find: String,
    /// How a dictionary's latents are laid out in their drawing.
    pub arranged: Arrangement,
    /// The rectangle of that drawing whose latents are shown.
    pub brush: Option<Brush>,
    /// What a dictionary's latents are sorted and shaded by, if not by their number.
    pub by: Option<Measure>,
    /// The gallery's picture that Look shows, by the file it comes from.
    pub picture: Option<String>,
    /// The place of that picture whose channels Look shows; of the whole picture where there is none.
    pub place: Option<Place>,
    /// The attention that Look shows over the picture, if any.
    pub attention: Option<Attending>,
    /// Which device.
    pub device: DeviceChoice,
    /// Whether the dream starts by itself.
    pub autostart: bool,
    /// Whether this is a picture in a slide, without furniture.
    pub embed: bool,
    /// Whether a dream is shown to a room: its name, its picture and its step alone.
    pub present: bool,
    /// Colours, if not the system's or the visitor's own choice.
    pub theme: Option<Theme>,
    /// What is behind an embedded picture.
    pub background: Option<String>,
}

impl Default for Address {
    fn default() -> Self {
        Self {
            view: View::default(),
            model: String::new(),
            bundle: None,
            objective: Typed::default(),
            preset: None,
            settings: Vec::new(),
            compare: Vec::new(),
            layer: String::new(),
            find: String::new(),
            arranged: Arrangement::default(),
            brush: None,
            by: None,
            picture: None,
            place: None,
            attention: None,
            device: DeviceChoice::Automatic,
            autostart: false,
            embed: false,
            present: false,
            theme: None,
            background: None,
        }
    }
}

impl Address {
    /// Reads a query, with or without its `?`, and the route that may follow it after `#`; `views`
    /// are those that it may name.
    pub fn parse(text: &str, views: &[View]) -> (Self, Vec<Problem>) {
        let mut address = Self::default();
        let mut problems = Vec::new();
        let (query, hash) = text.split_once('#').unwrap_or((text, ""));
        for (key, raw) in query::pairs(query) {
            if let Err(problem) = address.set(key, raw, views) {
                problems.push(problem);
            }
        }
        address.settings.sort_by_key(|(key, _)| place(key));
        match Route::parse(hash) {
            Some(Ok(route)) => address.follow(route),
            Some(Err(problem)) => problems.push(problem),
            None => {}
        }
        (address, problems)
    }

    /// Shows a unit's page.
    pub fn show_unit(&mut self, unit: &Unit) {
        self.view = View::EXEMPLARS;
        self.objective = unit.objective().into();
    }

    fn follow(&mut self, Route { model, layer, channel }: Route) {
        self.view = View::EXEMPLARS;
        self.model = model;
        self.objective = match channel {
            Some(channel) => Unit { layer: layer.clone(), channel }.objective().into(),
            None => Typed::default(),
        };
        self.layer = layer;
    }

    /// The route to what Exemplars shows.
    fn route(&self) -> Route {
        let model = if self.model.is_empty() { USUAL_MODEL } else { &self.model };
        let (layer, channel) = match Unit::of(&self.objective, &[]) {
            Some(unit) => (unit.layer, Some(unit.channel)),
            None => (self.layer.clone(), None),
        };
        Route { model: model.to_owned(), layer, channel }
    }

    /// What [`Self::parse`] reads back: a query that starts with `?`, then for Exemplars a route;
    /// empty where all is default.
    pub fn query(&self) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        let mut put = |differs: bool, key, value: String| {
            if differs {
                pairs.push((key, value));
            }
        };
        let routed = self.view.is_routed;
        put(!routed && !self.model.is_empty(), "model", self.model.clone());
        put(self.bundle.is_some(), "bundle", self.bundle.clone().unwrap_or_default());
        put(!routed && self.view != View::default(), "view", self.view.key.to_owned());
        put(!routed && !self.layer.is_empty(), "layer", self.layer.clone());
        put(!self.find.is_empty(), "find", self.find.clone());
        let arranged = self.arranged;
        put(arranged != Arrangement::default(), "arranged", arranged.key().to_owned());
        put(self.brush.is_some(), "brush", self.brush.map_or(String::new(), |it| it.to_string()));
        put(self.by.is_some(), "by", self.by.map_or("", measures::key).to_owned());
        put(self.picture.is_some(), "picture", self.picture.clone().unwrap_or_default());
        let place = self.place.filter(|_| self.view == View::LOOK);
        put(place.is_some(), "place", place.map_or(String::new(), place_text));
        let attention = self.attention.filter(|_| self.view == View::LOOK);
        put(attention.is_some(), "attention", attention.map_or(String::new(), |of| of.to_string()));
        put(!routed && !self.objective.is_empty(), "objective", self.objective.to_string());
        put(self.preset.is_some(), "preset", self.preset.map_or("", Preset::name).to_owned());
        for (key, value) in &self.settings {
            put(true, key, value.clone());
        }
        let compare: Vec<_> =
            self.compare.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        put(!compare.is_empty(), "compare", compare.join(","));
        let device = match self.device {
            DeviceChoice::Automatic => "",
            DeviceChoice::WebGpu => "webgpu",
            DeviceChoice::Cpu => "cpu",
        };
        put(!device.is_empty(), "device", device.to_owned());
        put(self.autostart, "autostart", "1".to_owned());
        put(self.embed, "embed", "1".to_owned());
        put(self.present, "present", "1".to_owned());
        put(self.theme.is_some(), "theme", self.theme.map_or("", Theme::name).to_owned());
        put(self.background.is_some(), "bg", self.background.clone().unwrap_or_default());
        let route = if routed { self.route().hash() } else { String::new() };
        query::join(&pairs) + &route
    }

    /// Whether there is a dream that can be presented.
    pub fn is_presentable(&self) -> bool {
        !self.embed && self.view.of_units && !self.objective.is_empty()
    }

    /// Whether a dream is presented.
    pub fn presents(&self) -> bool {
        self.present && self.is_presentable()
    }

    /// How the dream is made; `suited` is the preset that suits what is dreamed.
    pub fn making(&self, suited: Preset) -> Making {
        let mut making = self.preset.unwrap_or(suited).making();
        for (key, value) in &self.settings {
            // Checked when it came in.
            let _ = making.set(key, value);
        }
        making
    }

    /// Changes a setting.
    pub fn change(&mut self, key: &str, value: &str, suited: Preset) -> Result<(), Problem> {
        let (setting, value) = checked(key, value)?;
        let own = setting.get(&self.preset.unwrap_or(suited).making());
        self.settings.retain(|(known, _)| *known != setting.key);
        if value != own {
            self.settings.push((setting.key, value));
            self.settings.sort_by_key(|(key, _)| place(key));
        }
        Ok(())
    }

    /// The settings of the second pane, if two are compared.
    pub fn compared(&self, suited: Preset) -> Option<Making> {
        let mut making = self.making(suited);
        for (key, value) in &self.compare {
            // A pane that cannot differ is no pane.
            making.set(key, value).ok()?;
        }
        (!self.compare.is_empty()).then_some(making)
    }

    fn set(&mut self, key: &str, raw: &str, views: &[View]) -> Result<(), Problem> {
        let value = query::decode(raw);
        let value = value.trim();
        let wrong = |expected: &str| Err(Problem::new(key, value, expected));
        match key {
            "view" => match views.iter().find(|view| view.key == value) {
                Some(view) => self.view = *view,
                None => return wrong(&one_of(views)),
            },
            // The name becomes part of an address, so it is kept to a plain word.
            "model" if is_plain_word(value) => self.model = value.to_owned(),
            "model" => return wrong("the name of a model, such as googlenet"),
            "bundle" if is_bundle(value) => self.bundle = Some(value.to_owned()),
            "bundle" => {
                return wrong("the address of a bundle's folder, https:// or beside the page");
            }
            "find" if value.chars().count() <= 200 => self.find = value.to_owned(),
            "find" => return wrong("a few words"),
            "arranged" => match Arrangement::named(value) {
                Some(arranged) => self.arranged = arranged,
                None => return wrong("value or likeness"),
            },
            "brush" => match value.parse() {
                Ok(brush) => self.brush = Some(brush),
                Err(()) => return wrong("four numbers, such as -3.5,-1,0,1.5"),
            },
            "by" => match measures::measure(value) {
                Some(measure) => self.by = Some(measure),
                None => return wrong("a measure, such as stability or purity"),
            },
            "picture" if value.chars().count() <= 500 => self.picture = Some(value.to_owned()),
            "picture" => return wrong("the name of a picture in the gallery"),
            "place" => match read_place(value) {
                Some(place) => self.place = Some(place),
                None => return wrong("a row and a column from 0, such as 6,7"),
            },
            "attention" => match value.parse() {
                Ok(attention) => self.attention = Some(attention),
                Err(_) => {
                    return wrong("a block, a head and a patch, such as 11, 11:2 or 11:2@6,7");
                }
            },
            "layer" if is_plain_word(value) => self.layer = value.to_owned(),
            "layer" => return wrong("the name of a layer, such as mixed4a"),
            "objective" => self.objective = readable_objective(raw),
            "compare" => self.compare = self.read_compare(value)?,
            "device" => match value {
                "auto" => self.device = DeviceChoice::Automatic,
                "webgpu" => self.device = DeviceChoice::WebGpu,
                "cpu" => self.device = DeviceChoice::Cpu,
                _ => return wrong("cpu, webgpu or auto"),
            },
            "autostart" => self.autostart = query::switch(key, value)?,
            "embed" => self.embed = query::switch(key, value)?,
            "present" => self.present = query::switch(key, value)?,
            "theme" => match Theme::named(value) {
                Some(theme) => self.theme = Some(theme),
                None => return wrong("light or dark"),
            },
            "bg" if is_background(value) => self.background = Some(value.to_owned()),
            "bg" => return wrong("transparent or a colour such as #101418"),
            "preset" => match value.parse() {
                Ok(preset) => self.preset = Some(preset),
                Err(_) => return wrong("object, scene, texture or classic"),
            },
            _ if Setting::of(key).is_ok() => {
                let (setting, value) = checked(key, value)?;
                self.settings.retain(|(known, _)| *known != setting.key);
                self.settings.push((setting.key, value));
            }
            // Other people's keys (trackers, hosts) are theirs.
            _ => {}
        }
        Ok(())
    }

    fn read_compare(&self, text: &str) -> Result<Vec<(&'static str, String)>, Problem> {
        text.split(',')
            .map(|part| {
                let (key, value) = part.split_once(':').ok_or_else(|| {
                    Problem::new("compare", text, "key:value, such as parameterization:pixel")
                })?;
                let (setting, value) = checked(key, value).map_err(|problem| {
                    Problem::new("compare", text, format!("{key} with {}", problem.expected))
                })?;
                Ok((setting.key, value))
            })
            .collect()
    }
}

/// A setting, and the value as addresses write it.
pub fn checked(key: &str, value: &str) -> Result<(&'static Setting, String), Problem> {
    let read = || {
        let setting = Setting::of(key)?;
        Ok((setting, setting.printed(value)?))
    };
    read().map_err(|error| match error {
        shared::Error::Setting { expected, .. } => Problem::new(key, value, expected),
        other => Problem::new(key, value, other.to_string()),
    })
}

/// Where a setting stands in addresses.
fn place(key: &str) -> usize {
    Setting::of(key).map_or(0, Setting::place)
}

/// In a query `+` is a space, but people type it as itself: what parses is what was meant.
fn readable_objective(raw: &str) -> Typed {
    let formal = Typed::new(&query::decode(raw));
    if formal.objective().is_none() && raw.contains('+') {
        let literal = Typed::new(&query::decode(&raw.replace('+', "%2B")));
        if literal.objective().is_some() {
            return literal;
        }
    }
    formal
}

/// Where a bundle may be: on the web, or beside the page. Other schemes can be programs.
fn is_bundle(text: &str) -> bool {
    let web = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    !text.is_empty() && text.len() <= 2000 && (web || is_plain_word(text))
}

fn is_background(text: &str) -> bool {
    let hexadecimal = text.strip_prefix('#').unwrap_or_default();
    text == "transparent"
        || ([3, 4, 6, 8].contains(&hexadecimal.len())
            && hexadecimal.chars().all(|digit| digit.is_ascii_hexdigit()))
}

/// "dream, look, exemplars or train"
fn one_of(views: &[View]) -> String {
    let keys: Vec<&str> = views.iter().map(|view| view.key).collect();
    match keys.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "left out".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::visualize::SETTINGS;

    const VIEWS: [View; 3] = [View::DREAM, View::LOOK, View::EXEMPLARS];

    fn read(text: &str) -> Address {
        let (address, problems) = Address::parse(text, &VIEWS);
        assert_eq!(problems, [], "{text}");
        address
    }

    #[test]
    fn a_default_address_is_empty() {
        assert_eq!(Address::default().query(), "");
        assert_eq!(read(""), Address::default());
        assert_eq!(read("?"), Address::default());
    }

    #[test]
    fn every_key_survives_the_round_trip() {
        let text = "?model=inception-v1&bundle=https://example.org/b&view=look&layer=mixed3b\
            &find=dogs&arranged=likeness&brush=-3.25,-1,0.2,0.9&by=stability&picture=animals/dalmatian.jpg&place=6,7&attention=11:2@6,7&objective=mixed4a:11&preset=object\
            &size=224x96&steps=64&seed=3&parameterization=maco&decay=0.5&decorrelate=0&lr=0.1\
            &transforms=jitter%2Brotate&margin=8&zoom=1.5&views=2&noise=0.1&erosion=0.2\
            &redirected-steps=8&tv=0.001&l2=0.5&batch=4&diversity=100&compare=parameterization:pixel,seed:4\
            &device=cpu&autostart=1&embed=1&present=1&theme=light&bg=transparent";
        assert_eq!(read(text).query(), text);
    }

    #[test]
    fn every_setting_has_an_address_and_can_be_compared() {
        let values =
            ["96x64", "40", "7", "maco", "0.5", "0", "0.2", "pad+scale", "16", "1.75", "4"];
        let values = values.iter().chain(&["0.15", "0.4", "3", "0.25", "0.5", "3", "100"]);
        assert_eq!(values.clone().count(), SETTINGS.len());
        for (setting, value) in SETTINGS.iter().zip(values) {
            let key = setting.key;
            let alone = read(&format!("?{key}={value}"));
            assert_eq!(alone.settings, [(key, (*value).to_owned())]);
            assert_eq!(read(&alone.query()), alone);
            assert_eq!(setting.get(&alone.making(Preset::Texture)), *value);
            // As the page's list sets it.
            let mut listed = Address::default();
            listed.change(key, value, Preset::Texture).unwrap();
            assert_eq!(listed, alone);
            let compared = read(&format!("?compare={key}:{value}"));
            let making = compared.compared(Preset::Texture).unwrap();
            let differs = [(key, (*value).to_owned())];
            assert_eq!(making.differences(&Preset::Texture.making()), differs);
            assert_eq!(read(&compared.query()), compared);
        }
    }

    #[test]
    fn a_setting_is_written_in_one_way() {
        assert_eq!(read("?decorrelate=no").settings, [("decorrelate", "0".to_owned())]);
        assert_eq!(
            read("?transforms=pad+scale").settings,
            [("transforms", "pad+scale".to_owned())]
        );
        assert!(checked("colour", "1").is_err());
    }

    #[test]
    fn an_objective_with_signs_quotes_and_braces_survives() {
        for objective in [
            "mixed4a:11 + 0.5*mixed4b:3 - logits:1",
            "logits:\"dumbbell\"",
            "mixed4c/{streifen ü&=#%}",
        ] {
            let address = Address { objective: Typed::new(objective), ..Address::default() };
            assert_eq!(read(&address.query()).objective, address.objective);
        }
    }

    #[test]
    fn a_plus_typed_by_hand_is_a_plus() {
        let typed = read("?objective=mixed4a:11+0.5*mixed4b:3&transforms=pad+jitter");
        assert_eq!(typed.objective.text(), "mixed4a:11+0.5*mixed4b:3");
        assert_eq!(typed.settings, [("transforms", "pad+jitter".to_owned())]);
        // As forms and URLSearchParams write it.
        let formal = read("?objective=mixed4a:11+%2B+0.5*mixed4b:3");
        assert_eq!(formal.objective.text(), "mixed4a:11 + 0.5*mixed4b:3");
    }

    #[test]
    fn a_bad_value_is_reported_and_the_rest_still_counts() {
        let text = "?size=3&seed=-1&objective=mixed4a:11&view=cook";
        let (address, problems) = Address::parse(text, &VIEWS);
        assert_eq!(address.objective.text(), "mixed4a:11");
        assert_eq!(address.settings, []);
        let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["size", "seed", "view"]);
        assert!(problems[0].to_string().contains("16 to 2048"), "{}", problems[0]);
    }

    #[test]
    fn foreign_keys_and_broken_escapes_do_no_harm() {
        let address = read("?utm_source=x&&=&objective=mixed4a%3A1%&seed=7");
        assert_eq!(address.objective.text(), "mixed4a:1%");
        assert_eq!(address.settings, [("seed", "7".to_owned())]);
    }

    #[test]
    fn a_model_cannot_name_another_folder() {
        for model in ["../secret", "a?b", "", "http://elsewhere"] {
            let (address, problems) = Address::parse(&format!("?model={model}"), &VIEWS);
            assert_eq!((address.model.as_str(), problems.len()), ("", 1), "{model}");
        }
    }

    #[test]
    fn a_unit_has_an_address_of_its_own() {
        let unit = read("?device=cpu#/googlenet/mixed4a/11");
        assert_eq!((unit.view, unit.objective.text()), (View::EXEMPLARS, "mixed4a:11"));
        assert_eq!((unit.model.as_str(), unit.device), ("googlenet", DeviceChoice::Cpu));
        assert_eq!(unit.query(), "?device=cpu#/googlenet/mixed4a/11");
        let layer = read("#/googlenet/mixed4a");
        assert_eq!((layer.objective.text(), layer.layer.as_str()), ("", "mixed4a"));
        assert_eq!(layer.query(), "#/googlenet/mixed4a");
        let (address, problems) = Address::parse("?seed=3#/a/../b", &VIEWS);
        assert_eq!((address.view, address.settings.len(), problems.len()), (View::DREAM, 1, 1));
    }

    #[test]
    fn a_bundle_comes_from_the_web_or_from_beside_the_page() {
        for bundle in ["https://example.org/a/bundle.json", "http://127.0.0.1:8000/", "talks/mine"]
        {
            let address = Address { bundle: Some(bundle.to_owned()), ..Address::default() };
            assert_eq!(read(&address.query()), address);
        }
        for bundle in ["javascript:alert(1)", "data:application/json,{}", "../elsewhere", "a b"] {
            let (address, problems) = Address::parse(&format!("?bundle={bundle}"), &VIEWS);
            assert!(address.bundle.is_none() && problems.len() == 1, "{bundle}");
        }
    }

    #[test]
    fn a_comparison_changes_only_what_it_names() {
        let address = read("?objective=mixed4a:1&size=64&compare=parameterization:pixel");
        let other = address.compared(Preset::Classic).unwrap();
        assert_eq!(other.settings.width, 64);
        let making = address.making(Preset::Classic);
        assert_eq!(other.differences(&making), [("parameterization", "pixel".to_owned())]);
        assert!(read("?size=64").compared(Preset::Classic).is_none());
    }

    #[test]
    fn settings_are_those_of_the_preset_and_what_is_changed_of_it() {
        let mut address = read("?objective=logits:1&steps=33");
        let making = address.making(Preset::Object);
        assert_eq!(making.steps, 33);
        assert_eq!(making.settings, Preset::Object.making().settings);
        address.change("lr", "0.3", Preset::Object).unwrap();
        let own = Preset::Object.making().steps.to_string();
        address.change("steps", &own, Preset::Object).unwrap();
        assert_eq!(address.query(), "?objective=logits:1&lr=0.3");
        assert!(address.change("lr", "fast", Preset::Object).is_err());
        let classic = read("?preset=classic").making(Preset::Object);
        assert_eq!(classic, Preset::Classic.making());
    }

    #[test]
    fn a_comparison_of_nonsense_is_reported() {
        for text in ["?compare=pixel", "?compare=colour:blue", "?compare=steps:none"] {
            let (address, problems) = Address::parse(text, &VIEWS);
            assert!(address.compare.is_empty() && problems.len() == 1, "{text}");
        }
    }

    #[test]
    fn colours_behind_an_embedded_picture_are_colours() {
        assert_eq!(read("?bg=%23101418").background.as_deref(), Some("#101418"));
        let (address, problems) = Address::parse("?bg=url(evil)", &VIEWS);
        assert!(address.background.is_none() && problems.len() == 1);
    }
}
