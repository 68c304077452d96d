//! Where in the text of a statement an error is.
//!
//! Three sources, the surest first: the span of DataFusion's diagnostic, the line and column in an error of the parser,
//! and the tokens of the statement, searched for the name that is wrong.

use std::ops::Range;

use datafusion::common::Span;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::dialect::Dialect as SqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Word};

use crate::sentence::split_place;
use crate::sql::lex::Places;
use crate::sql::statements::Extent;

/// A text, and the tokens of the statement in it.
pub struct Source<'a> {
    pub text: &'a str,
    line_begins: Vec<usize>,
    /// Without blanks and comments.
    tokens: Vec<TokenWithSpan>,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str, dialect: &dyn SqlDialect, extent: Extent) -> Source<'a> {
        let mut tokens = Vec::new();
        // What stands in front of an error of the tokenizer is kept.
        let _ = Tokenizer::new(dialect, text).tokenize_with_location_into_buf(&mut tokens);
        let mut places = Places::new(text);
        tokens.retain(|token| {
            let begin = places.byte(token.span.start.line, token.span.start.column);
            !matches!(token.token, Token::Whitespace(_)) && extent.begin <= begin && begin < extent.end
        });
        let begins = text.match_indices('\n').map(|(at, _)| at + 1);
        Source { text, line_begins: std::iter::once(0).chain(begins).collect(), tokens }
    }

    /// From the first token to the last.
    pub fn statement(&self) -> Range<usize> {
        let begin = self.tokens.first().and_then(|token| self.range(token)).map_or(0, |first| first.start);
        begin..self.end().end.max(begin)
    }

    /// What of the text an error is about.
    pub fn place(&self, error: &DataFusionError) -> Option<Range<usize>> {
        if let Some(span) = error.diagnostic().and_then(|diagnostic| diagnostic.span) {
            return self.span(&span);
        }
        let DataFusionError::SQL(syntax, _) = error.find_root() else { return None };
        let (ParserError::ParserError(text) | ParserError::TokenizerError(text)) = syntax.as_ref() else {
            return None;
        };
        match split_place(text) {
            (_, Some((line, column))) => self.token_at(line, column),
            // The parser has no place for the end of the text.
            (what, None) => what.ends_with("found: EOF").then(|| self.end()),
        }
    }

    /// The word that the parser stopped at, and the one before it, which it may have taken for an alias.
    pub fn words_at(&self, line: u64, column: u64) -> impl Iterator<Item = &str> {
        let at = self.tokens.iter().position(|token| token.span.start == Location { line, column });
        let last_two = at.map_or(&[][..], |at| &self.tokens[at.saturating_sub(1)..=at]);
        last_two.iter().rev().filter_map(|token| match &token.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.as_str()),
            _ => None,
        })
    }

    fn span(&self, span: &Span) -> Option<Range<usize>> {
        let begin = self.offset(span.start.line, span.start.column)?;
        let end = self.offset(span.end.line, span.end.column)?;
        (begin <= end).then_some(begin..end)
    }

    fn range(&self, token: &TokenWithSpan) -> Option<Range<usize>> {
        let (begin, end) = (token.span.start, token.span.end);
        Some(self.offset(begin.line, begin.column)?..self.offset(end.line, end.column)?)
    }

    /// The token that begins there; one that was not finished reaches to the end of its line.
    fn token_at(&self, line: u64, column: u64) -> Option<Range<usize>> {
        let begin = self.offset(line, column)?;
        let token = self.tokens.iter().find(|token| token.span.start == Location { line, column });
        let to_line_end = || begin..self.text[begin..].find('\n').map_or(self.text.len(), |at| begin + at);
        Some(token.and_then(|token| self.range(token)).unwrap_or_else(to_line_end))
    }

    /// Behind the last token.
    fn end(&self) -> Range<usize> {
        let end =
            self.tokens.last().and_then(|token| self.range(token)).map_or(self.text.len(), |last| last.end);
        end..end
    }

    /// Lines and columns count from 1, and columns are characters.
    fn offset(&self, line: u64, column: u64) -> Option<usize> {
        let begin = *self.line_begins.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        let characters = usize::try_from(column).ok()?.checked_sub(1)?;
        let end = self.text[begin..].char_indices().map(|(at, _)| begin + at).nth(characters);
        end.or_else(|| (self.text[begin..].chars().count() == characters).then_some(self.text.len()))
    }

    /// Where a name stands for the first time, behind its qualifier if it has one.
    pub fn name(&self, qualifier: Option<&str>, name: &str) -> Option<Range<usize>> {
        self.tokens.iter().enumerate().find_map(|(at, token)| {
            if !is_name(&token.token, name) {
                return None;
            }
            match (qualifier, at.checked_sub(2).and_then(|before| self.tokens.get(before..at))) {
                (None, _) => self.range(token),
                (Some(qualifier), Some([first, point]))
                    if is_name(&first.token, qualifier) && point.token == Token::Period =>
                {
                    Some(self.range(first)?.start..self.range(token)?.end)
                }
                _ => None,
            }
        })
    }

    /// Where a function is called for the first time.
    pub fn call(&self, name: &str) -> Option<Range<usize>> {
        let pairs = self.tokens.iter().zip(self.tokens.iter().skip(1));
        let mut calls = pairs.filter(|(first, second)| {
            matches!(&first.token, Token::Word(word) if word.value.eq_ignore_ascii_case(name))
                && second.token == Token::LParen
        });
        calls.next().and_then(|(first, _)| self.range(first))
    }

    /// The string literal that is meant, if there is exactly one.
    pub fn literal(&self, is_meant: impl Fn(&str) -> bool) -> Option<Range<usize>> {
        let mut found = self
            .tokens
            .iter()
            .filter(|token| matches!(&token.token, Token::SingleQuotedString(text) if is_meant(text)));
        match (found.next(), found.next()) {
            (Some(token), None) => self.range(token),
            _ => None,
        }
    }

    /// The name that SET, RESET or SHOW begins with, as it is written.
    pub fn setting(&self) -> Option<(String, Range<usize>)> {
        let Token::Word(verb) = &self.tokens.first()?.token else { return None };
        if !matches!(verb.keyword, Keyword::SET | Keyword::RESET | Keyword::SHOW) {
            return None;
        }
        let is_part = |token: &&TokenWithSpan| matches!(token.token, Token::Word(_) | Token::Period);
        let mut name = self.tokens.iter().skip(1).take_while(is_part);
        let first = self.range(name.next()?)?;
        let place =
            first.start..name.last().and_then(|last| self.range(last)).map_or(first.end, |last| last.end);
        Some((self.text[place.clone()].to_owned(), place))
    }

    /// Names that WITH gives to queries.
    pub fn queries(&self) -> impl Iterator<Item = &str> {
        self.tokens.windows(3).filter_map(|tokens| {
            match [&tokens[0].token, &tokens[1].token, &tokens[2].token] {
                [Token::Word(name), Token::Word(Word { keyword: Keyword::AS, .. }), Token::LParen] => {
                    Some(name.value.as_str())
                }
                _ => None,
            }
        })
    }
}

