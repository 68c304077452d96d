//! Names of columns, what is declared for them, and what all records that are looked at hold.

use std::borrow::Cow;
use std::path::Path;

use crate::spec::Dialect;

use super::dialect::Found;
use super::guess::SniffError;
use super::layout::{Layout, Table, is_name};
use super::reason::Ragged;
use super::split::{Field, Record, SplitText, split};
use super::types::{Evidence, Hints};
use super::{names, places};

/// What was declared for each of the columns. A name is matched as it is, or else without regard to case.
pub(super) fn by_name<T: Clone>(
    path: &Path,
    names: &[String],
    declared: &[(String, T)],
) -> Result<Vec<Option<T>>, SniffError> {
    let mut found = vec![None; names.len()];
    for (name, value) in declared {
        let exact = names.iter().position(|column| column == name);
        let at = exact.or_else(|| names.iter().position(|column| column.eq_ignore_ascii_case(name)));
        let Some(at) = at else {
            let columns = names.iter().take(20).cloned().collect();
            return Err(SniffError::NoColumn { path: path.to_owned(), column: name.clone(), columns });
        };
        found[at] = Some(value.clone());
    }
    Ok(found)
}

/// Whether each record ends with a delimiter: the header has no name there. Without a header only where all other fields are
/// filled, or in the way of `1|2|3|`.
pub(super) fn trailing(table: &Table<'_>, layout: &Layout) -> bool {
    let count = table.count;
    let rows: Vec<&Record> =
        table.kept.iter().skip(layout.first).filter(|record| record.count as usize == count).collect();
    let is_empty = |field: &Field| field.start == field.end && !field.quoted;
    let last_empty = |record: &Record| table.records.fields(record).last().is_some_and(is_empty);
    if count < 2 || table.short || rows.is_empty() || !rows.iter().all(|record| last_empty(record)) {
        return false;
    }
    match layout.header {
        Some(header) => {
            let header = &table.kept[header];
            let fields = header.count as usize;
            fields + 1 == count || fields == count && last_empty(header)
        }
        None => {
            let full = |record: &&Record| {
                table.records.fields(record)[..count - 1].iter().all(|field| !is_empty(field))
            };
            rows.len() >= 3 && (table.dialect.delimiter == b"|" || rows.iter().all(full))
        }
    }
}

pub(super) fn header_names(table: &Table<'_>, layout: &Layout, columns: usize) -> Vec<String> {
    let Some(header) = layout.header else { return names::without_header(columns) };
    let record = &table.kept[header];
    let Some(delimiter) = &layout.header_delimiter else {
        let fields = table.records.fields(record);
        let values = fields.iter().map(|field| table.records.value(field, table.dialect));
        let row_names = layout.row_names.then_some(Cow::Borrowed(""));
        return names::from_header(row_names.into_iter().chain(values), columns);
    };
    let dialect = Dialect { delimiter: delimiter.clone(), ..table.dialect.clone() };
    let line = split(&table.records.text[record.start as usize..record.end as usize], &dialect, 1);
    names::from_header(line.fields.iter().map(|field| line.value(field, &dialect)), columns)
}

/// The names in the first line, if a quote that is not closed there makes it and the lines below one record. Then the line is
/// skipped, as if it were above the table, and its names are kept.
pub(super) fn torn_header(records: &SplitText<'_>, found: &Found) -> Option<Vec<String>> {
    let first = records.records.first()?;
    let quote = found.dialect.quote?;
    let bytes = &records.text[first.start as usize..first.end as usize];
    let end = memchr::memchr2(b'\r', b'\n', bytes)?;
    if first.line > 0 || found.count < 2 || first.count as usize == found.count {
        return None;
    }
    let dialect = Dialect { quote: None, ..found.dialect.clone() };
    let line = split(&bytes[..end], &dialect, 1);
    let without_quotes = |field: &Field| {
        let bytes = line.bytes(field).iter().copied().filter(|byte| *byte != quote).collect::<Vec<u8>>();
        is_name(bytes.trim_ascii()).then(|| String::from_utf8_lossy(&bytes).into_owned())
    };
    if line.fields.len() != found.count {
        return None;
    }
    line.fields.iter().map(without_quotes).collect()
}

/// Looks at the fields of all records, wherever they are.
pub(super) fn evidence(
    table: &Table<'_>,
    layout: &Layout,
    columns: usize,
    places: &[(Cow<'_, [u8]>, bool)],
    hints: &Hints,
    is_padded: bool,
) -> (Vec<Evidence>, Ragged) {
    let mut evidence = vec![Evidence::default(); columns];
    let mut ragged = Ragged::default();
    let mut add = |records: &SplitText<'_>, kept: &[Record], has_lines: bool| {
        for record in kept {
            ragged.short += u64::from((record.count as usize) < table.count);
            ragged.long += u64::from((record.count as usize) > table.count);
            if !table.is_row(record) && !is_padded {
                continue;
            }
            let line = has_lines.then_some(table.above + record.line);
            for (at, (column, field)) in evidence.iter_mut().zip(records.fields(record)).enumerate() {
                let bytes = match at + 1 == columns && record.count as usize > columns && is_padded {
                    true => &records.text[field.start as usize..record.end as usize],
                    false => records.bytes(field),
                };
                column.add(bytes, field.quoted, line, hints.nulls.as_deref());
            }
        }
    };
    add(table.records, table.kept.get(layout.first..).unwrap_or_default(), true);
    for (text, is_end) in places {
        if let Some(records) = places::records(text, *is_end, table.dialect, table.count) {
            add(&records, &records.records, false);
        }
    }
    (evidence, ragged)
}
