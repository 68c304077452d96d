//! A file may have gone since it became a table. DataFusion would list what is there, and answer without its rows.

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::{ListingTable, ListingTableUrl};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::LogicalPlan;
use datafusion::object_store;
use datafusion::object_store::local::LocalFileSystem;

/// Whether all local files and folders of a plan are there, also of one that is explained.
///
/// # Errors
/// One of them is not.
pub fn check_files(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(provider) = source_as_provider(&scan.source)
            && let Some(table) = provider.downcast_ref::<ListingTable>()
        {
            table.table_paths().iter().try_for_each(check)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .map(|_| ())
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
