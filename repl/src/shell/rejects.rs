//! Records that a query has left out or mended: one line below its result, and a table of them.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use engine::format::Rejected;
use engine::report::rejected;

/// The table of what the last such query has left out.
pub const TABLE: &str = "weir_rejects";

/// If the query has left out or mended records: makes a table of them, and says so in one line.
pub fn keep(context: &SessionContext, plan: &Arc<dyn ExecutionPlan>) -> Result<Option<String>> {
    let rejected = rejected(plan);
    let Some(((file, _), first)) = rejected.kept.first_key_value() else { return Ok(None) };
    let records =
        if rejected.count == 1 { "1 bad record" } else { &format!("{} bad records", rejected.count) };
    let line = format!("{records} left out or mended ({TABLE} has them), the first: {file}: {first}");
    let batch = table(&rejected)?;
    context.deregister_table(TABLE)?;
    context.register_table(TABLE, Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))?;
    Ok(Some(line))
}

fn table(rejected: &Rejected) -> Result<RecordBatch> {
    let texts = |text: &dyn Fn(&Row<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(rejected.kept.iter().map(|row| text(&row)).collect::<StringArray>())
    };
    let numbers = |number: &dyn Fn(&Row<'_>) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(rejected.kept.iter().map(|row| number(&row))))
    };
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("file", texts(&|((file, _), _)| Some(file.to_string())), false),
        ("line", numbers(&|(_, reject)| reject.line), false),
        ("byte", numbers(&|(_, reject)| reject.offset), false),
        ("column", texts(&|(_, reject)| reject.column.as_ref().map(|column| column.name.clone())), true),
        ("reason", texts(&|(_, reject)| Some(reject.reason.to_string())), false),
        ("record", texts(&|(_, reject)| Some(String::from_utf8_lossy(&reject.raw).into_owned())), false),
    ])?)
}

type Row<'a> = (&'a (Arc<str>, u64), &'a engine::csv::rejects::Reject);
