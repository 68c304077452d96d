//! Backslash commands: a line in, a [`Command`] or a complaint out.
//!
//! The table below is all there is to know about them: `\?` prints it, completion and hints look into it, and the
//! function that makes a [`Command`] of the arguments stands in it too.

use std::time::Duration;

use super::arguments::{ArgumentError, Arguments, on_off};
use crate::error::Error;
use crate::nearest::nearest;

/// What an argument can be, for completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    None,
    Table,
    Function,
    File,
    /// A query or a table, then TO, then a file.
    Copy,
    OnOff,
    /// A printing option, then its value.
    Option,
    Backend,
    Command,
    Variable,
    Text,
}

/// One line of `\?`.
pub struct Entry {
    /// With other names of the same command behind it.
    pub names: &'static [&'static str],
    /// As it is shown behind the name.
    pub arguments: &'static str,
    pub argument: Argument,
    pub help: &'static str,
    parse: Parse,
}

/// What is behind the name in, the command out.
type Parse = fn(Arguments<'_>) -> Result<Command, ArgumentError>;

/// A group of commands, under its title.
pub type Section = (&'static str, &'static [Entry]);

const fn entry(
    names: &'static [&'static str],
    arguments: &'static str,
    argument: Argument,
    help: &'static str,
    parse: Parse,
) -> Entry {
    Entry { names, arguments, argument, help, parse }
}

/// All commands.
pub const SECTIONS: [Section; 5] = [
    (
        "What ran where",
        &[
            entry(
                &["explain"],
                "",
                Argument::None,
                "the last query: what ran in the kernel, what did not and why",
                |rest| rest.none(Command::Explain),
            ),
            entry(
                &["program"],
                "",
                Argument::None,
                "the last query's program, instruction by instruction",
                |rest| rest.none(Command::Program),
            ),
            entry(
                &["backend"],
                "[auto|hook|stock|interpret]",
                Argument::Backend,
                "show or choose where programs run",
                |rest| Ok(Command::Backend(rest.one()?)),
            ),
            entry(
                &["timing"],
                "[on|off]",
                Argument::OnOff,
                "the line under each result: rows, time, what the kernel did",
                |rest| Ok(Command::Timing(on_off(rest.one()?.as_deref())?)),
            ),
        ],
    ),
    (
        "Tables",
        &[
            entry(
                &["d"],
                "[TABLE]",
                Argument::Table,
                "columns, types and first values of a table; without one: all tables",
                |rest| Ok(Command::Describe(rest.one()?)),
            ),
            entry(&["dt"], "", Argument::None, "all tables with their files and sizes", |rest| {
                rest.none(Command::Tables)
            }),
            entry(&["df"], "[NAME]", Argument::Function, "functions whose names contain NAME", |rest| {
                Ok(Command::Functions(rest.one()?))
            }),
            entry(
                &["rejects"],
                "",
                Argument::None,
                "the records that the last query with bad ones left out or mended, and why",
                |rest| rest.none(Command::Rejects),
            ),
            entry(
                &["summary"],
                "TABLE",
                Argument::Table,
                "min, max, nulls and distinct values of each column",
                |rest| Ok(Command::Summary(rest.needed()?)),
            ),
        ],
    ),
    (
        "Queries",
        &[
            entry(
                &["g"],
                "[FILE]",
                Argument::File,
                "run the statement (or the last one again), its result into FILE",
                |rest| Ok(Command::Go { file: rest.path()?, expanded: false }),
            ),
            entry(&["gx", "G"], "", Argument::None, "run it, one line for each field", |rest| {
                rest.none(Command::Go { file: None, expanded: true })
            }),
            entry(
                &["watch"],
                "[SECONDS]",
                Argument::Text,
                "run it again and again until Ctrl-C (default 2 seconds)",
                |rest| Ok(Command::Watch(rest.seconds()?)),
            ),
            entry(
                &["e", "edit"],
                "[FILE]",
                Argument::File,
                "edit the statement (or FILE) in $VISUAL or $EDITOR, then run it",
                |rest| Ok(Command::Edit(rest.path()?)),
            ),
            entry(&["p"], "", Argument::None, "print the statement so far, or the last one", |rest| {
                rest.none(Command::Print)
            }),
            entry(&["r"], "", Argument::None, "throw away the statement so far", |rest| {
                rest.none(Command::Reset)
            }),
            entry(&["i"], "FILE", Argument::File, "run the statements and commands of a file", |rest| {
                Ok(Command::Include(rest.path()?.ok_or(ArgumentError::Missing)?))
            }),
            entry(
                &["copy"],
                "{(QUERY)|TABLE} TO {'FILE'|STDOUT}",
                Argument::Copy,
                "write a result to a .csv, .parquet or .json file",
                |rest| Ok(Command::Copy(rest.statement()?)),
            ),
            entry(
                &["set"],
                "[NAME [VALUE]]",
                Argument::Variable,
                "give :NAME a value, for use in statements",
                |rest| Ok(Command::Set(rest.assignment()?)),
            ),
            entry(&["unset"], "NAME", Argument::Variable, "forget a variable", |rest| {
                Ok(Command::Unset(rest.needed()?))
            }),
        ],
    ),
    (
        "Output",
        &[
            entry(&["x"], "[on|off]", Argument::OnOff, "one line for each field", |rest| {
                Ok(Command::Expanded(on_off(rest.one()?.as_deref())?))
            }),
            entry(
                &["o"],
                "[FILE]",
                Argument::File,
                "write results to FILE; without one: to the terminal again",
                |rest| Ok(Command::Output(rest.path()?)),
            ),
            entry(
                &["pset"],
                "[NAME [VALUE]]",
                Argument::Option,
                "format, table, null, border, maxrows, maxwidth, pager, expanded, keys",
                |rest| Ok(Command::Option(rest.one_or_two()?)),
            ),
            entry(&["echo"], "[TEXT]", Argument::Text, "print TEXT", |rest| {
                Ok(Command::Echo(rest.echoed()?))
            }),
        ],
    ),
    (
        "Session",
        &[
            entry(&["?", "h", "help"], "[COMMAND]", Argument::Command, "this list", |rest| {
                Ok(Command::Help(rest.one()?.map(|name| name.trim_start_matches('\\').to_owned())))
            }),
            entry(&["cd"], "[FOLDER]", Argument::File, "change the current folder", |rest| {
                Ok(Command::Folder(rest.path()?))
            }),
            entry(&["!"], "[COMMAND]", Argument::Text, "run a command of the shell", |rest| {
                Ok(Command::Shell(rest.text()))
            }),
            entry(&["q", "quit", "exit"], "", Argument::None, "leave; Ctrl-D does too", |rest| {
                rest.none(Command::Quit)
            }),
        ],
    ),
];

