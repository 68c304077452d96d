//! What each operator means: one file for each family of [`crate::ops`], values in, a value out.

mod arithmetic;
mod bound;
mod compare;
mod in_set;
mod logic;
mod null;
mod string;

use super::value::{Exception, Value};
use crate::ops::Op;

/// The value of an operator.
pub(super) fn apply<'a>(op: Op, arguments: &[Value<'a>]) -> Result<Value<'a>, Exception> {
    Ok(match op {
        Op::Arithmetic(op) => arithmetic::apply(op, arguments)?,
        Op::Bound(op) => bound::apply(op, arguments)?,
        Op::Compare(op) => compare::apply(op, arguments),
        Op::InSet(op) => in_set::apply(op, arguments),
        Op::String(op) => string::apply(op, arguments),
        Op::Null(op) => null::apply(op, arguments),
        Op::Logic(op) => logic::apply(op, arguments),
    })
}
