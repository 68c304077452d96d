//! The engine: DataFusion sessions whose CSV scans run as programs in the kernel.

mod columns;
pub mod decline;
pub mod decode;
pub mod exec;
mod explain;
mod numbers;
pub mod options;
pub mod plan;
pub mod prepare;
pub mod pushed;
pub mod report;
mod sample;
pub mod session;
mod translate;

pub use columns::has_extremes;
pub use machine;
