//! What to do about an error: the place of the wrong name if DataFusion does not tell it, and the names that exist.

use std::collections::BTreeSet;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::sql::sqlparser::parser::ParserError;
use engine::options::InvalidSetting;

use super::place::Source;
use crate::nearest::{did_you_mean, list, nearest, nearest_typed};
use crate::sentence::split_place;
use crate::sql;
use crate::sql::keywords::{KEYWORDS, is_keyword};

/// Files of a folder that are looked at.
const FILES_MAX: usize = 10_000;

/// What other systems call functions that exist here under another name.
const SYNONYMS: [(&str, &str); 8] = [
    ("average", "avg"),
    ("getdate", "now"),
    ("group_concat", "string_agg"),
    ("isnull", "nvl"),
    ("lcase", "lower"),
    ("len", "length"),
    ("listagg", "string_agg"),
    ("ucase", "upper"),
];

// Errors for which DataFusion has a text and no type.

/// There is no such setting.
const NO_SETTING: [&str; 3] =
    ["not found on", "Could not find config namespace", "could not find config namespace"];
/// The same of SHOW.
const NO_VARIABLE: &str = "' is not a variable which can be viewed with 'SHOW'";
/// No form of a function takes the types of its arguments, one of which is text.
const NO_FUNCTION_OF_TEXT: [&str; 2] = ["No function matches", "Utf8"];

/// What a name that does not exist should have been.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Advice {
    pub place: Option<Range<usize>>,
    pub hints: Vec<String>,
    /// Says better what is wrong than DataFusion, which does not know how the name was written.
    pub sentence: Option<String>,
}

/// Of an argument that is text where a number is wanted.
const TEXT_HINT: &str = "An argument is text. If its column should be numbers, weir sniff FILE tells which value is none; \
     declare the type with --types COLUMN=..., or convert it with try_cast(COLUMN AS DOUBLE).";

/// Of decimals with nearly all digits that there are.
const AVERAGE_OVERFLOW: &str = "Arithmetic Overflow in AvgAccumulator";

/// Looks the error up among those that are about names.
pub fn advise(error: &DataFusionError, source: &Source<'_>, state: &SessionState) -> Advice {
    match error.find_root() {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => column(field, valid_fields, source),
            SchemaError::AmbiguousReference { field } => ambiguous(error, field, source),
            _ => Advice::default(),
        },
        DataFusionError::Execution(text) if text == AVERAGE_OVERFLOW => Advice {
            place: source.call("avg"),
            sentence: Some("an average does not fit the type of its column".to_owned()),
            hints: vec!["Compute it in a wider one, as in avg(CAST(... AS DOUBLE)).".to_owned()],
        },
        DataFusionError::Plan(text) | DataFusionError::Execution(text) => {
            let mut advice = name(text, source, state).unwrap_or_else(|| diagnosed(error, text, source));
            if NO_FUNCTION_OF_TEXT.iter().all(|words| text.contains(words)) {
                advice.hints.push(TEXT_HINT.to_owned());
            }
            advice
        }
        DataFusionError::Configuration(text) => setting(text, source, state),
        DataFusionError::External(inner) => match inner.downcast_ref::<InvalidSetting>() {
            Some(invalid) if invalid.is_of_name() => setting_named(source, state),
            Some(invalid) => Advice { place: quoted(&invalid.to_string(), source), ..Advice::default() },
            None => Advice::default(),
        },
        DataFusionError::SQL(error, _) => keyword(error, source),
        DataFusionError::Internal(_) => {
            let hint = "This should not happen. Please report it, with the statement.";
            Advice { hints: vec![hint.to_owned()], ..Advice::default() }
        }
        DataFusionError::ArrowError(arrow, _) if planned(error) => {
            Advice { place: quoted(&arrow.to_string(), source), ..Advice::default() }
        }
        _ => Advice::default(),
    }
}

/// A keyword with a typing error is a name to the parser, which stops at it, or takes it for an alias and stops at the
/// next word.
fn keyword(error: &ParserError, source: &Source<'_>) -> Advice {
    let ParserError::ParserError(text) = error else { return Advice::default() };
    let (_, Some((line, column))) = split_place(text) else { return Advice::default() };
    // Every word of two letters is near to some keyword.
    let words =
        source.words_at(line, column).take_while(|word| !is_keyword(word)).filter(|word| word.len() > 2);
    let near = words.map(|word| nearest_typed(word, KEYWORDS)).find(|near| !near.is_empty());
    let near: Vec<String> = near.unwrap_or_default().into_iter().map(str::to_owned).collect();
    Advice { hints: did_you_mean(&near).into_iter().collect(), ..Advice::default() }
}

