//! Where the table is in a file: the lines above it, comments, the header.
//!
//! In: the records of the head and what the columns hold. Out: which record holds the names, and where the values begin.
//!
//! A line may only be left out when it cannot be a record: it has not the fields of one, or nearly all are empty, and no field of
//! it is of its column's type. The header is told by its content: it is text where the columns are not, or it looks like names.

use std::collections::HashSet;

use crate::spec::{ColumnType, Dialect};

use super::Overrides;
use super::dates;
use super::reason::Why;
use super::split::{Field, Record, SplitText, split};
use super::types::{Evidence, Guess, Hints, NULLS, is_of};

/// Records that are looked at for a header.
const HEADER_LOOK_RECORDS: usize = 12;
/// Records whose density shows that the table has begun.
const DENSITY_RECORDS: usize = 10;
/// Records that show well enough what the columns below a header hold.
const GUESS_RECORDS: usize = 500;
/// Records in whose columns a name must not come again.
const AGAIN_RECORDS: usize = 200;
/// A longer field is no name, unless the columns' types say that it is one.
const NAME_BYTES_MAX: usize = 100;
/// Delimiters that a header may have instead of those of the records.
const OTHER_DELIMITERS: [&[u8]; 5] = [b",", b";", b"\t", b"|", b" "];

/// The records of the head that are no comments, and how many fields most have.
pub(super) struct Table<'a> {
    pub records: &'a SplitText<'a>,
    /// The records that are neither blank nor comments.
    pub kept: Vec<Record>,
    pub dialect: &'a Dialect,
    /// Fields of most records.
    pub count: usize,
    /// Records that end early are normal in this file.
    pub short: bool,
    /// Lines of the file above the records.
    pub above: u64,
}

/// Where the table is.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Index in `kept` of the record with the names.
    pub header: Option<usize>,
    /// The names are those of the header's text under another delimiter.
    pub header_delimiter: Option<Vec<u8>>,
    /// The first column, which names the rows, has no name in the header.
    pub row_names: bool,
    /// Index in `kept` of the first record with values.
    pub first: usize,
    pub why: Why,
}

/// How a record looks against the columns below it.
#[derive(Debug, Default, Clone, Copy)]
struct Votes {
    /// Columns that are of a type of which its field is not.
    other: usize,
    /// Columns of whose type its field is.
    same: usize,
    filled: usize,
    /// Its filled fields differ from each other.
    unique: bool,
}

impl Votes {
    /// It cannot be a record like those below.
    fn is_header(self) -> bool {
        self.other > self.same
    }
}

impl<'a> Table<'a> {
    fn fields(&self, index: usize) -> &[Field] {
        self.records.fields(&self.kept[index])
    }

    fn bytes(&self, field: &Field) -> &'a [u8] {
        self.records.bytes(field).trim_ascii()
    }

    /// Whether a record has the right count of fields.
    pub fn is_row(&self, record: &Record) -> bool {
        let count = record.count as usize;
        count == self.count || self.short && (2..self.count).contains(&count)
    }

    fn is_modal(&self, index: usize) -> bool {
        self.kept[index].count as usize == self.count
    }

    /// The first record from which on most have the right count. Lines above it are left out, so there must not be more of them
    /// than of such records: else they may be what the file is about, and are bad records.
    fn beginning(&self) -> usize {
        let dense = |from: usize| {
            let look = &self.kept[from..self.kept.len().min(from + DENSITY_RECORDS)];
            let modal = look.iter().filter(|record| self.is_row(record)).count();
            modal * 2 > look.len()
        };
        let rows = self.kept.iter().filter(|record| self.is_row(record)).count();
        let mut rows_above = 0;
        let has_enough_below: Vec<bool> = (0..self.kept.len())
            .map(|index| {
                let enough = rows - rows_above >= index;
                rows_above += usize::from(self.is_row(&self.kept[index]));
                enough
            })
            .collect();
        let modal = |index: &usize| self.is_modal(*index) && has_enough_below[*index];
        (0..self.kept.len())
            .filter(modal)
            .find(|index| dense(*index))
            .or_else(|| (0..self.kept.len()).find(modal))
            .unwrap_or(0)
    }

    /// What the columns hold, in the records from `from` on that have the right count.
    fn guesses(&self, from: usize, hints: &Hints) -> Vec<Guess> {
        let mut columns = vec![Evidence::default(); self.count];
        let below = &self.kept[from.min(self.kept.len())..];
        for record in below.iter().filter(|record| self.is_row(record)).take(GUESS_RECORDS) {
            for (column, field) in columns.iter_mut().zip(self.records.fields(record)) {
                column.add(self.bytes(field), field.quoted, Some(record.line), hints.nulls.as_deref());
            }
        }
        columns.iter().map(|column| column.guess(hints)).collect()
    }

    fn votes(&self, index: usize, guesses: &[Guess]) -> Votes {
        let mut votes = Votes { unique: true, ..Votes::default() };
        let mut seen = HashSet::new();
        for (field, guess) in self.fields(index).iter().zip(guesses) {
            let bytes = self.bytes(field);
            if bytes.is_empty() {
                continue;
            }
            votes.filled += 1;
            votes.unique &= seen.insert(bytes);
            if guess.ty == ColumnType::Text || NULLS.iter().any(|null| null.as_bytes() == bytes) {
                continue;
            }
            if is_of(bytes, guess) {
                votes.same += 1;
            } else {
                votes.other += 1;
            }
        }
        if votes.same > 0 && years(self.fields(index).iter().map(|field| self.bytes(field)), guesses) {
            votes.same = 0;
            votes.other += 1;
        }
        votes
    }

    fn same_fields(&self, one: usize, other: usize) -> bool {
        let texts = |index| self.fields(index).iter().map(|field| self.bytes(field)).collect::<Vec<_>>();
        texts(one) == texts(other)
    }
}

