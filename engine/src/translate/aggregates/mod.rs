//! Aggregates and group keys, and how their state is read back. A file each for the families of `pushdown::aggregates`.
//!
//! A program keeps sums and counts; `avg` is made of both. Aggregates that are the same to a program are kept once.

mod builder;
mod count;
mod min_max;
mod sum;

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::functions_aggregate::average::Avg;
use datafusion::functions_aggregate::count::Count;
use datafusion::functions_aggregate::min_max::{Max, Min};
use datafusion::functions_aggregate::sum::Sum;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use pushdown::aggregates::MinMax;
use pushdown::fragment::{ColumnType, Key, Output};

use super::fallible::{may_fail, may_skip_failure};
use super::predicate;
use crate::columns::Columns;
use crate::decline::{AggregateOption, DeclineReason, Declined, Part};
use crate::decode::StateDecoder;
use crate::functions::extreme::Extreme;
use crate::functions::sum::ExactSum;
use crate::sample::Sample;
use builder::Builder;
use sum::Kept;

pub(crate) use builder::PlannedAggregate;

/// A translated aggregation.
pub(crate) struct Aggregation {
    /// What the program makes.
    pub output: Output,
    /// How DataFusion reads it.
    pub state: StateDecoder,
}

/// Translates group keys and aggregates. `schema` is that of the partial state.
pub(crate) fn aggregation(
    columns: &Columns,
    sample: &Sample,
    keys: &[Arc<dyn PhysicalExpr>],
    planned: &[PlannedAggregate<'_>],
    schema: &SchemaRef,
) -> Result<Aggregation, Vec<Declined>> {
    let mut declined = Vec::new();
    let mut translated_keys = Vec::new();
    for expr in keys {
        match key(columns, sample, expr) {
            Ok(key) => translated_keys.push(key),
            Err(reason) => declined.push(Declined { part: Part::Key(expr.to_string()), reason }),
        }
    }
    let mut builder = Builder { columns, aggregates: Vec::new(), state: Vec::new() };
    for aggregate in planned {
        if !keys.is_empty() && is_extreme_by_order(aggregate) {
            let reason = DeclineReason::Aggregate(aggregate.function.fun().name().to_owned());
            declined.push(Declined { part: Part::Aggregate(aggregate.function.name().to_owned()), reason });
        } else if let Err(reason) = add(&mut builder, aggregate) {
            declined.push(Declined { part: Part::Aggregate(aggregate.function.name().to_owned()), reason });
        }
    }
    if !declined.is_empty() {
        return Err(declined);
    }
    let Builder { aggregates, state, .. } = builder;
    let state = StateDecoder::new(schema.clone(), columns, &translated_keys, &aggregates, state)
        .map_err(|reason| vec![Declined { part: Part::Aggregation, reason }])?;
    Ok(Aggregation { output: Output::Aggregates { keys: translated_keys, aggregates }, state })
}

/// In a session with DataFusion's own functions: which of NaN and 1.0, or of -0.0 and 0.0, is the greatest number of a group
/// depends on where it stands. Those of weir have one order ([`Extreme`]).
fn is_extreme_by_order(planned: &PlannedAggregate<'_>) -> bool {
    let implementation = planned.function.fun().inner();
    (implementation.is::<Min>() || implementation.is::<Max>())
        && planned.function.field().data_type().is_floating()
}

fn key(columns: &Columns, sample: &Sample, expr: &Arc<dyn PhysicalExpr>) -> Result<Key, DeclineReason> {
    let column = expr.downcast_ref::<PhysicalColumn>().ok_or(DeclineReason::GroupKey)?;
    let (index, column) = columns.find(column)?;
    let string_bytes_max = match column.ty {
        ColumnType::String => sample.string_bytes_max(column.field),
        _ => 0,
    };
    Ok(Key { column: index, string_bytes_max })
}

fn add(builder: &mut Builder<'_>, planned: &PlannedAggregate<'_>) -> Result<(), DeclineReason> {
    let function = planned.function;
    if function.is_distinct() {
        return Err(DeclineReason::AggregateOption(AggregateOption::Distinct));
    }
    if function.ignore_nulls() {
        return Err(DeclineReason::AggregateOption(AggregateOption::IgnoreNulls));
    }
    if !function.order_bys().is_empty() {
        return Err(DeclineReason::AggregateOption(AggregateOption::OrderBy));
    }
    let filter = match &planned.filter {
        Some(filter) => {
            // DataFusion evaluates the arguments on all rows, a program only on those that pass.
            let schema = &builder.columns.schema;
            let argument_may_fail = planned.arguments.iter().any(|argument| may_fail(argument, schema));
            if argument_may_fail || may_skip_failure(filter, schema) {
                return Err(DeclineReason::MayFail);
            }
            Some(predicate(builder.columns, filter)?)
        }
        None => None,
    };
    let implementation = function.fun().inner();
    if implementation.is::<Count>() {
        return count::add(builder, planned, filter);
    }
    let [argument] = planned.arguments.as_slice() else {
        return Err(DeclineReason::Aggregate(function.fun().name().to_owned()));
    };
    if implementation.is::<ExactSum>() {
        sum::add(builder, planned, argument, filter, Kept::Exact)
    } else if implementation.is::<Sum>() {
        sum::add(builder, planned, argument, filter, Kept::Wrapped)
    } else if implementation.is::<Avg>() {
        sum::add(builder, planned, argument, filter, Kept::Average)
    } else if implementation.is::<Min>() || implementation.is::<Extreme<Min>>() {
        min_max::add(builder, planned, argument, filter, MinMax::Min)
    } else if implementation.is::<Max>() || implementation.is::<Extreme<Max>>() {
        min_max::add(builder, planned, argument, filter, MinMax::Max)
    } else {
        Err(DeclineReason::Aggregate(function.fun().name().to_owned()))
    }
}
