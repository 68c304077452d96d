//! Compiled programs against the reference interpreter of fragments, on the interpreter of instructions.

use super::*;
use crate::bpf::interpret::{Decoded, Fault, Limits, Memory};
use crate::contract::hook::{self, Answer};
use crate::contract::index::Entry;
use crate::contract::steps::{Maps, RunRead, RunWindow};
use crate::fragment::text;
use crate::reference;
use crate::testing::{Random, drive, drive_reads, seeds};

struct Interpreter {
    prepared: Decoded,
    memory: Memory,
    limits: Limits,
    /// What it is attached to.
    file: Vec<u8>,
}

impl Interpreter {
    fn new(program: &Program) -> Self {
        Interpreter {
            prepared: Decoded::new(&program.insns),
            memory: Memory::new(&program.layout),
            limits: Limits::default(),
            file: Vec::new(),
        }
    }

    /// One invocation with a packet: its answer.
    fn packet(&mut self, packet: &[u8], position: u64) -> Result<u64, Fault> {
        self.memory.set_packet(packet, position, u64::MAX);
        Ok(self.prepared.run(&mut self.memory, self.limits)?.value)
    }
}

impl Maps for Interpreter {
    fn map(&self, map: Map) -> &[u8] {
        self.memory.map(map)
    }
    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.memory.map_mut(map)
    }
}

impl RunWindow for Interpreter {
    type Error = Fault;

    fn run(&mut self) -> Result<(), Fault> {
        let value = self.prepared.run(&mut self.memory, self.limits)?.value;
        assert_eq!(value, 0, "it says that it failed");
        Ok(())
    }
}

/// Each read is one packet.
impl RunRead for Interpreter {
    type File = [u8];
    type Error = Fault;

    fn attach(&mut self, file: &[u8], _cookie: u64) -> Result<(), Fault> {
        self.file = file.to_vec();
        Ok(())
    }

    fn read(&mut self, position: u64, bytes: usize) -> Result<usize, Fault> {
        let packet = self.file[position as usize..][..bytes].to_vec();
        let answer = self.packet(&packet, position)?;
        match Answer::of(answer, bytes) {
            Some(Answer::Consume) => Ok(bytes),
            Some(Answer::Stop { taken }) => Ok(taken),
            None => panic!("answer {answer} to {bytes} bytes"),
        }
    }

    fn detach(&mut self) {}
}

/// The smallest that is allowed, so that tables and areas fill up.
const SMALL: Sizes = Sizes { input_bytes: 4096, output_bytes: 4096, group_capacity: 16 };

fn check(fragment: &Fragment, bytes: &[u8], chunk_bytes: usize) {
    let program =
        compile(fragment, Target::Window, SMALL).unwrap_or_else(|error| panic!("{error}\n{fragment}"));
    let expected = reference::run(fragment, bytes, true);
    let actual = drive(fragment, &program, &mut Interpreter::new(&program), bytes, chunk_bytes);
    assert_eq!(
        actual,
        expected,
        "fragment:\n{fragment}\nbytes: {:?}\nchunk_bytes: {chunk_bytes}",
        String::from_utf8_lossy(bytes)
    );
}

fn check_packets(fragment: &Fragment, bytes: &[u8], packet_bytes: usize) {
    let bytes_max = if packet_bytes > SMALL.input_bytes { PACKET_BYTES_MAX } else { SMALL.input_bytes };
    let sizes = Sizes { input_bytes: bytes_max, output_bytes: bytes_max, ..SMALL };
    let program =
        compile(fragment, Target::Packet, sizes).unwrap_or_else(|error| panic!("{error}\n{fragment}"));
    let expected = reference::run(fragment, bytes, true);
    let mut actual =
        drive_reads(fragment, &program, &mut Interpreter::new(&program), bytes, bytes, packet_bytes);
    // An unfinished record at the end is taken, but not counted.
    actual.consumed = expected.consumed;
    assert_eq!(
        actual,
        expected,
        "fragment:\n{fragment}\nbytes: {:?}\npacket_bytes: {packet_bytes}",
        String::from_utf8_lossy(bytes)
    );
}

/// Seeds of a normal run.
const CASES: u64 = 3000;

