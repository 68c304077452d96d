//! Which bytes of a file are looked at.
//!
//! In: a path, or bytes that somebody has read. Out: the head, unpacked, and places between and the end of a large file that is not
//! packed. All of a small file is its head. Memory and time are bounded whatever the file's size.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::spec::Compression;

use super::guess::SniffError;
use super::overrides::Overrides;
use super::unpack::{self, MAGIC_BYTES};

/// A file of this size is looked at as a whole.
const WHOLE_BYTES: u64 = 2 << 20;
/// The head of a larger one.
const HEAD_BYTES: usize = 384 << 10;
/// The head of one whose records are very long.
const HEAD_BYTES_MAX: usize = 16 << 20;
/// Lines that a head must have, or it is made longer.
const HEAD_LINES: usize = 24;
/// Places between the head and the end.
const PLACES: u64 = 11;
/// Bytes of a place, and of the end.
const PLACE_BYTES: usize = 64 << 10;
/// The same where lines are very long.
const PLACE_BYTES_MAX: usize = 1 << 20;
/// Lines that a place is to have.
const PLACE_LINES: usize = 16;

/// Bytes from somewhere in a file.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub bytes: Vec<u8>,
    /// Its last byte is the file's last.
    pub is_end: bool,
}

/// What is looked at.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub compression: Compression,
    pub head: Vec<u8>,
    /// There is nothing behind the head.
    pub is_whole: bool,
    pub places: Vec<Place>,
}

impl Sample {
    /// Looks at a file.
    pub fn of_path(path: &Path, declared: &Overrides) -> Result<Sample, SniffError> {
        let failed = |source| SniffError::Read { path: path.to_owned(), source };
        // A pipe would block, and what is read from it is lost for the reader.
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(SniffError::NotAFile { path: path.to_owned() });
        }
        let mut file = File::open(path).map_err(failed)?;
        let mut first = read_up_to(&mut file, MAGIC_BYTES).map_err(failed)?;
        let compression = declared.compression.unwrap_or_else(|| unpack::compression(&first));
        if compression == Compression::None
            && let Some(other) = unpack::not_csv(&first)
        {
            return Err(SniffError::Other { path: path.to_owned(), other });
        }
        if compression != Compression::None {
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
            return Sample::unpacked(file, compression).map_err(failed);
        }
        let is_small = metadata.len() <= WHOLE_BYTES;
        let room = if is_small { WHOLE_BYTES as usize } else { HEAD_BYTES };
        first.extend(read_up_to(&mut file, room - first.len()).map_err(failed)?);
        // A file that tells no size, or has grown, may have more.
        let mut is_whole = first.len() < room;
        let mut head = first;
        while !is_whole && lines(&head) < HEAD_LINES && head.len() < HEAD_BYTES_MAX {
            let more = read_up_to(&mut file, head.len()).map_err(failed)?;
            is_whole = more.len() < head.len();
            head.extend(more);
        }
        let mut sample = Sample { compression, head, is_whole, places: Vec::new() };
        if !is_whole {
            sample.add_places(&mut file, metadata.len()).map_err(failed)?;
        }
        Ok(sample)
    }

    /// Looks at bytes from the beginning of a file or a pipe.
    pub fn of_bytes(bytes: &[u8], is_whole: bool, declared: &Overrides) -> Result<Sample, SniffError> {
        let path = || std::path::PathBuf::from("-");
        let compression = declared.compression.unwrap_or_else(|| unpack::compression(bytes));
        if compression == Compression::None {
            if let Some(other) = unpack::not_csv(bytes) {
                return Err(SniffError::Other { path: path(), other });
            }
            return Ok(Sample { compression, head: bytes.to_vec(), is_whole, places: Vec::new() });
        }
        let mut sample = Sample::unpacked(bytes, compression)
            .map_err(|source| SniffError::Read { path: path(), source })?;
        sample.is_whole &= is_whole;
        Ok(sample)
    }

    fn unpacked(packed: impl Read + Send, compression: Compression) -> std::io::Result<Sample> {
        let unpacked = unpack::head(packed, compression, WHOLE_BYTES as usize)?;
        Ok(Sample { compression, head: unpacked.bytes, is_whole: unpacked.is_whole, places: Vec::new() })
    }

    /// Adds places between the head and the end, and the end.
    fn add_places(&mut self, file: &mut File, file_bytes: u64) -> std::io::Result<()> {
        let line_bytes = self.head.len() / lines(&self.head).max(1);
        let place_bytes = (line_bytes * PLACE_LINES).clamp(PLACE_BYTES, PLACE_BYTES_MAX);
        let head_bytes = self.head.len() as u64;
        let Some(between) = file_bytes.checked_sub(head_bytes + place_bytes as u64) else {
            return Ok(());
        };
        for index in 1..=PLACES {
            let is_end = index == PLACES;
            // Even, so that it is also a place between characters of UTF-16.
            let start = (head_bytes + between / PLACES * index) & !1;
            let start = if is_end { (file_bytes - place_bytes as u64) & !1 } else { start };
            file.seek(SeekFrom::Start(start))?;
            // The end may have grown by a byte since.
            let bytes = read_up_to(file, place_bytes + usize::from(is_end))?;
            let is_end = is_end && bytes.len() <= place_bytes + 1;
            self.places.push(Place { bytes, is_end });
        }
        Ok(())
    }
}

/// Reads until there is nothing more or the room is full.
fn read_up_to(file: &mut File, bytes_max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(bytes_max as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Line ends, roughly.
fn lines(bytes: &[u8]) -> usize {
    let feeds = memchr::memchr_iter(b'\n', bytes).count();
    if feeds > 0 { feeds } else { memchr::memchr_iter(b'\r', bytes).count() }
}
