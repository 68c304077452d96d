//! Comparisons: by the order of the two sides.

use crate::ops::Comparison;
use crate::reference::value::{Value, invalid};
use std::cmp::Ordering;

pub(super) fn apply<'a>(op: Comparison, arguments: &[Value<'a>]) -> Value<'a> {
    let order = match arguments {
        [Value::I64(left), Value::I64(right)] => left.cmp(right),
        [Value::Bool(left), Value::Bool(right)] => left.cmp(right),
        _ => invalid(),
    };
    Value::Bool(match op {
        Comparison::Eq => order == Ordering::Equal,
        Comparison::NotEq => order != Ordering::Equal,
        Comparison::Lt => order == Ordering::Less,
        Comparison::LtEq => order != Ordering::Greater,
        Comparison::Gt => order == Ordering::Greater,
        Comparison::GtEq => order != Ordering::Less,
    })
}
