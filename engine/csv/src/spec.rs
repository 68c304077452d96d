//! What a CSV file is: all that must be known to turn its bytes into columns.
//!
//! The terms are those of RFC 4180 and of the W3C's "Model for Tabular Data": a record is a row of the file as bytes, a field a
//! cell of it.

/// How characters are written as bytes. What is not UTF-8 is transcoded before anything else looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark. Bytes that are not UTF-8 are bad records.
    #[default]
    Utf8,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// Windows-1252, of which Latin-1 as people mean it is a part (Encoding Standard, section 4.2: the label `latin1`).
    Windows1252,
}

/// How the file is packed. Told by its first bytes, not by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// `BZh`.
    Bzip2,
    /// The xz container.
    Xz,
    /// RFC 8878.
    Zstd,
}

/// The bytes that give the file its structure. CR, LF and CRLF end a record, whichever comes; blank lines are skipped when a
/// record has more than one field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// Separates the fields of a record: one byte nearly always, more for `", "` and the like. Never empty.
    pub delimiter: Vec<u8>,
    /// Encloses a field when it is its first byte. None: no byte does.
    pub quote: Option<u8>,
    /// Makes the next byte of a quoted field literal. None, or the quote itself: a quote is written as two.
    pub escape: Option<u8>,
    /// A record that begins with it is no record.
    pub comment: Option<u8>,
    /// Blanks and tabs around a field do not belong to it. A quote behind them encloses the field as if it were its first byte.
    pub trim: bool,
    /// Each record, the header perhaps not, ends with a delimiter behind which there is no field.
    pub trailing_delimiter: bool,
}

impl Default for Dialect {
    /// RFC 4180.
    fn default() -> Self {
        Dialect {
            delimiter: vec![b','],
            quote: Some(b'"'),
            escape: None,
            comment: None,
            trim: false,
            trailing_delimiter: false,
        }
    }
}

/// How the fields of a column become values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// The bytes of the field.
    Text,
    /// `true` and `false`, in any case.
    Boolean,
    /// 64 bits, signed.
    Integer,
    /// A number with a fixed count of digits behind the point. What has more is rounded half away from zero, as SQL does.
    Decimal {
        /// Significant digits, 1 to 38.
        precision: u8,
        /// Digits behind the point, at most `precision`.
        scale: u8,
    },
    /// A double.
    Double,
    /// Days.
    Date,
    /// A date, a blank or `T`, and a time: `14:05`, `14:05:09`, or `14:05:09.5` with up to nine digits of a fraction. Without a
    /// time zone; what has one (`Z`, `+01:00`) is turned into UTC. A date alone is its midnight.
    Timestamp {
        /// Digits of a second that are kept: 0, 3, 6 or 9, as Arrow's units are.
        digits: u8,
    },
}

/// In which order a date has its parts. The year has four digits; the others have two, or one or two where the year is not the
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DateOrder {
    /// `2024-12-31`
    #[default]
    YearMonthDay,
    /// `31.12.2024`
    DayMonthYear,
    /// `12/31/2024`
    MonthDayYear,
}

/// How dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateFormat {
    /// The order of the parts.
    pub order: DateOrder,
    /// What stands between them: one of `-`, `/`, `.`, blank.
    pub separator: u8,
}

impl Default for DateFormat {
    /// ISO 8601.
    fn default() -> Self {
        DateFormat { order: DateOrder::YearMonthDay, separator: b'-' }
    }
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NumberFormat {
    /// Between the whole and the fraction: `.` or `,`.
    pub decimal: u8,
    /// Between groups of three digits of the whole: `,`, `.`, a blank or `'`. None: they are not grouped.
    pub thousands: Option<u8>,
}

impl Default for NumberFormat {
    fn default() -> Self {
        NumberFormat { decimal: b'.', thousands: None }
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// Unique in the file. A header's duplicate `a` is `a_1`, its empty third name `column3`.
    pub name: String,
    /// How its fields are read.
    pub ty: ColumnType,
    /// Whether `ty` was declared. A field that does not fit a declared type is an error; one that does not fit a guess widens
    /// the guess.
    pub declared: bool,
    /// For dates and timestamps.
    pub date: DateFormat,
    /// For integers, decimals and doubles.
    pub number: NumberFormat,
}

/// What becomes of a record that the specification does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnError {
    /// The query ends with an error that names file, line, column, cause and cure.
    #[default]
    Fail,
    /// Fields that are missing at the end of a record are NULL, and surplus ones are part of the last field, with their delimiters,
    /// unless they are empty. Whatever else does not fit ends the query.
    Pad,
    /// The record is left out, counted and kept as a reject.
    Skip,
    /// The field is NULL, counted and kept as a reject; missing fields are NULL, surplus ones are left out.
    Null,
}

impl OnError {
    /// Whether no record is left out, and no value.
    pub fn keeps_all(self) -> bool {
        matches!(self, OnError::Fail | OnError::Pad)
    }
}

/// What a CSV file is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CsvSpec {
    /// Of the file as it lies there.
    pub compression: Compression,
    /// Of the unpacked bytes.
    pub encoding: Encoding,
    /// Lines above the header, or above the first record, that belong to neither. Quotes mean nothing in them.
    pub skip_lines: u64,
    /// Whether the first record holds names. It may have another count of fields than the columns: their names are here.
    pub header: bool,
    /// The structure.
    pub dialect: Dialect,
    /// Left to right.
    pub columns: Vec<Column>,
    /// Texts of an unquoted field that stand for NULL in columns that are not text, besides the empty one: `NA`, `\N`, `null`.
    pub nulls: Vec<String>,
    /// Whether `nulls` was declared. If not, a usual text for NULL that comes where a guessed type does not fit is added to `late_nulls`.
    pub nulls_declared: bool,
    /// The same as `nulls`, for columns whose type was guessed only: a declared one says what its values are.
    pub late_nulls: Vec<String>,
    /// What becomes of records that do not fit.
    pub on_error: OnError,
}
