//! Backslash commands: a line in, a [`Command`] or a complaint out. The table below is also what `\?` prints and what
//! completion and hints know.

use std::time::Duration;

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
}

/// A group of commands, under its title.
pub type Section = (&'static str, &'static [Entry]);

const fn entry(
    names: &'static [&'static str],
    arguments: &'static str,
    argument: Argument,
    help: &'static str,
) -> Entry {
    Entry { names, arguments, argument, help }
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
            ),
            entry(&["program"], "", Argument::None, "the last query's program, instruction by instruction"),
            entry(
                &["backend"],
                "[auto|hook|stock|interpret]",
                Argument::Backend,
                "show or choose where programs run",
            ),
            entry(
                &["timing"],
                "[on|off]",
                Argument::OnOff,
                "the line under each result: rows, time, what the kernel did",
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
            ),
            entry(&["dt"], "", Argument::None, "all tables with their files and sizes"),
            entry(&["df"], "[NAME]", Argument::Function, "functions whose names contain NAME"),
            entry(
                &["summary"],
                "TABLE",
                Argument::Table,
                "min, max, nulls and distinct values of each column",
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
            ),
            entry(&["gx", "G"], "", Argument::None, "run it, one line for each field"),
            entry(
                &["watch"],
                "[SECONDS]",
                Argument::Text,
                "run it again and again until Ctrl-C (default 2 seconds)",
            ),
            entry(
                &["e", "edit"],
                "[FILE]",
                Argument::File,
                "edit the statement (or FILE) in $VISUAL or $EDITOR, then run it",
            ),
            entry(&["p"], "", Argument::None, "print the statement so far, or the last one"),
            entry(&["r"], "", Argument::None, "throw away the statement so far"),
            entry(&["i"], "FILE", Argument::File, "run the statements and commands of a file"),
            entry(
                &["copy"],
                "{(QUERY)|TABLE} TO 'FILE'",
                Argument::Copy,
                "write a result to a .csv, .parquet or .json file",
            ),
            entry(
                &["set"],
                "[NAME [VALUE]]",
                Argument::Variable,
                "give :NAME a value, for use in statements",
            ),
            entry(&["unset"], "NAME", Argument::Variable, "forget a variable"),
        ],
    ),
    (
        "Output",
        &[
            entry(&["x"], "[on|off]", Argument::OnOff, "one line for each field"),
            entry(
                &["o"],
                "[FILE]",
                Argument::File,
                "write results to FILE; without one: to the terminal again",
            ),
            entry(
                &["pset"],
                "[NAME [VALUE]]",
                Argument::Option,
                "format, table, null, border, maxrows, maxwidth, pager, expanded, keys",
            ),
            entry(&["echo"], "[TEXT]", Argument::Text, "print TEXT"),
        ],
    ),
    (
        "Session",
        &[
            entry(&["?", "h", "help"], "[COMMAND]", Argument::Command, "this list"),
            entry(&["cd"], "[FOLDER]", Argument::File, "change the current folder"),
            entry(&["!"], "[COMMAND]", Argument::Text, "run a command of the shell"),
            entry(&["q", "quit", "exit"], "", Argument::None, "leave; Ctrl-D does too"),
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
    #[error("\\{name}{}{arguments}: {what}", if arguments.is_empty() { "" } else { " " })]
    Usage { name: &'static str, arguments: &'static str, what: String },
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
    let rest = rest.trim();
    let entry = named(name)?;
    let usage = |what: String| CommandError::Usage { name: entry.names[0], arguments: entry.arguments, what };
    // These take the rest of the line as it stands.
    let text = || (!rest.is_empty()).then(|| rest.to_owned());
    match entry.names[0] {
        "copy" if rest.is_empty() => return Err(usage("what to copy is missing".to_owned())),
        "copy" => return Ok(Command::Copy(rest.trim_end_matches(';').to_owned())),
        "!" => return Ok(Command::Shell(text())),
        "echo" => {
            let words = words(rest).map_err(usage)?;
            return Ok(Command::Echo(words.join(" ")));
        }
        _ => {}
    }
    let arguments = words(rest.trim_end_matches(';')).map_err(usage)?;
    let arguments_max = match entry.argument {
        Argument::None => 0,
        Argument::Option => 2,
        _ if entry.names[0] == "set" => usize::MAX,
        _ => 1,
    };
    if arguments.len() > arguments_max {
        return Err(usage(format!("'{}' is too much", arguments[arguments_max])));
    }
    let mut arguments = arguments.into_iter();
    let first = arguments.next().map(|first| match entry.argument {
        Argument::File => with_home(&first),
        _ => first,
    });
    let needed = || first.clone().ok_or_else(|| usage("an argument is missing".to_owned()));
    Ok(match entry.names[0] {
        "explain" => Command::Explain,
        "program" => Command::Program,
        "backend" => Command::Backend(first),
        "timing" => Command::Timing(on_off(first.as_deref()).map_err(usage)?),
        "d" => Command::Describe(first),
        "dt" => Command::Tables,
        "df" => Command::Functions(first),
        "summary" => Command::Summary(needed()?),
        "g" => Command::Go { file: first, expanded: false },
        "gx" => Command::Go { file: None, expanded: true },
        "watch" => Command::Watch(seconds(first.as_deref()).map_err(usage)?),
        "e" => Command::Edit(first),
        "p" => Command::Print,
        "r" => Command::Reset,
        "i" => Command::Include(needed()?),
        "set" => Command::Set(first.map(|name| {
            let values: Vec<String> = arguments.collect();
            (name, (!values.is_empty()).then(|| values.concat()))
        })),
        "unset" => Command::Unset(needed()?),
        "x" => Command::Expanded(on_off(first.as_deref()).map_err(usage)?),
        "o" => Command::Output(first),
        "pset" => Command::Option(first.map(|name| (name, arguments.next()))),
        "?" => Command::Help(first.map(|name| name.trim_start_matches('\\').to_owned())),
        "cd" => Command::Folder(first),
        "q" => Command::Quit,
        other => unreachable!("\\{other} is in the table, but is no command"),
    })
}

/// The command that a wrong name is most like.
fn meant(name: &str) -> Option<String> {
    let names = entries().flat_map(|entry| entry.names.iter().copied()).filter(|known| known.len() > 2);
    nearest(name, names).first().map(|near| (*near).to_owned())
}

/// Words as a shell has them: with quotes, so that a file's name can hold spaces.
fn words(text: &str) -> Result<Vec<String>, String> {
    shell_words::split(text).map_err(|_| "a quote is not closed".to_owned())
}

/// A path that may begin with `~`, as a shell understands it.
pub fn with_home(path: &str) -> String {
    let below = path.strip_prefix('~').filter(|below| below.is_empty() || below.starts_with('/'));
    match (below, dirs::home_dir()) {
        (Some(below), Some(home)) => format!("{}{below}", home.display()),
        _ => path.to_owned(),
    }
}

/// `on`, `off`, or nothing for the other of the two.
pub fn on_off(word: Option<&str>) -> Result<Option<bool>, String> {
    match word.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("on" | "true" | "1" | "yes") => Ok(Some(true)),
        Some("off" | "false" | "0" | "no") => Ok(Some(false)),
        Some(other) => Err(format!("on or off is wanted, not '{other}'")),
    }
}

/// A day is longer than anybody watches, and fits every clock.
const WATCH_SECONDS_MAX: f64 = 86_400.0;

fn seconds(word: Option<&str>) -> Result<Duration, String> {
    let Some(word) = word else { return Ok(Duration::from_secs(2)) };
    match word.parse::<f64>() {
        Ok(seconds) if (0.0..=WATCH_SECONDS_MAX).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("a number of seconds up to {WATCH_SECONDS_MAX} is wanted, not '{word}'")),
    }
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
            ("\\copy", "\\copy {(QUERY)|TABLE} TO 'FILE': what to copy is missing"),
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
