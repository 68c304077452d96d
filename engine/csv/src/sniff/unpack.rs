//! What a file is by its first bytes, and the head of a packed one.
//!
//! In: the first bytes of a file, or a reader of all of it. Out: how it is packed, or that it is no text at all; and up to a
//! given count of unpacked bytes.

use std::io::{self, Read};

use crate::spec::Compression;

/// Bytes that are enough for [`compression`] and [`not_csv`].
pub(super) const MAGIC_BYTES: usize = 16;

/// Files that people keep beside their CSV files, and that are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Other {
    /// Apache Parquet.
    Parquet,
    /// Arrow's file format (Feather).
    Arrow,
    /// Apache Avro.
    Avro,
    /// Apache ORC.
    Orc,
    /// A zip archive, which a spreadsheet (`.xlsx`, `.ods`) is too.
    Zip,
    /// PDF.
    Pdf,
    /// A SQLite database.
    Sqlite,
    /// A spreadsheet of the old kind (`.xls`).
    OldSpreadsheet,
    /// JSON, or one JSON object a line.
    Json,
    /// Text, four bytes a character.
    Utf32,
    /// Zero bytes without being UTF-16.
    Binary,
}

impl Other {
    /// What to do with it.
    pub fn cure(self) -> &'static str {
        match self {
            Other::Json => "Name it .json, or .ndjson if each line is an object, and it is read as that",
            Other::Parquet => "Name it .parquet, and it is read as that",
            Other::Arrow => "Name it .arrow, and it is read as that",
            Other::Avro => "Name it .avro, and it is read as that",
            Other::Zip => "Unpack it, or save the spreadsheet as CSV",
            Other::OldSpreadsheet => "Save the spreadsheet as CSV",
            Other::Orc | Other::Pdf | Other::Sqlite => "Export what is in it as CSV",
            Other::Utf32 => "Make it UTF-8: iconv -f UTF-32 -t UTF-8",
            Other::Binary => {
                "Export what is in it as CSV; if it is text, declare how it is written with --encoding"
            }
        }
    }
}

impl std::fmt::Display for Other {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Other::Parquet => "a Parquet file",
            Other::Arrow => "an Arrow file",
            Other::Avro => "an Avro file",
            Other::Orc => "an ORC file",
            Other::Zip => "a zip archive or a spreadsheet",
            Other::Pdf => "a PDF",
            Other::Sqlite => "a SQLite database",
            Other::OldSpreadsheet => "a spreadsheet",
            Other::Json => "JSON",
            Other::Utf32 => "written in UTF-32",
            Other::Binary => "no text: it has zero bytes",
        })
    }
}

/// How the file is packed.
pub(super) fn compression(first: &[u8]) -> Compression {
    match first {
        [0x1f, 0x8b, 8, ..] => Compression::Gzip,
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Compression::Bzip2,
        // An empty bzip2 file has the end's mark in its place.
        [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Compression::Bzip2,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        // A skippable frame may stand in front (RFC 8878, section 3.1.2).
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

/// Whether the bytes are those of a known format that is no CSV.
pub fn not_csv(first: &[u8]) -> Option<Other> {
    const MAGIC: [(&[u8], Other); 8] = [
        (b"PAR1", Other::Parquet),
        (b"ARROW1", Other::Arrow),
        (b"Obj\x01", Other::Avro),
        (b"ORC", Other::Orc),
        (b"PK\x03\x04", Other::Zip),
        (b"%PDF-", Other::Pdf),
        (b"SQLite format 3\0", Other::Sqlite),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Other::OldSpreadsheet),
    ];
    let (magic, other) = MAGIC.into_iter().find(|(magic, _)| first.starts_with(magic))?;
    // Three letters of text could be a name: what follows in an ORC file is no text.
    let is_text = first[magic.len()..]
        .iter()
        .take(8)
        .all(|byte| (b' '..0x7f).contains(byte) || b"\r\n\t".contains(byte));
    if other == Other::Orc && is_text { None } else { Some(other) }
}

/// Whether a text begins as JSON that holds objects does: `{"a":` or `[{"a":`.
pub(super) fn is_json(text: &[u8]) -> bool {
    let mut rest = text.trim_ascii_start();
    rest = rest.strip_prefix(b"[").unwrap_or(rest).trim_ascii_start();
    let Some(name) = rest.strip_prefix(b"{").and_then(|rest| rest.trim_ascii_start().strip_prefix(b"\""))
    else {
        return false;
    };
    let Some(end) = memchr::memchr(b'"', name) else { return false };
    name[end + 1..].trim_ascii_start().starts_with(b":")
}

/// The head of what a packed file holds.
pub(super) struct Unpacked {
    /// At most the count of bytes that was asked for.
    pub bytes: Vec<u8>,
    /// Whether there is no more.
    pub is_whole: bool,
}

/// Unpacks up to `bytes_max` bytes. A file that is cut or damaged behind its head gives what could be unpacked: the reader
/// will tell.
pub(super) fn head(
    packed: impl Read + Send,
    compression: Compression,
    bytes_max: usize,
) -> io::Result<Unpacked> {
    let mut unpacker = crate::bytes::unpacked(packed, compression)?;
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 << 10];
    while bytes.len() < bytes_max {
        let room = piece.len().min(bytes_max - bytes.len());
        match unpacker.read(&mut piece[..room]) {
            Ok(0) => return Ok(Unpacked { bytes, is_whole: true }),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if bytes.is_empty() => return Err(error),
            Err(_) => return Ok(Unpacked { bytes, is_whole: false }),
        }
    }
    Ok(Unpacked { bytes, is_whole: false })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn pack(text: &[u8], how: Compression) -> Vec<u8> {
        match how {
            Compression::None => text.to_vec(),
            Compression::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                writer.write_all(text).unwrap();
                writer.finish().unwrap()
            }
            Compression::Bzip2 => {
                let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                writer.write_all(text).unwrap();
                writer.finish().unwrap()
            }
            Compression::Xz => {
                let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 1);
                writer.write_all(text).unwrap();
                writer.finish().unwrap()
            }
            Compression::Zstd => zstd::stream::encode_all(text, 1).unwrap(),
        }
    }

    #[test]
    fn packed_files_are_known_by_their_bytes() {
        let kinds =
            [Compression::None, Compression::Gzip, Compression::Bzip2, Compression::Xz, Compression::Zstd];
        for how in kinds {
            for text in [&b""[..], b"a,b\n1,2\n"] {
                let packed = pack(text, how);
                assert_eq!(compression(&packed), how, "{text:?}");
                let unpacked = head(&packed[..], how, 1000).unwrap();
                assert_eq!((&unpacked.bytes[..], unpacked.is_whole), (text, true), "{how:?}");
            }
            let packed = pack(&b"0123456789".repeat(1000), how);
            let unpacked = head(&packed[..], how, 100).unwrap();
            assert_eq!((unpacked.bytes.len(), unpacked.is_whole), (100, false), "{how:?}");
            // A cut file is an error or a part, never a panic.
            for end in 0..packed.len().min(300) {
                let _ = head(&packed[..end], how, 100_000);
            }
        }
    }

    #[test]
    fn other_formats_are_told() {
        assert_eq!(not_csv(b"PAR1\x15\x04"), Some(Other::Parquet));
        assert_eq!(not_csv(b"ORC\x0a\x03\x01\x02\x03"), Some(Other::Orc));
        assert_eq!(not_csv(b"ORC,b\n1,2"), None);
        assert_eq!(not_csv(b"a,b\n"), None);
        assert_eq!(not_csv(b""), None);
    }
}
