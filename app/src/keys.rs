//! The page's keys: what each does, once, for the handler and the list that `?` opens.

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Starts, pauses, resumes the dream.
    Play,
    /// One step.
    Step,
    /// So many units further.
    Walk(isize),
    /// Saves the picture.
    Save,
    /// Copies the address.
    Link,
    /// Copies the code for a slide.
    Embed,
    /// The stage full screen.
    FullScreen,
    /// Name, picture and step alone.
    Present,
    /// Everything again.
    Leave,
    /// Rolls a new seed.
    Dice,
    /// Opens the jump box.
    Jump,
    /// Lists the keys.
    Help,
}

/// Keys and what they do, in the order the list shows them.
pub const LIST: [(&str, &str); 15] = [
    ("Space", "start, pause, resume"),
    (".", "one step"),
    ("← →", "previous, next unit"),
    ("↑ ↓", "ten units back, on; on a wall, the row above, below"),
    ("← ↑ → ↓", "on a picture with attention: the patch that looks; Esc: the class token"),
    ("Enter", "open the unit that has the focus"),
    ("R", "another seed"),
    ("S", "save the picture with its recipe"),
    ("C", "copy a link to this view"),
    ("E", "copy the code for a slide"),
    ("F", "full screen"),
    ("P", "present: name, picture and step alone"),
    ("Esc", "leave what is open"),
    ("Ctrl K", "jump to a unit, class, picture or setting"),
    ("?", "this list"),
];

/// What a pressed key means. `chord` is Ctrl or Cmd; `typing` that a text field has the focus;
/// `activating` that the focused control answers to Space by itself.
pub fn command(key: &str, chord: bool, typing: bool, activating: bool) -> Option<Command> {
    if chord {
        return key.eq_ignore_ascii_case("k").then_some(Command::Jump);
    }
    if typing {
        return None;
    }
    Some(match key {
        " " if !activating => Command::Play,
        "." => Command::Step,
        "ArrowLeft" => Command::Walk(-1),
        "ArrowRight" => Command::Walk(1),
        "ArrowUp" => Command::Walk(-10),
        "ArrowDown" => Command::Walk(10),
        "r" | "R" => Command::Dice,
        "s" | "S" => Command::Save,
        "c" | "C" => Command::Link,
        "e" | "E" => Command::Embed,
        "f" | "F" => Command::FullScreen,
        "p" | "P" => Command::Present,
        "Escape" => Command::Leave,
        "?" => Command::Help,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_field_keeps_its_letters_but_not_the_chord() {
        assert_eq!(command("s", false, true, false), None);
        assert_eq!(command(" ", false, true, false), None);
        assert_eq!(command("k", true, true, false), Some(Command::Jump));
    }

    #[test]
    fn the_browser_keeps_its_own_chords() {
        for key in ["s", "c", "f", "r", "ArrowLeft"] {
            assert_eq!(command(key, true, false, false), None);
        }
    }

    #[test]
    fn a_focused_button_keeps_its_space() {
        assert_eq!(command(" ", false, false, true), None);
        assert_eq!(command(" ", false, false, false), Some(Command::Play));
        assert_eq!(command(".", false, false, true), Some(Command::Step));
    }
}
