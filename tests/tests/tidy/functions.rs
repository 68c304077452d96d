//! How long the functions of a file are.
//!
//! Lines with code are counted, comments and blank lines not. One `match` counts as a single line if it is flat: no arm
//! of it has more than a few lines, so that it is read like a table.

use super::source::{Token, code_lines, group_length, tokens, without_tests};

/// The longest arm of a flat match.
const ARM_LINES_MAX: usize = 12;

/// A function and its length.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

/// The functions of a file, those of tests left out. One inside of another counts for both.
pub fn functions(text: &str) -> Vec<Function> {
    let tokens = without_tests(&tokens(text));
    let mut functions = Vec::new();
    for at in 0..tokens.len() {
        let (Some(name), "fn") = (tokens.get(at + 1).filter(|name| name.is_word()), tokens[at].text) else {
            continue;
        };
        let Some(begin) = body(&tokens[at..]) else { continue };
        let body = &tokens[at + begin..][..group_length(&tokens[at + begin..])];
        let all = &tokens[at..at + begin + body.len()];
        let saved = flat_matches(body).map(|lines| lines - 1).max().unwrap_or(0);
        functions.push(Function {
            name: name.text.to_owned(),
            line: tokens[at].line,
            lines: code_lines(all) - saved,
        });
    }
    functions
}

/// Where the braces of a function, or of a match, begin.
fn body(tokens: &[Token<'_>]) -> Option<usize> {
    let mut at = 0;
    loop {
        match tokens.get(at)?.text {
            "{" => return Some(at),
            ";" => return None,
            "(" | "[" => at += group_length(&tokens[at..]),
            _ => at += 1,
        }
    }
}

/// The lengths of the flat matches in a body.
fn flat_matches<'t>(tokens: &'t [Token<'_>]) -> impl Iterator<Item = usize> + 't {
    let matches = (0..tokens.len()).filter(|&at| tokens[at].text == "match");
    matches.filter_map(|at| {
        let begin = at + body(&tokens[at..])?;
        let arms = &tokens[begin..][..group_length(&tokens[begin..])];
        let is_flat = arm_lines(&arms[1..arms.len() - 1]).into_iter().all(|lines| lines <= ARM_LINES_MAX);
        is_flat.then(|| code_lines(arms))
    })
}

/// The length of each arm, without its pattern.
fn arm_lines(mut tokens: &[Token<'_>]) -> Vec<usize> {
    let mut lines = Vec::new();
    while let Some(arrow) = arrow(tokens) {
        let result = &tokens[arrow + 2..];
        let is_block = result.first().is_some_and(|token| token.text == "{");
        let mut length = if is_block { group_length(result) } else { comma(result) };
        lines.push(code_lines(&result[..length]));
        length += usize::from(result.get(length).is_some_and(|token| token.text == ","));
        tokens = &result[length..];
    }
    lines
}

/// Where a pattern ends: at its `=>`.
fn arrow(tokens: &[Token<'_>]) -> Option<usize> {
    let mut at = 0;
    loop {
        match tokens.get(at)?.text {
            "=" if tokens.get(at + 1)?.text == ">" => return Some(at),
            "(" | "[" | "{" => at += group_length(&tokens[at..]),
            _ => at += 1,
        }
    }
}

fn comma(tokens: &[Token<'_>]) -> usize {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token.text {
            "," => return at,
            "(" | "[" | "{" => at += group_length(&tokens[at..]),
            _ => at += 1,
        }
    }
    at
}

#[test]
fn a_flat_match_is_one_line_and_any_other_is_not() {
    let lines = |text: &str| functions(text).iter().map(|function| function.lines).collect::<Vec<_>>();
    assert_eq!(lines("trait A { fn a(); }\n\nfn b(\n    a: u8,\n) {\n    // c\n\n    f();\n}\n"), [5]);
    let arms =
        "    A { .. } if a >= b => 1,\n    B => {\n        f(a, b)\n    }\n    C => match x { _ => 2 },\n";
    let text = |arms: &str| {
        format!("fn a() {{\n    match x {{\n{arms}    }}\n    match y {{\n        _ => 1,\n    }}\n}}\n")
    };
    assert_eq!(lines(&text(arms)), [6]);
    let long = arms.replace("        f(a, b)\n", &"        f(a, b);\n".repeat(11));
    assert_eq!(lines(&text(&long)), [2 + 17 + 3 - 2]);
}
