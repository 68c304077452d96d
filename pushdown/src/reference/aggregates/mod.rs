//! The words of partial state: one file for each family of [`crate::aggregates`], which says what they mean.

mod count;
mod min_max;
mod sum;

use super::value::Value;
use crate::fragment::{Aggregate, AggregateFunction};

/// The state of no records.
pub(super) fn new(aggregates: &[Aggregate]) -> Vec<u64> {
    vec![0; aggregates.iter().map(|aggregate| aggregate.function.state_words()).sum()]
}

/// Adds a record: for each aggregate the values of its arguments, or None if the record is ignored.
pub(super) fn update(aggregates: &[Aggregate], state: &mut [u64], updates: &[Option<Vec<Value<'_>>>]) {
    let mut rest = state;
    for (Aggregate { function, .. }, update) in aggregates.iter().zip(updates) {
        let words;
        (words, rest) = rest.split_at_mut(function.state_words());
        if let Some(values) = update {
            merge_one(*function, words, &of_one(*function, values));
        }
    }
}

/// Adds the state of other records.
pub(super) fn merge(aggregates: &[Aggregate], state: &mut [u64], other: &[u64]) {
    let (mut rest, mut other_rest) = (state, other);
    for Aggregate { function, .. } in aggregates {
        let (words, other_words);
        (words, rest) = rest.split_at_mut(function.state_words());
        (other_words, other_rest) = other_rest.split_at(function.state_words());
        merge_one(*function, words, other_words);
    }
}

/// The state of one record.
fn of_one(function: AggregateFunction, values: &[Value<'_>]) -> Vec<u64> {
    match (function, values) {
        (AggregateFunction::Count(function), _) => count::of_one(function),
        (AggregateFunction::Sum(function), &[Value::I64(value)]) => sum::of_one(function, value),
        (AggregateFunction::MinMax(function), &[Value::I64(value)]) => min_max::of_one(function, value),
        _ => unreachable!("a valid fragment has the arguments that its functions take"),
    }
}

fn merge_one(function: AggregateFunction, state: &mut [u64], other: &[u64]) {
    match function {
        AggregateFunction::Count(function) => count::merge(function, state, other),
        AggregateFunction::Sum(function) => sum::merge(function, state, other),
        AggregateFunction::MinMax(function) => min_max::merge(function, state, other),
    }
}
