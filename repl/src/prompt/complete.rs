//! Completion: the text and the cursor in, candidates out, those of the statement's own tables first.

use engine::options::{BackendChoice, PushdownMode};

use super::names::Names;
use crate::paths::with_home;
use crate::shell::commands::{self, Argument};
use crate::shell::options::PrintOption;
use crate::sql::keywords::{KEYWORDS, is_keyword};
use crate::sql::lex::{Open, Piece, TokenKind, Tokens, tokenize};
use crate::sql::parts::{ScriptPartKind, parts};

/// Where the candidates begin in the text, and what they put there.
pub type Candidates = (usize, Vec<String>);

/// Candidates for the word in front of the cursor.
pub fn complete(names: &Names, text: &str, cursor: usize) -> Candidates {
    let (start, mut candidates) = all_candidates(names, text, cursor);
    let mut seen = std::collections::BTreeSet::new();
    // Names come from files and folders, and must not command the terminal; nor can such a one be typed.
    candidates.retain(|each| !each.contains(char::is_control) && seen.insert(each.clone()));
    (start, candidates)
}

fn all_candidates(names: &Names, text: &str, cursor: usize) -> Candidates {
    let before = &text[..cursor];
    if let Some(part) = parts(before).last().filter(|part| part.kind == ScriptPartKind::Command)
        && !before[part.range.start..].contains('\n')
    {
        let (at, candidates) = command(names, &before[part.range.start..]);
        return (part.range.start + at, candidates);
    }
    CursorPlace::new(text, cursor).candidates(names)
}

/// A line that begins with a backslash, up to the cursor.
fn command(names: &Names, line: &str) -> Candidates {
    let Some(space) = line.find(char::is_whitespace) else {
        let entries = commands::entries().flat_map(|entry| entry.names);
        return (0, entries.map(|name| format!("\\{name} ")).filter(|name| name.starts_with(line)).collect());
    };
    let Some(entry) = commands::find(&line[1..space]) else { return (space, Vec::new()) };
    let word = line.rsplit(char::is_whitespace).next().unwrap_or_default();
    let start = line.len() - word.len();
    let earlier: Vec<&str> = line[space..start].split_whitespace().collect();
    let owned = |all: &[&str]| all.iter().map(|each| (*each).to_owned()).collect::<Vec<_>>();
    let all = match (entry.argument, earlier.as_slice()) {
        (Argument::Table, []) => names.tables(),
        (Argument::Function, []) => names.functions().keys().cloned().collect(),
        (Argument::OnOff, []) => owned(&["on", "off"]),
        (Argument::Backend, []) => owned(BackendChoice::ALLOWED),
        (Argument::Command, []) => commands::entries().map(|entry| entry.names[0].to_owned()).collect(),
        (Argument::Option, []) => owned(&PrintOption::ALL.map(PrintOption::name)),
        (Argument::Option, [name]) => {
            name.parse::<PrintOption>().map(PrintOption::values).unwrap_or_default()
        }
        (Argument::Copy, [source]) if !source.starts_with('(') => owned(&["TO"]),
        (Argument::Copy, []) => names.tables(),
        (Argument::File, []) | (Argument::Copy, _) => {
            let quote = word.chars().next().filter(|first| matches!(first, '\'' | '"'));
            let path = word.trim_start_matches(['\'', '"']);
            let found = files(path).into_iter().map(|file| match quote {
                Some(quote) if file.ends_with('/') => format!("{quote}{file}"),
                Some(quote) => format!("{quote}{file}{quote}"),
                None => shell_words::quote(&file).into_owned(),
            });
            return (start, found.collect());
        }
        _ => Vec::new(),
    };
    (start, all.into_iter().filter(|each| begins(each, word)).collect())
}

/// Whether a name begins with what was typed, whatever the case.
fn begins(name: &str, typed: &str) -> bool {
    let bare = |text: &str| text.trim_start_matches('"').to_lowercase();
    bare(name).starts_with(&bare(typed))
}

/// Files and folders that a path can be continued to; a folder ends with a slash.
fn files(path: &str) -> Vec<String> {
    let (folder, name) =
        path.rsplit_once('/').map_or(("", path), |(folder, name)| (&path[..=folder.len()], name));
    let listed = std::fs::read_dir(if folder.is_empty() { ".".to_owned() } else { with_home(folder) });
    let mut files = Vec::new();
    for entry in listed.into_iter().flatten().flatten() {
        // A name that is not UTF-8 cannot be typed.
        let Ok(file) = entry.file_name().into_string() else { continue };
        if !file.starts_with(name) || (file.starts_with('.') && !name.starts_with('.')) {
            continue;
        }
        let slash = if entry.path().is_dir() { "/" } else { "" };
        files.push(format!("{folder}{file}{slash}"));
    }
    files.sort();
    files
}

