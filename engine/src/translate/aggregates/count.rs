//! `count`: a program asks whether the columns of the arguments are NULL. Only what may fail is computed for it.

use std::sync::Arc;

use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column as PhysicalColumn, Literal};
use pushdown::aggregates::{Count, Sum};
use pushdown::fragment::{Aggregate, Expr};

use super::builder::{Builder, PlannedAggregate};
use crate::columns::Columns;
use crate::decline::DeclineReason;
use crate::decode::StateKind;
use crate::translate::fallible::may_fail;
use crate::translate::operand;
use crate::translate::value::{Value, ValueKind};

pub(super) fn add(
    builder: &mut Builder<'_>,
    planned: &PlannedAggregate<'_>,
    filter: Option<Expr>,
) -> Result<(), DeclineReason> {
    if let [argument] = planned.arguments.as_slice()
        && may_fail(argument, &builder.columns.schema)
    {
        // A sum has a count, and computes what it adds.
        let Value { expr, kind: ValueKind::Int } = operand(builder.columns, argument)? else {
            return Err(DeclineReason::MayFail);
        };
        let sum = Aggregate { function: Sum::Exact.into(), arguments: vec![expr], filter };
        builder.keep(sum, &[StateKind::CountOfSum]);
        return Ok(());
    }
    let columns = counted(builder.columns, &planned.arguments)?;
    let arguments = columns.into_iter().map(Expr::Column).collect();
    builder.keep(Aggregate { function: Count::NonNull.into(), arguments, filter }, &[StateKind::Count]);
    Ok(())
}

/// The columns that must not be NULL for a record to be counted.
fn counted(columns: &Columns, arguments: &[Arc<dyn PhysicalExpr>]) -> Result<Vec<usize>, DeclineReason> {
    let mut non_null = Vec::new();
    for argument in arguments {
        if let Some(literal) = argument.downcast_ref::<Literal>() {
            if literal.value().is_null() {
                return Err(DeclineReason::Constant(literal.value().to_string()));
            }
        } else if let Some(column) = argument.downcast_ref::<PhysicalColumn>() {
            non_null.push(columns.find(column)?.0);
        } else if may_fail(argument, &columns.schema) {
            // Counting does not compute it, so that nothing would notice.
            return Err(DeclineReason::MayFail);
        } else {
            non_null.extend(operand(columns, argument)?.expr.columns());
        }
    }
    non_null.sort_unstable();
    non_null.dedup();
    Ok(non_null)
}