/// Names without quotes stand for themselves in lower case.
fn is_name(token: &Token, name: &str) -> bool {
    match token {
        Token::Word(word) if word.quote_style.is_none() => {
            word.value == name || word.value.to_ascii_lowercase() == name
        }
        Token::Word(word) => word.value == name,
        Token::SingleQuotedString(text) => text == name,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;

    use super::*;

    fn source(text: &str) -> Source<'_> {
        Source::new(text, &GenericDialect {}, Extent::whole(text))
    }

    fn syntax(text: &str, message: &str) -> Option<String> {
        let error = DataFusionError::SQL(Box::new(ParserError::ParserError(message.into())), None);
        source(text).place(&error).map(|place| text[place].to_owned())
    }

    #[test]
    fn places_of_the_parser_are_those_of_tokens() {
        assert_eq!(syntax("SELECT\n  größe frm t", "x at Line: 2, Column: 9").unwrap(), "frm");
        assert_eq!(syntax("SELECT '東京' frm", "x at Line: 1, Column: 13").unwrap(), "frm");
        assert_eq!(syntax("SELECT 'abc\nd", "x at Line: 1, Column: 8").unwrap(), "'abc");
        assert_eq!(syntax("SELECT (1 -- one\n", "Expected: ), found: EOF").unwrap(), "");
        let place = source("SELECT (1 -- one\n").end();
        assert_eq!(place, 9..9);
        assert_eq!(syntax("SELECT", "x at Line: 3, Column: 1"), None);
        assert_eq!(syntax("SELECT", "x at Line: 1, Column: 70"), None);
        assert_eq!(syntax("SELECT", "x"), None);
    }

    #[test]
    fn names_are_found_as_sql_reads_them() {
        let text = "SELECT 'nmae', T.Nmae, nmae, \"Nmae\" FROM 'a.csv' t -- nmae";
        let named = |qualifier, name| source(text).name(qualifier, name);
        assert_eq!(named(Some("t"), "nmae"), Some(15..21));
        assert_eq!(named(None, "Nmae"), Some(17..21));
        assert_eq!(named(None, "a.csv"), Some(41..48));
        assert_eq!(named(None, "b"), None);
        assert_eq!(named(Some("u"), "nmae"), None);
    }

    #[test]
    fn calls_literals_and_queries() {
        let text = "WITH a AS (SELECT 1), b AS (SELECT foo, 'x') SELECT Foo (1), 'y', 'y'";
        let source = source(text);
        assert_eq!(source.call("foo").map(|place| &text[place]), Some("Foo"));
        assert_eq!(source.call("bar"), None);
        assert_eq!(source.literal(|text| text == "x").map(|place| &text[place]), Some("'x'"));
        assert_eq!(source.literal(|text| text == "y"), None);
        assert_eq!(source.queries().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn settings() {
        let named = |text| source(text).setting().map(|(name, _)| name);
        assert_eq!(named("SET weir.pushdwn = 'off'").unwrap(), "weir.pushdwn");
        assert_eq!(named("RESET a").unwrap(), "a");
        assert_eq!(named("SET"), None);
        assert_eq!(named("CREATE EXTERNAL TABLE t"), None);
    }

    #[test]
    fn only_the_statement_that_failed_is_searched() {
        let text = "SELECT nmae FROM a; SELECT nmae FROM b; SELECT 1";
        let extent = Extent { begin: 20, end: 38 };
        let source = Source::new(text, &GenericDialect {}, extent);
        assert_eq!(source.name(None, "nmae"), Some(27..31));
        assert_eq!(source.end(), 38..38);
    }
}
