//! What each backslash command does.

use std::path::Path;
use std::process::Command as Process;
use std::time::Duration;

use datafusion::common::TableReference;
use engine::options::WeirOptions;
use engine::session::guess_of;

use super::commands::{self, Command, SECTIONS};
use super::copy::{Copy, check_target, copy_statement};
use super::describe::{self, SummaryQueries};
use super::options::PrintOption;
use super::output::{OutputFile, table_of_file};
use super::pager::Pager;
use super::query::collect;
use super::staged::Staged;
use super::state::{Last, Once, Shell, Sink};
use super::{functions, options, proof, rejects};
use crate::error::Error;
use crate::report;
use crate::signals::{ForeignProgram, Interrupts, cancellable};
use crate::sql;
use crate::sql::variables::substitute;

/// What goes on behind a command.
pub enum Then {
    Next,
    Quit,
    /// The file of this name is to be run.
    Include(String),
    /// This is to be run, which comes from an editor; and the name of its file, if it has one.
    Text {
        text: String,
        script: Option<String>,
    },
}

impl Shell {
    /// Carries out a command.
    pub async fn run_command(&mut self, command: Command) -> Result<Then, Error> {
        match command {
            Command::Quit => return Ok(Then::Quit),
            Command::Explain => self.show_text(&proof::explain(self.last()?)?)?,
            Command::Program => self.show_text(&proof::program(self.last()?)?)?,
            Command::Backend(choice) => self.backend(choice).await?,
            Command::Timing(on) => {
                self.settings.timing = on.unwrap_or(!self.settings.timing);
                self.say(&format!("timing is {}\n", if self.settings.timing { "on" } else { "off" }))?;
            }
            Command::Describe(Some(table)) => {
                let context = self.session.context().clone();
                let table = table_reference(&table);
                let columns = cancellable(describe::columns(&context, &table)).await??;
                if let Some(sniffed) = guess_of(context.table_provider(table.clone()).await?.as_ref()) {
                    self.show_text(&format!("{}\n", sniffed.line(table.table())))?;
                }
                self.show(columns).await?;
            }
            Command::Describe(None) | Command::Tables => {
                let context = self.session.context();
                let tables = cancellable(describe::tables(context)).await??;
                self.show(tables).await?;
            }
            Command::Rejects => self.rejects().await?,
            Command::Functions(part) => self.functions(part.as_deref()).await?,
            Command::Summary(table) => self.summarize(&table).await?,
            Command::Go { file, expanded } => self.go(file, expanded).await?,
            Command::Watch(period) => self.watch(period).await?,
            Command::Edit(file) => return self.edit(file),
            Command::Print => self.say(&format!("{}\n", self.current()?.trim_end()))?,
            Command::Reset => self.pending.clear(),
            Command::Include(path) => return Ok(Then::Include(path)),
            Command::Copy(text) => {
                let Copy { sql, file: path } = copy_statement(&text)?;
                if let Some(path) = path {
                    check_target(&path)?;
                }
                self.run_statements(&sql, None, Once::default()).await?;
            }
            Command::Set(None) => {
                let list: String =
                    self.variables.iter().map(|(name, value)| format!("{name} = '{value}'\n")).collect();
                self.say(&list)?;
            }
            Command::Set(Some((name, value))) => {
                self.variables.insert(name, value.unwrap_or_default());
            }
            Command::Unset(name) => _ = self.variables.remove(&name),
            Command::Expanded(on) => {
                let expanded = &mut self.settings.style.expanded;
                *expanded = on.unwrap_or(!*expanded);
                let now = if *expanded { "on" } else { "off" };
                self.say(&format!("expanded is {now}\n"))?;
            }
            Command::Output(file) => self.sink = self.sink_of(file).await?,
            Command::Option(option) => self.option(option)?,
            Command::Echo(text) => self.say(&format!("{}\n", substitute(&text, &self.variables)))?,
            Command::Help(name) => self.say(&help(name.as_deref())?)?,
            Command::Folder(folder) => change_folder(folder)?,
            Command::Shell(command) => run_shell(command)?,
        }
        Ok(Then::Next)
    }

    fn last(&self) -> Result<&Last, Error> {
        self.last.as_ref().ok_or(Error::NothingRan)
    }

