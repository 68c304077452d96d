//! The command line: text in, [`Arguments`] out, or an exit with code 2 and clap's usage message.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use engine::options::{BackendChoice, PushdownMode};

use crate::results::Format;
use crate::version;

/// What the program was asked to do.
pub struct Arguments {
    pub paths: Vec<String>,
    /// In the order of the command line.
    pub scripts: Vec<SqlArgument>,
    pub format: Format,
    pub pushdown: Option<PushdownMode>,
    pub backend: Option<BackendChoice>,
    pub threads: Option<NonZeroUsize>,
    pub csv: CsvArguments,
    /// The prompt begins without the start-up file.
    pub no_start_file: bool,
    /// Set when the demonstration is what was asked for.
    pub demo: Option<Demo>,
    /// Set when the host is to be examined.
    pub doctor: Option<Doctor>,
}

/// Where -c and -f have SQL.
pub enum SqlArgument {
    Command(String),
    File(PathBuf),
    StandardInput,
}

/// How the CSV files of the command line are written. It does not touch files named inside SQL.
#[derive(Args, Clone)]
pub struct CsvArguments {
    /// Field delimiter, one byte; `tab` and `\t` are understood [default: a comma, a tab for *.tsv]
    #[arg(long, value_name = "BYTE", value_parser = single_byte, allow_hyphen_values = true)]
    pub delimiter: Option<u8>,
    /// The first record is data; columns are named column_1, column_2, ...
    #[arg(long)]
    pub no_header: bool,
    /// Quote, one byte
    #[arg(long, value_name = "BYTE", value_parser = single_byte, default_value = "\"")]
    pub quote: u8,
    /// Escape inside quoted fields, one byte [default: quotes are doubled]
    #[arg(long, value_name = "BYTE", value_parser = single_byte)]
    pub escape: Option<u8>,
}

#[derive(ValueEnum, Clone, Copy)]
enum PushdownArgument {
    /// Push down what is possible, run the rest in DataFusion
    Auto,
    /// Fail, with the reason, when a CSV scan cannot be pushed down
    Require,
    /// Run everything in DataFusion
    Off,
}

#[derive(ValueEnum, Clone, Copy)]
enum BackendArgument {
    /// The best that this host offers
    Auto,
    /// The read hook of a patched kernel
    Hook,
    /// An unpatched kernel from 6.9 on
    Stock,
    /// The reference interpreter: slow, needs no privilege
    Interpret,
}

/// SQL over CSV files, filtered and reduced inside the kernel.
///
/// Without -c and -f the SQL comes from standard input, or from a prompt if that is a terminal.
#[derive(Parser)]
#[command(name = "weir", version, disable_help_subcommand = true)]
struct CommandLine {
    /// CSV file, folder of CSV files, or quoted pattern such as 'logs/*.csv': each is one table, named after its file
    /// stem
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Run this SQL (statements separated by `;`); may be repeated
    #[arg(short, long = "command", value_name = "SQL", allow_hyphen_values = true)]
    commands: Vec<String>,
    /// Run the SQL of this file, `-` for standard input; may be repeated
    #[arg(short, long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Form of the printed results
    #[arg(long, value_enum, default_value_t = Format::Automatic, hide_possible_values = true,
          value_name = "automatic|table|csv|tsv|json|ndjson|markdown|html|vertical|insert")]
    format: Format,
    /// What to run in the kernel [default: auto]
    #[arg(long, global = true, value_enum)]
    pushdown: Option<PushdownArgument>,
    /// Where a pushed down program runs [default: auto]
    #[arg(long, global = true, value_enum)]
    backend: Option<BackendArgument>,
    /// Number of threads, up to 1024 [default: all processors]
    #[arg(long, global = true, value_name = "N", value_parser = thread_count)]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    csv: CsvArguments,
    /// Do not run ~/.config/weir/weirrc before the prompt
    #[arg(short = 'X', long)]
    no_weirrc: bool,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Run TPC-H Q6 and Q1 with pushdown off and on, and compare (a file of this name is written ./demo)
    Demo(Demo),
    /// Say what this host can do, and what to change (a file of this name is written ./doctor)
    Doctor(Doctor),
}

/// The arguments of `weir doctor`.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct Doctor {
    /// Files, or folders of CSV files: whether and how they can be read inside the kernel
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
}

