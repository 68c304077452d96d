//! Arithmetic is done without limits; then a result is looked at.

use crate::ops::{Arithmetic, Overflow};
use crate::reference::value::{Exception, Value, invalid};

pub(super) fn apply<'a>(op: Arithmetic, arguments: &[Value<'a>]) -> Result<Value<'a>, Exception> {
    let (left, right) = match *arguments {
        [Value::Null, _] | [_, Value::Null] => return Ok(Value::Null),
        [Value::I64(left), Value::I64(right)] => (i128::from(left), i128::from(right)),
        _ => invalid(),
    };
    let (exact, overflow) = match op {
        Arithmetic::Add(overflow) => (left + right, overflow),
        Arithmetic::Sub(overflow) => (left - right, overflow),
        Arithmetic::Mul(overflow) => (left * right, overflow),
    };
    let magnitude_max = i128::from(i64::MAX);
    match overflow {
        // The low 64 bits.
        Overflow::Wrap => Ok(Value::I64(exact as i64)),
        Overflow::Exception if (-magnitude_max..=magnitude_max).contains(&exact) => {
            Ok(Value::I64(exact as i64))
        }
        Overflow::Exception => Err(Exception),
    }
}
