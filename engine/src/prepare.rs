//! What a host makes of a portable plan when it is executed.
//!
//! In: a [`Pushed`], which says nothing of the host, and the files to be read. Out: a [`Prepared`], which is only good
//! here: a backend that can run, and the program compiled for it. Or [`NoProgram`]; then the node executes the plan that
//! it replaced.
//!
//! Nothing of this happens while a query is planned. A node prepares once, when its first partition is executed, or
//! before, when it is printed: EXPLAIN shows what would run on this host, so it has to ask.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::datasource::physical_plan::FileGroup;
use datafusion::object_store::local::LocalFileSystem;
use machine::{BackendKind, HookProbe, KernelError, Unavailable, UnknownStage, probe, probe_hook};
use pushdown::{CompileError, Program};

use crate::options::BackendChoice;
use crate::pushed::Pushed;

/// What runs on this host.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Where the program runs.
    pub backend: BackendKind,
    /// The fragment, compiled for this backend.
    pub program: Arc<Program>,
    /// A faster backend that was not taken, though the choice was left to us.
    pub passed_over: Option<PassedOver>,
}

/// A backend that was not taken.
#[derive(Debug, Clone)]
pub struct PassedOver {
    /// Which one.
    pub backend: BackendKind,
    /// Why not.
    pub reason: PassedOverReason,
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.backend.name(), self.reason)
    }
}

/// Why a backend was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PassedOverReason {
    /// It cannot run here at all.
    #[error("{0}")]
    Unavailable(Unavailable),
    /// The program that tries it on files was not loaded.
    #[error("{0}")]
    Probe(Arc<KernelError>),
    /// It cannot read one of the files.
    #[error("{}: {error}", path.display())]
    File {
        /// The first such file.
        path: PathBuf,
        /// What the kernel said.
        error: Arc<KernelError>,
    },
    /// There is no program for it.
    #[error("{0}")]
    Compile(CompileError),
}

/// Why nothing runs on this host.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NoProgram {
    /// The backend cannot run here.
    #[error("the backend '{choice}' is not available: {reason}")]
    Unavailable {
        /// As it was set.
        choice: BackendChoice,
        /// What to do about it.
        reason: Unavailable,
    },
    /// The compiler refuses the fragment for this backend.
    #[error("the backend '{}' has no program: {reason}", backend.name())]
    Compile {
        /// Which one.
        backend: BackendKind,
        /// What it said.
        reason: CompileError,
    },
    /// The index stage that was asked for is not here.
    #[error(transparent)]
    Index(UnknownStage),
}

/// Under `require`, this host has no program.
#[derive(Debug, thiserror::Error)]
#[error("weir.pushdown is 'require', but {0}")]
pub struct ProgramRequired(pub NoProgram);

/// Chooses the backend for the files of a scan, and compiles for it.
pub(crate) fn prepare(pushed: &Pushed, groups: &[FileGroup]) -> Result<Prepared, NoProgram> {
    let choice = pushed.backend;
    let unavailable = |reason| NoProgram::Unavailable { choice, reason };
    let exactly = |backend| compiled(pushed, backend, None);
    match choice {
        BackendChoice::Interpret => exactly(BackendKind::Interpret),
        BackendChoice::InterpretHook => exactly(BackendKind::InterpretHook),
        BackendChoice::Stock => {
            probe().map_err(unavailable)?;
            exactly(BackendKind::Stock)
        }
        BackendChoice::Hook => {
            probe_hook().map_err(unavailable)?;
            exactly(BackendKind::Hook)
        }
        BackendChoice::Auto => {
            probe().map_err(unavailable)?;
            // Programs of the hook hand out records unparsed: they are of no use where all records are wanted.
            if pushed.is_plain_scan() {
                return exactly(BackendKind::Stock);
            }
            let reason = match hook_for(groups) {
                Err(reason) => reason,
                Ok(()) => match compiled(pushed, BackendKind::Hook, None) {
                    Err(NoProgram::Compile { reason, .. }) => PassedOverReason::Compile(reason),
                    prepared => return prepared,
                },
            };
            compiled(pushed, BackendKind::Stock, Some(PassedOver { backend: BackendKind::Hook, reason }))
        }
    }
}

fn compiled(
    pushed: &Pushed,
    backend: BackendKind,
    passed_over: Option<PassedOver>,
) -> Result<Prepared, NoProgram> {
    let target = backend.chosen_target().map_err(NoProgram::Index)?;
    let program = pushed.compile(target);
    let program = program.map_err(|reason| NoProgram::Compile { backend, reason })?;
    Ok(Prepared { backend, program: Arc::new(program), passed_over })
}

/// Whether the hook can run here and reads all these files: not every file system has it.
fn hook_for(groups: &[FileGroup]) -> Result<(), PassedOverReason> {
    probe_hook().map_err(PassedOverReason::Unavailable)?;
    let mut hook = HookProbe::load().map_err(|error| PassedOverReason::Probe(Arc::new(error)))?;
    for file in groups.iter().flat_map(FileGroup::files) {
        let location = &file.object_meta.location;
        // A file that cannot be opened is an error later, whatever the backend.
        let Ok(path) = LocalFileSystem::new().path_to_filesystem(location) else { continue };
        let Ok(file) = File::open(&path) else { continue };
        if let Err(error) = hook.takes(&file) {
            return Err(PassedOverReason::File { path, error: Arc::new(error) });
        }
    }
    Ok(())
}
