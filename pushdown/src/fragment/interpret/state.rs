//! The words of partial state: see [`AggregateFunction`] for their meaning.

use crate::fragment::{Aggregate, AggregateFunction};

/// What one record adds to one aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Update {
    /// Its FILTER is not true, or it ignores the record for a NULL.
    None,
    /// A record that `Count` counts.
    Count,
    /// The value of the argument.
    Value(i64),
}

/// The state of no records.
pub(super) fn new(aggregates: &[Aggregate]) -> Vec<u64> {
    vec![0; aggregates.iter().map(|aggregate| aggregate.function.state_words()).sum()]
}

/// Adds a record: one update for each aggregate.
pub(super) fn update(aggregates: &[Aggregate], state: &mut [u64], updates: &[Update]) {
    let mut rest = state;
    for (aggregate, update) in aggregates.iter().zip(updates) {
        let words;
        (words, rest) = rest.split_at_mut(aggregate.function.state_words());
        let other = match (*update, &aggregate.function) {
            (Update::None, _) => continue,
            (Update::Count, _) => vec![1],
            (Update::Value(value), AggregateFunction::SumExact(_)) => {
                vec![value as u64, (value >> 63) as u64, 1]
            }
            (Update::Value(value), _) => vec![value as u64, 1],
        };
        merge_one(&aggregate.function, words, &other);
    }
}

/// Adds the state of other records.
pub(super) fn merge(aggregates: &[Aggregate], state: &mut [u64], other: &[u64]) {
    let (mut rest, mut other_rest) = (state, other);
    for Aggregate { function, .. } in aggregates {
        let (words, other_words);
        (words, rest) = rest.split_at_mut(function.state_words());
        (other_words, other_rest) = other_rest.split_at(function.state_words());
        merge_one(function, words, other_words);
    }
}

fn merge_one(function: &AggregateFunction, words: &mut [u64], other: &[u64]) {
    match (function, words, other) {
        (AggregateFunction::Count { .. }, [count], [other_count]) => *count += other_count,
        (AggregateFunction::SumWrap(_), [sum, count], [other_sum, other_count]) => {
            *sum = sum.wrapping_add(*other_sum);
            *count += other_count;
        }
        (AggregateFunction::SumExact(_), [low, high, count], [other_low, other_high, other_count]) => {
            let carry;
            (*low, carry) = low.overflowing_add(*other_low);
            *high = high.wrapping_add(*other_high).wrapping_add(carry.into());
            *count += other_count;
        }
        (
            AggregateFunction::Min(_) | AggregateFunction::Max(_),
            [value, count],
            [other_value, other_count],
        ) => {
            let (mine, theirs) = (*value as i64, *other_value as i64);
            let is_better = match function {
                AggregateFunction::Min(_) => theirs < mine,
                _ => theirs > mine,
            };
            if *other_count > 0 && (*count == 0 || is_better) {
                *value = *other_value;
            }
            *count += other_count;
        }
        _ => unreachable!("state is cut by state_words"),
    }
}
