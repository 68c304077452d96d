//! What EXPLAIN ANALYZE shows of one partition.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, Time,
};

use super::refusal::Refusal;

/// Counted by the worker and by the stream that it feeds. Clones count into the same numbers.
#[derive(Debug, Clone)]
pub struct ScanMetrics {
    /// Rows and compute time of the node.
    pub baseline: BaselineMetrics,
    /// Bytes put into the window.
    pub bytes_read: Count,
    /// Bytes taken out: raw records, accumulators, group entries, and entries of rows. The strings of rows are not counted: they
    /// are read where they are, in the window.
    pub bytes_returned: Count,
    /// Records that the program looked at.
    pub records_scanned: Count,
    /// Records for which the filter was true.
    pub records_matched: Count,
    /// Records that DataFusion had to decide.
    pub exception_records: Count,
    /// Instructions of the loaded program. Counted once, not once for each partition.
    pub program_instructions: Count,
    /// Time to load and verify the program.
    pub verifier_time: Time,
    /// Time inside the program.
    pub kernel_time: Time,
    /// Partitions that were done by the original scan.
    pub fallbacks: Count,
    /// Partitions that were read again, since a quoted field lay across one of their cuts. What was read in vain is counted too.
    pub quoted_cuts: Count,
}

impl ScanMetrics {
    /// The metrics of a partition.
    pub fn new(set: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        let counter = |name: &'static str| MetricBuilder::new(set).counter(name, partition);
        let time = |name: &'static str| MetricBuilder::new(set).subset_time(name, partition);
        ScanMetrics {
            baseline: BaselineMetrics::new(set, partition),
            bytes_read: counter("bytes_read"),
            bytes_returned: counter("bytes_returned"),
            records_scanned: counter("records_scanned"),
            records_matched: counter("records_matched"),
            exception_records: counter("exception_records"),
            program_instructions: counter("program_instructions"),
            verifier_time: time("verifier_time"),
            kernel_time: time("kernel_time"),
            fallbacks: counter("fallbacks"),
            quoted_cuts: counter("quoted_cuts"),
        }
    }
}

/// Why partitions fell back, each reason once. Shared by all partitions of a node.
#[derive(Debug, Clone, Default)]
pub struct FallbackReasons(Arc<Mutex<Vec<Arc<Refusal>>>>);

impl FallbackReasons {
    /// Keeps a reason.
    pub fn add(&self, reason: Arc<Refusal>) {
        let mut reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Errors of the system and of DataFusion are only compared by what they say.
        let text = reason.to_string();
        if reasons.iter().all(|one| one.to_string() != text) {
            reasons.push(reason);
        }
    }

    /// Those so far.
    pub fn get(&self) -> Vec<Arc<Refusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
