//! A machine whose runs are timed, and whose counters are added to the metrics.

use std::fs::File;

use machine::KernelError;
use pushdown::contract::layout::{EXCEPTIONS, MATCHED, Map, RECORDS};
use pushdown::contract::steps::{Maps, RunRead, RunWindow};

use crate::exec::metrics::ScanMetrics;

/// A machine and the metrics of its partition.
pub(super) struct Metered<M> {
    machine: M,
    metrics: ScanMetrics,
    /// The counters of the state map, as they are in the metrics already.
    counted: [u64; 3],
}

impl<M: Maps> Metered<M> {
    pub(super) fn new(machine: M, metrics: ScanMetrics) -> Self {
        Metered { machine, metrics, counted: [0; 3] }
    }

    fn measure<T>(&mut self, run: impl FnOnce(&mut M) -> Result<T, KernelError>) -> Result<T, KernelError> {
        let kernel = self.metrics.kernel_time.timer();
        let result = run(&mut self.machine)?;
        kernel.done();
        let counters = [
            (RECORDS, &self.metrics.records_scanned),
            (MATCHED, &self.metrics.records_matched),
            (EXCEPTIONS, &self.metrics.exception_records),
        ];
        for ((offset, metric), counted) in counters.into_iter().zip(&mut self.counted) {
            let count = self.machine.word(offset);
            metric.add(usize::try_from(count.wrapping_sub(*counted)).unwrap_or_default());
            *counted = count;
        }
        Ok(result)
    }
}

impl<M: Maps> Maps for Metered<M> {
    fn map(&self, map: Map) -> &[u8] {
        self.machine.map(map)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.machine.map_mut(map)
    }
}

impl<M: RunWindow<Error = KernelError>> RunWindow for Metered<M> {
    type Error = KernelError;

    fn run(&mut self) -> Result<(), KernelError> {
        self.measure(M::run)
    }
}

impl<M: RunRead<File = File, Error = KernelError>> RunRead for Metered<M> {
    type File = File;
    type Error = KernelError;

    fn attach(&mut self, file: &File, cookie: u64) -> Result<(), KernelError> {
        self.machine.attach(file, cookie)
    }

    fn read(&mut self, position: u64, bytes: usize) -> Result<usize, KernelError> {
        self.measure(|machine| machine.read(position, bytes))
    }

    fn detach(&mut self) {
        self.machine.detach();
    }
}
