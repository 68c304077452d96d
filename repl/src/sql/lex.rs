//! Text as it is typed in; what it is made of out: tokens with their places, and what is still open at the end.
//!
//! The tokens are those of the parser that reads the statements afterwards, so the two agree about where a string ends,
//! as long as `datafusion.sql_parser.dialect` is the generic one that sessions begin with. Nothing here fails: of a text
//! that the tokenizer refuses, the part it refuses is one last token.

use std::ops::Range;

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

/// What a token is, as far as prompts and colours care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword, or a name without quotes.
    Word,
    /// A name in double quotes or backquotes.
    QuotedName,
    Number,
    /// A string of any notation.
    String,
    Comment,
    Space,
    BracketOpen,
    BracketClose,
    Semicolon,
    Backslash,
    Colon,
    Comma,
    Period,
    Other,
}

/// A token and the bytes of the text that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub kind: TokenKind,
    pub range: Range<usize>,
}

/// What the text leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    Nothing,
    String,
    QuotedName,
    Comment,
    Dollar,
    Bracket,
}

impl Open {
    /// The character that a continuation prompt shows.
    pub fn sign(self) -> char {
        match self {
            Open::Nothing => '-',
            Open::String => '\'',
            Open::QuotedName => '"',
            Open::Comment => '*',
            Open::Dollar => '$',
            Open::Bracket => '(',
        }
    }
}

/// The tokens of a text, without gaps, and what is open at its end.
pub struct Tokens {
    pub pieces: Vec<Piece>,
    pub open: Open,
}

/// Takes a text apart.
pub fn tokenize(text: &str) -> Tokens {
    let mut tokens = Vec::new();
    let refused =
        Tokenizer::new(&GenericDialect {}, text).tokenize_with_location_into_buf(&mut tokens).is_err();
    let mut places = Places::new(text);
    let mut pieces: Vec<Piece> = Vec::with_capacity(tokens.len() + 1);
    for token in &tokens {
        let begin = places.byte(token.span.start.line, token.span.start.column);
        // A token ends where the next one begins; the tokenizer does not give the ends of all kinds.
        if let Some(last) = pieces.last_mut() {
            last.range.end = begin;
        }
        pieces.push(Piece { kind: kind(&token.token), range: begin..text.len() });
    }
    let mut open = Open::Nothing;
    if refused {
        // All tokens before the refused one are known with their ends, it has the rest.
        let begin = match tokens.last() {
            Some(last) => places.byte(last.span.end.line, last.span.end.column),
            None => 0,
        };
        if let Some(last) = pieces.last_mut() {
            last.range.end = begin;
        }
        open = opened_by(&text[begin..]);
        let kind = match open {
            Open::String | Open::Dollar => TokenKind::String,
            Open::QuotedName => TokenKind::QuotedName,
            Open::Comment => TokenKind::Comment,
            Open::Nothing | Open::Bracket => TokenKind::Other,
        };
        pieces.push(Piece { kind, range: begin..text.len() });
    }
    if open == Open::Nothing && depth(&pieces) > 0 {
        open = Open::Bracket;
    }
    Tokens { pieces, open }
}

/// What a token that does not end begins with.
fn opened_by(rest: &str) -> Open {
    let mut characters = rest.chars();
    match (characters.next(), characters.next()) {
        (Some('"' | '`'), _) => Open::QuotedName,
        (Some('/'), Some('*')) => Open::Comment,
        (Some('$'), _) => Open::Dollar,
        // Also with a prefix, as in E'...' and U&'...'.
        _ => match rest.find(['\'', '"']).filter(|&at| at <= 2) {
            Some(_) => Open::String,
            None => Open::Nothing,
        },
    }
}

fn kind(token: &Token) -> TokenKind {
    match token {
        Token::Word(word) if word.quote_style.is_some() => TokenKind::QuotedName,
        Token::Word(_) => TokenKind::Word,
        Token::Number(..) => TokenKind::Number,
        Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => {
            TokenKind::Comment
        }
        Token::Whitespace(_) => TokenKind::Space,
        Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::DollarQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::SingleQuotedByteStringLiteral(_)
        | Token::DoubleQuotedByteStringLiteral(_)
        | Token::SingleQuotedRawStringLiteral(_)
        | Token::DoubleQuotedRawStringLiteral(_) => TokenKind::String,
        Token::LParen | Token::LBracket | Token::LBrace => TokenKind::BracketOpen,
        Token::RParen | Token::RBracket | Token::RBrace => TokenKind::BracketClose,
        Token::SemiColon => TokenKind::Semicolon,
        Token::Backslash => TokenKind::Backslash,
        Token::Colon => TokenKind::Colon,
        Token::Comma => TokenKind::Comma,
        Token::Period => TokenKind::Period,
        _ => TokenKind::Other,
    }
}

