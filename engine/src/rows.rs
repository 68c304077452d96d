//! Turns the rows that a program leaves as values into Arrow batches of the scan.
//!
//! In: entries of the output area, and the window that they refer to (see `pushdown::contract::rows`). Out: batches of
//! exactly the schema of the replaced scan, column by column. The values are those that the reader of the scan would have
//! parsed of the same text; nothing is parsed again.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, ArrowPrimitiveType, BooleanArray, BooleanBufferBuilder, GenericStringBuilder,
    LargeStringBuilder, NullBufferBuilder, OffsetSizeTrait, PrimitiveArray, RecordBatch, RecordBatchOptions,
    StringBuilder, StringViewBuilder,
};
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{Result, internal_err};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_expr::projection::ProjectionExprs;
use pushdown::contract::rows::{Place, RowLayout};
use pushdown::contract::steps::ContractError;
use pushdown::fragment::ColumnType;

use crate::columns::Columns;
use crate::numbers::{Number, NumberVisitor, visit_number};

/// Bytes of strings in one buffer of an array: less than from where on malloc asks the kernel for each piece (128 KiB).
const STRING_BLOCK_BYTES: u32 = 64 << 10;

/// How rows of values become batches of a scan.
#[derive(Debug, Clone)]
pub struct RowDecoder {
    /// Of the scan.
    schema: SchemaRef,
    /// Of each column of the scan: which one of the fragment it is.
    projection: Vec<usize>,
    /// Of each column of the fragment.
    types: Vec<ValueKind>,
    layout: RowLayout,
}

/// How the values of one column are read and what they become.
#[derive(Debug, Clone)]
struct ValueKind {
    ty: ColumnType,
    data_type: DataType,
}

impl RowDecoder {
    /// None: the scan computes something, or there is no array for a type. Then the records are handed out raw.
    pub(crate) fn new(
        schema: SchemaRef,
        projection: Option<&ProjectionExprs>,
        columns: &Columns,
    ) -> Option<RowDecoder> {
        let projection = match projection {
            None => (0..columns.columns.len()).collect(),
            Some(projection) => projection
                .expr_iter()
                .map(|expr| columns.find(expr.downcast_ref::<PhysicalColumn>()?).ok().map(|(index, _)| index))
                .collect::<Option<Vec<_>>>()?,
        };
        let kind = |(ty, field): (ColumnType, usize)| ValueKind {
            ty,
            data_type: columns.schema.field(field).data_type().clone(),
        };
        let types: Vec<_> =
            columns.columns.iter().map(|column| (column.ty, column.field)).map(kind).collect();
        let layout = RowLayout::new(types.len());
        let decoder = RowDecoder { schema, projection, types, layout };
        // Tried on no rows, so that a surprise shows at planning.
        RowBuilder::new(&decoder).take().ok().map(|_| decoder)
    }
}

/// Rows on their way into a batch.
pub struct RowBuilder {
    decoder: RowDecoder,
    columns: Vec<Box<dyn ColumnBuilder>>,
    row_count: usize,
    text_bytes: usize,
}

impl fmt::Debug for RowBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowBuilder").field("decoder", &self.decoder).finish_non_exhaustive()
    }
}

impl RowBuilder {
    /// Of no rows.
    pub fn new(decoder: &RowDecoder) -> RowBuilder {
        let columns = decoder.types.iter().map(column_builder).collect();
        RowBuilder { decoder: decoder.clone(), columns, row_count: 0, text_bytes: 0 }
    }

    /// Rows that were put in and not taken out.
    pub fn row_count(&self) -> usize {
        self.row_count
    }

    /// Bytes of the windows from which their strings were taken: their strings have no more.
    pub fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// Reads the entries in `bytes`, a whole number of them. `window`: the bytes of the chunk.
    pub fn entries<'m>(&self, bytes: &'m [u8], window: &'m [u8]) -> Entries<'m> {
        let has_strings = self.decoder.types.iter().any(|kind| kind.ty == ColumnType::String);
        let text = if has_strings { window } else { &[] };
        let text = simdutf8::basic::from_utf8(text)
            .unwrap_or_else(|_| text.utf8_chunks().next().map_or("", |first| first.valid()));
        Entries { words: bytes.as_chunks().0, layout: self.decoder.layout, window, text }
    }

