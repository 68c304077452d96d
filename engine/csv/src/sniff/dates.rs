//! Dates and times as people write them.
//!
//! In: the bytes of a field. Out: which orders of day, month and year it fits, as a set, and what its time is like. A field that
//! fits is a date of the calendar from its first byte to its last.

use crate::spec::{DateFormat, DateOrder};

/// Formats of a date. The index is the bit in [`Found::formats`].
pub(super) const FORMATS: [DateFormat; 10] = [
    DateFormat { order: DateOrder::YearMonthDay, separator: b'-' },
    DateFormat { order: DateOrder::YearMonthDay, separator: b'/' },
    DateFormat { order: DateOrder::YearMonthDay, separator: b'.' },
    DateFormat { order: DateOrder::DayMonthYear, separator: b'.' },
    DateFormat { order: DateOrder::DayMonthYear, separator: b'/' },
    DateFormat { order: DateOrder::DayMonthYear, separator: b'-' },
    DateFormat { order: DateOrder::DayMonthYear, separator: b' ' },
    DateFormat { order: DateOrder::MonthDayYear, separator: b'/' },
    DateFormat { order: DateOrder::MonthDayYear, separator: b'-' },
    DateFormat { order: DateOrder::MonthDayYear, separator: b'.' },
];
/// The bit of ISO 8601.
const ISO: u16 = 1;
/// Bytes of the longest field that fits: `2024-12-31T23:59:59.123456789 +01:00`.
const BYTES_MAX: usize = 36;

/// What a field is as a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Found {
    /// Bits of [`FORMATS`].
    pub formats: u16,
    /// There is a time.
    pub time: bool,
    /// Digits of the fraction of a second.
    pub digits: u8,
    /// There is a time zone.
    pub zone: bool,
}

/// Reads a field as a date with or without a time.
pub(super) fn find(field: &[u8]) -> Option<Found> {
    if !(8..=BYTES_MAX).contains(&field.len()) || !field[0].is_ascii_digit() {
        return None;
    }
    let (formats, rest) = date(field)?;
    if rest.is_empty() {
        return Some(Found { formats, ..Found::default() });
    }
    let rest = match rest {
        [b' ' | b'T', rest @ ..] => rest,
        _ => return None,
    };
    // Spreadsheets write `1/2/2024 9:05`.
    let (digits, rest) = time(rest, formats & ISO == 0)?;
    let zone = !rest.is_empty();
    (!zone || is_zone(rest)).then_some(Found { formats, time: true, digits, zone })
}

/// A number of at most `digits_max` digits, how many it has, and what is behind it.
fn number(field: &[u8], digits_max: usize) -> Option<(u32, usize, &[u8])> {
    let count = field.iter().take(digits_max).take_while(|byte| byte.is_ascii_digit()).count();
    let value = field[..count].iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    (count > 0).then_some((value, count, &field[count..]))
}

/// The formats of the date at the beginning, and what is behind it.
fn date(field: &[u8]) -> Option<(u16, &[u8])> {
    let (first, first_count, rest) = number(field, 4)?;
    let (separator, rest) = rest.split_first()?;
    let (second, second_count, rest) = number(rest, 2)?;
    let rest = rest.strip_prefix(&[*separator])?;
    let year_first = first_count == 4;
    let (third, third_count, rest) = number(rest, if year_first { 2 } else { 4 })?;
    if rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let mut formats = 0;
    for (index, format) in FORMATS.iter().enumerate() {
        let (year, month, day) = match format.order {
            DateOrder::YearMonthDay if year_first => (first, second, third),
            DateOrder::DayMonthYear if first_count <= 2 && third_count == 4 => (third, second, first),
            DateOrder::MonthDayYear if first_count <= 2 && third_count == 4 => (third, first, second),
            _ => continue,
        };
        // What begins with the year has two digits each: `2024-1-2` is text for arrow-csv's inference too.
        let counts = !year_first || (second_count, third_count) == (2, 2);
        if *separator == format.separator && counts && is_day(year, month, day) {
            formats |= 1 << index;
        }
    }
    (formats != 0).then_some((formats, rest))
}

/// Whether the calendar has the day.
fn is_day(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// The digits of the fraction of the time at the beginning, and what is behind it.
fn time(field: &[u8], short_hour: bool) -> Option<(u8, &[u8])> {
    let two = |field, below| number(field, 2).filter(|(value, count, _)| *count == 2 && *value < below);
    let (_, _, rest) =
        number(field, 2).filter(|(hour, count, _)| *hour < 24 && (short_hour || *count == 2))?;
    let (_, _, rest) = two(rest.strip_prefix(b":")?, 60)?;
    let Some(rest) = rest.strip_prefix(b":") else { return Some((0, rest)) };
    let (_, _, rest) = two(rest, 60)?;
    let Some(rest) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let (_, count, rest) = number(rest, 9)?;
    Some((count as u8, rest))
}

/// `Z`, `+01`, `+01:00`, `-0130`, a blank in front of it or not.
fn is_zone(field: &[u8]) -> bool {
    let field = field.strip_prefix(b" ").unwrap_or(field);
    let digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    match field {
        b"Z" => true,
        [b'+' | b'-', rest @ ..] => match rest {
            [_, _] | [_, _, _, _] => digits(rest),
            [hours @ .., b':', _, _] if hours.len() == 2 => digits(hours) && digits(&rest[3..]),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: &str, expected: &[usize], time: bool, digits: u8, zone: bool) {
        let formats = expected.iter().fold(0, |formats, index| formats | 1 << index);
        let found = find(field.as_bytes()).unwrap_or_default();
        assert_eq!(found, Found { formats, time, digits, zone }, "{field:?}");
    }

    #[test]
    fn dates() {
        check("2024-12-31", &[0], false, 0, false);
        check("2024/02/29", &[1], false, 0, false);
        check("31.12.2024", &[3], false, 0, false);
        check("1/2/2024", &[4, 7], false, 0, false);
        check("13/2/2024", &[4], false, 0, false);
        check("2/13/2024", &[7], false, 0, false);
        check("1-2-2024", &[5, 8], false, 0, false);
        for text in [
            "2024-02-30",
            "2023-02-29",
            "2024-1-2",
            "20241231",
            "1/2/24",
            "31/31/2024",
            "2024-12-311",
            "12.2024",
        ] {
            assert_eq!(find(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn times_fill_the_field() {
        check("2020-01-01 00:00:00", &[0], true, 0, false);
        check("2020-01-01T00:00:00.123456", &[0], true, 6, false);
        check("2020-01-01 12:30", &[0], true, 0, false);
        check("31.12.2024 23:59:59", &[3], true, 0, false);
        check("13/2/2024 9:05", &[4], true, 0, false);
        check("2020-01-01T00:00:00Z", &[0], true, 0, true);
        check("2020-01-01 00:00:00 +01:00", &[0], true, 0, true);
        for text in [
            "2020-01-01 00:00:00 and more",
            "2020-01-01 24:00:00",
            "2020-01-01 00:60:00",
            "2020-01-01T",
            "2020-01-01 12",
            "2020-01-01 9:05",
            "2020-01-01 00:00:00.",
            "2020-01-01 00:00:00.1234567890",
            "2020-01-01 00:00:00+1",
        ] {
            assert_eq!(find(text.as_bytes()), None, "{text:?}");
        }
    }
}
