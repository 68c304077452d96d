//! What came out of a text under one dialect: the counts of fields, and how the fields of a column look.
//!
//! In: records. Out: numbers, from which [`super::score`] makes a score.

use crate::spec::Dialect;

use super::candidate::{Candidate, is_usual};
use super::cells::{Look, Quotes, look};
use super::split::{Field, Record, SplitText};

/// Names of a header whose records may end early.
const SHORT_NAME_BYTES: usize = 40;

/// The counts of fields. Lines that look like comments have no say unless they have the fields of a record.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shape {
    /// The commonest count, the larger of two equals.
    pub count: usize,
    /// Records that have it.
    pub modal: usize,
    /// Records above the first of them.
    pub leading: usize,
    pub total: usize,
    /// The first record has the most fields, and the others end early.
    pub short: bool,
}

impl Shape {
    pub fn of(records: &SplitText<'_>, dialect: &Dialect) -> Shape {
        let is_remark = |record: &&Record| b"#%".contains(&records.text[record.start as usize]);
        let mut counts: std::collections::HashMap<u32, usize> = std::collections::HashMap::new();
        let has_others = !records.records.iter().all(|record| is_remark(&record));
        for record in records.records.iter().filter(|record| !(has_others && is_remark(record))) {
            *counts.entry(record.count).or_default() += 1;
        }
        let Some((count, _)) =
            counts.iter().map(|(count, modal)| (*count, *modal)).max_by_key(|(c, m)| (*m, *c))
        else {
            return Shape::default();
        };
        let said: Vec<u32> = records
            .records
            .iter()
            .filter(|record| !has_others || record.count == count || !is_remark(record))
            .map(|record| record.count)
            .collect();
        let shape = Shape {
            count: count as usize,
            modal: said.iter().filter(|fields| **fields == count).count(),
            leading: said.iter().position(|fields| *fields == count).unwrap_or(0),
            total: said.len(),
            short: false,
        };
        shape.or_short(records, &said, dialect)
    }

    /// Programs that leave out empty fields at the end of a record write a header with all of them.
    fn or_short(self, records: &SplitText<'_>, said: &[u32], dialect: &Dialect) -> Shape {
        let Some((&first, rest)) = said.split_first() else { return self };
        let within = rest.iter().filter(|fields| (2..=first).contains(*fields)).count();
        let is_name = |field: &Field| {
            let bytes = records.bytes(field);
            !bytes.is_empty() && bytes.len() <= SHORT_NAME_BYTES && (dialect.trim || bytes[0] != b' ')
        };
        let is_short = is_usual(&dialect.delimiter)
            && records
                .records
                .iter()
                .find(|r| r.count == first)
                .is_some_and(|r| records.fields(r).iter().all(is_name))
            && first as usize > self.count
            && first >= 3
            && within * 20 >= rest.len() * 19
            && rest.contains(&first);
        if is_short {
            Shape { count: first as usize, modal: within + 1, leading: 0, short: true, ..self }
        } else {
            self
        }
    }
}

/// How the fields of the records with the right count look.
#[derive(Debug, Default)]
pub(super) struct Quality {
    /// Over the columns, 0 to 1.
    pub mean: f64,
    /// Columns in which nearly all fields are numbers or times.
    pub typed: usize,
    /// Fields in quotes.
    pub quoted: usize,
    /// Fields with text behind their closing quote.
    pub strays: usize,
    /// The first record has a byte that delimits in other files.
    pub separated: bool,
    /// Fields of the first column, the first record left out, by look. For files of one column.
    pub looks: [usize; Look::COUNT],
}

impl Quality {
    pub fn of(records: &SplitText<'_>, candidate: &Candidate) -> Quality {
        let count = candidate.count;
        let quotes = |field: &Field| match candidate.dialect.quote {
            _ if field.quoted && !field.stray => Quotes::Around,
            Some(_) => Quotes::None,
            None => Quotes::Unknown,
        };
        let is_row = |record: &&Record| {
            let fields = record.count as usize;
            fields == count || candidate.short && (2..count).contains(&fields)
        };
        let mut quality = Quality::default();
        let mut columns = vec![[0_usize; Look::COUNT]; count];
        let mut modal = records.records.iter().filter(is_row).peekable();
        let header = modal.next();
        quality.separated = header.is_some_and(|record| {
            let line = &records.text[record.start as usize..record.end as usize];
            line.iter().any(|byte| b",;|\t".contains(byte))
        });
        // A file of one record has no other to look at.
        let rest = if modal.peek().is_some() { None } else { header };
        for record in rest.into_iter().chain(modal) {
            for (column, field) in columns.iter_mut().zip(records.fields(record)) {
                quality.quoted += usize::from(field.quoted);
                quality.strays += usize::from(field.stray);
                column[look(records.bytes(field), quotes(field)) as usize] += 1;
            }
        }
        let scored: Vec<f64> = columns.iter().map(alike).collect();
        quality.mean = scored.iter().sum::<f64>() / count.max(1) as f64;
        quality.typed = columns.iter().filter(|column| typed_share(column) > 0.9).count();
        quality.looks = columns.first().copied().unwrap_or_default();
        quality
    }

    /// The score of a file as one column. Numbers and times are whole as they are; text could be anything.
    pub fn one_column(&self) -> f64 {
        let filled: usize = self.looks[1..].iter().sum();
        if filled == 0 {
            return 0.3;
        }
        if typed_share(&self.looks) > 0.95 && !self.separated {
            return 0.62;
        }
        0.4 * alike(&self.looks)
    }
}

/// The share of numbers and times among the fields that are not empty.
fn typed_share(column: &[usize; Look::COUNT]) -> f64 {
    let filled: usize = column[1..].iter().sum();
    (column[Look::Number as usize].max(column[Look::Time as usize])) as f64 / filled.max(1) as f64
}

/// How alike the fields of a column look, and how telling that is.
fn alike(column: &[usize; Look::COUNT]) -> f64 {
    let filled: usize = column[1..].iter().sum();
    if filled == 0 {
        return Look::Empty.weight();
    }
    let share = |looks: &[Look]| {
        let (mut count, mut weighted) = (0.0, 0.0);
        for look in looks {
            let fields = column[*look as usize] as f64;
            count += fields;
            weighted += fields * look.weight();
        }
        weighted * count / (filled as f64 * filled as f64)
    };
    share(&[Look::Number]) + share(&[Look::Time]) + share(&[Look::Word, Look::Prose]) + share(&[Look::Odd])
}
