//! What weir computes otherwise than DataFusion, with pushdown and without.
//!
//! - `+ - * <<` and the negative of integers, and `sum`, which wrap around in DataFusion, are errors where the result does not
//!   fit: [`checked`] has the operators, [`rule`] puts them into a plan, [`sum`] is exact up to its end.
//! - `/`, `%` and `abs` fail as in DataFusion, and say of what and how to go on.
//! - `min` and `max` by group of NaN or of zeros of both signs depend in DataFusion on the order of the rows: [`extreme`].

pub(crate) mod absolute;
pub(crate) mod checked;
pub(crate) mod extreme;
mod narrow;
mod overflow;
mod rule;
mod shift;
pub(crate) mod sum;

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::functions_aggregate::min_max::{Max, Min};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

use absolute::Absolute;
use checked::{Checked, Operation};
use extreme::Extreme;
use rule::CheckedArithmetic;
use sum::ExactSum;

/// A builder whose sessions compute as weir does.
pub(crate) fn with_functions(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    let aggregates = [
        AggregateUDF::new_from_impl(ExactSum::new()),
        AggregateUDF::new_from_impl(Extreme::new(Min::new())),
        AggregateUDF::new_from_impl(Extreme::new(Max::new())),
    ];
    // A later function takes the place of one of the same name.
    builder.aggregate_functions().get_or_insert_default().extend(aggregates.map(Arc::new));
    let operators =
        Operation::ALL.map(|operation| Arc::new(ScalarUDF::new_from_impl(Checked::new(operation))));
    let absolute = Arc::new(ScalarUDF::new_from_impl(Absolute::new()));
    builder.scalar_functions().get_or_insert_default().extend(operators.into_iter().chain([absolute]));
    builder.with_analyzer_rule(Arc::new(CheckedArithmetic))
}
