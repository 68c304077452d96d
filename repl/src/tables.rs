//! PATHs of the command line in, tables out. One PATH is one table: a file, the files of one kind directly in a
//! folder, or the files that a pattern matches. Nothing is registered before all names are known to differ.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::common::TableReference;
use engine::csv::sniff::{Overrides, Sniffed};
use engine::format::with_path_options;
use engine::session::{CsvTable, Session};

use crate::diagnose::Report;
use crate::error::Error;
use crate::paths::{file_name, kind_of, stem};

/// Stands for standard input among the paths.
pub const STDIN: &str = "-";

/// A table still to be registered.
pub struct Table {
    /// The file stem as it is, for `"quoted"` use in SQL when it is no plain identifier.
    name: String,
    /// What the user wrote, for messages.
    written: String,
    /// Absolute, with the wildcards that DataFusion is to expand.
    path: String,
    /// Files of the folder that do not end so are not part of the table.
    file_extension: String,
    declared: Overrides,
}

/// Looks at every path and gives the tables they stand for.
pub fn from_paths(paths: &[String], declared: &Overrides) -> Result<Vec<Table>, Error> {
    let mut tables: Vec<Table> = Vec::new();
    for path in paths {
        let (path, declared) = with_path_options(path, declared)?;
        let table = from_path(path, &declared)?;
        if let Some(twin) = tables.iter().find(|other| other.key() == table.key()) {
            return Err(Error::DuplicateTable {
                name: table.name,
                one: twin.written.clone(),
                other: table.written,
            });
        }
        tables.push(table);
    }
    Ok(tables)
}

/// The table of a file that this program wrote itself: plain CSV, whatever the command line says about other files.
pub fn from_own_file(name: &str, file: &Path) -> Table {
    Table {
        name: name.into(),
        written: file.display().to_string(),
        path: literal(&file.to_string_lossy()),
        file_extension: String::new(),
        declared: Overrides::default(),
    }
}

fn from_path(written: &str, declared: &Overrides) -> Result<Table, Error> {
    let path = if written == STDIN { Path::new("/dev/stdin") } else { Path::new(written) };
    let unreadable = |source| Error::PathUnreadable { path: written.into(), source };
    // Absolute, since DataFusion takes "a:b.csv" for a URL.
    let absolute = std::path::absolute(path).map_err(unreadable)?.to_string_lossy().into_owned();
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => {
            // The real name also of ".", and of a link.
            let folder = path.canonicalize().map_err(unreadable)?;
            let kind = kind_of_folder(written, path)?;
            let files = format!("{}/", literal(absolute.trim_end_matches('/')));
            table(written, file_name(&folder), files, kind, declared)
        }
        Ok(metadata) if !metadata.is_file() => {
            let mut table = table(written, pipe_name(path), absolute, String::new(), declared)?;
            table.file_extension.clear();
            Ok(table)
        }
        // Before the wildcards: a file that is called "a[1].csv" is that file.
        Ok(_) => {
            std::fs::File::open(path).map_err(unreadable)?;
            let name = file_name(path);
            let kind = kind_of(&name).unwrap_or_default();
            let stem = stem(&name, &kind).to_string();
            // The ending only filters what is found in a folder.
            let mut table = table(written, stem, literal(&absolute), kind, declared)?;
            table.file_extension.clear();
            Ok(table)
        }
        Err(_) if written.contains(['*', '?', '[']) => from_pattern(written, absolute, declared),
        Err(source) => Err(unreadable(source)),
    }
}

/// `stdin`, or `pipe` for one of those that a shell makes of `<(...)` and numbers.
fn pipe_name(path: &Path) -> String {
    match file_name(path) {
        name if name.starts_with(|first: char| first.is_ascii_digit()) => "pipe".to_owned(),
        name => stem(&name, &kind_of(&name).unwrap_or_default()).to_owned(),
    }
}

