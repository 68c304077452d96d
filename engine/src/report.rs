//! What a query does, read off its physical plan: how far it is while it runs, and what it did when it is done.
//!
//! Counters are those of EXPLAIN ANALYZE. They are shared with the workers, so a report may be taken at any time.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;

use crate::decline::Declined;
use crate::exec::{KernelFilterReduceExec, Refusal};
use crate::format::{Rejected, SpecSource};
use crate::plan::DeclinedExec;
use crate::prepare::{NoProgram, Prepared};
use crate::pushed::Pushed;
use crate::scan::file_bytes;

/// One scan of files in a plan.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Their paths, each once.
    pub files: Vec<String>,
    /// Bytes of the files, as far as the scan's ranges hold them.
    pub file_bytes: u64,
    /// Who does it.
    pub by: ScannedBy,
}

/// Who scans.
#[derive(Debug, Clone)]
pub enum ScannedBy {
    /// A program.
    Program {
        /// What it runs.
        pushed: Arc<Pushed>,
        /// As what; None if it has not begun.
        prepared: Option<Arc<Prepared>>,
        /// What it counted so far.
        counts: Counts,
        /// Why partitions were done by DataFusion after all, once for each reason.
        fallbacks: Vec<Arc<Refusal>>,
    },
    /// DataFusion.
    DataFusion {
        /// Rows that came out of it so far.
        rows: u64,
        /// Why there is no program; empty if pushdown is off, or there is nothing to push down.
        declined: Vec<Declined>,
        /// Why there is none on this host, though it was planned.
        no_program: Option<NoProgram>,
    },
}

/// Counters of all partitions together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bytes that the program was shown.
    pub bytes_read: u64,
    /// Bytes that came out of the program: raw records, accumulators, and entries of groups and rows.
    pub bytes_returned: u64,
    /// Records that the program looked at.
    pub records_scanned: u64,
    /// Those among them that DataFusion had to decide.
    pub exception_records: u64,
}

/// The scans of a plan, from left to right.
pub fn scans(plan: &Arc<dyn ExecutionPlan>) -> Vec<Scan> {
    let mut found = Vec::new();
    collect(plan, &[], &mut found);
    found
}

fn collect(node: &Arc<dyn ExecutionPlan>, declined: &[Declined], found: &mut Vec<Scan>) {
    if let Some(kernel) = node.downcast_ref::<KernelFilterReduceExec>() {
        let configs = || node.children().into_iter().filter_map(file_scan);
        let files = configs().flat_map(files).collect();
        found.push(Scan { files, file_bytes: configs().map(file_bytes).sum(), by: scanned_by(kernel) });
        return;
    }
    if let Some(config) = file_scan(node) {
        let by = ScannedBy::DataFusion { rows: rows(node), declined: declined.to_vec(), no_program: None };
        found.push(Scan { files: files(config), file_bytes: file_bytes(config), by });
        return;
    }
    let declined = node.downcast_ref::<DeclinedExec>().map_or(declined, DeclinedExec::declined);
    for child in node.children() {
        collect(child, declined, found);
    }
}

fn scanned_by(kernel: &KernelFilterReduceExec) -> ScannedBy {
    let pushed = kernel.pushed();
    let prepared = match kernel.prepared_so_far() {
        Some(Err(no_program)) => {
            return ScannedBy::DataFusion {
                rows: kernel.children().into_iter().map(rows).sum(),
                declined: pushed.declined.clone(),
                no_program: Some(no_program.clone()),
            };
        }
        Some(Ok(prepared)) => Some(Arc::clone(prepared)),
        None => None,
    };
    ScannedBy::Program {
        pushed: Arc::clone(pushed),
        prepared,
        counts: counts(&kernel.metrics().unwrap_or_default()),
        fallbacks: kernel.fallback_reasons(),
    }
}

fn rows(node: &Arc<dyn ExecutionPlan>) -> u64 {
    node.metrics().and_then(|metrics| metrics.output_rows()).unwrap_or_default() as u64
}

fn file_scan(node: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    node.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()
}

fn files(config: &FileScanConfig) -> Vec<String> {
    let mut paths = Vec::new();
    let mut seen = HashSet::new();
    for file in config.file_groups.iter().flat_map(|group| group.files()) {
        let location = &file.object_meta.location;
        if seen.insert(location) {
            let path = LocalFileSystem::new().path_to_filesystem(location);
            paths.push(path.map_or_else(|_| location.to_string(), |path| path.display().to_string()));
        }
    }
    paths
}

fn counts(metrics: &MetricsSet) -> Counts {
    let sum = |name: &str| metrics.sum_by_name(name).map_or(0, |value| value.as_usize() as u64);
    Counts {
        bytes_read: sum("bytes_read"),
        bytes_returned: sum("bytes_returned"),
        records_scanned: sum("records_scanned"),
        exception_records: sum("exception_records"),
    }
}

/// What the scans of a plan have rejected so far. A file that is scanned twice counts once.
pub fn rejected(plan: &Arc<dyn ExecutionPlan>) -> Rejected {
    let mut all = Rejected::default();
    let collected = plan.apply(|node| {
        let source = file_scan(node).and_then(|config| config.file_source().downcast_ref::<SpecSource>());
        if let Some(source) = source {
            let of_scan = source.rejects().lock();
            let known = of_scan.kept.keys().filter(|key| all.kept.contains_key(*key)).count() as u64;
            all.count += of_scan.count - known;
            all.kept.extend(of_scan.kept.iter().map(|(key, reject)| (key.clone(), reject.clone())));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    // The closure does not fail.
    collected.map(|_| all).unwrap_or_default()
}
