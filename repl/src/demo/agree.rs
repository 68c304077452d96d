//! Compares two answers: every value exactly, floats to a relative tolerance, because the sums of pushdown are exact
//! and those of DataFusion are rounded at each step.

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::record_batch::RecordBatch;

/// How far apart two floats may be, relative to the larger: rounding errors of 6 million additions stay below.
const TOLERANCE: f64 = 1e-9;

/// The number of rows if the answers agree, else where they differ.
pub fn check(off: &[RecordBatch], on: &[RecordBatch]) -> Result<usize, String> {
    let (off, on) = (whole(off)?, whole(on)?);
    if (off.num_rows(), off.num_columns()) != (on.num_rows(), on.num_columns()) {
        return Err(format!(
            "{} rows of {} columns off, {} rows of {} columns on",
            off.num_rows(),
            off.num_columns(),
            on.num_rows(),
            on.num_columns()
        ));
    }
    for (index, field) in off.schema().fields().iter().enumerate() {
        let (left, right) = (off.column(index), on.column(index));
        if left.data_type() != right.data_type() {
            return Err(format!("{} is {} off, {} on", field.name(), left.data_type(), right.data_type()));
        }
        if left.data_type() == &DataType::Float64 {
            let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
            for (row, (left, right)) in left.iter().zip(right.iter()).enumerate() {
                if !close(left, right) {
                    return Err(format!("{} in row {row} is {left:?} off, {right:?} on", field.name()));
                }
            }
        } else if left.to_data() != right.to_data() {
            return Err(format!("{} is {left:?} off, {right:?} on", field.name()));
        }
    }
    Ok(off.num_rows())
}

fn whole(batches: &[RecordBatch]) -> Result<RecordBatch, String> {
    let first = batches.first().ok_or("there is no answer")?;
    concat_batches(&first.schema(), batches).map_err(|error| error.to_string())
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
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array};

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
        assert_eq!(check(&answer, &batch(Some(1e9 + 0.2), 7)), Ok(1));
        assert!(check(&answer, &batch(Some(1e9 + 10.0), 7)).unwrap_err().contains("float in row 0"));
        assert!(check(&answer, &batch(None, 7)).is_err());
        assert!(check(&answer, &batch(Some(f64::NAN), 7)).is_err());
        assert!(check(&answer, &batch(Some(1e9 + 0.1), 8)).unwrap_err().contains("count"));
        assert!(check(&answer, &[answer.clone(), answer.clone()].concat()).is_err());
        assert!(check(&answer, &[]).is_err());
    }
}
