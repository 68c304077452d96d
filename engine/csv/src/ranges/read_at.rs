//! Reading a file at any place.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes that are read at a time.
pub(super) const READ_BYTES: usize = 256 << 10;

/// A file that can be read anywhere.
pub trait ReadAt: Sync {
    /// Reads bytes from a place. None means that the file ends.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// Appends what follows `text`, which begins at `offset`. Whether the file ends with it.
pub(super) fn read_more(file: &(impl ReadAt + ?Sized), offset: u64, text: &mut Vec<u8>) -> io::Result<bool> {
    let filled = text.len();
    text.resize(filled + READ_BYTES, 0);
    let mut read = 0;
    while read < READ_BYTES {
        match file.read_at(&mut text[filled + read..], offset + (filled + read) as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    text.truncate(filled + read);
    Ok(read < READ_BYTES)
}
