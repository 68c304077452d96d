//! What a person declares about a file, and the names under which it is declared.
//!
//! There is one table of options, [`OPTIONS`]. The command line, options of a file and `OPTIONS (...)` of `CREATE EXTERNAL TABLE`
//! all come through [`Overrides::set`]; the statement that [`super::statement`] writes uses the same names.

use crate::spec::{ColumnType, Compression, DateFormat, Encoding, OnError};

use super::written::{self, Format};

/// What is declared wins, and informs the guess of the rest. None: it is guessed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    /// One byte or more.
    pub delimiter: Option<Vec<u8>>,
    /// `Some(None)`: no byte encloses fields.
    pub quote: Option<Option<u8>>,
    /// `Some(None)`: a quote is written as two.
    pub escape: Option<Option<u8>>,
    /// `Some(None)`: there are no comments.
    pub comment: Option<Option<u8>>,
    /// Whether the first record holds names.
    pub header: Option<bool>,
    /// Lines above the header.
    pub skip_lines: Option<u64>,
    /// How characters are written.
    pub encoding: Option<Encoding>,
    /// How the file is packed.
    pub compression: Option<Compression>,
    /// Texts that stand for NULL.
    pub nulls: Option<Vec<String>>,
    /// Whether blanks around fields are left out.
    pub trim: Option<bool>,
    /// Whether records end with a delimiter.
    pub trailing_delimiter: Option<bool>,
    /// `true`: a comma is the decimal sign. `false`: a point.
    pub decimal_comma: Option<bool>,
    /// How dates are written that are not in ISO 8601.
    pub date: Option<DateFormat>,
    /// How dates and numbers of columns are written, by name.
    pub formats: Vec<(String, Format)>,
    /// Types of columns, by name.
    pub types: Vec<(String, ColumnType)>,
    /// Columns without a declared type are text.
    pub all_text: bool,
    /// What becomes of records that do not fit.
    pub on_error: Option<OnError>,
    /// Whether the columns of a table's files are found by their names, and a file without one has NULL there.
    pub union_by_name: bool,
}

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionInfo {
    /// In `OPTIONS (...)`, there with `format.` in front; with `-` for `_` on a command line.
    pub name: &'static str,
    /// Whether DataFusion has it too, with the same meaning.
    pub in_datafusion: bool,
    /// What may be given.
    pub values: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

const fn option(name: &'static str, values: &'static str, meaning: &'static str) -> OptionInfo {
    OptionInfo { name, in_datafusion: false, values, meaning }
}

const fn known(name: &'static str, values: &'static str, meaning: &'static str) -> OptionInfo {
    OptionInfo { name, in_datafusion: true, values, meaning }
}

/// All options.
pub const OPTIONS: [OptionInfo; 18] = [
    known("delimiter", "text, \\t", "separates fields; more than one byte is an addition to DataFusion's"),
    known("quote", "a byte, none", "encloses fields; `none` is an addition to DataFusion's"),
    known("escape", "a byte, none", "makes the next byte of a quoted field literal"),
    known("comment", "a byte, none", "lines that begin with it are left out"),
    known("has_header", "true, false", "whether the first record holds names"),
    known("compression", "none, gzip, bzip2, xz, zstd", "how the file is packed"),
    option("encoding", "utf-8, utf-16le, utf-16be, latin-1", "how characters are written"),
    option("skip_lines", "a number", "lines above the header"),
    option(
        "nulls",
        "texts, separated by commas",
        "unquoted fields that stand for NULL where a column is not text",
    ),
    option("trim", "true, false", "leave out blanks around fields"),
    option("trailing_delimiter", "true, false", "each record ends with a delimiter"),
    option("decimal_comma", "true, false", "a comma is the decimal sign"),
    option("date_format", "%d.%m.%Y and the like", "how dates are written that are not in ISO 8601"),
    option("formats", "due=%d.%m.%Y;price=1.234,56", "how dates and numbers of a column are written"),
    option("types", "id=text,price=decimal(12,2)", "types of columns"),
    option("all_text", "true, false", "columns without a declared type are text"),
    option("on_error", "fail, pad, skip, null", "what becomes of records that do not fit"),
    option("union_by_name", "true, false", "files have other columns each; where one has none it is NULL"),
];

/// What may be given for `types`, where something else was.
const TYPES_TAKEN: &str = "id=text,price=decimal(12,2), of the types text, boolean, bigint, double, decimal(p,s) with at most \
     38 digits, date and timestamp";

/// An option that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// There is none of this name.
    #[error("there is no option '{name}'; there are {}", names())]
    Unknown {
        /// As it was given.
        name: String,
    },
    /// Its value makes no sense.
    #[error("the option '{name}' cannot be '{value}': it takes {takes}")]
    Value {
        /// The option.
        name: &'static str,
        /// As it was given.
        value: String,
        /// What would do.
        takes: &'static str,
    },
}

fn names() -> String {
    OPTIONS.map(|option| option.name).join(", ")
}