/// Years from left to right over columns of other numbers are names: `country,2019,2020`.
fn years<'a>(fields: impl Iterator<Item = &'a [u8]>, guesses: &[Guess]) -> bool {
    let mut years = Vec::new();
    let mut names = 0;
    for (field, guess) in fields.zip(guesses) {
        let number = std::str::from_utf8(field).ok().and_then(|text| text.parse::<i64>().ok());
        match (number, &guess.ty) {
            (Some(year @ 1800..=2200), _) => years.push(year),
            (Some(_), _) => return false,
            (None, ColumnType::Text) if !field.is_empty() => names += 1,
            (None, _) => {}
        }
    }
    let steps: Vec<i64> = years.windows(2).map(|pair| pair[1] - pair[0]).collect();
    names > 0 && !steps.is_empty() && steps[0] != 0 && steps.iter().all(|step| *step == steps[0])
}

/// Finds the table. `no_header`: its names were found elsewhere.
pub(super) fn find(table: &Table<'_>, declared: &Overrides, no_header: bool, hints: &Hints) -> Layout {
    let total = table.kept.len();
    let none = |why| Layout { header: None, header_delimiter: None, row_names: false, first: 0, why };
    if total == 0 {
        return none(Why::Nothing);
    }
    let top = if declared.skip_lines.is_some() { 0 } else { table.beginning() };
    if no_header || declared.header == Some(false) {
        return Layout { first: data_above(table, top, hints), ..none(Why::Declared) };
    }
    // Names, group names above them and sparse lines must not blur what the columns hold.
    let above = ((total - top) / 2).clamp(1, HEADER_LOOK_RECORDS);
    let guesses = table.guesses(top + above, hints);
    let found = typed_header(table, top, &guesses).or_else(|| near_header(table, top, &guesses));
    if let Some(layout) = found {
        let why = if declared.header.is_some() { Why::Declared } else { layout.why.clone() };
        // Lines above that were declared away leave the first record, whatever it looks like.
        let header = if declared.skip_lines.is_some() { Some(0) } else { layout.header };
        let first = header.map_or(layout.first, |header| header + 1);
        return Layout { why, header, first, ..layout };
    }
    if declared.header == Some(true) {
        return Layout { header: Some(top), first: top + 1, ..none(Why::Declared) };
    }
    match by_names(table, top, &guesses) {
        Ok(_) if declared.skip_lines.is_some() => Layout { header: Some(0), first: 1, ..none(Why::Names) },
        Ok(header) => Layout { header: Some(header), first: header + 1, ..none(Why::Names) },
        Err(why) => Layout { first: data_above(table, top, hints), ..none(why) },
    }
}

/// Records above the first one with the right count that have fields of the columns' types are ragged records, not lines to skip.
fn data_above(table: &Table<'_>, top: usize, hints: &Hints) -> usize {
    let guesses = table.guesses(top, hints);
    let is_data = |index: usize| {
        let votes = table.votes(index, &guesses);
        table.kept[index].count > 1 && votes.same > 0 && votes.same >= votes.other
    };
    (0..top).rev().take_while(|index| is_data(*index)).last().unwrap_or(top)
}

