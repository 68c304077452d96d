//! `COPY ... TO STDOUT`, as in psql: the name of a file in the place of STDOUT.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// What stands for standard output in a COPY: DataFusion's parser wants the name of a file.
pub const STDOUT: &str = "/dev/stdout";

/// Puts the name of a file in the place of STDOUT behind the TO of a COPY. False: there was none.
pub fn name_stdout(tokens: &mut [TokenWithSpan]) -> bool {
    let is = |token: &Token, keyword| matches!(token, Token::Word(word) if word.keyword == keyword);
    let (mut begins, mut is_copy, mut is_target, mut found) = (true, false, false, false);
    for TokenWithSpan { token, .. } in tokens {
        match token {
            Token::Whitespace(_) => continue,
            Token::SemiColon => (begins, is_copy, is_target) = (true, false, false),
            Token::Word(word)
                if is_target && word.quote_style.is_none() && word.keyword == Keyword::STDOUT =>
            {
                *token = Token::SingleQuotedString(STDOUT.to_owned());
                (is_target, found) = (false, true);
            }
            token => {
                is_copy |= begins && is(token, Keyword::COPY);
                is_target = is_copy && is(token, Keyword::TO);
                begins = false;
            }
        }
    }
    found
}
