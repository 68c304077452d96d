//! A slab to rows, and what is wrong with it to rejects or the error.
//!
//! All that is wrong with the records of a slab is collected first, whatever found it, and put in the order of the file. Then
//! `OnError` decides. A guess that does not hold always ends the reading.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Decoder, StrayQuotes};
use crate::records::{FaultKind, Field, Form, count_line_ends};
use crate::rejects::{
    ColumnRef, RAW_BYTES_MAX, ReadError, Reason, Reject, Widening, Wider, declared_type_name,
};
use crate::sniff::NULLS;
use crate::spec::OnError;
use crate::values::{Cells, Problems, wider};

/// Something that is wrong with a record. The order is that of the file, and within a record that in which it is found: its
/// structure, its bytes, its fields from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Trouble {
    /// Where the record is in the text.
    start: u32,
    end: u32,
    what: What,
    /// Its place in the slab, if it is there.
    row: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Not as many fields as columns.
    Count(usize),
    /// A quote that opens there.
    Unclosed {
        quote: u32,
        column: u32,
    },
    Bytes,
    Stray {
        column: usize,
    },
    Value {
        column: usize,
    },
}

/// What becomes of a slab.
struct Verdict {
    rejects: Vec<Reject>,
    /// Rows that are left out, ascending.
    dropped: Vec<usize>,
    /// Why reading ends, and at which row of the slab.
    failure: Option<(ReadError, Option<usize>)>,
}

/// Counts lines on the way through a slab.
struct Lines<'a> {
    text: &'a [u8],
    counted: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line at a place that is not before the last one.
    fn at(&mut self, place: usize) -> u64 {
        self.line += count_line_ends(&self.text[self.counted..place]);
        self.counted = place;
        self.line
    }
}

