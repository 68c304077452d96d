//! Several ranges of one file at the same time.
//!
//! In: a plain file, and the bytes at which its ranges begin, wherever they are. Out: for each, where the first record begins whose
//! first byte is in the range or behind. So the ranges share the records of the file, also where quoted fields have
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
use crate::records::{Splitter, count_line_ends, first_line_end};
use crate::spec::CsvSpec;
use part::{Walked, walk};
use read_at::read_more;

pub use read_at::ReadAt;

/// A part of fewer bytes is not walked by several threads.
const PART_BYTES_MIN: u64 = 4 << 20;

/// Where the ranges' first records begin. `boundaries` ascend. The first one is a place where a record begins, or 0 for the
/// beginning of the file: what is above the records is passed by who reads it. It stays as it is. A range without a record
/// begins where the next one does, the last ones at the end of the file. Range i is read from the byte that is returned for
/// it, and ends where range i + 1 begins.
pub fn range_starts(
    file: &(impl ReadAt + ?Sized),
    spec: &CsvSpec,
    boundaries: &[u64],
    threads: usize,
) -> io::Result<Vec<u64>> {
    let splitter = Splitter::new(&spec.dialect, spec.columns.len());
    let Some(&begin) = boundaries.first() else { return Ok(Vec::new()) };
    let above = if begin == 0 { first_record(file, spec)? } else { begin };
    let places: Vec<u64> = finer(boundaries, threads).iter().map(|&place| place.max(above)).collect();
    // From the last line that begins before it, for all but the first: a line that goes on is the range's before it.
    let lines: Vec<u64> = places
        .iter()
        .map(|&place| if place == above { Ok(place) } else { line_start(file, place) })
        .collect::<io::Result<_>>()?;
    let Some((&last, others)) = lines.split_last() else { return Ok(Vec::new()) };
    let parts = walk_all(file, spec, &splitter, &lines, threads)?;

    let mut starts = Vec::with_capacity(places.len());
    let mut is_quoted = false;
    // Ranges that begin in a quoted field that goes on in the next part.
    let mut waiting = 0;
    let mut file_end = u64::MAX;
    for (index, part) in parts.iter().enumerate() {
        waiting += 1;
        let first = if is_quoted { part.quoted.first_record } else { Some(others[index].min(file_end)) };
        if let Some(start) = first {
            starts.extend(std::iter::repeat_n(start, waiting));
            waiting = 0;
        }
        is_quoted = if is_quoted { part.quoted.ends_in_quotes } else { part.plain_ends_in_quotes };
        // A part that ends before the next one begins ends with the file.
        if part.end < lines[index + 1] {
            file_end = file_end.min(part.end);
        }
    }
    // What is in the last part matters only if it begins within quotes.
    waiting += 1;
    let mut start = last.min(file_end);
    if is_quoted {
        let part = walk(file, &spec.dialect, &splitter, last, None)?;
        start = part.quoted.first_record.unwrap_or(part.end.min(file_end));
    }
    starts.extend(std::iter::repeat_n(start, waiting));
    if let Some(first) = starts.first_mut() {
        *first = begin;
    }
    let asked = |place: &u64| boundaries.binary_search(place).is_ok();
    let of_places = finer(boundaries, threads).into_iter().zip(starts);
    Ok(of_places.filter(|(place, _)| asked(place)).map(|(_, start)| start).collect())
}

/// The boundaries, and so many places between them that all threads have something to do.
fn finer(boundaries: &[u64], threads: usize) -> Vec<u64> {
    let mut places = Vec::with_capacity(boundaries.len());
    for pair in boundaries.windows(2) {
        let gap = pair[1] - pair[0];
        let pieces = if gap < PART_BYTES_MIN { 1 } else { threads.max(1) as u64 };
        places.extend((0..pieces).map(|piece| pair[0] + gap / pieces * piece));
    }
    places.extend(boundaries.last());
    places
}

/// Walks the parts that begin at `lines` and end where the next one begins, with so many threads.
fn walk_all(
    file: &(impl ReadAt + ?Sized),
    spec: &CsvSpec,
    splitter: &Splitter,
    lines: &[u64],
    threads: usize,
) -> io::Result<Vec<Walked>> {
    let next = AtomicUsize::new(0);
    let parts: Mutex<Vec<(usize, io::Result<Walked>)>> = Mutex::new(Vec::with_capacity(lines.len()));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(&start), Some(&end)) = (lines.get(index), lines.get(index + 1)) else { return };
            let part = walk(file, &spec.dialect, splitter, start, Some(end));
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

/// Where the first record begins of a plain file: behind the byte order mark, the lines that belong to nothing and the header.
pub fn first_record(file: &(impl ReadAt + ?Sized), spec: &CsvSpec) -> io::Result<u64> {
    let splitter = Splitter::new(&spec.dialect, spec.columns.len());
    let mut input = Input::new(Start::default());
    let mut prologue = Prologue::new(Start::default());
    let mut offset = 0;
    while !prologue.pass(&mut input, spec, &splitter) {
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
    Ok(input.offset())
}

/// Where the first record begins of a range that begins at `boundary`, if no quoted field lies across that. Looks at no other
/// byte of the file than those of a line.
pub fn start_outside_quotes(file: &(impl ReadAt + ?Sized), spec: &CsvSpec, boundary: u64) -> io::Result<u64> {
    let above = first_record(file, spec)?;
    if boundary <= above { Ok(above) } else { line_start(file, boundary) }
}

/// The line of the file, from 1, in which the byte at `offset` is.
pub fn line_at(file: &(impl ReadAt + ?Sized), offset: u64) -> io::Result<u64> {
    let mut text = vec![0; read_at::READ_BYTES];
    let (mut position, mut lines, mut ends_in_cr) = (0, 1, false);
    while position < offset {
        let wanted = usize::try_from(offset - position).unwrap_or(usize::MAX).min(text.len());
        let count = match file.read_at(&mut text[..wanted], position) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = &text[..count];
        // A CR was counted as a line end of its own.
        lines += count_line_ends(piece) - u64::from(ends_in_cr && piece.starts_with(b"\n"));
        ends_in_cr = piece.ends_with(b"\r");
        position += count as u64;
    }
    Ok(lines)
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
