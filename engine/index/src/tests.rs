//! All stages write the same entries, and they are those of the template.

use std::io::Write as _;

use pushdown::bpf::interpret::{Decoded, Limits, Memory};
use pushdown::contract::index::{Entry, INDEX_FRONT_BYTES};
use pushdown::contract::layout::{BEGIN, CONSUMED, END, INDEX_END, Map, Sizes, WINDOW_SLACK_BYTES};
use pushdown::fragment::text::parse;
use pushdown::fragment::{Fragment, StructuralBytes};
use pushdown::testing::{Random, seeds};
use pushdown::{Program, Target, compile};

use super::*;

const SIZES: Sizes = Sizes { input_bytes: 4096, output_bytes: 4096, group_capacity: 16 };

/// A record's entries that count.
type Entries = Vec<Vec<u32>>;

fn program(dialect: StructuralBytes, field_count: usize) -> Program {
    let text = "fragment fields=1 delimiter=\",\" quote=\"\\\"\"\noutput aggregates\naggregate count()";
    let fragment = Fragment { dialect, field_count, ..parse(text).unwrap() };
    compile(&fragment, Target::Window, SIZES).unwrap()
}

/// A window with this chunk at its beginning.
fn window(chunk: &[u8]) -> Vec<u8> {
    let mut window = vec![0; SIZES.input_bytes + WINDOW_SLACK_BYTES];
    window[..chunk.len()].copy_from_slice(chunk);
    window
}

fn records(words: &[u32], indexed: Indexed, indexing: &Indexing) -> Entries {
    let count = indexing.array.record_bytes() / Entry::BYTES;
    let all = &words[..indexed.entries_bytes / Entry::BYTES];
    let counts = |record: &[u32]| match Entry::from_bits(record[0]).is_flagged() {
        true => vec![record[0], record[count - 1]],
        false => record.to_vec(),
    };
    all.chunks_exact(count).map(counts).collect()
}

/// What a stage makes of a chunk.
fn by_stage(stage: Stage, indexing: &Indexing, window: &[u8], begin: usize, end: usize) -> (Entries, usize) {
    let mut entries = vec![0u32; (indexing.array.map_bytes() - INDEX_FRONT_BYTES) / Entry::BYTES];
    let indexed = Indexer::new(*indexing, stage).run(window, begin, end, &mut entries);
    (records(&entries, indexed, indexing), indexed.consumed)
}

/// What the template makes of it.
fn by_template(program: &Program, chunk: &[u8], begin: usize) -> (Entries, usize) {
    let mut memory = Memory::new(&program.layout);
    memory.map_mut(Map::Window)[..chunk.len()].copy_from_slice(chunk);
    let set = |memory: &mut Memory, word: usize, value: usize| {
        memory.map_mut(Map::State)[word..word + 8].copy_from_slice(&(value as u64).to_le_bytes());
    };
    set(&mut memory, BEGIN, begin);
    set(&mut memory, END, chunk.len());
    assert_eq!(Decoded::new(&program.insns).run(&mut memory, Limits::default()).unwrap().value, 0);
    let word = |at: usize| {
        let bytes = memory.map(Map::State)[at..at + 8].try_into().unwrap();
        usize::try_from(u64::from_le_bytes(bytes)).unwrap()
    };
    let indexed = Indexed { consumed: word(CONSUMED), entries_bytes: word(INDEX_END) };
    let (entries, _) = memory.map(Map::Index)[INDEX_FRONT_BYTES..].as_chunks::<4>();
    let words: Vec<u32> = entries.iter().map(|entry| u32::from_le_bytes(*entry)).collect();
    (records(&words, indexed, &program.indexing), indexed.consumed)
}

fn check(program: &Program, chunk: &[u8], begin: usize) {
    let window = window(chunk);
    let expected = by_template(program, chunk, begin);
    for stage in Stage::available() {
        let found = by_stage(stage, &program.indexing, &window, begin, chunk.len());
        assert_eq!(
            found,
            expected,
            "{stage}, {:?}, from {begin}: {:?}",
            program.indexing.dialect,
            String::from_utf8_lossy(chunk)
        );
    }
}

fn dialects() -> Vec<StructuralBytes> {
    let usual = StructuralBytes::default();
    vec![
        usual,
        StructuralBytes { delimiter: b';', ..usual },
        StructuralBytes { delimiter: b'\t', quote: b'\'', ..usual },
        StructuralBytes { escape: Some(b'\\'), ..usual },
        StructuralBytes { escape: Some(b'|'), delimiter: b':', ..usual },
        StructuralBytes { quote: b'`', escape: Some(b'^'), delimiter: b' ' },
    ]
}

