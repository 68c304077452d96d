//! Expressions on one row, under three-valued logic, without short cuts: see step 3 of [`super`].

use super::ops;
use super::value::{Exception, Value};
use crate::fragment::{Expr, Literal, ValueType};
use crate::ops::NullRule;

/// The value of a condition, of an operand of it, or of the argument of an aggregate.
pub(super) fn evaluate<'a>(expr: &'a Expr, row: &[Value<'a>]) -> Result<Value<'a>, Exception> {
    match expr {
        Expr::Column(column) => Ok(row[*column]),
        Expr::Literal(Literal::Bool(truth)) => Ok(truth.map_or(Value::Null, Value::Bool)),
        Expr::Literal(Literal::I64(value)) => Ok(Value::I64(*value)),
        Expr::Literal(Literal::Bytes(bytes)) => Ok(Value::Bytes(bytes)),
        Expr::Call(op, arguments) => {
            // An operand is NULL as a whole, before anything in it may fail.
            let is_operand = op.signature().gives != ValueType::Bool;
            if is_operand && expr.columns().iter().any(|&column| row[column] == Value::Null) {
                return Ok(Value::Null);
            }
            let values = arguments.iter().map(|argument| evaluate(argument, row));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            if op.signature().nulls == NullRule::Strict && values.contains(&Value::Null) {
                return Ok(Value::Null);
            }
            ops::apply(*op, &values)
        }
    }
}