/// Brackets that are open at the end.
fn depth(pieces: &[Piece]) -> usize {
    pieces.iter().fold(0, |depth: usize, piece| match piece.kind {
        TokenKind::BracketOpen => depth + 1,
        TokenKind::BracketClose => depth.saturating_sub(1),
        _ => depth,
    })
}

/// Lines and columns, which grow, to bytes. The tokenizer counts both from 1 and columns in characters.
pub struct Places<'a> {
    text: &'a str,
    line: u64,
    column: u64,
    byte: usize,
}

impl<'a> Places<'a> {
    pub fn new(text: &'a str) -> Self {
        Places { text, line: 1, column: 1, byte: 0 }
    }

    /// Where a place is that is not in front of the last one.
    pub fn byte(&mut self, line: u64, column: u64) -> usize {
        for character in self.text[self.byte..].chars() {
            if (self.line, self.column) >= (line, column) {
                break;
            }
            self.byte += character.len_utf8();
            self.column += 1;
            if character == '\n' {
                self.line += 1;
                self.column = 1;
            }
        }
        self.byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(TokenKind, &str)> {
        let tokens = tokenize(text);
        let mut end = 0;
        for piece in &tokens.pieces {
            assert_eq!(piece.range.start, end, "{text:?} has a gap");
            end = piece.range.end;
        }
        assert_eq!(end, text.len(), "{text:?}");
        tokens
            .pieces
            .iter()
            .filter(|piece| piece.kind != TokenKind::Space)
            .map(|piece| (piece.kind, &text[piece.range.clone()]))
            .collect()
    }

    #[test]
    fn tokens_and_their_places() {
        assert_eq!(
            kinds("SELECT \"ä b\", 'é''x' -- c\nFROM t;"),
            [
                (TokenKind::Word, "SELECT"),
                (TokenKind::QuotedName, "\"ä b\""),
                (TokenKind::Comma, ","),
                (TokenKind::String, "'é''x'"),
                (TokenKind::Comment, "-- c\n"),
                (TokenKind::Word, "FROM"),
                (TokenKind::Word, "t"),
                (TokenKind::Semicolon, ";"),
            ]
        );
        assert_eq!(kinds("a 'no end"), [(TokenKind::Word, "a"), (TokenKind::String, "'no end")]);
        assert_eq!(kinds("日本 /* x"), [(TokenKind::Word, "日本"), (TokenKind::Comment, "/* x")]);
        assert_eq!(kinds(""), []);
    }

    #[test]
    fn what_is_open() {
        for (text, open) in [
            ("SELECT 1", Open::Nothing),
            ("SELECT 'a", Open::String),
            ("SELECT 'a''", Open::String),
            ("SELECT E'a\\'", Open::String),
            ("SELECT 'it''s'", Open::Nothing),
            ("SELECT \"a", Open::QuotedName),
            ("SELECT /* a", Open::Comment),
            ("SELECT /* a /* b */", Open::Comment),
            ("SELECT $$ a", Open::Dollar),
            ("SELECT $tag$ a $tag", Open::Dollar),
            ("SELECT $tag$ a $tag$", Open::Nothing),
            ("SELECT (1, [2", Open::Bracket),
            ("SELECT (1)) ", Open::Nothing),
            ("-- 'a", Open::Nothing),
            ("SELECT ('a", Open::String),
        ] {
            assert_eq!(tokenize(text).open, open, "{text}");
        }
    }

    #[test]
    fn places() {
        let text = "a\nöb\n\nc";
        let mut places = Places::new(text);
        let found = [(1, 1), (2, 1), (2, 2), (4, 1), (9, 9)].map(|(line, column)| places.byte(line, column));
        assert_eq!(found, [0, 2, 4, 7, 8]);
    }
}
