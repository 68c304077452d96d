//! Text that does not fit the terminal is shown by a pager: `$WEIR_PAGER`, `$PAGER`, or less.
//!
//! Nothing is lost with it: a pager that cannot be started leaves the text to be printed as it is, and one that is left
//! early has shown what its user wanted to see.

use std::io::{self, ErrorKind, Write};
use std::process::{Child, Command, Stdio};

use crate::results::TerminalSize;
use crate::signals::ForeignProgram;

/// Colours are passed on, long lines are scrolled sideways, and what was shown stays on the screen at the end.
const LESS_OPTIONS: &str = "RSX";
/// What a shell says of a command that it cannot run, or does not find.
const NOT_STARTED: [i32; 2] = [126, 127];

/// When a pager is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Pager {
    /// For text that does not fit; the command is found in the environment.
    #[default]
    On,
    Off,
    /// For text that does not fit.
    Command(String),
}

impl Pager {
    /// The shell command, if a pager is to be used at all.
    fn command(&self, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
        let command = match self {
            Pager::Off => return None,
            Pager::Command(command) => command.clone(),
            Pager::On => {
                ["WEIR_PAGER", "PAGER"].into_iter().find_map(variable).unwrap_or_else(|| "less".to_owned())
            }
        };
        // An empty one, and cat, are the usual ways to have none.
        Some(command).filter(|command| !matches!(command.trim(), "" | "cat"))
    }
}

/// Shows `text` on a terminal of this size by way of a pager, if it does not fit. Gives whether it was shown; returns
/// when the pager is left.
pub fn show(text: &[u8], size: TerminalSize, pager: &Pager) -> bool {
    let command = pager.command(|name| std::env::var(name).ok()).filter(|command| is_there(command));
    command.is_some_and(|command| !fits(text, size) && page(text, &command))
}

/// Whether all of a text is seen at once, with the next prompt below it.
fn fits(text: &[u8], size: TerminalSize) -> bool {
    let mut rows = 0;
    for line in text.split(|&byte| byte == b'\n') {
        // A line of fewer bytes is not wider, and most are.
        let width = match line.len() <= size.columns {
            true => line.len(),
            false => console::measure_text_width(&String::from_utf8_lossy(line)),
        };
        // What follows the last line end counts for the prompt.
        rows += width.div_ceil(size.columns).max(1);
        if rows > size.rows {
            return false;
        }
    }
    true
}

/// Whether the first word of a command is a program, as far as that can be told: the shell would complain about one
/// that is not.
fn is_there(command: &str) -> bool {
    let Some(program) = command.split_whitespace().next() else { return false };
    let is_plain =
        program.chars().all(|each| each.is_ascii_alphanumeric() || matches!(each, '-' | '_' | '.'));
    let folders = std::env::var_os("PATH").unwrap_or_default();
    !is_plain || std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// Runs a pager to its end. Gives whether there was one.
fn page(text: &[u8], command: &str) -> bool {
    let _terminal = ForeignProgram::begin();
    let Ok(mut child) = spawn(command) else { return false };
    if let Some(mut stdin) = child.stdin.take()
        && let Err(error) = stdin.write_all(text)
        && error.kind() != ErrorKind::BrokenPipe
    {
        log::debug!("the pager {command} does not read: {error}");
    }
    match child.wait() {
        Ok(status) => !status.code().is_some_and(|code| NOT_STARTED.contains(&code)),
        Err(_) => true,
    }
}

/// Through a shell, as other programs do: the variables hold commands with options, quotes and pipes.
fn spawn(command: &str) -> io::Result<Child> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        shell.env("LESS", LESS_OPTIONS);
    }
    shell.spawn()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: TerminalSize = TerminalSize { rows: 4, columns: 10 };

    #[test]
    fn what_fits() {
        for (text, expected) in [
            ("", true),
            ("1\n2\n3\n", true),
            ("1\n2\n3\n4\n", false),
            ("0123456789\n", true),
            // Two rows.
            ("0123456789a\n", true),
            ("0123456789a\n2\n", true),
            ("0123456789a\n2\n3\n", false),
            // Ten columns of more bytes.
            ("\x1b[1m0123456789\x1b[0m\n", true),
            ("日本語日本\n", true),
            ("日本語日本語\n2\n3\n", false),
        ] {
            assert_eq!(fits(text.as_bytes(), SIZE), expected, "{text:?}");
        }
        assert!(!fits(&[0xff; 41], SIZE));
    }

    #[test]
    fn commands() {
        let environment = |set: &'static [(&str, &str)]| {
            move |name: &str| {
                set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
            }
        };
        let command = |setting: Pager, set| setting.command(environment(set));
        assert_eq!(command(Pager::On, &[]).as_deref(), Some("less"));
        assert_eq!(command(Pager::On, &[("PAGER", "more")]).as_deref(), Some("more"));
        let both = &[("PAGER", "more"), ("WEIR_PAGER", "less -S")];
        assert_eq!(command(Pager::On, both).as_deref(), Some("less -S"));
        assert_eq!(command(Pager::On, &[("PAGER", "")]), None);
        assert_eq!(command(Pager::On, &[("PAGER", "cat")]), None);
        assert_eq!(command(Pager::Off, both), None);
        assert_eq!(command(Pager::Command("most".to_owned()), both).as_deref(), Some("most"));
    }

    #[test]
    fn a_pager_may_be_missing_or_leave_early() {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen");
        // More than a pipe holds.
        let text = "line\n".repeat(100_000);
        assert!(page(text.as_bytes(), &format!("cat > {}", seen.display())));
        assert_eq!(std::fs::read_to_string(&seen).unwrap(), text);
        assert!(page(text.as_bytes(), &format!("head -n 2 > {}", seen.display())));
        assert_eq!(std::fs::read_to_string(&seen).unwrap(), "line\nline\n");
        assert!(page(text.as_bytes(), "exit 1"));
        assert!(!page(text.as_bytes(), "there-is-no-such-pager 2> /dev/null"));
        assert!(!page(text.as_bytes(), "/dev/null 2> /dev/null"));
    }

    #[tokio::test]
    async fn an_interrupt_is_for_the_pager() {
        crate::signals::listen(crate::signals::Interrupt::EndsProcess).unwrap();
        // The shell sends it to itself, which ends it, and to this process.
        let parent = std::process::id();
        assert!(page(b"text", &format!("kill -INT {parent}; kill -INT $$; sleep 9")));
    }
}
