//! The text of a fragment: printing and parsing. What is printed from a valid fragment parses back to an equal
//! one, so a test is one file that can be printed, checked, interpreted and run.
//!
//! ```text
//! fragment fields=16 delimiter="," quote="\""          ; escape="\\" when there is one
//! column 4 quantity i64                                ; field, name, type
//! column 5 "odd name" float(2)
//! column 8 flag string
//! column 10 shipdate date not null
//! filter and(shipdate >= 19940101, or(quantity < 24, $1 is null))
//! output aggregates                                    ; or: output records, output values
//! key flag bytes=8
//! aggregate count(quantity) filter flag in ("A", "\xc3\xa4")
//! aggregate sum_exact(bound(quantity, 1000) *! (100 - $1))
//! ```
//!
//! One statement per line, in this order; a line may break inside parentheses; `;` begins a comment.
//!
//! ```text
//! type       i8 .. i64 | u8 .. u64 | float(scale) | decimal(precision, scale) | date | boolean | string
//! expr       term [(= | <> | < | ...) term | [not] in (operand, ...) | is [not] null]
//! term       operand [(+ | +! | ...) operand]              ; with a "!" an overflow is an exception
//! operand    column | constant | function(expr, ...) | (expr)
//! constant   integer | string | true | false | null
//! column     name, if it is unique, made of letters, digits and _, and no keyword | $index
//! ```
//!
//! The operators are those of [`crate::ops`], written as their signatures say, the functions behind `aggregate` those
//! of [`crate::aggregates`]. The grammar is wider than what is valid: `and(1)` parses.
//!
//! Strings hold bytes: `\"`, `\\` and `\xNN` (two hexadecimal digits) are escapes. Operators have no precedence:
//! a nested operation is always in parentheses.

mod lex;
mod parse;
mod print;

pub use parse::parse;

/// Why a text is not a fragment, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// In bytes, from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: ParseErrorKind,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    /// No token begins with it.
    #[error("unexpected character {0:?}")]
    Character(char),
    /// A string runs to the end of the text.
    #[error("a string without an end")]
    UnterminatedString,
    /// Only `\"`, `\\` and `\xNN` are known.
    #[error("an unknown escape in a string")]
    Escape,
    /// A number does not fit where it stands.
    #[error("a number out of range")]
    Number,
    /// The name of a column is not UTF-8.
    #[error("a name that is not UTF-8")]
    NameEncoding,
    /// A string of another length than 1 stands for a byte of the dialect.
    #[error("a string that is not one byte")]
    NotOneByte,
    /// No column has this name.
    #[error("no column is named {0}")]
    UnknownColumn(String),
    /// More than one column has this name.
    #[error("several columns are named {0}: use $index")]
    AmbiguousColumn(String),
    /// Too many open parentheses.
    #[error("nested too deeply")]
    Depth,
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What the grammar wants.
        expected: &'static str,
        /// The token there.
        found: String,
    },
}

/// Words that are not taken for the name of a column.
const KEYWORDS: [&str; 9] = ["and", "or", "not", "in", "is", "null", "true", "false", "bound"];