    /// The statement in front of a command, or the last one.
    fn current(&self) -> Result<String, Error> {
        match self.pending.trim() {
            "" => Ok(self.last()?.sql.clone()),
            pending => Ok(pending.to_owned()),
        }
    }

    /// Where results go from now on.
    async fn sink_of(&self, file: Option<String>) -> Result<Sink, Error> {
        let Some(path) = file else { return Ok(Sink::Terminal) };
        if let Some(table) = table_of_file(self.session.context(), Path::new(&path)).await? {
            return Err(Error::FileOfTable { path, table });
        }
        let output = OutputFile::open(Path::new(&path));
        output.map(Sink::File).map_err(|source| Error::FileUnwritable { path, source })
    }

    async fn backend(&mut self, choice: Option<String>) -> Result<(), Error> {
        if let Some(choice) = choice {
            let set = format!("SET weir.backend = {}", sql::string(&choice));
            collect(self.session.context(), &set).await?;
        }
        let config = self.session.context().copied_config();
        let options = config.options().extensions.get::<WeirOptions>().cloned().unwrap_or_default();
        self.say(&proof::backends(&options))
    }

    async fn rejects(&mut self) -> Result<(), Error> {
        if !self.session.context().table_exist(rejects::TABLE)? {
            return self.say("no query has left out or mended a record\n");
        }
        let sql = format!("SELECT * FROM {}", rejects::TABLE);
        let rejected = collect(self.session.context(), &sql).await?;
        self.show(rejected.batch).await
    }

    async fn functions(&self, part: Option<&str>) -> Result<(), Error> {
        let part = part.unwrap_or_default().to_lowercase();
        let mut functions = functions::functions(self.session.context());
        functions.retain(|function| function.name.contains(&part));
        self.show(describe::functions(&functions)?).await
    }

    async fn summarize(&mut self, table: &str) -> Result<(), Error> {
        let context = self.session.context().clone();
        let table = table_reference(table);
        let schema = cancellable(context.table_provider(table.clone())).await??.schema();
        if schema.fields().is_empty() {
            return Err(Error::NoColumns { table });
        }
        let queries = SummaryQueries::of(&table, &schema);
        let pushed = collect(&context, &queries.pushed).await?;
        self.last = Some(Last { sql: queries.pushed, plan: Some(pushed.plan) });
        let rest = collect(&context, &queries.rest).await?;
        self.show(SummaryQueries::merge(&schema, &pushed.batch, &rest.batch)?).await
    }

    async fn go(&mut self, file: Option<String>, expanded: bool) -> Result<(), Error> {
        let sql = self.current()?;
        self.pending.clear();
        let Some(file) = file else { return self.run_statements(&sql, None, Once { expanded }).await };
        let unwritable = |source| Error::FileUnwritable { path: file.clone(), source };
        let staged = Staged::of(&file).map_err(unwritable)?;
        let path = staged.as_ref().map_or(file.clone(), |staged| staged.beside().display().to_string());
        let written = OutputFile::open(Path::new(&path)).map_err(unwritable)?;
        let before = std::mem::replace(&mut self.sink, Sink::File(written.named(&file)));
        let result = self.run_statements(&sql, None, Once { expanded }).await;
        self.sink = before;
        result?;
        staged.map_or(Ok(()), Staged::commit).map_err(unwritable)
    }

    /// Until Ctrl-C, which ends it without a failure.
    async fn watch(&mut self, period: Duration) -> Result<(), Error> {
        let sql = self.current()?;
        self.pending.clear();
        let pager = std::mem::replace(&mut self.settings.pager, Pager::Off);
        let result = self.watch_statement(&sql, period).await;
        self.settings.pager = pager;
        result
    }