/// A record that is text where the columns are not. Above it there may be lines that are nearly empty, and itself again.
fn typed_header(table: &Table<'_>, top: usize, guesses: &[Guess]) -> Option<Layout> {
    let mut found: Option<(usize, Votes)> = None;
    for index in (top..table.kept.len()).take(HEADER_LOOK_RECORDS) {
        if !table.is_modal(index) {
            continue;
        }
        let votes = table.votes(index, guesses);
        if let Some((header, _)) = found {
            // The same names once more.
            if table.same_fields(header, index) {
                found = Some((index, votes));
                continue;
            }
            break;
        }
        if !votes.is_header() && votes.filled * 2 > table.count {
            break;
        }
        if votes.is_header() && votes.filled * 5 >= table.count * 4 {
            found = Some((index, votes));
        } else if votes.filled * 2 > table.count {
            break;
        }
    }
    let (header, votes) = match found {
        Some(found) => found,
        // With empty or equal names, but still no record.
        None => (top, table.votes(top, guesses)),
    };
    let why = Why::TypedBelow { columns: votes.other as u64 };
    let layout =
        Layout { header: Some(header), header_delimiter: None, row_names: false, first: header + 1, why };
    votes.is_header().then_some(layout)
}

/// The line above the first record with the right count, if it holds names: too few, too many, or delimited by something else.
fn near_header(table: &Table<'_>, top: usize, guesses: &[Guess]) -> Option<Layout> {
    if table.votes(top, guesses).is_header() {
        return None;
    }
    // Ragged records may stand between.
    let names = (0..top).rev().take(3).find(|index| table.votes(*index, guesses).same == 0)?;
    let fields_are_one_less = table.kept[names].count as usize + 1 == table.count;
    let layout = |delimiter, columns| Layout {
        header: Some(names),
        header_delimiter: delimiter,
        row_names: fields_are_one_less && names_rows(table, top),
        first: names + 1,
        why: if columns == 0 { Why::Names } else { Why::TypedBelow { columns } },
    };
    let fields = table.fields(names);
    let texts: Vec<&[u8]> = fields.iter().map(|field| table.bytes(field)).collect();
    let votes = table.votes(names, guesses);
    let is_close = texts.len() >= 2 && texts.len() * 2 >= table.count && texts.len() <= table.count * 2;
    let good = texts.iter().filter(|text| is_name(text)).count();
    if is_close && good * 5 >= texts.len() * 4 {
        return Some(layout(None, votes.other as u64));
    }
    let line = &table.records.text[table.kept[names].start as usize..table.kept[names].end as usize];
    OTHER_DELIMITERS.iter().filter(|delimiter| **delimiter != table.dialect.delimiter).find_map(|delimiter| {
        let dialect = Dialect { delimiter: delimiter.to_vec(), ..table.dialect.clone() };
        let other = split(line, &dialect, 1);
        let fields = other.fields(other.records.first()?);
        let all = fields.iter().all(|field| is_name(other.bytes(field).trim_ascii()));
        (fields.len() == table.count && fields.len() > 1 && all).then(|| layout(Some(delimiter.to_vec()), 0))
    })
}

/// Whether the first column has a different value in each record, in quotes or as counted.
fn names_rows(table: &Table<'_>, from: usize) -> bool {
    let mut seen = HashSet::new();
    let mut counted = 0;
    for record in table.kept[from..].iter().filter(|record| table.is_row(record)).take(AGAIN_RECORDS) {
        let first = table.records.fields(record)[0];
        let value = table.bytes(&first);
        counted += 1;
        let is_count = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()) == Some(counted);
        if value.is_empty() || !(first.quoted || is_count) || !seen.insert(value) {
            return false;
        }
    }
    counted > 1
}

/// Whether a field could be a name: not empty, no number or date, no address, not long.
pub(super) fn is_name(field: &[u8]) -> bool {
    if field.is_empty() || field.len() > NAME_BYTES_MAX {
        return false;
    }
    let mut one = Evidence::default();
    one.add(field, false, None, Some(&[]));
    let is_text = one.guess(&Hints::default()).ty == ColumnType::Text && one.sure_order().is_none();
    let has_letter = field.iter().any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
    // A line of a log.
    let has_date = field.get(..10).is_some_and(|part| dates::find(part).is_some());
    let is_address = memchr::memmem::find(field, b"://").is_some() || field.contains(&b'@');
    is_text && has_letter && !has_date && !is_address
}

