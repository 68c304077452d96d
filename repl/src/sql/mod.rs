//! SQL as text: the ground that everything else which reads or writes it stands on.
//!
//! ```text
//! text --lex--> tokens --parts--> statements and commands, each with its place --statements--> what DataFusion runs
//! ```
//!
//! [`variables`] puts values in, [`quote`] writes names and texts as SQL reads them back. Nothing here knows a session's
//! tables, a terminal or an error report.

mod ignored;
pub mod keywords;
pub mod lex;
mod nesting;
pub mod parts;
mod precedence;
mod quote;
pub mod statements;
pub mod stdout;
pub mod variables;
mod walk;

pub use quote::{identifier, quoted, string};
