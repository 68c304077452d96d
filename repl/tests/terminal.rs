//! Drives the program as a person at a terminal does: keys in, the screen out.
//!
//! The program runs at a pseudo-terminal, what it writes goes through a terminal emulator, and tests look at the screen
//! that this gives. A test waits until the screen is as it expects; it never waits for a fixed time. One that waits in
//! vain fails with the screen.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use expectrl::process::Process;
use expectrl::process::unix::{Signal, UnixProcess, WaitStatus};
use tempfile::TempDir;
use vt100::{Cell, Parser, Screen};

/// How long a screen is waited for: a debug build on a host that does something else must be done by then.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often what makes no output, as a file or a process, is looked at.
const PERIOD: Duration = Duration::from_millis(20);

/// What the prompt is without anything typed.
const PROMPT: &str = "weir>";
const PROMPT_COLUMNS: u16 = 6;

pub const ENTER: &str = "\r";
pub const TAB: &str = "\t";
pub const UP: &str = "\x1b[A";
pub const LEFT: &str = "\x1b[D";
pub const RIGHT: &str = "\x1b[C";
pub const HOME: &str = "\x1b[H";
pub const BACKSPACE: &str = "\x7f";
pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const CTRL_L: &str = "\x0c";
pub const CTRL_R: &str = "\x12";

/// A user's folders, and how the program is started in them.
pub struct Home {
    folder: TempDir,
    environment: Vec<(String, String)>,
    rows: u16,
    columns: u16,
}

impl Home {
    /// With these files in the current folder.
    pub fn new(files: &[(&str, &str)]) -> Home {
        let home =
            Home { folder: tempfile::tempdir().unwrap(), environment: Vec::new(), rows: 40, columns: 100 };
        for folder in ["home", "current", "config/weir", "state"] {
            std::fs::create_dir_all(home.folder.path().join(folder)).unwrap();
        }
        for (name, text) in files {
            home.write(name, text);
        }
        home
    }

    pub fn set(mut self, name: &str, value: &str) -> Home {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn size(mut self, rows: u16, columns: u16) -> Home {
        (self.rows, self.columns) = (rows, columns);
        self
    }

    /// A path in the current folder of the program.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("current").join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes a program that the shell runs.
    pub fn write_script(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        self.write(name, &format!("#!/bin/sh\n{text}\n"));
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        self.path(name).display().to_string()
    }

    /// The start-up file.
    pub fn write_weirrc(&self, text: &str) {
        std::fs::write(self.folder.path().join("config/weir/weirrc"), text).unwrap();
    }

    /// The file of the history, whether there is one or not.
    pub fn history(&self) -> PathBuf {
        self.folder.path().join("state/weir/history")
    }

    /// Starts the program, and waits for its prompt.
    #[track_caller]
    pub fn start(&self, arguments: &[&str]) -> Terminal {
        let mut terminal = self.spawn(arguments);
        terminal.wait_until_ready();
        terminal
    }

    /// Starts the program.
    pub fn spawn(&self, arguments: &[&str]) -> Terminal {
        let weir = [&[env!("CARGO_BIN_EXE_weir")], arguments].concat();
        self.spawn_command("exec \"$@\"", &weir)
    }

    /// Starts a command of the shell, with `arguments` as its `$@`.
    pub fn spawn_command(&self, command: &str, arguments: &[&str]) -> Terminal {
        let mut shell = Command::new("sh");
        // The terminal gets its size after the start, and the program must not ask for it before. It is to echo what is
        // typed while a query runs, as terminals do.
        let script = format!("read line; stty echo; {command}");
        shell.arg("-c").arg(script).arg("sh").args(arguments).current_dir(self.folder.path().join("current"));
        shell.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
        ] {
            shell.env(name, self.folder.path().join(folder));
        }
        shell.envs([("TERM", "xterm-256color"), ("LC_ALL", "C.UTF-8"), ("SHELL", "/bin/sh")]);
        shell.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Terminal::new(shell, self.rows, self.columns)
    }
}

/// Waits for what makes no output.
#[track_caller]
pub fn wait(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(PERIOD);
    }
}

/// A terminal with a program.
pub struct Terminal {
    process: UnixProcess,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    emulator: Parser,
    /// All that the program wrote, since the last time that it was forgotten.
    log: Vec<u8>,
    /// How often the line editor has begun to read.
    prompts: usize,
    /// The program is in the middle of drawing, and says so.
    is_drawing: bool,
    has_ended: bool,
    /// How long a screen is waited for.
    pub patience: Duration,
}

impl Terminal {
    fn new(command: Command, rows: u16, columns: u16) -> Terminal {
        let mut process = UnixProcess::spawn_command(command).unwrap();
        // It gives each terminal its own size, at a moment that may be after the shell's stty.
        process.set_window_size(columns, rows).unwrap();
        let mut screen = process.get_raw_handle().unwrap();
        let (send, output) = channel();
        // A thread, so that the program can write while a test is busy, or types more than a pipe holds.
        std::thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            // The end is an error here: a terminal without processes cannot be read.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                if send.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut keyboard = process.get_raw_handle().unwrap();
        keyboard.write_all(b"\n").unwrap();
        Terminal {
            keyboard,
            process,
            output,
            emulator: Parser::new(cells(rows), cells(columns), 0),
            log: Vec::new(),
            prompts: 0,
            is_drawing: false,
            has_ended: false,
            patience: PATIENCE,
        }
    }