/// Whether it comes from planning: then what it quotes is from the statement, and not from a file.
fn planned(error: &DataFusionError) -> bool {
    match error {
        DataFusionError::Context(context, _) => context.starts_with("Optimizer rule "),
        DataFusionError::Diagnostic(_, inner) => planned(inner),
        DataFusionError::Shared(inner) => planned(inner),
        _ => false,
    }
}

fn diagnosed(error: &DataFusionError, text: &str, source: &Source<'_>) -> Advice {
    let helps = error.diagnostic().map(|diagnostic| diagnostic.helps.as_slice()).unwrap_or_default();
    let is_planned = planned(error) || matches!(error.find_root(), DataFusionError::Plan(_));
    Advice {
        place: if is_planned { quoted(text, source) } else { None },
        hints: helps.iter().map(|help| sentence(&help.message)).collect(),
        sentence: None,
    }
}

fn sentence(text: &str) -> String {
    let mut characters = text.trim_end_matches('.').chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}

/// A string literal that the text quotes.
fn quoted(text: &str, source: &Source<'_>) -> Option<Range<usize>> {
    text.split('\'').skip(1).step_by(2).find_map(|quoted| source.literal(|text| text == quoted))
}

fn column(field: &Column, valid: &[Column], source: &Source<'_>) -> Advice {
    let qualifier = field.relation.as_ref().map(|relation| relation.table());
    Advice {
        place: source.name(qualifier, &field.name),
        hints: column_hint(field, valid).into_iter().collect(),
        sentence: None,
    }
}

fn column_hint(field: &Column, valid: &[Column]) -> Option<String> {
    let qualifiers: BTreeSet<&str> =
        valid.iter().filter_map(|column| column.relation.as_ref()).map(|relation| relation.table()).collect();
    let qualifier = field.relation.as_ref().map(|relation| relation.table());
    if let Some(qualifier) = qualifier
        && !qualifiers.contains(qualifier)
    {
        let near: Vec<String> =
            nearest(qualifier, qualifiers.iter().copied()).iter().map(|name| sql::quoted(name)).collect();
        let all: Vec<String> = qualifiers.iter().map(|name| sql::quoted(name)).collect();
        let what = format!("There is no table or alias {} here.", sql::quoted(qualifier));
        let which = did_you_mean(&near).or_else(|| list("There is", &all));
        return Some([what].into_iter().chain(which).collect::<Vec<_>>().join(" "));
    }
    if valid.is_empty() {
        return Some("There are no columns here: is a FROM missing?".to_owned());
    }
    let of_table = |column: &&Column| {
        qualifier.is_none_or(|wanted| column.relation.as_ref().is_some_and(|of| of.table() == wanted))
    };
    let mut names: Vec<&str> = Vec::new();
    for column in valid.iter().filter(of_table) {
        if !names.contains(&column.name.as_str()) {
            names.push(&column.name);
        }
    }
    let case = names.iter().find(|name| name.to_lowercase() == field.name.to_lowercase());
    if let Some(name) = case {
        let fold = if **name == name.to_lowercase() {
            "Names in quotes are taken as they are."
        } else {
            "Names without quotes are folded to lower case."
        };
        return Some(format!("Did you mean {}? {fold}", sql::quoted(name)));
    }
    let near: Vec<String> =
        nearest(&field.name, names.iter().copied()).iter().map(|name| sql::quoted(name)).collect();
    let all: Vec<String> = names.iter().map(|name| sql::identifier(name)).collect();
    did_you_mean(&near).or_else(|| list("Columns", &all))
}

fn ambiguous(error: &DataFusionError, field: &Column, source: &Source<'_>) -> Advice {
    let notes = error.diagnostic().map(|diagnostic| diagnostic.notes.as_slice()).unwrap_or_default();
    let suffix = format!(".{}", field.name);
    let candidates: BTreeSet<String> = notes
        .iter()
        .filter_map(|note| note.message.strip_prefix("possible column "))
        .filter(|name| name.ends_with(&suffix))
        .map(str::to_owned)
        .collect();
    let candidates: Vec<String> = candidates.into_iter().collect();
    let place = source.name(None, &field.name);
    Advice { place, hints: did_you_mean(&candidates).into_iter().collect(), sentence: None }
}

