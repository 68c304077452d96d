//! Strings in a list, byte for byte.

use crate::ops::StringSet;
use crate::reference::value::{Value, invalid};

pub(super) fn apply<'a>(op: StringSet, arguments: &[Value<'a>]) -> Value<'a> {
    match arguments {
        [Value::Bytes(sought), values @ ..] => {
            let found = values.iter().any(|value| matches!(value, Value::Bytes(value) if value == sought));
            Value::Bool(match op {
                StringSet::In => found,
                StringSet::NotIn => !found,
            })
        }
        _ => invalid(),
    }
}
