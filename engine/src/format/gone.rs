//! A file may have gone since it became a table. DataFusion would list what is there, and answer without its rows.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::{ListingTable, ListingTableUrl};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::LogicalPlan;
use datafusion::object_store;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::optimizer::AnalyzerRule;

/// Refuses a plan over a local file or folder that is not there any more.
#[derive(Debug)]
pub struct FilesAreThere;

impl AnalyzerRule for FilesAreThere {
    fn name(&self) -> &str {
        "files_are_there"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && let Ok(provider) = source_as_provider(&scan.source)
                && let Some(table) = provider.downcast_ref::<ListingTable>()
            {
                table.table_paths().iter().try_for_each(check)?;
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(plan)
    }
}

/// Of a pattern the folder that it is for.
fn check(url: &ListingTableUrl) -> Result<()> {
    if url.scheme() != "file" {
        return Ok(());
    }
    let path = LocalFileSystem::new().path_to_filesystem(url.prefix())?;
    match path.metadata() {
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
            let path = path.display().to_string();
            let gone = object_store::Error::NotFound { path, source: Box::new(source) };
            Err(DataFusionError::from(gone))
        }
        _ => Ok(()),
    }
}
