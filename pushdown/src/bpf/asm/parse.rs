//! Text in, items out: what is expanded is read line by line.

use super::{AsmError, Holes, Item, expand, statement};

/// Reads a text. Its labels get the prefix, except those that begin with `@`.
pub fn parse(text: &str, holes: &Holes, prefix: &str) -> Result<Vec<Item>, AsmError> {
    let mut items = Vec::new();
    for line in expand::expand(text, holes)? {
        items.extend(line.comment.map(Item::Comment));
        if !line.code.is_empty() {
            let item = statement::statement(&line.code, prefix);
            items.push(item.map_err(|kind| AsmError { line: line.number, text: line.code, kind })?);
        }
    }
    Ok(items)
}
