//! Builders of columns: one for each pair of a column's type and an Arrow type that it can become.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_array::builder::{GenericStringBuilder, StringViewBuilder};
use arrow_array::timezone::Tz;
use arrow_array::types::*;
use arrow_array::{ArrayRef, ArrowPrimitiveType, BooleanArray, OffsetSizeTrait, PrimitiveArray};
use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder};
use arrow_cast::parse::Parser;
use arrow_schema::{DataType, TimeUnit};

use super::cells::{Cells, Nulls, Quoting};
use super::{decimal, number, time};
use crate::records::{Field, Form, TEXT_BYTES_MAX};
use crate::rejects::{SpecError, type_name};
use crate::spec::{Column, ColumnType};

/// A field that is no value of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// The record, in the slab.
    pub row: usize,
    /// The column, in the file.
    pub column: usize,
}

/// The fields of a slab that are no values.
#[derive(Debug, Default)]
pub struct Problems {
    /// Column by column.
    pub list: Vec<Problem>,
    /// Whether the first one of a declared column ends the query, so that no more are of use. With a guess it always is so.
    pub first_only: bool,
}

/// Makes an array of fields.
pub trait ColumnBuilder: Send + fmt::Debug {
    /// Adds one value for each record. What is no value is NULL, and a problem.
    fn append(&mut self, cells: &Cells<'_>, problems: &mut Problems);
    /// The array of all values since the last time.
    fn finish(&mut self) -> ArrayRef;
}

/// A builder for the column at `index`.
pub fn builder(
    column: &Column,
    index: usize,
    data_type: &DataType,
) -> Result<Box<dyn ColumnBuilder>, SpecError> {
    let place = ColumnPlace { index, is_guess: !column.declared };
    let unfit =
        || SpecError::Type { name: column.name.clone(), from: type_name(&column.ty), to: data_type.clone() };
    Ok(match (&column.ty, data_type) {
        (ColumnType::Text, DataType::Utf8View) => {
            Box::new(ViewText { place, builder: StringViewBuilder::new() })
        }
        (ColumnType::Text, DataType::Utf8) => Box::new(OffsetText::<i32>::new(place)),
        (ColumnType::Text, DataType::LargeUtf8) => Box::new(OffsetText::<i64>::new(place)),
        (ColumnType::Boolean, DataType::Boolean) => Box::new(Booleans::new(place)),
        (ColumnType::Integer, to) => integers(column, place, to).ok_or_else(unfit)?,
        (ColumnType::Double, DataType::Float64) => double(column, place),
        (ColumnType::Double, DataType::Float32) => numeric::<Float32Type>(column, place, Float32Type::parse),
        (ColumnType::Decimal { .. }, DataType::Decimal128(precision, scale)) => {
            decimals(column, place, *precision, *scale)
                .ok_or_else(|| SpecError::Digits { name: column.name.clone(), ty: type_name(&column.ty) })?
        }
        (ColumnType::Date, DataType::Date32) => dates(column, place),
        (ColumnType::Timestamp { .. }, DataType::Timestamp(unit, zone)) => {
            let zone = zone.as_deref().map(str::parse::<Tz>).transpose().map_err(|_| unfit())?;
            timestamps(column, place, *unit, zone, data_type)
        }
        _ => return Err(unfit()),
    })
}

/// Whether an unquoted text is a value of a column, as far as the column's type says; no text stands for NULL. Of a guessed
/// column, too, whatever would widen the guess.
pub fn is_value(text: &str, column: &Column, data_type: &DataType) -> bool {
    if text.is_empty() || column.ty == ColumnType::Text || text.len() > TEXT_BYTES_MAX {
        return false;
    }
    let declared = Column { declared: true, ..column.clone() };
    let Ok(mut builder) = builder(&declared, 0, data_type) else { return false };
    let field = [Field::new(0, text.len(), Form::Plain)];
    let quoting = Quoting { quote: None, escape: None };
    let cells = Cells { text, fields: &field, stride: 1, quoting, nulls: &[], late_nulls: &[] };
    let mut problems = Problems::default();
    builder.append(&cells, &mut problems);
    problems.list.is_empty()
}

/// Of a column.
#[derive(Debug, Clone, Copy)]
struct ColumnPlace {
    index: usize,
    is_guess: bool,
}

impl ColumnPlace {
    /// Of a column that is not text.
    fn nulls(self) -> Nulls {
        if self.is_guess { Nulls::Guess } else { Nulls::Declared }
    }

