//! `FROM 'path'`: a file, the files of a folder, or those that match a pattern, as a table.
//!
//! What has a format of its own by its ending (parquet, json, arrow) is read so. Everything else is read as CSV, whatever it
//! is called: the sniffer says what it cannot be.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{TableProvider, UrlTableFactory};
use datafusion::common::{DataFusionError, Result, plan_datafusion_err};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::datasource::file_format::csv::CsvFormatFactory;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::execution::SessionState;
use datafusion::object_store::path::Path as Location;
use datafusion::object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use datafusion_session::SessionStore;
use futures::future::ready;
use futures::{StreamExt, TryStreamExt};
use glob::MatchOptions;
use weir_csv::sniff::Overrides;

use super::factory::SniffedFormatFactory;
use super::kinds::{Ending, ending_of_folder, is_hidden, say_left_out};
use super::path_options::with_path_options;
use super::sniffed::SniffedFormat;
use super::spool::Spools;
use super::widened::Widened;

/// Makes tables of paths.
#[derive(Debug)]
pub struct UrlTables {
    /// The session that asks. Set when it is there.
    pub session: SessionStore,
    /// Of pipes.
    pub spools: Spools,
    declared: Overrides,
    widened: Widened,
}

impl UrlTables {
    /// Of CSV files so much is declared.
    pub fn new(declared: Overrides, widened: Widened) -> Self {
        UrlTables { session: SessionStore::new(), spools: Spools::default(), declared, widened }
    }

    /// The table of a path. None: there is no file.
    pub async fn table(&self, state: &SessionState, url: ListingTableUrl) -> Result<Option<ListingTable>> {
        self.table_of(state, vec![url], &self.declared).await
    }

    async fn table_of(
        &self,
        state: &SessionState,
        urls: Vec<ListingTableUrl>,
        declared: &Overrides,
    ) -> Result<Option<ListingTable>> {
        let Some(url) = urls.first().cloned() else { return Ok(None) };
        let store = state.runtime_env().object_store(&url)?;
        let Ok(files) = url.list_all_files(state, store.as_ref(), "").await else { return Ok(None) };
        let is_folder = url.is_folder() && url.get_glob().is_none();
        // A hidden file is one only if it is named.
        let is_passed = |file: &ObjectMeta| url.is_collection() && is_hidden(&file.location);
        let files = files.try_filter(|file| ready(!is_passed(file)));
        let files: Vec<ObjectMeta> = match is_folder {
            true => files.try_collect().await.unwrap_or_default(),
            false => files.take(1).try_collect().await.unwrap_or_default(),
        };
        let is_known = |inner: &str| CSV_ENDINGS.contains(&inner) || other_format(state, inner).is_some();
        let ending = ending_of_folder(url.prefix(), &files, is_known);
        let ending = ending.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let of_kind = |file: &&ObjectMeta| !is_folder || Ending::of(file.location.as_ref()) == ending;
        let Some(first) = files.iter().find(of_kind) else { return Ok(None) };
        let format = match ending.as_ref().and_then(|ending| other_format(state, &ending.inner)) {
            Some(factory) => factory.create(state, &as_it_begins(&store, &first.location).await?)?,
            None => {
                let writer = CsvFormatFactory::new().default();
                Arc::new(SniffedFormat::new(declared.clone(), writer, self.widened.clone()))
            }
        };
        let ending = ending.map(|ending| ending.all);
        if let Some(ending) = ending.as_deref().filter(|_| is_folder) {
            say_left_out(url.prefix(), &files, ending);
        }
        let urls = urls.into_iter().map(|url| files_like(url, ending.as_deref())).collect::<Result<_>>()?;
        let config = ListingTableConfig::new_with_multi_paths(urls)
            .with_listing_options(ListingOptions::new(format).with_file_extension(""))
            .infer_partitions_from_path(state)
            .await?
            .infer_schema(state)
            .await?;
        ListingTable::try_new(config).map(Some)
    }
}

/// Whether files that end so are read in a format of their own.
pub fn has_other_format(state: &SessionState, name: &str) -> bool {
    Ending::of(name).is_some_and(|ending| other_format(state, &ending.inner).is_some())
}

fn other_format(state: &SessionState, ending: &str) -> Option<Arc<dyn FileFormatFactory>> {
    let ending = if matches!(ending, "ndjson" | "jsonl") { "json" } else { ending };
    state.get_file_format_factory(ending).filter(|factory| !factory.is::<SniffedFormatFactory>())
}

/// What makes a path a pattern.
const WILDCARDS: [char; 3] = ['*', '?', '['];
/// In a pattern, the first letter of a file that is not hidden.
pub const VISIBLE: &str = "[!.]";

/// What the first bytes of a file say of its format: whether JSON is one array, or an object a line.
async fn as_it_begins(store: &Arc<dyn ObjectStore>, file: &Location) -> Result<HashMap<String, String>> {
    let mut options = HashMap::new();
    let mut begin = store.get(file).await?.into_stream();
    let begin = begin.next().await.transpose()?.unwrap_or_default();
    if begin.trim_ascii_start().starts_with(b"[") {
        options.insert("format.newline_delimited".to_owned(), "false".to_owned());
    }
    Ok(options)
}

