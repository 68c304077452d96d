//! What takes the rows of a statement as they come: [`Kept`] holds those that will be shown, [`Written`] writes all of them
//! at once.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::physical_plan::ExecutionPlan;

use super::output::{OutputFile, is_read_by};
use crate::error::Error;
use crate::results::{Encoder, Form, Keep, Rows};

/// Takes the rows of one statement.
pub trait Take: Send + 'static {
    /// Before the first row.
    fn begin(&mut self, plan: &Arc<dyn ExecutionPlan>) -> Result<(), Error>;
    fn batch(&mut self, batch: RecordBatch) -> Result<(), Error>;
    /// After the last row.
    fn end(&mut self) -> Result<(), Error>;
    /// Forgets all rows, since the statement is to be run again. False: somebody has seen some of them.
    fn start_over(&mut self) -> io::Result<bool>;
    /// Rows taken.
    fn total(&self) -> u64;
}

/// Text that is not written at once: a guess of a small file that does not hold is found out before.
const HELD_BYTES: usize = 512 << 10;
/// Nobody waits longer for the first row.
const HELD_TIME: Duration = Duration::from_millis(100);

/// Of a schema, what is kept.
type KeepOf = Box<dyn Fn(&SchemaRef) -> Keep + Send>;

/// Keeps rows.
pub struct Kept {
    keep_of: KeepOf,
    keep: Keep,
    rows: Rows,
}

impl Kept {
    pub fn new(keep_of: impl Fn(&SchemaRef) -> Keep + Send + 'static) -> Kept {
        Kept { keep_of: Box::new(keep_of), keep: Keep::All, rows: Rows::default() }
    }

    pub fn into_rows(self) -> Rows {
        self.rows
    }
}

impl Take for Kept {
    fn begin(&mut self, plan: &Arc<dyn ExecutionPlan>) -> Result<(), Error> {
        self.keep = (self.keep_of)(&plan.schema());
        Ok(())
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Error> {
        self.rows.push(batch, self.keep);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn start_over(&mut self) -> io::Result<bool> {
        self.rows = Rows::default();
        Ok(true)
    }

    fn total(&self) -> u64 {
        self.rows.total()
    }
}

/// Where rows are written.
pub struct Target {
    to: Arc<File>,
    /// If it is not standard output.
    output: Option<OutputFile>,
    /// Of a file, where this result begins: what follows can be taken back.
    start: Option<u64>,
}

impl Target {
    pub fn stdout() -> io::Result<Target> {
        let to = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let metadata = to.metadata()?;
        let start = metadata.is_file().then_some(metadata.len());
        Ok(Target { to: Arc::new(to), output: None, start })
    }

    pub fn file(output: &OutputFile) -> io::Result<Target> {
        let (to, start) = (Arc::clone(output.file()), output.end()?);
        Ok(Target { to, output: Some(output.clone()), start })
    }

    fn failed(&self, source: io::Error) -> Error {
        match &self.output {
            Some(output) => Error::FileUnwritable { path: output.path(), source },
            None => Error::Output(source),
        }
    }

    fn check(&self, plan: &Arc<dyn ExecutionPlan>) -> Result<(), Error> {
        if !is_read_by(&self.to, plan).map_err(|source| self.failed(source))? {
            return Ok(());
        }
        let path = self.output.as_ref().map_or_else(|| "standard output".to_owned(), OutputFile::path);
        Err(Error::WrittenWhileRead { path })
    }

    fn write(&mut self, text: &[u8]) -> Result<(), Error> {
        // The reader may take its time, and other tasks need the thread.
        let write = || match &self.output {
            Some(output) => output.write_all(text),
            None => (&*self.to).write_all(text),
        };
        let written = match tokio::runtime::Handle::current().runtime_flavor() {
            tokio::runtime::RuntimeFlavor::MultiThread => tokio::task::block_in_place(write),
            _ => write(),
        };
        written.map_err(|source| self.failed(source))
    }
}

/// Writes rows in a format for machines, each batch as soon as it is there.
pub struct Written {
    form: Form,
    target: Target,
    encoder: Option<Encoder>,
    began: Instant,
    held: Vec<u8>,
    has_written: bool,
    total: u64,
}

impl Written {
    pub fn new(form: Form, target: Target) -> Written {
        Written {
            form,
            target,
            encoder: None,
            began: Instant::now(),
            held: Vec::new(),
            has_written: false,
            total: 0,
        }
    }

    fn write_held(&mut self) -> Result<(), Error> {
        self.has_written |= !self.held.is_empty();
        self.target.write(&self.held)?;
        self.held.clear();
        Ok(())
    }
}

impl Take for Written {
    fn begin(&mut self, plan: &Arc<dyn ExecutionPlan>) -> Result<(), Error> {
        self.target.check(plan)?;
        let schema = plan.schema();
        // What only does something gives nothing.
        let has_columns = !schema.fields().is_empty();
        self.encoder = has_columns.then(|| Encoder::new(self.form.clone(), schema));
        Ok(())
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Error> {
        self.total += batch.num_rows() as u64;
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        self.held.extend(encoder.batch(&batch)?);
        if self.held.is_empty() || self.held.len() < HELD_BYTES && self.began.elapsed() < HELD_TIME {
            return Ok(());
        }
        self.write_held()
    }

    fn end(&mut self) -> Result<(), Error> {
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        self.held.extend(encoder.end()?);
        self.write_held()
    }

    fn start_over(&mut self) -> io::Result<bool> {
        self.total = 0;
        self.held.clear();
        match self.target.start {
            _ if !self.has_written => Ok(true),
            Some(start) => {
                self.target.to.set_len(start)?;
                (&*self.target.to).seek(SeekFrom::Start(start))?;
                self.has_written = false;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn total(&self) -> u64 {
        self.total
    }
}
