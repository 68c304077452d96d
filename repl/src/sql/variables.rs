//! `:name` in statements: the value of a variable as it is, `:'name'` as a string, `:"name"` as a name. Only variables
//! that were set are replaced, so that a colon with another meaning stays what it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::lex::{TokenKind, tokenize};
use super::quote;

/// The text with the values of its variables.
pub fn substitute<'a>(text: &'a str, variables: &BTreeMap<String, String>) -> Cow<'a, str> {
    if variables.is_empty() || !text.contains(':') {
        return Cow::Borrowed(text);
    }
    let pieces = tokenize(text).pieces;
    let mut replaced = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        let next = pieces.get(at + 1).filter(|_| piece.kind == TokenKind::Colon);
        let value = next.and_then(|name| {
            let name_text = &text[name.range.clone()];
            let inner = || name_text.get(1..name_text.len() - 1);
            match name.kind {
                TokenKind::Word => variables.get(name_text).cloned(),
                TokenKind::String => variables.get(inner()?).map(|value| quote::string(value)),
                TokenKind::QuotedName => variables.get(inner()?).map(|value| quote::quoted(value)),
                _ => None,
            }
        });
        match value {
            Some(value) => {
                replaced.push_str(&value);
                at += 2;
            }
            None => {
                replaced.push_str(&text[piece.range.clone()]);
                at += 1;
            }
        }
    }
    Cow::Owned(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_where_they_stand_alone() {
        let variables = [("n", "5"), ("s", "it's"), ("t", "a\"b")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables = BTreeMap::from(variables);
        for (text, expected) in [
            ("SELECT :n, :'s', :\"t\"", "SELECT 5, 'it''s', \"a\"\"b\""),
            ("SELECT a::n, ':n', :other", "SELECT a::n, ':n', :other"),
            ("-- :n\nSELECT :n;", "-- :n\nSELECT 5;"),
            ("SELECT :", "SELECT :"),
            ("SELECT :'", "SELECT :'"),
        ] {
            assert_eq!(substitute(text, &variables), expected);
        }
    }
}
