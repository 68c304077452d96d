//! Tests for NULL.

use super::{Value, invalid};
use crate::ops::NullTest;

pub(super) fn apply<'a>(op: NullTest, arguments: &[Value<'a>]) -> Value<'a> {
    let [value] = arguments else { invalid() };
    Value::Bool(match op {
        NullTest::IsNull => *value == Value::Null,
        NullTest::IsNotNull => *value != Value::Null,
    })
}
