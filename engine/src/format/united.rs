//! Files of one table that have other columns each, which belong together by their names: `union_by_name`.
//!
//! ```text
//! jan.csv   id,price        table  id, price, note      jan.csv has no note: NULL
//! feb.csv   note;id                                     feb.csv has no price: NULL
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use datafusion::arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::object_store::path::Path;
use weir_csv::sniff::{Aspect, Decision, Sniffed, TextReason, Why};
use weir_csv::spec::{Column, ColumnType, CsvSpec};

use super::files::{Order, OtherColumns, display_name};

/// Digits of the largest decimal.
const DECIMAL_DIGITS_MAX: u8 = 38;
/// Digits behind the point that a decimal has in which doubles are, as the reader widens them.
const FRACTION_DIGITS: u8 = 9;

/// The first guess with the columns of all, in the order in which they come first, each with a type that holds its values in all
/// files. None: there is no file.
pub fn union_of<'a>(guesses: impl IntoIterator<Item = &'a Sniffed>) -> Option<Sniffed> {
    let mut guesses = guesses.into_iter().peekable();
    let mut union = guesses.peek().map(|first| (*first).clone())?;
    let mut columns: Vec<(Column, Decision)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for guess in guesses {
        for null in &guess.spec.nulls {
            if !union.spec.nulls.contains(null) {
                union.spec.nulls.push(null.clone());
            }
        }
        // There is a decision on each column, in their order.
        let decisions = guess.decisions.iter().filter(|decision| is_of_column(decision));
        for (column, decision) in guess.spec.columns.iter().zip(decisions) {
            match places.get(column.name.as_str()) {
                None => {
                    places.insert(&column.name, columns.len());
                    columns.push((column.clone(), decision.clone()));
                }
                Some(&place) => unite(&mut columns[place], column, decision),
            }
        }
    }
    union.decisions.retain(|decision| !is_of_column(decision));
    let (columns, decisions): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    union.spec.columns = columns;
    union.decisions.extend(decisions);
    Some(union)
}

/// Adds what another file says of a column.
fn unite((known, why): &mut (Column, Decision), column: &Column, decision: &Decision) {
    if known.declared || has_no_values(decision) {
        return;
    }
    if has_no_values(why) {
        (*known, *why) = (column.clone(), decision.clone());
        return;
    }
    let ty = common(&known.ty, &column.ty);
    if ty != known.ty {
        known.ty = ty;
        *why = decision.clone();
    }
}

fn is_of_column(decision: &Decision) -> bool {
    matches!(decision.part, Aspect::Column(_))
}

/// Whether the column is text only because there is nothing in it.
fn has_no_values(decision: &Decision) -> bool {
    decision.why == Why::Text(TextReason::NoValues)
}

/// The least type that holds the values of both.
fn common(one: &ColumnType, other: &ColumnType) -> ColumnType {
    use ColumnType::{Date, Decimal, Double, Integer, Text, Timestamp};
    // A guess, too: a value with more digits widens it when it is read.
    let decimal = |scale| Decimal { precision: DECIMAL_DIGITS_MAX, scale };
    match (one, other) {
        (one, other) if one == other => one.clone(),
        (Integer, Double) | (Double, Integer) => Double,
        (Integer, Decimal { scale, .. }) | (Decimal { scale, .. }, Integer) => decimal(*scale),
        (Double, Decimal { scale, .. }) | (Decimal { scale, .. }, Double) => {
            decimal(FRACTION_DIGITS.max(*scale))
        }
        (Decimal { scale: one, .. }, Decimal { scale: other, .. }) => decimal(*one.max(other)),
        (Date, Timestamp { digits }) | (Timestamp { digits }, Date) => Timestamp { digits: *digits },
        (Timestamp { digits: one }, Timestamp { digits: other }) => Timestamp { digits: *one.max(other) },
        _ => Text,
    }
}

/// How a file of the table is read: as it is written, with the table's types. An error if it has a column that the table has not.
pub fn order_in(table: &CsvSpec, file: &CsvSpec, location: &Path) -> Result<Order, OtherColumns> {
    let by_name: HashMap<&str, &Column> =
        table.columns.iter().map(|column| (column.name.as_str(), column)).collect();
    let typed = |column: &Column| match by_name.get(column.name.as_str()) {
        Some(known) => Ok(Column { ty: known.ty.clone(), declared: known.declared, ..column.clone() }),
        None => Err(OtherColumns::Unknown { file: display_name(location), column: column.name.clone() }),
    };
    let columns: Vec<Column> = file.columns.iter().map(typed).collect::<Result<_, _>>()?;
    let places: HashMap<&str, usize> =
        columns.iter().enumerate().map(|(place, column)| (column.name.as_str(), place)).collect();
    let fields = table.columns.iter().map(|column| places.get(column.name.as_str()).copied()).collect();
    let (nulls, late_nulls) = (table.nulls.clone(), table.late_nulls.clone());
    let spec = CsvSpec { columns, nulls, late_nulls, ..file.clone() };
    Ok(if spec == *table { Order::SameAsTable } else { Order::Other { spec: spec.into(), fields } })
}

/// Columns of a scan that a file has not.
#[derive(Debug, Clone)]
pub struct Missing {
    /// What is wanted of the table.
    schema: SchemaRef,
    /// Of each of its columns the place among those that are read. None: it is missing.
    places: Vec<Option<usize>>,
}

impl Missing {
    /// None: the file has all columns of the table that are wanted. `fields` are as in [`Order::Other`].
    pub fn of(table: &Schema, wanted: &[usize], fields: &[Option<usize>]) -> Option<Missing> {
        let mut next = 0..;
        let place = |&column: &usize| fields[column].and_then(|_| next.next());
        let places: Vec<Option<usize>> = wanted.iter().map(place).collect();
        let wanted: Vec<_> = wanted.iter().map(|&column| Arc::clone(&table.fields()[column])).collect();
        let schema = Arc::new(Schema::new_with_metadata(wanted, table.metadata().clone()));
        places.contains(&None).then_some(Missing { schema, places })
    }

    /// The rows with NULL in the missing columns.
    pub fn complete(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        let rows = batch.num_rows();
        let column = |(place, field): (&Option<usize>, &FieldRef)| match place {
            Some(place) => Arc::clone(batch.column(*place)),
            None => new_null_array(field.data_type(), rows),
        };
        let columns = self.places.iter().zip(self.schema.fields()).map(column).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_type_holds_the_values_of_both() {
        use ColumnType::{Boolean, Date, Decimal, Double, Integer, Text, Timestamp};
        let decimal = |precision, scale| Decimal { precision, scale };
        for (one, other, expected) in [
            (Integer, Integer, Integer),
            (Integer, Double, Double),
            (Integer, decimal(38, 0), decimal(38, 0)),
            (decimal(12, 2), Integer, decimal(38, 2)),
            (Double, decimal(20, 2), decimal(38, 9)),
            (Double, decimal(38, 0), decimal(38, 9)),
            (decimal(10, 4), decimal(12, 2), decimal(38, 4)),
            (Date, Timestamp { digits: 3 }, Timestamp { digits: 3 }),
            (Timestamp { digits: 6 }, Timestamp { digits: 0 }, Timestamp { digits: 6 }),
            (Boolean, Integer, Text),
            (Date, Integer, Text),
        ] {
            assert_eq!(common(&one, &other), expected, "{one:?} {other:?}");
            assert_eq!(common(&other, &one), expected, "{other:?} {one:?}");
        }
    }
}