fn from_pattern(written: &str, absolute: String, declared: &Overrides) -> Result<Table, Error> {
    let pattern = Path::new(&absolute);
    let folder = pattern.parent().unwrap_or(Path::new("/"));
    if folder.to_string_lossy().contains(['*', '?', '[']) {
        return Err(Error::WildcardInFolder { pattern: written.into() });
    }
    let matches = glob::glob(&absolute)
        .map_err(|source| Error::BadPattern { pattern: written.into(), source })?
        .filter_map(Result::ok)
        .filter(|path| path.is_file());
    let kind = common_kind(written, matches, |path| Some(kind_of(&file_name(path)).unwrap_or_default()))?
        .ok_or_else(|| Error::NoMatch { pattern: written.into() })?;
    // The table is named after what stays of the pattern without its wildcards: "trips" for 'trips-*.csv', and the
    // folder for '*.csv'.
    let rest: String = stem(&file_name(pattern), &kind)
        .split(['*', '?', '[', ']'])
        .next()
        .unwrap_or_default()
        .trim_end_matches(['-', '_', '.', ' '])
        .into();
    let name = if rest.is_empty() { file_name(folder) } else { rest };
    let mut table = table(written, name, absolute, kind, declared)?;
    table.file_extension.clear();
    Ok(table)
}

fn table(
    written: &str,
    name: String,
    path: String,
    kind: String,
    declared: &Overrides,
) -> Result<Table, Error> {
    if name.is_empty() {
        return Err(Error::NoTableName { path: written.into() });
    }
    Ok(Table { name, written: written.into(), path, file_extension: kind, declared: declared.clone() })
}

/// The one kind of CSV files directly in a folder.
fn kind_of_folder(written: &str, path: &Path) -> Result<String, Error> {
    let unreadable = |source| Error::PathUnreadable { path: written.into(), source };
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(unreadable)? {
        files.push(entry.map_err(unreadable)?.path());
    }
    files.sort();
    let written = written.trim_end_matches('/');
    common_kind(written, files.into_iter().filter(|path| path.is_file()), |path| kind_of(&file_name(path)))?
        .ok_or_else(|| Error::NoCsvFile { path: written.into() })
}

/// The kind that all files have for which `kind` gives one: a table has one dialect and one compression.
fn common_kind(
    written: &str,
    files: impl Iterator<Item = PathBuf>,
    kind: impl Fn(&Path) -> Option<String>,
) -> Result<Option<String>, Error> {
    let mut common: Option<String> = None;
    for kind in files.filter_map(|path| kind(&path)) {
        match &common {
            Some(one) if *one != kind => {
                return Err(Error::MixedFiles { path: written.into(), one: one.clone(), other: kind });
            }
            _ => common = Some(kind),
        }
    }
    Ok(common)
}

/// Keeps DataFusion from taking a wildcard in the name of an existing file for a pattern: in a URL there are none.
fn literal(absolute: &str) -> String {
    if !absolute.contains(['*', '?', '[']) {
        return absolute.into();
    }
    let mut url = String::from("file://");
    for byte in absolute.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                url.push(byte.into())
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

impl Table {
    /// Two tables with the same key cannot be told apart in SQL without quotes.
    fn key(&self) -> String {
        self.name.to_lowercase()
    }

    /// Makes the table known to the session. What is not declared of its files is guessed from their bytes, and returned.
    pub async fn register(&self, session: &Session) -> Result<Option<Arc<Sniffed>>, Error> {
        let table = CsvTable {
            declared: self.declared.clone(),
            schema: None,
            file_extension: self.file_extension.trim_start_matches('.').to_owned(),
        };
        // Bare: as text, a name with a point or a capital letter in it would be taken apart or folded.
        let name = TableReference::bare(self.name.as_str());
        let failed = |error| Error::Statement(Box::new(Report::without_statement(&error)));
        let mut sniffed = None;
        if !session.register_other(name.clone(), &self.path).await.map_err(failed)? {
            sniffed = session.register_csv(name, &self.path, table).await.map_err(failed)?;
        }
        let context = session.context();
        // SQL folds plain names to lower case: without a second name, FROM Trips would not find Trips.csv.
        let folded = self.name.to_ascii_lowercase();
        if folded != self.name && is_plain_identifier(&self.name) {
            let provider = context.table_provider(TableReference::bare(self.name.as_str())).await?;
            context.register_table(TableReference::bare(folded), provider)?;
        }
        Ok(sniffed)
    }

    /// As the user wrote it.
    pub fn written(&self) -> &str {
        &self.written
    }
}

fn is_plain_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_real_names_are_literal() {
        assert_eq!(literal("/a b/c.csv"), "/a b/c.csv");
        assert_eq!(literal("/a b/c[1]*.csv"), "file:///a%20b/c%5B1%5D%2A.csv");
    }
}
