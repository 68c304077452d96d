//! The result of EXPLAIN, which has texts of many lines in its cells: printed as text, each plan below its name.
//! A plan is read line by line and copied, so nothing of it is cut,
//! and none of its rows is left out.

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::logical_expr::LogicalPlan;

use super::rows::Rows;
use super::terminal::Ink;
use crate::visible::push_visible;

/// Whether a result is that of EXPLAIN.
pub fn is_plan(schema: &SchemaRef) -> bool {
    schema.fields() == LogicalPlan::explain_schema().fields()
}

/// Renders the plans.
pub fn plan(rows: &Rows, color: bool) -> Result<String, ArrowError> {
    let mut text = String::new();
    for batch in rows.batches() {
        let names = cast(batch.column(0), &DataType::Utf8)?;
        let plans = cast(batch.column(1), &DataType::Utf8)?;
        for (name, plan) in names.as_string::<i32>().iter().zip(plans.as_string::<i32>()) {
            let mut heading = String::new();
            push_visible(&mut heading, name.unwrap_or_default());
            Ink::Bold.push(&mut text, &heading, color);
            text.push('\n');
            for line in plan.unwrap_or_default().lines() {
                text.push_str("  ");
                push_visible(&mut text, line);
                text.push('\n');
            }
        }
    }
    Ok(text)
}
