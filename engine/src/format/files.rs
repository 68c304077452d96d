//! What is known of the files of a scan, found out when the first of their ranges is read.
//!
//! A range begins wherever the planner has cut the file, and if a quoted field lies across the cut, nothing near it tells. To be
//! sure, all in front of it must be looked at for quotes ([`Files::start`]). A program looks at it anyway: so a worker that gives
//! nothing out before its end begins at the first line behind the cut, and asks at its end whoever reads up to the cut
//! ([`Files::begin`], [`Files::is_outside_quotes`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::object_store::path::Path;
use weir_csv::ranges::range_starts;
use weir_csv::reader::header_names;
use weir_csv::sniff::column_names;
use weir_csv::spec::CsvSpec;

/// The columns of one file have another order or other names than those of the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OtherColumns {
    /// Its header has not the names of the table's columns.
    #[error(
        "{file}: the header has {}, and the table, as {guessed_from} has it, {}. Read files with other columns as \
         tables of their own, or all by the names of their columns, with NULL where a file has none: --union-by-name, or \
         :union_by_name=true behind the path",
        found.join(", "),
        expected.join(", ")
    )]
    Names {
        /// The file.
        file: Arc<str>,
        /// The file from whose header the table has its columns.
        guessed_from: Arc<str>,
        /// What only the table has, and what only the file has, some of each.
        expected: Vec<String>,
        /// The same of the file.
        found: Vec<String>,
    },
    /// One has a header, and the other has none, and nobody said which.
    #[error(
        "{file}: it seems to have {}, and {guessed_from} {}. Read them as tables of their own, or say what holds for all \
         files of the table: --header or --no-header, :header=true or :header=false behind the path",
        if *has_one { "a header" } else { "no header" },
        if *has_one { "has none" } else { "has one" }
    )]
    Header {
        /// The file.
        file: Arc<str>,
        /// The file that was looked at for all.
        guessed_from: Arc<str>,
        /// Which of them has one: the first, or the other.
        has_one: bool,
    },
    /// It has a column that was not declared.
    #[error("{file}: the table has no column '{column}'. Declare it too, or leave the columns to be guessed")]
    Unknown {
        /// The file.
        file: Arc<str>,
        /// The first such column.
        column: String,
    },
}

/// Where the records of each file's ranges begin, and in which order its columns are.
#[derive(Debug)]
pub struct Files {
    known: Mutex<HashMap<Path, Arc<Known>>>,
    look_ahead_bytes: u64,
}

impl Default for Files {
    fn default() -> Self {
        Files { known: Mutex::default(), look_ahead_bytes: LOOK_AHEAD_BYTES }
    }
}

/// Of one file.
#[derive(Debug, Default)]
struct Known {
    facts: Mutex<Facts>,
    /// Held by the one who looks through the file for the beginnings of its ranges.
    pass: Mutex<()>,
    /// A cut was told of.
    told: Condvar,
}

#[derive(Debug, Default)]
struct Facts {
    order: Option<Arc<Order>>,
    /// By the byte at which a range begins.
    starts: BTreeMap<u64, u64>,
    cuts: BTreeMap<u64, Told>,
}

/// What the worker that reads up to a cut has to say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Nothing yet.
    Pending,
    /// It cannot tell.
    Unknown,
    /// No quoted field lies across it.
    Outside,
}

/// So long a worker waits for another one that reads in front of it, before it looks itself. That one may be waiting for
/// a consumer.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// And so long before it looks whether its query was cancelled.
const WAIT_TURN: Duration = Duration::from_millis(20);

impl Known {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker reads up to a cut, and will tell of it. Dropped, it cannot.
#[derive(Debug)]
pub struct Promise {
    known: Arc<Known>,
    cut: u64,
}

impl Promise {
    /// No quoted field lies across the cut.
    pub fn outside_quotes(self) {
        self.tell(Told::Outside);
    }

    fn tell(&self, told: Told) {
        let mut facts = self.known.facts();
        if facts.cuts.get(&self.cut) != Some(&Told::Outside) {
            facts.cuts.insert(self.cut, told);
        }
        drop(facts);
        self.known.told.notify_all();
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.tell(Told::Unknown);
    }
}

/// Which field of a file's records is which column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// The first is the first, and so on.
    SameAsTable,
    /// Not so.
    Other {
        /// How the file is read, with its own columns.
        spec: Arc<CsvSpec>,
        /// Of each column of the table the field. None: the file has none.
        fields: Vec<Option<usize>>,
    },
}

