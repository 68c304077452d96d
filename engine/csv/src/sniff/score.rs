//! How well a dialect fits a text.
//!
//! In: a text and a dialect. Out: a [`Candidate`] with its score, which is only good to be compared with that of another.

use crate::spec::Dialect;

use super::candidate::{Candidate, DELIMITERS};
use super::cells::{Look, Quotes, look};
use super::quality::{Quality, Shape};
use super::split::{Record, SplitText, split};

/// The score of a dialect: how many records agree x how alike the fields of a column look x how many columns there are.
pub(super) fn score(text: &[u8], is_whole: bool, dialect: Dialect, is_declared: bool) -> Candidate {
    let mut records = split(text, &dialect, usize::MAX);
    let unclosed_bytes = match (records.unclosed, records.records.last()) {
        (true, Some(last)) => (last.end - last.start) as usize,
        _ => 0,
    };
    if !is_whole && records.records.len() > 1 {
        records.drop_last();
    }
    let Shape { count, modal, leading, total, short } = Shape::of(&records, &dialect);
    let mut candidate = Candidate { dialect, count, score: 0.0, modal, records: total, short };
    if total == 0 {
        return candidate;
    }
    let quality = Quality::of(&records, &candidate);
    // Lines above the header are normal, but each speaks a little against the dialect.
    let coverage = (modal as f64 + 0.5 * leading as f64) / total as f64 * if short { 0.9 } else { 1.0 };
    let strays = 1.0 - quality.strays as f64 / (modal * count).max(1) as f64;
    // An open quote has swallowed all that is behind it.
    let swallowed = if unclosed_bytes * 8 > text.len() && (is_whole || unclosed_bytes > 64 << 10) {
        1.0 - 0.9 * unclosed_bytes as f64 / text.len() as f64
    } else {
        1.0
    };
    candidate.score = if count <= 1 {
        coverage * coverage * quality.one_column() * strays * swallowed * undelimited(&records)
    } else {
        let is_believable = is_declared || believable(&records, &candidate, &quality, leading);
        let listed = DELIMITERS.iter().find(|(delimiter, _)| *delimiter == candidate.dialect.delimiter);
        let prior = if is_believable { listed.map_or(1.0, |(_, prior)| *prior) } else { 0.0 };
        let width = count as f64 / (count as f64 + 1.0);
        let prior = if is_comma_of_numbers(&records, &candidate, leading) { prior * 0.8 } else { prior };
        coverage * coverage * quality.mean * width * prior * strays * strays * swallowed
    };
    candidate
}

/// How ready we are to believe in one column: less if the first record and half of all have the same usual delimiter. `1,2` below
/// `a,b` is no number with a decimal comma, also if a line `3` follows.
fn undelimited(records: &SplitText<'_>) -> f64 {
    // A blank follows the comma of a sentence.
    let has = |record: &Record, delimiter: u8| {
        let text = &records.text[record.start as usize..record.end as usize];
        memchr::memchr_iter(delimiter, text).any(|at| text.get(at + 1) != Some(&b' '))
    };
    let is_delimiter = |&delimiter: &u8| {
        records.records.first().is_some_and(|first| has(first, delimiter))
            && 2 * records.records.iter().filter(|record| has(record, delimiter)).count()
                >= records.records.len()
    };
    if records.records.len() > 1 && b",;\t|".iter().any(is_delimiter) { 0.3 } else { 1.0 }
}

/// `1,5` below a line without a comma is rather a decimal comma.
fn is_comma_of_numbers(records: &SplitText<'_>, candidate: &Candidate, leading: usize) -> bool {
    let is_number = |field| look(records.bytes(field), Quotes::None) == Look::Number;
    leading > 0
        && candidate.count == 2
        && candidate.dialect.delimiter == b","
        && records
            .records
            .iter()
            .find(|r| r.count == 2)
            .is_some_and(|r| records.fields(r).iter().all(is_number))
}

/// Blanks and colons are in every text and every time. They delimit where the header has them too and columns come out that are not
/// words of a sentence.
fn believable(records: &SplitText<'_>, candidate: &Candidate, quality: &Quality, leading: usize) -> bool {
    let delimiter = match candidate.dialect.delimiter[..] {
        [byte @ (b' ' | b':')] => byte,
        _ => return true,
    };
    let between_digits = |at: usize| {
        let is_digit =
            |at: Option<usize>| at.and_then(|at| records.text.get(at)).is_some_and(u8::is_ascii_digit);
        is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1))
    };
    if delimiter == b':' {
        let within = |start: usize, end: usize| {
            let colons = memchr::memchr_iter(b':', &records.text[start..end]).map(|at| start + at);
            let (in_times, all) =
                colons.fold((0, 0), |(times, all), at| (times + usize::from(between_digits(at)), all + 1));
            in_times * 2 >= all
        };
        let header =
            records.records.first().is_some_and(|first| within(first.start as usize, first.end as usize));
        if header && within(0, records.text.len()) {
            return false;
        }
    }
    let columns = candidate.count >= 3 || quality.typed == candidate.count || quality.quoted > 0;
    let dense = candidate.modal * 4 >= candidate.records * 3 && candidate.records >= 2;
    let typed = if delimiter == b' ' { quality.typed * 2 >= candidate.count } else { quality.typed > 0 };
    // A header without a name for the names of the rows has one field less.
    let header = records.records.first().map_or(0, |first| first.count as usize);
    let above = leading == 0 || leading == 1 && header >= 2 && header + 1 == candidate.count;
    columns && dense && above && (typed || quality.quoted > 0)
}