    /// Adds a problem. Whether to go on.
    fn problem(self, row: usize, problems: &mut Problems) -> ControlFlow<()> {
        problems.list.push(Problem { row, column: self.index });
        if self.is_guess || problems.first_only { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Numbers, dates and timestamps.
struct Primitive<T: ArrowPrimitiveType, P> {
    place: ColumnPlace,
    data_type: DataType,
    parse: P,
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
    scratch: String,
    /// Of the last batch.
    last_rows: usize,
}

impl<T: ArrowPrimitiveType, P> Primitive<T, P>
where
    P: FnMut(&str) -> Option<T::Native> + Send + 'static,
{
    fn boxed(place: ColumnPlace, data_type: DataType, parse: P) -> Box<dyn ColumnBuilder> {
        let nulls = NullBufferBuilder::new(0);
        let (values, scratch) = (Vec::new(), String::new());
        Box::new(Primitive::<T, P> { place, data_type, parse, values, nulls, scratch, last_rows: 0 })
    }
}

impl<T: ArrowPrimitiveType, P> fmt::Debug for Primitive<T, P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Primitive({:?}, {})", self.place, self.data_type)
    }
}

impl<T: ArrowPrimitiveType, P> ColumnBuilder for Primitive<T, P>
where
    P: FnMut(&str) -> Option<T::Native> + Send,
{
    fn append(&mut self, cells: &Cells<'_>, problems: &mut Problems) {
        let rows = cells.rows();
        let full = self.values.len() + rows;
        // The next batch is most likely as long as the last one.
        self.values.reserve(rows.max(self.last_rows.saturating_sub(self.values.len())));
        let mut scratch = std::mem::take(&mut self.scratch);
        cells.each(self.place.index, self.place.nulls(), &mut scratch, |row, text| {
            let value = text.map(&mut self.parse);
            match value.flatten() {
                Some(value) => {
                    self.values.push(value);
                    self.nulls.append_non_null();
                    ControlFlow::Continue(())
                }
                None => {
                    self.values.push(T::Native::default());
                    self.nulls.append_null();
                    if text.is_some() { self.place.problem(row, problems) } else { ControlFlow::Continue(()) }
                }
            }
        });
        self.scratch = scratch;
        self.nulls.append_n_nulls(full - self.values.len());
        self.values.resize(full, T::Native::default());
    }

    fn finish(&mut self) -> ArrayRef {
        let values = std::mem::take(&mut self.values);
        self.last_rows = values.len();
        let array = PrimitiveArray::<T>::new(values.into(), self.nulls.finish());
        Arc::new(array.with_data_type(self.data_type.clone()))
    }
}

#[derive(Debug)]
struct Booleans {
    place: ColumnPlace,
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
}

impl Booleans {
    fn new(place: ColumnPlace) -> Self {
        Booleans { place, values: BooleanBufferBuilder::new(0), nulls: NullBufferBuilder::new(0) }
    }
}

impl ColumnBuilder for Booleans {
    fn append(&mut self, cells: &Cells<'_>, problems: &mut Problems) {
        let full = self.values.len() + cells.rows();
        cells.each(self.place.index, self.place.nulls(), &mut String::new(), |row, text| {
            let value = text.and_then(boolean);
            self.values.append(value.unwrap_or(false));
            self.nulls.append(value.is_some());
            if text.is_some() && value.is_none() {
                return self.place.problem(row, problems);
            }
            ControlFlow::Continue(())
        });
        let missing = full - self.values.len();
        self.values.append_n(missing, false);
        self.nulls.append_n_nulls(missing);
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(BooleanArray::new(self.values.finish(), self.nulls.finish()))
    }
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else {
        text.eq_ignore_ascii_case("false").then_some(false)
    }
}

#[derive(Debug)]
struct ViewText {
    place: ColumnPlace,
    builder: StringViewBuilder,
}

impl ColumnBuilder for ViewText {
    fn append(&mut self, cells: &Cells<'_>, _: &mut Problems) {
        cells.each(self.place.index, Nulls::Text, &mut String::new(), |_, text| {
            self.builder.append_option(text);
            ControlFlow::Continue(())
        });
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

#[derive(Debug)]
struct OffsetText<O: OffsetSizeTrait> {
    place: ColumnPlace,
    builder: GenericStringBuilder<O>,
}

impl<O: OffsetSizeTrait> OffsetText<O> {
    fn new(place: ColumnPlace) -> Self {
        OffsetText { place, builder: GenericStringBuilder::with_capacity(0, 0) }
    }
}

impl<O: OffsetSizeTrait> ColumnBuilder for OffsetText<O> {
    fn append(&mut self, cells: &Cells<'_>, _: &mut Problems) {
        cells.each(self.place.index, Nulls::Text, &mut String::new(), |_, text| {
            self.builder.append_option(text);
            ControlFlow::Continue(())
        });
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

fn integers(column: &Column, place: ColumnPlace, to: &DataType) -> Option<Box<dyn ColumnBuilder>> {
    Some(match to {
        DataType::Int64 => numeric::<Int64Type>(column, place, number::integer),
        DataType::Int32 => numeric::<Int32Type>(column, place, Int32Type::parse),
        DataType::Int16 => numeric::<Int16Type>(column, place, Int16Type::parse),
        DataType::Int8 => numeric::<Int8Type>(column, place, Int8Type::parse),
        DataType::UInt64 => numeric::<UInt64Type>(column, place, UInt64Type::parse),
        DataType::UInt32 => numeric::<UInt32Type>(column, place, UInt32Type::parse),
        DataType::UInt16 => numeric::<UInt16Type>(column, place, UInt16Type::parse),
        DataType::UInt8 => numeric::<UInt8Type>(column, place, UInt8Type::parse),
        _ => return None,
    })
}

/// Numbers that `parse` reads once they are in the plain form.
fn numeric<T: ArrowPrimitiveType>(
    column: &Column,
    place: ColumnPlace,
    mut parse: impl FnMut(&str) -> Option<T::Native> + Send + 'static,
) -> Box<dyn ColumnBuilder> {
    let format = column.number;
    let to = T::DATA_TYPE;
    if format == Default::default() {
        if !place.is_guess {
            return Primitive::<T, _>::boxed(place, to, parse);
        }
        return Primitive::<T, _>::boxed(
            place,
            to,
            move |text| {
                if number::is_padded(text) { None } else { parse(text) }
            },
        );
    }
    let mut scratch = String::new();
    Primitive::<T, _>::boxed(place, to, move |text| {
        let plain = number::plain(text, format, &mut scratch)?;
        if place.is_guess && number::is_padded(plain) { None } else { parse(plain) }
    })
}

fn double(column: &Column, place: ColumnPlace) -> Box<dyn ColumnBuilder> {
    if !place.is_guess {
        return numeric::<Float64Type>(column, place, number::double);
    }
    numeric::<Float64Type>(column, place, |text| {
        number::double(text).filter(|&value| !number::is_lost(text, value))
    })
}

fn decimals(column: &Column, place: ColumnPlace, precision: u8, scale: i8) -> Option<Box<dyn ColumnBuilder>> {
    let to = DataType::Decimal128(precision, scale);
    let scale = u8::try_from(scale).ok()?;
    if !(1..=38).contains(&precision) || scale > precision {
        return None;
    }
    let (format, is_guess) = (column.number, place.is_guess);
    let mut scratch = String::new();
    Some(Primitive::<Decimal128Type, _>::boxed(place, to, move |text| {
        let plain = number::plain(text, format, &mut scratch)?;
        if is_guess && number::is_padded(plain) {
            return None;
        }
        let decimal = decimal::decimal(plain, precision, scale)?;
        (decimal.is_exact || !is_guess).then_some(decimal.value)
    }))
}

fn dates(column: &Column, place: ColumnPlace) -> Box<dyn ColumnBuilder> {
    let (format, is_guess) = (column.date, place.is_guess);
    Primitive::<Date32Type, _>::boxed(place, DataType::Date32, move |text| {
        if is_guess && time::has_time(text) { None } else { time::date(text, format) }
    })
}

fn timestamps(
    column: &Column,
    place: ColumnPlace,
    unit: TimeUnit,
    zone: Option<Tz>,
    to: &DataType,
) -> Box<dyn ColumnBuilder> {
    let (format, is_guess, to) = (column.date, place.is_guess, to.clone());
    let parse = move |text: &str| {
        let timestamp = time::timestamp(text, format, unit, zone.as_ref())?;
        (timestamp.is_exact || !is_guess).then_some(timestamp.value)
    };
    match unit {
        TimeUnit::Second => Primitive::<TimestampSecondType, _>::boxed(place, to, parse),
        TimeUnit::Millisecond => Primitive::<TimestampMillisecondType, _>::boxed(place, to, parse),
        TimeUnit::Microsecond => Primitive::<TimestampMicrosecondType, _>::boxed(place, to, parse),
        TimeUnit::Nanosecond => Primitive::<TimestampNanosecondType, _>::boxed(place, to, parse),
    }
}
