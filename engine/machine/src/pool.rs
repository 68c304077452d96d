//! Machines that wait for their next use: a program that was loaded once in this process is not loaded again.
//!
//! In: a program. Out: a machine in the state of a freshly loaded one, either one that waited here or a new one. When it is
//! dropped it waits again, unless a run of it failed. So the partitions of a query that run one after the other, and a query
//! that is asked again, load nothing.
//!
//! A thread that panics gives its machine back as any other: what it left in the maps is either zeroed or written again before it
//! is read.
//!
//! Only machines of the stock kernel wait. Those in a read hook are attached to files, and to interpret costs no load.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pushdown::Program;
use pushdown::contract::layout::{GROUP_COUNT, Map};
use pushdown::contract::steps::{Maps, RunWindow};

use crate::KernelError;
use crate::load::LoadStatistics;
use crate::stock::Stock;

/// Bytes of maps that may wait for each processor: a machine of the usual sizes has three million, so that those of the last
/// two queries stay when every processor reads a partition.
const IDLE_BYTES_PER_PROCESSOR: usize = 8 << 20;
/// The same where there are few of them: a file read in its order takes a machine for each piece.
const IDLE_BYTES_MIN: usize = 64 << 20;

/// The machines of this process that nobody uses, the one that waits longest first.
static IDLE: Mutex<VecDeque<Loaded>> = Mutex::new(VecDeque::new());

/// A machine, and what it runs.
struct Loaded {
    program: Arc<Program>,
    machine: Stock,
    statistics: LoadStatistics,
}

impl Loaded {
    fn bytes(&self) -> usize {
        Map::ALL.into_iter().map(|map| self.program.layout.bytes(map)).sum()
    }

    /// The state of a freshly loaded machine. What is in the window, the index and the output area is not looked at before it
    /// is written.
    fn reset(&mut self) {
        if self.machine.word(GROUP_COUNT) != 0 {
            self.machine.map_mut(Map::Groups).fill(0);
        }
        self.machine.map_mut(Map::State).fill(0);
    }
}

/// A machine in use. Waits again when it is dropped.
pub(crate) struct Leased {
    /// None only while it is dropped.
    loaded: Option<Loaded>,
    failed: bool,
}

impl Leased {
    /// A machine for a program, and what loading it took.
    pub(crate) fn new(program: &Arc<Program>) -> Result<(Leased, LoadStatistics), KernelError> {
        let waiting = {
            let mut idle = idle();
            let found = idle.iter().position(|loaded| runs(&loaded.program, program));
            found.and_then(|at| idle.remove(at))
        };
        if let Some(loaded) = waiting {
            let statistics = LoadStatistics { load_time: Duration::ZERO, ..loaded.statistics };
            return Ok((Leased { loaded: Some(loaded), failed: false }, statistics));
        }
        let (machine, statistics) = Stock::load(program)?;
        let loaded = Loaded { program: Arc::clone(program), machine, statistics };
        Ok((Leased { loaded: Some(loaded), failed: false }, statistics))
    }

    fn machine(&self) -> &Stock {
        match &self.loaded {
            Some(loaded) => &loaded.machine,
            None => unreachable!("it is in use"),
        }
    }

    fn machine_mut(&mut self) -> &mut Stock {
        match &mut self.loaded {
            Some(loaded) => &mut loaded.machine,
            None => unreachable!("it is in use"),
        }
    }
}

/// Whether a machine of one program does what one of the other would.
fn runs(loaded: &Arc<Program>, wanted: &Arc<Program>) -> bool {
    Arc::ptr_eq(loaded, wanted)
        || (loaded.target == wanted.target
            && loaded.layout == wanted.layout
            && loaded.indexing == wanted.indexing
            && loaded.insns == wanted.insns)
}

/// Unloads the machines that nobody uses. Nothing in weir calls it: it is for a process that lives on after its last query, and
/// for a test of what is left in the kernel.
pub fn unload_idle() {
    let unloaded = std::mem::take(&mut *idle());
    drop(unloaded);
}

/// Most bytes of maps that wait.
static IDLE_BYTES_MAX: LazyLock<usize> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    IDLE_BYTES_MIN.max(IDLE_BYTES_PER_PROCESSOR * processors)
});

fn idle() -> MutexGuard<'static, VecDeque<Loaded>> {
    // A queue is valid between any two statements, also after a panic.
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Leased {
    fn drop(&mut self) {
        let Some(mut loaded) = self.loaded.take().filter(|_| !self.failed) else { return };
        loaded.reset();
        let mut unloaded = Vec::new();
        let bytes_max = *IDLE_BYTES_MAX;
        let mut idle = idle();
        idle.push_back(loaded);
        while idle.iter().map(Loaded::bytes).sum::<usize>() > bytes_max {
            unloaded.extend(idle.pop_front());
        }
        drop(idle);
        // The kernel is not asked to free anything while others wait for the lock.
        drop(unloaded);
    }
}

impl Maps for Leased {
    fn map(&self, map: Map) -> &[u8] {
        self.machine().map(map)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.machine_mut().map_mut(map)
    }
}

impl RunWindow for Leased {
    type Error = KernelError;

    fn run(&mut self) -> Result<(), KernelError> {
        let result = self.machine_mut().run();
        self.failed |= result.is_err();
        result
    }
}
