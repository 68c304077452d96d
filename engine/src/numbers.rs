//! Numbers and dates as the integers that a program holds, and the Arrow types that they become.
//!
//! A float is the number of `10^-scale` that its text says; back comes the double that is nearest to it. A date is days
//! since 1970-01-01 in Arrow and the number `YYYYMMDD` in a program; both orders are the same.

use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type, i256,
};
use pushdown::fragment::ColumnType;
use weir_csv::POWERS_OF_TEN;

/// What an integer of a program stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// An integer or, if the Arrow type says so, a boolean.
    Int,
    /// A number of `10^-scale`, whose nearest double is meant.
    Float {
        /// Digits behind the point.
        scale: u8,
    },
    /// A number of `10^-scale`, with the scale of the Arrow type.
    Decimal,
    /// `YYYYMMDD`.
    Date,
}

impl Number {
    /// What the values of a column are. None: strings.
    pub fn of(ty: ColumnType) -> Option<Number> {
        Some(match ty {
            ColumnType::String => return None,
            ColumnType::Int { .. } | ColumnType::Boolean => Number::Int,
            ColumnType::Float { scale } => Number::Float { scale },
            ColumnType::Decimal { .. } => Number::Decimal,
            ColumnType::Date => Number::Date,
        })
    }
}

/// What makes Arrow values of a program's integers, once it is known which.
pub(crate) trait NumberVisitor {
    /// What it makes.
    type Made;
    /// Values of a primitive type.
    fn primitive<T: ArrowPrimitiveType>(
        self,
        convert: impl Fn(i128) -> T::Native + Send + 'static,
    ) -> Self::Made;
    /// Truth values: all but 0 is true.
    fn boolean(self) -> Self::Made;
}

/// The Arrow values that a program's integers become. Those of an integer are cut to the width of the type: sums wrap, and the
/// others fit. None: there is no such type.
pub(crate) fn visit_number<V: NumberVisitor>(number: Number, ty: &DataType, visitor: V) -> Option<V::Made> {
    Some(match (number, ty) {
        (Number::Int, DataType::Int8) => visitor.primitive::<Int8Type>(|value| value as i8),
        (Number::Int, DataType::Int16) => visitor.primitive::<Int16Type>(|value| value as i16),
        (Number::Int, DataType::Int32) => visitor.primitive::<Int32Type>(|value| value as i32),
        (Number::Int, DataType::Int64) => visitor.primitive::<Int64Type>(|value| value as i64),
        (Number::Int, DataType::UInt8) => visitor.primitive::<UInt8Type>(|value| value as u8),
        (Number::Int, DataType::UInt16) => visitor.primitive::<UInt16Type>(|value| value as u16),
        (Number::Int, DataType::UInt32) => visitor.primitive::<UInt32Type>(|value| value as u32),
        (Number::Int, DataType::UInt64) => visitor.primitive::<UInt64Type>(|value| value as u64),
        (Number::Int, DataType::Boolean) => visitor.boolean(),
        (Number::Float { scale }, DataType::Float64) => {
            visitor.primitive::<Float64Type>(move |value| double(value, scale))
        }
        (Number::Date, DataType::Date32) => {
            visitor.primitive::<Date32Type>(|value| days_from_yyyymmdd(value as i64))
        }
        (Number::Int | Number::Decimal, DataType::Decimal128(..)) => {
            visitor.primitive::<Decimal128Type>(|value| value)
        }
        (Number::Decimal, DataType::Decimal256(..)) => visitor.primitive::<Decimal256Type>(i256::from_i128),
        _ => return None,
    })
}

/// The double nearest to `number * 10^-scale`, rounded once.
pub(crate) fn double(number: i128, scale: u8) -> f64 {
    // Both sides are doubles, exactly, so that the division is the only rounding.
    if let Some(power) = POWERS_OF_TEN.get(usize::from(scale))
        && number.unsigned_abs() < 1 << 53
    {
        return number as i64 as f64 / power;
    }
    // Parsing rounds correctly. An integer with an exponent always parses.
    format!("{number}e-{scale}").parse().unwrap_or(f64::NAN)
}

/// Less than the first date that a program reads, 0001-01-01.
const BEFORE_ALL: i64 = 0;
/// Greater than the last date that a program reads, 9999-12-31.
const AFTER_ALL: i64 = 99_999_999;

/// Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar.
const EPOCH_OFFSET_DAYS: i64 = 719_468;
/// Days in 400 years.
const ERA_DAYS: i64 = 146_097;

/// The constant to compare with instead of a day. A day outside the years 1 to 9999 becomes a number beyond all dates
/// that a program can read, so that every comparison comes out as it would with the day itself.
pub(crate) fn yyyymmdd_from_days(days: i32) -> i64 {
    // The calendar is counted from March, so that the day of a leap year is the last one; an era is 400 years.
    let since_march = i64::from(days) + EPOCH_OFFSET_DAYS;
    let era = since_march.div_euclid(ERA_DAYS);
    let day_of_era = since_march.rem_euclid(ERA_DAYS);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    match year {
        ..=0 => BEFORE_ALL,
        10_000.. => AFTER_ALL,
        _ => year * 10_000 + month * 100 + day,
    }
}

/// The day that a program's number stands for.
pub(crate) fn days_from_yyyymmdd(number: i64) -> i32 {
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    let year_from_march = if month <= 2 { year - 1 } else { year };
    let era = year_from_march.div_euclid(400);
    let year_of_era = year_from_march.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    // Four-digit years are about four million days at most: they fit.
    (era * ERA_DAYS + day_of_era - EPOCH_OFFSET_DAYS) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        for (days, number) in [(0, 19700101), (-1, 19691231), (11_016, 20000229), (8_035, 19920101)] {
            assert_eq!(yyyymmdd_from_days(days), number);
            assert_eq!(days_from_yyyymmdd(number), days);
        }
    }

    #[test]
    fn every_day_comes_back_and_the_order_is_kept() {
        let (first, last) = (days_from_yyyymmdd(10101), days_from_yyyymmdd(99991231));
        let mut previous = BEFORE_ALL;
        for days in first..=last {
            let number = yyyymmdd_from_days(days);
            assert!(number > previous, "{days}");
            assert_eq!(days_from_yyyymmdd(number), days);
            previous = number;
        }
        assert_eq!(yyyymmdd_from_days(first - 1), BEFORE_ALL);
        assert_eq!(yyyymmdd_from_days(last + 1), AFTER_ALL);
        assert_eq!(yyyymmdd_from_days(i32::MIN), BEFORE_ALL);
        assert_eq!(yyyymmdd_from_days(i32::MAX), AFTER_ALL);
    }
}