/// The entry of a name.
pub fn find(name: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.names.contains(&name))
}

/// All entries.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    SECTIONS.iter().flat_map(|(_, entries)| entries.iter())
}

/// A command that was understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Explain,
    Program,
    Backend(Option<String>),
    Timing(Option<bool>),
    Describe(Option<String>),
    Tables,
    Rejects,
    Functions(Option<String>),
    Summary(String),
    /// Runs the statement in front of it, or the last one.
    Go {
        file: Option<String>,
        expanded: bool,
    },
    Watch(Duration),
    Edit(Option<String>),
    Print,
    Reset,
    Include(String),
    Copy(String),
    Set(Option<(String, Option<String>)>),
    Unset(String),
    Expanded(Option<bool>),
    Output(Option<String>),
    Option(Option<(String, Option<String>)>),
    Echo(String),
    Help(Option<String>),
    Folder(Option<String>),
    Shell(Option<String>),
    Quit,
}

/// Why a line is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("there is no command \\{name}{}; \\? lists them", nearest.as_ref().map(|near| format!(", did you mean \\{near}?")).unwrap_or_default())]
    Unknown { name: String, nearest: Option<String> },
    #[error("\\{name}{}{arguments}: {source}", if arguments.is_empty() { "" } else { " " })]
    Usage { name: &'static str, arguments: &'static str, source: ArgumentError },
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Error {
        Error::other(error)
    }
}

/// No command has so long a name.
const NAME_SHOWN_MAX: usize = 40;

/// The entry of a name; without one, the command that is meant.
pub fn named(name: &str) -> Result<&'static Entry, CommandError> {
    find(name).ok_or_else(|| {
        let name: String = name.chars().take(NAME_SHOWN_MAX).collect();
        CommandError::Unknown { nearest: meant(&name), name }
    })
}

