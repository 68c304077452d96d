//! Which files of a folder are its table: those of the one kind that is known, told by how their names end.
//!
//! ```text
//! readme.md  a.csv  b.CSV      the two of csv; readme.md is left out, and that is said
//! a.csv  b.json                an error: name the ones you mean
//! a.dat  b.dat                 no kind is known: those that end as the first one
//! ```

use datafusion::object_store::ObjectMeta;
use datafusion::object_store::path::Path as Location;

use super::files::display_name;

/// Files that are named when they are left out.
const NAMES_SHOWN: usize = 3;

/// A folder has files of several kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{folder} holds both .{one} and .{other} files; name the ones you mean, as in '{folder}/*.{one}'")]
pub struct SeveralKinds {
    folder: String,
    one: String,
    other: String,
}

/// How the name of a file ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    /// What is in it: `csv` of `a.CSV.gz`.
    pub inner: String,
    /// All of it: `csv.gz`.
    pub all: String,
}

/// Endings of packed files.
const PACKED: [&str; 4] = ["gz", "bz2", "xz", "zst"];

impl Ending {
    /// None: there is no point in the name.
    pub fn of(location: &str) -> Option<Ending> {
        let name = location.rsplit('/').next()?.to_ascii_lowercase();
        let unpacked =
            PACKED.iter().find_map(|packed| name.strip_suffix(packed)?.strip_suffix('.')).unwrap_or(&name);
        let begin = unpacked.rfind('.')? + 1;
        Some(Ending { inner: unpacked[begin..].to_owned(), all: name[begin..].to_owned() })
    }
}

/// As a shell has it.
pub(super) fn is_hidden(file: &Location) -> bool {
    file.filename().is_some_and(|name| name.starts_with('.'))
}

/// The ending of the files that are a folder's table. None: the first one has no ending.
pub(super) fn ending_of_folder(
    folder: &Location,
    files: &[ObjectMeta],
    is_known: impl Fn(&str) -> bool,
) -> Result<Option<Ending>, SeveralKinds> {
    let of = |file: &ObjectMeta| Ending::of(file.location.as_ref());
    let mut known = files.iter().filter_map(of).filter(|ending| is_known(&ending.inner));
    let Some(one) = known.next() else { return Ok(files.first().and_then(of)) };
    match known.find(|ending| ending.all != one.all) {
        None => Ok(Some(one)),
        Some(other) => {
            let folder = display_name(folder).to_string();
            Err(SeveralKinds { folder, one: one.all, other: other.all })
        }
    }
}

/// Says which files of a folder are not in its table.
pub(super) fn say_left_out(folder: &Location, files: &[ObjectMeta], ending: &str) {
    let is_left_out = |file: &&ObjectMeta| {
        !is_hidden(&file.location)
            && Ending::of(file.location.as_ref()).is_none_or(|found| found.all != ending)
    };
    let left_out: Vec<&str> =
        files.iter().filter(is_left_out).filter_map(|file| file.location.filename()).collect();
    if left_out.is_empty() {
        return;
    }
    let more = if left_out.len() > NAMES_SHOWN { ", ..." } else { "" };
    let names = left_out[..left_out.len().min(NAMES_SHOWN)].join(", ");
    let folder = display_name(folder);
    let left_out = match left_out.len() {
        1 => "another one is left out".to_owned(),
        count => format!("{count} others are left out"),
    };
    log::warn!("{folder}: only files that end in .{ending} are read, {left_out}: {names}{more}");
}

#[cfg(test)]
mod tests {
    use datafusion::object_store::memory::InMemory;
    use datafusion::object_store::{ObjectStore, ObjectStoreExt};
    use futures::TryStreamExt;

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
            let found = Ending::of(location);
            let found = found.as_ref().map(|ending| (ending.inner.as_str(), ending.all.as_str()));
            assert_eq!(found, expected, "{location}");
        }
    }

    #[tokio::test]
    async fn the_one_known_kind_is_the_table() {
        for (names, expected) in [
            ("a.md b.csv c.CSV d.txt", "csv"),
            ("a.csv.gz b.md", "csv.gz"),
            ("a.dat b.md", "dat"),
            ("a b.md", "none"),
            ("a.csv b.json", "/d holds both .csv and .json files; name the ones you mean, as in '/d/*.csv'"),
            (
                "a.csv b.csv.gz",
                "/d holds both .csv and .csv.gz files; name the ones you mean, as in '/d/*.csv'",
            ),
        ] {
            let store = InMemory::new();
            for name in names.split(' ') {
                store.put(&Location::from(format!("d/{name}")), "x".into()).await.unwrap();
            }
            let mut files: Vec<ObjectMeta> = store.list(None).try_collect().await.unwrap();
            files.sort_by(|one, other| one.location.cmp(&other.location));
            let is_known = |inner: &str| matches!(inner, "csv" | "json");
            let found = ending_of_folder(&Location::from("d"), &files, is_known);
            let found = match found {
                Ok(ending) => ending.map_or("none".to_owned(), |ending| ending.all),
                Err(error) => error.to_string(),
            };
            assert_eq!(found, expected, "{names}");
        }
    }
}
