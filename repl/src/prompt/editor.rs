//! The line editor: one line of a statement at a time, coloured, completed, with history.
//!
//! A statement is typed line by line, as in psql. The lines before the one that is edited are the *buffer*; colours,
//! completion and hints see it in front of the line. Arrow up on the first row of a further line takes the whole
//! statement back into the editor.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use console::measure_text_width;
use rustyline::completion::Completer;
use rustyline::config::{Behavior, BellStyle, Configurer};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::{FileHistory, History};
use rustyline::validate::Validator;
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Context, EditMode, Editor, Event,
    EventContext, EventHandler, Helper, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use super::complete::complete;
use super::names::Names;
use crate::shell::commands;
use crate::sql::keywords::is_keyword;
use crate::sql::lex::{Open, Piece, TokenKind, Tokens, tokenize};

/// Statements that are remembered.
const HISTORY_MAX: usize = 10_000;
/// A longer statement stays out of the history file, which is read at each start.
const HISTORY_BYTES_MAX: usize = 64 << 10;
/// Longer texts are not coloured, so that typing in them stays quick.
const COLOURED_BYTES_MAX: usize = 32 << 10;

const NAME: &str = "weir";

/// What came of editing a line.
pub enum Input {
    Line(String),
    /// The buffer is to become empty, and this is to be edited, the cursor between the two.
    Whole(String, String),
    /// A byte came that is no text. The line as it was before, to be edited further, the cursor between the two.
    NotText(String, String),
    Interrupted,
    End,
}

/// The editor of a session.
pub struct LineEditor {
    editor: Editor<SqlHelper, FileHistory>,
    history_file: Option<PathBuf>,
    wants_whole: Arc<AtomicBool>,
    has_buffer: Arc<AtomicBool>,
}

impl LineEditor {
    /// Reads the history. A history that cannot be read or written is none.
    pub fn new(names: Rc<Names>, color: bool) -> rustyline::Result<LineEditor> {
        let config = Config::builder()
            .max_history_size(HISTORY_MAX)?
            .history_ignore_dups(true)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .bell_style(BellStyle::None)
            .behavior(if is_on_screen() { Behavior::Stdio } else { Behavior::PreferTerm })
            .color_mode(if color { ColorMode::Forced } else { ColorMode::Disabled })
            .build();
        let mut editor = Editor::with_config(config)?;
        let helper = SqlHelper::new(names, String::new());
        editor.set_helper(Some(helper));
        let (wants_whole, has_buffer) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let up = Up { wants_whole: Arc::clone(&wants_whole), has_buffer: Arc::clone(&has_buffer) };
        let handler = EventHandler::Conditional(Box::new(up));
        editor.bind_sequence(KeyEvent(KeyCode::Up, Modifiers::NONE), handler);
        let history_file = history_file();
        if let Some(file) = &history_file {
            // The first session has no file yet.
            if editor.load_history(file).is_err() && repair(file) {
                editor.clear_history()?;
                if let Err(error) = editor.load_history(file) {
                    log::debug!("history {}: {error}", file.display());
                }
            }
        }
        Ok(LineEditor { editor, history_file, wants_whole, has_buffer })
    }

    /// Which keys do what, from the next line on.
    pub fn set_keys(&mut self, vi: bool) {
        self.editor.set_edit_mode(if vi { EditMode::Vi } else { EditMode::Emacs });
    }

