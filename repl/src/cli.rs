//! The command line: text in, [`Arguments`] out, or an exit with code 2 and clap's usage message.

use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use engine::csv::sniff::{OptionError, Overrides};
use engine::options::{BackendChoice, PushdownMode};

use crate::results::Format;
use crate::tables::STDIN;
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
    /// Of CSV files.
    pub declared: Overrides,
    /// The prompt begins without the start-up file.
    pub no_start_file: bool,
    /// Set when the demonstration is what was asked for.
    pub demo: Option<Demo>,
    /// Set when the host is to be examined.
    pub doctor: Option<Doctor>,
    /// Set when files are only to be looked at.
    pub sniff: Option<Sniff>,
}

/// Where -c and -f have SQL.
pub enum SqlArgument {
    Command(String),
    File(PathBuf),
    StandardInput,
}

/// What is declared of CSV files: those of the command line, and those that SQL names as `FROM 'file'`. The rest is guessed.
#[derive(Args)]
#[command(next_help_heading = "CSV files [default: guessed from their content]")]
struct CsvArguments {
    /// What separates fields: one byte or more; `tab` and `\t` are understood
    #[arg(long, global = true, value_name = "TEXT", allow_hyphen_values = true)]
    delimiter: Option<String>,
    /// The first record holds names
    #[arg(long, global = true, overrides_with = "no_header")]
    header: bool,
    /// The first record is data; columns are named column_1, column_2, ...
    #[arg(long, global = true)]
    no_header: bool,
    /// Quote, one byte, or `none`
    #[arg(long, global = true, value_name = "BYTE")]
    quote: Option<String>,
    /// Escape inside quoted fields, one byte, or `none`
    #[arg(long, global = true, value_name = "BYTE")]
    escape: Option<String>,
    /// Lines that begin with this byte are left out
    #[arg(long, global = true, value_name = "BYTE")]
    comment: Option<String>,
    /// Lines above the header
    #[arg(long, global = true, value_name = "N")]
    skip_lines: Option<String>,
    /// utf-8, utf-16le, utf-16be or latin-1
    #[arg(long, global = true, value_name = "NAME")]
    encoding: Option<String>,
    /// Types of columns, as in id=text,price=decimal(12,2)
    #[arg(long, global = true, value_name = "COLUMN=TYPE,...")]
    types: Option<String>,
    /// All columns are text
    #[arg(long, global = true)]
    all_text: bool,
    /// What stands for NULL in columns that are not text, as in NA,-
    #[arg(long, global = true, value_name = "TEXT,...", allow_hyphen_values = true)]
    null: Option<String>,
    /// A comma is the decimal sign
    #[arg(long, global = true)]
    decimal_comma: bool,
    /// How dates are written, as in %d.%m.%Y or DD.MM.YYYY
    #[arg(long, global = true, value_name = "FORMAT")]
    date_format: Option<String>,
    /// What becomes of records that do not fit: `fail`, `pad` mends the count of fields, `skip` leaves them out, `null` makes NULL
    /// of what is missing
    #[arg(long, global = true, value_name = "fail|pad|skip|null")]
    on_error: Option<String>,
    /// Files of a folder or pattern may have other columns each: where one has none it is NULL
    #[arg(long, global = true)]
    union_by_name: bool,
}

impl CsvArguments {
    fn declared(self) -> Result<Overrides, OptionError> {
        let yes = |is_set: bool| is_set.then(|| "true".to_owned());
        let header = if self.no_header { Some("false".to_owned()) } else { yes(self.header) };
        let given = [
            ("delimiter", self.delimiter.map(|text| if text == "tab" { "\t".to_owned() } else { text })),
            ("header", header),
            ("quote", self.quote),
            ("escape", self.escape),
            ("comment", self.comment),
            ("skip_lines", self.skip_lines),
            ("encoding", self.encoding),
            ("types", self.types),
            ("all_text", yes(self.all_text)),
            ("nulls", self.null),
            ("decimal_comma", yes(self.decimal_comma)),
            ("date_format", self.date_format),
            ("on_error", self.on_error),
            ("union_by_name", yes(self.union_by_name)),
        ];
        let mut declared = Overrides::default();
        for (name, value) in given {
            if let Some(value) = value {
                declared.set(name, &value)?;
            }
        }
        Ok(declared)
    }
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
    /// CSV file, folder of CSV files, quoted pattern such as 'logs/*.csv', or - for standard input: each is one table,
    /// named after its file stem
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
    /// Say what CSV files are taken for, and why, as CREATE EXTERNAL TABLE (a file of this name is written ./sniff)
    Sniff(Sniff),
}

/// The arguments of `weir sniff`.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct Sniff {
    /// CSV files
    #[arg(value_name = "FILE", required = true)]
    pub paths: Vec<String>,
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
    let declared = match line.csv.declared() {
        Ok(declared) => declared,
        Err(error) => return usage(&error.to_string()),
    };
    let (demo, doctor, sniff) = match line.task {
        Some(Task::Demo(demo)) => (Some(demo), None, None),
        Some(Task::Doctor(doctor)) => (None, Some(doctor), None),
        Some(Task::Sniff(sniff)) => (None, None, Some(sniff)),
        None => (None, None, None),
    };
    let takes_sql = !line.commands.is_empty() || !line.files.is_empty();
    let reads_stdin = line.paths.iter().any(|path| path == STDIN || path == "/dev/stdin");
    let sql_from_stdin = !takes_sql || line.files.iter().any(|path| path.as_os_str() == STDIN);
    if reads_stdin && sql_from_stdin && !std::io::stdin().is_terminal() {
        return usage("standard input is the data: the SQL is to come from -c or -f FILE");
    }
    if sniff.is_some() && takes_sql {
        return usage("sniff takes no SQL (a file of that name is written ./sniff)");
    }
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
        declared,
        no_start_file: line.no_weirrc,
        demo,
        doctor,
        sniff,
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
    #[error("a number above 0 and up to {max} is wanted", max = SCALE_MAX)]
    NoScale,
    #[error(transparent)]
    NoCount(#[from] std::num::ParseIntError),
    #[error("more than {max}", max = THREAD_COUNT_MAX)]
    TooManyThreads,
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
    use engine::csv::spec::{ColumnType, OnError};

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
    fn files_are_declared() {
        for (text, expected) in
            [("tab", "\t"), ("\\t", "\t"), ("\t", "\t"), (";", ";"), ("-", "-"), (", ", ", ")]
        {
            let declared = arguments(&["--delimiter", text]).unwrap().declared;
            assert_eq!(declared.delimiter.as_deref(), Some(expected.as_bytes()), "{text}");
        }
        for text in ["", "\n"] {
            assert!(arguments(&["--delimiter", text]).is_err(), "{text:?}");
        }
        let declared =
            arguments(&["--no-header", "--types", "a=text", "--on-error", "skip"]).unwrap().declared;
        assert_eq!(declared.header, Some(false));
        assert_eq!(declared.types, [("a".to_owned(), ColumnType::Text)]);
        assert_eq!(declared.on_error, Some(OnError::Skip));
        assert!(arguments(&["--on-error", "ignore"]).is_err());
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
