//! The engine: DataFusion sessions whose CSV scans run as programs in the kernel.

mod columns;
pub mod decline;
pub mod decode;
pub mod exec;
pub mod format;
mod functions;
mod numbers;
pub mod options;
pub mod plan;
mod planner;
pub mod prepare;
pub mod pushed;
pub mod report;
pub mod rows;
mod sample;
mod scan;
pub mod session;
mod translate;

pub use columns::has_extremes;
pub use machine;
/// What CSV files are, and the reader of them.
pub use weir_csv as csv;
