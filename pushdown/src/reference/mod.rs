//! The reference: a fragment and bytes in, what the compiled program must make of them out. Slow and readable;
//! it is the specification of the program, of which records are exception records, too.
//!
//! A record goes through these steps, and is an *exception record* as soon as one of them says so:
//!
//! 1. Its bytes are cut into fields as the csv-core crate does it (record.rs). Exceptions: a doubled or escaped
//!    quote, anything but a delimiter or terminator behind a closing quote, another number of fields than
//!    [`Fragment::field_count`], bytes that are not UTF-8.
//! 2. The text of *every* column, needed or not, is read ([`field`]). Exceptions: an empty field of a column that
//!    may not be NULL, a text outside the grammar of its type.
//! 3. The filter is evaluated, *all of it*, without short cuts (evaluate.rs, and ops/, which has a file for each
//!    family of [`crate::ops`]). Exceptions: an operator that fails, anywhere in it, even if the predicate is decided
//!    without it. But nothing is evaluated in an operand (a side of a comparison, the left side of IN) one of whose
//!    columns is NULL: it is NULL as a whole. If the filter is not true, the record is done.
//! 4. For [`Output::Records`] the record is appended to the output.
//!    For [`Output::Values`] the values of all columns are.
//! 5. For [`Output::Aggregates`] the FILTER of every aggregate is evaluated in the same way, and of each aggregate
//!    whose FILTER is true the argument, like an operand. Same exceptions. A key string that is longer than its
//!    room is an exception, too. Only when no exception is left to happen, the record is accumulated: an exception
//!    record leaves no trace in any state, and it does not count as matched.
//!
//! An exception record's bytes are appended to the output in both modes.
//!
//! What an operator or an aggregate means is written here a second time, on purpose: nothing is borrowed from
//! [`crate::ops`], [`crate::aggregates`] or [`crate::fragment::normalize`] but their names, so that a mistake there does
//! not agree with itself.

mod aggregates;
mod evaluate;
mod field;
mod ops;
mod record;
mod value;

use crate::contract::groups::GroupLayout;
use crate::fragment::{Aggregate, Column, Fragment, Key, Output};
use record::Record;
use std::collections::BTreeMap;
use value::Exception;
pub(crate) use value::Value;

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
    /// Raw records, without their terminator, each followed by LF. In their place, for [`Output::Values`], a line with
    /// the values of a matching record (see [`print_row`]).
    pub output: Vec<u8>,
    /// State of the aggregates in their order, `AggregateFunction::state_words` words each. Empty when there
    /// are keys.
    pub accumulators: Vec<u64>,
    /// State of the aggregates of each group, by the words of the key's entry in the group table: the
    /// head, then [`Key::words`] of each key (see [`GroupLayout`]).
    pub groups: BTreeMap<Vec<u64>, Vec<u64>>,
}

impl Outcome {
    /// Of no bytes.
    fn new(fragment: &Fragment) -> Outcome {
        let accumulators = match &fragment.output {
            Output::Aggregates { keys, aggregates } if keys.is_empty() => aggregates::new(aggregates),
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
            aggregates::merge(aggregates, &mut self.accumulators, &next.accumulators);
        }
        for (key, words) in &next.groups {
            let group = self.groups.entry(key.clone()).or_insert_with(|| aggregates::new(aggregates));
            aggregates::merge(aggregates, group, words);
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
        && evaluate::evaluate(filter, &row)? != Value::Bool(true)
    {
        return Ok(());
    }
    match &fragment.output {
        Output::Records => emit(record, outcome),
        Output::Values => print_row(&row, &mut outcome.output),
        Output::Aggregates { keys, aggregates } => {
            let updates = updates(aggregates, &row)?;
            let state = if keys.is_empty() {
                &mut outcome.accumulators
            } else {
                outcome.groups.entry(group(keys, &row)?).or_insert_with(|| aggregates::new(aggregates))
            };
            aggregates::update(aggregates, state, &updates);
        }
    }
    outcome.matched += 1;
    Ok(())
}

/// The values of the columns.
fn row<'a>(columns: &[Column], record: &Record<'a>) -> Result<Vec<Value<'a>>, Exception> {
    let value = |column: &Column| match record.fields[column.field] {
        b"" if column.nullable => Ok(Value::Null),
        b"" => Err(Exception),
        text if column.unpadded && field::is_padded(column.ty, text) => Err(Exception),
        text => field::value(column.ty, text).ok_or(Exception),
    };
    columns.iter().map(value).collect()
}

/// What the record adds to each aggregate: the values of its arguments. None: it is ignored, because the FILTER is not
/// true or an argument is NULL.
fn updates<'a>(
    aggregates: &'a [Aggregate],
    row: &[Value<'a>],
) -> Result<Vec<Option<Vec<Value<'a>>>>, Exception> {
    // One exception is as good as another, so their order does not matter.
    let update = |aggregate: &'a Aggregate| {
        if let Some(filter) = &aggregate.filter
            && evaluate::evaluate(filter, row)? != Value::Bool(true)
        {
            return Ok(None);
        }
        let values = aggregate.arguments.iter().map(|argument| evaluate::evaluate(argument, row));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        Ok(Some(values).filter(|values| !values.contains(&Value::Null)))
    };
    aggregates.iter().map(update).collect()
}

/// A row of values as a line: what stands for it in [`Outcome::output`].
pub(crate) fn print_row(row: &[Value<'_>], output: &mut Vec<u8>) {
    output.extend_from_slice(b"row");
    for value in row {
        output.push(b' ');
        match value {
            Value::Null => output.extend_from_slice(b"null"),
            Value::Bool(truth) => output.extend_from_slice(i64::from(*truth).to_string().as_bytes()),
            Value::I64(number) => output.extend_from_slice(number.to_string().as_bytes()),
            Value::Bytes(bytes) => {
                output.push(b'"');
                output.extend_from_slice(bytes);
                output.push(b'"');
            }
        }
    }
    output.push(b'\n');
}

/// The words of the record's key.
fn group(keys: &[Key], row: &[Value<'_>]) -> Result<Vec<u64>, Exception> {
    let mut words = vec![GroupLayout::OCCUPIED];
    for (index, key) in keys.iter().enumerate() {
        let end = words.len() + key.words();
        match row[key.column] {
            Value::Null => words[GroupLayout::HEAD] |= 1 << GroupLayout::null_bit(index),
            Value::Bool(truth) => words.push(truth.into()),
            Value::I64(value) => words.push(value as u64),
            Value::Bytes(text) if text.len() > key.string_bytes_max => return Err(Exception),
            Value::Bytes(text) => {
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
