//! The printing options of `\pset`: names and values, as text in and out.

use std::str::FromStr;

use clap::ValueEnum;

use super::arguments::{ArgumentError, on_off};
use super::pager::Pager;
use super::settings::Settings;
use crate::error::Error;
use crate::results::{Border, Format, ROWS_SHOWN};

/// What `\pset` sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrintOption {
    Format,
    Table,
    Null,
    Border,
    MaxRows,
    MaxWidth,
    Pager,
    Expanded,
    Keys,
}

impl PrintOption {
    /// In the order that `\pset` lists them.
    pub const ALL: [PrintOption; 9] = [
        PrintOption::Format,
        PrintOption::Table,
        PrintOption::Null,
        PrintOption::Border,
        PrintOption::MaxRows,
        PrintOption::MaxWidth,
        PrintOption::Pager,
        PrintOption::Expanded,
        PrintOption::Keys,
    ];

    pub fn name(self) -> &'static str {
        match self {
            PrintOption::Format => "format",
            PrintOption::Table => "table",
            PrintOption::Null => "null",
            PrintOption::Border => "border",
            PrintOption::MaxRows => "maxrows",
            PrintOption::MaxWidth => "maxwidth",
            PrintOption::Pager => "pager",
            PrintOption::Expanded => "expanded",
            PrintOption::Keys => "keys",
        }
    }

    /// The values that it can have, for completion; none if any will do.
    pub fn values(self) -> Vec<String> {
        let values: &[&str] = match self {
            PrintOption::Format => return formats(),
            PrintOption::Border => &["0", "1", "2"],
            PrintOption::MaxRows => &["auto"],
            PrintOption::Pager | PrintOption::Expanded => &["on", "off"],
            PrintOption::Keys => &["emacs", "vi"],
            PrintOption::Table | PrintOption::Null | PrintOption::MaxWidth => &[],
        };
        values.iter().map(|value| (*value).to_owned()).collect()
    }
}

impl FromStr for PrintOption {
    type Err = OptionError;

    fn from_str(name: &str) -> Result<PrintOption, OptionError> {
        let found = PrintOption::ALL.into_iter().find(|option| option.name() == name);
        found.ok_or_else(|| OptionError::Unknown(name.to_owned()))
    }
}

/// Why an option cannot have a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    #[error("there is no option {0}: {known} are known", known = PrintOption::ALL.map(PrintOption::name).join(", "))]
    Unknown(String),
    #[error("{0} needs a value")]
    Valueless(&'static str),
    #[error("there is no format {0}: {known} are known", known = formats().join(", "))]
    Format(String),
    #[error("border is 0, 1 or 2, not {0}")]
    Border(String),
    #[error("keys are emacs or vi, not {0}")]
    Keys(String),
    #[error("a whole number is wanted, 0 for no limit, not {0}")]
    Limit(String),
    #[error(transparent)]
    Switch(#[from] ArgumentError),
}

impl From<OptionError> for Error {
    fn from(error: OptionError) -> Error {
        Error::other(error)
    }
}

/// The names of all formats.
fn formats() -> Vec<String> {
    Format::value_variants().iter().map(|format| format_name(*format)).collect()
}

fn format_name(format: Format) -> String {
    // None of them is skipped.
    format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The value that an option has.
pub fn get(settings: &Settings, option: PrintOption) -> String {
    let style = &settings.style;
    let limit = |limit: Option<usize>| limit.map_or("0".to_owned(), |limit| limit.to_string());
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    match option {
        PrintOption::Format => format_name(style.format),
        PrintOption::Table => style.insert_table.clone(),
        PrintOption::Null => style.null.clone().unwrap_or_else(|| "NULL".to_owned()),
        PrintOption::Border => match style.border {
            Border::None => "0",
            Border::Inside => "1",
            Border::Full => "2",
        }
        .to_owned(),
        PrintOption::MaxRows if settings.rows_by_screen => "auto".to_owned(),
        PrintOption::MaxRows => limit(style.rows_max),
        PrintOption::MaxWidth => limit(style.width_max),
        PrintOption::Pager => match &settings.pager {
            Pager::On => "on".to_owned(),
            Pager::Off => "off".to_owned(),
            Pager::Command(command) => command.clone(),
        },
        PrintOption::Expanded => switch(style.expanded),
        PrintOption::Keys => if settings.vi_keys { "vi" } else { "emacs" }.to_owned(),
    }
}

/// Gives an option a value; without one a switch is turned. Else says what is wanted.
pub fn set(settings: &mut Settings, option: PrintOption, value: Option<&str>) -> Result<(), OptionError> {
    let style = &mut settings.style;
    let needed = || value.ok_or(OptionError::Valueless(option.name()));
    match option {
        PrintOption::Format => {
            let value = needed()?;
            style.format =
                Format::from_str(value, true).map_err(|_| OptionError::Format(value.to_owned()))?;
        }
        PrintOption::Table => style.insert_table = needed()?.to_owned(),
        PrintOption::Null => style.null = Some(needed()?.to_owned()),
        PrintOption::Border => {
            style.border = match needed()? {
                "0" => Border::None,
                "1" => Border::Inside,
                "2" => Border::Full,
                other => return Err(OptionError::Border(other.to_owned())),
            }
        }
        PrintOption::MaxRows => {
            let value = needed()?;
            settings.rows_by_screen = value == "auto";
            style.rows_max = if settings.rows_by_screen { Some(ROWS_SHOWN) } else { limit(value)? };
        }
        PrintOption::MaxWidth => style.width_max = limit(needed()?)?,
        PrintOption::Pager => {
            settings.pager = match (value, on_off(value)) {
                (None, _) if settings.pager == Pager::Off => Pager::On,
                (None, _) | (_, Ok(Some(false))) => Pager::Off,
                (_, Ok(_)) => Pager::On,
                (Some(command), Err(_)) => Pager::Command(command.to_owned()),
            }
        }
        PrintOption::Expanded => style.expanded = on_off(value)?.unwrap_or(!style.expanded),
        PrintOption::Keys => {
            settings.vi_keys = match needed()? {
                "emacs" => false,
                "vi" => true,
                other => return Err(OptionError::Keys(other.to_owned())),
            }
        }
    }
    Ok(())
}

/// 0 is no limit.
fn limit(value: &str) -> Result<Option<usize>, OptionError> {
    match value.parse() {
        Ok(0) => Ok(None),
        Ok(limit) => Ok(Some(limit)),
        Err(_) => Err(OptionError::Limit(value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::commands;
    use super::*;
    use crate::results::Style;

    #[test]
    fn each_option_has_its_values() {
        let mut settings = Settings::new(Style::plain(Format::Csv));
        for option in PrintOption::ALL {
            assert_eq!(option.name().parse(), Ok(option));
            for value in option.values() {
                set(&mut settings, option, Some(&value)).unwrap();
                assert_eq!(get(&settings, option), value, "{option:?}");
            }
        }
        assert!("colour".parse::<PrintOption>().is_err());
    }

    #[test]
    fn help_names_all_of_them() {
        let listed = PrintOption::ALL.map(PrintOption::name).join(", ");
        assert_eq!(commands::named("pset").unwrap().help, listed);
    }
}
