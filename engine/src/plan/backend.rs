//! Where the programs of a query run.

use std::fs::File;

use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::object_store::local::LocalFileSystem;
use pushdown::Target;
use pushdown::contract::hook::PACKET_BYTES_MAX;
use pushdown::contract::layout::Sizes;

use crate::options::BackendChoice;
use machine::{BackendKind, HookProbe, probe, probe_hook};

/// A backend that is available.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Backend {
    pub kind: BackendKind,
    /// A faster one, and why it is not this one.
    pub passed_over: Option<String>,
    /// The session leaves the choice to us.
    auto: bool,
}

impl Backend {
    /// The one that is wanted, or the best that is available; else what to do about it.
    pub fn choose(choice: BackendChoice) -> Result<Backend, String> {
        let exactly = |kind| Backend { kind, passed_over: None, auto: false };
        match choice {
            BackendChoice::Interpret => Ok(exactly(BackendKind::Interpret)),
            BackendChoice::InterpretHook => Ok(exactly(BackendKind::InterpretHook)),
            BackendChoice::Stock => probe().map(|()| exactly(BackendKind::Stock)).map_err(|e| e.to_string()),
            BackendChoice::Hook => {
                probe_hook().map(|()| exactly(BackendKind::Hook)).map_err(|e| e.to_string())
            }
            BackendChoice::Auto => {
                probe().map_err(|unavailable| unavailable.to_string())?;
                Ok(match probe_hook() {
                    Ok(()) => Backend { kind: BackendKind::Hook, passed_over: None, auto: true },
                    Err(unavailable) => stock(unavailable.to_string()),
                })
            }
        }
    }

    /// The same for a scan: `auto` does without the hook where a file system does not have it.
    pub fn of_scan(&self, config: &FileScanConfig) -> Backend {
        if self.kind != BackendKind::Hook || !self.auto {
            return self.clone();
        }
        let mut hook = match HookProbe::load() {
            Ok(hook) => hook,
            Err(error) => return stock(error.to_string()),
        };
        for file in config.file_groups.iter().flat_map(|group| group.files()) {
            let location = &file.object_meta.location;
            // A file that cannot be opened is an error later, whatever the backend.
            let Ok(path) = LocalFileSystem::new().path_to_filesystem(location) else { continue };
            let Ok(file) = File::open(&path) else { continue };
            if let Err(error) = hook.takes(&file) {
                return stock(format!("{}: {error}", path.display()));
            }
        }
        self.clone()
    }

    /// The sizes that its programs can have.
    pub fn sizes(&self, wanted: Sizes) -> Sizes {
        match self.kind.target() {
            // The kernel says how long a packet is.
            Target::Packet => Sizes {
                window_bytes: PACKET_BYTES_MAX,
                output_bytes: wanted.output_bytes.max(PACKET_BYTES_MAX),
                ..wanted
            },
            Target::Window => wanted,
        }
    }
}

fn stock(passed_over: String) -> Backend {
    Backend { kind: BackendKind::Stock, passed_over: Some(format!("hook: {passed_over}")), auto: true }
}
