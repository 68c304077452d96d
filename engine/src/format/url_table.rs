//! `FROM 'path'`: a file, the files of a folder, or those that match a pattern, as a table.
//!
//! What has a format of its own by its ending (parquet, json, arrow) is read so. Everything else is read as CSV, whatever it
//! is called: the sniffer says what it cannot be.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{TableProvider, UrlTableFactory};
use datafusion::common::{DataFusionError, Result, plan_datafusion_err};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::datasource::file_format::csv::CsvFormatFactory;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::execution::SessionState;
use datafusion_session::SessionStore;
use futures::StreamExt;
use weir_csv::sniff::Overrides;

use super::factory::SniffedFormatFactory;
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
        let Ok(mut files) = url.list_all_files(state, store.as_ref(), "").await else { return Ok(None) };
        let Some(Ok(first)) = files.next().await else { return Ok(None) };
        drop(files);
        let ending = ending(first.location.as_ref());
        let format = match ending.as_ref().and_then(|(inner, _)| other_format(state, inner)) {
            Some(factory) => factory.create(state, &HashMap::new())?,
            None => {
                let writer = CsvFormatFactory::new().default();
                Arc::new(SniffedFormat::new(declared.clone(), writer, self.widened.clone()))
            }
        };
        let ending = ending.as_ref().map(|(_, all)| all.as_str());
        let urls = urls.into_iter().map(|url| files_like(url, ending)).collect::<Result<_>>()?;
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
    ending(name).is_some_and(|(inner, _)| other_format(state, &inner).is_some())
}

fn other_format(state: &SessionState, ending: &str) -> Option<Arc<dyn FileFormatFactory>> {
    let ending = if matches!(ending, "ndjson" | "jsonl") { "json" } else { ending };
    state.get_file_format_factory(ending).filter(|factory| !factory.is::<SniffedFormatFactory>())
}

/// Endings of packed files.
const PACKED: [&str; 4] = ["gz", "bz2", "xz", "zst"];

/// How the name of a file ends: `csv` and `csv.gz` of `a.CSV.gz`, what is in it and all. None: there is no point in the name.
fn ending(location: &str) -> Option<(String, String)> {
    let name = location.rsplit('/').next()?.to_ascii_lowercase();
    let unpacked =
        PACKED.iter().find_map(|packed| name.strip_suffix(packed)?.strip_suffix('.')).unwrap_or(&name);
    let begin = unpacked.rfind('.')? + 1;
    Some((unpacked[begin..].to_owned(), name[begin..].to_owned()))
}

#[async_trait]
impl UrlTableFactory for UrlTables {
    async fn try_new(&self, url: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let with_options = with_path_options(url, &self.declared);
        let (path, declared) = with_options.map_err(|error| DataFusionError::External(Box::new(error)))?;
        // A name without a point, a slash and options is the name of a table, also where there is a file of that name.
        if path == url && !url.contains(['.', '/']) {
            return Ok(None);
        }
        let url = path;
        let spooled = self.spools.path(url).await?.map(|path| path.to_string_lossy().into_owned());
        let url = spooled.as_deref().unwrap_or(url);
        let Ok(table_url) = ListingTableUrl::parse(url) else { return Ok(None) };
        let session = self.session.get_session().upgrade();
        let state =
            session.and_then(|session| session.read().as_any().downcast_ref::<SessionState>().cloned());
        let state = state.ok_or_else(|| plan_datafusion_err!("the session is gone"))?;

        let table = match folders_matched(url)? {
            Some(urls) => self.table_of(&state, urls, &declared).await?,
            None => self.table_of(&state, vec![table_url], &declared).await?,
        };
        Ok(table.map(|table| Arc::new(table) as Arc<dyn TableProvider>))
    }
}

/// The files of a pattern with a wildcard for folders, which DataFusion would not look into. None: it has none.
fn folders_matched(pattern: &str) -> Result<Option<Vec<ListingTableUrl>>> {
    let wildcards = ['*', '?', '['];
    let in_folder = pattern.rsplit_once('/').is_some_and(|(folder, _)| folder.contains(wildcards));
    if !in_folder || pattern.contains("://") || std::path::Path::new(pattern).exists() {
        return Ok(None);
    }
    let paths =
        glob::glob(pattern).map_err(|error| plan_datafusion_err!("{pattern} is not a pattern: {error}"))?;
    let files = paths.filter_map(std::result::Result::ok).filter(|path| path.is_file());
    let urls = files.map(|path| ListingTableUrl::parse(path.to_string_lossy()));
    urls.collect::<Result<_>>().map(Some)
}

/// Of a folder, the files that end as the first does, in small letters and capital ones.
pub fn files_like(url: ListingTableUrl, ending: Option<&str>) -> Result<ListingTableUrl> {
    match ending {
        Some(ending) if url.is_folder() && url.get_glob().is_none() => url.with_glob(&any_case(ending)),
        _ => Ok(url),
    }
}

/// `*.[cC][sS][vV]` of `csv`.
fn any_case(ending: &str) -> String {
    let mut pattern = String::from("*.");
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
    fn the_ending_is_that_of_the_unpacked_file() {
        for (location, expected) in [
            ("a/b.csv", Some(("csv", "csv"))),
            ("a/b.CSV.GZ", Some(("csv", "csv.gz"))),
            ("a.b/c", None),
            ("x.tar.zst", Some(("tar", "tar.zst"))),
            ("gz", None),
        ] {
            let found = ending(location);
            let found = found.as_ref().map(|(inner, all)| (inner.as_str(), all.as_str()));
            assert_eq!(found, expected, "{location}");
        }
    }

    #[test]
    fn patterns_take_small_letters_and_capital_ones() {
        assert_eq!(any_case("csv.gz"), "*.[cC][sS][vV].[gG][zZ]");
    }
}