/// Endings of CSV files in a folder of files of other kinds.
const CSV_ENDINGS: [&str; 2] = ["csv", "tsv"];

#[async_trait]
impl UrlTableFactory for UrlTables {
    async fn try_new(&self, url: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let with_options = with_path_options(url, &self.declared);
        let (path, declared) = with_options.map_err(|error| DataFusionError::External(Box::new(error)))?;
        // A name without a point, a slash and options is the name of a table, also where there is a file of that name.
        if path == url && !url.contains(['.', '/']) {
            return Ok(None);
        }
        let spooled = self.spools.path(path).await?.map(|path| path.to_string_lossy().into_owned());
        let path = spooled.as_deref().unwrap_or(path);
        let urls = match (folders_matched(path)?, listing_url(path)) {
            (Some(urls), _) => urls,
            (None, Ok(url)) => vec![url],
            (None, Err(_)) => return Ok(None),
        };
        let session = self.session.get_session().upgrade();
        let state =
            session.and_then(|session| session.read().as_any().downcast_ref::<SessionState>().cloned());
        let state = state.ok_or_else(|| plan_datafusion_err!("the session is gone"))?;

        let table = self.table_of(&state, urls, &declared).await?;
        Ok(table.map(|table| Arc::new(table) as Arc<dyn TableProvider>))
    }
}

/// The files of a pattern with a wildcard for folders, which DataFusion would not look into. None: it has none.
fn folders_matched(pattern: &str) -> Result<Option<Vec<ListingTableUrl>>> {
    let in_folder = pattern.rsplit_once('/').is_some_and(|(folder, _)| folder.contains(WILDCARDS));
    if !in_folder || !is_pattern(pattern) {
        return Ok(None);
    }
    // As in a shell, hidden files and folders are left out.
    let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
    let paths = glob::glob_with(&in_any_case(pattern), options)
        .map_err(|error| plan_datafusion_err!("{pattern} is not a pattern: {error}"))?;
    let files = paths.filter_map(std::result::Result::ok).filter(|path| path.is_file());
    let urls = files.map(|path| listing_url(&path.to_string_lossy()));
    urls.collect::<Result<_>>().map(Some)
}

/// The files of a path. A colon in it is no end of a URL's scheme, unless slashes follow; what a pattern ends with, as in `*.csv`, is
/// matched in small letters and capital ones; files whose names begin with a point are left out, as in a shell.
pub fn listing_url(path: &str) -> Result<ListingTableUrl> {
    if path.contains("://") {
        return ListingTableUrl::parse(path);
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    if !is_pattern(path) {
        return ListingTableUrl::parse(format!("{folder}/{name}"));
    }
    let visible = if name.starts_with('*') { VISIBLE } else { "" };
    ListingTableUrl::parse(format!("{folder}/{visible}{}", in_any_case(name)))
}

/// Whether a path on this host stands for the files that match it.
fn is_pattern(path: &str) -> bool {
    path.contains(WILDCARDS) && !path.contains("://") && !Path::new(path).exists()
}

/// The pattern with an ending of letters in small and in capital ones.
fn in_any_case(pattern: &str) -> String {
    match pattern.rsplit_once('.') {
        Some((stem, ending)) if stem.ends_with('*') && ending.chars().all(|c| c.is_ascii_alphanumeric()) => {
            format!("{stem}.{}", any_case(ending))
        }
        _ => pattern.to_owned(),
    }
}

/// Of a folder, the files that end so, in small letters and capital ones.
pub fn files_like(url: ListingTableUrl, ending: Option<&str>) -> Result<ListingTableUrl> {
    match ending {
        Some(ending) if url.is_folder() && url.get_glob().is_none() => {
            url.with_glob(&format!("{VISIBLE}*.{}", any_case(ending)))
        }
        _ => Ok(url),
    }
}

/// Says which files of a folder are not in its table of those that end so. Files that cannot be listed show when it is read.
pub async fn say_what_is_left_out(
    state: &SessionState,
    folder: &ListingTableUrl,
    ending: &str,
) -> Result<()> {
    if !folder.is_folder() || folder.get_glob().is_some() {
        return Ok(());
    }
    let store = state.runtime_env().object_store(folder)?;
    let files = folder.list_all_files(state, store.as_ref(), "").await?;
    let files: Vec<ObjectMeta> = files.try_collect().await.unwrap_or_default();
    say_left_out(folder.prefix(), &files, ending);
    Ok(())
}

/// `[cC][sS][vV]` of `csv`.
fn any_case(ending: &str) -> String {
    let mut pattern = String::new();
    for character in ending.chars() {
        match character.to_ascii_uppercase() {
            upper if upper != character => pattern.extend(['[', character, upper, ']']),
            _ => pattern.push(character),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_small_letters_and_capital_ones() {
        assert_eq!(any_case("csv.gz"), "[cC][sS][vV].[gG][zZ]");
        assert_eq!(in_any_case("d/**/*.csv"), "d/**/*.[cC][sS][vV]");
        assert_eq!(in_any_case("d/a.csv"), "d/a.csv");
        assert_eq!(in_any_case("d/*.c?v"), "d/*.c?v");
    }
}
