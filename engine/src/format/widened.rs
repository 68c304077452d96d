//! Guesses that did not hold, so that the next guess is a wider one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::object_store::path::Path;
use weir_csv::rejects::{Widening, Wider};
use weir_csv::spec::{Column, CsvSpec};

/// What a session has learned about the files from whose bytes tables were guessed. Shared by all its tables.
#[derive(Debug, Clone, Default)]
pub struct Widened(Arc<Mutex<HashMap<Path, Vec<Widening>>>>);

impl Widened {
    /// A table that was guessed from a file has these values in it, or in another of its files.
    pub(super) fn add(&self, guessed_from: &Path, widenings: &[Widening]) {
        self.lock().entry(guessed_from.clone()).or_default().extend_from_slice(widenings);
    }

    /// The guess with the wider types.
    pub(super) fn apply(&self, guessed_from: &Path, spec: &mut CsvSpec) {
        for widening in self.lock().get(guessed_from).into_iter().flatten() {
            match &widening.to {
                Wider::Type(ty) => {
                    let is_meant = |column: &&mut Column| {
                        column.name == widening.column.name && !column.declared && column.ty == widening.from
                    };
                    if let Some(column) = spec.columns.iter_mut().find(is_meant) {
                        column.ty = ty.clone();
                    }
                }
                Wider::Null(_) if spec.nulls_declared || spec.late_nulls.contains(&widening.value) => {}
                Wider::Null(_) => spec.late_nulls.push(widening.value.clone()),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Path, Vec<Widening>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
