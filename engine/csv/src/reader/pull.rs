//! Batches of anything that can be read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::options::ReadOptions;
use super::{Decoded, Decoder};
use crate::bytes;
use crate::rejects::{ReadError, Reject};
use crate::spec::CsvSpec;

/// Reads a file from front to back. An iterator of batches; behind an error there is nothing.
pub struct Reader<'a> {
    text: Box<dyn Read + Send + 'a>,
    decoder: Decoder,
    file: Arc<str>,
    has_failed: bool,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reader").field("decoder", &self.decoder).finish_non_exhaustive()
    }
}

impl Reader<'static> {
    /// Reads the file at a path, from where the options say.
    pub fn open(path: &Path, spec: &CsvSpec, options: &ReadOptions) -> Result<Self, ReadError> {
        let failed = |error: io::Error| read_error(&options.file, options.start.offset, error);
        let mut file = File::open(path).map_err(failed)?;
        if options.start.offset > 0 {
            file.seek(SeekFrom::Start(options.start.offset)).map_err(failed)?;
        }
        Reader::new(file, spec, options)
    }
}

impl<'a> Reader<'a> {
    /// Reads `file`, whose first byte is that of the options' start.
    pub fn new(
        file: impl Read + Send + 'a,
        spec: &CsvSpec,
        options: &ReadOptions,
    ) -> Result<Self, ReadError> {
        let decoder = Decoder::new(spec, options)?;
        let text = bytes::text(file, spec).map_err(|error| read_error(&options.file, 0, error))?;
        Ok(Reader { text, decoder, file: Arc::clone(&options.file), has_failed: false })
    }

    /// Of the batches.
    pub fn schema(&self) -> &SchemaRef {
        self.decoder.schema()
    }

    /// The rejects since the last time, in the order of the file.
    pub fn take_rejects(&mut self) -> Vec<Reject> {
        self.decoder.take_rejects()
    }

    /// The byte where the first record begins that was not read yet.
    pub fn offset(&self) -> u64 {
        self.decoder.offset()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        loop {
            match self.decoder.decode()? {
                Decoded::Batch(batch) => return Ok(Some(batch)),
                Decoded::End => return Ok(None),
                Decoded::More => self.read()?,
            }
        }
    }

    fn read(&mut self) -> Result<(), ReadError> {
        match self.text.read(self.decoder.space()) {
            Ok(0) => self.decoder.end(),
            Ok(count) => self.decoder.advance(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What came before the error is read first: it is the same wherever the text was cut.
            Err(error) => self.decoder.fail(read_error(&self.file, self.decoder.received(), error)),
        }
        Ok(())
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let next = self.next_batch();
        self.has_failed = next.is_err();
        next.transpose()
    }
}

fn read_error(file: &Arc<str>, offset: u64, error: io::Error) -> ReadError {
    ReadError::Read { file: Arc::clone(file), offset, source: Arc::new(error) }
}
