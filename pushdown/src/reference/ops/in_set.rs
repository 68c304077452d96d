//! Numbers and truth values in a list.

use crate::ops::InSet;
use crate::reference::value::{Value, invalid};

pub(super) fn apply<'a>(op: InSet, arguments: &[Value<'a>]) -> Value<'a> {
    match arguments {
        [sought, values @ ..] => {
            let found = values.contains(sought);
            Value::Bool(match op {
                InSet::In => found,
                InSet::NotIn => !found,
            })
        }
        [] => invalid(),
    }
}
