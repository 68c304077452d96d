//! The reference: a fragment and bytes in, what the compiled program must make of them out. Slow and readable;
//! it is the specification of the program, of which records are exception records, too.
//!
//! A record goes through these steps, and is an *exception record* as soon as one of them says so:
//!
//! 1. Its bytes are cut into fields as the csv-core crate does it (record.rs). Exceptions: a doubled or escaped
//!    quote, anything but a delimiter or terminator behind a closing quote, another number of fields than
//!    [`Fragment::field_count`], bytes that are not UTF-8.
//! 2. The text of *every* column, needed or not, is read ([`value`]). Exceptions: an empty field of a column that
//!    may not be NULL, a text outside the grammar of its type.
//! 3. The filter is evaluated, *all of it*, without short cuts (evaluate.rs). Exceptions: an overflow of an
//!    operation with [`Overflow::Exception`](super::Overflow::Exception) and a violated
//!    [`Bound`](super::Expr::Bound), anywhere in it, even if the predicate is decided without them. But nothing is
//!    evaluated in an operand (a side of a comparison, the left side of IN) one of whose columns is NULL: it is
//!    NULL as a whole. If the filter is not true, the record is done.
//! 4. For [`Output::Records`] the record is appended to the output.
//! 5. For [`Output::Aggregates`] the FILTER of every aggregate is evaluated in the same way, and of each aggregate
//!    whose FILTER is true the argument, like an operand. Same exceptions. A key string that is longer than its
//!    room is an exception, too. Only when no exception is left to happen, the record is accumulated: an exception
//!    record leaves no trace in any state, and it does not count as matched.
//!
//! An exception record's bytes are appended to the output in both modes.

mod evaluate;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod random;
mod record;
mod state;
mod value;

pub use value::value;

use super::{Aggregate, AggregateFunction, Column, Fragment, Key, Output};
use evaluate::{Cell, Exception};
use record::Record;
use state::Update;
use std::collections::BTreeMap;

/// What a run over some bytes made of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Offset of the first byte that was not processed: the beginning of an unfinished record, or the end. The
    /// bytes of blank lines behind the last finished record are processed.
    pub consumed: usize,
    /// Records processed, exception records included, blank lines not.
    pub records: u64,
    /// Records for which the filter was true, without exception records.
    pub matched: u64,
    /// Exception records.
    pub exceptions: u64,
    /// Raw records, without their terminator, each followed by LF.
    pub output: Vec<u8>,
    /// State of the aggregates in their order, [`AggregateFunction::state_words`] words each. Empty when there
    /// are keys.
    pub accumulators: Vec<u64>,
    /// State of the aggregates of each group, by the words of the key's entry in the group table: first
    /// `1 | bit (1 + i) for each key i that is NULL`, then [`Key::words`] of each key.
    pub groups: BTreeMap<Vec<u64>, Vec<u64>>,
}

impl Outcome {
    /// Of no bytes.
    fn new(fragment: &Fragment) -> Outcome {
        let accumulators = match &fragment.output {
            Output::Aggregates { keys, aggregates } if keys.is_empty() => state::new(aggregates),
            _ => Vec::new(),
        };
        Outcome { accumulators, ..Outcome::default() }
    }

    /// Adds the outcome of the bytes that follow the consumed ones.
    pub fn merge(&mut self, fragment: &Fragment, next: &Outcome) {
        self.consumed += next.consumed;
        self.records += next.records;
        self.matched += next.matched;
        self.exceptions += next.exceptions;
        self.output.extend_from_slice(&next.output);
        let Output::Aggregates { aggregates, .. } = &fragment.output else { return };
        if !next.accumulators.is_empty() {
            state::merge(aggregates, &mut self.accumulators, &next.accumulators);
        }
        for (key, words) in &next.groups {
            let group = self.groups.entry(key.clone()).or_insert_with(|| state::new(aggregates));
            state::merge(aggregates, group, words);
        }
    }
}