    /// Edits one line behind `buffer`, which is empty or ends with a line end.
    pub fn read(&mut self, buffer: &str, initial: (&str, &str)) -> rustyline::Result<Input> {
        let prompt = prompt(buffer);
        if let Some(helper) = self.editor.helper() {
            helper.buffer.replace(buffer.to_owned());
        }
        self.has_buffer.store(!buffer.is_empty(), Ordering::Relaxed);
        self.wants_whole.store(false, Ordering::Relaxed);
        match self.editor.readline_with_initial(&prompt, initial) {
            Ok(line) if self.wants_whole.load(Ordering::Relaxed) => {
                self.erase(buffer, &line);
                Ok(Input::Whole(buffer.trim_end_matches('\n').to_owned(), format!("\n{line}")))
            }
            Ok(line) => Ok(Input::Line(line)),
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                let (mut line, cursor) =
                    self.editor.helper().map(|helper| helper.typed.take()).unwrap_or_default();
                let right = line.split_off(cursor);
                Ok(Input::NotText(line, right))
            }
            Err(ReadlineError::Interrupted) => Ok(Input::Interrupted),
            Err(ReadlineError::Eof) => Ok(Input::End),
            Err(other) => Err(other),
        }
    }

    /// Remembers a statement or a command.
    pub fn remember(&mut self, text: &str) {
        let text = text.trim_end();
        if text.len() > HISTORY_BYTES_MAX || !self.editor.add_history_entry(text).unwrap_or(false) {
            return;
        }
        if let Some(file) = &self.history_file {
            // At once and not at the end, so that a second session, or a killed one, loses nothing.
            if let Err(error) = append(&mut self.editor, file) {
                log::debug!("history {}: {error}", file.display());
            }
        }
    }

    /// Takes the rows of the buffer and of the line from the screen.
    fn erase(&mut self, buffer: &str, line: &str) {
        if !is_on_screen() {
            return;
        }
        let columns = self.editor.dimensions().map_or(80, |(columns, _)| usize::from(columns)).max(1);
        let rows: usize = buffer.lines().chain([line]).map(|line| rows(line, columns)).sum();
        let mut stdout = std::io::stdout().lock();
        // Without a terminal there is nothing to take away.
        let _ = write!(stdout, "\x1b[{rows}A\r\x1b[J").and_then(|()| stdout.flush());
    }
}

/// Whether standard output is a terminal. Results may go to a file or a pipe; the prompt is then shown on the terminal
/// all the same, and is no part of them.
fn is_on_screen() -> bool {
    std::io::stdout().is_terminal()
}

/// Rows of the screen that a line with a prompt takes.
fn rows(line: &str, columns: usize) -> usize {
    (PROMPT_COLUMNS + measure_text_width(line)) / columns + 1
}

fn append(editor: &mut Editor<SqlHelper, FileHistory>, file: &Path) -> rustyline::Result<()> {
    if editor.history().len() == 1
        && let Some(folder) = file.parent()
    {
        std::fs::create_dir_all(folder)?;
    }
    editor.append_history(file)
}

/// Bytes that are no text would keep all of a history from being read, and anything from being added to it. Gives
/// whether there were such, and now are none.
fn repair(file: &Path) -> bool {
    let Ok(bytes) = std::fs::read(file) else { return false };
    match String::from_utf8_lossy(&bytes) {
        Cow::Borrowed(_) => false,
        Cow::Owned(text) => std::fs::write(file, text).is_ok(),
    }
}

/// `$XDG_STATE_HOME/weir/history`, by default in ~/.local/state.
fn history_file() -> Option<PathBuf> {
    dirs::state_dir().map(|folder| folder.join(NAME).join("history"))
}

const PROMPT_COLUMNS: usize = NAME.len() + 2;

/// What stands in front of a line, plain and coloured: a continued one shows what is open.
fn prompt(buffer: &str) -> (String, String) {
    let raw = match buffer {
        "" => format!("{NAME}> "),
        _ => format!("{:>width$}> ", tokenize(buffer).open.sign(), width = NAME.len()),
    };
    let styled = format!("\x1b[1m{raw}\x1b[0m");
    (raw, styled)
}

/// Arrow up on the first row of a further line.
struct Up {
    wants_whole: Arc<AtomicBool>,
    has_buffer: Arc<AtomicBool>,
}

impl ConditionalEventHandler for Up {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        let on_first_row = !context.line()[..context.pos()].contains('\n');
        if !self.has_buffer.load(Ordering::Relaxed) || !on_first_row {
            return None;
        }
        self.wants_whole.store(true, Ordering::Relaxed);
        Some(Cmd::AcceptLine)
    }
}

/// Colours, completion and hints of a line.
struct SqlHelper {
    names: Rc<Names>,
    /// The lines before the one that is edited.
    buffer: RefCell<String>,
    /// Where the cursor is, as far as brackets next to it are to be shown.
    cursor: Cell<Option<usize>>,
    /// The line, and the place of the cursor in it. An error of the editor loses them.
    typed: RefCell<(String, usize)>,
}

impl Helper for SqlHelper {}

impl Validator for SqlHelper {}

impl Completer for SqlHelper {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let buffer = self.buffer.borrow();
        let text = format!("{buffer}{line}");
        let (start, candidates) = complete(&self.names, &text, buffer.len() + cursor);
        // What begins in an earlier line cannot be replaced.
        Ok(match start.checked_sub(buffer.len()) {
            Some(start) => (start, candidates),
            None => (cursor, Vec::new()),
        })
    }
}

/// Shown, but never taken into the line.
struct Signature(String);

