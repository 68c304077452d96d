//! What must not be accepted: fragments the compiler refuses, and programs broken on purpose, which the verifier
//! must refuse with a message. If it took one of these, a guard of the compiled programs would be of no use.

use engine::kernel::{BackendKind, KernelError, Machine, kernel_available_or_skip};
use pushdown::bpf::{Insn, opcode};
use pushdown::fragment::{Fragment, text};
use pushdown::layout::{Map, Sizes};
use pushdown::{CompileError, Program, Target, compile};

const SIZES: Sizes = Sizes { window_bytes: 8192, output_bytes: 32768, group_capacity: 64 };

/// Uses every part of a program: all types, a filter, string keys, raw records of exceptions.
const GROUPED: &str = "fragment fields=6 delimiter=\",\" quote=\"\\\"\"
column 0 a i64
column 1 s string
column 2 f float(2)
column 3 d date
column 4 b boolean
column 5 m decimal(15, 2)
filter or(a >= 2, s in (\"x\", \"a longer string\"))
output aggregates
key s bytes=16
key d
aggregate sum_exact(f *! m)
aggregate max(a) filter b = 1
";

fn fragment(text: &str) -> Fragment {
    text::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn program(text: &str) -> Program {
    compile(&fragment(text), Target::Window, SIZES).unwrap_or_else(|error| panic!("{error}"))
}

/// Takes an instruction out; the distance of jumps stays what it was.
const NO_OPERATION: Insn = Insn { code: opcode::JMP | opcode::JA, dst: 0, src: 0, off: 0, imm: 0 };

/// The program with these instructions replaced.
fn broken(program: &Program, positions: &[usize], instead: impl Fn(Insn) -> Insn) -> Program {
    let mut broken = program.clone();
    for &at in positions {
        broken.insns[at] = instead(broken.insns[at]);
    }
    broken
}

/// What the verifier says of a program, if it refuses it.
fn refusal(program: &Program) -> Option<String> {
    let error = Machine::load(BackendKind::Stock, program).err()?;
    assert!(
        matches!(error, KernelError::Load { .. }),
        "refused by something else than the verifier: {error}"
    );
    let log = error.verifier_log().expect("the verifier gives a reason");
    assert!(error.to_string().lines().count() > 1, "the message says why: {error}");
    Some(log.to_owned())
}

/// The positions of the instructions that are `wanted`. The second half of a 64-bit immediate is none.
fn positions(program: &Program, wanted: impl Fn(Insn) -> bool) -> Vec<usize> {
    let wide = opcode::LD | opcode::DW;
    (0..program.insns.len())
        .filter(|&at| at == 0 || program.insns[at - 1].code != wide)
        .filter(|&at| wanted(program.insns[at]))
        .collect()
}

/// The masks of the offsets into each map: `rX &= bytes - 1`.
fn masks(program: &Program) -> Vec<(&'static str, i32)> {
    let mask_of = |bytes: usize| i32::try_from(bytes - 1).expect("a small map");
    // The map has some room around the array, whose size is a power of two.
    let index_bytes = (program.layout.bytes(Map::Index) / 2 + 1).next_power_of_two();
    vec![
        ("window", mask_of(SIZES.window_bytes)),
        ("index", mask_of(index_bytes)),
        ("output", mask_of(SIZES.output_bytes)),
        ("groups", mask_of(SIZES.group_capacity)),
    ]
}

#[test]
fn the_verifier_refuses_missing_masks() {
    if !kernel_available_or_skip("reject::the_verifier_refuses_missing_masks") {
        return;
    }
    let program = program(GROUPED);
    assert_eq!(refusal(&program), None, "the whole program");
    for (what, mask) in masks(&program) {
        let guards = positions(&program, |insn| insn.code == opcode::ALU64 | opcode::AND && insn.imm == mask);
        let log = refusal(&broken(&program, &guards, |_| NO_OPERATION));
        let log = log.unwrap_or_else(|| panic!("loaded without any mask of the {what}"));
        let reasons = ["unbounded", "outside of the allowed memory range", "invalid access to map value"];
        assert!(reasons.iter().any(|reason| log.contains(reason)), "{what}: {log}");
        // Some masks only help the verifier to forget; but not all of them.
        let needed =
            guards.iter().filter(|&&at| refusal(&broken(&program, &[at], |_| NO_OPERATION)).is_some());
        println!("{what}: {} of {} masks are needed by themselves", needed.count(), guards.len());
    }
}

#[test]
fn the_verifier_refuses_masks_of_a_larger_map() {
    if !kernel_available_or_skip("reject::the_verifier_refuses_masks_of_a_larger_map") {
        return;
    }
    let program = program(GROUPED);
    for (what, mask) in masks(&program) {
        let guards = positions(&program, |insn| insn.code == opcode::ALU64 | opcode::AND && insn.imm == mask);
        let wider = broken(&program, &guards, |insn| Insn { imm: 2 * insn.imm + 1, ..insn });
        assert!(refusal(&wider).is_some(), "loaded although offsets into the {what} map are twice as large");
    }
}

#[test]
fn the_verifier_refuses_maps_that_are_too_small() {
    if !kernel_available_or_skip("reject::the_verifier_refuses_maps_that_are_too_small") {
        return;
    }
    let program = program(GROUPED);
    for map in Map::ALL {
        let mut smaller = program.clone();
        smaller.layout.map_bytes[map as usize] /= 2;
        assert!(refusal(&smaller).is_some(), "loaded although the {} map is half as large", map.name());
    }
}

#[test]
fn the_verifier_refuses_loops_without_a_bound() {
    if !kernel_available_or_skip("reject::the_verifier_refuses_loops_without_a_bound") {
        return;
    }
    let program = program(GROUPED);
    let bounds = positions(&program, |insn| insn.code == opcode::JMP | opcode::JCOND);
    assert!(!bounds.is_empty(), "there is a may_goto");
    // Never jumps, since the frame pointer is not zero; that the target can be reached is checked first.
    let never = |insn| Insn { code: opcode::JMP | opcode::JEQ, dst: 10, src: 0, imm: 0, ..insn };
    let log = refusal(&broken(&program, &bounds, never)).expect("loops without may_goto are refused");
    assert!(
        log.contains("infinite loop") || log.contains("too large") || log.contains("too complex"),
        "{log}"
    );
}

fn compile_error(text: &str, sizes: Sizes) -> CompileError {
    compile(&fragment(text), Target::Window, sizes).expect_err("this must not compile")
}

#[test]
fn the_compiler_refuses_what_it_cannot_do() {
    let plain = "fragment fields=2 delimiter=\",\" quote=\"\\\"\"\ncolumn 0 a i64\ncolumn 1 s string\n";
    let count = "output aggregates\naggregate count()\n";
    for (body, message) in [
        ("filter s = 1\noutput records\n", "a string"),
        ("output aggregates\naggregate sum_wrap(s)\n", "a string"),
        ("filter a in (\"x\")\noutput records\n", "not a string"),
        ("output aggregates\n", "neither keys nor aggregates"),
        ("output aggregates\nkey s bytes=12\n", "multiple of 8"),
        ("output aggregates\nkey a bytes=8\n", "multiple of 8"),
    ] {
        let error = compile_error(&format!("{plain}{body}"), SIZES);
        assert!(matches!(error, CompileError::Invalid(_)), "{body}: {error}");
        assert!(error.to_string().contains(message), "{body}: {error}");
    }
    let clash = "fragment fields=1 delimiter=\",\" quote=\",\"\ncolumn 0 a i64\noutput records\n";
    assert!(compile_error(clash, SIZES).to_string().contains("the same byte"), "{clash}");
    for sizes in [
        Sizes { window_bytes: 2048, ..SIZES },
        Sizes { window_bytes: 8191, ..SIZES },
        Sizes { output_bytes: 4096, ..SIZES },
        Sizes { group_capacity: 8, ..SIZES },
        Sizes { window_bytes: 32 << 20, output_bytes: 32 << 20, ..SIZES },
    ] {
        assert_eq!(compile_error(&format!("{plain}{count}"), sizes), CompileError::Sizes(sizes));
    }
    let large = Sizes { window_bytes: 64 << 10, output_bytes: 64 << 10, ..SIZES };
    let packet = compile(&fragment(&format!("{plain}{count}")), Target::Packet, large).err();
    assert_eq!(packet, Some(CompileError::Sizes(large)));
    let long = Sizes { group_capacity: 1 << 24, ..SIZES };
    let keys = format!("{plain}output aggregates\nkey s bytes=64\n");
    assert_eq!(compile_error(&keys, long), CompileError::TooLarge);
}
