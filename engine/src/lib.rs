//! The engine: DataFusion sessions whose CSV scans run as programs in the kernel.

pub mod exec;
pub mod options;
pub mod pushed;
pub mod report;
pub mod rule;
mod sample;
pub mod session;
pub mod state;
mod translate;

pub use machine;