impl Hint for Signature {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for SqlHelper {
    type Hint = Signature;

    fn hint(&self, line: &str, cursor: usize, _: &Context<'_>) -> Option<Signature> {
        // Every change of the line comes by here.
        self.typed.replace((line.to_owned(), cursor));
        let buffer = self.buffer.borrow();
        if cursor < line.len() || buffer.len() + line.len() > COLOURED_BYTES_MAX {
            return None;
        }
        if let Some(command) = line.strip_prefix('\\').filter(|_| buffer.is_empty()) {
            let name = command.trim_end();
            let arguments = commands::find(name)?.arguments;
            // Only right behind the name: then the first argument is typed.
            return (command.len() == name.len() + 1 && !arguments.is_empty())
                .then(|| Signature(arguments.to_owned()));
        }
        let text = format!("{buffer}{line}");
        let function = self.names.functions().get(&called(&text)?)?;
        Some(Signature(format!("  {}", function.signature)))
    }
}

/// The function whose arguments the end of the text is in.
fn called(text: &str) -> Option<String> {
    let Tokens { pieces, open } = tokenize(text);
    if open != Open::Bracket {
        return None;
    }
    let mut closed = 0;
    for (at, piece) in pieces.iter().enumerate().rev() {
        match piece.kind {
            TokenKind::BracketClose => closed += 1,
            TokenKind::BracketOpen if closed > 0 => closed -= 1,
            TokenKind::BracketOpen => {
                let name = pieces[..at].last().filter(|name| name.kind == TokenKind::Word)?;
                return Some(text[name.range.clone()].to_lowercase());
            }
            _ => {}
        }
    }
    None
}

impl Highlighter for SqlHelper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let buffer = self.buffer.borrow();
        if buffer.len() + line.len() > COLOURED_BYTES_MAX {
            return Cow::Borrowed(line);
        }
        if buffer.is_empty() && line.starts_with('\\') {
            let end = line.find(char::is_whitespace).unwrap_or(line.len());
            return Cow::Owned(format!("\x1b[36m{}\x1b[0m{}", &line[..end], &line[end..]));
        }
        let text = format!("{buffer}{line}");
        let pieces = tokenize(&text).pieces;
        let pair = self.cursor.get().and_then(|cursor| bracket_pair(&text, &pieces, buffer.len() + cursor));
        let mut coloured = String::with_capacity(2 * line.len());
        for (at, piece) in pieces.iter().enumerate() {
            let begin = piece.range.start.max(buffer.len());
            if begin >= piece.range.end {
                continue;
            }
            let part = &text[begin..piece.range.end];
            let is_pair = pair.is_some_and(|(one, other)| at == one || at == other);
            let style = if is_pair { Some("1;34") } else { self.style(&text, &pieces, at) };
            match style {
                // Writing to a String cannot fail.
                Some(style) => _ = write!(coloured, "\x1b[{style}m{part}\x1b[0m"),
                None => coloured.push_str(part),
            }
        }
        Cow::Owned(coloured)
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }

    fn highlight_char(&self, line: &str, cursor: usize, kind: CmdKind) -> bool {
        // Every move of the cursor comes by here.
        self.typed.borrow_mut().1 = cursor;
        // The line that stays on the screen has no bracket marked.
        self.cursor.set((kind != CmdKind::ForcedRefresh).then_some(cursor));
        self.buffer.borrow().len() + line.len() <= COLOURED_BYTES_MAX
    }
}

impl SqlHelper {
    fn new(names: Rc<Names>, buffer: String) -> SqlHelper {
        SqlHelper { names, buffer: RefCell::new(buffer), cursor: Cell::default(), typed: RefCell::default() }
    }

    /// SGR codes of a token.
    fn style(&self, text: &str, pieces: &[Piece], at: usize) -> Option<&'static str> {
        let piece = &pieces[at];
        match piece.kind {
            TokenKind::String => Some("32"),
            TokenKind::Number => Some("35"),
            TokenKind::Comment => Some("2"),
            TokenKind::Word => {
                let word = &text[piece.range.clone()];
                let is_call = pieces.get(at + 1).is_some_and(|next| next.kind == TokenKind::BracketOpen);
                if is_call && self.names.functions().contains_key(&word.to_lowercase()) {
                    return Some("33");
                }
                is_keyword(word).then_some("1;36")
            }
            _ => None,
        }
    }
}

