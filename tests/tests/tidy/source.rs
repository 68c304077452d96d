//! Rust text in, its tokens out: without comments, without what strings hold, and without what is only there for tests.

/// A word, a mark, or a literal, of which only the place is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    /// From 1.
    pub line: usize,
}

/// What stands for a string, a character or a number.
const LITERAL: &str = "0";

pub fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl Token<'_> {
    pub fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// All tokens of a file.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut rest, mut line) = (Vec::new(), text, 1);
    while let Some(first) = rest.chars().next() {
        let (length, token) = next(rest, first);
        if let Some(text) = token {
            tokens.push(Token { text, line });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// The length of what stands at the beginning, and its token, if it is one.
fn next(rest: &str, first: char) -> (usize, Option<&str>) {
    if first.is_whitespace() {
        return (first.len_utf8(), None);
    }
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if let Some(length) = string(rest) {
        return (length, Some(LITERAL));
    }
    if first == '\'' {
        return character_or_lifetime(rest);
    }
    if is_word_part(first) {
        let length = rest.find(|c| !is_word_part(c)).unwrap_or(rest.len());
        return (length, Some(if first.is_ascii_digit() { LITERAL } else { &rest[..length] }));
    }
    let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
    (length, Some(&rest[..length]))
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        let opens = rest[at..].find("/*").unwrap_or(usize::MAX);
        let Some(closes) = rest[at..].find("*/") else { return rest.len() };
        depth = if opens < closes { depth + 1 } else { depth - 1 };
        at += opens.min(closes) + 2;
        if depth == 0 {
            return at;
        }
    }
}

/// The length of a string of any kind.
fn string(rest: &str) -> Option<usize> {
    let prefix = rest.bytes().take(3).position(|byte| byte == b'"' || byte == b'#')?;
    if !["", "b", "c", "r", "br", "cr"].contains(&&rest[..prefix]) {
        return None;
    }
    let hashes = rest[prefix..].find(|c| c != '#')?;
    let begin = prefix + hashes + 1;
    if !rest[prefix + hashes..].starts_with('"') {
        return None;
    }
    if rest[..prefix].contains('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(begin + rest[begin..].find(&end)? + end.len());
    }
    let mut escaped = false;
    let end = rest[begin..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    (hashes == 0).then_some(begin + end + 1)
}

fn character_or_lifetime(rest: &str) -> (usize, Option<&str>) {
    let inside = &rest[1..];
    let length = match inside.strip_prefix('\\') {
        // The character behind the backslash may be a quote.
        Some(escaped) => escaped.chars().next().map_or(0, char::len_utf8) + 1,
        None => inside.chars().next().map_or(0, char::len_utf8),
    };
    let is_lifetime = !inside.starts_with('\\') && !inside[length..].starts_with('\'');
    if is_lifetime {
        return (1 + inside.find(|c| !is_word_part(c)).unwrap_or(inside.len()), None);
    }
    let end = inside[length..].find('\'').map_or(inside.len(), |at| length + at + 1);
    (1 + end, Some(LITERAL))
}

/// Whether tokens begin with these texts.
pub fn begins(tokens: &[Token<'_>], texts: &[&str]) -> bool {
    tokens.len() >= texts.len() && tokens.iter().zip(texts).all(|(token, text)| token.text == *text)
}

/// The tokens without items that only tests have.
pub fn without_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if begins(&tokens[at..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
            at += 7;
            at += item_length(&tokens[at..]);
        } else {
            kept.push(tokens[at]);
            at += 1;
        }
    }
    kept
}

/// Up to the end of an item, its other attributes among it.
fn item_length(tokens: &[Token<'_>]) -> usize {
    let mut at = 0;
    while begins(&tokens[at..], &["#", "["]) {
        at += 1 + group_length(&tokens[at + 1..]);
    }
    let is_use = tokens[at..].iter().take(5).any(|token| token.text == "use");
    while at < tokens.len() {
        match tokens[at].text {
            ";" => return at + 1,
            "{" if !is_use => return at + group_length(&tokens[at..]),
            "{" | "(" | "[" => at += group_length(&tokens[at..]),
            _ => at += 1,
        }
    }
    at
}

/// The length of what stands in brackets, with them.
pub fn group_length(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Lines with code on them, between two lines.
pub fn code_lines(tokens: &[Token<'_>]) -> usize {
    let mut lines: Vec<usize> = tokens.iter().map(|token| token.line).collect();
    lines.dedup();
    lines.len()
}

#[test]
fn tokens_are_cut_as_rust_cuts_them() {
    let shown = |text: &str| {
        let shown: Vec<String> =
            tokens(text).iter().map(|token| format!("{}{}", token.line, token.text)).collect();
        shown.join(" ")
    };
    assert_eq!(shown("use a::b; // c::d\n/* /* e */ f */ g"), "1use 1a 1:: 1b 1; 2g");
    assert_eq!(shown("r#\"x\"\n\"#y b\"\\\"\" 'a' '\\'' 'static 1_u8 z"), "10 2y 20 20 20 20 2z");
    let text =
        "a #[cfg(test)] #[x] use b::{c, d}; e #[cfg(test)] mod tests { f { } } g #[cfg(test)] mod h; i";
    let kept: Vec<&str> = without_tests(&tokens(text)).iter().map(|token| token.text).collect();
    assert_eq!(kept, ["a", "e", "g", "i"]);
}
