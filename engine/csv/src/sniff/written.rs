//! Parts of a specification as text, both ways: what a person types, and what a statement says.

use std::borrow::Cow;

use crate::spec::{ColumnType, Compression, DateFormat, DateOrder, Encoding, NumberFormat, OnError};

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Its dates and timestamps.
    Date(DateFormat),
    /// Its numbers.
    Number(NumberFormat),
}

/// `;`, `\t`, `, `. Nothing that ends a record.
pub(super) fn delimiter(text: &str) -> Option<Vec<u8>> {
    let bytes = match text {
        "\\t" | "tab" => vec![b'\t'],
        "space" => vec![b' '],
        other => other.as_bytes().to_vec(),
    };
    let is_usable = !bytes.is_empty() && !bytes.iter().any(|byte| b"\r\n\"".contains(byte));
    is_usable.then_some(bytes)
}

/// A byte, or `none`.
pub(super) fn byte_or_none(text: &str) -> Option<Option<u8>> {
    match text.as_bytes() {
        b"" | b"none" | b"NONE" => Some(None),
        [byte] if byte.is_ascii() && !b"\r\n".contains(byte) => Some(Some(*byte)),
        _ => None,
    }
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

pub(super) fn compression(text: &str) -> Option<Compression> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "none" | "uncompressed" => Some(Compression::None),
        "gzip" | "gz" => Some(Compression::Gzip),
        "bzip2" | "bz2" => Some(Compression::Bzip2),
        "xz" => Some(Compression::Xz),
        "zstd" | "zst" => Some(Compression::Zstd),
        _ => None,
    }
}

/// As DataFusion's option has it; nothing for a file that is not packed.
pub(super) fn of_compression(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "",
        Compression::Gzip => "gzip",
        Compression::Bzip2 => "bzip2",
        Compression::Xz => "xz",
        Compression::Zstd => "zstd",
    }
}

pub(super) fn encoding(text: &str) -> Option<Encoding> {
    let label = text.trim().to_ascii_lowercase().replace('_', "-");
    match label.as_str() {
        "utf-8" | "utf8" | "ascii" | "us-ascii" => Some(Encoding::Utf8),
        "utf-16" | "utf16" | "utf-16le" | "utf16le" | "utf-16-le" => Some(Encoding::Utf16Le),
        "utf-16be" | "utf16be" | "utf-16-be" => Some(Encoding::Utf16Be),
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "windows-1252" | "cp1252" | "cp-1252" => {
            Some(Encoding::Windows1252)
        }
        _ => None,
    }
}

/// The name that [`encoding`] understands.
pub(super) fn of_encoding(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "utf-8",
        Encoding::Utf16Le => "utf-16le",
        Encoding::Utf16Be => "utf-16be",
        Encoding::Windows1252 => "latin-1",
    }
}

pub(super) fn on_error(text: &str) -> Option<OnError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "fail" => Some(OnError::Fail),
        "pad" => Some(OnError::Pad),
        "skip" => Some(OnError::Skip),
        "null" => Some(OnError::Null),
        _ => None,
    }
}

pub(super) fn of_on_error(on_error: OnError) -> &'static str {
    match on_error {
        OnError::Fail => "fail",
        OnError::Pad => "pad",
        OnError::Skip => "skip",
        OnError::Null => "null",
    }
}

/// `%d.%m.%Y` or `DD.MM.YYYY`.
pub(super) fn date_format(text: &str) -> Option<DateFormat> {
    let text =
        text.trim().replace("YYYY", "%Y").replace("MM", "%m").replace("DD", "%d").replace("%F", "%Y-%m-%d");
    let order = match (text.find("%Y")?, text.find("%m")?, text.find("%d")?) {
        (0, 3, 6) => DateOrder::YearMonthDay,
        (6, 3, 0) => DateOrder::DayMonthYear,
        (6, 0, 3) => DateOrder::MonthDayYear,
        _ => return None,
    };
    let bytes = text.as_bytes();
    let is_simple = bytes.len() == 8 && bytes[2] == bytes[5] && b"-/. ".contains(&bytes[2]);
    is_simple.then_some(DateFormat { order, separator: bytes[2] })
}

pub(super) fn of_date_format(format: DateFormat) -> String {
    let separator = char::from(format.separator);
    match format.order {
        DateOrder::YearMonthDay => format!("%Y{separator}%m{separator}%d"),
        DateOrder::DayMonthYear => format!("%d{separator}%m{separator}%Y"),
        DateOrder::MonthDayYear => format!("%m{separator}%d{separator}%Y"),
    }
}

