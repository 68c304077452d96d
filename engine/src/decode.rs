//! Turns the words that a program leaves behind into Arrow batches of partial state.
//!
//! In: the accumulators of an ungrouped aggregation, or the entries of the group table, as 64-bit words (see
//! `pushdown::contract`). Out: batches of exactly the schema that the replaced AggregateExec has, column by column.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, ArrowPrimitiveType, BooleanArray, LargeStringBuilder, PrimitiveArray, RecordBatch,
    RecordBatchOptions, StringBuilder, StringViewBuilder,
};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{DataFusionError, Result};
use pushdown::contract::groups::GroupLayout;
use pushdown::fragment::{Aggregate, Key};

use crate::columns::Columns;
use crate::decline::{DeclineReason, UnexpectedShape};
use crate::numbers::{Number, NumberVisitor, visit_number};

/// Which words of an aggregate a column of the partial state is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateKind {
    /// The count of a count.
    Count,
    /// The count of a sum: one of the two columns of an average.
    SumCount,
    /// The count of a sum, as that of a count.
    CountOfSum,
    /// The sum of a sum, NULL when nothing was added.
    Sum(Number),
    /// A least or greatest value, NULL when there was none.
    Extreme(Number),
}

/// One column of the partial state: a part of one aggregate of the fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StateColumn {
    pub aggregate: usize,
    pub kind: StateKind,
}

/// How a column is read from the words of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A number in one word, NULL if the bit is set in the head.
    KeyNumber { at: usize, null_bit: usize, number: Number },
    /// A length and bytes, NULL if the bit is set in the head.
    KeyString { at: usize, words: usize, null_bit: usize },
    /// A number of records.
    Count { at: usize },
    /// One word, NULL if the word at `count_at` is 0.
    Word { at: usize, count_at: usize, number: Number },
    /// Two words, NULL if the word at `count_at` is 0.
    Wide { at: usize, count_at: usize, number: Number },
}

/// Makes batches of partial state.
#[derive(Debug, Clone)]
pub struct StateDecoder {
    schema: SchemaRef,
    sources: Vec<Source>,
    group: GroupLayout,
}

impl StateDecoder {
    /// Lays out a row as an entry of the group table. The columns of `schema` are the keys and then `state`.
    pub(crate) fn new(
        schema: SchemaRef,
        columns: &Columns,
        keys: &[Key],
        aggregates: &[Aggregate],
        state: Vec<StateColumn>,
    ) -> Result<Self, DeclineReason> {
        let mut sources = Vec::with_capacity(keys.len() + state.len());
        let mut at = GroupLayout::KEYS;
        for (index, key) in keys.iter().enumerate() {
            sources.push(key_source(columns, key, at, GroupLayout::null_bit(index)));
            at += key.words();
        }
        let key_words = at - GroupLayout::KEYS;
        let mut starts = Vec::with_capacity(aggregates.len());
        for aggregate in aggregates {
            starts.push(at);
            at += aggregate.function.state_words();
        }
        sources.extend(state.iter().map(|column| {
            let words = aggregates[column.aggregate].function.state_words();
            state_source(column.kind, starts[column.aggregate], words)
        }));
        let state_words = aggregates.iter().map(|each| each.function.state_words()).sum();
        let group = GroupLayout::new(key_words, state_words);
        let decoder = StateDecoder { schema, sources, group };
        decoder.check()?;
        Ok(decoder)
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The one row of an ungrouped aggregation, from its accumulators.
    pub fn decode_accumulators(&self, words: &[u64]) -> Result<RecordBatch> {
        assert_eq!(self.group.state(), GroupLayout::KEYS, "accumulators have no keys");
        let mut entry = vec![GroupLayout::OCCUPIED];
        entry.extend_from_slice(&words[..self.group.words() - entry.len()]);
        self.decode_groups(&entry)
    }

    /// One row for each group. `entries` is a whole number of group table entries; free ones are skipped.
    pub fn decode_groups(&self, entries: &[u64]) -> Result<RecordBatch> {
        let words = self.group.words();
        assert!(entries.len().is_multiple_of(words), "whole entries");
        let is_group = |entry: &&[u64]| entry[GroupLayout::HEAD] & GroupLayout::OCCUPIED != 0;
        let rows: Vec<&[u64]> = entries.chunks_exact(words).filter(is_group).collect();
        let arrays = self
            .sources
            .iter()
            .zip(self.schema.fields())
            .map(|(source, field)| column(*source, field.data_type(), &rows))
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?)
    }

