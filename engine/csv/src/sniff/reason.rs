//! What was decided and why, for people.

use std::fmt::{self, Display, Formatter};

/// Records that have not as many fields as there are columns, where we looked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Ragged {
    /// With fewer.
    pub short: u64,
    /// With more.
    pub long: u64,
}

/// A part of the specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aspect {
    /// How the file is packed.
    Compression,
    /// How its characters are written.
    Encoding,
    /// The delimiter, the quote and the escape.
    Dialect,
    /// The byte that comments begin with.
    Comment,
    /// The lines above the header.
    SkipLines,
    /// Whether the first record holds names.
    Header,
    /// What stands behind the last delimiter of records.
    TrailingDelimiter,
    /// Records with another count of fields.
    Ragged,
    /// A column, by its name.
    Column(String),
}

/// Why a part was decided as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A person said so.
    Declared,
    /// There is nothing to look at.
    Nothing,
    /// The file's first bytes say so.
    FirstBytes,
    /// A byte order mark.
    ByteOrderMark,
    /// Each second byte is zero.
    ZeroBytes,
    /// No byte beyond ASCII.
    Ascii,
    /// All bytes beyond ASCII are UTF-8.
    ValidUtf8,
    /// Nearly all bytes beyond ASCII are UTF-8.
    MostlyUtf8 {
        /// Bytes that are not, where we looked.
        bad: usize,
    },
    /// Bytes that are not UTF-8.
    NotUtf8 {
        /// How many, where we looked.
        bad: usize,
    },
    /// A first line such as `sep=;`.
    SeparatorLine,
    /// No delimiter makes more than one column.
    OneColumn,
    /// So many records have the same count of fields.
    Consistent {
        /// Records with that count.
        records: u64,
        /// Of so many.
        of: u64,
        /// That count.
        columns: u64,
    },
    /// Lines that begin with the byte and have not the fields of a record.
    CommentLines {
        /// How many.
        lines: u64,
    },
    /// Lines that do not look like the records below them.
    OtherAbove {
        /// How many.
        lines: u64,
    },
    /// The first record is text where the columns are not.
    TypedBelow {
        /// In so many columns.
        columns: u64,
    },
    /// The first record looks like names, among texts.
    Names,
    /// A quote is not closed in the line of names, so it is skipped as a line, and its names are kept.
    TornHeader,
    /// The first record looks like those below it.
    LikeData {
        /// In so many columns.
        columns: u64,
    },
    /// The first record has empty or equal fields, or fields that are no names.
    NoNames,
    /// The last field is empty in each record.
    LastEmpty,
    /// Records with fewer or more fields than most.
    Ragged(Ragged),
    /// All values that were seen fit.
    Values {
        /// How many.
        seen: u64,
    },
    /// The column is text.
    Text(TextReason),
}

/// Why a column is text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextReason {
    /// It is empty wherever we looked.
    NoValues,
    /// A number with a zero in front.
    LeadingZero {
        /// It.
        value: String,
        /// Its line, or 0.
        line: u64,
    },
    /// A value that is of no other type, or not of that of the values before it.
    Value {
        /// It.
        value: String,
        /// Its line, or 0.
        line: u64,
    },
    /// Dates whose day and month could be either.
    DayOrMonth,
    /// Some times have a zone and some have none.
    SomeZones,
    /// Numbers whose comma or point could be a decimal sign or separate thousands.
    CommaOrPoint,
    /// Numbers with a decimal comma in a file delimited by commas.
    DecimalComma,
    /// Numbers with more digits than any numeric type holds.
    TooLong,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// On what.
    pub part: Aspect,
    /// What, as a person would write it.
    pub what: String,
    /// Why.
    pub why: Why,
}

