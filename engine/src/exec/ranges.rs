//! Which bytes of a file a partition owns.
//!
//! In: a file and the byte range that the planner gave the partition. Out: the bytes of whole records, exactly those that the
//! reader of the scan takes of the same range, less a header and a byte order mark. So the ranges of a file cover it without
//! overlap, whoever reads each of them.
//!
//! A record is owned by the range that its first byte is in. What a record is, the owner of the scan says: the reader of this
//! project knows where quotes are open ([`Ownership::ByRecord`]); for DataFusion's a LF ends a record also inside quotes, and it
//! plans ranges only where no value contains a line break.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use datafusion::common::{DataFusionError, Result as PlanResult, internal_err};
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::physical_plan::FileScanConfig;
use pushdown::fragment::{Fragment, StructuralBytes};
use weir_csv::rejects::ReadError;

use crate::format::{Claim, Difference, SpecSource};
use crate::scan::CsvFiles;

/// What `csv-core` strips from the beginning of a stream.
const BYTE_ORDER_MARK: &[u8; 3] = b"\xef\xbb\xbf";
/// Bytes read at a time when looking for a line end or the end of a header: what DataFusion reads at a time.
const READ_BYTES: usize = 8 << 10;
/// The same when looking for blank lines.
const BLANK_LINE_READ_BYTES: usize = 256 << 10;

/// Bytes of a file, read from front to back.
#[derive(Debug)]
pub struct Input<'a> {
    file: &'a File,
    position: u64,
    end: u64,
    /// Whether a record that goes on at the end shows that it was cut in a quoted field.
    pub ends_at_cut: bool,
}

impl<'a> Input<'a> {
    /// The bytes `[position, end)`, or up to the end of the file when that comes first.
    pub fn new(file: &'a File, position: u64, end: u64) -> Self {
        Input { file, position, end, ends_at_cut: false }
    }

    /// Fills the buffer. Fewer bytes mean that the input has ended.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.end - self.position).unwrap_or(usize::MAX));
        let mut filled = 0;
        while filled < wanted {
            match self.file.read_at(&mut buffer[filled..wanted], self.position) {
                Ok(0) => break,
                Ok(read) => {
                    filled += read;
                    self.position += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Lets the last `bytes` be read again.
    pub fn unread(&mut self, bytes: usize) {
        self.position -= bytes as u64;
    }

    /// The offset in the file of the first byte not read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The offset in the file behind the last byte, or more if the file ends before.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Whether the file has ended before the bytes that were to be read.
    pub fn is_cut_off(&self, position: u64) -> bool {
        self.end != u64::MAX && position < self.end
    }

    /// The file.
    pub fn file(&self) -> &'a File {
        self.file
    }
}

/// How a file begins.
#[derive(Debug, Clone, Copy)]
pub struct Preamble {
    /// The structural bytes.
    pub dialect: StructuralBytes,
    /// Whether the first record names the columns.
    pub has_header: bool,
    /// Fields of the header.
    pub field_count: usize,
    /// Whether the header may have fewer.
    pub truncated_rows: bool,
}

/// Why the owned bytes cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// The file could not be read.
    #[error("reading failed: {0}")]
    Read(#[from] io::Error),
    /// The planner's range is none.
    #[error("the byte range [{start}, {end}) is not valid")]
    Range {
        /// Its start.
        start: i64,
        /// Its end.
        end: i64,
    },
    /// DataFusion makes an error of it.
    #[error("the header has {found} fields, not {expected}")]
    HeaderFields {
        /// Columns of the table.
        expected: usize,
        /// Fields of the first record.
        found: usize,
    },
    /// Our reader could not look into the file.
    #[error("{0}")]
    Unread(#[from] ReadError),
    /// The header names other columns than the table has, or could not be read.
    #[error("{0}")]
    Header(Arc<DataFusionError>),
    /// It is not read as the table is.
    #[error("{0}")]
    Other(Difference),
    /// Where there is one column, a blank line is a record with an empty field. Programs pass over it.
    #[error("it has one column and a blank line, which is a record")]
    BlankLine,
    /// A quoted field lies across the beginning or the end of a range.
    #[error("it was cut within a quoted field")]
    QuotedCut,
    /// It is longer or shorter than when the query was planned.
    #[error("it changed since the query was planned")]
    Changed,
    /// Whether `csv-core` takes it for data there depends on how the bytes reach it.
    #[error("a line inside the file begins with a byte order mark")]
    ByteOrderMark,
}

/// How it is told which records a partition owns.
#[derive(Debug)]
pub enum Ownership {
    /// As DataFusion does: those whose lines begin in its ranges.
    ByLine(Preamble),
    /// As our own reader does: those that begin in its ranges, whatever is in their quotes.
    ByRecord {
        /// The scan's.
        source: Box<SpecSource>,
        /// The same.
        config: Box<FileScanConfig>,
        /// Nothing is given out before all was read, so that it need not be sure where a range begins before.
        is_late: bool,
    },
}

/// What is made of the places at which the planner has cut a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutsTaken {
    /// A record begins at the first line behind. It is asked at the end whether that was so.
    OnTrust,
    /// All in front of them is looked at for quotes.
    Exactly,
}

/// The bytes of a file that a partition owns. None: none.
#[derive(Debug)]
pub struct OwnedInput<'a> {
    pub input: Option<Input<'a>>,
    claim: Option<Claim>,
}

impl Ownership {
    /// Of the scan of a fragment.
    pub fn of(config: &FileScanConfig, fragment: &Fragment, cuts: CutsTaken) -> PlanResult<Self> {
        match CsvFiles::of(config) {
            None => internal_err!("the scan is not a scan of CSV files"),
            Some(CsvFiles::Spec(source)) => Ok(Ownership::ByRecord {
                source: Box::new(source.clone()),
                config: Box::new(config.clone()),
                is_late: cuts == CutsTaken::OnTrust,
            }),
            Some(CsvFiles::DataFusion(source)) => Ok(Ownership::ByLine(Preamble {
                dialect: fragment.dialect,
                has_header: source.has_header(),
                field_count: fragment.field_count,
                truncated_rows: source.truncate_rows(),
            })),
        }
    }

