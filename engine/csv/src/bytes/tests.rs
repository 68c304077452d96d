//! What is packed and transcoded comes out as it was written, however it is read.

use std::io::{Read, Write};

use super::*;
use crate::testing::Random;

/// Hands out a few bytes at a time.
struct Slow<'a>(&'a [u8], Random);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (1 + self.1.below(5)).min(buffer.len());
        self.0.read(&mut buffer[..count])
    }
}

fn read(bytes: &[u8], compression: Compression, encoding: Encoding) -> io::Result<Vec<u8>> {
    let spec = CsvSpec { compression, encoding, ..CsvSpec::default() };
    let mut whole = Vec::new();
    text(bytes, &spec)?.read_to_end(&mut whole)?;
    let mut slow = Vec::new();
    text(Slow(bytes, Random::new(5)), &spec)?.read_to_end(&mut slow)?;
    assert_eq!(slow, whole);
    Ok(whole)
}

#[test]
fn encodings_become_utf8() {
    let text = "a,é,€,\u{1f600}\r\n".repeat(10_000);
    let utf16: Vec<u16> = std::iter::once(0xfeff).chain(text.encode_utf16()).collect();
    let little: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let marked = format!("\u{feff}{text}");
    assert_eq!(read(&little, Compression::None, Encoding::Utf16Le).unwrap(), marked.as_bytes());
    assert_eq!(read(&big, Compression::None, Encoding::Utf16Be).unwrap(), marked.as_bytes());
    assert_eq!(read(b"caf\xe9 \x80", Compression::None, Encoding::Windows1252).unwrap(), "café €".as_bytes());
    assert_eq!(read(b"\xff\xfe", Compression::None, Encoding::Utf8).unwrap(), b"\xff\xfe");
}

#[test]
fn what_means_nothing_becomes_no_character() {
    // Half of a pair, then the half of a unit.
    let bytes = [b'a', 0, 0, 0xd8, b'b', 0, b'c'];
    assert_eq!(read(&bytes, Compression::None, Encoding::Utf16Le).unwrap(), b"a\xffb\xff");
}

#[test]
fn packed_files_of_several_pieces_are_unpacked_to_the_end() {
    let text = b"1,abc\n2,def\n".repeat(5_000);
    let (first, second) = text.split_at(20_001);
    let both = |pack: &dyn Fn(&[u8]) -> Vec<u8>| [pack(first), pack(second)].concat();
    let gzip = both(&|part| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(part).unwrap();
        encoder.finish().unwrap()
    });
    let bzip2 = both(&|part| {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(part).unwrap();
        encoder.finish().unwrap()
    });
    let xz = both(&|part| {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(part).unwrap();
        encoder.finish().unwrap()
    });
    let zstd = both(&|part| zstd::stream::encode_all(part, 1).unwrap());
    let kinds = [
        (Compression::Gzip, gzip),
        (Compression::Bzip2, bzip2),
        (Compression::Xz, xz),
        (Compression::Zstd, zstd),
    ];
    for (compression, packed) in kinds {
        assert_eq!(read(&packed, compression, Encoding::Utf8).unwrap(), text, "{compression:?}");
        // A file that was cut is an error, and no shorter file.
        let cut = &packed[..packed.len() - 9];
        assert!(read(cut, compression, Encoding::Utf8).is_err(), "{compression:?}");
        assert!(read(b"no such thing", compression, Encoding::Utf8).is_err(), "{compression:?}");
    }
}