/// The first record among texts: it holds names unless something speaks against it.
fn by_names(table: &Table<'_>, top: usize, guesses: &[Guess]) -> Result<usize, Why> {
    let votes = table.votes(top, guesses);
    if votes.same > 0 {
        return Err(Why::LikeData { columns: votes.same as u64 });
    }
    let is_full = |index: usize| table.is_modal(index) && table.votes(index, guesses).filled == table.count;
    let mut header = top;
    // A title with empty fields behind it.
    if table.count >= 3 && votes.filled <= 1 {
        header =
            (top..table.kept.len()).take(HEADER_LOOK_RECORDS).find(|index| is_full(*index)).unwrap_or(top);
    }
    let fields = table.fields(header);
    if counts(fields.iter().map(|field| table.bytes(field))) && table.kept.len() > header + 1 {
        return Ok(header);
    }
    let good = fields.iter().filter(|field| is_name(table.bytes(field))).count();
    if good * 5 < fields.len() * 4 || !table.votes(header, guesses).unique {
        return Err(Why::NoNames);
    }
    match codes(table, header) {
        (like, other) if like > other => Err(Why::LikeData { columns: like as u64 }),
        _ => Ok(header),
    }
}

/// `0,1,2` above texts: a program that counts columns.
fn counts<'a>(fields: impl ExactSizeIterator<Item = &'a [u8]>) -> bool {
    fields.len() > 1 && fields.enumerate().all(|(at, field)| field == at.to_string().as_bytes())
}

/// Columns in which the record's field looks like all others (it comes again, or all are codes of one shape), and columns in which
/// all others have one shape and it has not.
fn codes(table: &Table<'_>, header: usize) -> (usize, usize) {
    let (mut like, mut other) = (0, 0);
    let rest: Vec<&Record> =
        table.kept[header + 1..].iter().filter(|record| table.is_row(record)).take(AGAIN_RECORDS).collect();
    for (at, field) in table.fields(header).iter().enumerate() {
        let name = table.bytes(field);
        let mut again = false;
        let mut shapes = HashSet::new();
        for record in &rest {
            let Some(field) = table.records.fields(record).get(at) else { continue };
            let value = table.bytes(field);
            again |= value == name;
            if !value.is_empty() && shapes.len() < 2 {
                shapes.insert(shape(value));
            }
        }
        // Names have no digits where values have, or another length.
        let is_code =
            rest.len() >= 2 && shapes.len() == 1 && shapes.iter().any(|shape| shape.contains(&b'9'));
        let fits = is_code && shapes.contains(&shape(name));
        like += usize::from(again || fits);
        other += usize::from(!again && is_code && !fits);
    }
    (like, other)
}

/// `AB-12` is `AA-99`.
fn shape(value: &[u8]) -> Vec<u8> {
    let class = |byte: &u8| match byte {
        b'0'..=b'9' => b'9',
        b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => b'A',
        other => *other,
    };
    value.iter().take(NAME_BYTES_MAX).map(class).collect()
}

/// Lines that begin with a byte and have not the fields of a record are comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Comments {
    pub byte: u8,
    pub lines: u64,
    /// All are above the first other record.
    pub only_above: bool,
}

/// Finds comments among the records. Below the first real record a line with the right count of fields is no comment, and then no
/// line is.
pub(super) fn comments(records: &SplitText<'_>, count: usize) -> Option<Comments> {
    let starts = |record: &Record, byte: u8| records.text.get(record.start as usize) == Some(&byte);
    [b'#', b'%'].into_iter().find_map(|byte| {
        let own: Vec<usize> =
            (0..records.records.len()).filter(|index| starts(&records.records[*index], byte)).collect();
        let leading = own.iter().enumerate().take_while(|(at, index)| at == *index).count();
        let enough = own.len() >= if byte == b'#' { 1 } else { 2 };
        if !enough || own.len() * 2 > records.records.len() && leading < own.len() {
            return None;
        }
        let only_above = leading == own.len();
        let found = Comments { byte, lines: own.len() as u64, only_above };
        let with_fields = own.iter().filter(|index| records.records[**index].count as usize == count).count();
        if count > 1 {
            // `#id,name` is a header.
            return (with_fields == 0).then_some(found);
        }
        // In a file of one column any line has the right count.
        let is_remark = |index: &usize| {
            let record = &records.records[*index];
            matches!(records.text.get(record.start as usize + 1), Some(b' ' | b'#' | b'%'))
        };
        let all_above = only_above && own.len() < records.records.len();
        (all_above && own.iter().all(is_remark)).then_some(found)
    })
}
