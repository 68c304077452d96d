//! `<<` and `>>` of integers as what they mean: `a << n` is a times 2 to the power of n, and `a >> n` is a divided by it, rounded down.
//!
//! The processor takes a count of 64 for 0, and drops the bits that leave a number; here a result that does not fit is an error. What
//! is shifted to the right by more bits than it has is 0, or -1.

use datafusion::arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, PrimitiveArray};
use datafusion::arrow::datatypes::{
    DataType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use datafusion::arrow::error::ArrowError;

/// The digits go up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Left,
    Right,
}

/// Both operands are of one type. A negative count is an invalid argument.
pub(super) fn shift(
    value: &dyn Datum,
    count: &dyn Datum,
    direction: Direction,
) -> Result<ArrayRef, ArrowError> {
    match value.get().0.data_type() {
        DataType::Int8 => shift_as::<Int8Type>(value, count, direction),
        DataType::Int16 => shift_as::<Int16Type>(value, count, direction),
        DataType::Int32 => shift_as::<Int32Type>(value, count, direction),
        DataType::Int64 => shift_as::<Int64Type>(value, count, direction),
        DataType::UInt8 => shift_as::<UInt8Type>(value, count, direction),
        DataType::UInt16 => shift_as::<UInt16Type>(value, count, direction),
        DataType::UInt32 => shift_as::<UInt32Type>(value, count, direction),
        DataType::UInt64 => shift_as::<UInt64Type>(value, count, direction),
        other => Err(ArrowError::NotYetImplemented(format!("a shift of {other}"))),
    }
}

fn shift_as<T>(value: &dyn Datum, count: &dyn Datum, direction: Direction) -> Result<ArrayRef, ArrowError>
where
    T: ArrowPrimitiveType<Native: Into<i128> + TryFrom<i128>>,
{
    let ((values, one_value), (counts, one_count)) = (value.get(), count.get());
    let rows = if one_value { counts.len() } else { values.len() };
    let (values, counts) = (values.as_primitive::<T>(), counts.as_primitive::<T>());
    let at = |array: &PrimitiveArray<T>, is_one: bool, row: usize| -> Option<i128> {
        let row = if is_one { 0 } else { row };
        array.is_valid(row).then(|| array.value(row).into())
    };
    let shifted = |row| match (at(values, one_value, row), at(counts, one_count, row)) {
        (Some(value), Some(count)) => shifted(value, count, direction).map(Some),
        _ => Ok(None),
    };
    let shifted: PrimitiveArray<T> = (0..rows).map(shifted).collect::<Result<_, _>>()?;
    Ok(std::sync::Arc::new(shifted))
}

fn shifted<T: TryFrom<i128>>(value: i128, count: i128, direction: Direction) -> Result<T, ArrowError> {
    let operator = if direction == Direction::Left { "<<" } else { ">>" };
    let operands = || format!("{value} {operator} {count}");
    let bits = u32::try_from(count).map_err(|_| ArrowError::InvalidArgumentError(operands()))?;
    let shifted = match direction {
        // Numbers of 64 bits have room for as many more.
        Direction::Left if value == 0 => Some(0),
        Direction::Left => 1i128.checked_shl(bits.min(127)).and_then(|factor| value.checked_mul(factor)),
        Direction::Right => Some(value >> bits.min(127)),
    };
    let fitting = shifted.and_then(|shifted| T::try_from(shifted).ok());
    fitting.ok_or_else(|| ArrowError::ArithmeticOverflow(format!("Overflow happened on: {}", operands())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_a_product_or_a_quotient() {
        use Direction::{Left, Right};
        for (value, count, direction, expected) in [
            (1, 3, Left, Some(8)),
            (-1, 63, Left, Some(i64::MIN)),
            (1, 62, Left, Some(1 << 62)),
            (1, 63, Left, None),
            (3, 62, Left, None),
            (-3, 62, Left, None),
            (0, 1000, Left, Some(0)),
            (1, 1000, Left, None),
            (-5, 1, Right, Some(-3)),
            (-5, 1000, Right, Some(-1)),
            (5, 64, Right, Some(0)),
        ] {
            let found = shifted::<i64>(value, count, direction);
            assert_eq!(found.ok(), expected, "{value} {direction:?} {count}");
        }
        for direction in [Left, Right] {
            let error = shifted::<i64>(1, -1, direction).unwrap_err();
            assert!(matches!(error, ArrowError::InvalidArgumentError(_)), "{error}");
        }
        assert_eq!(shifted::<u64>(1, 63, Left).ok(), Some(1 << 63));
        assert!(shifted::<i8>(1, 7, Left).is_err());
    }
}
