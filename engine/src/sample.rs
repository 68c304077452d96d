//! A look into a file at planning time, to choose sizes that have no bearing on the answer, only on the speed.
//!
//! The scale of a float column and the room for a string key must be fixed before a program is made. A record that does
//! not fit is an exception record. So a few blocks of the first file are split into fields, and what they hold decides.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use pushdown::fragment::StructuralBytes;

/// Bytes of a block. The first records of a file are often not typical, so a second block is read from its middle.
const BLOCK_BYTES: u64 = 64 << 10;
/// What a program takes: digits of a float in all.
const FLOAT_DIGITS_MAX: usize = 15;
/// What a program takes: digits before the point, plus the scale.
const SCALED_DIGITS_MAX: usize = 18;
/// Prices are often whole for a while.
const FLOAT_SCALE_DEFAULT: usize = 2;
/// Room for a string key when nothing is known.
const STRING_BYTES_DEFAULT: usize = 16;
/// Possible rooms for a string key.
const STRING_BYTES: [usize; 4] = [8, 16, 32, 64];

/// What the sampled values of a field look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Field {
    /// Most bytes of a value.
    bytes_max: usize,
    /// Most digits before the point, of values that a program takes as floats.
    whole_digits_max: usize,
    /// Most digits behind the point, of the same.
    fraction_digits_max: usize,
}

/// What the sampled records look like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    fields: Vec<Field>,
}

impl Sample {
    /// Samples a file. Without records, and when it cannot be read, the defaults remain: the scan will tell.
    pub fn of_file(path: &Path, dialect: StructuralBytes, has_header: bool) -> Sample {
        let mut sample = Sample::default();
        match blocks(path) {
            Ok(blocks) => {
                for (block, beginning) in blocks {
                    // The first record of a later block is a part of one.
                    sample.add(&block, dialect, has_header || !beginning);
                }
            }
            Err(error) => log::debug!("{}: not sampled: {error}", path.display()),
        }
        sample
    }

    /// Digits behind the point of a float field.
    pub fn float_scale(&self, field: usize) -> u8 {
        let seen = self.fields.get(field).copied().unwrap_or_default();
        let room = SCALED_DIGITS_MAX - seen.whole_digits_max.min(SCALED_DIGITS_MAX);
        let scale = seen.fraction_digits_max.max(FLOAT_SCALE_DEFAULT).min(room).min(FLOAT_DIGITS_MAX);
        scale as u8
    }

    /// Room for the bytes of a string key.
    pub fn string_bytes_max(&self, field: usize) -> usize {
        match self.fields.get(field) {
            Some(seen) if seen.bytes_max > 0 => {
                STRING_BYTES.into_iter().find(|&room| room >= seen.bytes_max).unwrap_or(STRING_BYTES[3])
            }
            _ => STRING_BYTES_DEFAULT,
        }
    }

    fn add(&mut self, block: &[u8], dialect: StructuralBytes, skip_first: bool) {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(dialect.delimiter).quote(dialect.quote).escape(dialect.escape);
        let mut records = BlockRecords {
            reader: builder.build(),
            rest: block,
            bytes: vec![0; block.len()],
            ends: vec![0; 4096],
        };
        let mut skip = skip_first;
        while let Some((bytes, ends)) = records.next() {
            if std::mem::take(&mut skip) {
                continue;
            }
            self.fields.resize(self.fields.len().max(ends.len()), Field::default());
            let mut begin = 0;
            for (seen, &end) in self.fields.iter_mut().zip(ends) {
                seen.add(&bytes[begin..end]);
                begin = end;
            }
        }
    }
}

impl Field {
    fn add(&mut self, value: &[u8]) {
        self.bytes_max = self.bytes_max.max(value.len());
        let number = value.strip_prefix(b"-").unwrap_or(value);
        let (whole, fraction) = match number.iter().position(|&byte| byte == b'.') {
            Some(point) => (&number[..point], &number[point + 1..]),
            None => (number, &number[..0]),
        };
        let digits = whole.iter().chain(fraction).all(u8::is_ascii_digit);
        if digits && !whole.is_empty() && whole.len() + fraction.len() <= FLOAT_DIGITS_MAX {
            self.whole_digits_max = self.whole_digits_max.max(whole.len());
            self.fraction_digits_max = self.fraction_digits_max.max(fraction.len());
        }
    }
}

/// The complete records of a block.
struct BlockRecords<'a> {
    reader: Reader,
    rest: &'a [u8],
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl BlockRecords<'_> {
    /// The bytes of the fields of the next record, and where each ends.
    fn next(&mut self) -> Option<(&[u8], &[usize])> {
        let (result, read, _, ends) = self.reader.read_record(self.rest, &mut self.bytes, &mut self.ends);
        self.rest = &self.rest[read..];
        match result {
            ReadRecordResult::Record => Some((&self.bytes, &self.ends[..ends])),
            // A record that does not end in the block, or one of absurdly many fields.
            _ => None,
        }
    }
}

/// The blocks to look at, and whether each is the beginning of the file.
fn blocks(path: &Path) -> io::Result<Vec<(Vec<u8>, bool)>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut starts = vec![0];
    if length > 4 * BLOCK_BYTES {
        starts.push(length / 2);
    }
    let mut blocks = Vec::new();
    for start in starts {
        let mut block = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.by_ref().take(BLOCK_BYTES).read_to_end(&mut block)?;
        if !block.is_empty() && start + block.len() as u64 == length && !block.ends_with(b"\n") {
            block.push(b'\n');
        }
        blocks.push((block, start == 0));
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str, has_header: bool) -> Sample {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Sample::of_file(file.path(), StructuralBytes::default(), has_header)
    }

    #[test]
    fn scales_and_rooms() {
        let found = sample(
            "a,b,c,long header of a column\n1.5,x,,1\n-22.125,\"y,z\",,123456789012345678\n7,,,2",
            true,
        );
        assert_eq!(found.float_scale(0), 3);
        assert_eq!(found.string_bytes_max(1), 8);
        assert_eq!(found.string_bytes_max(2), 16);
        assert_eq!(found.string_bytes_max(3), 32);
        assert_eq!(found.float_scale(3), 2);
        assert_eq!(found.float_scale(9), 2);
    }

    #[test]
    fn a_scale_leaves_room_for_the_digits_before_the_point() {
        assert_eq!(sample("0.12345678901234\n1234567890.5\n", false).float_scale(0), 8);
        assert_eq!(sample("0.1234567890123456789\n", false).float_scale(0), 2);
    }

    #[test]
    fn a_missing_file_gives_the_defaults() {
        let found = Sample::of_file(Path::new("/nonexistent/file"), StructuralBytes::default(), true);
        assert_eq!((found.float_scale(0), found.string_bytes_max(0)), (2, 16));
    }

    #[test]
    fn the_middle_of_a_large_file_counts() {
        let mut text = String::from("v\n");
        for row in 0..60_000 {
            text += if row < 10_000 { "12.5\n" } else { "12.375\n" };
        }
        assert_eq!(sample(&text, true).float_scale(0), 3);
    }
}
