//! The guess, from bytes to a specification. What a file should be is written as one line:
//! `dialect; header; columns`, where what is usual is left out.

mod arrow;
mod hostile;
mod kinds;
mod large;
mod pollute;
mod read;
mod rows;

use std::fmt::Write;

use super::*;

/// A specification in one line: what differs from RFC 4180 and UTF-8 first, then the columns.
pub(super) fn shown(spec: &CsvSpec) -> String {
    let mut text = String::new();
    for (name, value) in options(spec) {
        if name != "has_header" {
            let _ = write!(text, "{name}={} ", value.escape_debug());
        }
    }
    text.push_str(if spec.header { "header:" } else { "no header:" });
    for column in &spec.columns {
        let ty = match &column.ty {
            ColumnType::Text => "text".to_owned(),
            ColumnType::Boolean => "bool".to_owned(),
            ColumnType::Integer => "int".to_owned(),
            ColumnType::Double => "double".to_owned(),
            ColumnType::Date => "date".to_owned(),
            ColumnType::Timestamp { digits } => format!("timestamp{digits}"),
            ColumnType::Decimal { precision, scale } => format!("decimal{precision}.{scale}"),
        };
        let declared = if column.declared { "!" } else { "" };
        let _ = write!(text, " {}:{ty}{declared}", column.name);
    }
    text
}

pub(super) fn sniff(bytes: &[u8]) -> Sniffed {
    sniff_bytes(bytes, true, &Overrides::default()).unwrap()
}

pub(super) fn check(bytes: impl AsRef<[u8]>, expected: &str) {
    let bytes = bytes.as_ref();
    let sniffed = sniff(bytes);
    read::check_guess(bytes, &sniffed.spec);
    assert_eq!(
        shown(&sniffed.spec),
        expected,
        "\n{}\n{:#?}",
        String::from_utf8_lossy(&bytes[..bytes.len().min(600)]),
        sniffed.decisions
    );
}

/// With options: `delimiter=; header=false`.
pub(super) fn check_with(options: &[(&str, &str)], bytes: impl AsRef<[u8]>, expected: &str) {
    let mut declared = Overrides::default();
    for (name, value) in options {
        declared.set(name, value).unwrap();
    }
    let sniffed = sniff_bytes(bytes.as_ref(), true, &declared).unwrap();
    assert_eq!(shown(&sniffed.spec), expected, "{options:?} {:#?}", sniffed.decisions);
}
