//! The ways in which the same query is run; all must give the same answer.

use engine::kernel::kernel_available_or_skip;
use engine::options::{BackendChoice, PushdownMode};
use engine::session::{Session, SessionOptions};

/// One way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration {
    /// What `.slt` files call it, and failures.
    pub label: &'static str,
    /// `weir.pushdown`
    pub pushdown: PushdownMode,
    /// `weir.backend`
    pub backend: BackendChoice,
}

/// Plain DataFusion: what all others are compared with.
pub const OFF: Configuration =
    Configuration { label: "off", pushdown: PushdownMode::Off, backend: BackendChoice::Auto };

/// Every machine. A backend that cannot run here is left out, and its absence said.
pub const PUSHED: [Configuration; 2] = [
    Configuration { label: "interpret", pushdown: PushdownMode::Require, backend: BackendChoice::Interpret },
    Configuration { label: "stock", pushdown: PushdownMode::Require, backend: BackendChoice::Stock },
];

/// Those of [`PUSHED`] that can run here.
pub fn available(test: &str) -> Vec<Configuration> {
    let can_run = |configuration: &Configuration| match configuration.backend {
        BackendChoice::Interpret => true,
        BackendChoice::Auto | BackendChoice::Hook | BackendChoice::Stock => kernel_available_or_skip(test),
    };
    PUSHED.into_iter().filter(can_run).collect()
}

impl Configuration {
    /// The same, but what cannot be pushed down is left to DataFusion.
    pub fn permissive(self) -> Configuration {
        let pushdown =
            if self.pushdown == PushdownMode::Off { PushdownMode::Off } else { PushdownMode::Auto };
        Configuration { pushdown, ..self }
    }

    /// A session without tables.
    pub fn session(self, threads: usize) -> Session {
        let options =
            SessionOptions { pushdown: self.pushdown, backend: self.backend, threads: Some(threads) };
        Session::new(options).expect("a session can be made")
    }
}
