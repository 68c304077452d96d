//! Names and texts as SQL reads them back.

use datafusion::common::utils::quote_identifier;

/// Words that PostgreSQL reserves, and the verbs of SQL. As names they are quoted. `name`, `day` and the like are
/// keywords of some dialect too, but names in all.
const RESERVED: &str = "all alter analyse analyze and any array as asc asymmetric authorization between binary both by \
    case cast check collate collation column concurrently constraint create cross current_catalog current_date \
    current_role current_schema current_time current_timestamp current_user default deferrable delete desc distinct do \
    drop else end except exists false fetch for foreign freeze from full grant group having ilike in index initially \
    inner insert intersect interval into is isnull join key lateral leading left like limit localtime localtimestamp \
    natural not notnull null offset on only or order outer overlaps placing primary references returning right select \
    session_user set similar some symmetric system_user table tablesample then to trailing true union unique update user \
    using values variadic verbose when where window with";

/// A name as SQL reads it back: in quotes if it would be folded, split or taken for a word of the language.
pub fn identifier(name: &str) -> String {
    match name.is_empty() || RESERVED.split(' ').any(|word| word == name) {
        true => format!("\"{name}\""),
        false => quote_identifier(name).into_owned(),
    }
}

/// A name in quotes, also where it would be read without.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as a string literal.
pub fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_when_they_must_be() {
        for (name, expected) in [
            ("a_1", "a_1"),
            ("Aa", "\"Aa\""),
            ("a b", "\"a b\""),
            ("1a", "\"1a\""),
            ("a\"b", "\"a\"\"b\""),
            ("a.b", "\"a.b\""),
            ("order", "\"order\""),
            ("", "\"\""),
            ("größe", "\"größe\""),
        ] {
            assert_eq!(identifier(name), expected);
        }
        assert_eq!(string("it's"), "'it''s'");
    }
}