/// The arguments of `weir demo`.
#[derive(Args, Clone, Copy, Debug, PartialEq)]
pub struct Demo {
    /// TPC-H scale factor of the generated lineitem.csv
    #[arg(long, value_name = "F", default_value_t = 0.1, value_parser = scale_factor)]
    pub scale: f64,
    /// Only make the file, and print its path
    #[arg(long)]
    pub generate_only: bool,
}

/// Reads the command line of this process. Ends the process with code 2 if it makes no sense, and with 0 after
/// `--help` and `--version`.
pub fn read() -> Arguments {
    parse(std::env::args_os()).unwrap_or_else(|error| {
        if error.kind() == ErrorKind::DisplayVersion {
            let text = format!("{error}{}", version::host());
            // Nobody is left to tell when standard output is closed.
            let _ = std::io::stdout().write_all(text.as_bytes());
            std::process::exit(0);
        }
        error.exit()
    })
}

fn parse<T: Into<std::ffi::OsString> + Clone>(
    text: impl IntoIterator<Item = T>,
) -> Result<Arguments, clap::Error> {
    let matches = CommandLine::command().try_get_matches_from(text)?;
    let line = CommandLine::from_arg_matches(&matches)?;
    let usage = |message: &str| Err(CommandLine::command().error(ErrorKind::ArgumentConflict, message));
    if line.csv.delimiter == Some(line.csv.quote) {
        return usage("--delimiter and --quote must differ");
    }
    let (demo, doctor) = match line.task {
        Some(Task::Demo(demo)) => (Some(demo), None),
        Some(Task::Doctor(doctor)) => (None, Some(doctor)),
        None => (None, None),
    };
    let takes_sql = !line.commands.is_empty() || !line.files.is_empty();
    if doctor.is_some() && takes_sql {
        return usage("doctor takes no SQL (a file of that name is written ./doctor)");
    }
    if demo.is_some() {
        if takes_sql {
            return usage("demo takes no SQL (a file of that name is written ./demo)");
        }
        if matches!(line.pushdown, Some(PushdownArgument::Off)) {
            return usage("demo compares with pushdown off: --pushdown off leaves nothing to compare");
        }
    }
    Ok(Arguments {
        scripts: scripts(&matches, line.commands, line.files),
        paths: line.paths,
        format: line.format,
        pushdown: line.pushdown.map(Into::into),
        backend: line.backend.map(Into::into),
        threads: line.threads,
        csv: line.csv,
        no_start_file: line.no_weirrc,
        demo,
        doctor,
    })
}

/// The -c and -f arguments as one list in the order they were given, so that a file can prepare what a command uses.
fn scripts(matches: &ArgMatches, commands: Vec<String>, files: Vec<PathBuf>) -> Vec<SqlArgument> {
    let file = |path: PathBuf| match path.as_os_str() == "-" {
        true => SqlArgument::StandardInput,
        false => SqlArgument::File(path),
    };
    let at = |name: &str| matches.indices_of(name).into_iter().flatten().collect::<Vec<_>>();
    let commands = at("commands").into_iter().zip(commands.into_iter().map(SqlArgument::Command));
    let files = at("files").into_iter().zip(files.into_iter().map(file));
    let mut scripts: Vec<_> = commands.chain(files).collect();
    scripts.sort_by_key(|(index, _)| *index);
    scripts.into_iter().map(|(_, script)| script).collect()
}

/// Why an argument makes no sense.
#[derive(Debug, thiserror::Error)]
enum ArgumentError {
    #[error("one ASCII character, `tab` or `\\t` is wanted")]
    NoByte,
    #[error("a number above 0 and up to {max} is wanted", max = SCALE_MAX)]
    NoScale,
    #[error(transparent)]
    NoCount(#[from] std::num::ParseIntError),
    #[error("more than {max}", max = THREAD_COUNT_MAX)]
    TooManyThreads,
}

/// A dialect byte. The line ends are taken: they end records.
fn single_byte(text: &str) -> Result<u8, ArgumentError> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(*byte),
        _ => Err(ArgumentError::NoByte),
    }
}

/// 75 GB of CSV: a larger one is a slip of the finger.
const SCALE_MAX: f64 = 100.0;

