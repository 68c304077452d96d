//! From text to tokens with their places.

use super::{ParseError, ParseErrorKind};
use crate::ops::Op;
use std::sync::LazyLock;

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or the name of a column.
    Word(&'a str),
    /// Without its sign.
    Number(u64),
    /// A string constant.
    Text(Vec<u8>),
    /// `$index`.
    Index(usize),
    /// One of `SYMBOLS`.
    Symbol(&'static str),
    /// The end of a statement: a line end outside parentheses. Never twice in a row, never first.
    Newline,
    /// The end of the text.
    End,
}

/// Punctuation, and the operators that are no words. Each before those that it begins with.
static SYMBOLS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let operators = Op::all().into_iter().map(|op| op.signature().name);
    let mut symbols: Vec<_> = operators.filter(|name| !name.starts_with(is_of_word)).collect();
    symbols.extend(["(", ")", ",", "=", "-"]);
    symbols.sort_unstable_by_key(|symbol| (std::cmp::Reverse(symbol.len()), *symbol));
    symbols.dedup();
    symbols
});

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A token and where it begins: line and column, from 1.
pub(super) struct Placed<'a> {
    pub(super) token: Token<'a>,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// All tokens of a text; the last one is [`Token::End`].
pub(super) fn lex(text: &str) -> Result<Vec<Placed<'_>>, ParseError> {
    let mut tokens: Vec<Placed<'_>> = Vec::new();
    let (mut position, mut line, mut line_start, mut depth) = (0, 1, 0, 0usize);
    loop {
        let rest = &text[position..];
        let column = position - line_start + 1;
        let Some(first) = rest.chars().next() else {
            tokens.push(Placed { token: Token::End, line, column });
            return Ok(tokens);
        };
        let (token, length) = match first {
            '\n' => {
                let is_end = depth == 0 && tokens.last().is_some_and(|last| last.token != Token::Newline);
                if is_end {
                    tokens.push(Placed { token: Token::Newline, line, column });
                }
                position += 1;
                (line, line_start) = (line + 1, position);
                continue;
            }
            ' ' | '\t' | '\r' => {
                position += 1;
                continue;
            }
            ';' => {
                position += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            _ => token(rest, first).map_err(|(offset, kind)| ParseError {
                line,
                column: column + offset,
                kind,
            })?,
        };
        match token {
            Token::Symbol("(") => depth += 1,
            Token::Symbol(")") => depth = depth.saturating_sub(1),
            _ => {}
        }
        tokens.push(Placed { token, line, column });
        position += length;
    }
}

/// The token at the beginning of `rest` and its length, or the offset of an error.
fn token(rest: &str, first: char) -> Result<(Token<'_>, usize), (usize, ParseErrorKind)> {
    let length_of = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    if first.is_ascii_alphabetic() || first == '_' {
        let length = length_of(is_of_word);
        return Ok((Token::Word(&rest[..length]), length));
    }
    if first.is_ascii_digit() {
        let length = length_of(|c| c.is_ascii_digit());
        let number = rest[..length].parse().map_err(|_| (0, ParseErrorKind::Number))?;
        return Ok((Token::Number(number), length));
    }
    if first == '$' {
        let digits = rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1);
        if digits > 0 {
            let index = rest[1..=digits].parse().map_err(|_| (0, ParseErrorKind::Number))?;
            return Ok((Token::Index(index), 1 + digits));
        }
    }
    if first == '"' {
        return string(rest.as_bytes());
    }
    match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        Some(symbol) => Ok((Token::Symbol(symbol), symbol.len())),
        None => Err((0, ParseErrorKind::Character(first))),
    }
}

/// The string constant whose opening quote is the first byte of `rest`.
fn string(rest: &[u8]) -> Result<(Token<'static>, usize), (usize, ParseErrorKind)> {
    let mut bytes = Vec::new();
    let mut position = 1;
    loop {
        match rest[position..] {
            [b'"', ..] => return Ok((Token::Text(bytes), position + 1)),
            [b'\\', escaped @ (b'"' | b'\\'), ..] => {
                bytes.push(escaped);
                position += 2;
            }
            [b'\\', b'x', high, low, ..] => {
                let digit =
                    |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (Some(high), Some(low)) = (digit(high), digit(low)) else {
                    return Err((position, ParseErrorKind::Escape));
                };
                bytes.push(high << 4 | low);
                position += 4;
            }
            [b'\\', _, ..] => return Err((position, ParseErrorKind::Escape)),
            // A string stays on its line, so that a forgotten quote is found where it is.
            [] | [b'\n', ..] | [b'\\'] => return Err((0, ParseErrorKind::UnterminatedString)),
            [byte, ..] => {
                bytes.push(byte);
                position += 1;
            }
        }
    }
}