impl Overrides {
    /// The columns of which something is declared.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let types = self.types.iter().map(|(name, _)| name.as_str());
        types.chain(self.formats.iter().map(|(name, _)| name.as_str()))
    }

    /// Takes back what is declared of a column.
    pub fn forget(&mut self, column: &str) {
        self.types.retain(|(name, _)| name != column);
        self.formats.retain(|(name, _)| name != column);
    }

    /// Sets an option from text. `name` may have `format.` in front, and `-` for `_`.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), OptionError> {
        let key = name.strip_prefix("format.").unwrap_or(name).to_ascii_lowercase().replace('-', "_");
        let key = match key.as_str() {
            "header" => "has_header",
            "null" => "nulls",
            other => other,
        };
        let Some(info) = OPTIONS.iter().find(|option| option.name == key) else {
            return Err(OptionError::Unknown { name: name.to_owned() });
        };
        self.set_known(info.name, value).ok_or_else(|| OptionError::Value {
            name: info.name,
            value: value.to_owned(),
            takes: if info.name == "types" { TYPES_TAKEN } else { info.values },
        })
    }

    fn set_known(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "delimiter" => self.delimiter = Some(written::delimiter(value)?),
            "quote" => self.quote = Some(written::byte_or_none(value)?),
            "escape" => self.escape = Some(written::byte_or_none(value)?),
            "comment" => self.comment = Some(written::byte_or_none(value)?),
            "has_header" => self.header = Some(written::boolean(value)?),
            "compression" => self.compression = Some(written::compression(value)?),
            "encoding" => self.encoding = Some(written::encoding(value)?),
            "skip_lines" => self.skip_lines = Some(value.trim().parse().ok()?),
            "nulls" => self.nulls = Some(value.split(',').map(str::to_owned).collect()),
            "trim" => self.trim = Some(written::boolean(value)?),
            "trailing_delimiter" => self.trailing_delimiter = Some(written::boolean(value)?),
            "decimal_comma" => self.decimal_comma = Some(written::boolean(value)?),
            "date_format" => self.date = Some(written::date_format(value)?),
            "formats" => {
                for (column, format) in written::pairs(value, ';')? {
                    self.formats.push((column, written::format(&format)?));
                }
            }
            "types" => {
                for (column, ty) in written::pairs(value, ',')? {
                    self.types.push((column, written::column_type(&ty)?));
                }
            }
            "all_text" => self.all_text = written::boolean(value)?,
            "on_error" => self.on_error = Some(written::on_error(value)?),
            "union_by_name" => self.union_by_name = written::boolean(value)?,
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::NumberFormat;

    use super::*;
    use crate::spec::DateOrder;

    fn set(name: &str, value: &str) -> Result<Overrides, OptionError> {
        let mut overrides = Overrides::default();
        overrides.set(name, value).map(|()| overrides)
    }

    #[test]
    fn options_have_many_spellings() {
        assert_eq!(set("delimiter", "\\t").unwrap().delimiter, Some(b"\t".to_vec()));
        assert_eq!(set("format.delimiter", "59").unwrap().delimiter, Some(b"59".to_vec()));
        assert_eq!(set("DELIMITER", ", ").unwrap().delimiter, Some(b", ".to_vec()));
        assert_eq!(set("quote", "none").unwrap().quote, Some(None));
        assert_eq!(set("header", "FALSE").unwrap().header, Some(false));
        assert_eq!(set("skip-lines", "3").unwrap().skip_lines, Some(3));
        assert_eq!(set("encoding", "ISO-8859-1").unwrap().encoding, Some(Encoding::Windows1252));
        assert_eq!(set("compression", "GZIP").unwrap().compression, Some(Compression::Gzip));
        assert_eq!(set("null", "NA,-").unwrap().nulls, Some(vec!["NA".to_owned(), "-".to_owned()]));
        let date = DateFormat { order: DateOrder::DayMonthYear, separator: b'.' };
        assert_eq!(set("date_format", "%d.%m.%Y").unwrap().date, Some(date));
        let types = set("types", "id=text,\"a,b=c\"=decimal(12, 2),n = int").unwrap().types;
        let expected = [
            ("id", ColumnType::Text),
            ("a,b=c", ColumnType::Decimal { precision: 12, scale: 2 }),
            ("n", ColumnType::Integer),
        ];
        assert_eq!(types, expected.map(|(name, ty)| (name.to_owned(), ty)));
        let formats = set("formats", "due=%d.%m.%Y;price=1.234,56").unwrap().formats;
        let number = NumberFormat { decimal: b',', thousands: Some(b'.') };
        assert_eq!(
            formats,
            [("due".to_owned(), Format::Date(date)), ("price".to_owned(), Format::Number(number))]
        );
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (name, value) in [
            ("delimiter", ""),
            ("delimiter", "\n"),
            ("quote", "ab"),
            ("header", "maybe"),
            ("skip_lines", "-1"),
            ("encoding", "ebcdic"),
            ("types", "id"),
            ("types", "id=blob"),
            ("types", "id=decimal(40,2)"),
            ("date_format", "%H"),
            ("formats", "a=b"),
        ] {
            assert!(matches!(set(name, value), Err(OptionError::Value { .. })), "{name} {value}");
        }
        let error = set("types", "id=tinyint").unwrap_err().to_string();
        assert!(error.ends_with("of the types text, boolean, bigint, double, decimal(p,s) with at most 38 digits, date and timestamp"), "{error}");
        let error = set("delim", ";").unwrap_err().to_string();
        assert!(error.starts_with("there is no option 'delim'; there are delimiter, "), "{error}");
    }
}