/// The bracket at the cursor, or in front of it, and the one that belongs to it.
fn bracket_pair(text: &str, pieces: &[Piece], cursor: usize) -> Option<(usize, usize)> {
    let is_bracket = |piece: &&Piece| matches!(piece.kind, TokenKind::BracketOpen | TokenKind::BracketClose);
    let here = |place: usize| pieces.iter().filter(is_bracket).find(|piece| piece.range.start == place);
    let piece = here(cursor).or_else(|| here(cursor.checked_sub(1)?))?;
    let at = pieces.iter().position(|each| each.range == piece.range)?;
    let is_open = piece.kind == TokenKind::BracketOpen;
    let walk: Box<dyn Iterator<Item = usize>> =
        if is_open { Box::new(at + 1..pieces.len()) } else { Box::new((0..at).rev()) };
    let mut depth = 0;
    for other in walk {
        if pieces[other].kind == piece.kind {
            depth += 1;
        } else if is_bracket(&&pieces[other]) {
            if depth == 0 {
                let fits = matches!(
                    (&text[pieces[at.min(other)].range.clone()], &text[pieces[at.max(other)].range.clone()]),
                    ("(", ")") | ("[", "]") | ("{", "}")
                );
                return fits.then_some((at, other));
            }
            depth -= 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;
    use rustyline::history::DefaultHistory;

    use super::*;

    fn helper(buffer: &str) -> SqlHelper {
        let names = Rc::new(Names::new(SessionContext::new()));
        SqlHelper::new(names, buffer.to_owned())
    }

    #[tokio::test]
    async fn colours() {
        let coloured = helper("").highlight("SELECT round(1.5), 'a' FROM t -- x", 0).replace('\x1b', "^");
        assert_eq!(
            coloured,
            "^[1;36mSELECT^[0m ^[33mround^[0m(^[35m1.5^[0m), ^[32m'a'^[0m ^[1;36mFROM^[0m t ^[2m-- x^[0m"
        );
        // The string began in the line before.
        let coloured = helper("SELECT 'a\n").highlight("b' FROM", 0).replace('\x1b', "^");
        assert_eq!(coloured, "^[32mb'^[0m ^[1;36mFROM^[0m");
        let helper = helper("");
        helper.highlight_char("f((1))", 1, CmdKind::MoveCursor);
        assert_eq!(
            helper.highlight("f((1))", 1).replace('\x1b', "^"),
            "f^[1;34m(^[0m(^[35m1^[0m)^[1;34m)^[0m"
        );
        let long = "x".repeat(COLOURED_BYTES_MAX + 1);
        assert!(matches!(helper.highlight(&long, 0), Cow::Borrowed(_)));
    }

    #[tokio::test]
    async fn hints() {
        let history = DefaultHistory::new();
        let context = Context::new(&history);
        let hint = |buffer: &str, line: &str| {
            helper(buffer).hint(line, line.len(), &context).map(|hint| hint.display().to_owned())
        };
        assert_eq!(hint("", "SELECT abs("), Some("  abs(numeric_expression)".to_owned()));
        assert_eq!(hint("SELECT abs(\n", "(1 + 2)"), Some("  abs(numeric_expression)".to_owned()));
        assert_eq!(hint("", "SELECT abs(1)"), None);
        assert_eq!(hint("", "SELECT abs('("), None);
        assert_eq!(hint("", "\\pset "), Some("[NAME [VALUE]]".to_owned()));
        assert_eq!(hint("", "\\q"), None);
    }

    #[test]
    fn prompts_have_one_width() {
        for (buffer, expected) in [
            ("", "weir> "),
            ("SELECT\n", "   -> "),
            ("SELECT (\n", "   (> "),
            ("SELECT 'a\n", "   '> "),
            ("SELECT \"a\n", "   \"> "),
            ("/* a\n", "   *> "),
            ("SELECT $$\n", "   $> "),
        ] {
            assert_eq!(prompt(buffer).0, expected);
            assert_eq!(prompt(buffer).0.len(), PROMPT_COLUMNS);
        }
    }

    #[test]
    fn a_history_with_bytes_that_are_no_text_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        std::fs::write(&file, b"#V2\nSELECT 1;\nSELECT '\xff';\n").unwrap();
        let mut history = FileHistory::new();
        assert!(history.load(&file).is_err());
        assert!(repair(&file));
        history.clear().unwrap();
        history.load(&file).unwrap();
        assert_eq!(history.iter().collect::<Vec<_>>(), ["SELECT 1;", "SELECT '\u{fffd}';"]);
        assert!(!repair(&file));
        assert!(!repair(&folder.path().join("none")));
    }
}
