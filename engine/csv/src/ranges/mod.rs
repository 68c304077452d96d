//! Several ranges of one file at the same time.
//!
//! In: a plain file, and the bytes at which its ranges begin, wherever they are. Out: for each, the first record whose first
//! byte is in the range or behind, and its line. So the ranges share the records of the file, also where quoted fields have
//! line breaks.
//!
//! A range may begin within a quoted field, and nothing near it tells. But at the beginning of a line there are only two
//! possibilities: a record may begin there, or the line is within quotes. So each part of the file is walked once, from line
//! to line, for both of them at the same time and all parts at once, and what the part before it ended in decides which one
//! counts. Where the text has no quote both go on as they were, and nothing is walked.

mod part;
mod read_at;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::reader::{Input, Prologue, Start};
use crate::records::{Splitter, first_line_end};
use crate::spec::CsvSpec;
use part::{Part, walk};
use read_at::read_more;

pub use read_at::ReadAt;

/// Where the ranges' first records begin. `boundaries` ascend, the first one is 0 and stands for the beginning of the file, which
/// it keeps: what is above the records is passed by who reads it. A range without a record begins where the next one does, the
/// last ones at the end of the file. Range i is read with the start that is returned for it, and ends at the start of range i + 1.
pub fn range_starts(
    file: &(impl ReadAt + ?Sized),
    spec: &CsvSpec,
    boundaries: &[u64],
    threads: usize,
) -> io::Result<Vec<Start>> {
    let splitter = Splitter::new(&spec.dialect, spec.columns.len());
    let above = above_records(file, spec, &splitter)?;
    let places: Vec<u64> = boundaries.iter().map(|&boundary| boundary.max(above.offset)).collect();
    // From the last line that begins before it, for all but the first: a line that goes on is the range's before it.
    let lines: Vec<u64> = places
        .iter()
        .map(|&place| if place == above.offset { Ok(place) } else { line_start(file, place) })
        .collect::<io::Result<_>>()?;
    let parts = walk_all(file, spec, &splitter, &lines, threads)?;

    let mut starts = Vec::with_capacity(boundaries.len());
    let mut line = above.line;
    let mut is_quoted = false;
    // Ranges that begin in a quoted field that goes on in the next part.
    let mut waiting = 0;
    let mut file_end = u64::MAX;
    for (index, part) in parts.iter().enumerate() {
        waiting += 1;
        // A part that ends before the next one begins ends with the file.
        if index > 0 && parts[index - 1].end < lines[index] {
            file_end = file_end.min(parts[index - 1].end);
        }
        let begin = lines[index].min(file_end);
        let first = if is_quoted { part.quoted.first_record } else { Some(Start { offset: begin, line: 1 }) };
        if let Some(first) = first {
            let start = Start { offset: first.offset, line: line + first.line - 1 };
            starts.extend(std::iter::repeat_n(start, waiting));
            waiting = 0;
        }
        is_quoted = if is_quoted { part.quoted.ends_in_quotes } else { part.plain_ends_in_quotes };
        line += part.line_ends;
    }
    let end = parts.last().map_or(above.offset, |part| part.end.min(file_end));
    starts.extend(std::iter::repeat_n(Start { offset: end, line }, waiting));
    if let Some(first) = starts.first_mut() {
        *first = Start::default();
    }
    Ok(starts)
}

/// Walks the parts that begin at `lines`, with so many threads.
fn walk_all(
    file: &(impl ReadAt + ?Sized),
    spec: &CsvSpec,
    splitter: &Splitter,
    lines: &[u64],
    threads: usize,
) -> io::Result<Vec<Part>> {
    let next = AtomicUsize::new(0);
    let parts: Mutex<Vec<(usize, io::Result<Part>)>> = Mutex::new(Vec::with_capacity(lines.len()));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(&start) = lines.get(index) else { return };
            let end = lines.get(index + 1).copied();
            let part = walk(file, spec.dialect.quote, splitter, start, end);
            parts.lock().unwrap_or_else(PoisonError::into_inner).push((index, part));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.clamp(1, lines.len().max(1)) {
            scope.spawn(work);
        }
        work();
    });
    let mut parts = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
    parts.sort_unstable_by_key(|(index, _)| *index);
    parts.into_iter().map(|(_, part)| part).collect()
}

/// Behind the byte order mark, the lines that belong to nothing and the header.
fn above_records(file: &(impl ReadAt + ?Sized), spec: &CsvSpec, splitter: &Splitter) -> io::Result<Start> {
    let mut input = Input::new(Start::default());
    let mut prologue = Prologue::new(Start::default());
    let mut offset = 0;
    while !prologue.pass(&mut input, spec, splitter) {
        match file.read_at(input.space(), offset) {
            Ok(0) => input.end(),
            Ok(count) => {
                input.advance(count);
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Start { offset: input.offset(), line: input.line(0) })
}

/// The first place at or behind `place` where a line begins, or the end of the file.
fn line_start(file: &(impl ReadAt + ?Sized), place: u64) -> io::Result<u64> {
    // A CR may be the half of a line end.
    let mut from = place.saturating_sub(1);
    let mut text = Vec::new();
    loop {
        let has_ended = read_more(file, from, &mut text)?;
        if let Some((_, next)) = first_line_end(&text, 0, has_ended) {
            return Ok(from + next as u64);
        }
        // A CR that is the last of the text stays.
        let passed = text.len().saturating_sub(1);
        text.drain(..passed);
        from += passed as u64;
    }
}
