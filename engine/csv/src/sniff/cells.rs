//! What a field looks like at a glance. Only for the choice of a dialect: under the right one the fields of a column look alike,
//! under a wrong one they are pieces.

/// Looks, from the most telling to the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Empty,
    /// Digits with signs, points and commas.
    Number,
    /// Digits with what stands in dates and times.
    Time,
    /// Letters, digits, `_`, `-`; addresses of the web and of e-mail.
    Word,
    /// Anything else without quotes in it.
    Prose,
    /// A piece: brackets of which one is missing, a quote, another delimiter at its end.
    Odd,
}

impl Look {
    pub const COUNT: usize = 6;

    /// How much the look says for the dialect under which it came out.
    pub fn weight(self) -> f64 {
        match self {
            Look::Number | Look::Time => 1.0,
            Look::Word => 0.9,
            Look::Prose => 0.7,
            Look::Empty => 0.5,
            Look::Odd => 0.1,
        }
    }
}

const DIGIT: u8 = 1;
const LETTER: u8 = 2;
const BLANK: u8 = 4;
/// `+ - . ,`
const SIGN: u8 = 8;
/// `: /`
const TIME: u8 = 16;
/// Any quote character or backslash at which a piece is told.
const QUOTE: u8 = 32;
const BRACKET: u8 = 64;
const REST: u8 = 128;

const CLASSES: [u8; 256] = {
    let mut classes = [REST; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => LETTER,
            b' ' => BLANK,
            b'+' | b'-' | b'.' | b',' => SIGN,
            b':' | b'/' => TIME,
            b'"' => QUOTE,
            b'(' | b')' | b'[' | b']' | b'{' | b'}' => BRACKET,
            _ => REST,
        };
        byte += 1;
    }
    classes
};

/// A longer field is prose, whatever its end holds.
const LOOK_BYTES: usize = 256;

/// How a field stands to quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// It is within them, so it may hold anything.
    Around,
    /// The dialect has quotes, and the field has none around it.
    None,
    /// The dialect has none.
    Unknown,
}

/// The look of a field without its quotes.
pub(super) fn look(field: &[u8], quotes: Quotes) -> Look {
    let field = field.trim_ascii();
    if field.is_empty() {
        return Look::Empty;
    }
    let part = &field[..field.len().min(LOOK_BYTES)];
    let seen = part.iter().fold(0, |seen, byte| seen | CLASSES[usize::from(*byte)]);
    let is_enclosed = |quote: u8| field.len() >= 2 && field[0] == quote && field.ends_with(&[quote]);
    let is_piece = quotes == Quotes::None && seen & QUOTE != 0
        || is_enclosed(b'\'')
        || is_enclosed(b'"')
        || ends_with_separator(field);
    if quotes != Quotes::Around && is_piece {
        return Look::Odd;
    }
    if seen & BRACKET != 0 && !balanced(field) {
        return Look::Odd;
    }
    if seen & DIGIT != 0 && seen & !(DIGIT | SIGN) == 0 && is_number(part) {
        return Look::Number;
    }
    let is_time = seen & DIGIT != 0 && seen & !(DIGIT | SIGN | TIME | BLANK) == 0 && !part.contains(&b',');
    if is_time && seen & (TIME | SIGN) != 0 || is_iso_time(part) {
        return Look::Time;
    }
    if quotes != Quotes::Around && is_unsplit(part) {
        return Look::Odd;
    }
    let is_address = seen & BLANK == 0 && (part.contains(&b'@') || part.windows(3).any(|w| w == b"://"));
    if is_address
        || seen & !(DIGIT | LETTER) == 0
        || seen & !(DIGIT | LETTER | SIGN) == 0 && !part.contains(&b',')
    {
        return Look::Word;
    }
    Look::Prose
}

/// Digits with one decimal sign and groups of three in front of it, or nearly so.
fn is_number(field: &[u8]) -> bool {
    let digits = field.strip_prefix(b"-").or(field.strip_prefix(b"+")).unwrap_or(field);
    let mut groups = digits.split(|byte| !byte.is_ascii_digit()).skip(1).peekable();
    let mut separators = digits.iter().filter(|byte| !byte.is_ascii_digit());
    let first = separators.next();
    while let Some(group) = groups.next() {
        let is_last = groups.peek().is_none();
        let separator = if is_last { digits.iter().rev().find(|byte| !byte.is_ascii_digit()) } else { first };
        let is_decimal = is_last && (separator != first || separators.clone().next().is_none());
        if !matches!(separator, Some(b'.' | b',')) || !is_decimal && group.len() != 3 {
            return false;
        }
    }
    true
}

/// `2024-12-31T23:59:59Z`
fn is_iso_time(field: &[u8]) -> bool {
    field.len() >= 16 && field[..4].iter().all(u8::is_ascii_digit) && field[10] == b'T' && field[13] == b':'
}

/// `a;` or `,b`: half of something.
fn ends_with_separator(field: &[u8]) -> bool {
    let separates = |byte: &u8| b";|\t,".contains(byte);
    field.len() > 1 && (field.first().is_some_and(separates) || field.last().is_some_and(separates))
}

/// `a,b`: in a text a blank would follow.
fn is_unsplit(field: &[u8]) -> bool {
    memchr::memchr3_iter(b',', b';', b'|', field).any(|at| {
        at > 0 && field.get(at + 1).is_some_and(|next| !next.is_ascii_whitespace()) && field[at - 1] != b' '
    })
}

fn balanced(field: &[u8]) -> bool {
    let count = |byte: u8| memchr::memchr_iter(byte, field).count();
    count(b'(') == count(b')') && count(b'[') == count(b']') && count(b'{') == count(b'}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks() {
        for (field, expected) in [
            ("", Look::Empty),
            (" ", Look::Empty),
            ("-12.50", Look::Number),
            ("1,5", Look::Number),
            ("1.234.567,5", Look::Number),
            ("1,31.12", Look::Odd),
            ("1,2,3", Look::Odd),
            ("one, two", Look::Prose),
            ("31.12.2024", Look::Time),
            ("2024-12-31", Look::Time),
            ("12:30", Look::Time),
            ("2024-12-31T23:59:59Z", Look::Time),
            ("31/12/2024 14:05", Look::Time),
            ("AB-12", Look::Word),
            ("http://example.org/a", Look::Word),
            ("a@example.org", Look::Word),
            ("two words", Look::Prose),
            ("a (b", Look::Odd),
            ("say \"x", Look::Odd),
            ("'text'", Look::Odd),
            ("a;", Look::Odd),
            ("it's", Look::Prose),
        ] {
            assert_eq!(look(field.as_bytes(), Quotes::None), expected, "{field:?}");
        }
    }
}