/// Why a file is not read as its table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// It has fewer columns.
    #[error("it has not all columns of the table")]
    Missing,
    /// It has the same, elsewhere.
    #[error("its columns are in another order than those of the table")]
    Order,
    /// It has another delimiter, encoding and the like, or other formats of dates and numbers.
    #[error("it is written in another way than the table's first file")]
    Written,
}

impl Order {
    /// None: it is read as the table is.
    pub fn difference(&self) -> Option<Difference> {
        let Order::Other { fields, .. } = self else { return None };
        Some(if fields.contains(&None) {
            Difference::Missing
        } else if !fields.iter().copied().eq((0..fields.len()).map(Some)) {
            Difference::Order
        } else {
            Difference::Written
        })
    }

    /// The fields of a file that has all columns of the table, and no other.
    fn of_fields(table: &CsvSpec, fields: &[usize]) -> Order {
        let mut places: Vec<usize> = (0..fields.len()).collect();
        places.sort_by_key(|&column| fields[column]);
        let columns = places.into_iter().map(|column| table.columns[column].clone()).collect();
        let spec = Arc::new(CsvSpec { columns, ..table.clone() });
        Order::Other { spec, fields: fields.iter().copied().map(Some).collect() }
    }
}

/// The bytes between which ranges are cut, for each file that is cut.
pub type Cuts = HashMap<Path, BTreeSet<u64>>;

/// How messages call a file.
pub fn display_name(location: &Path) -> Arc<str> {
    Arc::from(format!("/{location}"))
}

/// The cuts of a scan.
pub fn cuts(config: &FileScanConfig) -> Cuts {
    let mut cuts = Cuts::new();
    for file in config.file_groups.iter().flat_map(|group| group.files()) {
        let Some((start, end)) = range_of(file) else { continue };
        if start > 0 || end < file.object_meta.size {
            cuts.entry(file.object_meta.location.clone()).or_default().extend([start, end]);
        }
    }
    cuts
}

/// The range of a file that is to be read. None: all of it.
pub fn range_of(file: &PartitionedFile) -> Option<(u64, u64)> {
    let range = file.range.as_ref()?;
    let start = u64::try_from(range.start).unwrap_or_default();
    Some((start, u64::try_from(range.end).unwrap_or_default().max(start)))
}

/// Bytes behind a cut in which the next cuts are found in the same pass: enough for all threads, and no more than a query should
/// wait for.
const LOOK_AHEAD_BYTES: u64 = 64 << 20;