fn scale_factor(text: &str) -> Result<f64, ArgumentError> {
    match text.parse() {
        Ok(scale) if scale > 0.0 && scale <= SCALE_MAX => Ok(scale),
        _ => Err(ArgumentError::NoScale),
    }
}

impl From<PushdownArgument> for PushdownMode {
    fn from(choice: PushdownArgument) -> Self {
        match choice {
            PushdownArgument::Auto => PushdownMode::Auto,
            PushdownArgument::Require => PushdownMode::Require,
            PushdownArgument::Off => PushdownMode::Off,
        }
    }
}

impl From<BackendArgument> for BackendChoice {
    fn from(choice: BackendArgument) -> Self {
        match choice {
            BackendArgument::Auto => BackendChoice::Auto,
            BackendArgument::Hook => BackendChoice::Hook,
            BackendArgument::Stock => BackendChoice::Stock,
            BackendArgument::Interpret => BackendChoice::Interpret,
        }
    }
}

/// Each thread of the runtime reserves a stack.
const THREAD_COUNT_MAX: usize = 1024;

fn thread_count(text: &str) -> Result<NonZeroUsize, ArgumentError> {
    let count: NonZeroUsize = text.parse()?;
    if count.get() > THREAD_COUNT_MAX {
        return Err(ArgumentError::TooManyThreads);
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &[&str]) -> Result<Arguments, clap::Error> {
        parse(std::iter::once("weir").chain(text.iter().copied()))
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn commands_and_files_keep_their_order() {
        let parsed = arguments(&["-c", "1", "-f", "2", "a.csv", "-f", "-", "-c", "3"]).unwrap();
        let order: Vec<_> = parsed
            .scripts
            .iter()
            .map(|script| match script {
                SqlArgument::Command(sql) => sql.clone(),
                SqlArgument::File(path) => path.display().to_string(),
                SqlArgument::StandardInput => "standard input".to_owned(),
            })
            .collect();
        assert_eq!(order, ["1", "2", "standard input", "3"]);
        assert_eq!(parsed.paths, ["a.csv"]);
    }

    #[test]
    fn delimiters() {
        for (text, expected) in
            [("tab", b'\t'), ("\\t", b'\t'), ("\t", b'\t'), (";", b';'), ("|", b'|'), ("-", b'-')]
        {
            let parsed = arguments(&["--delimiter", text]).unwrap();
            assert_eq!(parsed.csv.delimiter, Some(expected), "{text}");
        }
        for text in ["", ";;", "é", "\n", "\""] {
            assert!(arguments(&["--delimiter", text]).is_err(), "{text:?}");
        }
    }

    #[test]
    fn doctor_is_a_task() {
        let doctor =
            |paths: &[&str]| Some(Doctor { paths: paths.iter().map(|path| path.to_string()).collect() });
        assert_eq!(arguments(&["doctor"]).unwrap().doctor, doctor(&[]));
        assert_eq!(arguments(&["doctor", "a.csv", "b"]).unwrap().doctor, doctor(&["a.csv", "b"]));
        assert_eq!(arguments(&["./doctor"]).unwrap().paths, ["./doctor"]);
        assert!(arguments(&["-c", "SELECT 1", "doctor"]).is_err());
    }

    #[test]
    fn demo_is_a_task_and_dot_slash_demo_is_a_file() {
        let demo = |scale, generate_only| Some(Demo { scale, generate_only });
        assert_eq!(arguments(&["demo"]).unwrap().demo, demo(0.1, false));
        assert_eq!(arguments(&["--threads", "1", "demo", "--scale", "2"]).unwrap().demo, demo(2.0, false));
        assert_eq!(arguments(&["demo", "--generate-only"]).unwrap().demo, demo(0.1, true));
        assert_eq!(arguments(&["demo", "--threads", "1"]).unwrap().threads, NonZeroUsize::new(1));
        assert_eq!(arguments(&["./demo"]).unwrap().paths, ["./demo"]);
        assert_eq!(arguments(&["help"]).unwrap().paths, ["help"]);
        assert_eq!(arguments(&["a.csv", "demo"]).unwrap().paths, ["a.csv", "demo"]);
        for wrong in [
            &["-c", "SELECT 1", "demo"][..],
            &["demo", "a.csv"],
            &["demo", "--scale", "0"],
            &["demo", "--pushdown", "off"],
        ] {
            assert!(arguments(wrong).is_err(), "{wrong:?}");
        }
    }
}