    /// The records of a file that a partition owns, to be confirmed when they were read.
    pub fn input<'a>(&self, file: &'a File, range: &PartitionedFile) -> Result<OwnedInput<'a>, RangeError> {
        let size = range.object_meta.size;
        let (source, config, is_late) = match self {
            Ownership::ByRecord { source, config, is_late } => (source, config, *is_late),
            Ownership::ByLine(preamble) => {
                let input = owned_input(file, size, range.range.as_ref(), preamble)?;
                return Ok(OwnedInput { input, claim: None });
            }
        };
        if size > 0 && file.metadata()?.len() != size {
            return Err(RangeError::Changed);
        }
        let order = source.order(file, &range.object_meta.location);
        let order = order.map_err(|error| RangeError::Header(Arc::new(error)))?;
        if let Some(difference) = order.difference() {
            return Err(RangeError::Other(difference));
        }
        let (bytes, claim) = match is_late {
            true => source.claimed_bytes(file, range).map(|(bytes, claim)| (bytes, Some(claim)))?,
            false => (source.owned_bytes(file, range, config)?, None),
        };
        let ends_at_cut = claim.is_some() && bytes.end < size;
        let input = || Input { ends_at_cut, ..Input::new(file, bytes.start, bytes.end) };
        if source.spec().columns.len() == 1 && !bytes.is_empty() && has_blank_line(input())? {
            return Err(RangeError::BlankLine);
        }
        Ok(OwnedInput { input: (!bytes.is_empty()).then(input), claim })
    }

    /// After the input was read: whether it was what the partition owns.
    pub fn confirm(
        &self,
        owned: OwnedInput<'_>,
        file: &File,
        range: &PartitionedFile,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<(), RangeError> {
        match (self, owned.claim) {
            (Ownership::ByRecord { source, config, .. }, Some(claim)) => {
                let holds = source.confirm(claim, file, range, config, is_cancelled)?;
                if holds { Ok(()) } else { Err(RangeError::QuotedCut) }
            }
            _ => Ok(()),
        }
    }
}

/// Whether there is a line without a byte, perhaps one within quotes. CRLF is one line end.
fn has_blank_line(mut input: Input<'_>) -> io::Result<bool> {
    let mut buffer = vec![0; BLANK_LINE_READ_BYTES];
    let mut line_start = input.position();
    // Behind a CR.
    let mut second_half = None;
    loop {
        let base = input.position();
        let read = input.read(&mut buffer)?;
        for at in memchr::memchr2_iter(b'\n', b'\r', &buffer[..read]) {
            let place = base + at as u64;
            let is_second_half = buffer[at] == b'\n' && second_half == Some(place);
            if place == line_start && !is_second_half {
                return Ok(true);
            }
            line_start = place + 1;
            second_half = (buffer[at] == b'\r').then_some(line_start);
        }
        if read < buffer.len() {
            return Ok(false);
        }
    }
}

/// The records that a partition owns. None: it owns none. Without a range it owns the whole file.
pub fn owned_input<'a>(
    file: &'a File,
    file_size: u64,
    range: Option<&FileRange>,
    preamble: &Preamble,
) -> Result<Option<Input<'a>>, RangeError> {
    let (start, end) = match range {
        None => (0, u64::MAX),
        Some(range) => match aligned(file, file_size, range)? {
            None => return Ok(None),
            Some(bytes) => bytes,
        },
    };
    let at_file_start = range.is_none_or(|range| range.start == 0);
    let start = if at_file_start && preamble.has_header {
        skip_header(Input::new(file, start, end), preamble)?
    } else if !has_byte_order_mark(file, start, end)? {
        start
    } else if at_file_start {
        start + BYTE_ORDER_MARK.len() as u64
    } else {
        return Err(RangeError::ByteOrderMark);
    };
    Ok(Some(Input::new(file, start, end)))
}

