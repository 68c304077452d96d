//! For tests: whether the kernel, its read hook, or another program can be used here.
//!
//! A test that cannot run says so on standard error and passes, unless the environment demands that it runs. Since
//! nobody reads what a test says that passes, a line is also appended to the file `WEIR_SKIPPED`, which `tests/run`
//! counts at its end: `hook: name of the test: why`. The first word says what is missing. `tests/guest` takes the lines
//! of the hook out when it has run these tests in a guest.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::process::Command;

use crate::{probe, probe_hook};

/// Whether the read hook can be used; if not, says that `test` was skipped. Panics instead if the environment has
/// `WEIR_REQUIRE_HOOK=1`.
pub fn hook_available_or_skip(test: &str) -> bool {
    available_or_skip(test, probe_hook(), "hook", "WEIR_REQUIRE_HOOK")
}

/// Whether the kernel can be used; if not, says that `test` was skipped. Panics instead if the environment has
/// `WEIR_REQUIRE_KERNEL=1`, so that a test run that must cover the kernel does.
pub fn kernel_available_or_skip(test: &str) -> bool {
    available_or_skip(test, probe(), "kernel", "WEIR_REQUIRE_KERNEL")
}

/// Whether a program is installed with which `test` looks at the kernel; else as [`kernel_available_or_skip`].
pub fn program_available_or_skip(test: &str, program: &str) -> bool {
    let found = Command::new(program).arg("--version").output();
    let answer = found.map(|_| ()).map_err(|error| format!("{program} cannot be run: {error}"));
    available_or_skip(test, answer, "program", "WEIR_REQUIRE_KERNEL")
}

fn available_or_skip(test: &str, answer: Result<(), impl Display>, missing: &str, variable: &str) -> bool {
    let Err(unavailable) = answer else { return true };
    let required = std::env::var_os(variable).is_some_and(|value| value == "1");
    assert!(!required, "{test} needs the kernel ({variable}=1): {unavailable}");
    skip(test, missing, unavailable);
    false
}

/// Says that `test` does not run, since `missing` is.
pub fn skip(test: &str, missing: &str, why: impl Display) {
    // Not eprintln!, which the test harness keeps to itself when the test passes; one write, so that the lines of
    // tests running side by side stay whole.
    let _ = io::stderr().write_all(format!("\nSKIPPED: {test}: {why}\n").as_bytes());
    if let Some(path) = std::env::var_os("WEIR_SKIPPED") {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let written =
            file.and_then(|mut file| file.write_all(format!("{missing}: {test}: {why}\n").as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