/// Also far longer than what the program reads ahead, so that both ways into the results are taken.
#[test]
fn random_fragments_in_packets_agree_with_the_reference() {
    for seed in seeds(CASES, 1) {
        let mut random = Random::new(seed);
        let fragment = random.fragment().without_window();
        let mut bytes = random.csv(&fragment);
        for _ in 0..random.below(if seed % 100 == 0 { 200 } else { 6 }) {
            bytes.extend(random.csv(&fragment));
        }
        let packet_bytes = match random.below(4) {
            0 => SMALL.input_bytes,
            1 => PACKET_BYTES_MAX,
            _ => 1 + random.below(600),
        };
        println!("seed {seed}");
        check_packets(&fragment, &bytes, packet_bytes);
    }
}

/// It says so, and does nothing.
#[test]
fn a_packet_that_is_too_long() {
    let fragment = text::parse("fragment fields=1\ncolumn 0 a i64\noutput records\n").unwrap();
    let program = compile(&fragment, Target::Packet, SMALL).unwrap();
    let mut machine = Interpreter::new(&program);
    assert_eq!(machine.packet(&b"1\n".repeat(2049), 0), Ok(hook::PACKET_STOP));
    assert_eq!(machine.word(layout::OUTSIDE), 1);
    assert_eq!(machine.word(layout::OUTPUT_USED), 0);
}

#[test]
fn random_fragments_agree_with_the_reference() {
    for seed in seeds(CASES, 1) {
        let mut random = Random::new(seed);
        let fragment = random.fragment();
        let bytes = random.csv(&fragment);
        let chunk_bytes = 1 + random.below(200);
        println!("seed {seed}");
        check(&fragment, &bytes, chunk_bytes);
    }
}

/// The kernel ends a loop that runs for too long. Nothing is lost or doubled, only fewer records are decided.
#[test]
fn loops_ended_early() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let mut fragment = random.fragment();
        fragment.output = if seed % 2 == 0 { Output::Records } else { Output::Values };
        fragment.filter = None;
        let bytes = random.csv(&fragment);
        let program = compile(&fragment, Target::Window, SMALL).unwrap();
        let mut machine = Interpreter::new(&program);
        // Enough for the longest record of these, too little for all.
        machine.limits.loops = 150 + random.below(400) as u32;
        let expected = reference::run(&fragment, &bytes, true);
        let actual = drive(&fragment, &program, &mut machine, &bytes, 4000);
        assert_eq!(actual.output, expected.output, "seed {seed}");
        assert_eq!(actual.records, expected.records, "seed {seed}");
        assert_eq!(actual.matched + actual.exceptions, actual.records, "seed {seed}");
    }
}

/// What a reader of the array other than the fold is promised: offsets, and flags where the contract says.
#[test]
fn the_index_holds_field_boundaries() {
    let fragment = text::parse("fragment fields=2\ncolumn 0 a i64\noutput records\n").unwrap();
    let program = compile(&fragment, Target::Window, SMALL).unwrap();
    let mut machine = Interpreter::new(&program);
    let bytes = b"1,\"b\"\n\n\"x\"\"y\",z\n3\n4,5\n";
    machine.map_mut(Map::Window)[..bytes.len()].copy_from_slice(bytes);
    machine.set_word(layout::END, bytes.len() as u64);
    machine.run().unwrap();
    let entries = machine.map(Map::Index)[INDEX_FRONT_BYTES..].chunks_exact(Entry::BYTES);
    let entries = entries.map(|bits| Entry::from_bits(u32::from_le_bytes(bits.try_into().unwrap())));
    let found: Vec<_> = entries.take(4 * 3).map(|entry| (entry.offset(), entry.is_flagged())).collect();
    assert_eq!(found[..3], [(0, false), (2, false), (6, true)], "the second field is quoted");
    assert_eq!((found[3], found[5].0), ((7, true), 16), "a doubled quote");
    assert_eq!((found[6], found[8].0), ((16, true), 18), "ragged");
    assert_eq!(found[9..], [(18, false), (20, false), (22, false)]);
}

