//! For tests: random cases, and drivers that feed bytes to a program as the engine does and present what came out in
//! the form of the reference interpreter, so that the two can be compared.

mod lineitem;

use std::fmt::Display;
use std::time::SystemTime;

use crate::contract::layout::{EXCEPTIONS, MATCHED, Map, RECORDS};
use crate::contract::rows::{Place, RowLayout};
use crate::contract::steps::{
    Drained, Maps, Reads, RunRead, RunWindow, StepError, Window, accumulators, drain_groups,
};
use crate::fragment::{Column, ColumnType, Fragment, Output};
use crate::program::Program;
use crate::reference::{self, Outcome, Value, print_row};

pub use crate::fragment::random::Random;
pub use lineitem::LINEITEM_FRAGMENTS;

/// The seeds of a random test: those from `WEIR_SEED` on, if it is set; else a number of fixed ones, and one in ten on top
/// that no run had before. They are printed, so that `WEIR_SEED` repeats them. So many that there are `WEIR_CASES` cases,
/// or the default.
///
/// # Panics
/// When a variable is no number.
pub fn seeds(cases_default: u64, cases_per_seed: u64) -> Vec<u64> {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
    };
    let count = number("WEIR_CASES").unwrap_or(cases_default).div_ceil(cases_per_seed);
    if let Some(first) = number("WEIR_SEED") {
        return (first..).take(count as usize).collect();
    }
    let now =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_micros() as u64);
    // Ten digits, far from the fixed ones.
    let fresh = 1_000_000_000 + now % 9_000_000_000;
    println!("fresh seeds from {fresh} on; WEIR_SEED={fresh} repeats them");
    (0..count).chain((fresh..).take(count.div_ceil(10) as usize)).collect()
}

/// Feeds `bytes` to the program in chunks of at most `chunk_bytes` more and collects its results.
///
/// # Panics
/// When the program breaks the contract of an invocation, or a record is longer than the window.
pub fn drive<M: RunWindow>(
    fragment: &Fragment,
    program: &Program,
    machine: &mut M,
    bytes: &[u8],
    chunk_bytes: usize,
) -> Outcome
where
    M::Error: Display,
{
    let layout = &program.layout;
    let mut total = Outcome::default();
    let mut window = Window::new(layout);
    let mut rest = bytes;
    loop {
        let (more, behind) = rest.split_at(rest.len().min(chunk_bytes));
        let is_last = behind.is_empty();
        let free = window.free(machine);
        assert!(more.len() + usize::from(is_last) <= free.len(), "a record is longer than the window");
        free[..more.len()].copy_from_slice(more);
        let mut chunk = window.chunk(machine, more.len(), is_last);
        while !chunk.is_done() {
            let drained = kept(chunk.step(machine, layout));
            total.output.extend_from_slice(&drained.raw);
            print_rows(fragment, program, machine, drained.rows_bytes, &mut total.output);
            merge_groups(fragment, program, &drained.groups, &mut total);
        }
        total.consumed += chunk.consumed();
        window.keep(machine, &chunk);
        rest = behind;
        if is_last {
            total.consumed = total.consumed.min(bytes.len());
            break;
        }
    }
    total.records = machine.word(RECORDS);
    total.matched = machine.word(MATCHED);
    total.exceptions = machine.word(EXCEPTIONS);
    finish(fragment, program, machine, &mut total);
    total
}

/// Attaches the program to a file that holds `bytes`, has it read in pieces of at most `read_bytes` and collects its
/// results; raw records are decided by the reference interpreter, because which ones they are depends on where packets
/// end.
///
/// # Panics
/// When the program breaks the contract of an invocation, or cannot be attached.
pub fn drive_reads<M: RunRead>(
    fragment: &Fragment,
    program: &Program,
    machine: &mut M,
    file: &M::File,
    bytes: &[u8],
    read_bytes: usize,
) -> Outcome
where
    M::Error: Display,
{
    let mut total = Outcome::default();
    let mut raw = Vec::new();
    machine.attach(file, 0).unwrap_or_else(|error| panic!("{error}"));
    let mut reads = Reads::new(machine, 0, bytes.len() as u64);
    while !reads.is_done() {
        let drained = kept(reads.step(machine, &program.layout, read_bytes));
        raw.extend_from_slice(&drained.raw);
        merge_groups(fragment, program, &drained.groups, &mut total);
    }
    machine.detach();
    assert_eq!(reads.position(), bytes.len() as u64, "all was read");
    let last = reference::run(fragment, reads.unfinished(), true);
    raw.extend_from_slice(reads.unfinished());
    finish(fragment, program, machine, &mut total);
    let mut decided = reference::run(fragment, &raw, true);
    decided.consumed = bytes.len();
    decided.records = machine.word(RECORDS) + last.records;
    if !matches!(fragment.output, Output::Records) {
        decided.matched += machine.word(MATCHED);
    }
    total.merge(fragment, &decided);
    total
}

fn kept<E: Display>(step: Result<Drained, StepError<E>>) -> Drained {
    step.unwrap_or_else(|error| panic!("{error}"))
}

/// What is left in the maps at the end.
fn finish<M: Maps>(fragment: &Fragment, program: &Program, machine: &mut M, total: &mut Outcome) {
    let Output::Aggregates { keys, aggregates } = &fragment.output else { return };
    if keys.is_empty() {
        let word_count = aggregates.iter().map(|each| each.function.state_words()).sum();
        total.accumulators = accumulators(machine, &program.layout, word_count);
    } else {
        let groups = drain_groups(machine, &program.layout).unwrap_or_else(|error| panic!("{error}"));
        merge_groups(fragment, program, &groups, total);
    }
}

/// The entries of rows in the form of the reference.
fn print_rows(
    fragment: &Fragment,
    program: &Program,
    machine: &impl Maps,
    rows_bytes: usize,
    output: &mut Vec<u8>,
) {
    let Some(layout) = program.layout.rows else { return };
    let window = machine.map(Map::Window);
    let words: Vec<u64> = machine.map(Map::Output)[..rows_bytes]
        .as_chunks()
        .0
        .iter()
        .copied()
        .map(u64::from_le_bytes)
        .collect();
    for entry in words.chunks_exact(layout.words()) {
        let place = Place::from_bits(entry[RowLayout::PLACE]);
        if place.is_flagged() {
            output.extend_from_slice(&window[place.range()]);
            output.push(b'\n');
            continue;
        }
        let value = |(index, column): (usize, &Column)| {
            let word = entry[layout.value(index)];
            let (null_word, bit) = layout.null_bit(index);
            match column.ty {
                _ if entry[null_word] >> bit & 1 == 1 => {
                    assert_eq!(word, 0, "the value of a NULL");
                    Value::Null
                }
                ColumnType::String if Place::from_bits(word).range().is_empty() => Value::Null,
                ColumnType::String => Value::Bytes(&window[Place::from_bits(word).range()]),
                _ => Value::I64(word as i64),
            }
        };
        let row: Vec<Value> = fragment.columns.iter().enumerate().map(value).collect();
        print_row(&row, output);
    }
}

fn merge_groups(fragment: &Fragment, program: &Program, entries: &[u64], total: &mut Outcome) {
    let Some(group) = program.layout.groups else { return };
    let mut drained = Outcome::default();
    for entry in entries.chunks_exact(group.words()) {
        let (key, state) = entry.split_at(group.state());
        assert!(drained.groups.insert(key.to_vec(), state.to_vec()).is_none(), "a group twice");
    }
    total.merge(fragment, &drained);
}
