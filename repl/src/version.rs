//! What `--version` says about the host: which kernel, which backend, which privileges.

use engine::machine::{Capabilities, kernel_release, probe, probe_hook};

/// Two lines; what cannot be told is left out. Asking the kernel takes some milliseconds at most.
pub fn host() -> String {
    let kernel = kernel_release().unwrap_or_else(|| "unknown".to_owned());
    let capabilities = match Capabilities::of_process().map(Capabilities::held) {
        None => "unknown".to_owned(),
        Some(held) if held.is_empty() => "none".to_owned(),
        Some(held) => held.join(" "),
    };
    format!(
        "kernel {kernel} · backend {} · capabilities {capabilities}\nDataFusion {}\n",
        backend(),
        datafusion::DATAFUSION_VERSION
    )
}

/// The one that `--backend auto` takes.
pub fn backend() -> &'static str {
    match (probe(), probe_hook()) {
        (Ok(()), Ok(())) => "hook",
        (Ok(()), Err(_)) => "stock",
        (Err(_), _) => "off (see weir doctor)",
    }
}
