//! What the tests of this crate share.

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};

use crate::reader::{Decoded, Decoder, ReadOptions};
use crate::rejects::Reject;
use crate::spec::{Column, ColumnType, CsvSpec, DateFormat, NumberFormat};

/// Numbers that are the same on each run (xorshift64*).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Another seed, other numbers.
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 to `limit - 1`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit.max(1)
    }

    /// One of them.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// Bytes of `alphabet`.
    pub fn text(&mut self, alphabet: &[u8], length: usize) -> Vec<u8> {
        (0..length).map(|_| self.pick(alphabet)).collect()
    }
}

/// A specification of columns as `a int, b decimal(10,2)?, c text`, of which those with `?` are guessed.
pub fn spec(columns: &str) -> CsvSpec {
    let columns = split_columns(columns).into_iter().filter(|text| !text.is_empty()).map(column).collect();
    CsvSpec { columns, ..CsvSpec::default() }
}

/// At the commas that are in no brackets.
fn split_columns(columns: &str) -> Vec<&str> {
    let mut depth = 0;
    let at_comma = |character: char| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        character == ',' && depth == 0
    };
    columns.split(at_comma).map(str::trim).collect()
}

fn column(text: &str) -> Column {
    let (name, ty) = text.split_once(' ').unwrap();
    let declared = !ty.ends_with('?');
    let ty = ty.trim_end_matches('?');
    let (word, arguments) = ty.split_once('(').unwrap_or((ty, ""));
    let arguments: Vec<u8> =
        arguments.trim_end_matches(')').split(',').filter_map(|number| number.parse().ok()).collect();
    let ty = match (word, arguments.as_slice()) {
        ("text", []) => ColumnType::Text,
        ("bool", []) => ColumnType::Boolean,
        ("int", []) => ColumnType::Integer,
        ("double", []) => ColumnType::Double,
        ("date", []) => ColumnType::Date,
        ("decimal", &[precision, scale]) => ColumnType::Decimal { precision, scale },
        ("timestamp", &[digits]) => ColumnType::Timestamp { digits },
        other => panic!("{other:?} is no type"),
    };
    Column {
        name: name.to_owned(),
        ty,
        declared,
        date: DateFormat::default(),
        number: NumberFormat::default(),
    }
}

/// What reading gave.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// The rows as `a|b`, NULL as `~`.
    pub rows: Vec<String>,
    pub rejects: Vec<Reject>,
    pub error: Option<String>,
}

/// Reads a text that comes in pieces.
pub fn read(text: &[u8], cuts: &[usize], spec: &CsvSpec, options: &ReadOptions) -> Outcome {
    let mut outcome = Outcome { rows: Vec::new(), rejects: Vec::new(), error: None };
    let mut decoder = match Decoder::new(spec, options) {
        Ok(decoder) => decoder,
        Err(error) => return Outcome { error: Some(error.to_string()), ..outcome },
    };
    let mut from = 0;
    for &cut in cuts.iter().chain(&[text.len()]) {
        decoder.push(&text[from..cut]);
        from = cut;
        if cut == text.len() {
            decoder.end();
        }
        loop {
            let decoded = decoder.decode();
            outcome.rejects.append(&mut decoder.take_rejects());
            match decoded {
                Ok(Decoded::Batch(batch)) => outcome.rows.extend(rows_of(&batch)),
                Ok(_) => break,
                Err(error) => {
                    outcome.error = Some(error.to_string());
                    assert!(matches!(decoder.decode(), Ok(Decoded::End)));
                    return outcome;
                }
            }
        }
    }
    outcome
}

/// The rows of a batch.
pub fn rows_of(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("~");
    let columns: Vec<ArrayFormatter<'_>> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
    let row = |row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|");
    (0..batch.num_rows()).map(row).collect()
}