/// Text of bytes that mean something, and of some that do not.
fn hostile(random: &mut Random, dialect: StructuralBytes, bytes: usize) -> Vec<u8> {
    let rare = random.one_in(2);
    let mut text = Vec::new();
    while text.len() < bytes {
        let quote = [dialect.quote];
        let quoted =
            [&[dialect.delimiter, dialect.quote][..], b"a b\r\n", &[dialect.quote, dialect.delimiter]]
                .concat();
        let characters = ["é", "日本", "😀", "\u{7f}"].map(str::as_bytes);
        let ill_formed = [&b"\xff"[..], b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf"];
        let others = [&b"\0"[..], b"\x1b", b"  ", b"\n\n"];
        let plain = [&b"a"[..], b"1994-01-01", b"some longer text without anything", b"17.5"];
        let piece: &[u8] = match random.below(if rare { 40 } else { 14 }) {
            0 | 1 => &[dialect.delimiter],
            2 => b"\n",
            3 => b"\r\n",
            4 => b"\r",
            5 | 6 => &quote,
            7 => &[dialect.escape.unwrap_or(b'x')],
            8 => characters[random.below(characters.len())],
            9 => ill_formed[random.below(ill_formed.len())],
            10 => others[random.below(others.len())],
            11 => &quoted,
            _ => plain[random.below(plain.len())],
        };
        text.extend_from_slice(piece);
    }
    text.truncate(bytes);
    text
}

/// Of a stage whose instructions this processor lacks the tests prove nothing. `tests/run` prints the lines of the file
/// `WEIR_SKIPPED`.
#[cfg(target_arch = "x86_64")]
#[test]
fn stages_of_other_processors_are_told() {
    let available = Stage::available();
    for stage in [Stage::Avx2, Stage::Avx512].into_iter().filter(|stage| !available.contains(stage)) {
        let line = format!("processor: tests of the index stage {stage}: it lacks the instructions\n");
        eprint!("\nSKIPPED: {line}");
        if let Some(path) = std::env::var_os("WEIR_SKIPPED") {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
            file.write_all(line.as_bytes()).unwrap();
        }
    }
}

#[test]
fn hostile_bytes() {
    let programs: Vec<Program> = dialects()
        .into_iter()
        .flat_map(|dialect| [1, 2, 3, 16].map(|fields| program(dialect, fields)))
        .collect();
    for seed in seeds(3000, 1) {
        let mut random = Random::new(seed);
        let program = random.pick(&programs);
        let bytes = random.below(700);
        let chunk = hostile(&mut random, program.indexing.dialect, bytes);
        let begin = random.below(chunk.len() + 1);
        println!("seed {seed}");
        check(program, &chunk, begin);
    }
}

/// Wherever the end of the chunk cuts it.
#[test]
fn cut_at_every_byte() {
    let text = "a,\"b\n,\"\"c\",\"\"\r\n\n1,2,3\r\n\"\",é,\"日\"\nx,\"y\"z,\n,,,\n\"open,".repeat(3);
    for fields in [1, 3] {
        let program = program(StructuralBytes::default(), fields);
        for end in 0..text.len() {
            check(&program, &text.as_bytes()[..end], 0);
        }
    }
}

/// An escaped byte that is no UTF-8, wherever a block ends.
#[test]
fn escaped_bytes_at_the_ends_of_blocks() {
    let dialect = StructuralBytes { escape: Some(b'\\'), ..StructuralBytes::default() };
    let program = program(dialect, 2);
    for length in 0..140 {
        let mut text = vec![b'x'; length];
        text.splice(0..0, *b"a,\"");
        text.extend_from_slice(b"\\\xff\"\n");
        // The next byte above 0x7f is in another block, and another record.
        text.extend_from_slice(format!("b,{}\nc,ä\n", "y".repeat(130)).as_bytes());
        check(&program, &text, 0);
    }
}

/// An array that is full before the chunk has ended.
#[test]
fn an_array_without_room() {
    for (text, fields) in [(",\n", 2), ("a\n", 1), ("\"\"\n", 1), (",,,,,,,,\n", 9), ("\",\",\"\"\n", 2)] {
        let text = text.repeat(4000 / text.len());
        let program = program(StructuralBytes::default(), fields);
        check(&program, text.as_bytes(), 0);
        check(&program, text.as_bytes(), text.len() / 2);
    }
}
