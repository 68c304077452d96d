//! Numbers as people write them.
//!
//! In: the bytes of a field. Out: which ways of writing numbers it fits, as a set. A column is of the ways that all its fields fit.

use crate::spec::NumberFormat;
use crate::values::number::{DOUBLE_DIGITS, is_lost};

/// A set of readings of a field. See [`super::types`] for the bits of dates.
pub(super) type Fits = u32;

/// An integer of 64 bits.
pub(super) const INTEGER: Fits = 1;
/// An integer of at most 38 digits.
pub(super) const LONG: Fits = 1 << 1;
/// What DataFusion's inference takes for a Float64.
pub(super) const DOUBLE: Fits = 1 << 2;
/// The first of [`GROUPED`].
const GROUPED_SHIFT: u32 = 3;
/// Ways of writing numbers that are not the plain one, the commoner first. A way with `thousands` groups all numbers from 1000 on.
pub(super) const GROUPED: [NumberFormat; 6] = [
    NumberFormat { decimal: b'.', thousands: Some(b',') },
    NumberFormat { decimal: b'.', thousands: Some(b' ') },
    NumberFormat { decimal: b'.', thousands: Some(b'\'') },
    NumberFormat { decimal: b',', thousands: None },
    NumberFormat { decimal: b',', thousands: Some(b'.') },
    NumberFormat { decimal: b',', thousands: Some(b' ') },
];
/// Those of [`GROUPED`] with a point, and those with a comma for the decimal sign.
pub(super) const POINTS: Fits = 0b111 << GROUPED_SHIFT;
pub(super) const COMMAS: Fits = 0b111_000 << GROUPED_SHIFT;
/// All of them.
pub(super) const NUMBERS: Fits = (1 << (GROUPED_SHIFT + GROUPED.len() as u32)) - 1;

/// The bit of a way in [`GROUPED`].
pub(super) fn grouped(index: usize) -> Fits {
    1 << (GROUPED_SHIFT + index as u32)
}

/// Digits of a DECIMAL.
const DIGITS_MAX: usize = 38;
/// Integers of fewer digits fit 64 bits.
const SHORT_DIGITS: usize = 19;

/// What is to be known of the numbers of a column besides how they are written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts {
    /// There is a number of which a double loses digits.
    pub beyond_double: bool,
    /// There is an exponent or a NaN.
    pub not_decimal: bool,
    /// Most digits before the point, and behind it.
    pub whole: usize,
    pub scale: usize,
    /// There is a decimal sign.
    pub fraction: bool,
    /// There is a decimal sign when it is written in this way of [`GROUPED`], by its index.
    pub fractions: u8,
    /// The same of a separator of thousands.
    pub groups: u8,
}

/// The readings of a field, of those that are asked for; none if it is no number.
pub(super) fn fits(field: &[u8], asked: Fits, facts: &mut Facts) -> Fits {
    if matches!(field, b"NaN" | b"nan" | b"inf" | b"-inf") {
        facts.not_decimal = true;
        return DOUBLE;
    }
    let digits = field.strip_prefix(b"-").unwrap_or(field);
    let Some(first) = digits.first() else { return 0 };
    if !first.is_ascii_digit() && *first != b'.' {
        return 0;
    }
    // An article number or a postal code.
    if *first == b'0' && digits.get(1).is_some_and(u8::is_ascii_digit) {
        return 0;
    }
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == digits.len() {
        return integer(field, digits, facts);
    }
    let plain = if asked & DOUBLE != 0 { plain_double(digits, count, facts) } else { 0 };
    let groups = if asked & (POINTS | COMMAS) != 0 { in_groups(digits, facts) } else { 0 };
    plain | groups
}

fn integer(field: &[u8], digits: &[u8], facts: &mut Facts) -> Fits {
    facts.whole = facts.whole.max(digits.len());
    let mut fits = DOUBLE;
    facts.beyond_double |= is_lost_in_double(digits);
    if digits.len() < SHORT_DIGITS || std::str::from_utf8(field).is_ok_and(|text| text.parse::<i64>().is_ok())
    {
        fits |= INTEGER;
    }
    if digits.len() <= DIGITS_MAX {
        fits |= LONG;
    }
    for (index, format) in GROUPED.iter().enumerate() {
        if format.thousands.is_none() || digits.len() <= 3 {
            fits |= grouped(index);
        }
    }
    fits
}

