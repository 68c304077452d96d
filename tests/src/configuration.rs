//! The ways in which the same query is run; all must give the same answer.

use engine::options::{BackendChoice, PushdownMode};
use engine::session::{Session, SessionOptions};
use machine::testing::{hook_available_or_skip, kernel_available_or_skip};
use machine::{BackendKind, probe_hook};

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
pub const PUSHED: [Configuration; 4] = [
    Configuration { label: "interpret", pushdown: PushdownMode::Require, backend: BackendChoice::Interpret },
    Configuration {
        label: "interpret-hook",
        pushdown: PushdownMode::Require,
        backend: BackendChoice::InterpretHook,
    },
    Configuration { label: "stock", pushdown: PushdownMode::Require, backend: BackendChoice::Stock },
    Configuration { label: "hook", pushdown: PushdownMode::Require, backend: BackendChoice::Hook },
];

/// Those of [`PUSHED`] that can run here. If `WEIR_BACKEND` has the label of one, that one alone.
pub fn available(test: &str) -> Vec<Configuration> {
    let chosen = PUSHED.into_iter().filter(|configuration| is_chosen(configuration.label));
    let can_run = |configuration: &Configuration| match configuration.backend {
        BackendChoice::Interpret | BackendChoice::InterpretHook => true,
        BackendChoice::Auto | BackendChoice::Stock => kernel_available_or_skip(test),
        BackendChoice::Hook => hook_wanted(test),
    };
    let available: Vec<Configuration> = chosen.filter(can_run).collect();
    assert!(!available.is_empty(), "WEIR_BACKEND is not a backend that can run here");
    available
}

/// The kernels among the machines, which have a verifier; if there is none here, it says that `test` was skipped.
pub fn kernels(test: &str) -> Vec<BackendKind> {
    let mut kernels = Vec::new();
    if is_chosen("stock") && kernel_available_or_skip(test) {
        kernels.push(BackendKind::Stock);
    }
    if is_chosen("hook") && hook_wanted(test) {
        kernels.push(BackendKind::Hook);
    }
    kernels
}

/// The read hook, for what only it has; if it is not there, it says that `test` was skipped. `tests/guest` runs it.
pub fn hook(test: &str) -> Option<BackendKind> {
    (is_chosen("hook") && hook_available_or_skip(test)).then_some(BackendKind::Hook)
}

/// Whether tests run with a backend: `WEIR_BACKEND` is its name, or not set.
pub fn is_chosen(backend: &str) -> bool {
    std::env::var("WEIR_BACKEND").map_or(true, |only| only == backend)
}

/// Whether a test runs with the read hook: in a patched kernel, such as that of the guest of `tests/guest`. Outside of
/// it nothing is said for each test.
pub fn hook_wanted(test: &str) -> bool {
    let required = std::env::var("WEIR_REQUIRE_HOOK").is_ok_and(|value| value == "1");
    (required || probe_hook().is_ok()) && hook_available_or_skip(test)
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
        let options = SessionOptions {
            pushdown: self.pushdown,
            backend: self.backend,
            threads: Some(threads),
            ..SessionOptions::default()
        };
        Session::new(options).expect("a session can be made")
    }
}
