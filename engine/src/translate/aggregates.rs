//! Aggregates and group keys, and how their state is read back.
//!
//! A program keeps sums and counts; `avg` is made of both. Aggregates that are the same to a program are kept once.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::functions_aggregate::average::Avg;
use datafusion::functions_aggregate::count::Count;
use datafusion::functions_aggregate::min_max::{Max, Min};
use datafusion::functions_aggregate::sum::Sum;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::{Column as PhysicalColumn, Literal};
use pushdown::fragment::{Aggregate, AggregateFunction, ColumnType, Expr, Key, Output, Predicate};

use super::fallible::{may_fail, may_skip_failure};
use super::predicates::predicate;
use super::values::{Kind, Value, data_type, value};
use crate::columns::Columns;
use crate::decline::{DeclineReason, Declined, Part};
use crate::decode::{Number, StateColumn, StateDecoder, StateKind};
use crate::sample::Sample;

/// One aggregate of the plan, with its expressions over the columns of the file.
pub(crate) struct PlannedAggregate<'a> {
    pub function: &'a AggregateFunctionExpr,
    pub arguments: Vec<Arc<dyn PhysicalExpr>>,
    pub filter: Option<Arc<dyn PhysicalExpr>>,
}

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
        if let Err(reason) = builder.add(aggregate) {
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

fn key(columns: &Columns, sample: &Sample, expr: &Arc<dyn PhysicalExpr>) -> Result<Key, DeclineReason> {
    let column = expr.downcast_ref::<PhysicalColumn>().ok_or(DeclineReason::GroupKey)?;
    let (index, column) = columns.find(column)?;
    let string_bytes_max = match column.ty {
        ColumnType::String => sample.string_bytes_max(column.field),
        _ => 0,
    };
    Ok(Key { column: index, string_bytes_max })
}

fn declined_argument(planned: &PlannedAggregate<'_>, argument: &DataType) -> DeclineReason {
    let function = planned.function.fun().name().to_owned();
    DeclineReason::AggregateArgument { function, argument: argument.clone() }
}

struct Builder<'a> {
    columns: &'a Columns,
    aggregates: Vec<Aggregate>,
    state: Vec<StateColumn>,
}

