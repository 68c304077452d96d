//! Records of CSV files, read as arrow-csv reads them.
//!
//! In: a file, or the part of it that a partition had. Out: its records, each with the place where it begins, its bytes
//! and its decoded fields, as long as the budget of bytes lasts.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;

/// Bytes that are read for one error, in all files together.
pub const READ_BYTES_MAX: u64 = 256 << 20;
/// A longer record is not shown.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
const BUFFER_BYTES: usize = 64 << 10;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDialect {
    pub delimiter: u8,
    pub quote: u8,
    pub escape: Option<u8>,
    pub terminator: Option<u8>,
    pub comment: Option<u8>,
}

/// A file, or a part of one, that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub path: PathBuf,
    /// The bytes of its partition; nothing if it was read from its beginning to its end.
    pub range: Option<(u64, u64)>,
    pub dialect: FileDialect,
    pub compression: FileCompressionType,
    /// Names of its columns, as far as they are known.
    pub columns: Arc<[String]>,
}

/// A record and its decoded fields.
pub struct Record {
    /// Where it begins.
    pub offset: u64,
    /// Without the line end.
    pub raw: Vec<u8>,
    pub fields: Vec<Vec<u8>>,
}

impl Record {
    /// The fields, if all of them are text.
    pub fn texts(&self) -> Option<Vec<&str>> {
        self.fields.iter().map(|field| str::from_utf8(field).ok()).collect()
    }
}

/// Reads records as arrow-csv does, with the same parser and from the same bytes.
pub struct RecordReader {
    input: BufReader<io::Take<Box<dyn Read + Send>>>,
    parser: Reader,
    dialect: FileDialect,
    offset: u64,
    budget: u64,
    begin: u64,
    /// Of one piece of a record.
    output: Vec<u8>,
    ends: Vec<usize>,
}

impl RecordReader {
    pub fn open(candidate: &Candidate, budget: u64) -> io::Result<RecordReader> {
        let mut file = File::open(&candidate.path)?;
        let size = file.metadata()?.len();
        let terminator = candidate.dialect.terminator.unwrap_or(b'\n');
        let (begin, end) = match candidate.range {
            Some((begin, end)) => (
                record_begin(&mut file, begin, size, terminator)?,
                record_begin(&mut file, end, size, terminator)?,
            ),
            None => (0, u64::MAX),
        };
        file.seek(SeekFrom::Start(begin))?;
        let bytes = candidate.compression.convert_read(file).map_err(io::Error::other)?;
        let bytes: Box<dyn Read + Send> = bytes;
        Ok(RecordReader {
            // One byte more than allowed tells that there was more.
            input: BufReader::with_capacity(
                BUFFER_BYTES,
                bytes.take(end.saturating_sub(begin).min(budget.saturating_add(1))),
            ),
            parser: parser(candidate.dialect),
            dialect: candidate.dialect,
            offset: begin,
            budget,
            begin,
            output: vec![0; BUFFER_BYTES],
            ends: vec![0; 1024],
        })
    }

    /// What is left of the budget; nothing if it was used up.
    pub fn budget_left(&self) -> Option<u64> {
        self.budget.checked_sub(self.offset - self.begin)
    }

    /// The n-th record from here, counted from 1.
    pub fn nth(&mut self, ordinal: u64) -> io::Result<Option<Record>> {
        for _ in 1..ordinal {
            if self.skip(&mut |_| {}, &mut |_, _| {})?.is_none() {
                return Ok(None);
            }
        }
        self.next()
    }

    /// The next record; nothing at the end.
    pub fn next(&mut self) -> io::Result<Option<Record>> {
        let begin = self.offset;
        let mut raw = Vec::new();
        let mut data = Vec::new();
        let mut field_ends = Vec::new();
        let read = self.skip(
            &mut |bytes| {
                // One byte more tells that it is too long.
                let room = (RECORD_BYTES_MAX + 1).saturating_sub(raw.len()).min(bytes.len());
                raw.extend_from_slice(&bytes[..room]);
            },
            &mut |bytes, ends| {
                let room = (RECORD_BYTES_MAX + 1).saturating_sub(data.len()).min(bytes.len());
                data.extend_from_slice(&bytes[..room]);
                field_ends.extend_from_slice(ends);
            },
        )?;
        if read.is_none() {
            return Ok(None);
        }
        if raw.len() > RECORD_BYTES_MAX {
            return Err(io::Error::other("the record is too long"));
        }
        let lead = self.lead(&raw);
        let body = self.without_terminator(&raw[lead..]).to_vec();
        let mut fields = Vec::with_capacity(field_ends.len());
        let mut at = 0;
        for end in field_ends {
            // Ends are counted from the beginning of the record.
            fields.push(data.get(at..end).unwrap_or_default().to_vec());
            at = end;
        }
        Ok(Some(Record { offset: begin + lead as u64, raw: body, fields }))
    }

