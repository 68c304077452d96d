//! How results are printed: what was chosen, and what standard output allows.

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::FormatOptions;
use datafusion::common::config::FormatOptions as FormatConfig;

use super::format::Format;
use super::lines::Border;
use super::rows::Keep;
use super::terminal::{TerminalSize, shows_color, shows_unicode};
use super::{cells, plan, summary};

/// Rows that a terminal shows of a longer result, unless it is told otherwise.
pub const ROWS_SHOWN: usize = 40;
/// A terminal that says it is narrower is not believed.
const WIDTH_MIN: usize = 10;

/// How results are printed.
#[derive(Debug, Clone)]
pub struct Style {
    pub format: Format,
    /// Text of NULL; without one it is that of `datafusion.format.null`, or `NULL`.
    pub null: Option<String>,
    pub border: Border,
    /// Rows that are shown of a result; all without. For [`Style::is_for_reading`] only.
    pub rows_max: Option<usize>,
    /// Width of what is for reading; without one it is the terminal's.
    pub width_max: Option<usize>,
    /// One line for each value instead of a table.
    pub expanded: bool,
    /// Where the result will be seen; None for a file or a pipe.
    pub terminal: Option<TerminalSize>,
    /// Lines and marks outside ASCII.
    pub unicode: bool,
    pub color: bool,
    /// The columns' types below their names.
    pub types: bool,
    /// The table that INSERT statements name.
    pub insert_table: String,
}

impl Style {
    /// For a file or a pipe: everything, in ASCII.
    pub fn plain(format: Format) -> Style {
        Style {
            format,
            null: None,
            border: Border::Full,
            rows_max: None,
            width_max: None,
            expanded: false,
            terminal: None,
            unicode: false,
            color: false,
            types: false,
            insert_table: "result".to_owned(),
        }
    }

    /// For a terminal of this size that shows Unicode and colours.
    pub fn for_terminal(format: Format, size: TerminalSize) -> Style {
        Style {
            rows_max: Some(ROWS_SHOWN),
            terminal: Some(size),
            unicode: true,
            color: true,
            types: true,
            ..Style::plain(format)
        }
    }

    /// For what standard output is.
    pub fn for_stdout(format: Format) -> Style {
        match TerminalSize::of_stdout() {
            Some(size) => {
                Style { unicode: shows_unicode(), color: shows_color(), ..Style::for_terminal(format, size) }
            }
            None => Style::plain(format),
        }
    }

    /// The same choices for a file: nothing is left out, cut or coloured.
    pub fn for_file(&self) -> Style {
        let plain = Style::plain(self.format);
        Style {
            null: self.null.clone(),
            border: self.border,
            expanded: self.expanded,
            insert_table: self.insert_table.clone(),
            ..plain
        }
    }

    /// Whether the format is for reading, and may leave rows out.
    pub fn is_for_reading(&self) -> bool {
        matches!(self.format, Format::Automatic | Format::Table | Format::Vertical)
    }

    /// What of a result has to be kept for [`render`](super::render).
    pub fn keep(&self, schema: &SchemaRef) -> Keep {
        match self.rows_max {
            Some(rows_max) if self.is_for_reading() && !plan::is_plan(schema) => {
                Keep::Ends(rows_max.div_ceil(2))
            }
            _ => Keep::All,
        }
    }

    /// The widest that a line for reading may be.
    pub fn width(&self) -> Option<usize> {
        let width = self.width_max.or(self.terminal.map(|terminal| terminal.columns));
        width.map(|width| width.max(WIDTH_MIN))
    }

    /// Stands where something was cut off or left out. It takes one column.
    pub fn cut_mark(&self) -> char {
        if self.unicode { '…' } else { '~' }
    }

    /// A line of our own, not wider than it may be.
    pub fn cut_line(&self, line: String) -> String {
        match self.width() {
            Some(width) if console::measure_text_width(&line) > width => {
                let mut cut = String::new();
                cells::push_cut(&mut cut, &line, width, self.cut_mark());
                cut
            }
            _ => line,
        }
    }

    /// What stands in the place of rows that are not shown, if there is room to say how many they are.
    pub fn hidden_rows_text(&self, hidden: u64, room: usize) -> Option<String> {
        let dots = if self.unicode { "…" } else { "..." };
        let number = summary::count(hidden);
        let rows = if hidden == 1 { "row" } else { "rows" };
        let texts = [format!("{dots} {number} {rows} not shown {dots}"), format!("{dots} {number} {dots}")];
        texts.into_iter().find(|text| console::measure_text_width(text) <= room)
    }

    pub fn display_options<'a>(&'a self, config: &'a FormatConfig) -> Result<FormatOptions<'a>, ArrowError> {
        let options: FormatOptions = config.try_into().map_err(ArrowError::from)?;
        Ok(match &self.null {
            Some(null) => options.with_null(null),
            // DataFusion's default is the empty text, which cannot be told from an empty string.
            None if config.null.is_empty() => options.with_null("NULL"),
            None => options,
        })
    }
}
