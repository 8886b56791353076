//! The settings as flags: one for each row of their table.

use clap::{Arg, ArgAction, ArgMatches, Command};
use shared::visualize::setting::Values;
use shared::visualize::{Making, Preset, SETTINGS, Setting};

/// Settings that were typed, with their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingFlags(Vec<(&'static str, String)>);

impl SettingFlags {
    /// Puts what was typed in place of a preset's.
    ///
    /// # Errors
    /// A value that cannot be.
    pub fn change(&self, making: &mut Making) -> shared::Result<()> {
        self.0.iter().try_for_each(|(key, value)| making.set(key, value))
    }
}

impl clap::Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        command.args(SETTINGS.iter().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let typed = |setting: &Setting| match setting.values {
            Values::Switch => matches.get_flag(setting.key).then(|| "no".to_owned()),
            _ => matches.get_one::<String>(setting.key).cloned(),
        };
        let all = SETTINGS.iter().filter_map(|setting| Some((setting.key, typed(setting)?)));
        Ok(Self(all.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// `--size <N>`; a switch is turned off: `--no-decorrelate`. A recipe has its own.
fn flag(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.key).conflicts_with("recipe");
    let name = match setting.values {
        Values::Switch => {
            let off = format!("no-{}", setting.key);
            return arg.long(off).help(setting.help).action(ArgAction::SetTrue);
        }
        Values::OneOf(_) => "NAME",
        Values::SomeOf(_) => "NAMES",
        _ => "N",
    };
    let usual = Preset::ALL.map(|preset| setting.get(&preset.making()));
    let help = if usual.iter().all(|value| *value == usual[0]) {
        format!("{} [default: {}]", setting.help, usual[0])
    } else {
        setting.help.to_owned()
    };
    arg.long(setting.key).value_name(name).help(help)
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    fn typed(words: &[&str]) -> Result<SettingFlags, clap::Error> {
        let command = SettingFlags::augment_args(Command::new("pellucid"));
        let command = command.arg(Arg::new("recipe").long("recipe"));
        let matches = command.no_binary_name(true).try_get_matches_from(words)?;
        SettingFlags::from_arg_matches(&matches)
    }

    #[test]
    fn every_setting_is_a_flag_that_changes_it() {
        for setting in &SETTINGS {
            // What another preset has, or another number.
            let value = match setting.values {
                Values::Switch => "no",
                Values::OneOf(names) | Values::SomeOf(names) => names[3],
                Values::Size { .. } => "96x64",
                Values::Number { most: 1.0, .. } => "1",
                _ => "2",
            };
            let flag = match setting.values {
                Values::Switch => vec!["--no-decorrelate".to_owned()],
                _ => vec![format!("--{}", setting.key), value.to_owned()],
            };
            let words: Vec<&str> = flag.iter().map(String::as_str).collect();
            let mut making = Making::default();
            typed(&words).unwrap().change(&mut making).unwrap();
            let value = setting.printed(value).unwrap();
            assert_eq!(making.differences(&Making::default()), [(setting.key, value)]);
        }
        let mut making = Making::default();
        let error = typed(&["--noise", "loud"]).unwrap().change(&mut making).unwrap_err();
        assert_eq!(error.to_string(), "noise is loud; it must be 0 to 2");
    }

    #[test]
    fn a_recipe_has_its_own_settings() {
        assert!(typed(&["--recipe", "a.png"]).is_ok());
        assert!(typed(&["--recipe", "a.png", "--size", "64"]).is_err());
        assert!(typed(&["--recipe", "a.png", "--no-decorrelate"]).is_err());
    }
}
