//! Physical expressions in, fragment expressions out.
//!
//! Everything here works on expressions over the columns of the *file*: the rule has already put the expressions of
//! projections in the place of the columns that they define. What comes out evaluates to what DataFusion would, for
//! every record that it does not declare an exception record; what cannot be done so is declined with its reason.
//!
//! | file | what it translates |
//! |---|---|
//! | `constants`, `floats` | constants, as the numbers that programs compute with and compare |
//! | `column`, `arithmetic`, `cast` | operands |
//! | `compare`, `in_set`, `string`, `null`, `logic` | conditions |
//! | `bounds` | the place of a constant among the integers of an operand |
//! | `aggregates` | aggregates, group keys, and how their state is read back |
//! | `fallible` | nothing: it tells which expressions can fail |
//!
//! A file of operators is a family of `pushdown::ops`, or a step to one; [`OPERANDS`] and [`CONDITIONS`] list them. Its
//! `translate` answers None for an expression that is not of its family.

mod aggregates;
mod arithmetic;
mod bounds;
mod cast;
mod column;
mod compare;
mod constants;
mod fallible;
mod floats;
mod in_set;
mod logic;
mod null;
mod string;
mod value;

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::physical_expr::PhysicalExpr;
use pushdown::fragment::Expr;

use crate::columns::Columns;
use crate::decline::{DeclineReason, ExpressionKind, UnexpectedShape};
use value::Value;

pub(crate) use aggregates::{PlannedAggregate, aggregation};
pub(crate) use fallible::{has_junction, junction, may_fail};

/// What a family makes of an expression. None: it is not of the family.
type Translated<T> = Option<Result<T, DeclineReason>>;
/// The `translate` of a family.
type Translate<T> = fn(&Columns, &Arc<dyn PhysicalExpr>) -> Translated<T>;

/// The families whose values are numbers or truth values.
const OPERANDS: [Translate<Value>; 4] =
    [column::translate, constants::translate, cast::translate, arithmetic::translate];

/// The families whose values are conditions.
const CONDITIONS: [Translate<Expr>; 4] =
    [logic::translate, null::translate, in_set::translate, compare::translate];

/// Translates a condition over the columns of the file.
pub(crate) fn predicate(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Result<Expr, DeclineReason> {
    let found = CONDITIONS.iter().find_map(|translate| translate(columns, expr));
    found.unwrap_or_else(|| Err(unsupported(expr)))
}

/// Translates an expression over the columns of the file. Not for strings, and not for NULL constants.
fn operand(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Result<Value, DeclineReason> {
    let found = OPERANDS.iter().find_map(|translate| translate(columns, expr));
    found.unwrap_or_else(|| Err(unsupported(expr)))
}

/// The type of an expression over the columns of the file.
fn data_type(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Result<DataType, DeclineReason> {
    expr.data_type(&columns.schema).map_err(|_| DeclineReason::Shape(UnexpectedShape::Untyped))
}

/// The reason for an expression that is neither of those that are known.
fn unsupported(expr: &Arc<dyn PhysicalExpr>) -> DeclineReason {
    use datafusion::physical_expr::ScalarFunctionExpr;
    use datafusion::physical_expr::expressions::{
        BinaryExpr, CaseExpr, DynamicFilterPhysicalExpr, LikeExpr, TryCastExpr,
    };
    use datafusion::physical_expr_common::physical_expr::is_volatile;

    let kind = if is_volatile(expr) {
        return DeclineReason::Volatile;
    } else if expr.is::<DynamicFilterPhysicalExpr>() {
        return DeclineReason::DynamicFilter;
    } else if let Some(function) = expr.downcast_ref::<ScalarFunctionExpr>() {
        ExpressionKind::Function(function.name().to_owned())
    } else if expr.is::<CaseExpr>() {
        ExpressionKind::Case
    } else if expr.is::<LikeExpr>() {
        ExpressionKind::Like
    } else if expr.is::<TryCastExpr>() {
        ExpressionKind::TryCast
    } else if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        ExpressionKind::Operator(*binary.op())
    } else {
        ExpressionKind::Other(expr.to_string())
    };
    DeclineReason::Expression(kind)
}