    /// Puts in the rows of some entries, none of which is an exception record's.
    ///
    /// # Errors
    /// An entry refers to bytes outside of the window.
    pub fn push(&mut self, entries: &Entries<'_>) -> Result<(), ContractError> {
        let layout = self.decoder.layout;
        for (index, column) in self.columns.iter_mut().enumerate() {
            let values = ColumnEntries { entries, at: layout.value(index), null: layout.null_bit(index) };
            column.push(&values)?;
        }
        self.row_count += entries.count();
        self.text_bytes += entries.text.len();
        Ok(())
    }

    /// Takes all rows out.
    ///
    /// # Errors
    /// A value does not fit its type, or the bytes of a string are not UTF-8: both are kept out by the program.
    pub fn take(&mut self) -> Result<RecordBatch> {
        let arrays = self.columns.iter_mut().map(|column| column.finish()).collect::<Result<Vec<_>>>()?;
        let arrays = self.decoder.projection.iter().map(|&index| arrays[index].clone()).collect();
        self.text_bytes = 0;
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.row_count)));
        Ok(RecordBatch::try_new_with_options(self.decoder.schema.clone(), arrays, &options)?)
    }
}

/// Entries of the output area, and the window that they refer to.
#[derive(Debug, Clone, Copy)]
pub struct Entries<'m> {
    words: &'m [[u8; 8]],
    layout: RowLayout,
    window: &'m [u8],
    /// As much of the window, from its beginning on, as is UTF-8.
    text: &'m str,
}

impl<'m> Entries<'m> {
    /// How many.
    pub fn count(&self) -> usize {
        self.words.len() / self.layout.words()
    }

    /// Some of them.
    pub fn slice(&self, entries: std::ops::Range<usize>) -> Entries<'m> {
        let words = self.layout.words();
        Entries { words: &self.words[entries.start * words..entries.end * words], ..*self }
    }

    fn words_at(&self, at: usize) -> impl Iterator<Item = u64> {
        self.words.chunks_exact(self.layout.words()).map(move |entry| u64::from_le_bytes(entry[at]))
    }

    /// Where each record lies.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        self.words_at(RowLayout::PLACE).map(Place::from_bits)
    }

    /// The bytes at a place.
    ///
    /// # Errors
    /// They are outside of the window.
    pub fn bytes(&self, place: Place) -> Result<&'m [u8], ContractError> {
        let range = place.range();
        self.window.get(range.clone()).ok_or(ContractError::Place { begin: range.start, end: range.end })
    }

    /// The string at a place; None if it is NULL.
    fn text(&self, place: Place) -> Result<Option<&'m str>, ContractError> {
        let text = match self.text.get(place.range()) {
            Some(text) => text,
            None => std::str::from_utf8(self.bytes(place)?).map_err(|_| ContractError::Text)?,
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

/// One column of some entries.
struct ColumnEntries<'a, 'm> {
    entries: &'a Entries<'m>,
    /// Its word in an entry.
    at: usize,
    /// Its NULL bit: the word, and the bit of it.
    null: (usize, usize),
}

impl ColumnEntries<'_, '_> {
    fn words(&self) -> impl Iterator<Item = u64> {
        self.entries.words_at(self.at)
    }

    /// Adds whether each value is there.
    fn push_nulls(&self, nulls: &mut NullBufferBuilder) {
        let (word, bit) = self.null;
        let is_null = |bits: u64| bits >> bit & 1 == 1;
        if is_null(self.entries.words_at(word).fold(0, |all, bits| all | bits)) {
            self.entries.words_at(word).for_each(|bits| nulls.append(!is_null(bits)));
        } else {
            nulls.append_n_non_nulls(self.entries.count());
        }
    }
}

/// One column on its way into an array.
trait ColumnBuilder: Send {
    fn push(&mut self, values: &ColumnEntries<'_, '_>) -> Result<(), ContractError>;
    fn finish(&mut self) -> Result<ArrayRef>;
}

/// The builder of a column; [`Unknown`], if a program has no values of its type.
fn column_builder(kind: &ValueKind) -> Box<dyn ColumnBuilder> {
    let ty = &kind.data_type;
    if let Some(number) = Number::of(kind.ty) {
        return visit_number(number, ty, NumberBuilder { ty }).unwrap_or(Box::new(Unknown));
    }
    match ty {
        DataType::Utf8 => Box::new(Strings(StringBuilder::new())),
        DataType::LargeUtf8 => Box::new(Strings(LargeStringBuilder::new())),
        DataType::Utf8View => {
            // Blocks that the allocator keeps: a batch has room in some of them.
            Box::new(Strings(StringViewBuilder::new().with_fixed_block_size(STRING_BLOCK_BYTES)))
        }
        _ => Box::new(Unknown),
    }
}

/// Chooses the builder of a column of numbers.
struct NumberBuilder<'a> {
    ty: &'a DataType,
}

