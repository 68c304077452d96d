//! CSV files as DataFusion's files, read by `weir_csv`.
//!
//! ```text
//! SniffedFormat   what a table's files are: guessed, declared, or both          one a table
//!  |
//!  +- SpecSource  the same for one scan: what is read of the files              one a scan
//!      |
//!      +- Files   what is known of each file: its columns' order, its ranges    shared by all that read the scan
//!      +- opener  one range of one file as batches of rows
//! ```
//!
//! With pushdown or without, whatever DataFusion reads of these files it reads here. A program reads the same files by
//! itself, and must agree ([`SpecSource::declined`], [`SpecSource::owned`]).

mod factory;
mod file_source;
mod files;
mod gone;
mod headers;
mod json;
mod kinds;
mod opener;
mod path_options;
mod rejected;
mod sniffed;
mod source;
mod spool;
mod types;
mod united;
mod url_table;
mod widened;

pub use factory::SniffedFormatFactory;
pub use files::{Difference, Order, display_name};
pub use gone::check_files;
pub use json::JsonFactory;
pub use path_options::with_path_options;
pub use rejected::{Rejected, Rejects};
pub use sniffed::SniffedFormat;
pub use source::{Claim, Owned, SpecSource};
pub use spool::Spools;
pub use url_table::{UrlTables, VISIBLE, files_like, has_other_format, listing_url, say_what_is_left_out};
pub use widened::Widened;
