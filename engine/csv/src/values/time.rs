//! Dates and timestamps.

use std::borrow::Cow;

use arrow_array::timezone::Tz;
use arrow_array::types::Date32Type;
use arrow_cast::parse::{Parser, string_to_datetime};
use arrow_schema::TimeUnit;
use chrono::{DateTime, TimeZone, Utc};

use crate::spec::{DateFormat, DateOrder};

/// From the first of March of the year 0 to the first of January 1970.
const MARCH_DAYS: i32 = 719_468;
/// `2024-12-31`
const ISO_DATE_BYTES: usize = 10;
/// `2024-12-31 14:05`
const ISO_MINUTE_BYTES: usize = 16;
/// Digits of a fraction that are looked at.
const FRACTION_DIGITS_MAX: usize = 9;

/// A timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Units since 1970.
    pub value: i64,
    /// Whether no digit of the fraction was cut off.
    pub is_exact: bool,
}

/// Days since 1970.
#[inline]
pub fn date(text: &str, format: DateFormat) -> Option<i32> {
    if format != DateFormat::default() {
        let (year, month, day, length) = parts(text.as_bytes(), format)?;
        return (length == text.len()).then(|| days(year, month, day))?;
    }
    if let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() {
        let digits = [y1, y2, y3, y4, m1, m2, d1, d2];
        if digits.iter().all(u8::is_ascii_digit) {
            let [y1, y2, y3, y4, m1, m2, d1, d2] = digits.map(|digit| u32::from(digit - b'0'));
            let year = y1 * 1000 + y2 * 100 + y3 * 10 + y4;
            return days(year as i32, m1 * 10 + m2, d1 * 10 + d2);
        }
    }
    Date32Type::parse(text)
}

/// Whether a date has more than a day.
pub fn has_time(text: &str) -> bool {
    text.len() > ISO_DATE_BYTES && !text.starts_with(['+', '-'])
}

/// Days since 1970, of the proleptic calendar. The year has four digits.
///
/// The year is taken to begin in March, so that the leap day is its last one: then the months before another have
/// `(153 * month + 2) / 5` days, and 400 years have 146,097.
#[inline]
pub(super) fn days(year: i32, month: u32, day: u32) -> Option<i32> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > length {
        return None;
    }
    let (year, month) = if month <= 2 { (year + 399, month + 9) } else { (year + 400, month - 3) };
    let (era, year) = (year / 400 - 1, year % 400);
    let day_of_year = (153 * month as i32 + 2) / 5 + day as i32 - 1;
    let day_of_era = year * 365 + year / 4 - year / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - MARCH_DAYS)
}

/// A point in time. `zone` is where a text without a zone was written.
pub fn timestamp(text: &str, format: DateFormat, unit: TimeUnit, zone: Option<&Tz>) -> Option<Timestamp> {
    let iso = iso(text, format)?;
    match zone {
        None => in_unit(&string_to_datetime(&Utc, &iso).ok()?, unit, &iso),
        Some(zone) => in_unit(&string_to_datetime(zone, &iso).ok()?, unit, &iso),
    }
}

fn in_unit<Z: TimeZone>(time: &DateTime<Z>, unit: TimeUnit, text: &str) -> Option<Timestamp> {
    let nanos = time.timestamp_subsec_nanos();
    let (value, rest) = match unit {
        TimeUnit::Second => (time.timestamp(), nanos),
        TimeUnit::Millisecond => (time.timestamp_millis(), nanos % 1_000_000),
        TimeUnit::Microsecond => (time.timestamp_micros(), nanos % 1_000),
        TimeUnit::Nanosecond => (time.timestamp_nanos_opt()?, 0),
    };
    Some(Timestamp { value, is_exact: rest == 0 && fraction_digits(text) <= FRACTION_DIGITS_MAX })
}

/// Digits behind the point of the seconds.
fn fraction_digits(text: &str) -> usize {
    match text.as_bytes().get(19..) {
        Some([b'.', fraction @ ..]) => fraction.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    }
}

/// The digits of a second that a unit must keep for the timestamp: 0, 3, 6 or 9.
pub fn digits_needed(text: &str, format: DateFormat) -> Option<u8> {
    [0, 3, 6, 9].into_iter().find(|&digits| {
        timestamp(text, format, super::unit_of(digits), None).is_some_and(|timestamp| timestamp.is_exact)
    })
}

/// The timestamp in the form that Arrow reads.
fn iso(text: &str, format: DateFormat) -> Option<Cow<'_, str>> {
    let is_default = format == DateFormat::default();
    let bytes = text.as_bytes();
    if is_default && !(bytes.len() == ISO_MINUTE_BYTES && bytes[13] == b':') {
        return Some(Cow::Borrowed(text));
    }
    let (year, month, day, length) = parts(bytes, format)?;
    let date = format!("{year:04}-{month:02}-{day:02}");
    // All bytes up to here are ASCII.
    let rest = &text[length..];
    if rest.is_empty() {
        return Some(Cow::Owned(date));
    }
    let time = rest.strip_prefix([' ', 'T', 't'])?;
    let (hour, after) = two_digits(time.as_bytes(), !is_default)?;
    let minutes = time.get(after..)?.strip_prefix(':')?;
    let (minute, after) = two_digits(minutes.as_bytes(), false)?;
    let rest = &minutes[after..];
    let seconds = if rest.starts_with(':') { "" } else { ":00" };
    Some(Cow::Owned(format!("{date}T{hour:02}:{minute:02}{seconds}{rest}")))
}

/// Year, month, day, and the bytes that they have.
fn parts(bytes: &[u8], format: DateFormat) -> Option<(i32, u32, u32, usize)> {
    let mut at = 0;
    let separator = |at: &mut usize| {
        let is_there = bytes.get(*at) == Some(&format.separator);
        *at += 1;
        is_there.then_some(())
    };
    let short = |at: &mut usize, may_be_one: bool| {
        let (value, length) = two_digits(bytes.get(*at..)?, may_be_one)?;
        *at += length;
        Some(value)
    };
    let year = |at: &mut usize| {
        let digits = bytes.get(*at..*at + 4)?;
        *at += 4;
        let is_number = digits.iter().all(u8::is_ascii_digit);
        is_number.then(|| digits.iter().fold(0, |value, digit| value * 10 + i32::from(digit - b'0')))
    };
    let (year, month, day) = match format.order {
        DateOrder::YearMonthDay => {
            let year = year(&mut at)?;
            separator(&mut at)?;
            let month = short(&mut at, false)?;
            separator(&mut at)?;
            (year, month, short(&mut at, false)?)
        }
        order => {
            let first = short(&mut at, true)?;
            separator(&mut at)?;
            let second = short(&mut at, true)?;
            separator(&mut at)?;
            let year = year(&mut at)?;
            if order == DateOrder::DayMonthYear { (year, second, first) } else { (year, first, second) }
        }
    };
    // `1.1.20245` is no date.
    if bytes.get(at).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((year, month, day, at))
}

/// Two digits, or one where that may be, and the bytes that they have.
fn two_digits(bytes: &[u8], may_be_one: bool) -> Option<(u32, usize)> {
    let digit =
        |at: usize| bytes.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
    match (digit(0)?, digit(1)) {
        (tens, Some(ones)) => Some((tens * 10 + ones, 2)),
        (ones, None) => may_be_one.then_some((ones, 1)),
    }
}
