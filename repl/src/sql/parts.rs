//! A text cut into statements and backslash commands, each with its place, in one pass over its tokens.
//!
//! A backslash outside of strings and comments begins a command, which reaches to the end of its line, also behind a
//! statement without its end, for which the command then is. What stands behind the name of a command may be anything: the
//! tokens that are found there are passed over, and a token that goes on over the end of that line, as after the quote in
//! `\i it's.sql`, was none; then, and only then, what follows the line is tokenized once more.

use std::ops::Range;

use super::lex::{Open, TokenKind, Tokens, tokenize};

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptPart {
    pub kind: ScriptPartKind,
    pub range: Range<usize>,
    /// Line ends of the text in front of it.
    pub lines_before: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptPartKind {
    /// A statement and its `;`.
    Statement,
    /// What stands behind the last `;`, or before a command: a statement without its end, not blank.
    Begun,
    /// From a backslash to the end of the line.
    Command,
}

/// The parts of a text, in order.
pub fn parts(text: &str) -> Vec<ScriptPart> {
    let mut cut = Cut { text, parts: Vec::new(), counted: 0, lines: 0 };
    let mut at = 0;
    while at < text.len() {
        at = cut.from(at);
    }
    cut.parts
}

struct Cut<'a> {
    text: &'a str,
    parts: Vec<ScriptPart>,
    /// Bytes whose line ends were counted, and how many there are.
    counted: usize,
    lines: usize,
}

impl Cut<'_> {
    fn push(&mut self, kind: ScriptPartKind, range: Range<usize>) {
        self.lines += self.text[self.counted..range.start].matches('\n').count();
        self.counted = range.start;
        self.parts.push(ScriptPart { kind, range, lines_before: self.lines });
    }

    /// Cuts what is behind `base`, and returns how far it came: to the end of the text, or of a line with a command.
    fn from(&mut self, base: usize) -> usize {
        let Tokens { pieces, open } = tokenize(&self.text[base..]);
        let mut depth: usize = 0;
        let mut statement = base;
        let mut significant = false;
        let mut at = 0;
        while let Some(piece) = pieces.get(at) {
            at += 1;
            match piece.kind {
                TokenKind::Space | TokenKind::Comment => continue,
                TokenKind::BracketOpen => depth += 1,
                TokenKind::BracketClose => depth = depth.saturating_sub(1),
                TokenKind::Semicolon if depth == 0 => {
                    if significant {
                        self.push(ScriptPartKind::Statement, statement..base + piece.range.end);
                    }
                    statement = base + piece.range.end;
                    significant = false;
                    continue;
                }
                TokenKind::Backslash => {
                    let begin = base + piece.range.start;
                    if significant {
                        self.push(ScriptPartKind::Begun, statement..begin);
                    }
                    let line_end = self.command(begin);
                    at += pieces[at..].iter().take_while(|piece| base + piece.range.start < line_end).count();
                    // The line end itself may belong to a comment, or to the return in front of it. The last token of
                    // all may be one that does not end.
                    if at == pieces.len() || base + pieces[at - 1].range.end > line_end + 1 {
                        return line_end;
                    }
                    depth = 0;
                    statement = line_end;
                    significant = false;
                    continue;
                }
                _ => {}
            }
            significant = true;
        }
        // A comment that is not closed yet is waited for as well.
        if significant || open == Open::Comment {
            self.push(ScriptPartKind::Begun, statement..self.text.len());
        }
        self.text.len()
    }

    /// The command that begins here, and where its line ends.
    fn command(&mut self, begin: usize) -> usize {
        let line = &self.text[begin..];
        let line = &line[..line.find('\n').unwrap_or(line.len())];
        self.push(ScriptPartKind::Command, begin..begin + line.trim_end().len());
        begin + line.len()
    }
}

#[cfg(test)]
mod tests {
    use pushdown::testing::Random;

    use super::*;

    /// The same, for which every line with a command ends the pass.
    fn line_by_line(text: &str) -> Vec<ScriptPart> {
        let mut all = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let first = parts(&text[at..]).into_iter().position(|part| part.kind == ScriptPartKind::Command);
            let found = parts(&text[at..]);
            let taken = first.map_or(found.len(), |first| first + 1);
            let lines = text[..at].matches('\n').count();
            all.extend(found.into_iter().take(taken).map(|part| ScriptPart {
                kind: part.kind,
                range: part.range.start + at..part.range.end + at,
                lines_before: part.lines_before + lines,
            }));
            at = match (first, all.last()) {
                (Some(_), Some(last)) => {
                    last.range.end + text[last.range.end..].find('\n').unwrap_or(text.len() - last.range.end)
                }
                _ => text.len(),
            };
        }
        all
    }

    fn cut(text: &str) -> Vec<String> {
        parts(text)
            .into_iter()
            .map(|part| match part.kind {
                ScriptPartKind::Statement => format!("S{}", text[part.range].trim()),
                ScriptPartKind::Begun => format!("U{}", text[part.range].trim()),
                ScriptPartKind::Command => format!("C{}", &text[part.range]),
            })
            .collect()
    }

    #[test]
    fn statements_and_commands() {
        assert_eq!(cut("SELECT 1; SELECT ';'; -- x"), ["SSELECT 1;", "SSELECT ';';"]);
        assert_eq!(cut("SELECT 1; SELECT 2"), ["SSELECT 1;", "USELECT 2"]);
        assert_eq!(cut("SELECT (1;"), ["USELECT (1;"]);
        assert_eq!(cut(";; ;"), [] as [&str; 0]);
        assert_eq!(cut("  \\i it's.sql\nSELECT 1;"), ["C\\i it's.sql", "SSELECT 1;"]);
        assert_eq!(cut("SELECT 1 \\gx\nSELECT 2;"), ["USELECT 1", "C\\gx", "SSELECT 2;"]);
        assert_eq!(cut("SELECT '\\d' ;"), ["SSELECT '\\d' ;"]);
        assert_eq!(cut("-- \\d\n"), [] as [&str; 0]);
        assert_eq!(cut("/* a"), ["U/* a"]);
        assert_eq!(cut(" \n "), [] as [&str; 0]);
        assert_eq!(cut("SELECT 'a\n;"), ["USELECT 'a\n;"]);
        assert_eq!(cut("SELECT (1 \\p\n-- c\n"), ["USELECT (1", "C\\p"]);
        assert_eq!(
            cut("\\a /* b\nSELECT 1; \\c */\r\nSELECT 2;"),
            ["C\\a /* b", "SSELECT 1;", "C\\c */", "SSELECT 2;"]
        );
        assert_eq!(cut("\\a -- b\nSELECT 1;\\a '"), ["C\\a -- b", "SSELECT 1;", "C\\a '"]);
    }

    #[test]
    fn any_text_is_cut() {
        let pieces = [
            "'", "\"", "\\", "$", "$$", "/*", "*/", "--", "\n", ";", "(", ")", "é", "日", " ", "x", "0e",
            "\0",
        ];
        let mut random = Random::new(7);
        for _ in 0..20_000 {
            let text: String = (0..8).map(|_| *random.pick(&pieces)).collect();
            let cut = parts(&text);
            assert_eq!(cut, line_by_line(&text), "{text:?}");
            let mut end = 0;
            for part in cut {
                assert!(part.range.start >= end && part.range.end <= text.len(), "{text:?}");
                end = part.range.end;
                assert_eq!(part.lines_before, text[..part.range.start].matches('\n').count(), "{text:?}");
            }
        }
    }
}
