//! How many instructions a program executes for a record: what a clock would say on a quiet machine, and the same on any.
//!
//! The checked interpreter counts them, index stage included, over the first records of TPC-H lineitem. A program that needs
//! more than the table says is slower; one that needs fewer should have its new number here.

use pushdown::bpf::interpret::{Decoded, Fault, Limits, Memory};
use pushdown::contract::layout::{EXCEPTIONS, Map, RECORDS, Sizes};
use pushdown::contract::steps::{Maps, RunWindow};
use pushdown::fragment::text;
use pushdown::testing::{LINEITEM_FRAGMENTS, drive};
use pushdown::{Target, compile};
use tpchgen::csv::LineItemCsv;
use tpchgen::generators::LineItemGenerator;

/// Instructions a record, by the names of the fragments: all of the first, most of which are the index stage in eBPF, and of
/// the others what they execute beyond those.
const EXPECTED: [(&str, f64); 6] = [
    ("count(*)", 571.0),
    ("Q6", 274.3),
    ("Q1", 711.2),
    ("string =", 86.4),
    ("few rows", 51.0),
    ("half of the rows", 145.0),
];
/// How far off a number may be.
const TOLERANCE: f64 = 0.03;
/// So many that how chunks are cut does not show.
const RECORD_COUNT: usize = 10_000;

/// A machine that counts.
struct Counting {
    program: Decoded,
    memory: Memory,
    steps: u64,
}

impl Maps for Counting {
    fn map(&self, map: Map) -> &[u8] {
        self.memory.map(map)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.memory.map_mut(map)
    }
}

impl RunWindow for Counting {
    type Error = Fault;

    fn run(&mut self) -> Result<(), Fault> {
        self.steps += self.program.run(&mut self.memory, Limits::default())?.steps;
        Ok(())
    }
}

#[test]
fn programs_do_not_grow_slower() {
    let mut bytes = Vec::new();
    for item in LineItemGenerator::new(0.01, 1, 1).iter().take(RECORD_COUNT) {
        bytes.extend_from_slice(format!("{}\n", LineItemCsv::new(item)).as_bytes());
    }
    let mut problems = Vec::new();
    let mut first = None;
    assert_eq!(LINEITEM_FRAGMENTS.len(), EXPECTED.len());
    for ((name, fragment), (expected_name, expected)) in LINEITEM_FRAGMENTS.into_iter().zip(EXPECTED) {
        assert_eq!(name, expected_name);
        let fragment = text::parse(fragment).expect(name);
        let program = compile(&fragment, Target::Window, Sizes::default()).expect(name);
        let memory = Memory::new(&program.layout);
        let mut machine = Counting { program: Decoded::new(&program.insns), memory, steps: 0 };
        drive(&fragment, &program, &mut machine, &bytes, 128 << 10);
        assert_eq!((machine.word(RECORDS), machine.word(EXCEPTIONS)), (RECORD_COUNT as u64, 0), "{name}");
        let all = machine.steps as f64 / RECORD_COUNT as f64;
        let count = first.map_or(all, |first| all - first);
        first = first.or(Some(all));
        println!("{name}: {count:.1} instructions a record");
        if (count / expected - 1.0).abs() > TOLERANCE {
            problems.push(format!("{name}: {count:.1} instructions a record, not {expected}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("; "));
}