    /// Every column can be made: tried on no rows, so that a surprise shows at planning.
    fn check(&self) -> Result<(), DeclineReason> {
        if self.sources.len() != self.schema.fields().len() {
            return Err(DeclineReason::Shape(UnexpectedShape::StateColumns));
        }
        let made = self.decode_groups(&[]);
        made.map(|_| ()).map_err(|_| DeclineReason::Shape(UnexpectedShape::StateType))
    }
}

fn key_source(columns: &Columns, key: &Key, at: usize, null_bit: usize) -> Source {
    match Number::of(columns.columns[key.column].ty) {
        None => Source::KeyString { at, words: key.words(), null_bit },
        Some(number) => Source::KeyNumber { at, null_bit, number },
    }
}

/// `words` tells the forms of sums apart: value and count, or low, high and count.
fn state_source(kind: StateKind, at: usize, words: usize) -> Source {
    let count_at = at + words - 1;
    match kind {
        StateKind::Count => Source::Count { at },
        StateKind::CountOfSum => Source::Count { at: count_at },
        // avg takes a group for one with values when its count is not NULL.
        StateKind::SumCount => Source::Word { at: count_at, count_at, number: Number::Int },
        StateKind::Sum(number) if words == 3 => Source::Wide { at, count_at, number },
        StateKind::Sum(number) | StateKind::Extreme(number) => Source::Word { at, count_at, number },
    }
}

fn column(source: Source, ty: &DataType, rows: &[&[u64]]) -> Result<ArrayRef> {
    match source {
        Source::KeyString { at, words, null_bit } => strings(ty, rows, at, words, null_bit),
        Source::Count { at } => numbers(ty, Number::Int, rows, |row| Some(i128::from(row[at]))),
        Source::KeyNumber { at, null_bit, number } => numbers(ty, number, rows, |row| {
            (row[GroupLayout::HEAD] >> null_bit & 1 == 0).then(|| i128::from(row[at] as i64))
        }),
        Source::Word { at, count_at, number } => {
            numbers(ty, number, rows, |row| (row[count_at] != 0).then(|| i128::from(row[at] as i64)))
        }
        Source::Wide { at, count_at, number } => numbers(ty, number, rows, |row| {
            let wide = u128::from(row[at + 1]) << 64 | u128::from(row[at]);
            (row[count_at] != 0).then_some(wide as i128)
        }),
    }
}

/// The numbers of a column.
fn numbers(
    ty: &DataType,
    number: Number,
    rows: &[&[u64]],
    read: impl Fn(&[u64]) -> Option<i128>,
) -> Result<ArrayRef> {
    let values = rows.iter().map(|row| read(row));
    visit_number(number, ty, Collect { values, ty }).ok_or_else(|| unexpected(ty))
}

/// Collects values into an array.
struct Collect<'a, V> {
    values: V,
    ty: &'a DataType,
}

impl<V: Iterator<Item = Option<i128>>> NumberVisitor for Collect<'_, V> {
    type Made = ArrayRef;

    fn primitive<T: ArrowPrimitiveType>(
        self,
        convert: impl Fn(i128) -> T::Native + Send + 'static,
    ) -> ArrayRef {
        let values: PrimitiveArray<T> = self.values.map(|value| value.map(&convert)).collect();
        Arc::new(values.with_data_type(self.ty.clone()))
    }

    fn boolean(self) -> ArrayRef {
        Arc::new(self.values.map(|value| value.map(|value| value != 0)).collect::<BooleanArray>())
    }
}

fn strings(ty: &DataType, rows: &[&[u64]], at: usize, words: usize, null_bit: usize) -> Result<ArrayRef> {
    let mut bytes = Vec::with_capacity(words * 8);
    macro_rules! build {
        ($builder:expr) => {{
            let mut builder = $builder;
            for row in rows {
                if row[GroupLayout::HEAD] >> null_bit & 1 == 1 {
                    builder.append_null();
                } else {
                    builder.append_value(string(&row[at..at + words], &mut bytes)?);
                }
            }
            Arc::new(builder.finish())
        }};
    }
    Ok(match ty {
        DataType::Utf8 => build!(StringBuilder::new()),
        DataType::LargeUtf8 => build!(LargeStringBuilder::new()),
        DataType::Utf8View => build!(StringViewBuilder::new()),
        _ => return Err(unexpected(ty)),
    })
}