/// Errors about tables, functions and formats come as texts.
fn name(text: &str, source: &Source<'_>, state: &SessionState) -> Option<Advice> {
    let between = |before: &str, behind: &str| {
        let (_, rest) = text.split_once(before)?;
        rest.split_once(behind).map(|(name, _)| name)
    };
    if let Some(path) = between("No files found at file://", ". Cannot infer schema") {
        return Some(location(path, source));
    }
    if let Some(name) = between("table function '", "' not found") {
        return Some(function(name, state.table_functions().keys().map(String::as_str), source));
    }
    if let Some(name) = between("able '", "' not found").or_else(|| between("able '", "' doesn't exist")) {
        return Some(table(name, source, state));
    }
    if let Some(name) = between("able '", "' already exists") {
        return Some(Advice { place: source.name(None, name), ..Advice::default() });
    }
    if text.contains(NO_VARIABLE) {
        return Some(setting_named(source, state));
    }
    if let Some(name) = between("Invalid function '", "'") {
        let names = state
            .scalar_functions()
            .keys()
            .chain(state.aggregate_functions().keys())
            .chain(state.window_functions().keys())
            .chain(state.higher_order_functions().keys());
        return Some(function(name, names.map(String::as_str), source));
    }
    if let Some(call) = between("the given name and argument types '", "'") {
        let name = call.split('(').next().unwrap_or_default();
        return Some(Advice { place: source.call(name), ..Advice::default() });
    }
    if let Some(name) = text.split_once("Unable to find factory for ").map(|(_, name)| name) {
        let formats: BTreeSet<&str> = state.table_factories().keys().map(String::as_str).collect();
        let near: Vec<String> =
            nearest(name, formats.iter().copied()).iter().map(|&name| name.to_owned()).collect();
        let all: Vec<String> = formats.iter().map(|&name| name.to_owned()).collect();
        let hint = did_you_mean(&near).or_else(|| list("Formats", &all));
        let sentence = Some(format!("there is no file format {name}"));
        return Some(Advice {
            place: source.name(None, &name.to_lowercase()),
            hints: hint.into_iter().collect(),
            sentence,
        });
    }
    None
}

fn function<'a>(name: &str, known: impl Iterator<Item = &'a str>, source: &Source<'_>) -> Advice {
    let known: BTreeSet<&str> = known.collect();
    let synonyms = SYNONYMS.iter().filter(|(_, meant)| known.contains(meant)).map(|(synonym, _)| *synonym);
    let near = nearest(name, known.iter().copied().chain(synonyms));
    let place = || source.call(name).or_else(|| source.name(None, name));
    if near == [name] {
        // Of all kinds, only one that there is can be invalid at a place.
        let hint = format!("{name} is a window function: write {name}(...) OVER (...).");
        return Advice { place: place(), hints: vec![hint], sentence: None };
    }
    let meant = near.into_iter().map(|near| {
        let synonym = SYNONYMS.iter().find(|(synonym, _)| *synonym == near && !known.contains(near));
        sql::quoted(synonym.map_or(near, |(_, meant)| meant))
    });
    Advice {
        place: place(),
        hints: did_you_mean(&meant.collect::<Vec<_>>()).into_iter().collect(),
        sentence: None,
    }
}

/// `full` is as DataFusion resolved it: catalog, schema and table, or less.
fn table(full: &str, source: &Source<'_>, state: &SessionState) -> Advice {
    let defaults = &state.config_options().catalog;
    let home = format!("{}.{}.", defaults.default_catalog, defaults.default_schema);
    let name = full.strip_prefix(&home).unwrap_or(full);
    let place =
        source.name(None, name).or_else(|| source.name(None, name.rsplit('.').next().unwrap_or(name)));
    if place.as_ref().is_some_and(|place| source.text[place.clone()].starts_with('\'')) {
        return file(name, place);
    }
    let tables = tables(state);
    let known = tables.iter().map(String::as_str).chain(source.queries());
    let near: Vec<String> = nearest(name, known).iter().map(|name| sql::quoted(name)).collect();
    let mut hints: Vec<String> = did_you_mean(&near).into_iter().collect();
    // `FROM trips.csv` reads as table csv of schema trips.
    let written = name.strip_prefix(&format!("{}.", defaults.default_catalog)).unwrap_or(name);
    for file in [written.to_owned(), format!("{written}.csv")] {
        if hints.is_empty() && Path::new(&file).is_file() {
            hints.push(format!("There is a file {file}: write FROM {}.", sql::string(&file)));
        }
    }
    if hints.is_empty() {
        let all: Vec<String> = tables.iter().map(|name| sql::identifier(name)).collect();
        hints.extend(list("Tables", &all).or_else(|| {
            Some(
                "There are no tables yet: name files on the command line, or in single quotes in FROM."
                    .to_owned(),
            )
        }));
    }
    Advice { place, hints, sentence: Some(format!("table '{written}' not found")) }
}