impl Decoder {
    /// Adds the records of the slab to the batch; `read` bytes of the text were passed.
    pub(super) fn settle(&mut self, read: usize) {
        let rows = self.slab.rows();
        let mut troubles: Vec<Trouble> = Vec::new();
        self.faults(&mut troubles);
        let text = checked(&self.input.text()[..read]);
        let text = match text {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.bad_bytes(read, &mut troubles)),
        };
        let mut values = std::mem::take(&mut self.slab.fields);
        if self.stray_quotes == StrayQuotes::Refuse {
            self.strays(&mut values, &mut troubles);
        }
        let cells = Cells {
            text: &text,
            fields: &values,
            stride: self.spec.columns.len(),
            quoting: self.quoting,
            nulls: &self.spec.nulls,
            late_nulls: &self.spec.late_nulls,
        };
        let mut problems = Problems { list: Vec::new(), first_only: self.spec.on_error == OnError::Fail };
        self.batch.append(&cells, rows, read, &mut problems);
        for problem in problems.list {
            let bounds = self.slab.bounds[problem.row];
            let what = What::Value { column: problem.column };
            troubles.push(Trouble { start: bounds.start, end: bounds.end, what, row: Some(problem.row) });
        }
        if !troubles.is_empty() {
            troubles.sort_unstable();
            let verdict = self.resolve(&troubles, &cells);
            self.apply(verdict, rows);
        }
        self.slab.fields = values;
    }

    fn apply(&mut self, verdict: Verdict, rows: usize) {
        let Verdict { mut rejects, dropped, failure } = verdict;
        self.batch.leave_out(rows, dropped.into_iter());
        if let Some((failure, row)) = failure {
            // A record that is not in the slab ended it: it stands behind all others.
            self.batch.cut(rows, row.unwrap_or(rows));
            self.failure = Some(failure);
        }
        self.rejected += rejects.len() as u64;
        self.rejects.append(&mut rejects);
    }

    /// Records whose fields are not as many as the columns, and quotes that are not closed.
    fn faults(&self, troubles: &mut Vec<Trouble>) {
        let mut row = 0;
        for fault in &self.slab.faults {
            let what = match fault.kind {
                FaultKind::Count(found) => What::Count(found),
                FaultKind::Unclosed { quote, field } => What::Unclosed { quote, column: field },
            };
            while self.slab.bounds.get(row).is_some_and(|bounds| bounds.start < fault.bounds.start) {
                row += 1;
            }
            let is_there = self.slab.bounds.get(row) == Some(&fault.bounds);
            let (start, end) = (fault.bounds.start, fault.bounds.end);
            troubles.push(Trouble { start, end, what, row: is_there.then_some(row) });
        }
    }

    /// Finds records that are not UTF-8, and returns a text of the same places that is. Their fields become NULL: those with the
    /// bytes where the others are wanted, else all.
    #[cold]
    fn bad_bytes(&mut self, read: usize, troubles: &mut Vec<Trouble>) -> String {
        let text = &self.input.text()[..read];
        let columns = self.spec.columns.len();
        for (row, bounds) in self.slab.bounds.iter().enumerate() {
            if checked(&text[bounds.range()]).is_some() {
                continue;
            }
            for field in &mut self.slab.fields[row * columns..][..columns] {
                let is_bad = checked(&text[field.start()..field.end()]).is_none();
                if is_bad || self.spec.on_error != OnError::Null {
                    *field = Field::EMPTY;
                }
            }
            troubles.push(Trouble {
                start: bounds.start,
                end: bounds.end,
                what: What::Bytes,
                row: Some(row),
            });
        }
        let mut patched = String::with_capacity(read);
        for chunk in text.utf8_chunks() {
            patched.push_str(chunk.valid());
            patched.extend(chunk.invalid().iter().map(|_| '?'));
        }
        patched
    }

    /// Fields with text behind a closing quote. They become NULL.
    fn strays(&self, fields: &mut [Field], troubles: &mut Vec<Trouble>) {
        let columns = self.spec.columns.len();
        for &(row, column) in &self.slab.strays {
            let (row, column) = (row as usize, column as usize);
            let Some(field) =
                fields.get_mut(row * columns + column).filter(|field| field.form() == Form::Stray)
            else {
                continue;
            };
            *field = Field::EMPTY;
            let bounds = self.slab.bounds[row];
            troubles.push(Trouble {
                start: bounds.start,
                end: bounds.end,
                what: What::Stray { column },
                row: Some(row),
            });
        }
    }

    /// Decides what becomes of the troubles, which are in order.
    #[cold]
    fn resolve(&self, troubles: &[Trouble], cells: &Cells<'_>) -> Verdict {
        let on_error = self.spec.on_error;
        let is_guess = |trouble: &Trouble| match trouble.what {
            What::Value { column } => !self.spec.columns[column].declared,
            _ => false,
        };
        let ends = |trouble: &Trouble| match on_error {
            OnError::Fail => true,
            OnError::Pad => !matches!(trouble.what, What::Count(_)),
            OnError::Skip | OnError::Null => is_guess(trouble),
        };
        let end = troubles.iter().position(ends);
        let (settled, rest) = troubles.split_at(end.unwrap_or(troubles.len()));
        let text = self.input.text();
        let mut lines = Lines { text, counted: 0, line: self.input.line(0) };
        let mut rejects = Vec::new();
        let mut dropped: Vec<usize> = Vec::new();
        // A record that was padded is read whole.
        let settled = if on_error == OnError::Pad { &[] } else { settled };
        for trouble in settled {
            if on_error == OnError::Skip {
                // One reject for a record.
                if trouble.row.is_some() && dropped.last() == trouble.row.as_ref() {
                    continue;
                }
                dropped.extend(trouble.row);
            }
            rejects.push(self.reject(trouble, cells, &mut lines));
        }
        let failure = rest.first().map(|first| {
            let file = Arc::clone(&self.file);
            let error = if is_guess(first) {
                let guesses = rest.iter().filter(|trouble| is_guess(trouble));
                let widenings =
                    guesses.filter_map(|trouble| self.widening(trouble, cells, &mut lines)).collect();
                ReadError::Wider { file, widenings }
            } else {
                ReadError::Record { file, reject: Box::new(self.reject(first, cells, &mut lines)) }
            };
            (error, first.row)
        });
        Verdict { rejects, dropped, failure }
    }

    fn reject(&self, trouble: &Trouble, cells: &Cells<'_>, lines: &mut Lines<'_>) -> Reject {
        let line = lines.at(trouble.start as usize);
        let expected = self.spec.columns.len();
        let (reason, column) = match trouble.what {
            What::Count(found) if found < expected => (Reason::Short { expected, found }, None),
            What::Count(found) => (Reason::Long { expected, found }, None),
            What::Unclosed { quote, column } => {
                let line = line + count_line_ends(&lines.text[trouble.start as usize..quote as usize]);
                (Reason::UnclosedQuote { line }, Some(column as usize))
            }
            What::Bytes => (Reason::Bytes, None),
            What::Stray { column } => (Reason::StrayQuote, Some(column)),
            What::Value { column } => {
                let value = trouble.row.map(|row| cells.text_of(row, column)).unwrap_or_default();
                let data_type = self.file_schema.field(column).data_type();
                let type_name = declared_type_name(&self.spec.columns[column].ty, data_type);
                (Reason::Value { value, type_name }, Some(column))
            }
        };
        let raw = &lines.text[trouble.start as usize..trouble.end as usize];
        Reject {
            reason,
            line,
            offset: self.input.offset() + u64::from(trouble.start),
            column: column.and_then(|index| self.column(index)),
            raw: raw[..raw.len().min(RAW_BYTES_MAX)].to_vec(),
        }
    }

    fn widening(&self, trouble: &Trouble, cells: &Cells<'_>, lines: &mut Lines<'_>) -> Option<Widening> {
        let (What::Value { column: index }, Some(row)) = (trouble.what, trouble.row) else { return None };
        let value = cells.text_of(row, index);
        let column = &self.spec.columns[index];
        Some(Widening {
            column: self.column(index)?,
            from: column.ty.clone(),
            to: if self.stands_for_null(cells, row, index) {
                Wider::Null(self.spec.nulls.iter().chain(&self.spec.late_nulls).cloned().collect())
            } else {
                Wider::Type(wider(column, &value))
            },
            value,
            line: lines.at(trouble.start as usize),
            offset: self.input.offset() + u64::from(trouble.start),
        })
    }

    /// Whether a value that does not fit is a usual text for NULL, and nobody said what stands for NULL.
    fn stands_for_null(&self, cells: &Cells<'_>, row: usize, column: usize) -> bool {
        !self.spec.nulls_declared
            && cells.is_plain(row, column)
            && NULLS.contains(&cells.text_of(row, column).as_str())
    }

    fn column(&self, index: usize) -> Option<ColumnRef> {
        self.spec.columns.get(index).map(|column| ColumnRef { index, name: column.name.clone() })
    }
}

/// The text, if it is UTF-8.
fn checked(text: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(text).ok()
}
