//! For tests: whether the kernel, or its read hook, can be used here.
//!
//! A test that cannot run says so on standard error and passes, unless the environment demands that it runs.

use std::io::{self, Write};

use crate::{Unavailable, probe, probe_hook};

/// Whether the read hook can be used; if not, says that `test` was skipped. Panics instead if the environment has
/// `WEIR_REQUIRE_HOOK=1`.
pub fn hook_available_or_skip(test: &str) -> bool {
    available_or_skip(test, probe_hook(), "WEIR_REQUIRE_HOOK")
}

/// Whether the kernel can be used; if not, says that `test` was skipped. Panics instead if the environment has
/// `WEIR_REQUIRE_KERNEL=1`, so that a test run that must cover the kernel does.
pub fn kernel_available_or_skip(test: &str) -> bool {
    available_or_skip(test, probe(), "WEIR_REQUIRE_KERNEL")
}

fn available_or_skip(test: &str, answer: Result<(), Unavailable>, variable: &str) -> bool {
    let Err(unavailable) = answer else { return true };
    let required = std::env::var_os(variable).is_some_and(|value| value == "1");
    assert!(!required, "{test} needs the kernel ({variable}=1): {unavailable}");
    // Not eprintln!, which the test harness keeps to itself when the test passes; one write, so that the lines of
    // tests running side by side stay whole.
    let message = format!("\nSKIPPED: {test}: {unavailable}\n");
    let _ = io::stderr().write_all(message.as_bytes());
    false
}
