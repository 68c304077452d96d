//! Delimiters of two bytes, and blanks around fields.
//!
//! In: the best dialect with a delimiter of one byte. Out: the same, or one whose delimiter has a blank behind it or is doubled, or
//! one that trims.

use crate::spec::Dialect;

use super::Overrides;
use super::candidate::Candidate;
use super::cells::{Look, Quotes, look};
use super::score::score;
use super::split::{Record, split};

/// `a;;b`: when each second column is empty throughout, the delimiter is two bytes.
pub(super) fn doubled(text: &[u8], is_whole: bool, best: &mut Candidate) {
    if best.count < 3 || best.count.is_multiple_of(2) || best.dialect.delimiter.len() > 1 {
        return;
    }
    let records = split(text, &best.dialect, usize::MAX);
    let mut filled = 0;
    for record in records.records.iter().filter(|record| record.count as usize == best.count) {
        for (at, field) in records.fields(record).iter().enumerate() {
            let is_empty = field.start == field.end && !field.quoted;
            if at % 2 == 1 && !is_empty {
                return;
            }
            filled += usize::from(at % 2 == 0 && at > 0 && !is_empty);
        }
    }
    let delimiter = best.dialect.delimiter.repeat(2);
    let candidate = score(text, is_whole, Dialect { delimiter, ..best.dialect.clone() }, true);
    if filled > 0 && candidate.count == best.count.div_ceil(2) {
        *best = candidate;
    }
}

/// Blanks behind delimiters: always exactly one is a part of the delimiter; otherwise they are trimmed where most fields have
/// them, or where a quote is behind one.
pub(super) fn blanks(text: &[u8], is_whole: bool, declared: &Overrides, best: &mut Candidate) {
    let simple = matches!(best.dialect.delimiter[..], [b',' | b';' | b'|' | b'\t' | b':']);
    if best.count < 2 || !simple || best.dialect.trim || declared.trim.is_some() {
        return;
    }
    let records = split(text, &best.dialect, usize::MAX);
    let (mut fields, mut blank, mut exactly_one, mut quotes, mut padded_ends) = (0, 0, 0, 0, 0);
    let mut columns = vec![(0_usize, 0_usize, 0_usize); best.count];
    let is_row = |record: &&Record| {
        record.count as usize == best.count && !records.fields(record).iter().any(|field| field.stray)
    };
    for (number, record) in records.records.iter().filter(is_row).enumerate() {
        for (at, field) in records.fields(record).iter().enumerate() {
            let bytes = &text[field.start as usize - usize::from(field.quoted)..field.end as usize];
            let blanks = bytes.iter().take_while(|byte| **byte == b' ').count();
            let is_padded = !field.quoted && bytes.len() > blanks && bytes.ends_with(b" ");
            if number > 0 {
                let (typed, filled, padded) = &mut columns[at];
                let look = look(bytes, Quotes::None);
                *typed += usize::from(matches!(look, Look::Number | Look::Time));
                *filled += usize::from(look != Look::Empty);
                *padded += usize::from(look != Look::Empty && (blanks > 0 || is_padded));
            }
            if at == 0 {
                continue;
            }
            fields += 1;
            blank += usize::from(blanks > 0);
            exactly_one += usize::from(blanks == 1);
            quotes +=
                usize::from(blanks > 0 && best.dialect.quote.is_some_and(|q| bytes.get(blanks) == Some(&q)));
            padded_ends += usize::from(is_padded);
        }
    }
    // Numbers are padded where texts have no blanks that would be lost.
    let is_typed = |column: &(usize, usize, usize)| column.0 > 0 && column.0 * 10 >= column.1 * 9;
    let padded = |typed: bool| columns.iter().any(|column| is_typed(column) == typed && column.2 > 0);
    let numbers_only = padded(true) && !padded(false);
    if fields == 0 || blank + padded_ends == 0 && !numbers_only {
        return;
    }
    let is_part = exactly_one == fields && padded_ends == 0 && declared.delimiter.is_none();
    let mut dialect = best.dialect.clone();
    if is_part {
        dialect.delimiter.push(b' ');
    } else if blank * 2 >= fields || quotes > 0 || numbers_only {
        dialect.trim = true;
    } else {
        return;
    }
    let candidate = score(text, is_whole, dialect, true);
    if candidate.count > 1 {
        *best = candidate;
    }
}
