//! The prompt: lines in from the editor, statements and commands out to the shell, until the end of the input.
//!
//! ```text
//! editor -> buffer -> shell: statements and commands, one after the other
//!    '-- complete, names
//! ```
//!
//! A failure is reported and the prompt goes on. Only `\q`, Ctrl-D and a closed terminal end it.

mod complete;
mod editor;
mod names;

use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;

use crate::error::Error;
use crate::report;
use crate::shell::script::Flow;
use crate::shell::state::Shell;
use crate::signals::{self, Interrupt};
use editor::{Input, LineEditor};
use names::Names;

/// Runs the start-up file, then what is typed.
pub async fn run(shell: &mut Shell, with_start_file: bool) -> Result<(), Error> {
    signals::listen(Interrupt::IsCounted).map_err(Error::Signal)?;
    if with_start_file
        && let Some(path) = start_file().filter(|path| path.exists())
        && run_start_file(shell, path).await? == Flow::Quit
    {
        return Ok(());
    }
    println_banner(shell)?;
    let names = Rc::new(Names::new(shell.session.context().clone()));
    let mut editor = LineEditor::new(names, shell.settings.style.color).map_err(Error::Editor)?;
    let mut initial = (String::new(), String::new());
    loop {
        editor.set_keys(shell.settings.vi_keys);
        let (left, right) = std::mem::take(&mut initial);
        // What a command was typed behind, or an editor gave back, may end without one.
        if !shell.pending.is_empty() && !shell.pending.ends_with('\n') {
            shell.pending.push('\n');
        }
        match editor.read(&shell.pending, (&left, &right)).map_err(Error::Editor)? {
            Input::Line(line) => {
                if run_line(shell, &mut editor, &line).await? == Flow::Quit {
                    return Ok(());
                }
            }
            Input::Whole(left, right) => {
                shell.pending.clear();
                initial = (left, right);
            }
            Input::NotText(left, right) => {
                report::note("what was not UTF-8 is left out");
                initial = (left, right);
            }
            Input::Interrupted => shell.pending.clear(),
            Input::End => return Ok(()),
        }
    }
}

/// Runs what a further line finishes. Only an error that ends the session is one.
async fn run_line(shell: &mut Shell, editor: &mut LineEditor, line: &str) -> Result<Flow, Error> {
    // As people know it from other prompts.
    let line = match line.trim().trim_end_matches(';') {
        "quit" | "exit" if shell.pending.is_empty() => "\\q",
        "help" if shell.pending.is_empty() => "\\?",
        _ => line,
    };
    let text = format!("{}{line}\n", std::mem::take(&mut shell.pending));
    let result = shell.run_text(&text, None).await;
    // What is still open is remembered when it is finished.
    if shell.pending.trim().is_empty() {
        shell.pending.clear();
        editor.remember(&text);
    } else if !shell.pending.ends_with('\n') {
        shell.pending.push('\n');
    }
    match result {
        Ok(flow) => Ok(flow),
        Err(closed) if closed.is_closed_pipe() => Err(closed),
        Err(Error::Cancelled(_)) => {
            shell.pending.clear();
            report::note("cancelled");
            Ok(Flow::Next)
        }
        Err(failed) => {
            report::failure(&failed);
            Ok(Flow::Next)
        }
    }
}

/// `~/.config/weir/weirrc`, or where `$XDG_CONFIG_HOME` says.
fn start_file() -> Option<PathBuf> {
    dirs::config_dir().map(|folder| folder.join("weir").join("weirrc"))
}

async fn run_start_file(shell: &mut Shell, path: PathBuf) -> Result<Flow, Error> {
    let name = path.display().to_string();
    let result = match std::fs::read_to_string(&path) {
        Ok(text) => shell.run_script(&text, Some(&name)).await,
        Err(source) => Err(Error::ScriptUnreadable { path: name.clone(), source }),
    };
    // A start-up file that fails must not keep anybody from the prompt.
    result.or_else(|failed| {
        if failed.is_closed_pipe() {
            return Err(failed);
        }
        report::note(&format!("in {name}:"));
        report::failure(&failed);
        Ok(Flow::Next)
    })
}

fn println_banner(shell: &Shell) -> Result<(), Error> {
    if shell.settings.style.terminal.is_none() {
        return Ok(());
    }
    let mut stdout = std::io::stdout().lock();
    let banner = format!("weir {}. \\? for help, \\q to leave.\n", env!("CARGO_PKG_VERSION"));
    stdout.write_all(banner.as_bytes()).and_then(|()| stdout.flush()).map_err(Error::Output)
}