    async fn watch_statement(&mut self, sql: &str, period: Duration) -> Result<(), Error> {
        // It remembers a Ctrl-C that comes when neither a statement runs nor the pause.
        let interrupts = Interrupts::so_far();
        loop {
            if interrupts.check().is_err() {
                return Ok(());
            }
            self.say(&format!("every {} s, Ctrl-C ends it\n", period.as_secs_f64()))?;
            match self.run_statements(sql, None, Once::default()).await {
                Err(Error::Cancelled(_)) => return Ok(()),
                result => result?,
            }
            if cancellable(tokio::time::sleep(period)).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Opens the editor on a statement, or on a file. What comes back is to be run as far as it is finished.
    fn edit(&mut self, file: Option<String>) -> Result<Then, Error> {
        let text = match &file {
            Some(path) => {
                run_editor(Path::new(path))?;
                read_text(path)?
            }
            None => {
                let statement = self.current().unwrap_or_default();
                let unwritable =
                    |source| Error::FileUnwritable { path: "a temporary file".to_owned(), source };
                let temporary = tempfile::Builder::new().suffix(".sql").tempfile().map_err(unwritable)?;
                std::fs::write(temporary.path(), format!("{}\n", statement.trim_end()))
                    .map_err(unwritable)?;
                run_editor(temporary.path())?;
                read_text(&temporary.path().display().to_string())?
            }
        };
        self.pending.clear();
        self.say(&format!("{}\n", text.trim_end()))?;
        Ok(Then::Text { text: text.trim_end().to_owned(), script: file })
    }

    fn option(&mut self, option: Option<(String, Option<String>)>) -> Result<(), Error> {
        let options = match option {
            Some((name, value)) => {
                let option = name.parse::<PrintOption>()?;
                options::set(&mut self.settings, option, value.as_deref())?;
                vec![option]
            }
            None => PrintOption::ALL.to_vec(),
        };
        let mut list = String::new();
        for option in options {
            let value = options::get(&self.settings, option);
            list.push_str(&format!("{:<10}{value}\n", option.name()));
        }
        self.say(&list)
    }
}

/// A table as it is typed behind a command: a name, or a file in quotes or not.
fn table_reference(typed: &str) -> TableReference {
    if typed.contains('/') || Path::new(typed).is_file() {
        return TableReference::bare(typed);
    }
    TableReference::parse_str(typed)
}

/// The text of a file of statements.
pub fn read_text(path: &str) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::ScriptUnreadable { path: path.to_owned(), source })
}

fn help(name: Option<&str>) -> Result<String, Error> {
    let line = |entry: &commands::Entry| {
        let names: Vec<String> = entry.names.iter().map(|name| format!("\\{name}")).collect();
        let call = format!("{} {}", names.join(", "), entry.arguments);
        format!("  {call:<40} {}\n", entry.help)
    };
    if let Some(name) = name {
        return Ok(line(commands::named(name)?));
    }
    let mut text = String::new();
    for (title, entries) in SECTIONS {
        text.push_str(&format!("{title}\n"));
        text.extend(entries.iter().map(line));
        text.push('\n');
    }
    text.push_str(
        "A statement ends with ; and may take several lines. Tab completes, Ctrl-R searches the history,\n",
    );
    text.push_str("arrow up on a further line edits the whole statement, Ctrl-C cancels, Ctrl-D leaves.\n");
    Ok(text)
}

fn change_folder(folder: Option<String>) -> Result<(), Error> {
    let folder = match folder {
        Some(folder) => folder.into(),
        None => dirs::home_dir().ok_or(Error::NoHomeFolder)?,
    };
    std::env::set_current_dir(&folder)
        .map_err(|source| Error::PathUnreadable { path: folder.display().to_string(), source })
}

fn run_shell(command: Option<String>) -> Result<(), Error> {
    let shell = std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned());
    let mut process = Process::new(&shell);
    if let Some(command) = &command {
        process.arg("-c").arg(command);
    }
    let _terminal = ForeignProgram::begin();
    let status = process.status().map_err(|source| Error::Program { program: shell, source })?;
    if !status.success() {
        report::note(&format!("{status}"));
    }
    Ok(())
}

/// `$VISUAL`, else `$EDITOR`, else vi; either may come with arguments.
fn run_editor(file: &Path) -> Result<(), Error> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let words = shell_words::split(&editor).unwrap_or_else(|_| vec![editor.clone()]);
    let (program, arguments) = words.split_first().ok_or(Error::NoEditor)?;
    let _terminal = ForeignProgram::begin();
    let status = Process::new(program)
        .args(arguments)
        .arg(file)
        .status()
        .map_err(|source| Error::Program { program: program.clone(), source })?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::EditorFailed { program: program.clone(), status }),
    }
}
