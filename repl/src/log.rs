//! Log messages, on standard error. By default the engine's warnings alone (why a query ran without the kernel, for one);
//! with `RUST_LOG` what that asks for, in the form of env_logger.

use std::io::Write;

use ::log::{Level, LevelFilter, Log, Metadata, Record};

/// Before anything can be logged.
pub fn start() {
    if std::env::var_os("RUST_LOG").is_some_and(|filter| !filter.is_empty()) {
        // Fails only when a logger is set already, and this is the one place that sets one.
        let _ = env_logger::Builder::from_default_env().try_init();
    } else if ::log::set_logger(&Warnings).is_ok() {
        ::log::set_max_level(LevelFilter::Warn);
    }
}

struct Warnings;

impl Log for Warnings {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= Level::Warn && metadata.target().split("::").next() == Some("engine")
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(std::io::stderr(), "weir: {}", record.args());
        }
    }

    fn flush(&self) {}
}
