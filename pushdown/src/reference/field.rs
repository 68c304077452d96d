//! The text of a field into a value: the grammars of [`ColumnType`], to the letter.

use super::value::Value;
use crate::fragment::ColumnType;

/// Digits of the largest power of ten below 2^63, less one: any number of so many digits fits into an `i64`.
const DIGITS_MAX: usize = 18;

/// The value of a text that is not empty. None outside the grammar of the type.
pub(super) fn value(ty: ColumnType, text: &[u8]) -> Option<Value<'_>> {
    match ty {
        ColumnType::Int { bits, signed } => {
            let number = Number::read(text, DIGITS_MAX, 0)?;
            let (min, max) = match signed {
                true => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
                false => (0, (1i128 << bits) - 1),
            };
            let has_sign_or_none_allowed = signed || !number.negative;
            let fits = has_sign_or_none_allowed && (min..=max).contains(&number.value.into());
            fits.then_some(Value::I64(number.value))
        }
        ColumnType::Float { scale } => {
            let number = Number::read(text, 15, scale.into())?;
            // Integers have one zero only.
            let is_negative_zero = number.negative && number.value == 0;
            (!is_negative_zero).then_some(Value::I64(number.value))
        }
        ColumnType::Decimal { precision, scale } => {
            let number = Number::read(text, DIGITS_MAX, scale.into())?;
            let limit = 10i128.pow(precision.into());
            (i128::from(number.value).abs() < limit).then_some(Value::I64(number.value))
        }
        ColumnType::Date => date(text).map(Value::I64),
        ColumnType::Boolean => match text {
            b"true" => Some(Value::Bool(true)),
            b"false" => Some(Value::Bool(false)),
            _ => None,
        },
        ColumnType::String => Some(Value::Bytes(text)),
    }
}

/// Whether a number has a zero in front of another digit.
pub(super) fn is_padded(ty: ColumnType, text: &[u8]) -> bool {
    let is_number =
        matches!(ty, ColumnType::Int { .. } | ColumnType::Float { .. } | ColumnType::Decimal { .. });
    is_number && matches!(text.strip_prefix(b"-").unwrap_or(text), [b'0', b'0'..=b'9', ..])
}

/// `-?[0-9]+(\.[0-9]+)?`
struct Number {
    negative: bool,
    /// With its sign, in units of `10^-scale`.
    value: i64,
}

impl Number {
    /// None for a text outside the grammar, with more than `digits_max` digits in all, with more than `scale`
    /// behind the point, or with so many before it that the value might not fit. A scale of 0 allows no point.
    fn read(text: &[u8], digits_max: usize, scale: usize) -> Option<Number> {
        let (negative, text) = match text {
            [b'-', text @ ..] => (true, text),
            text => (false, text),
        };
        let (whole, fraction) = match text.iter().position(|byte| *byte == b'.') {
            Some(point) => (&text[..point], Some(&text[point + 1..])),
            None => (text, None),
        };
        let is_digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        if !is_digits(whole) || !fraction.is_none_or(is_digits) {
            return None;
        }
        let fraction = fraction.unwrap_or_default();
        let digits = whole.len() + fraction.len();
        if digits > digits_max || fraction.len() > scale || whole.len() + scale > DIGITS_MAX {
            return None;
        }
        let zeros = std::iter::repeat_n(&b'0', scale - fraction.len());
        let magnitude = whole.iter().chain(fraction).chain(zeros);
        let magnitude = magnitude.fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        Some(Number { negative, value: if negative { -magnitude } else { magnitude } })
    }
}

fn date(text: &[u8]) -> Option<i64> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else { return None };
    let number = |digits: &[u8]| {
        let all_digits = digits.iter().all(u8::is_ascii_digit);
        all_digits.then(|| digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
    };
    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    (year >= 1 && (1..=days).contains(&day)).then_some(year * 10000 + month * 100 + day)
}