/// `1.5`, `.5`, `1.`, `1e5`, as arrow-csv's inference has it. `digits` begins with `whole` digits and has more.
fn plain_double(digits: &[u8], whole: usize, facts: &mut Facts) -> Fits {
    let mut rest = &digits[whole..];
    let mut fraction = 0;
    if rest.first() == Some(&b'.') {
        fraction = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest = &rest[1 + fraction..];
    }
    if whole + fraction == 0 {
        return 0;
    }
    if let Some(b'e' | b'E') = rest.first() {
        rest = &rest[1..];
        rest = rest.strip_prefix(b"-").or(rest.strip_prefix(b"+")).unwrap_or(rest);
        if rest.is_empty() || !rest.iter().all(u8::is_ascii_digit) {
            return 0;
        }
        facts.not_decimal = true;
        rest = &[];
    }
    if !rest.is_empty() {
        return 0;
    }
    facts.fraction = true;
    facts.whole = facts.whole.max(whole);
    facts.scale = facts.scale.max(fraction);
    facts.beyond_double |= is_lost_in_double(digits);
    DOUBLE
}

/// Whether a double of these digits is another number.
fn is_lost_in_double(digits: &[u8]) -> bool {
    if digits.len() <= DOUBLE_DIGITS {
        return false;
    }
    let text = std::str::from_utf8(digits).ok();
    text.is_some_and(|text| text.parse().is_ok_and(|value| is_lost(text, value)))
}

/// `1,234.50` and the like.
fn in_groups(digits: &[u8], facts: &mut Facts) -> Fits {
    let mut fits = 0;
    for (index, format) in GROUPED.iter().enumerate() {
        let Some((groups, fraction)) = shape(digits, *format) else { continue };
        fits |= grouped(index);
        if groups > 0 {
            facts.groups |= 1 << index;
        }
        if fraction {
            facts.fractions |= 1 << index;
        }
    }
    facts.fraction |= facts.fractions != 0;
    fits
}

/// The separators of thousands of a number, and whether it has a fraction. None: it is not written so.
fn shape(digits: &[u8], format: NumberFormat) -> Option<(usize, bool)> {
    let (whole, fraction) = match memchr::memchr(format.decimal, digits) {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    if fraction.is_some_and(|fraction| fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit)) {
        return None;
    }
    let Some(thousands) = format.thousands else {
        let is_number = !whole.is_empty() && whole.iter().all(u8::is_ascii_digit);
        return is_number.then_some((0, fraction.is_some()));
    };
    let mut groups = 0;
    for (at, group) in whole.split(|byte| *byte == thousands).enumerate() {
        let length = if at == 0 { 1..=3 } else { 3..=3 };
        if !length.contains(&group.len()) || !group.iter().all(u8::is_ascii_digit) {
            return None;
        }
        groups = at;
    }
    Some((groups, fraction.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: &str, expected: Fits) {
        assert_eq!(fits(field.as_bytes(), NUMBERS, &mut Facts::default()), expected, "{field:?}");
    }

    #[test]
    fn plain_numbers_are_those_of_arrow() {
        let whole = grouped(0) | grouped(1) | grouped(2) | grouped(4) | grouped(5);
        check("0", INTEGER | LONG | DOUBLE | whole | grouped(3));
        check("-12", INTEGER | LONG | DOUBLE | whole | grouped(3));
        check("1234", INTEGER | LONG | DOUBLE | grouped(3));
        check("9223372036854775808", LONG | DOUBLE | grouped(3));
        check(&"9".repeat(39), DOUBLE | grouped(3));
        for double in [".5", "5.", "1e5", "1E+05", "-1.5e-7", "NaN", "nan", "inf", "-inf"] {
            check(double, DOUBLE);
        }
        for text in
            ["", "-", ".", "+5", "007", "02134", "-01", "1e", "e5", "1.5.2", "0x1f", "1 ", "--1", "1-2"]
        {
            check(text, 0);
        }
    }

    #[test]
    fn grouped_numbers() {
        check("12,5", grouped(3) | grouped(4) | grouped(5));
        check("1,234", grouped(0) | grouped(3) | grouped(4) | grouped(5));
        check("1,234,567", grouped(0));
        check("1,234.5", grouped(0));
        check("1.234,5", grouped(4));
        check("1.234", DOUBLE | grouped(0) | grouped(1) | grouped(2) | grouped(4));
        check("1 234", grouped(1) | grouped(5));
        check("1'234.50", grouped(2));
        check("12,34,567", 0);
    }
}
