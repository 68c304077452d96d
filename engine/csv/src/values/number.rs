//! Integers and doubles, and numbers as people write them to the plain form.

use arrow_array::types::{Float64Type, Int64Type};
use arrow_cast::parse::Parser;

use crate::spec::NumberFormat;

/// 18 nines are less than 2^63.
const INTEGER_DIGITS_MAX: usize = 18;
/// Whole numbers up to it are doubles, each of them.
pub const EXACT_DOUBLE_MAX: u64 = 1 << 53;
/// The powers of ten that are doubles, exactly: 5^22 is the last power of five below 2^53.
pub const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// 64 bits.
#[inline]
pub fn integer(text: &str) -> Option<i64> {
    let (is_negative, digits) = split_sign(text);
    if digits.is_empty() || digits.len() > INTEGER_DIGITS_MAX {
        return Int64Type::parse(text);
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Int64Type::parse(text);
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if is_negative { -value } else { value })
}

/// The nearest double; a NaN has no sign. One division of two exact doubles is rounded once, so it is right; what has more digits takes the long way.
#[inline]
pub fn double(text: &str) -> Option<f64> {
    let (is_negative, bytes) = split_sign(text);
    let mut mantissa = 0u64;
    let mut point = None;
    // 18 digits and a point. They are less than 2^64.
    if bytes.len() > INTEGER_DIGITS_MAX + 1 {
        return uncommon_double(text);
    }
    for (at, byte) in bytes.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            mantissa = mantissa * 10 + u64::from(digit);
        } else if *byte == b'.' && point.is_none() && at > 0 {
            point = Some(at);
        } else {
            return uncommon_double(text);
        }
    }
    let fraction = point.map_or(0, |point| bytes.len() - point - 1);
    if bytes.is_empty() || mantissa > EXACT_DOUBLE_MAX || point.is_some() && fraction == 0 {
        return uncommon_double(text);
    }
    let value = mantissa as f64 / POWERS_OF_TEN[fraction];
    Some(if is_negative { -value } else { value })
}

/// With more digits, an exponent, or none: `NaN` and `inf`.
fn uncommon_double(text: &str) -> Option<f64> {
    Float64Type::parse(text).map(|value| if value.is_nan() { f64::NAN } else { value })
}

#[inline]
fn split_sign(text: &str) -> (bool, &[u8]) {
    match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    }
}

/// Whether a number would lose something that it is written with: a leading zero, a plus sign.
pub fn is_padded(text: &str) -> bool {
    let (_, digits) = split_sign(text);
    matches!(digits, [b'+', ..] | [b'0', b'0'..=b'9', ..])
}

/// Decimal digits that every double holds: `DBL_DIG` of C.
pub const DOUBLE_DIGITS: usize = f64::DIGITS as usize;

/// Whether the double that a text was read as is another number than is written: the double, written with as many digits, is not
/// the text. So `0.1` is not lost, nor is what a program has printed with 17 digits or more; of `999999999999999.99` the last digits
/// are, and of `1e400` everything.
pub fn is_lost(text: &str, value: f64) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = || mantissa.bytes().filter(u8::is_ascii_digit);
    let leading_zeros = digits().take_while(|digit| *digit == b'0').count();
    let trailing_zeros = digits().rev().take_while(|digit| *digit == b'0').count();
    let significant = digits().count().saturating_sub(leading_zeros + trailing_zeros);
    if value == 0.0 || value.is_infinite() {
        return significant > 0;
    }
    if significant <= DOUBLE_DIGITS || value.is_nan() {
        return false;
    }
    let nearest = format!("{:.*e}", significant - 1, value.abs());
    let nearest = nearest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit);
    !digits().skip(leading_zeros).take(significant).eq(nearest)
}

/// The number with `.` for its fraction and no separators of thousands. None: it is not written in the format.
pub fn plain<'a>(text: &'a str, format: NumberFormat, scratch: &'a mut String) -> Option<&'a str> {
    if format == NumberFormat::default() {
        return Some(text);
    }
    let text = text.trim_ascii();
    let (whole, fraction) = match text.bytes().position(|byte| byte == format.decimal) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    scratch.clear();
    let (whole, exponent) = match (fraction, whole.find(['e', 'E'])) {
        (None, Some(at)) => whole.split_at(at),
        _ => (whole, ""),
    };
    whole_digits(whole, format, scratch)?;
    scratch.push_str(exponent);
    if let Some(fraction) = fraction {
        scratch.push('.');
        scratch.push_str(fraction);
    }
    let tail = fraction.unwrap_or(exponent);
    // A second separator, or the point of another format, would be taken for something that it is not.
    let is_plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'e' | b'E' | b'+' | b'-');
    tail.bytes().all(is_plain).then_some(scratch.as_str())
}

/// Appends the digits of the whole, whose groups have three digits but for the first. Without separators it is one group.
fn whole_digits(whole: &str, format: NumberFormat, scratch: &mut String) -> Option<()> {
    let mut groups = 0;
    let mut first_length = 0;
    let sign = usize::from(whole.starts_with(['-', '+']));
    scratch.push_str(&whole[..sign]);
    let is_separator = |character: char| match format.thousands {
        // French and others: also the blanks that do not break.
        Some(b' ') => matches!(character, ' ' | '\u{a0}' | '\u{202f}'),
        thousands => u8::try_from(character).ok().is_some_and(|byte| Some(byte) == thousands),
    };
    for group in whole[sign..].split(is_separator) {
        if !group.bytes().all(|byte| byte.is_ascii_digit()) || groups > 0 && group.len() != 3 {
            return None;
        }
        if groups == 0 {
            first_length = group.len();
        }
        groups += 1;
        scratch.push_str(group);
    }
    (groups == 1 || (1..=3).contains(&first_length)).then_some(())
}
