//! Which CSV files a statement reads, and which parts of them each of its partitions.
//!
//! The statement is planned once more for that, after it failed; a plan depends on nothing but the settings and the
//! files.

use std::ops::Range;
use std::sync::Arc;

use datafusion::datasource::physical_plan::{CsvSource, FileScanConfig, FileSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::LogicalPlan;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use super::records::{Candidate, FileDialect};
use crate::sql::statements;

/// Everything that the statement in this part of a text may have read; nothing if that cannot be told.
pub async fn candidates(context: &SessionContext, text: &str, part: Range<usize>) -> Option<Vec<Candidate>> {
    let mut statements = statements::parse(context, text.get(part)?).ok()?;
    let statement = statements.pop().filter(|_| statements.is_empty())?;
    let state = context.state();
    let plan = state.statement_to_plan(statement.statement).await.ok()?;
    let mut found = Vec::new();
    for query in queries(&plan) {
        let physical = state.create_physical_plan(query).await.ok()?;
        collect(&physical, &mut found)?;
    }
    Some(found)
}

/// What of a plan reads: a statement that writes has it as its input.
fn queries(plan: &LogicalPlan) -> Vec<&LogicalPlan> {
    match plan {
        LogicalPlan::Ddl(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Statement(_) => plan.inputs().into_iter().flat_map(queries).collect(),
        query => vec![query],
    }
}

fn collect(node: &Arc<dyn ExecutionPlan>, found: &mut Vec<Candidate>) -> Option<()> {
    if let Some(scan) = node.downcast_ref::<DataSourceExec>()
        && let Some((config, source)) = scan.downcast_to_file_source::<CsvSource>()
    {
        for candidate in of_scan(config, source) {
            let candidate = candidate?;
            if !found.contains(&candidate) {
                found.push(candidate);
            }
        }
    }
    node.children().into_iter().try_for_each(|child| collect(child, found))
}

/// Nothing for a file that is not local.
fn of_scan(config: &FileScanConfig, source: &CsvSource) -> Vec<Option<Candidate>> {
    let dialect = FileDialect {
        delimiter: source.delimiter(),
        quote: source.quote(),
        escape: source.escape(),
        terminator: source.terminator(),
        comment: source.comment(),
    };
    let fields = source.table_schema().file_schema().fields();
    let columns: Arc<[String]> = fields.iter().map(|field| field.name().clone()).collect();
    let is_local = config.object_store_url.as_str().starts_with("file:");
    let files = config.file_groups.iter().flat_map(|group| group.files());
    let candidates = files.map(|file| {
        let range = match &file.range {
            Some(range) => Some((u64::try_from(range.start).ok()?, u64::try_from(range.end).ok()?)),
            None => None,
        };
        let path = LocalFileSystem::new().path_to_filesystem(&file.object_meta.location).ok()?;
        let compression = config.file_compression_type;
        is_local.then_some(Candidate { path, range, dialect, compression, columns: Arc::clone(&columns) })
    });
    candidates.collect()
}
