//! SQL text in, statements out, each with its place in the text.

use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::dialect_from_str;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::lex::Places;
use super::{ignored, nesting, precedence, stdout};

/// The bytes of a text from the first token of a statement to where the next one begins, or to the end of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub begin: usize,
    pub end: usize,
}

impl Extent {
    pub fn whole(text: &str) -> Extent {
        Extent { begin: 0, end: text.len() }
    }

    /// The statement, without what is blank around it.
    pub fn text_in(self, text: &str) -> &str {
        text[self.begin..self.end].trim()
    }
}

/// A statement, and where in its text it stands.
pub struct Parsed {
    pub statement: Statement,
    pub extent: Extent,
}

/// The statements of a text, in the dialect of the session.
pub fn parse(context: &SessionContext, sql: &str) -> Result<Vec<Parsed>, DataFusionError> {
    let state = context.state();
    let settings = &state.config_options().sql_parser;
    let dialect = dialect_from_str(settings.dialect).ok_or_else(|| {
        DataFusionError::Configuration(format!("there is no SQL dialect {}", settings.dialect))
    })?;
    let mut parser = DFParserBuilder::new(sql)
        .with_dialect(dialect.as_ref())
        .with_recursion_limit(settings.recursion_limit.into())
        .build()?;
    let mut tokens = tokens(&parser.parser);
    nesting::check(&tokens, settings.recursion_limit.into())?;
    if stdout::name_stdout(&mut tokens) {
        parser.parser = Parser::new(dialect.as_ref())
            .with_recursion_limit(settings.recursion_limit.into())
            .with_tokens_with_locations(tokens);
    }
    // As `DFParser::parse_statements`, which does not tell where each one begins.
    let mut parsed: Vec<Parsed> = Vec::new();
    let mut places = Places::new(sql);
    let mut is_separated = true;
    loop {
        while parser.parser.consume_token(&Token::SemiColon) {
            is_separated = true;
        }
        let TokenWithSpan { token, span } = parser.parser.peek_token_ref().clone();
        if token == Token::EOF {
            return Ok(parsed);
        }
        let begin = places.byte(span.start.line, span.start.column);
        if let Some(last) = parsed.last_mut() {
            last.extent.end = begin;
        }
        if !is_separated {
            let message = format!("Expected: end of statement, found: {token}{}", span.start);
            return Err(ParserError::ParserError(message).into());
        }
        let mut statement = parser.parse_statement()?;
        ignored::check(&mut statement)?;
        precedence::mend(&mut statement);
        parsed.push(Parsed { statement, extent: Extent { begin, end: sql.len() } });
        is_separated = false;
    }
}

/// All of them, blanks too.
fn tokens(parser: &Parser<'_>) -> Vec<TokenWithSpan> {
    (0..).map(|at| parser.peek_nth_token_no_skip(at)).take_while(|token| token.token != Token::EOF).collect()
}

#[cfg(test)]
mod tests {
    use datafusion::common::config::ConfigNonZeroUsize;
    use datafusion::prelude::SessionConfig;
    use engine::session::RECURSION_LIMIT;

    use super::*;

    #[test]
    fn each_statement_knows_its_place() {
        let context = SessionContext::new();
        let text = "-- ä\n SELECT 'ö;'; ;\nSELECT 2 -- last\n";
        let parsed = parse(&context, text).unwrap();
        let texts: Vec<&str> = parsed.iter().map(|parsed| parsed.extent.text_in(text)).collect();
        assert_eq!(texts, ["SELECT 'ö;'; ;", "SELECT 2 -- last"]);
        assert_eq!(Extent::whole(text).text_in(text), text.trim());
        assert_eq!(parse(&context, " ;; -- none").unwrap().len(), 0);
        // All of a text is read before anything of it runs.
        assert!(parse(&context, "SELECT 1 SELECT 2").is_err());
        assert!(parse(&context, "SELECT 1; SELEKT 2").is_err());
    }

    #[test]
    fn what_is_nested_is_parsed_or_refused_at_once() {
        let begun = std::time::Instant::now();
        let mut config = SessionConfig::new();
        for limit in [50, RECURSION_LIMIT] {
            config.options_mut().sql_parser.recursion_limit = ConfigNonZeroUsize::try_new(limit).unwrap();
            let context = SessionContext::new_with_config(config.clone());
            for (open, close) in
                [("NOT (", ")"), ("(", ")"), ("NOT ", ""), ("- ", ""), ("CASE WHEN ", " THEN a END")]
            {
                for depth in 1..2200 {
                    if depth > 60 && depth % 57 != 0 {
                        continue;
                    }
                    let text = format!("SELECT {} a > 1 {}", open.repeat(depth), close.repeat(depth));
                    let fits = parse(&context, &text).is_ok();
                    let levels = depth * if open == "NOT (" { 2 } else { 1 };
                    assert!(!fits || levels <= 1000, "{open} {depth} with {limit}");
                    assert!(
                        fits || levels > if limit == 50 { 20 } else { 1000 },
                        "{open} {depth} with {limit}"
                    );
                }
            }
        }
        assert!(begun.elapsed().as_secs() < 60);
    }
}
