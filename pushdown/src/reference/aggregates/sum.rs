//! Sums: `[sum, count]`, or `[low, high, count]` in 128 bits.

use crate::aggregates::Sum;
use crate::reference::value::miscut;

pub(super) fn of_one(function: Sum, value: i64) -> Vec<u64> {
    match function {
        Sum::Wrap => vec![value as u64, 1],
        Sum::Exact => vec![value as u64, (value >> 63) as u64, 1],
    }
}

pub(super) fn merge(function: Sum, state: &mut [u64], other: &[u64]) {
    match (function, state, other) {
        (Sum::Wrap, [sum, count], [other_sum, other_count]) => {
            *sum = sum.wrapping_add(*other_sum);
            *count += other_count;
        }
        (Sum::Exact, [low, high, count], [other_low, other_high, other_count]) => {
            let carry;
            (*low, carry) = low.overflowing_add(*other_low);
            *high = high.wrapping_add(*other_high).wrapping_add(carry.into());
            *count += other_count;
        }
        _ => miscut(),
    }
}