/// Reads a line that begins with a backslash.
pub fn parse(line: &str) -> Result<Command, CommandError> {
    let line = line.strip_prefix('\\').unwrap_or(line).trim();
    // `\!ls` needs no space.
    let name_bytes = match line.strip_prefix('!') {
        Some(_) => 1,
        None => line.find(char::is_whitespace).unwrap_or(line.len()),
    };
    let (name, rest) = line.split_at(name_bytes);
    let entry = named(name)?;
    (entry.parse)(Arguments::of(rest)).map_err(|source| CommandError::Usage {
        name: entry.names[0],
        arguments: entry.arguments,
        source,
    })
}

/// The command that a wrong name is most like.
fn meant(name: &str) -> Option<String> {
    let names = entries().flat_map(|entry| entry.names.iter().copied()).filter(|known| known.len() > 2);
    nearest(name, names).first().map(|near| (*near).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Command) {
        assert_eq!(parse(line), Ok(expected), "{line}");
    }

    #[test]
    fn commands_are_read() {
        check("\\q", Command::Quit);
        check("\\d", Command::Describe(None));
        check("\\d trips", Command::Describe(Some("trips".into())));
        check("\\d trips;", Command::Describe(Some("trips".into())));
        check("\\d 'a b'", Command::Describe(Some("a b".into())));
        check("\\i \"it's.sql\"", Command::Include("it's.sql".into()));
        let home = dirs::home_dir().unwrap().display().to_string();
        check("\\i ~/a.sql", Command::Include(format!("{home}/a.sql")));
        check("\\cd ~", Command::Folder(Some(home)));
        check("\\cd ~a", Command::Folder(Some("~a".into())));
        check("\\G", Command::Go { file: None, expanded: true });
        check("\\g out.csv", Command::Go { file: Some("out.csv".into()), expanded: false });
        check("\\watch", Command::Watch(Duration::from_secs(2)));
        check("\\watch 0.5", Command::Watch(Duration::from_millis(500)));
        check("\\x", Command::Expanded(None));
        check("\\timing OFF", Command::Timing(Some(false)));
        check("\\pset null ''", Command::Option(Some(("null".into(), Some(String::new())))));
        check("\\set a 'x y' z", Command::Set(Some(("a".into(), Some("x yz".into())))));
        check("\\echo  a  'b  c'", Command::Echo("a b  c".into()));
        check("\\!ls -l 'a b'", Command::Shell(Some("ls -l 'a b'".into())));
        check("\\copy (SELECT 'a b') TO 'x.csv';", Command::Copy("(SELECT 'a b') TO 'x.csv'".into()));
        check("\\? \\copy", Command::Help(Some("copy".into())));
    }

    #[test]
    fn complaints() {
        for (line, complaint) in [
            ("\\foo", "there is no command \\foo; \\? lists them"),
            ("\\sumary t", "there is no command \\sumary, did you mean \\summary?; \\? lists them"),
            ("\\i", "\\i FILE: an argument is missing"),
            ("\\dt x", "\\dt: 'x' is too much"),
            ("\\d 'x", "\\d [TABLE]: a quote is not closed"),
            ("\\x maybe", "\\x [on|off]: on or off is wanted, not 'maybe'"),
            ("\\watch -1", "\\watch [SECONDS]: a number of seconds up to 86400 is wanted, not '-1'"),
            ("\\watch nan", "\\watch [SECONDS]: a number of seconds up to 86400 is wanted, not 'nan'"),
            ("\\watch 1e300", "\\watch [SECONDS]: a number of seconds up to 86400 is wanted, not '1e300'"),
            ("\\copy", "\\copy {(QUERY)|TABLE} TO {'FILE'|STDOUT}: what to copy is missing"),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), complaint, "{line}");
        }
    }

    #[test]
    fn each_entry_is_a_command() {
        for entry in entries() {
            for name in entry.names {
                // With too little or too much it complains, but never that it does not know the name.
                let answer = parse(&format!("\\{name}"));
                assert!(!matches!(answer, Err(CommandError::Unknown { .. })), "\\{name}");
            }
            if !matches!(entry.names[0], "q") {
                assert_ne!(
                    parse(&format!("\\{} on", entry.names[0])).ok(),
                    Some(Command::Quit),
                    "{}",
                    entry.names[0]
                );
            }
        }
    }
}
