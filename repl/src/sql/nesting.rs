//! How deeply a text of SQL is nested, told from its tokens, before it is parsed.
//!
//! The parser counts how deep it goes and gives up at a limit. But behind a `NOT` that it gave up on it tries again, with
//! NOT as the name of a function: each NOT on the way doubles the time. So what is too deep is refused before.

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Brackets and operators that may stand in each other. Deeper ones would need too much stack where a plan is printed or
/// evaluated.
const NESTING_MAX: usize = 1000;

/// The parser goes down twice for `NOT (`.
const PARSER_LEVELS_MIN: usize = 2;

/// An error if these tokens are nested too deeply for a parser with this limit.
pub fn check(tokens: &[TokenWithSpan], recursion_limit: usize) -> Result<(), DataFusionError> {
    let most = NESTING_MAX.min((recursion_limit / PARSER_LEVELS_MIN).saturating_sub(1));
    let mut depth = Depth::default();
    // A session begins with a limit of the parser that no text reaches which is not refused here.
    for TokenWithSpan { token, .. } in tokens {
        depth.step(token);
        if depth.open + depth.prefixes > most {
            return Err(ParserError::RecursionLimitExceeded.into());
        }
    }
    Ok(())
}

#[derive(Default)]
struct Depth {
    /// Brackets and CASE that are open, and the operators in front of them.
    open: usize,
    /// For each of these, the operators in front of it.
    in_front: Vec<usize>,
    /// Operators in front of an operand that has not come yet.
    prefixes: usize,
}

impl Depth {
    fn step(&mut self, token: &Token) {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => self.open(),
            Token::RParen | Token::RBracket | Token::RBrace => self.close(),
            Token::Word(word) if word.keyword == Keyword::CASE => self.open(),
            Token::Word(word) if word.keyword == Keyword::END => self.close(),
            Token::Word(word) if word.keyword == Keyword::NOT => self.prefixes += 1,
            Token::Minus | Token::Plus | Token::Tilde => self.prefixes += 1,
            Token::Whitespace(_) => {}
            _ => self.prefixes = 0,
        }
    }

    fn open(&mut self) {
        self.open += 1 + self.prefixes;
        self.in_front.push(self.prefixes);
        self.prefixes = 0;
    }

    fn close(&mut self) {
        if let Some(prefixes) = self.in_front.pop() {
            self.open -= 1 + prefixes;
        }
        self.prefixes = 0;
    }
}
