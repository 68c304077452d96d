//! Pipes as files. A pipe can be read once and from its beginning only; a query looks at a file several times, from several
//! places. So all that comes out of a pipe goes into a file without a name first, which is gone when the session is. The same
//! is done with files that say they are empty and are not, as those of /proc do: nobody would look into them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use tokio::sync::Mutex;

/// What came out of the pipes of a session, by their paths: a second look at a pipe finds the same.
#[derive(Debug, Clone, Default)]
pub struct Spools(Arc<Mutex<HashMap<PathBuf, File>>>);

/// A pipe cannot be read, or there is no room for what comes out of it.
#[derive(Debug, thiserror::Error)]
#[error("{path} is a pipe, which is read into a file in {folder} first (TMPDIR says where): {source}")]
struct SpoolError {
    path: String,
    folder: String,
    source: io::Error,
}

impl Spools {
    /// Where to read what comes out of the pipe of this path. It is read to its end if it was not yet. None: it is no pipe.
    pub async fn path(&self, path: &str) -> Result<Option<PathBuf>> {
        let path = PathBuf::from(path);
        if !is_pipe(&path) && !only_says_it_is_empty(&path) {
            return Ok(None);
        }
        let mut spools = self.0.lock().await;
        if let Some(file) = spools.get(&path) {
            return Ok(Some(path_of(file)));
        }
        let pipe = path.clone();
        let spooled = tokio::task::spawn_blocking(move || spool(&pipe));
        let spooled = spooled.await.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?;
        let file = spooled.map_err(|source| {
            let folder = std::env::temp_dir().display().to_string();
            DataFusionError::External(Box::new(SpoolError {
                path: path.display().to_string(),
                folder,
                source,
            }))
        })?;
        let found = path_of(&file);
        spools.insert(path, file);
        Ok(Some(found))
    }
}

/// Whether a path is neither a file nor a folder, such as a named pipe, `/dev/stdin` in a pipeline, or `<(...)` of a shell.
fn is_pipe(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// What cannot be read is found out by who reads it.
fn only_says_it_is_empty(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
        && File::open(path).is_ok_and(|mut file| file.read(&mut [0]).is_ok_and(|count| count > 0))
}

fn spool(pipe: &Path) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut File::open(pipe)?, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// The file has no name, and no other process can have one for it.
fn path_of(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
