//! The `weir` program: it reads the command line, registers the files as tables, hands the SQL to an engine session
//! and prints what comes back. It neither plans nor executes anything by itself.
//!
//! ```text
//! cli -> tables -> shell (sql, query) -> results                 demo: timed, with pushdown off and on
//!               '-> prompt -^ (standard input is a terminal)     doctor: what this host can do
//! what failed -> diagnose -> report -> standard error
//! ```
//!
//! Exit codes: 0 fine, 1 a query failed, 2 the command line cannot be carried out. A closed pipe is no failure.

mod cli;
mod demo;
mod diagnose;
mod doctor;
mod error;
mod log;
mod nearest;
mod paths;
mod prompt;
mod report;
mod results;
mod sentence;
mod shell;
mod signals;
mod sniff;
mod sql;
mod tables;
mod version;
mod visible;

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use engine::session::{Session, SessionOptions};

use crate::cli::{Arguments, SqlArgument};
use crate::error::Error;
use crate::results::Style;
use crate::shell::script::Flow;
use crate::shell::state::Shell;
use crate::signals::Interrupt;

/// Planning recurses once for each level of an expression, and a condition of some thousand ORs has as many levels.
const STACK_BYTES: usize = 64 << 20;

fn main() -> ExitCode {
    // The main thread's stack is what the system gives; this one is only touched as far as it is used.
    let main = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(with_stack);
    match main.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // It has panicked and said so.
        Ok(Err(_)) => ExitCode::from(1),
        Err(error) => {
            report::failure(&Error::Runtime(error));
            ExitCode::from(1)
        }
    }
}

fn with_stack() -> ExitCode {
    let arguments = cli::read();
    log::start();
    match run(arguments) {
        Ok(code) => code,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            report::failure(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    if let Some(sniff) = &arguments.sniff {
        return sniff::run(sniff, &arguments.declared).map(|()| ExitCode::SUCCESS);
    }
    if let Some(doctor) = &arguments.doctor {
        return doctor::run(doctor);
    }
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = arguments.threads {
        builder.worker_threads(threads.get());
    }
    let runtime = builder.enable_all().thread_stack_size(STACK_BYTES).build().map_err(Error::Runtime)?;
    let result = runtime.block_on(async {
        match &arguments.demo {
            Some(demo) => demo::run(&arguments, *demo).await,
            None => run_scripts(&arguments).await,
        }
    });
    // A failed query may leave a worker in the middle of a chunk: the exit must not wait for it.
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

async fn run_scripts(arguments: &Arguments) -> Result<(), Error> {
    let session = Session::new(SessionOptions {
        pushdown: arguments.pushdown.unwrap_or_default(),
        backend: arguments.backend.unwrap_or_default(),
        threads: arguments.threads.map(Into::into),
        declared: arguments.declared.clone(),
    })?;
    for table in tables::from_paths(&arguments.paths, &arguments.declared)? {
        let sniffed = table.register(&session).await?;
        // Who looks on may see that a guess is wrong.
        if let Some(sniffed) = sniffed.filter(|_| std::io::stderr().is_terminal()) {
            report::note(&sniffed.line(table.written()));
        }
    }
    let mut shell = Shell::new(session, Style::for_stdout(arguments.format));
    if arguments.scripts.is_empty() && std::io::stdin().is_terminal() {
        return prompt::run(&mut shell, !arguments.no_start_file).await;
    }
    signals::listen(Interrupt::EndsProcess).map_err(Error::Signal)?;
    for script in &arguments.scripts {
        let flow = match script {
            SqlArgument::Command(sql) => shell.run_script(sql, None).await?,
            SqlArgument::StandardInput => shell.run_script(&read_stdin()?, None).await?,
            SqlArgument::File(path) => shell.include(&path.display().to_string()).await?,
        };
        if flow == Flow::Quit {
            return Ok(());
        }
    }
    if !arguments.scripts.is_empty() {
        return Ok(());
    }
    shell.run_script(&read_stdin()?, None).await.map(|_| ())
}

fn read_stdin() -> Result<String, Error> {
    let mut sql = String::new();
    std::io::stdin()
        .read_to_string(&mut sql)
        .map_err(|source| Error::ScriptUnreadable { path: "standard input".into(), source })?;
    Ok(sql)
}
