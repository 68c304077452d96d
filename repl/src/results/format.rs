//! The forms that a result can be printed in.

use clap::ValueEnum;

/// Form of the printed results.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The same as table
    Automatic,
    /// Fitted to the terminal; in ASCII with everything in it if the output is none
    Table,
    Csv,
    Tsv,
    /// One array of objects per statement
    Json,
    /// One object per line
    Ndjson,
    Markdown,
    Html,
    /// One line per column
    Vertical,
    /// One INSERT statement per row
    Insert,
}
