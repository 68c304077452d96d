//! AND, OR and NOT of true, false and NULL.

use crate::ops::Logic;
use crate::reference::value::{Value, invalid};

pub(super) fn apply<'a>(op: Logic, arguments: &[Value<'a>]) -> Value<'a> {
    match (op, arguments) {
        (Logic::And, parts) if parts.contains(&Value::Bool(false)) => Value::Bool(false),
        (Logic::Or, parts) if parts.contains(&Value::Bool(true)) => Value::Bool(true),
        (Logic::And | Logic::Or, parts) if parts.contains(&Value::Null) => Value::Null,
        (Logic::And, _) => Value::Bool(true),
        (Logic::Or, _) => Value::Bool(false),
        (Logic::Not, [Value::Bool(truth)]) => Value::Bool(!truth),
        (Logic::Not, [Value::Null]) => Value::Null,
        _ => invalid(),
    }
}
