//! The least and the greatest value: `[value, count]`.

use crate::aggregates::MinMax;
use crate::reference::value::miscut;

pub(super) fn of_one(function: MinMax, value: i64) -> Vec<u64> {
    match function {
        MinMax::Min | MinMax::Max => vec![value as u64, 1],
    }
}

pub(super) fn merge(function: MinMax, state: &mut [u64], other: &[u64]) {
    let ([value, count], [other_value, other_count]) = (state, other) else { miscut() };
    let (mine, theirs) = (*value as i64, *other_value as i64);
    let is_better = match function {
        MinMax::Min => theirs < mine,
        MinMax::Max => theirs > mine,
    };
    if *other_count > 0 && (*count == 0 || is_better) {
        *value = *other_value;
    }
    *count += other_count;
}
