//! The replaced sub-plan over another leaf.
//!
//! Rows of a program, exception records and fallbacks run the very nodes that planning replaced, so that nothing is
//! evaluated in two ways. Only what stands below them changes: what a program let through, or the scan of one
//! partition.

use std::sync::Arc;

use datafusion::common::{Result, internal_err};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};

use crate::scan::CsvFiles;

/// A chain of nodes with one child each, `plan`, over `leaf` instead of its own.
pub fn with_leaf(
    plan: &Arc<dyn ExecutionPlan>,
    leaf: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    match plan.children().as_slice() {
        [] => Ok(leaf),
        [child] => {
            let child = with_leaf(child, leaf)?;
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            Arc::clone(plan).replace_children(vec![child], options)
        }
        _ => internal_err!("{} has more than one child", plan.name()),
    }
}

/// The scan, if it is one of CSV files whose partitions can be read one by one.
pub fn csv_scan(plan: &Arc<dyn ExecutionPlan>) -> Option<(&DataSourceExec, &FileScanConfig)> {
    let scan = plan.downcast_ref::<DataSourceExec>()?;
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    CsvFiles::of(config)?;
    let readable = config.limit.is_none() && !config.file_compression_type.is_compressed();
    readable.then_some((scan, config))
}

/// The scan of one file group alone. Executing the shared scan would take files from other partitions.
pub fn group_scan(config: &FileScanConfig, group: FileGroup) -> Arc<dyn ExecutionPlan> {
    let config = FileScanConfigBuilder::from(config.clone())
        .with_file_groups(vec![group])
        .with_output_partitioning(None)
        .build();
    DataSourceExec::from_data_source(config)
}
