//! What an aggregation is put together with.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use pushdown::fragment::Aggregate;

use crate::columns::Columns;
use crate::decline::DeclineReason;
use crate::decode::{StateColumn, StateKind};

/// One aggregate of the plan, with its expressions over the columns of the file.
pub(crate) struct PlannedAggregate<'a> {
    pub function: &'a AggregateFunctionExpr,
    pub arguments: Vec<Arc<dyn PhysicalExpr>>,
    pub filter: Option<Arc<dyn PhysicalExpr>>,
}

/// The argument is not of a type that the function takes.
pub(super) fn declined_argument(planned: &PlannedAggregate<'_>, argument: &DataType) -> DeclineReason {
    let function = planned.function.fun().name().to_owned();
    DeclineReason::AggregateArgument { function, argument: argument.clone() }
}

/// Aggregates of a program, and how they are read back.
pub(super) struct Builder<'a> {
    pub columns: &'a Columns,
    pub aggregates: Vec<Aggregate>,
    pub state: Vec<StateColumn>,
}

impl Builder<'_> {
    /// Adds the columns of the partial state that are read from an aggregate, which is kept once.
    pub fn keep(&mut self, aggregate: Aggregate, state: &[StateKind]) {
        let index = self.aggregates.iter().position(|kept| *kept == aggregate).unwrap_or_else(|| {
            self.aggregates.push(aggregate);
            self.aggregates.len() - 1
        });
        self.state.extend(state.iter().map(|&kind| StateColumn { aggregate: index, kind }));
    }
}