impl Files {
    fn known(&self, location: &Path) -> Arc<Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(location.clone()).or_default())
    }

    /// Where the first record begins that a range owns which begins at `cut`. Whoever asks first looks at the file from the last
    /// cut that is known, and finds the next ones, too: each byte is looked at once, and what a query does not come to is not.
    pub fn start(
        &self,
        location: &Path,
        file: &File,
        spec: &CsvSpec,
        cut: u64,
        cuts: &Cuts,
    ) -> io::Result<u64> {
        if cut == 0 {
            return Ok(0);
        }
        let known = self.known(location);
        // Who reads the beginning of the file meanwhile is not kept waiting.
        let _one_pass = known.pass.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(start) = known.facts().starts.get(&cut) {
            return Ok(*start);
        }
        let begin = known.facts().starts.range(..cut).next_back().map_or(0, |(_, start)| *start);
        if cut <= begin {
            // A quoted field lies across it.
            return Ok(begin);
        }
        let mut places = BTreeSet::from([begin, cut]);
        if let Some(cuts) = cuts.get(location) {
            places.extend(cuts.range(begin..=cut.saturating_add(self.look_ahead_bytes)));
        }
        let places: Vec<u64> = places.into_iter().collect();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let starts = range_starts(file, spec, &places, threads)?;
        let mut facts = known.facts();
        facts.starts.extend(places.into_iter().zip(starts));
        facts.starts.get(&cut).copied().ok_or_else(|| io::Error::other("a range has no beginning"))
    }

    /// A worker begins to read up to a cut.
    pub fn begin(&self, location: &Path, cut: u64) -> Promise {
        let known = self.known(location);
        known.facts().cuts.entry(cut).or_insert(Told::Pending);
        Promise { known, cut }
    }

    /// Whether it was told that no quoted field lies across a cut. Waits a while for one who reads up to it. False: nobody
    /// knows.
    pub fn is_outside_quotes(&self, location: &Path, cut: u64, is_cancelled: &dyn Fn() -> bool) -> bool {
        let known = self.known(location);
        let begun = Instant::now();
        let mut facts = known.facts();
        loop {
            match facts.cuts.get(&cut) {
                Some(Told::Outside) => return true,
                Some(Told::Pending) if begun.elapsed() < WAIT_MAX && !is_cancelled() => {}
                _ => return false,
            }
            let waited = known.told.wait_timeout(facts, WAIT_TURN);
            facts = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The order of a file's columns, which `find` finds.
    pub fn order(
        &self,
        location: &Path,
        find: impl FnOnce() -> io::Result<Result<Order, OtherColumns>>,
    ) -> io::Result<Result<Arc<Order>, OtherColumns>> {
        let known = self.known(location);
        let mut facts = known.facts();
        if let Some(order) = &facts.order {
            return Ok(Ok(Arc::clone(order)));
        }
        Ok(find()?.map(|order| Arc::clone(facts.order.insert(Arc::new(order)))))
    }
}

/// Names that a message shows of each side.
const NAMES_SHOWN: usize = 5;

/// Looks into the header of a file. A table that was declared has names of its own: its columns are found by name only if
/// the header has exactly these names, and else by their place.
pub fn order_of(
    file: impl Read + Send,
    name: &Arc<str>,
    spec: &CsvSpec,
    guessed_from: Option<&Arc<str>>,
) -> io::Result<Result<Order, OtherColumns>> {
    // The table's columns have their names from there, also where the header is not written as the records below it.
    if guessed_from == Some(name) {
        return Ok(Ok(Order::SameAsTable));
    }
    let Some(header) = header_names(file, spec)?.filter(|header| !header.is_empty()) else {
        return Ok(Ok(Order::SameAsTable));
    };
    let table: Vec<&str> = spec.columns.iter().map(|column| column.name.as_str()).collect();
    // A header may have fewer names than there are columns, or more; the sniffer has named the columns all the same.
    let file = column_names(header.iter(), header.len().max(table.len()));
    if file.iter().take(table.len()).eq(table.iter()) {
        return Ok(Ok(Order::SameAsTable));
    }
    let places: HashMap<&str, usize> =
        file.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
    let fields: Option<Vec<usize>> = table.iter().map(|name| places.get(name).copied()).collect();
    let has_the_same = header.len() == table.len();
    match (fields.filter(|_| has_the_same), guessed_from) {
        (Some(fields), _) => Ok(Ok(Order::of_fields(spec, &fields))),
        (None, None) => Ok(Ok(Order::SameAsTable)),
        (None, Some(guessed_from)) => {
            let only = |here: &[&str], there: &[&str]| {
                let missing = here.iter().filter(|name| !there.contains(name));
                let mut names: Vec<String> = missing.map(|name| format!("'{name}'")).collect();
                if names.is_empty() {
                    return vec![format!("{} columns", here.len())];
                }
                if names.len() > NAMES_SHOWN {
                    names.truncate(NAMES_SHOWN);
                    names.push("...".to_owned());
                }
                names
            };
            let file: Vec<&str> = file.iter().map(String::as_str).collect();
            Ok(Err(OtherColumns::Names {
                file: Arc::clone(name),
                guessed_from: Arc::clone(guessed_from),
                expected: only(&table, &file),
                found: only(&file, &table),
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Whoever asks first, and however far is looked ahead.
    #[test]
    fn beginnings_are_the_same_in_any_order() {
        let text = "a,b\n1,\"x\ny\n\n\"\n2,z\n3,\"long\n field\n over many cuts\"\n4,\n";
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let spec = CsvSpec { header: true, ..CsvSpec::default() };
        let location = Path::from("t.csv");
        let all: Vec<u64> = (0..=text.len() as u64).collect();
        let cuts = Cuts::from([(location.clone(), all.iter().copied().collect())]);
        let starts = |look_ahead_bytes, order: &[u64]| {
            let files = Files { look_ahead_bytes, ..Files::default() };
            let start = |cut: &u64| (*cut, files.start(&location, &file, &spec, *cut, &cuts).unwrap());
            order.iter().map(start).collect::<BTreeMap<_, _>>()
        };
        let expected = starts(u64::MAX, &all);
        assert_eq!(expected[&5], text.find("2,z").unwrap() as u64, "a field lies across it");
        let backwards: Vec<u64> = all.iter().rev().copied().collect();
        let mixed: Vec<u64> = all.iter().map(|cut| cut * 7 % all.len() as u64).collect();
        for look_ahead_bytes in [0, 1, 5, 20] {
            for order in [&all, &backwards, &mixed] {
                assert_eq!(starts(look_ahead_bytes, order), expected, "{look_ahead_bytes} {order:?}");
            }
        }
    }
}
