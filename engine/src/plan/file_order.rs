//! A physical optimizer rule: rows come in the order of the file, unless something above gives it up.
//!
//! DataFusion reads parts of a file side by side and hands on what comes first, so that `SELECT * FROM t LIMIT 1` gives another
//! row on each run. Where rows go from a scan to the result, to a file or into a LIMIT through nodes that keep their order, the
//! parts are gathered in their order ([`FileOrderExec`]). A sort, an aggregation or a join is not asked for any.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::config::ConfigOptions;
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::sink::DataSinkExec;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::analyze::AnalyzeExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::chain::{only_moves_rows, over, over_all};
use super::declined::DeclinedExec;
use crate::exec::{FileOrderExec, KernelFilterReduceExec};
use crate::options::WeirOptions;

/// Bytes of a file in one partition of a scan that is read in file order. What is ready of a partition waits for the one before
/// it, so that few of them in memory keep all threads busy.
const PIECE_BYTES: i64 = 8 << 20;

/// Gathers rows in file order.
#[derive(Debug)]
pub struct FileOrder;

impl PhysicalOptimizerRule for FileOrder {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match config.extensions.get::<WeirOptions>() {
            Some(options) if options.file_order => result(&plan),
            _ => Ok(plan),
        }
    }

    fn name(&self) -> &str {
        "FileOrder"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A node whose rows are seen in the order in which they come.
fn result(node: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    if node.is::<DataSinkExec>() || node.is::<AnalyzeExec>() {
        let children = node.children().into_iter().map(result).collect::<Result<_>>()?;
        return over_all(node, children);
    }
    match sequence(node)? {
        Some(in_order) => Ok(gathered(in_order, None)),
        None => inner(node),
    }
}

/// A node whose rows may come in any order, with the limits below it.
fn inner(node: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let is_limit =
        node.is::<GlobalLimitExec>() || node.is::<CoalescePartitionsExec>() && node.fetch().is_some();
    if is_limit && let Some(in_order) = sequence(node)? {
        return Ok(in_order);
    }
    let children = node.children().into_iter().map(inner).collect::<Result<_>>()?;
    over_all(node, children)
}

/// The same rows in partitions that, one after the other, are in the order of the file. None: there is no such order.
fn sequence(node: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(scan) = node.downcast_ref::<DataSourceExec>() {
        return Ok(Some(cut(node, scan)));
    }
    if let Some(kernel) = node.downcast_ref::<KernelFilterReduceExec>() {
        let scan = kernel.scan().downcast_ref::<DataSourceExec>();
        let cut = scan.map_or_else(|| kernel.scan().clone(), |scan| cut(kernel.scan(), scan));
        return kernel.in_file_order(cut);
    }
    if node.is::<CoalescePartitionsExec>() {
        let input = sequence(node.children()[0])?;
        return Ok(input.map(|input| gathered(input, node.fetch())));
    }
    if only_moves_rows(node) && !node.is::<CooperativeExec>() {
        return sequence(node.children()[0]);
    }
    let passes_on = node.is::<ProjectionExec>()
        || node.is::<FilterExec>()
        || node.is::<LocalLimitExec>()
        || node.is::<CooperativeExec>()
        || node.is::<DeclinedExec>();
    if passes_on {
        let input = sequence(node.children()[0])?;
        return input.map(|input| over(node, input)).transpose();
    }
    if node.is::<GlobalLimitExec>() {
        let input = sequence(node.children()[0])?;
        return input.map(|input| over(node, gathered(input, None))).transpose();
    }
    if node.is::<UnionExec>() {
        let inputs: Vec<_> = node.children().into_iter().map(sequence).collect::<Result<_>>()?;
        let inputs: Option<Vec<_>> = inputs.into_iter().collect();
        return inputs.map(|inputs| over_all(node, inputs)).transpose();
    }
    // One partition has the order that it has.
    let is_one = node.output_partitioning().partition_count() == 1;
    is_one.then(|| inner(node)).transpose()
}

fn gathered(input: Arc<dyn ExecutionPlan>, fetch: Option<usize>) -> Arc<dyn ExecutionPlan> {
    if input.output_partitioning().partition_count() == 1 && fetch.is_none() {
        return input;
    }
    Arc::new(FileOrderExec::new(input, fetch))
}

/// The scan, each partition with its own files, and in small pieces if it was cut at all: its source then finds the records of any
/// range.
fn cut(node: &Arc<dyn ExecutionPlan>, scan: &DataSourceExec) -> Arc<dyn ExecutionPlan> {
    let Some(config) = scan.data_source().downcast_ref::<FileScanConfig>() else { return Arc::clone(node) };
    let mut config = config.clone();
    // Else a partition also reads what another one has not begun with.
    config.preserve_order = true;
    let files = || config.file_groups.iter().flat_map(FileGroup::files);
    let is_shared = config.file_groups.len() > 1;
    if is_shared && config.limit.is_none() && files().any(|file| file.range.is_some()) {
        config.file_groups = files().flat_map(pieces).map(|piece| FileGroup::new(vec![piece])).collect();
    }
    DataSourceExec::from_data_source(config)
}

fn pieces(file: &PartitionedFile) -> Vec<PartitionedFile> {
    let size = i64::try_from(file.object_meta.size).unwrap_or(i64::MAX);
    let whole = file.range.clone().unwrap_or(FileRange { start: 0, end: size });
    let count = ((whole.end - whole.start) / PIECE_BYTES).max(1);
    let at = |piece: i64| if piece == count { whole.end } else { whole.start + piece * PIECE_BYTES };
    (0..count)
        .map(|piece| {
            let mut part = file.clone();
            part.range = Some(FileRange { start: at(piece), end: at(piece + 1) });
            part
        })
        .collect()
}
