//! Which bytes of a file a partition owns.
//!
//! In: a file and the byte range that the planner gave the partition. Out: the bytes of whole lines, exactly those
//! that DataFusion's `AlignedBoundaryStream` yields for the same range, less a header and a byte order mark. So the
//! ranges of a file cover it without overlap, whoever reads each of them.
//!
//! A line is owned by the range that its first byte is in. Lines are cut at LF, also inside quotes: DataFusion only
//! plans ranges where no value contains a line break.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use datafusion::datasource::listing::FileRange;
use pushdown::fragment::Dialect;

/// What `csv-core` strips from the beginning of a stream.
const BYTE_ORDER_MARK: &[u8; 3] = b"\xef\xbb\xbf";
/// Bytes read at a time when looking for a line end or the end of a header: what DataFusion reads at a time.
const READ_BYTES: usize = 8 << 10;

/// Bytes of a file, read from front to back.
#[derive(Debug)]
pub struct Input<'a> {
    file: &'a File,
    position: u64,
    end: u64,
}

impl<'a> Input<'a> {
    /// The bytes `[position, end)`, or up to the end of the file when that comes first.
    pub fn new(file: &'a File, position: u64, end: u64) -> Self {
        Input { file, position, end }
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

    /// The file.
    pub fn file(&self) -> &'a File {
        self.file
    }
}

/// How a file begins.
#[derive(Debug, Clone, Copy)]
pub struct Preamble {
    /// The structural bytes.
    pub dialect: Dialect,
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
    Header {
        /// Columns of the table.
        expected: usize,
        /// Fields of the first record.
        found: usize,
    },
    /// Whether `csv-core` takes it for data there depends on how the bytes reach it.
    #[error("a line inside the file begins with a byte order mark")]
    ByteOrderMark,
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
    pub fn at_stream_start(dialect: &Dialect) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(dialect.delimiter).quote(dialect.quote).escape(dialect.escape);
        RecordEnd { reader: builder.build(), field_count: 0 }
    }

    /// For a record inside a file.
    pub fn inside(dialect: &Dialect) -> Self {
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
            Err(RangeError::Header { expected, found })
        }
    }
}