/// Runs a fragment, which must be valid, over bytes that begin at the beginning of a record (or of a blank line).
///
/// A record whose terminator is not there is unfinished and not processed. `last`: nothing follows the bytes, a
/// LF is assumed behind them; if that LF is inside quotes, the record is unfinished nevertheless.
pub fn run(fragment: &Fragment, bytes: &[u8], last: bool) -> Outcome {
    let mut outcome = Outcome::new(fragment);
    outcome.consumed = record::skip_blank(bytes, 0);
    while let Some((record, end)) = Record::read(fragment.dialect, bytes, outcome.consumed, last) {
        outcome.consumed = record::skip_blank(bytes, end);
        outcome.records += 1;
        match process(fragment, &record, &mut outcome) {
            Ok(()) => {}
            Err(Exception) => {
                outcome.exceptions += 1;
                emit(&record, &mut outcome);
            }
        }
    }
    outcome
}

fn emit(record: &Record<'_>, outcome: &mut Outcome) {
    outcome.output.extend_from_slice(record.raw);
    outcome.output.push(b'\n');
}

/// One record. Changes the outcome only if there is no exception.
fn process(fragment: &Fragment, record: &Record<'_>, outcome: &mut Outcome) -> Result<(), Exception> {
    if record.odd || record.fields.len() != fragment.field_count || std::str::from_utf8(record.raw).is_err() {
        return Err(Exception);
    }
    let row = row(&fragment.columns, record)?;
    if let Some(filter) = &fragment.filter
        && evaluate::predicate(filter, &row)? != Some(true)
    {
        return Ok(());
    }
    match &fragment.output {
        Output::Records => emit(record, outcome),
        Output::Aggregates { keys, aggregates } => {
            let updates = updates(aggregates, &row)?;
            let state = if keys.is_empty() {
                &mut outcome.accumulators
            } else {
                outcome.groups.entry(group(keys, &row)?).or_insert_with(|| state::new(aggregates))
            };
            state::update(aggregates, state, &updates);
        }
    }
    outcome.matched += 1;
    Ok(())
}

/// The values of the columns.
fn row<'a>(columns: &[Column], record: &Record<'a>) -> Result<Vec<Cell<'a>>, Exception> {
    let cell = |column: &Column| match record.fields[column.field] {
        b"" if column.nullable => Ok(Cell::Null),
        b"" => Err(Exception),
        text if column.ty == super::ColumnType::String => Ok(Cell::String(text)),
        text => value(column.ty, text).map(Cell::Integer).ok_or(Exception),
    };
    columns.iter().map(cell).collect()
}

/// What the record adds to each aggregate.
fn updates(aggregates: &[Aggregate], row: &[Cell<'_>]) -> Result<Vec<Update>, Exception> {
    // One exception is as good as another, so their order does not matter.
    let wanted = |aggregate: &Aggregate| match &aggregate.filter {
        None => Ok(true),
        Some(filter) => Ok(evaluate::predicate(filter, row)? == Some(true)),
    };
    let update = |aggregate: &Aggregate| {
        if !wanted(aggregate)? {
            return Ok(Update::None);
        }
        match (&aggregate.function, aggregate.function.argument()) {
            (AggregateFunction::Count { non_null }, _) => {
                let counts = non_null.iter().all(|&column| row[column] != Cell::Null);
                Ok(if counts { Update::Count } else { Update::None })
            }
            (_, Some(argument)) => Ok(evaluate::expr(argument, row)?.map_or(Update::None, Update::Value)),
            (_, None) => unreachable!("all but count have an argument"),
        }
    };
    aggregates.iter().map(update).collect()
}

/// The words of the record's key.
fn group(keys: &[Key], row: &[Cell<'_>]) -> Result<Vec<u64>, Exception> {
    let mut words = vec![1];
    for (index, key) in keys.iter().enumerate() {
        let end = words.len() + key.words();
        match row[key.column] {
            Cell::Null => words[0] |= 1 << (1 + index),
            Cell::Integer(value) => words.push(value as u64),
            Cell::String(text) if text.len() > key.string_bytes_max => return Err(Exception),
            Cell::String(text) => {
                words.push(text.len() as u64);
                words.extend(text.chunks(8).map(|chunk| {
                    let mut padded = [0; 8];
                    padded[..chunk.len()].copy_from_slice(chunk);
                    u64::from_le_bytes(padded)
                }));
            }
        }
        words.resize(end, 0);
    }
    Ok(words)
}

#[cfg(test)]
mod tests;
