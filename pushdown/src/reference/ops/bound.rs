//! A limit that a value must keep.

use crate::ops::Bound;
use crate::reference::value::{Exception, Value, invalid};

pub(super) fn apply<'a>(op: Bound, arguments: &[Value<'a>]) -> Result<Value<'a>, Exception> {
    match (op, arguments) {
        (Bound::Magnitude, &[Value::I64(value), Value::I64(magnitude_max)]) => {
            let allowed = -magnitude_max..=magnitude_max;
            if allowed.contains(&value) { Ok(Value::I64(value)) } else { Err(Exception) }
        }
        _ => invalid(),
    }
}