    /// Reads one record piece by piece: the raw bytes, then decoded bytes and ends of fields. Nothing at the end.
    fn skip(
        &mut self,
        raw: &mut dyn FnMut(&[u8]),
        decoded: &mut dyn FnMut(&[u8], &[usize]),
    ) -> io::Result<Option<()>> {
        loop {
            let input = self.input.fill_buf()?;
            let (result, read, written, ended) =
                self.parser.read_record(input, &mut self.output, &mut self.ends);
            raw(&input[..read]);
            decoded(&self.output[..written], &self.ends[..ended]);
            self.input.consume(read);
            self.offset += read as u64;
            match result {
                ReadRecordResult::Record => return Ok(Some(())),
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::InputEmpty
                | ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull => {}
            }
        }
    }

    /// Bytes in front of a record that the parser skips: the mark of UTF-8, blank lines, comments, and the second byte
    /// of the CRLF before it.
    fn lead(&self, raw: &[u8]) -> usize {
        let mut at = 0;
        if self.offset <= raw.len() as u64 && raw.starts_with(b"\xef\xbb\xbf") {
            at = 3;
        }
        loop {
            match raw.get(at) {
                Some(&byte) if self.is_terminator(byte) => at += 1,
                Some(&byte) if self.dialect.comment == Some(byte) => {
                    let end = raw[at..].iter().position(|&byte| self.is_terminator(byte));
                    at += end.unwrap_or(raw.len() - at);
                }
                _ => return at,
            }
        }
    }

    fn without_terminator<'a>(&self, mut raw: &'a [u8]) -> &'a [u8] {
        while let Some((&last, rest)) = raw.split_last()
            && self.is_terminator(last)
        {
            raw = rest;
        }
        raw
    }

    fn is_terminator(&self, byte: u8) -> bool {
        match self.dialect.terminator {
            Some(terminator) => byte == terminator,
            None => matches!(byte, b'\n' | b'\r'),
        }
    }
}

/// As `Format::build_parser` of arrow-csv makes it.
fn parser(dialect: FileDialect) -> Reader {
    let mut builder = ReaderBuilder::new();
    builder.escape(dialect.escape).comment(dialect.comment).delimiter(dialect.delimiter).quote(dialect.quote);
    if let Some(terminator) = dialect.terminator {
        builder.terminator(Terminator::Any(terminator));
    }
    builder.build()
}

/// A range of bytes owns the lines that begin in it (`AlignedBoundaryStream` of datafusion-datasource): where the first
/// line begins that is not before `position`.
fn record_begin(file: &mut File, position: u64, size: u64, terminator: u8) -> io::Result<u64> {
    if position == 0 || position >= size {
        return Ok(position.min(size));
    }
    file.seek(SeekFrom::Start(position - 1))?;
    let mut line = Vec::new();
    let read = BufReader::new(&*file).take(READ_BYTES_MAX).read_until(terminator, &mut line)?;
    Ok(position - 1 + read as u64)
}

/// The number of the line at an offset, as editors count.
pub fn line_of(candidate: &Candidate, offset: u64) -> io::Result<Option<u64>> {
    if offset > READ_BYTES_MAX * 4 {
        return Ok(None);
    }
    let file = File::open(&candidate.path)?;
    let bytes = candidate.compression.convert_read(file).map_err(io::Error::other)?;
    let mut input = BufReader::with_capacity(BUFFER_BYTES, bytes.take(offset));
    let mut lines = 1;
    let mut after_return = false;
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(Some(lines));
        }
        for &byte in bytes {
            lines += u64::from(byte == b'\r' || byte == b'\n' && !after_return);
            after_return = byte == b'\r';
        }
        let read = bytes.len();
        input.consume(read);
    }
}
