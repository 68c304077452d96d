//! What a guess becomes when a value does not fit it.
//!
//! Each type goes to one that holds everything that was read before, and this value: integer to decimal or double, those to
//! a decimal with more digits, all to text at last. So a file is read again a few times at most.

use super::decimal::digits_needed;
use super::number::{double, integer, is_padded, plain};
use super::time;
use crate::spec::{Column, ColumnType};

/// Digits of the largest decimal.
const DECIMAL_DIGITS_MAX: usize = 38;
/// Digits behind the point for a column that was a double, whose other values are not known.
const FRACTION_DIGITS: usize = 9;

/// The least type that holds what the column's guess does, and the value.
pub fn wider(column: &Column, value: &str) -> ColumnType {
    match column.ty {
        ColumnType::Text | ColumnType::Boolean => ColumnType::Text,
        ColumnType::Integer | ColumnType::Double | ColumnType::Decimal { .. } => {
            let mut scratch = String::new();
            match plain(value, column.number, &mut scratch) {
                Some(plain) if !is_padded(plain) => wider_number(&column.ty, plain),
                _ => ColumnType::Text,
            }
        }
        ColumnType::Date => match time::digits_needed(value, column.date) {
            Some(digits) => ColumnType::Timestamp { digits },
            None => ColumnType::Text,
        },
        ColumnType::Timestamp { digits } => match time::digits_needed(value, column.date) {
            Some(needed) if needed > digits => ColumnType::Timestamp { digits: needed },
            _ => ColumnType::Text,
        },
    }
}

fn wider_number(ty: &ColumnType, value: &str) -> ColumnType {
    let Some((whole, fraction)) = digits_needed(value) else {
        // `NaN` is a double, among integers too.
        return if *ty == ColumnType::Integer && double(value).is_some() {
            ColumnType::Double
        } else {
            ColumnType::Text
        };
    };
    let is_whole = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let scale = match *ty {
        ColumnType::Integer if !is_whole => return ColumnType::Double,
        ColumnType::Integer if integer(value).is_none() => 0,
        // How many digits its other values have behind the point is not known: these are the first try.
        ColumnType::Double => fraction.max(FRACTION_DIGITS.min(DECIMAL_DIGITS_MAX.saturating_sub(whole))),
        ColumnType::Decimal { scale, .. } => fraction.max(usize::from(scale)),
        _ => return ColumnType::Text,
    };
    let precision = DECIMAL_DIGITS_MAX;
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision), Ok(scale)) if whole + usize::from(scale) <= DECIMAL_DIGITS_MAX => {
            let wider = ColumnType::Decimal { precision, scale };
            if wider == *ty { ColumnType::Text } else { wider }
        }
        _ => ColumnType::Text,
    }
}