/// The text of a string key: its length, then its bytes.
fn string<'a>(words: &[u64], bytes: &'a mut Vec<u8>) -> Result<&'a str> {
    bytes.clear();
    bytes.extend(words[1..].iter().flat_map(|word| word.to_le_bytes()));
    bytes.truncate(usize::try_from(words[0]).unwrap_or(usize::MAX));
    // A program sends records with invalid UTF-8 up as exceptions.
    std::str::from_utf8(bytes).map_err(|error| DataFusionError::External(Box::new(error)))
}

fn unexpected(ty: &DataType) -> DataFusionError {
    DataFusionError::Internal(format!("partial state of type {ty} cannot be made from a program's words"))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::datatypes::{
        Date32Type, Decimal128Type, Decimal256Type, Field, Float64Type, Int64Type, Schema, i256,
    };
    use pushdown::aggregates::{AggregateFunction, Count, MinMax, Sum};

    use super::*;
    use crate::sample::Sample;

    fn decoder(
        fields: Vec<Field>,
        keys: &[Key],
        functions: Vec<AggregateFunction>,
        state: &[StateColumn],
    ) -> StateDecoder {
        let file = Arc::new(Schema::new(vec![
            Field::new("name", DataType::Utf8View, true),
            Field::new("day", DataType::Date32, true),
        ]));
        let columns = Columns::new(&file, &[0, 1], &Sample::default(), |_| false).unwrap();
        let aggregates: Vec<_> = functions
            .into_iter()
            .map(|function| Aggregate { function, arguments: vec![], filter: None })
            .collect();
        StateDecoder::new(Arc::new(Schema::new(fields)), &columns, keys, &aggregates, state.to_vec()).unwrap()
    }

    #[test]
    fn groups_with_keys_of_all_kinds() {
        let keys = [Key { column: 0, string_bytes_max: 8 }, Key { column: 1, string_bytes_max: 0 }];
        let fields = vec![
            Field::new("name", DataType::Utf8View, true),
            Field::new("day", DataType::Date32, true),
            Field::new("count", DataType::Int64, false),
        ];
        let count = Count::NonNull.into();
        let state = [StateColumn { aggregate: 0, kind: StateKind::Count }];
        let decoder = decoder(fields, &keys, vec![count], &state);
        let text = u64::from_le_bytes(*b"apple\0\0\0");
        let entries = [[0b001, 5, text, 19700102, 7], [0; 5], [0b111, 0, 0, 0, 9]].concat();
        let batch = decoder.decode_groups(&entries).unwrap();
        assert_eq!(batch.num_rows(), 2);
        let names: Vec<_> = batch.column(0).as_string_view().iter().collect();
        assert_eq!(names, [Some("apple"), None]);
        let days: Vec<_> = batch.column(1).as_primitive::<Date32Type>().iter().collect();
        assert_eq!(days, [Some(1), None]);
        assert_eq!(batch.column(2).as_primitive::<Int64Type>().values(), &[7, 9]);
    }

    #[test]
    fn accumulators_of_all_kinds() {
        let float = Number::Float { scale: 2 };
        let functions = vec![
            AggregateFunction::Sum(Sum::Exact),
            AggregateFunction::Sum(Sum::Wrap),
            AggregateFunction::MinMax(MinMax::Min),
        ];
        let state = [
            (0, StateKind::SumCount),
            (0, StateKind::Sum(float)),
            (0, StateKind::Sum(Number::Decimal)),
            (0, StateKind::Sum(Number::Decimal)),
            (1, StateKind::Sum(Number::Int)),
            (2, StateKind::Extreme(float)),
        ]
        .map(|(aggregate, kind)| StateColumn { aggregate, kind });
        let types = [
            DataType::UInt64,
            DataType::Float64,
            DataType::Decimal128(38, 2),
            DataType::Decimal256(76, 2),
            DataType::Int64,
            DataType::Float64,
        ];
        let fields = types.map(|ty| Field::new("state", ty, true)).to_vec();
        let decoder = decoder(fields, &[], functions, &state);
        let minus_12_34 = -1234i128 as u128;
        let words = [minus_12_34 as u64, (minus_12_34 >> 64) as u64, 3, u64::MAX, 1, 55, 0];
        let batch = decoder.decode_accumulators(&words).unwrap();
        assert_eq!(batch.column(1).as_primitive::<Float64Type>().value(0), -12.34);
        assert_eq!(batch.column(2).as_primitive::<Decimal128Type>().value(0), -1234);
        assert_eq!(batch.column(3).as_primitive::<Decimal256Type>().value(0), i256::from(-1234));
        assert_eq!(batch.column(4).as_primitive::<Int64Type>().value(0), -1);
        assert!(batch.column(5).is_null(0));
    }
}