impl Builder<'_> {
    fn add(&mut self, planned: &PlannedAggregate<'_>) -> Result<(), DeclineReason> {
        let function = planned.function;
        if function.is_distinct() {
            return Err(DeclineReason::AggregateOption("DISTINCT"));
        }
        if function.ignore_nulls() {
            return Err(DeclineReason::AggregateOption("IGNORE NULLS"));
        }
        if !function.order_bys().is_empty() {
            return Err(DeclineReason::AggregateOption("ORDER BY"));
        }
        let filter = match &planned.filter {
            Some(filter) => {
                // DataFusion evaluates the arguments on all rows, a program only on those that pass.
                let schema = &self.columns.schema;
                let argument_may_fail = planned.arguments.iter().any(|argument| may_fail(argument, schema));
                if argument_may_fail || may_skip_failure(filter, schema) {
                    return Err(DeclineReason::MayFail);
                }
                Some(predicate(self.columns, filter)?)
            }
            None => None,
        };
        let implementation = function.fun().inner();
        if implementation.is::<Count>() {
            let non_null = self.counted(&planned.arguments)?;
            self.keep(AggregateFunction::Count { non_null }, filter, &[StateKind::Count]);
            return Ok(());
        }
        let [argument] = planned.arguments.as_slice() else {
            return Err(DeclineReason::Aggregate(function.fun().name().to_owned()));
        };
        if implementation.is::<Sum>() || implementation.is::<Avg>() {
            self.add_sum(planned, argument, filter, implementation.is::<Avg>())
        } else if implementation.is::<Min>() || implementation.is::<Max>() {
            self.add_extreme(planned, argument, filter, implementation.is::<Min>())
        } else {
            Err(DeclineReason::Aggregate(function.fun().name().to_owned()))
        }
    }

    fn add_sum(
        &mut self,
        planned: &PlannedAggregate<'_>,
        argument: &Arc<dyn PhysicalExpr>,
        filter: Option<Predicate>,
        average: bool,
    ) -> Result<(), DeclineReason> {
        let ty = data_type(self.columns, argument)?;
        let Value { expr, kind } = value(self.columns, argument)?;
        let (function, number) = match (kind, &ty) {
            (Kind::Int, DataType::Int64 | DataType::UInt64) if !average => {
                (AggregateFunction::SumWrap(expr), Number::Int)
            }
            (Kind::Float { scale, .. }, DataType::Float64) => {
                (AggregateFunction::SumExact(expr), Number::Float { scale })
            }
            (Kind::Decimal { .. }, DataType::Decimal128(..)) => {
                (AggregateFunction::SumExact(expr), Number::Decimal)
            }
            _ => return Err(declined_argument(planned, &ty)),
        };
        let sum = StateKind::Sum(number);
        let state: &[StateKind] = if average { &[StateKind::SumCount, sum] } else { &[sum] };
        self.keep(function, filter, state);
        Ok(())
    }

    fn add_extreme(
        &mut self,
        planned: &PlannedAggregate<'_>,
        argument: &Arc<dyn PhysicalExpr>,
        filter: Option<Predicate>,
        least: bool,
    ) -> Result<(), DeclineReason> {
        let ty = data_type(self.columns, argument)?;
        if ty.is_string() {
            return Err(declined_argument(planned, &ty));
        }
        let Value { expr, kind } = value(self.columns, argument)?;
        let number = match kind {
            Kind::Int => Number::Int,
            Kind::Float { rounded: true, .. } => return Err(DeclineReason::FloatRounding),
            Kind::Float { scale, .. } => Number::Float { scale },
            Kind::Decimal { .. } => Number::Decimal,
            Kind::Date => Number::Date,
            Kind::Boolean => return Err(declined_argument(planned, &ty)),
        };
        let function = if least { AggregateFunction::Min(expr) } else { AggregateFunction::Max(expr) };
        self.keep(function, filter, &[StateKind::Extreme(number)]);
        Ok(())
    }

    /// Adds the columns of the partial state that are read from `function`, which is kept once.
    fn keep(&mut self, function: AggregateFunction, filter: Option<Predicate>, state: &[StateKind]) {
        let aggregate = Aggregate { function, filter };
        let index = self.aggregates.iter().position(|kept| *kept == aggregate).unwrap_or_else(|| {
            self.aggregates.push(aggregate);
            self.aggregates.len() - 1
        });
        self.state.extend(state.iter().map(|&kind| StateColumn { aggregate: index, kind }));
    }

    /// The columns that must not be NULL for a record to be counted.
    fn counted(&self, arguments: &[Arc<dyn PhysicalExpr>]) -> Result<Vec<usize>, DeclineReason> {
        let mut non_null = Vec::new();
        for argument in arguments {
            if let Some(literal) = argument.downcast_ref::<Literal>() {
                if literal.value().is_null() {
                    return Err(DeclineReason::Constant(literal.value().to_string()));
                }
            } else if let Some(column) = argument.downcast_ref::<PhysicalColumn>() {
                non_null.push(self.columns.find(column)?.0);
            } else if may_fail(argument, &self.columns.schema) {
                // Counting does not compute it, so that nothing would notice.
                return Err(DeclineReason::MayFail);
            } else {
                columns_of(&value(self.columns, argument)?.expr, &mut non_null);
            }
        }
        non_null.sort_unstable();
        non_null.dedup();
        Ok(non_null)
    }
}

fn columns_of(expr: &Expr, found: &mut Vec<usize>) {
    match expr {
        Expr::Column(index) => found.push(*index),
        Expr::Literal(_) => {}
        Expr::Binary { left, right, .. } => {
            columns_of(left, found);
            columns_of(right, found);
        }
        Expr::Bound { argument, .. } => columns_of(argument, found),
    }
}