/// A table of the statement.
#[derive(Debug, PartialEq, Eq)]
struct Relation {
    table: String,
    alias: Option<String>,
}

/// The cursor in its statement.
struct CursorPlace<'a> {
    text: &'a str,
    /// The statement's tokens up to the cursor, without spaces, comments and the word at the cursor.
    before: Vec<Piece>,
    /// The word at the cursor.
    word: &'a str,
    start: usize,
    in_string: bool,
    relations: Vec<Relation>,
}

impl<'a> CursorPlace<'a> {
    fn new(text: &'a str, cursor: usize) -> CursorPlace<'a> {
        let all = tokenize(text).pieces;
        let is_end = |piece: &&Piece| piece.kind == TokenKind::Semicolon;
        let begin =
            all.iter().filter(is_end).map(|piece| piece.range.end).take_while(|&at| at <= cursor).last();
        let end = all.iter().filter(is_end).map(|piece| piece.range.start).find(|&at| at >= cursor);
        let (begin, end) = (begin.unwrap_or(0), end.unwrap_or(text.len()));
        let statement = |piece: &&Piece| {
            piece.range.start >= begin
                && piece.range.end <= end
                && !matches!(piece.kind, TokenKind::Space | TokenKind::Comment)
        };
        let pieces: Vec<Piece> = all.iter().filter(statement).cloned().collect();
        let relations = relations(text, &pieces);
        // Cut at the cursor, a token may be another one.
        let Tokens { pieces: mut before, open } = tokenize(&text[begin..cursor]);
        for piece in &mut before {
            piece.range = piece.range.start + begin..piece.range.end + begin;
        }
        let mut in_string = false;
        let mut start = cursor;
        if let Some(last) = before.last() {
            in_string = last.kind == TokenKind::String && open == Open::String;
            let is_word = last.kind == TokenKind::Word
                || (last.kind == TokenKind::QuotedName && open == Open::QuotedName);
            if in_string || is_word {
                start = last.range.start;
                before.pop();
            }
        }
        before.retain(|piece| !matches!(piece.kind, TokenKind::Space | TokenKind::Comment));
        CursorPlace { text, before, word: &text[start..cursor], start, in_string, relations }
    }

    /// The n-th token in front of the word, from 0, in upper case.
    fn back(&self, n: usize) -> Option<String> {
        let piece = self.before.iter().rev().nth(n)?;
        Some(self.text[piece.range.clone()].to_ascii_uppercase())
    }

    fn candidates(&self, names: &Names) -> Candidates {
        let previous = self.back(0);
        let first = self.before.first().map(|piece| self.text[piece.range.clone()].to_ascii_uppercase());
        if let (Some("SET" | "SHOW"), true) = (first.as_deref(), !self.before.is_empty()) {
            return self.settings(names);
        }
        if self.in_string {
            let candidates = if self.wants_table() || self.names_file() { self.files() } else { Vec::new() };
            return (self.start, candidates);
        }
        if previous.as_deref() == Some(".") {
            return (self.start, self.matching(self.columns_of_qualifier(names)));
        }
        if self.wants_table() {
            return (self.start, self.matching(names.tables()));
        }
        let mut candidates = self.matching(self.columns(names));
        if self.word.is_empty() && !self.before.is_empty() {
            return (self.start, candidates);
        }
        let aliases = self.relations.iter().filter_map(|relation| relation.alias.clone());
        candidates.extend(self.matching(aliases.collect()));
        if !self.before.is_empty() {
            let functions = names.functions().keys().map(|name| format!("{name}("));
            candidates.extend(self.matching(functions.collect()));
        }
        let lower = self.word.chars().any(char::is_lowercase);
        let keywords = KEYWORDS.iter().map(|keyword| match lower {
            true => keyword.to_lowercase(),
            false => (*keyword).to_owned(),
        });
        candidates.extend(self.matching(keywords.collect()));
        (self.start, candidates)
    }

    fn matching(&self, all: Vec<String>) -> Vec<String> {
        all.into_iter().filter(|each| begins(each, self.word)).collect()
    }

    /// Whether a table stands here: behind FROM and the like, or behind a comma of that list.
    fn wants_table(&self) -> bool {
        const TABLE_WORDS: [&str; 6] = ["FROM", "JOIN", "INTO", "TABLE", "DESCRIBE", "UPDATE"];
        let Some(previous) = self.back(0) else { return false };
        if previous != "," {
            return TABLE_WORDS.contains(&previous.as_str());
        }
        let words = self.before.iter().rev().filter(|piece| piece.kind == TokenKind::Word);
        let keyword = words.map(|piece| &self.text[piece.range.clone()]).find(|word| is_keyword(word));
        keyword.is_some_and(|keyword| keyword.eq_ignore_ascii_case("FROM"))
    }

    fn names_file(&self) -> bool {
        matches!(self.back(0).as_deref(), Some("LOCATION" | "TO" | "COPY"))
    }

    /// Files, as the string that they will be.
    fn files(&self) -> Vec<String> {
        let typed = self.word.trim_start_matches('\'').replace("''", "'");
        let literal = |file: String| {
            let end = if file.ends_with('/') { "" } else { "'" };
            format!("'{}{end}", file.replace('\'', "''"))
        };
        files(&typed).into_iter().map(literal).collect()
    }

    fn columns(&self, names: &Names) -> Vec<String> {
        if !self.relations.is_empty() {
            return self.relations.iter().flat_map(|relation| names.columns(&relation.table)).collect();
        }
        // The tables come later in the statement: any may be meant.
        names.tables().iter().flat_map(|table| names.columns(table)).collect()
    }

    /// Of the table, or alias, in front of the point.
    fn columns_of_qualifier(&self, names: &Names) -> Vec<String> {
        let Some(qualifier) = self.before.iter().rev().nth(1) else { return Vec::new() };
        let qualifier = &self.text[qualifier.range.clone()];
        let is_meant = |relation: &&Relation| {
            let name = relation.alias.as_deref().unwrap_or(&relation.table);
            name.eq_ignore_ascii_case(qualifier)
        };
        match self.relations.iter().find(is_meant) {
            Some(relation) => names.columns(&relation.table),
            None => names.columns(qualifier),
        }
    }

    /// SET name = value, SHOW name.
    fn settings(&self, names: &Names) -> Candidates {
        let assignment =
            self.before.iter().skip(1).find(|piece| {
                matches!(self.text[piece.range.clone()].to_ascii_uppercase().as_str(), "=" | "TO")
            });
        // A name is several tokens with points between.
        let begin = self.before.get(1).map_or(self.start, |piece| piece.range.start);
        let settings = names.settings();
        let Some(assignment) = assignment else {
            let typed = &self.text[begin..self.start + self.word.len()];
            let all = settings.into_iter().map(|(name, _)| name).filter(|name| begins(name, typed));
            return (begin, all.collect());
        };
        let name = self.text[begin..assignment.range.start].trim().to_lowercase();
        let quoted = |allowed: &[&str]| allowed.iter().map(|value| format!("'{value}'")).collect::<Vec<_>>();
        let values = match name.as_str() {
            "weir.pushdown" => quoted(PushdownMode::ALLOWED),
            "weir.backend" => quoted(BackendChoice::ALLOWED),
            _ => match settings.into_iter().find(|(each, _)| *each == name).and_then(|(_, value)| value) {
                Some(value) if value == "true" || value == "false" => vec!["true".into(), "false".into()],
                Some(value) => vec![format!("'{value}'")],
                None => Vec::new(),
            },
        };
        let typed = self.word.trim_start_matches('\'');
        (
            self.start,
            values.into_iter().filter(|value| begins(value.trim_start_matches('\''), typed)).collect(),
        )
    }
}

/// The tables of FROM and JOIN, with their aliases.
fn relations(text: &str, pieces: &[Piece]) -> Vec<Relation> {
    let word = |at: usize| pieces.get(at).map(|piece: &Piece| &text[piece.range.clone()]);
    let is = |at: usize, keyword: &str| word(at).is_some_and(|word| word.eq_ignore_ascii_case(keyword));
    let is_name = |at: usize| {
        pieces.get(at).is_some_and(|piece| match piece.kind {
            TokenKind::QuotedName | TokenKind::String => true,
            TokenKind::Word => !is_keyword(&text[piece.range.clone()]),
            _ => false,
        })
    };
    let mut relations = Vec::new();
    let mut at = 0;
    let mut in_list = false;
    while at < pieces.len() {
        let begins = is(at, "FROM") || is(at, "JOIN") || (in_list && pieces[at].kind == TokenKind::Comma);
        at += 1;
        if !begins || !is_name(at) {
            // A list goes on over the names and aliases in it.
            in_list &= at < pieces.len() && (is_name(at - 1) || is(at - 1, "AS"));
            continue;
        }
        in_list = true;
        let mut table = word(at).unwrap_or_default().to_owned();
        at += 1;
        while pieces.get(at).is_some_and(|piece| piece.kind == TokenKind::Period) && is_name(at + 1) {
            table.push('.');
            table.push_str(word(at + 1).unwrap_or_default());
            at += 2;
        }
        let alias_at = if is(at, "AS") { at + 1 } else { at };
        let alias = is_name(alias_at).then(|| word(alias_at).unwrap_or_default().to_owned());
        relations.push(Relation { table, alias });
    }
    relations
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;

    async fn names() -> Names {
        let context = SessionContext::new();
        let sql = "CREATE TABLE trips (fare DOUBLE, fast INT, \"Far away\" INT);
                   CREATE TABLE zones (zone INT, city INT);";
        for statement in sql.split_inclusive(';') {
            context.sql(statement).await.unwrap();
        }
        Names::new(context)
    }

    /// The text with a bar at the cursor, and the candidates that are wanted, in this order, at the beginning.
    #[track_caller]
    fn check(names: &Names, text: &str, start: usize, expected: &[&str]) {
        let cursor = text.find('|').unwrap();
        let (at, candidates) = complete(names, &text.replace('|', ""), cursor);
        let beginning = &candidates[..expected.len().min(candidates.len())];
        assert_eq!(
            (at, beginning),
            (start, &expected.iter().map(|each| (*each).to_owned()).collect::<Vec<_>>()[..]),
            "{text}"
        );
        if expected.is_empty() {
            assert_eq!(candidates, [] as [String; 0], "{text}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sql() {
        let names = names().await;
        check(&names, "sel|", 0, &["select"]);
        check(&names, "SEL|", 0, &["SELECT"]);
        check(&names, "SELECT fa| FROM trips", 7, &["fare", "fast", "\"Far away\"", "factorial("]);
        check(&names, "SELECT | FROM zones", 7, &["zone", "city"]);
        check(&names, "SELECT | FROM zones z, trips", 7, &["zone", "city", "fare"]);
        check(&names, "SELECT zo|", 7, &["zone"]);
        check(&names, "SELECT 1; SELECT c| FROM zones; SELECT 2", 17, &["city", "cardinality("]);
        check(&names, "SELECT t.| FROM zones AS z JOIN trips t ON true", 9, &["fare", "fast"]);
        check(&names, "SELECT z.c| FROM zones AS z JOIN trips t ON true", 9, &["city"]);
        check(&names, "SELECT * FROM t|", 14, &["trips"]);
        check(&names, "SELECT * FROM zones, t|", 21, &["trips"]);
        check(&names, "SELECT a, t| FROM trips", 10, &["tan("]);
        check(&names, "SELECT 'fa|", 7, &[]);
        check(&names, "SELECT \"Fa|", 7, &["fare", "fast", "\"Far away\""]);
        check(&names, "SET datafusion.execution.batch|", 4, &["datafusion.execution.batch_size"]);
        check(&names, "SET datafusion.execution.batch_size = |", 38, &["'8192'"]);
        check(&names, "SET datafusion.execution.coalesce_batches = f|", 44, &["false"]);
        check(&names, "SET weir.pushdown = 'r|", 20, &["'require'"]);
        check(&names, "SET weir.backend TO 's|", 20, &["'stock'"]);
        check(&names, "\\d\u{a0}t|", 4, &["trips"]);
        check(&names, "SET weir.backend = |", 19, &["'auto'", "'hook'", "'stock'", "'interpret'"]);
        check(&names, "\\d t|", 3, &["trips"]);
        check(&names, "\\su|", 0, &["\\summary "]);
        check(&names, "\\pset nu|", 6, &["null"]);
        check(&names, "\\pset format js|", 13, &["json"]);
        check(&names, "\\x o|", 3, &["on", "off"]);
        check(&names, "SELECT 1 \\g|", 9, &["\\g ", "\\gx "]);
        check(&names, "|", 0, &["fare"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn files_in_strings_and_arguments() {
        let names = names().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        for name in ["trips.csv", "it's.csv", "a b.csv", ".hidden", "\x1b[2J.csv"] {
            std::fs::write(folder.path().join(name), "a,b\n1,2\n").unwrap();
        }
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let expected = |names: &[&str]| {
            names.iter().map(|name| name.replace('@', &path.to_string())).collect::<Vec<_>>()
        };
        let text = format!("SELECT * FROM '{path}/");
        let all = expected(&["'@/a b.csv'", "'@/it''s.csv'", "'@/sub/", "'@/trips.csv'"]);
        assert_eq!(complete(&names, &text, text.len()), (14, all));
        let text = format!("\\i {path}/a");
        assert_eq!(complete(&names, &text, text.len()), (3, expected(&["'@/a b.csv'"])));
        // Columns of a file that is no table yet are those of the session with such tables only.
        let text = "SELECT a FROM '/nonexistent.csv'";
        assert_eq!(complete(&names, text, 8).0, 7);
    }
}
