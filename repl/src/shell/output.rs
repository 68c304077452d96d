//! The file of `\o` and `\g`. What was in it stays until there is something to write: psql would empty it at once, and a statement
//! that fails would leave nothing.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::datasource::listing::ListingTable;
use datafusion::object_store::path::Path as Location;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use engine::report::scans;

use crate::error::Error;

/// A file that results go to. Clones write to the same place in it.
#[derive(Debug, Clone)]
pub struct OutputFile {
    path: PathBuf,
    file: Arc<File>,
    /// Whether it still has what was there before.
    is_old: Arc<AtomicBool>,
}

impl OutputFile {
    /// Of this name, perhaps with something in it.
    pub fn open(path: &Path) -> io::Result<OutputFile> {
        let file = File::options().write(true).create(true).truncate(false).open(path)?;
        let is_old = Arc::new(AtomicBool::new(file.metadata()?.is_file()));
        Ok(OutputFile { path: path.to_owned(), file: Arc::new(file), is_old })
    }

    /// The same under the name that the user gave, where it is written beside that file.
    pub fn named(self, name: &str) -> OutputFile {
        OutputFile { path: PathBuf::from(name), ..self }
    }

    /// As the user named it.
    pub fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// The file, to be written with [`OutputFile::write_all`].
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// The place at which the next text is written. None: it is a pipe or a device.
    pub fn end(&self) -> io::Result<Option<u64>> {
        let metadata = self.file.metadata()?;
        let length = if self.is_old.load(Ordering::Relaxed) { 0 } else { metadata.len() };
        Ok(metadata.is_file().then_some(length))
    }

    /// The first text, also an empty one, takes the place of what was there.
    pub fn write_all(&self, text: &[u8]) -> io::Result<()> {
        if self.is_old.swap(false, Ordering::Relaxed) {
            self.file.set_len(0)?;
        }
        (&*self.file).write_all(text)
    }
}

/// Whether a statement reads the file that it writes to. A pipe or a device is none.
pub fn is_read_by(file: &File, plan: &Arc<dyn ExecutionPlan>) -> io::Result<bool> {
    let written = file.metadata()?;
    if !written.is_file() {
        return Ok(false);
    }
    let is_same = |path: &String| {
        let read = std::fs::metadata(path);
        read.is_ok_and(|read| (read.dev(), read.ino()) == (written.dev(), written.ino()))
    };
    Ok(scans(plan).iter().flat_map(|scan| &scan.files).any(is_same))
}

/// The table that has the file of a path among its files.
pub async fn table_of_file(context: &SessionContext, path: &Path) -> Result<Option<String>, Error> {
    let of_path = [std::path::absolute(path).ok(), path.canonicalize().ok()];
    let locations: Vec<Location> =
        of_path.into_iter().flatten().filter_map(|path| Location::from_absolute_path(path).ok()).collect();
    for catalog in context.catalog_names().iter().filter_map(|name| context.catalog(name)) {
        for schema in catalog.schema_names().iter().filter_map(|name| catalog.schema(name)) {
            for name in schema.table_names() {
                let Some(table) = schema.table(&name).await? else { continue };
                let Some(table) = table.downcast_ref::<ListingTable>() else { continue };
                let urls = table.table_paths();
                if urls.iter().any(|url| locations.iter().any(|location| url.contains(location, true))) {
                    return Ok(Some(name));
                }
            }
        }
    }
    Ok(None)
}
