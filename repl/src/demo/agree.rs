//! Compares two answers: every value exactly, floats to a relative tolerance, because the sums of pushdown are exact
//! and those of DataFusion are rounded at each step.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;

/// How far apart two floats may be, relative to the larger: rounding errors of 6 million additions stay below.
const TOLERANCE: f64 = 1e-9;

/// Where two answers differ, the one with pushdown off and the one with pushdown on.
#[derive(Debug, thiserror::Error)]
pub enum Difference {
    #[error("{} rows of {} columns off, {} rows of {} columns on", off.0, off.1, on.0, on.1)]
    Size { off: (usize, usize), on: (usize, usize) },
    #[error("{column} is {off} off, {on} on")]
    Type { column: String, off: DataType, on: DataType },
    #[error("{column} in row {row} is {off:?} off, {on:?} on")]
    Float { column: String, row: usize, off: Option<f64>, on: Option<f64> },
    #[error("{column} is {off:?} off, {on:?} on")]
    Values { column: String, off: ArrayRef, on: ArrayRef },
    #[error("there is no answer")]
    NoAnswer,
    #[error(transparent)]
    Batches(#[from] ArrowError),
}

/// The number of rows if the answers agree, else where they differ.
pub fn check(off: &[RecordBatch], on: &[RecordBatch]) -> Result<usize, Difference> {
    let (off, on) = (whole(off)?, whole(on)?);
    let size = |batch: &RecordBatch| (batch.num_rows(), batch.num_columns());
    if size(&off) != size(&on) {
        return Err(Difference::Size { off: size(&off), on: size(&on) });
    }
    for (index, field) in off.schema().fields().iter().enumerate() {
        let (left, right) = (off.column(index), on.column(index));
        let column = || field.name().clone();
        if left.data_type() != right.data_type() {
            let (off, on) = (left.data_type().clone(), right.data_type().clone());
            return Err(Difference::Type { column: column(), off, on });
        }
        if left.data_type() == &DataType::Float64 {
            let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
            for (row, (off, on)) in left.iter().zip(right.iter()).enumerate() {
                if !close(off, on) {
                    return Err(Difference::Float { column: column(), row, off, on });
                }
            }
        } else if left.to_data() != right.to_data() {
            let (off, on) = (Arc::clone(left), Arc::clone(right));
            return Err(Difference::Values { column: column(), off, on });
        }
    }
    Ok(off.num_rows())
}

fn whole(batches: &[RecordBatch]) -> Result<RecordBatch, Difference> {
    let first = batches.first().ok_or(Difference::NoAnswer)?;
    Ok(concat_batches(&first.schema(), batches)?)
}

fn close(left: Option<f64>, right: Option<f64>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => {
            left == right || (left - right).abs() <= TOLERANCE * left.abs().max(right.abs())
        }
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Float64Array, Int64Array};

    use super::*;

    fn batch(float: Option<f64>, count: i64) -> Vec<RecordBatch> {
        let columns: [(&str, ArrayRef); 2] = [
            ("float", Arc::new(Float64Array::from(vec![float]))),
            ("count", Arc::new(Int64Array::from(vec![count]))),
        ];
        vec![RecordBatch::try_from_iter(columns).unwrap()]
    }

    #[test]
    fn the_last_digit_of_a_float_may_differ_and_nothing_else() {
        let answer = batch(Some(1e9 + 0.1), 7);
        assert_eq!(check(&answer, &batch(Some(1e9 + 0.2), 7)).unwrap(), 1);
        assert!(
            check(&answer, &batch(Some(1e9 + 10.0), 7)).unwrap_err().to_string().contains("float in row 0")
        );
        assert!(check(&answer, &batch(None, 7)).is_err());
        assert!(check(&answer, &batch(Some(f64::NAN), 7)).is_err());
        assert!(check(&answer, &batch(Some(1e9 + 0.1), 8)).unwrap_err().to_string().contains("count"));
        assert!(check(&answer, &[answer.clone(), answer.clone()].concat()).is_err());
        assert!(check(&answer, &[]).is_err());
    }
}