impl NumberVisitor for NumberBuilder<'_> {
    type Made = Box<dyn ColumnBuilder>;

    fn primitive<T: ArrowPrimitiveType>(
        self,
        convert: impl Fn(i128) -> T::Native + Send + 'static,
    ) -> Box<dyn ColumnBuilder> {
        Box::new(Numbers::<T, _>::new(self.ty.clone(), convert))
    }

    fn boolean(self) -> Box<dyn ColumnBuilder> {
        Box::new(Booleans::new())
    }
}

/// No array is made of the values of a program, which is found out at planning.
struct Unknown;

impl ColumnBuilder for Unknown {
    fn push(&mut self, _: &ColumnEntries<'_, '_>) -> Result<(), ContractError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        internal_err!("values of a type that no program has")
    }
}

/// Numbers, dates included.
struct Numbers<T: ArrowPrimitiveType, F> {
    data_type: DataType,
    convert: F,
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType, F: Fn(i128) -> T::Native> Numbers<T, F> {
    fn new(data_type: DataType, convert: F) -> Self {
        Numbers { data_type, convert, values: Vec::new(), nulls: NullBufferBuilder::new(0) }
    }
}

impl<T: ArrowPrimitiveType, F: Fn(i128) -> T::Native + Send> ColumnBuilder for Numbers<T, F> {
    fn push(&mut self, values: &ColumnEntries<'_, '_>) -> Result<(), ContractError> {
        self.values.extend(values.words().map(|word| (self.convert)(i128::from(word as i64))));
        values.push_nulls(&mut self.nulls);
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        // The next batch is about as long.
        let next = Vec::with_capacity(self.values.len());
        let values = ScalarBuffer::from(std::mem::replace(&mut self.values, next));
        let array = PrimitiveArray::<T>::try_new(values, self.nulls.finish())?;
        Ok(Arc::new(array.with_data_type(self.data_type.clone())))
    }
}

/// Truth values.
struct Booleans {
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
}

impl Booleans {
    fn new() -> Self {
        Booleans { values: BooleanBufferBuilder::new(0), nulls: NullBufferBuilder::new(0) }
    }
}

impl ColumnBuilder for Booleans {
    fn push(&mut self, values: &ColumnEntries<'_, '_>) -> Result<(), ContractError> {
        values.words().for_each(|word| self.values.append(word != 0));
        values.push_nulls(&mut self.nulls);
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(BooleanArray::new(self.values.finish(), self.nulls.finish())))
    }
}

/// Strings, by the builder of their array.
struct Strings<B>(B);

macro_rules! strings {
    ($builder:ty $(, $parameter:ident)?) => {
        impl$(<$parameter: OffsetSizeTrait>)? ColumnBuilder for Strings<$builder> {
            fn push(&mut self, values: &ColumnEntries<'_, '_>) -> Result<(), ContractError> {
                for place in values.words().map(Place::from_bits) {
                    self.0.append_option(values.entries.text(place)?);
                }
                Ok(())
            }

            fn finish(&mut self) -> Result<ArrayRef> {
                Ok(Arc::new(self.0.finish()))
            }
        }
    };
}

