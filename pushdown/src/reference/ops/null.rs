//! Tests for NULL.

use crate::ops::NullTest;
use crate::reference::value::{Value, invalid};

pub(super) fn apply<'a>(op: NullTest, arguments: &[Value<'a>]) -> Value<'a> {
    let [value] = arguments else { invalid() };
    Value::Bool(match op {
        NullTest::IsNull => *value == Value::Null,
        NullTest::IsNotNull => *value != Value::Null,
    })
}
