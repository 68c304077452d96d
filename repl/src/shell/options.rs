//! The printing options of `\pset`: names and values, as text in and out.

use clap::ValueEnum;

use super::arguments::{ArgumentError, on_off};
use super::pager::Pager;
use super::settings::Settings;
use crate::results::{Border, Format, ROWS_SHOWN};

/// All options, in the order that `\pset` lists them.
pub const NAMES: [&str; 9] =
    ["format", "table", "null", "border", "maxrows", "maxwidth", "pager", "expanded", "keys"];

/// Why an option cannot have a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    #[error("there is no option {0}: {known} are known", known = NAMES.join(", "))]
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

/// The names of all formats.
fn formats() -> Vec<String> {
    let values = Format::value_variants().iter().filter_map(Format::to_possible_value);
    values.map(|value| value.get_name().to_owned()).collect()
}

/// The values that an option can have, for completion; none if any will do.
pub fn values(name: &str) -> Vec<String> {
    let values: &[&str] = match name {
        "format" => return formats(),
        "border" => &["0", "1", "2"],
        "maxrows" => &["auto"],
        "pager" | "expanded" => &["on", "off"],
        "keys" => &["emacs", "vi"],
        _ => &[],
    };
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// The value that an option has.
pub fn get(settings: &Settings, name: &str) -> Option<String> {
    let style = &settings.style;
    let number =
        |number: Option<usize>, none: &str| number.map_or(none.to_owned(), |number| number.to_string());
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    Some(match name {
        "format" => style.format.to_possible_value()?.get_name().to_owned(),
        "table" => style.insert_table.clone(),
        "null" => style.null.clone().unwrap_or_else(|| "NULL".to_owned()),
        "border" => match style.border {
            Border::None => "0",
            Border::Inside => "1",
            Border::Full => "2",
        }
        .to_owned(),
        "maxrows" if settings.rows_by_screen => "auto".to_owned(),
        "maxrows" => number(style.rows_max, "0"),
        "maxwidth" => number(style.width_max, "0"),
        "pager" => match &settings.pager {
            Pager::On => "on".to_owned(),
            Pager::Off => "off".to_owned(),
            Pager::Command(command) => command.clone(),
        },
        "expanded" => switch(style.expanded),
        "keys" => if settings.vi_keys { "vi" } else { "emacs" }.to_owned(),
        _ => return None,
    })
}

/// Gives an option a value; without one a switch is turned. Else says what is wanted.
pub fn set(settings: &mut Settings, name: &str, value: Option<&str>) -> Result<(), OptionError> {
    let style = &mut settings.style;
    let needed = |name| value.ok_or(OptionError::Valueless(name));
    match name {
        "format" => {
            let value = needed("format")?;
            style.format =
                Format::from_str(value, true).map_err(|_| OptionError::Format(value.to_owned()))?;
        }
        "table" => style.insert_table = needed("table")?.to_owned(),
        "null" => style.null = Some(needed("null")?.to_owned()),
        "border" => {
            style.border = match needed("border")? {
                "0" => Border::None,
                "1" => Border::Inside,
                "2" => Border::Full,
                other => return Err(OptionError::Border(other.to_owned())),
            }
        }
        "maxrows" => {
            let value = needed("maxrows")?;
            settings.rows_by_screen = value == "auto";
            style.rows_max = if settings.rows_by_screen { Some(ROWS_SHOWN) } else { limit(value)? };
        }
        "maxwidth" => style.width_max = limit(needed("maxwidth")?)?,
        "pager" => {
            settings.pager = match (value, on_off(value)) {
                (None, _) if settings.pager == Pager::Off => Pager::On,
                (None, _) | (_, Ok(Some(false))) => Pager::Off,
                (_, Ok(_)) => Pager::On,
                (Some(command), Err(_)) => Pager::Command(command.to_owned()),
            }
        }
        "expanded" => style.expanded = on_off(value)?.unwrap_or(!style.expanded),
        "keys" => {
            settings.vi_keys = match needed("keys")? {
                "emacs" => false,
                "vi" => true,
                other => return Err(OptionError::Keys(other.to_owned())),
            }
        }
        other => return Err(OptionError::Unknown(other.to_owned())),
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