/// NULL has the value of false in a slot, so that only their bits tell these groups apart.
#[test]
fn groups_of_nulls_have_hashes_of_their_own() {
    let keys = 7;
    let columns: String = (0..keys).map(|key| format!("column {key} k{key} boolean\n")).collect();
    let names: String = (0..keys).map(|key| format!("key k{key}\n")).collect();
    let text = format!("fragment fields={keys}\n{columns}output aggregates\n{names}aggregate count()\n");
    let program = compile(&text::parse(&text).unwrap(), Target::Window, Sizes::default()).unwrap();
    let mut machine = Interpreter::new(&program);
    let mut bytes = Vec::new();
    for record in 0..1 << keys {
        let fields = (0..keys).map(|key| if record >> key & 1 == 1 { "" } else { "false" });
        bytes.extend_from_slice(fields.collect::<Vec<_>>().join(",").as_bytes());
        bytes.push(b'\n');
    }
    machine.map_mut(Map::Window)[..bytes.len()].copy_from_slice(&bytes);
    machine.set_word(layout::END, bytes.len() as u64);
    machine.run().unwrap();
    assert_eq!(machine.word(layout::GROUP_COUNT), 1 << keys);
    assert_eq!(machine.word(layout::STOP), layout::STOP_CHUNK);
    assert_eq!(machine.word(layout::CONSUMED), bytes.len() as u64);
}

#[test]
fn chunks_cut_anywhere() {
    let fragment = text::parse(
        "fragment fields=3 delimiter=\",\" quote=\"\\\"\"\ncolumn 0 a i64\ncolumn 1 s string\ncolumn 2 f float(2)\n\
         filter a >= 2\noutput aggregates\naggregate count()\naggregate sum_exact(f)\n",
    )
    .unwrap();
    let bytes =
        "1,x,1.25\r\n2,\"q,\"\"\n\",2.50\n\n22,\"a\nb\",-3.75\r3,ä€🙂,1\n4,,\n5,\"\u{e4}\",7.125\n,,1"
            .as_bytes();
    for chunk_bytes in 1..=bytes.len() {
        check(&fragment, bytes, chunk_bytes);
    }
}

/// The listing from the loop over the records on, with the templates left out: they are tested by what they do.
fn fold_listing(listing: &str) -> String {
    let mut inside_template = false;
    let mut lines = Vec::new();
    let from_loop = listing.lines().skip_while(|line| *line != "@record:");
    for line in from_loop.take_while(|line| !line.contains("a raw record to the output area")) {
        let comment = line.trim().strip_prefix("; ").unwrap_or_default();
        if let Some(name) = comment.strip_prefix(crate::emit::TEMPLATE_BEGIN) {
            inside_template = true;
            lines.push(format!("  <{name}>"));
        }
        if !inside_template {
            lines.push(line.to_owned());
        }
        inside_template &= !comment.starts_with(crate::emit::TEMPLATE_END);
    }
    // The head of the loop is the same for all.
    let body = lines.iter().position(|line| line.contains("goto @exception")).map_or(0, |at| at + 1);
    lines[body..].join("\n") + "\n"
}

/// The listing for a target, or the reason why there is none.
fn listing(fragment: &str, target: Target) -> String {
    match compile(&text::parse(fragment).unwrap(), target, SMALL) {
        Ok(program) => fold_listing(&program.listing),
        Err(error) => format!("declined: {error}\n"),
    }
}

/// Each file: a fragment, and its listing for each target behind a line that names it; for both at once if they are the
/// same. BLESS=1 rewrites them.
#[test]
fn listings() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/listings");
    let mut differ = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let case = std::fs::read_to_string(&path).unwrap();
        let fragment = case.split("---").next().unwrap();
        let (window, packet) = (listing(fragment, Target::Window), listing(fragment, Target::Packet));
        // Without an index stage it is the same fold.
        let is_stage =
            |line: &&str| !["<index>", "<utf8>", "; index: ", "; utf8: "].iter().any(|at| line.contains(at));
        let fold: String = window.lines().filter(is_stage).map(|line| format!("{line}\n")).collect();
        assert_eq!(listing(fragment, Target::Indexed), fold, "{}", path.display());
        let lines = window.lines().count().max(packet.lines().count());
        assert!(lines <= 60, "{}: one idea each, at most 60 lines", path.display());
        let listings = match window == packet {
            true => format!("--- window, packet\n{window}"),
            false => format!("--- window\n{window}--- packet\n{packet}"),
        };
        let actual = format!("{fragment}{listings}");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &actual).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        assert_eq!(actual, expected, "{}", path.display());
        differ += usize::from(window != packet);
    }
    assert!(differ > 0, "no case in {folder} in which the targets differ");
}
