//! TPC-H's lineitem as a CSV file in the user's cache folder. It is written under another name first and renamed when
//! it is whole, so a file with the final name is complete and is used again.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tpchgen::csv::LineItemCsv;
use tpchgen::generators::LineItemGenerator;

use crate::error::Error;

/// The file for this scale factor, generated unless it is there.
pub fn make(scale: f64) -> Result<PathBuf, Error> {
    let folder = dirs::cache_dir().unwrap_or_else(std::env::temp_dir).join("weir");
    let path = folder.join(format!("lineitem-{scale}.csv"));
    if path.is_file() {
        return Ok(path);
    }
    // Progress is no result: it goes to standard error, if anybody listens there.
    let _ = writeln!(io::stderr(), "weir: writing {} (once)", path.display());
    let failed = |source| Error::Cache { path: folder.clone(), source };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    // The process id keeps two demonstrations apart that start together.
    let partial = folder.join(format!("lineitem-{scale}.csv.partial-{}", std::process::id()));
    let written = write(scale, &partial).and_then(|()| std::fs::rename(&partial, &path));
    if let Err(source) = written {
        // The first failure is the one to report.
        let _ = std::fs::remove_file(&partial);
        return Err(failed(source));
    }
    Ok(path)
}

fn write(scale: f64, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    writeln!(file, "{}", LineItemCsv::header())?;
    for item in LineItemGenerator::new(scale, 1, 1) {
        writeln!(file, "{}", LineItemCsv::new(item))?;
    }
    // On disk before the rename: after a power cut the final name must not stand for half a file.
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
