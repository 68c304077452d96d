//! Arithmetic is done without limits; then a result is looked at.

use crate::ops::{Arithmetic, Overflow};
use crate::reference::value::{Exception, Value, invalid};

pub(super) fn apply<'a>(op: Arithmetic, arguments: &[Value<'a>]) -> Result<Value<'a>, Exception> {
    let number = |index: usize| match arguments.get(index) {
        Some(Value::I64(number)) => i128::from(*number),
        _ => invalid(),
    };
    let (exact, overflow) = match op {
        Arithmetic::Add(overflow) => (number(0) + number(1), overflow),
        Arithmetic::Sub(overflow) => (number(0) - number(1), overflow),
        Arithmetic::Mul(overflow) => (number(0) * number(1), overflow),
        Arithmetic::Abs => (number(0).abs(), Overflow::Exception),
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
