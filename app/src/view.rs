//! What an address says of a verb. Which verbs there are, `verbs.rs` knows alone.

/// A verb, as addresses name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// In an address: `view=look`.
    pub key: &'static str,
    /// Whether it shows a unit, and a wall of units where none is chosen.
    pub of_units: bool,
    /// Whether its address is a route, which always says model and layer: `#/googlenet/mixed4a/11`.
    pub is_routed: bool,
    /// What a slide of it shows; `{}` stands for the objective.
    pub slide: &'static str,
}

impl View {
    /// A picture that excites a unit, made live.
    pub const DREAM: Self =
        Self { key: "dream", of_units: true, is_routed: false, slide: "Dream of {}" };

    /// What the network sees in a picture.
    pub const LOOK: Self = Self {
        key: "look",
        of_units: false,
        is_routed: false,
        slide: "What a network sees in a picture",
    };

    /// Pictures that excite a unit, or the units of a layer.
    pub const EXEMPLARS: Self =
        Self { key: "exemplars", of_units: true, is_routed: true, slide: "{} and what excites it" };

    /// A dictionary that learns in this tab.
    pub const TRAIN: Self = Self {
        key: "train",
        of_units: false,
        is_routed: false,
        slide: "A dictionary learns in a page",
    };

    /// Whether units hang there, for one to be chosen.
    pub fn is_wall(self, objective: &str) -> bool {
        self.of_units && objective.is_empty()
    }
}

/// The address that says nothing asks for a dream.
impl Default for View {
    fn default() -> Self {
        Self::DREAM
    }
}
