//! A file that is written beside the one it is to replace, and takes its place when all is written. If that fails, what was
//! there before stays, byte for byte.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::dml::CopyTo;

/// A file being written. Dropped, it is removed.
#[derive(Debug)]
pub struct Staged {
    beside: PathBuf,
    target: PathBuf,
    is_done: bool,
}

impl Staged {
    /// For a file at a path, or for the one that a link at this path leads to. None: it is a pipe or a device, which nothing
    /// takes the place of, or a folder.
    pub fn of(path: &str) -> io::Result<Option<Staged>> {
        let path = Path::new(path);
        let target = match path.canonicalize() {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(path)?,
            Err(error) => return Err(error),
        };
        if target.exists() && !target.is_file() {
            return Ok(None);
        }
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let Some(name) = target.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            return Ok(None);
        };
        // It keeps its ending, which says what is written.
        let beside = target.with_file_name(format!(".weir-{}-{count}-{name}", std::process::id()));
        Ok(Some(Staged { beside, target, is_done: false }))
    }

    /// Where to write.
    pub fn beside(&self) -> &Path {
        &self.beside
    }

    /// All is written. The permissions of the file that was there stay.
    pub fn commit(mut self) -> io::Result<()> {
        if let Ok(before) = fs::metadata(&self.target) {
            fs::set_permissions(&self.beside, before.permissions())?;
        }
        fs::rename(&self.beside, &self.target)?;
        self.is_done = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_done {
            // Perhaps it was never made.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

/// A COPY into one file of this host, into a file beside it. Any other plan stays as it is.
pub fn stage(plan: LogicalPlan) -> io::Result<(LogicalPlan, Option<Staged>)> {
    let LogicalPlan::Copy(copy) = plan else { return Ok((plan, None)) };
    // DataFusion makes one file of a name with an ending, and a folder of others.
    let is_file = Path::new(&copy.output_url).extension().is_some() && copy.partition_by.is_empty();
    let is_local = !copy.output_url.contains("://") && !copy.output_url.ends_with('/');
    let staged = if is_file && is_local { Staged::of(&copy.output_url)? } else { None };
    let Some(staged) = staged else { return Ok((LogicalPlan::Copy(copy), None)) };
    let output_url = staged.beside().to_string_lossy().into_owned();
    Ok((LogicalPlan::Copy(CopyTo { output_url, ..copy }), Some(staged)))
}
