//! What a user may choose about the prompt and its results.

use super::pager::Pager;
use crate::results::Style;

/// The choices of a session.
#[derive(Debug, Clone)]
pub struct Settings {
    pub style: Style,
    pub pager: Pager,
    /// Those of vi, else those of emacs, in the line editor.
    pub vi_keys: bool,
    /// Whether the line about rows, time and kernel follows each result.
    pub timing: bool,
    /// A result that is too long is cut to what the screen holds; else `style.rows_max` says where.
    pub rows_by_screen: bool,
}

impl Settings {
    /// What a session begins with that prints in this style.
    pub fn new(style: Style) -> Settings {
        Settings {
            timing: style.terminal.is_some(),
            style,
            pager: Pager::default(),
            vi_keys: false,
            rows_by_screen: true,
        }
    }
}
