//! The `weir.*` settings, as a DataFusion config extension.
//!
//! They are read from `SessionConfig`, changed with `SET weir.pushdown = 'off'` and listed by `SHOW ALL`. Only a value
//! that is allowed is ever stored, so that no reader has to check.

use std::fmt;
use std::str::FromStr;

use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::common::{DataFusionError, Result};
use machine::BackendKind;
use pushdown::Target;
use pushdown::contract::layout::Sizes;

/// Whether scans of CSV files are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PushdownMode {
    /// Compile what can be compiled; the rest, and what cannot be finished, is done by DataFusion.
    #[default]
    Auto,
    /// As `Auto`, but what DataFusion would have to do instead is an error that says why.
    Require,
    /// Nothing is compiled. What weir mends in DataFusion (row order, overflow, its own reader) stays.
    Off,
}

impl PushdownMode {
    /// The names of its values.
    pub const ALLOWED: &[&str] = &["auto", "require", "off"];
}

impl fmt::Display for PushdownMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PushdownMode::Auto => "auto",
            PushdownMode::Require => "require",
            PushdownMode::Off => "off",
        })
    }
}

impl FromStr for PushdownMode {
    type Err = InvalidSetting;

    fn from_str(value: &str) -> Result<Self, InvalidSetting> {
        match value.to_ascii_lowercase().as_str() {
            "auto" => Ok(PushdownMode::Auto),
            "require" => Ok(PushdownMode::Require),
            "off" => Ok(PushdownMode::Off),
            _ => Err(InvalidSetting::new("weir.pushdown", value, Self::ALLOWED)),
        }
    }
}

/// Where programs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BackendChoice {
    /// The fastest that is available: hook, else stock, else none.
    #[default]
    Auto,
    /// In the read path of a patched kernel.
    Hook,
    /// In an unpatched kernel.
    Stock,
    /// In the checked interpreter: slow, and needs no privilege.
    Interpret,
    /// The same with programs for the hook, which are shown the file in pieces: for tests, not listed.
    InterpretHook,
}

impl BackendChoice {
    /// The names of its values, but for the one that is not listed.
    pub const ALLOWED: &[&str] = &["auto", "hook", "stock", "interpret"];

    /// What a plan must have a program for. With `auto` a host that has the hook compiles for that too.
    pub fn target(self) -> Target {
        let backend = match self {
            BackendChoice::Hook => BackendKind::Hook,
            BackendChoice::InterpretHook => BackendKind::InterpretHook,
            BackendChoice::Interpret => BackendKind::Interpret,
            BackendChoice::Auto | BackendChoice::Stock => BackendKind::Stock,
        };
        backend.target()
    }
}

impl fmt::Display for BackendChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BackendChoice::Auto => "auto",
            BackendChoice::Hook => "hook",
            BackendChoice::Stock => "stock",
            BackendChoice::Interpret => "interpret",
            BackendChoice::InterpretHook => "interpret-hook",
        })
    }
}

impl FromStr for BackendChoice {
    type Err = InvalidSetting;

    fn from_str(value: &str) -> Result<Self, InvalidSetting> {
        match value.to_ascii_lowercase().as_str() {
            "auto" => Ok(BackendChoice::Auto),
            "hook" => Ok(BackendChoice::Hook),
            "stock" => Ok(BackendChoice::Stock),
            "interpret" => Ok(BackendChoice::Interpret),
            "interpret-hook" => Ok(BackendChoice::InterpretHook),
            _ => Err(InvalidSetting::new("weir.backend", value, Self::ALLOWED)),
        }
    }
}

/// A value that a setting does not have, or a setting that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid value '{value}' for {setting}: allowed are {}", allowed.join(", "))]
pub struct InvalidSetting {
    setting: &'static str,
    value: String,
    allowed: &'static [&'static str],
}

impl InvalidSetting {
    /// Stands for the setting when it is the name that is wrong.
    const NAME: &str = "the name of a setting";

    /// Whether it is the name of a setting that is wrong.
    pub fn is_of_name(&self) -> bool {
        self.setting == Self::NAME
    }

    fn new(setting: &'static str, value: &str, allowed: &'static [&'static str]) -> Self {
        InvalidSetting { setting, value: value.to_owned(), allowed }
    }
}

/// The settings of a session.
#[derive(Debug, Clone)]
pub struct WeirOptions {
    /// `weir.pushdown`
    pub pushdown: PushdownMode,
    /// `weir.backend`
    pub backend: BackendChoice,
    /// `weir.file_order`: rows come in the order of the file where nothing above asks for another one, or for none.
    pub file_order: bool,
    /// `weir.window_bytes` and `weir.group_capacity`: for tests, that want full windows and tables with little data.
    /// Not listed. Sizes that the compiler refuses decline every scan.
    pub sizes: Sizes,
    /// `weir.plain_scan_bytes`: a scan of so many bytes without a filter gets a program, too. Not listed.
    pub plain_scan_bytes: u64,
}

/// To load a program takes as long as the reader of the scan takes for about so many bytes: 10 ms.
const PLAIN_SCAN_BYTES: u64 = 4 << 20;

impl Default for WeirOptions {
    fn default() -> Self {
        WeirOptions {
            pushdown: PushdownMode::default(),
            backend: BackendChoice::default(),
            file_order: true,
            sizes: Sizes::default(),
            plain_scan_bytes: PLAIN_SCAN_BYTES,
        }
    }
}

impl ConfigExtension for WeirOptions {
    const PREFIX: &'static str = "weir";
}

impl ExtensionOptions for WeirOptions {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            "pushdown" => self.pushdown = value.parse().map_err(configuration_error)?,
            "backend" => self.backend = value.parse().map_err(configuration_error)?,
            "file_order" => {
                let invalid = || configuration_error(InvalidSetting::new("weir.file_order", value, BOOLEANS));
                self.file_order = value.to_ascii_lowercase().parse().map_err(|_| invalid())?;
            }
            "window_bytes" => {
                self.sizes.input_bytes = size("weir.window_bytes", value)?;
                self.sizes.output_bytes = self.sizes.input_bytes;
            }
            "group_capacity" => self.sizes.group_capacity = size("weir.group_capacity", value)?,
            "plain_scan_bytes" => {
                self.plain_scan_bytes = size("weir.plain_scan_bytes", value)? as u64;
            }
            _ => {
                let names = &["weir.pushdown", "weir.backend", "weir.file_order"];
                let unknown = InvalidSetting::new(InvalidSetting::NAME, key, names);
                return Err(configuration_error(unknown));
            }
        }
        Ok(())
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        vec![
            ConfigEntry {
                key: "weir.pushdown".to_owned(),
                value: Some(self.pushdown.to_string()),
                description: "Whether filters and aggregates of CSV scans are compiled: auto, require, off",
            },
            ConfigEntry {
                key: "weir.backend".to_owned(),
                value: Some(self.backend.to_string()),
                description: "Where compiled programs run: auto, hook, stock, interpret",
            },
            ConfigEntry {
                key: "weir.file_order".to_owned(),
                value: Some(self.file_order.to_string()),
                description: "Whether rows come in the order of the file where no other is asked for: true, false",
            },
        ]
    }
}

/// The names of booleans.
pub const BOOLEANS: &[&str] = &["true", "false"];

fn size(setting: &'static str, value: &str) -> Result<usize> {
    value.parse().map_err(|_| configuration_error(InvalidSetting::new(setting, value, &["whole numbers"])))
}

fn configuration_error(invalid: InvalidSetting) -> DataFusionError {
    DataFusionError::External(Box::new(invalid))
}