impl Display for Aspect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Aspect::Compression => f.write_str("compression"),
            Aspect::Encoding => f.write_str("encoding"),
            Aspect::Dialect => f.write_str("dialect"),
            Aspect::Comment => f.write_str("comments"),
            Aspect::SkipLines => f.write_str("lines above"),
            Aspect::Header => f.write_str("header"),
            Aspect::TrailingDelimiter => f.write_str("trailing delimiter"),
            Aspect::Ragged => f.write_str("ragged records"),
            Aspect::Column(name) => write!(f, "column \"{name}\""),
        }
    }
}

impl Display for Why {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Why::Declared => f.write_str("declared"),
            Why::Nothing => f.write_str("nothing to look at"),
            Why::FirstBytes => f.write_str("by the first bytes"),
            Why::ByteOrderMark => f.write_str("by the byte order mark"),
            Why::ZeroBytes => f.write_str("each second byte is zero"),
            Why::Ascii => f.write_str("ASCII only"),
            Why::ValidUtf8 => f.write_str("all of it is UTF-8"),
            Why::MostlyUtf8 { bad } => write!(f, "UTF-8 but for {bad} bytes"),
            Why::NotUtf8 { bad } => write!(f, "{bad} bytes are not UTF-8"),
            Why::SeparatorLine => f.write_str("the first line says so"),
            Why::OneColumn => f.write_str("no delimiter makes more than one column"),
            Why::Consistent { records, of, columns } => {
                write!(f, "{records} of {of} records have {columns} fields")
            }
            Why::CommentLines { lines } => write!(f, "{lines} lines begin with it"),
            Why::OtherAbove { lines } => write!(f, "{lines} lines do not look like the records below"),
            Why::TypedBelow { columns } => {
                write!(f, "the first record is text where {columns} columns are not")
            }
            Why::Names => f.write_str("the first record looks like names"),
            Why::TornHeader => {
                f.write_str("a quote is open in the line of names; it is skipped and its names are kept")
            }
            Why::LikeData { columns } => {
                write!(f, "the first record looks like those below it in {columns} columns")
            }
            Why::NoNames => f.write_str("the first record does not look like names"),
            Why::LastEmpty => f.write_str("nothing stands behind the last delimiter"),
            Why::Ragged(Ragged { short, long }) => {
                let counted = |f: &mut Formatter<'_>, count: &u64, what: &str| {
                    write!(f, "{count} {what} record{}", if *count == 1 { "" } else { "s" })
                };
                match (short, long) {
                    (0, long) => counted(f, long, "long"),
                    (short, 0) => counted(f, short, "short"),
                    (short, long) => {
                        counted(f, short, "short")?;
                        f.write_str(" and ")?;
                        counted(f, long, "long")
                    }
                }
            }
            Why::Values { seen } => write!(f, "all of {seen} values fit"),
            Why::Text(reason) => reason.fmt(f),
        }
    }
}

impl Display for TextReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let place = |f: &mut Formatter<'_>, line: &u64| match line {
            0 => Ok(()),
            line => write!(f, " in line {line}"),
        };
        match self {
            TextReason::NoValues => f.write_str("no value was seen"),
            TextReason::LeadingZero { value, line } => {
                write!(f, "`{value}`")?;
                place(f, line)?;
                f.write_str(" has a zero in front")
            }
            TextReason::Value { value, line } => {
                write!(f, "`{value}`")?;
                place(f, line)?;
                f.write_str(" is of no other type")
            }
            TextReason::DayOrMonth => {
                f.write_str("dates, but day and month could be either; declare the date format to have dates")
            }
            TextReason::SomeZones => f.write_str("times, but only some have a time zone"),
            TextReason::CommaOrPoint => f.write_str(
                "numbers, but the comma or point could separate thousands; declare the decimal sign to have numbers",
            ),
            TextReason::DecimalComma => f.write_str(
                "numbers with a comma in a file delimited by commas; declare the decimal comma to have numbers",
            ),
            TextReason::TooLong => f.write_str("numbers with more digits than a number can hold"),
        }
    }
}

impl Display for Decision {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.part, self.what, self.why)
    }
}