strings!(GenericStringBuilder<O>, O);
strings!(StringViewBuilder);

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::datatypes::{Field, Int8Type, Schema};
    use datafusion::arrow::util::display::array_value_to_string;

    use super::*;
    use crate::sample::Sample;

    fn decoder(types: &[DataType], projection: &[usize]) -> RowDecoder {
        let field = |(index, ty): (usize, &DataType)| Field::new(format!("c{index}"), ty.clone(), true);
        let file = Arc::new(Schema::new(types.iter().enumerate().map(field).collect::<Vec<_>>()));
        let all: Vec<usize> = (0..types.len()).collect();
        let columns = Columns::new(&file, &all, &Sample::default(), |_| false).unwrap();
        let exprs = ProjectionExprs::from_indices(projection, &file);
        RowDecoder::new(Arc::new(file.project(projection).unwrap()), Some(&exprs), &columns).unwrap()
    }

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn place(begin: u64, length: u64) -> u64 {
        length << Place::LENGTH_SHIFT | begin
    }

    #[test]
    fn values_of_all_types() {
        let types = [
            DataType::Int8,
            DataType::UInt64,
            DataType::Float64,
            DataType::Decimal128(38, 2),
            DataType::Date32,
            DataType::Boolean,
            DataType::Utf8,
            DataType::Utf8View,
        ];
        let decoder = decoder(&types, &[7, 6, 5, 4, 3, 2, 1, 0]);
        let mut builder = RowBuilder::new(&decoder);
        let window = "é and more than twelve bytes".as_bytes();
        let minus = |number: i64| number as u64;
        let words = [
            [place(0, 2), 0, minus(-5), 7, minus(-150), 12_345, 19_700_102, 1, place(0, 2), place(3, 25)],
            [place(0, 2), 0b11_1111, 0, 0, 0, 0, 0, 0, 0, 0],
        ];
        let words = bytes(words.as_flattened());
        builder.push(&builder.entries(&words, window)).unwrap();
        let batch = builder.take().unwrap();
        let rows = |row: usize| {
            let cells = batch.columns().iter();
            cells.map(|cells| array_value_to_string(cells, row).unwrap()).collect::<Vec<_>>().join("|")
        };
        assert_eq!(rows(0), "and more than twelve byte|é|true|1970-01-02|123.45|-1.5|7|-5");
        assert_eq!(rows(1), "|||||||");
        assert!(batch.columns().iter().all(|cells| cells.is_null(1)));
        // Nothing is left for the next batch.
        builder.push(&builder.entries(&words, window).slice(0..1)).unwrap();
        assert_eq!(builder.take().unwrap().column(7).as_primitive::<Int8Type>().values(), &[-5]);
    }

    /// Bytes that are no text lie behind the string, in a record that is handed out raw.
    #[test]
    fn a_window_that_is_not_all_text() {
        let decoder = decoder(&[DataType::Utf8View], &[0, 0]);
        let mut builder = RowBuilder::new(&decoder);
        let window = b"a\xffb";
        let words = bytes(&[0, 0, place(0, 1), 0, 0, place(2, 1)]);
        builder.push(&builder.entries(&words, window)).unwrap();
        let batch = builder.take().unwrap();
        let strings: Vec<_> = batch.column(1).as_string_view().iter().collect();
        assert_eq!(strings, [Some("a"), Some("b")]);
    }

    #[test]
    fn places_outside_of_the_window_are_refused() {
        let decoder = decoder(&[DataType::Utf8], &[0]);
        let mut builder = RowBuilder::new(&decoder);
        let words = bytes(&[0, 0, place(2, 2)]);
        let outcome = builder.push(&builder.entries(&words, b"abc"));
        assert_eq!(outcome, Err(ContractError::Place { begin: 2, end: 4 }));
        let words = bytes(&[0, 0, place(0, 1)]);
        let outcome = builder.push(&builder.entries(&words, b"\xff"));
        assert_eq!(outcome, Err(ContractError::Text));
    }
}