/// From behind the first LF at or after `start - 1`, through the first LF at or after `end - 1`.
fn aligned(file: &File, file_size: u64, range: &FileRange) -> Result<Option<(u64, u64)>, RangeError> {
    let (Ok(start), Ok(end)) = (u64::try_from(range.start), u64::try_from(range.end)) else {
        return Err(RangeError::Range { start: range.start, end: range.end });
    };
    if start >= end || start >= file_size {
        return Ok(None);
    }
    let aligned_start = match start {
        0 => 0,
        _ => match find_line_end(file, start - 1, end.min(file_size))? {
            // A line that starts at `end` belongs to the next range; at the end of the file there is none.
            Some(line_start) if line_start < end => line_start,
            _ => return Ok(None),
        },
    };
    let aligned_end = match end {
        _ if end >= file_size => file_size,
        _ => find_line_end(file, end - 1, file_size)?.unwrap_or(file_size),
    };
    Ok(Some((aligned_start, aligned_end)))
}

/// The offset behind the first LF in `[from, to)`.
fn find_line_end(file: &File, from: u64, to: u64) -> io::Result<Option<u64>> {
    let mut input = Input::new(file, from, to);
    let mut buffer = [0; READ_BYTES];
    loop {
        let base = input.position();
        let read = input.read(&mut buffer)?;
        if let Some(index) = buffer[..read].iter().position(|&byte| byte == b'\n') {
            return Ok(Some(base + index as u64 + 1));
        }
        if read < buffer.len() {
            return Ok(None);
        }
    }
}

fn has_byte_order_mark(file: &File, start: u64, end: u64) -> io::Result<bool> {
    let mut first = [0; BYTE_ORDER_MARK.len()];
    let read = Input::new(file, start, end).read(&mut first)?;
    Ok(&first[..read] == BYTE_ORDER_MARK)
}

/// The offset behind the header. It ends where `csv-core` says, which also strips the byte order mark.
fn skip_header(mut input: Input<'_>, preamble: &Preamble) -> Result<u64, RangeError> {
    let mut record = RecordEnd::at_stream_start(&preamble.dialect);
    let mut buffer = [0; READ_BYTES];
    loop {
        let base = input.position();
        let read = input.read(&mut buffer)?;
        if let Some(length) = record.find(&buffer[..read]) {
            record.check_header(preamble)?;
            return Ok(base + length as u64);
        }
        if read < buffer.len() {
            // The end of the input ends the record, if there is one.
            if record.finish() {
                record.check_header(preamble)?;
            }
            return Ok(input.position());
        }
    }
}

/// Finds where a record ends, in pieces, with the reader that DataFusion uses.
#[derive(Debug)]
pub struct RecordEnd {
    reader: Reader,
    field_count: usize,
}

impl RecordEnd {
    /// For a record at the beginning of a file: strips a byte order mark.
    pub fn at_stream_start(dialect: &StructuralBytes) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(dialect.delimiter).quote(dialect.quote).escape(dialect.escape);
        RecordEnd { reader: builder.build(), field_count: 0 }
    }

    /// For a record inside a file.
    pub fn inside(dialect: &StructuralBytes) -> Self {
        let mut record = Self::at_stream_start(dialect);
        // After a blank line the stream has begun, so that a mark is data.
        record.find(b"\n");
        record
    }

    /// Looks at the next bytes. If the record ends among them: how many of them belong to it.
    pub fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let (mut fields, mut ends) = ([0; 1024], [0; 64]);
        let mut position = 0;
        // An empty input would mean the end of the stream.
        while position < bytes.len() {
            let (result, read, _, end_count) =
                self.reader.read_record(&bytes[position..], &mut fields, &mut ends);
            position += read;
            self.field_count += end_count;
            if result == ReadRecordResult::Record {
                return Some(position);
            }
        }
        None
    }

    /// No more bytes follow. Whether they end a record.
    fn finish(&mut self) -> bool {
        let (result, _, _, end_count) = self.reader.read_record(&[], &mut [0], &mut [0]);
        self.field_count += end_count;
        result == ReadRecordResult::Record
    }

    fn check_header(&self, preamble: &Preamble) -> Result<(), RangeError> {
        let (expected, found) = (preamble.field_count, self.field_count);
        if found == expected || (preamble.truncated_rows && found < expected) {
            Ok(())
        } else {
            Err(RangeError::HeaderFields { expected, found })
        }
    }
}