/// Whether a name can be written without quotes.
fn is_plain(name: &str) -> bool {
    let first_is_no_digit = !name.starts_with(|c: char| c.is_ascii_digit());
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    !name.is_empty() && first_is_no_digit && plain && !KEYWORDS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragment::random::Random;

    #[test]
    fn random_fragments_parse_back() {
        for seed in 0..3000 {
            let fragment = Random::new(seed).fragment();
            let text = fragment.to_string();
            assert_eq!(parse(&text).as_ref(), Ok(&fragment), "seed {seed}\n{text}");
        }
    }

    /// Texts in the printed form, which print as they are.
    #[test]
    fn printed_form() {
        let texts = [
            "fragment fields=1 delimiter=\",\" quote=\"\\\"\"\noutput records\n",
            "fragment fields=16 delimiter=\"\\x09\" quote=\"'\" escape=\"\\\\\"\n\
             column 4 quantity i64\n\
             column 5 \"odd name\" float(2)\n\
             column 6 \"null\" u8\n\
             column 7 twice boolean\n\
             column 0 twice string\n\
             column 9 \"\\xc3\\xa4\" decimal(15, 2)\n\
             column 10 _ship2 date not null\n\
             filter and(_ship2 >= 19940101, or(quantity < -24, $1 is null, not($3 = 1)), null, and(), or(true))\n\
             output aggregates\n\
             key $4 bytes=16\n\
             key $2\n\
             aggregate count()\n\
             aggregate count(quantity, $1) filter $4 not in (\"a\\\"\\\\\", \"\\x00\\xff\")\n\
             aggregate sum_exact(bound(quantity, 1000) *! (100 - $1))\n\
             aggregate sum_wrap(quantity - -9223372036854775808)\n\
             aggregate min((quantity + 1) -! 2) filter quantity not in (1, -2)\n\
             aggregate max(_ship2 +! 1) filter quantity is not null\n\
             aggregate max(_ship2) filter and($3, $3 = false, (quantity = 1) = 1 + 1, $3 in (true))\n",
        ];
        for text in texts {
            assert_eq!(parse(text).unwrap_or_else(|error| panic!("{error}")).to_string(), text);
        }
    }

    #[test]
    fn free_form() {
        let text = "; a comment\n\nfragment fields=2 ; another\r\n column 0 a i64\n\n filter and(\n  a = 1,\n  2 < a)\n output records";
        let printed = "fragment fields=2 delimiter=\",\" quote=\"\\\"\"\ncolumn 0 a i64\nfilter and(a = 1, 2 < a)\noutput records\n";
        assert_eq!(parse(text).unwrap().to_string(), printed);
    }

    #[test]
    fn errors_say_where() {
        let cases = [
            ("", "1:1 expected fragment, found the end"),
            ("fragment\n", "1:9 expected fields, found the end of the line"),
            ("fragment fields=1 x=2", "1:19 expected the end of the line, found x"),
            ("fragment fields=1 quote=\"ab\"", "1:25 a string that is not one byte"),
            ("fragment fields=1 quote=\"", "1:25 a string without an end"),
            ("fragment fields=1 quote=\"\\n\"", "1:26 an unknown escape in a string"),
            ("fragment fields=1 quote=\"\\x+1\"", "1:26 an unknown escape in a string"),
            ("fragment fields=99999999999999999999", "1:17 a number out of range"),
            ("fragment fields=1\nfilter a = 1", "2:8 no column is named a"),
            ("fragment fields=1\ncolumn 0 a text", "2:12 expected a type, found text"),
            ("fragment fields=1\ncolumn 0 a i256", "2:12 expected a type, found i256"),
            ("fragment fields=1\ncolumn 0 \"\\xff\" i8", "2:10 a name that is not UTF-8"),
            (
                "fragment fields=1\noutput nothing",
                "2:8 expected records, values or aggregates, found nothing",
            ),
            ("fragment fields=1\noutput records\nkey $0", "3:1 expected the end, found key"),
            ("fragment fields=1\nfilter 1 = 9223372036854775808", "2:12 a number out of range"),
            ("fragment fields=1\nfilter 1 + 1 + 1 = 3", "2:14 expected the end of the line, found +"),
            ("fragment fields=1\nfilter 1 is in", "2:13 expected null, found in"),
            ("fragment fields=1\nfilter 1 not (2)", "2:14 expected in, found ("),
            ("fragment fields=1\nfilter and", "2:11 expected (, found the end"),
            ("fragment fields=1\nfilter and(true", "2:16 expected ) or a comma, found the end"),
            ("fragment fields=1\nfilter $x", "2:8 unexpected character '$'"),
            ("fragment fields=1\nfilter ä", "2:8 unexpected character 'ä'"),
            (
                "fragment fields=2\ncolumn 0 a i8\ncolumn 1 a i8\nfilter a=1",
                "4:8 several columns are named a: use $index",
            ),
            (
                "fragment fields=1\noutput aggregates\naggregate avg(1)",
                "3:11 expected an aggregate function, found avg",
            ),
        ];
        for (text, expected) in cases {
            let ParseError { line, column, kind } = parse(text).expect_err(text);
            assert_eq!(format!("{line}:{column} {kind}"), expected, "{text}");
        }
        let deep = format!("fragment fields=1\nfilter {}", "not(".repeat(100_000));
        assert_eq!(parse(&deep).unwrap_err().kind, ParseErrorKind::Depth);
        let deep = format!("fragment fields=1\nfilter {}", "(".repeat(100_000));
        assert_eq!(parse(&deep).unwrap_err().kind, ParseErrorKind::Depth);
    }
}
