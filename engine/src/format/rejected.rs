//! Records that were left out or mended, so that nothing is lost silently.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weir_csv::rejects::Reject;

/// So many records are kept of a scan. Of the others only the count is known.
const KEPT_MAX: usize = 10_000;

/// Records that do not fit what was declared or guessed.
#[derive(Debug, Clone, Default)]
pub struct Rejected {
    /// All of them.
    pub count: u64,
    /// The first ones, by file and place in it.
    pub kept: BTreeMap<(Arc<str>, u64), Reject>,
}

/// The same, while a scan runs.
#[derive(Debug, Default)]
pub struct Rejects(Mutex<Rejected>);

impl Rejects {
    pub(super) fn add(&self, file: &Arc<str>, rejects: Vec<Reject>) {
        if rejects.is_empty() {
            return;
        }
        let mut rejected = self.lock();
        for reject in rejects {
            rejected.count += 1;
            if rejected.kept.len() < KEPT_MAX {
                rejected.kept.insert((Arc::clone(file), reject.offset), reject);
            }
        }
    }

    /// What there is so far.
    pub fn lock(&self) -> MutexGuard<'_, Rejected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