/// A number is shown by an example: `1.234,56`.
fn number_format(text: &str) -> Option<NumberFormat> {
    match text.as_bytes() {
        [b'1', b'2', b'3', b'4', decimal @ (b'.' | b','), b'5', b'6'] => {
            Some(NumberFormat { decimal: *decimal, thousands: None })
        }
        [b'1', thousands, b'2', b'3', b'4', decimal @ (b'.' | b','), b'5', b'6']
            if thousands != decimal && b",. '".contains(thousands) =>
        {
            Some(NumberFormat { decimal: *decimal, thousands: Some(*thousands) })
        }
        _ => None,
    }
}

pub(super) fn of_number_format(format: NumberFormat) -> String {
    let thousands = format.thousands.map(char::from).map(String::from).unwrap_or_default();
    format!("1{thousands}234{}56", char::from(format.decimal))
}

pub(super) fn format(text: &str) -> Option<Format> {
    number_format(text).map(Format::Number).or_else(|| date_format(text).map(Format::Date))
}

/// The names of SQL and their usual short forms.
pub(super) fn column_type(text: &str) -> Option<ColumnType> {
    let name = text.trim().to_ascii_lowercase();
    let (name, arguments) = match name.split_once('(') {
        Some((name, rest)) => (name.trim().to_owned(), Some(rest.strip_suffix(')')?.to_owned())),
        None => (name, None),
    };
    let numbers = |arguments: &Option<String>| -> Option<Vec<u8>> {
        arguments.iter().flat_map(|list| list.split(',')).map(|number| number.trim().parse().ok()).collect()
    };
    let numbers = numbers(&arguments)?;
    match (name.as_str(), &numbers[..]) {
        ("text" | "string" | "varchar" | "char" | "utf8", _) => Some(ColumnType::Text),
        ("boolean" | "bool", []) => Some(ColumnType::Boolean),
        ("integer" | "int" | "bigint" | "int64" | "int8", []) => Some(ColumnType::Integer),
        ("double" | "float" | "real" | "double precision" | "float64" | "float8", []) => {
            Some(ColumnType::Double)
        }
        ("date" | "date32", []) => Some(ColumnType::Date),
        ("timestamp" | "datetime", []) => Some(ColumnType::Timestamp { digits: 9 }),
        ("timestamp" | "datetime", [digits @ (0 | 3 | 6 | 9)]) => {
            Some(ColumnType::Timestamp { digits: *digits })
        }
        ("decimal" | "numeric", []) => Some(ColumnType::Decimal { precision: 38, scale: 10 }),
        ("decimal" | "numeric", [precision @ 1..=38]) => {
            Some(ColumnType::Decimal { precision: *precision, scale: 0 })
        }
        ("decimal" | "numeric", [precision @ 1..=38, scale]) if scale <= precision => {
            Some(ColumnType::Decimal { precision: *precision, scale: *scale })
        }
        _ => None,
    }
}

/// The type in SQL.
pub(super) fn of_column_type(ty: &ColumnType) -> Cow<'static, str> {
    match ty {
        ColumnType::Text => "VARCHAR".into(),
        ColumnType::Boolean => "BOOLEAN".into(),
        ColumnType::Integer => "BIGINT".into(),
        ColumnType::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})").into(),
        ColumnType::Double => "DOUBLE".into(),
        ColumnType::Date => "DATE".into(),
        ColumnType::Timestamp { digits } => format!("TIMESTAMP({digits})").into(),
    }
}

/// `name=value` with `separator` between. A name in double quotes may hold anything; parentheses keep what is in them together.
pub(super) fn pairs(text: &str, separator: char) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, behind) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let mut name = String::new();
                let mut characters = quoted.char_indices().peekable();
                let end = loop {
                    match characters.next()? {
                        (at, '"') if characters.peek().is_none_or(|(_, next)| *next != '"') => break at + 1,
                        (_, '"') => {
                            characters.next();
                            name.push('"');
                        }
                        (_, other) => name.push(other),
                    }
                };
                (name, quoted[end..].trim_start().strip_prefix('=')?)
            }
            None => {
                let (name, behind) = rest.split_once('=')?;
                (name.trim().to_owned(), behind)
            }
        };
        let mut depth = 0;
        let end = behind.find(|character| {
            depth += i32::from(character == '(') - i32::from(character == ')');
            character == separator && depth <= 0
        });
        let (value, next) = match end {
            Some(end) => (&behind[..end], &behind[end + separator.len_utf8()..]),
            None => (behind, ""),
        };
        if name.is_empty() {
            return None;
        }
        pairs.push((name, value.trim().to_owned()));
        rest = next.trim_start();
    }
    Some(pairs)
}

/// The name of a column as options take it, in quotes where it would end too early.
pub fn of_name(name: &str) -> String {
    if name.is_empty() || name.trim() != name || name.contains([',', ';', '=', '"']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}
