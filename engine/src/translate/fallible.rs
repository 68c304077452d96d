//! Which expressions can fail.
//!
//! A program drops rows before DataFusion sees them. If DataFusion would have evaluated something on such a row that
//! fails on it, the query must fail, so that nothing of the kind may stand beside what is pushed down.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Schema};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, CastExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal,
    NegativeExpr, NotExpr, TryCastExpr,
};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

/// Functions that return a value, or NULL, for every argument.
const INFALLIBLE_FUNCTIONS: [&str; 21] = [
    "btrim",
    "ceil",
    "character_length",
    "coalesce",
    "concat",
    "contains",
    "ends_with",
    "exp",
    "floor",
    "initcap",
    "ln",
    "lower",
    "ltrim",
    "nullif",
    "octet_length",
    "reverse",
    "rtrim",
    "starts_with",
    "strpos",
    "trim",
    "upper",
];

/// Whether there may be a row on which this expression, over columns of `schema`, fails.
pub(crate) fn may_fail(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> bool {
    node_may_fail(expr, schema) || expr.children().into_iter().any(|child| may_fail(child, schema))
}

/// Whether DataFusion may skip a part of this expression: it does not evaluate the right side of an AND or OR on a batch
/// whose left side decides alone. Exception records are a batch of their own, so a failing part could be skipped with
/// pushdown that is not skipped without.
pub(crate) fn may_skip_failure(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> bool {
    has_junction(expr) && may_fail(expr, schema)
}

/// Whether there is an AND or OR in it.
pub(crate) fn has_junction(expr: &Arc<dyn PhysicalExpr>) -> bool {
    junction(expr).is_some() || expr.children().into_iter().any(has_junction)
}

/// An AND or OR.
pub(crate) fn junction(expr: &Arc<dyn PhysicalExpr>) -> Option<&BinaryExpr> {
    expr.downcast_ref::<BinaryExpr>().filter(|binary| matches!(binary.op(), Operator::And | Operator::Or))
}

fn node_may_fail(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> bool {
    let known = expr.is::<Column>()
        || expr.is::<Literal>()
        || expr.is::<NotExpr>()
        || expr.is::<IsNullExpr>()
        || expr.is::<IsNotNullExpr>()
        || expr.is::<InListExpr>()
        || expr.is::<LikeExpr>()
        || expr.is::<TryCastExpr>()
        || expr.is::<CaseExpr>();
    if known {
        return false;
    }
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        binary_may_fail(expr, binary, schema)
    } else if let Some(negative) = expr.downcast_ref::<NegativeExpr>() {
        !number_wraps(negative.arg(), schema)
    } else if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        match cast.expr().data_type(schema) {
            Ok(from) => cast_may_fail(&from, cast.cast_type()),
            Err(_) => true,
        }
    } else if let Some(function) = expr.downcast_ref::<ScalarFunctionExpr>() {
        !INFALLIBLE_FUNCTIONS.contains(&function.name())
    } else {
        true
    }
}

fn binary_may_fail(expr: &Arc<dyn PhysicalExpr>, binary: &BinaryExpr, schema: &Schema) -> bool {
    match binary.op() {
        Operator::And
        | Operator::Or
        | Operator::Eq
        | Operator::NotEq
        | Operator::Lt
        | Operator::LtEq
        | Operator::Gt
        | Operator::GtEq
        | Operator::IsDistinctFrom
        | Operator::IsNotDistinctFrom
        | Operator::StringConcat
        | Operator::LikeMatch
        | Operator::ILikeMatch
        | Operator::NotLikeMatch
        | Operator::NotILikeMatch => false,
        Operator::Plus | Operator::Minus | Operator::Multiply => !number_wraps(expr, schema),
        Operator::Divide | Operator::Modulo => expr.data_type(schema).ok() != Some(DataType::Float64),
        _ => true,
    }
}

/// Whether arithmetic of this type wraps, rounds, or has room for every result.
fn number_wraps(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> bool {
    match expr.data_type(schema) {
        Ok(DataType::Decimal128(precision, _)) => precision < DECIMAL128_MAX_PRECISION,
        Ok(ty) => ty.is_integer() || ty.is_floating(),
        Err(_) => false,
    }
}

fn cast_may_fail(from: &DataType, to: &DataType) -> bool {
    let number = |ty: &DataType| ty.is_integer() || ty.is_floating();
    match (from, to) {
        (from, to) if from == to => false,
        (from, to) if from.is_string() && to.is_string() => false,
        (from, to) if (number(from) || *from == DataType::Boolean) && to.is_string() => false,
        (from, DataType::Float64) => !(number(from) || matches!(from, DataType::Decimal128(..))),
        (DataType::Int8 | DataType::UInt8, to) if to.is_integer() => {
            !matches!(to, DataType::Int16 | DataType::Int32 | DataType::Int64)
        }
        (DataType::Int16 | DataType::UInt16, to) => !matches!(to, DataType::Int32 | DataType::Int64),
        (DataType::Int32 | DataType::UInt32, DataType::Int64) => false,
        (DataType::Decimal128(p1, s1), DataType::Decimal128(p2, s2)) => {
            s2 < s1 || i16::from(*p2) - i16::from(*s2) < i16::from(*p1) - i16::from(*s1)
        }
        (DataType::Int64, DataType::Decimal128(precision, scale)) => {
            i16::from(*precision) - i16::from(*scale) < 19
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests;
