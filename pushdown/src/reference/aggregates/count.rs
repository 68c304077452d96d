//! Counts: `[count]`.

use crate::aggregates::Count;
use crate::reference::value::miscut;

pub(super) fn of_one(function: Count) -> Vec<u64> {
    match function {
        Count::NonNull => vec![1],
    }
}

pub(super) fn merge(function: Count, state: &mut [u64], other: &[u64]) {
    match (function, state, other) {
        (Count::NonNull, [count], [other_count]) => *count += other_count,
        _ => miscut(),
    }
}
