//! Bytes of a file to UTF-8 text.
//!
//! In: the bytes as they lie there. Out: unpacked and transcoded ones, as [`Read`]. A plain UTF-8 file passes through
//! untouched, and costs nothing.
//!
//! Bytes that mean nothing in their encoding become the byte `0xFF`, which no UTF-8 text has. So a bad character of any encoding
//! is found where the text is checked, and is a bad record with a place, not a character that nobody wrote.

#[cfg(test)]
mod tests;
mod transcode;

use std::io::{self, BufReader, Read};

use crate::spec::{Compression, CsvSpec, Encoding};
use transcode::Transcoder;

/// Bytes of a packed file that are read at a time.
const PACKED_BYTES: usize = 64 << 10;

/// The UTF-8 text of the file whose bytes `file` gives. The byte order mark is still there, as that of UTF-8.
pub fn text<'a>(file: impl Read + Send + 'a, spec: &CsvSpec) -> io::Result<Box<dyn Read + Send + 'a>> {
    let unpacked = unpacked(file, spec.compression)?;
    Ok(match spec.encoding {
        Encoding::Utf8 => unpacked,
        encoding => Box::new(Transcoder::new(unpacked, encoding)),
    })
}

/// The bytes of the file before it was packed. A file of several packed pieces is all of them.
pub fn unpacked<'a>(
    file: impl Read + Send + 'a,
    compression: Compression,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    if compression == Compression::None {
        return Ok(Box::new(file));
    }
    let file = BufReader::with_capacity(PACKED_BYTES, file);
    Ok(match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        Compression::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(file)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(file)?),
    })
}

/// Whether the bytes of the file are its text, so that a part of it can be read by itself.
pub fn is_plain(spec: &CsvSpec) -> bool {
    spec.compression == Compression::None && spec.encoding == Encoding::Utf8
}