    /// Types text or keys. What is typed before the program reads it waits in the terminal.
    pub fn type_in(&mut self, text: &str) {
        self.type_bytes(text.as_bytes());
    }

    pub fn type_bytes(&mut self, bytes: &[u8]) {
        self.keyboard.write_all(bytes).unwrap();
    }

    /// Takes in what was written, and waits so long for it.
    fn read(&mut self, patience: Duration) {
        match self.output.recv_timeout(patience) {
            Ok(bytes) => self.feed(&bytes),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.has_ended = true,
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.emulator.process(bytes);
        // A sequence may be cut in two.
        let begin = self.log.len().saturating_sub(16);
        self.log.extend_from_slice(bytes);
        let old = self.log.len() - bytes.len() - begin;
        let fresh = String::from_utf8_lossy(&self.log[begin..]).into_owned();
        for (at, _) in fresh.match_indices("\x1b[?") {
            let sequence = fresh.get(at + 3..at + 8).unwrap_or_default();
            match sequence {
                "2026h" => self.is_drawing = true,
                "2026l" => self.is_drawing = false,
                // Not one that was there whole before.
                "2004h" if at + 8 > old => self.prompts += 1,
                _ => {}
            }
        }
    }

    /// Waits until the screen is as expected.
    #[track_caller]
    pub fn wait(&mut self, what: &str, is_so: impl Fn(&Screen) -> bool) {
        self.wait_for_state(what, |terminal| is_so(terminal.screen()));
    }

    #[track_caller]
    fn wait_for_state(&mut self, what: &str, is_so: impl Fn(&Terminal) -> bool) {
        let began = Instant::now();
        while self.is_drawing || !is_so(self) {
            let left = self.patience.saturating_sub(began.elapsed());
            let why = if self.has_ended { "the program ended before" } else { "waited in vain for" };
            assert!(!self.has_ended && !left.is_zero(), "{why} {what}; the screen:\n{}", self.text());
            self.read(left);
        }
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    /// Waits for an empty prompt.
    #[track_caller]
    pub fn wait_until_ready(&mut self) {
        self.wait_for_state("a prompt", Terminal::is_ready);
    }

    fn is_ready(&self) -> bool {
        self.screen().bracketed_paste() && self.line() == PROMPT && self.column() == PROMPT_COLUMNS
    }

    /// Runs a line on an empty screen, which it gives when there is a prompt again.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> String {
        self.begin(line);
        self.enter();
        self.text()
    }

    /// Types Enter, and waits for the prompt after what that runs.
    #[track_caller]
    pub fn enter(&mut self) {
        let before = self.prompts;
        self.type_in(ENTER);
        self.wait_for_state("the next prompt", |terminal| terminal.prompts > before && terminal.is_ready());
    }

    /// Types a line on an empty screen.
    #[track_caller]
    pub fn begin(&mut self, line: &str) {
        self.type_in(&format!("{CTRL_L}{line}"));
        let end: String = line.chars().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect();
        self.wait(line, |screen| {
            let row = screen.cursor_position().0;
            let above = row.saturating_sub(1);
            let text: String = screen.rows(0, screen.size().1.get()).skip(above.into()).collect();
            text.contains(end.trim_end()) && screen.contents().starts_with(PROMPT)
        });
    }

    pub fn screen(&self) -> &Screen {
        self.emulator.screen()
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        self.screen().contents()
    }

    /// The row of the screen that the cursor is in.
    pub fn line(&self) -> String {
        let row = self.screen().cursor_position().0;
        let columns = self.screen().size().1.get();
        self.screen().rows(0, columns).nth(row.into()).unwrap_or_default().trim_end().to_owned()
    }

    pub fn column(&self) -> u16 {
        self.screen().cursor_position().1
    }

    /// The cell in the cursor's row where a text begins.
    #[track_caller]
    pub fn cell(&self, text: &str) -> Cell {
        let line = self.line();
        let at = line.find(text).unwrap_or_else(|| panic!("no {text} in {line}"));
        let column = line[..at].chars().count() as u16;
        self.screen().cell(self.screen().cursor_position().0, column).unwrap().clone()
    }

    /// What the program wrote, byte by byte.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log).into_owned()
    }

    pub fn forget_log(&mut self) {
        self.log.clear();
    }

    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.emulator.set_size(cells(rows), cells(columns));
        self.process.set_window_size(columns, rows).unwrap();
    }

    /// Of the process that was started, in /proc.
    pub fn process_folder(&self) -> PathBuf {
        Path::new("/proc").join(self.process.pid().as_raw().to_string())
    }

    /// Kills the program.
    pub fn kill(mut self) {
        self.process.kill(Signal::SIGKILL).unwrap();
        self.process.wait().unwrap();
    }

    #[track_caller]
    pub fn wait_for_end(&mut self) {
        self.wait_for_state("the end", |terminal| terminal.has_ended);
    }

    /// Waits for the end of the program, whose exit code it gives.
    #[track_caller]
    pub fn end(mut self) -> i32 {
        self.wait_for_end();
        match self.process.wait().unwrap() {
            WaitStatus::Exited(_, code) => code,
            other => panic!("{other:?}; the screen:\n{}", self.text()),
        }
    }
}

fn cells(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}