fn tables(state: &SessionState) -> BTreeSet<String> {
    let defaults = &state.config_options().catalog;
    let schema = state
        .catalog_list()
        .catalog(&defaults.default_catalog)
        .and_then(|catalog| catalog.schema(&defaults.default_schema));
    schema.map(|schema| schema.table_names()).unwrap_or_default().into_iter().collect()
}

/// A path in quotes.
fn file(path: &str, place: Option<Range<usize>>) -> Advice {
    let written = Path::new(path);
    if written.is_file()
        && let Err(error) = File::open(written)
    {
        let sentence = Some(format!("cannot read '{path}': {error}"));
        return Advice { place, hints: Vec::new(), sentence };
    }
    if written.is_file() && path.contains(['*', '?', '[']) {
        let hint = "The file of this name is read when it is named on the command line.".to_owned();
        let sentence =
            Some(format!("'{path}' is a pattern in FROM, and no file could be read that matches it"));
        return Advice { place, hints: vec![hint], sentence };
    }
    if written.exists() {
        let hint = format!(
            "A file is read by its name in FROM if it ends with .csv, .json, .parquet and the like. Others are named \
             on the command line, or in CREATE EXTERNAL TABLE ... STORED AS CSV LOCATION {}.",
            sql::string(path)
        );
        let sentence = Some(format!("'{path}' does not look like a file with a table"));
        return Advice { place, hints: vec![hint], sentence };
    }
    Advice {
        place,
        hints: file_hint(path).into_iter().collect(),
        sentence: Some(format!("there is no file '{path}'")),
    }
}

/// The path of a LOCATION without files, absolute.
fn location(path: &str, source: &Source<'_>) -> Advice {
    let place = source.literal(|text| path.ends_with(text.trim_start_matches("./")));
    if Path::new(path).exists() {
        return Advice {
            place,
            sentence: Some(format!("there are no files of this kind in {path}")),
            hints: Vec::new(),
        };
    }
    Advice {
        place,
        hints: file_hint(path).into_iter().collect(),
        sentence: Some(format!("there is no file '{path}'")),
    }
}

/// The nearest name in the folder of a file that does not exist.
pub fn file_hint(path: &str) -> Option<String> {
    let path = Path::new(path);
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(entries) = folder.unwrap_or(Path::new(".")).read_dir() else {
        return folder.map(|folder| format!("There is no folder {}.", folder.display()));
    };
    let entries = entries.take(FILES_MAX).filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    // A link to nothing is there under its own name.
    let names: Vec<String> = names.filter(|other| other != name).collect();
    let near: Vec<String> = nearest(name, names.iter().map(String::as_str))
        .into_iter()
        .map(|near| sql::string(&path.with_file_name(near).display().to_string()))
        .collect();
    did_you_mean(&near)
}

fn setting(text: &str, source: &Source<'_>, state: &SessionState) -> Advice {
    if NO_SETTING.iter().any(|words| text.contains(words)) {
        return setting_named(source, state);
    }
    Advice { place: quoted(text, source), ..Advice::default() }
}

fn setting_named(source: &Source<'_>, state: &SessionState) -> Advice {
    // In OPTIONS of a statement.
    let Some((written, place)) = source.setting() else { return Advice::default() };
    let entries = state.config_options().entries();
    let near: Vec<String> = nearest(&written, entries.iter().map(|entry| entry.key.as_str()))
        .iter()
        .map(|name| sql::quoted(name))
        .collect();
    Advice {
        place: Some(place),
        hints: did_you_mean(&near).into_iter().collect(),
        sentence: Some(format!("there is no setting {written}")),
    }
}
