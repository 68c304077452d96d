//! A specification as the `CREATE EXTERNAL TABLE` statement that says the same.
//!
//! The syntax is DataFusion's. What it has no option for has a name of [`super::OPTIONS`].

use std::fmt::Write;

use crate::spec::{Column, ColumnType, CsvSpec, Dialect, NumberFormat, OnError};
use crate::spec::{Compression, DateFormat, Encoding};

use super::written;

/// The statement for a table over the file at `location`. Names are quoted where SQL needs it.
pub fn create_external_table(table: &str, location: &str, spec: &CsvSpec) -> String {
    let mut text = format!("CREATE EXTERNAL TABLE {}", identifier(table));
    if !spec.columns.is_empty() {
        text.push_str(" (\n");
        for (at, column) in spec.columns.iter().enumerate() {
            let comma = if at + 1 == spec.columns.len() { "" } else { "," };
            let ty = written::of_column_type(&column.ty);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "    {} {ty}{comma}", identifier(&column.name));
        }
        text.push(')');
    }
    let _ = write!(text, "\nSTORED AS CSV\nLOCATION {}\nOPTIONS (\n", literal(location));
    let options = options(spec);
    for (at, (name, value)) in options.iter().enumerate() {
        let comma = if at + 1 == options.len() { "" } else { "," };
        let _ = writeln!(text, "    'format.{name}' {}{comma}", literal(value));
    }
    text.push_str(");");
    text
}

/// The options of a specification that are not the default, and always whether there is a header. The columns' types are not among
/// them. [`super::Overrides::set`] reads each back.
pub fn options(spec: &CsvSpec) -> Vec<(&'static str, String)> {
    let mut options = vec![("has_header", spec.header.to_string())];
    let mut push = |name, value: String| options.push((name, value));
    let usual = Dialect::default();
    let dialect = &spec.dialect;
    if dialect.delimiter != usual.delimiter {
        push("delimiter", String::from_utf8_lossy(&dialect.delimiter).into_owned());
    }
    let byte = |byte: Option<u8>| byte.map_or("none".to_owned(), |byte| char::from(byte).to_string());
    if dialect.quote != usual.quote {
        push("quote", byte(dialect.quote));
    }
    if dialect.escape != usual.escape {
        push("escape", byte(dialect.escape));
    }
    if dialect.comment != usual.comment {
        push("comment", byte(dialect.comment));
    }
    if spec.compression != Compression::None {
        push("compression", written::of_compression(spec.compression).to_owned());
    }
    if spec.encoding != Encoding::Utf8 {
        push("encoding", written::of_encoding(spec.encoding).to_owned());
    }
    if spec.skip_lines != 0 {
        push("skip_lines", spec.skip_lines.to_string());
    }
    if !spec.nulls.is_empty() {
        push("nulls", spec.nulls.join(","));
    }
    if dialect.trim {
        push("trim", "true".to_owned());
    }
    if dialect.trailing_delimiter {
        push("trailing_delimiter", "true".to_owned());
    }
    let formats: Vec<String> = spec.columns.iter().filter_map(format).collect();
    if !formats.is_empty() {
        push("formats", formats.join(";"));
    }
    if spec.on_error != OnError::Fail {
        push("on_error", written::of_on_error(spec.on_error).to_owned());
    }
    options
}

/// How a column is written, if not in the usual way.
fn format(column: &Column) -> Option<String> {
    let name = written::of_name(&column.name);
    match column.ty {
        ColumnType::Date | ColumnType::Timestamp { .. } if column.date != DateFormat::default() => {
            Some(format!("{name}={}", written::of_date_format(column.date)))
        }
        ColumnType::Integer | ColumnType::Decimal { .. } | ColumnType::Double
            if column.number != NumberFormat::default() =>
        {
            Some(format!("{name}={}", written::of_number_format(column.number)))
        }
        _ => None,
    }
}

/// Names that are not plain and in lower case keep their letters only in quotes; so do words of SQL, of which the text cannot know
/// all.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sniff::Overrides;
    use crate::spec::DateOrder;

    fn column(name: &str, ty: ColumnType) -> Column {
        Column {
            name: name.to_owned(),
            ty,
            declared: false,
            date: DateFormat::default(),
            number: NumberFormat::default(),
        }
    }

    #[test]
    fn a_plain_file_needs_no_options() {
        let spec = CsvSpec {
            header: true,
            columns: vec![column("id", ColumnType::Integer), column("a \"b\"", ColumnType::Text)],
            ..CsvSpec::default()
        };
        let expected = "CREATE EXTERNAL TABLE \"t\" (\n    \"id\" BIGINT,\n    \"a \"\"b\"\"\" VARCHAR\n)\n\
            STORED AS CSV\nLOCATION 'it''s.csv'\nOPTIONS (\n    'format.has_header' 'true'\n);";
        assert_eq!(create_external_table("t", "it's.csv", &spec), expected);
    }

    #[test]
    fn options_are_read_back() {
        let date = DateFormat { order: DateOrder::DayMonthYear, separator: b'.' };
        let number = NumberFormat { decimal: b',', thousands: Some(b'.') };
        let spec = CsvSpec {
            compression: Compression::Gzip,
            encoding: Encoding::Windows1252,
            skip_lines: 3,
            header: false,
            dialect: Dialect {
                delimiter: b"\t".to_vec(),
                quote: None,
                escape: Some(b'\\'),
                comment: Some(b'#'),
                trim: true,
                trailing_delimiter: true,
            },
            columns: vec![
                Column { date, ..column("due; or \"not\"", ColumnType::Date) },
                Column { number, ..column("price", ColumnType::Double) },
            ],
            nulls: vec!["NA".to_owned(), "\\N".to_owned()],
            nulls_declared: true,
            late_nulls: Vec::new(),
            on_error: OnError::Skip,
        };
        let mut read = Overrides::default();
        for (name, value) in options(&spec) {
            read.set(&format!("format.{name}"), &value).unwrap();
        }
        let expected = Overrides {
            delimiter: Some(b"\t".to_vec()),
            quote: Some(None),
            escape: Some(Some(b'\\')),
            comment: Some(Some(b'#')),
            header: Some(false),
            skip_lines: Some(3),
            encoding: Some(Encoding::Windows1252),
            compression: Some(Compression::Gzip),
            nulls: Some(spec.nulls.clone()),
            trim: Some(true),
            trailing_delimiter: Some(true),
            formats: vec![
                ("due; or \"not\"".to_owned(), super::super::Format::Date(date)),
                ("price".to_owned(), super::super::Format::Number(number)),
            ],
            on_error: Some(OnError::Skip),
            ..Overrides::default()
        };
        assert_eq!(read, expected);
    }
}
