//! What must not be accepted: fragments the compiler refuses, and programs broken on purpose, which the verifier
//! must refuse with a message. If it took one of these, a guard of the compiled programs would be of no use.

use machine::{BackendKind, KernelError, Machine};
use pushdown::bpf::{Insn, opcode};
use pushdown::contract::hook::{Context, PACKET_BYTES_MAX};
use pushdown::contract::index::IndexArray;
use pushdown::contract::layout::{Map, Sizes};
use pushdown::fragment::{Fragment, text};
use pushdown::{CompileError, Program, Target, compile};
use weir_tests::configuration::{hook, kernels};

const SIZES: Sizes = Sizes { input_bytes: 8192, output_bytes: 32768, group_capacity: 64 };

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
aggregate max(a) filter b
";

fn fragment(text: &str) -> Fragment {
    text::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The same without groups: rows as values.
const VALUES: &str = "output values\n";

/// The programs that a kernel runs: with an index stage, which has masks and guards of its own, and without; each with
/// groups, and where there is a window with values.
fn programs(backend: BackendKind) -> Vec<(String, Program)> {
    let targets = match backend.target() {
        Target::Indexed => vec![Target::Window, Target::Indexed],
        target => vec![target],
    };
    let (columns, _) = GROUPED.split_once("output").expect("it has an output");
    let values = format!("{columns}{VALUES}");
    let mut programs = Vec::new();
    for target in targets {
        for text in [GROUPED, &values].into_iter().filter(|text| target != Target::Packet || *text == GROUPED)
        {
            let program = compile(&fragment(text), target, SIZES).unwrap_or_else(|error| panic!("{error}"));
            let output = if text == GROUPED { "groups" } else { "values" };
            programs.push((format!("{backend:?}, {target:?}, {output}"), program));
        }
    }
    programs
}

/// The one with groups and an index stage.
fn program(backend: BackendKind) -> Program {
    programs(backend).swap_remove(0).1
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
fn refusal(kernel: BackendKind, program: &Program) -> Option<String> {
    let error = Machine::load(kernel, program).err()?;
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

/// The masks of the offsets into each map that the program has: `rX &= bytes - 1`.
fn masks(program: &Program) -> Vec<(&'static str, i32)> {
    let mask_of = |bytes: usize| i32::try_from(bytes - 1).expect("a small map");
    let mut masks = vec![
        ("window", mask_of(SIZES.input_bytes)),
        ("index", mask_of(IndexArray::new(fragment(GROUPED).field_count, &SIZES).bytes())),
    ];
    if program.layout.groups.is_some() {
        masks.push(("groups", mask_of(SIZES.group_capacity)));
    }
    // Those of rows are compared with the end.
    if program.layout.rows.is_none() {
        masks.push(("output", mask_of(SIZES.output_bytes)));
    }
    masks
}

/// The program is refused with these instructions replaced, for one of the reasons.
fn refuses(
    kernel: BackendKind,
    program: &Program,
    what: &str,
    positions: &[usize],
    instead: impl Fn(Insn) -> Insn,
    reasons: &[&str],
) {
    assert!(!positions.is_empty(), "{what}: there is none");
    let log = refusal(kernel, &broken(program, positions, &instead));
    let log = log.unwrap_or_else(|| panic!("{kernel:?} loads it with {what}"));
    assert!(reasons.iter().any(|reason| log.contains(reason)), "{kernel:?}, {what}: {log}");
}

/// How many of these instructions it is enough to replace alone for the program to be refused.
fn needed(
    kernel: BackendKind,
    program: &Program,
    positions: &[usize],
    instead: impl Fn(Insn) -> Insn,
) -> usize {
    positions.iter().filter(|&&at| refusal(kernel, &broken(program, &[at], &instead)).is_some()).count()
}

#[test]
fn the_verifier_refuses_missing_masks() {
    for kernel in kernels("reject::the_verifier_refuses_missing_masks") {
        for (name, program) in programs(kernel) {
            assert_eq!(refusal(kernel, &program), None, "the whole program: {name}");
            for (what, mask) in masks(&program) {
                let guards =
                    positions(&program, |insn| insn.code == opcode::ALU64 | opcode::AND && insn.imm == mask);
                let reasons = [
                    "unbounded",
                    "outside of the allowed memory range",
                    "invalid access to map value",
                    "invalid access to packet",
                ];
                refuses(
                    kernel,
                    &program,
                    &format!("no mask of the {what}"),
                    &guards,
                    |_| NO_OPERATION,
                    &reasons,
                );
                // Some masks only help the verifier to forget; but not all of them.
                let needed = needed(kernel, &program, &guards, |_| NO_OPERATION);
                let share =
                    format!("{name}, {what}: {needed} of {} masks are needed by themselves", guards.len());
                println!("{share}");
                assert!(needed > 0, "{share}");
            }
        }
    }
}

#[test]
fn the_verifier_refuses_masks_of_a_larger_map() {
    for kernel in kernels("reject::the_verifier_refuses_masks_of_a_larger_map") {
        for (name, program) in programs(kernel) {
            // What bounds an offset into a packet is the comparison with its end.
            let bounds = |what: &str| what != "window" || program.target != Target::Packet;
            for (what, mask) in masks(&program).into_iter().filter(|(what, _)| bounds(what)) {
                let guards =
                    positions(&program, |insn| insn.code == opcode::ALU64 | opcode::AND && insn.imm == mask);
                assert!(!guards.is_empty(), "{name}: no mask of the {what}");
                let wider = broken(&program, &guards, |insn| Insn { imm: 2 * insn.imm + 1, ..insn });
                let refusal = refusal(kernel, &wider);
                assert!(refusal.is_some(), "{name} is loaded with offsets into the {what} twice as large");
            }
        }
    }
}

#[test]
fn the_verifier_refuses_rows_behind_the_output_area() {
    for kernel in kernels("reject::the_verifier_refuses_rows_behind_the_output_area") {
        let mut with_rows = 0;
        for (name, program) in programs(kernel) {
            let Some(row) = program.layout.rows else { continue };
            with_rows += 1;
            let last = i32::try_from(SIZES.output_bytes - row.bytes()).expect("a small area");
            let compares = |insn: Insn| insn.code == opcode::JMP | opcode::JGT && insn.imm == last;
            let bounds = positions(&program, compares);
            assert_eq!(bounds.len(), 2, "{name}: matching records and exception records");
            for at in bounds {
                let behind = broken(&program, &[at], |insn| Insn { imm: 2 * insn.imm, ..insn });
                let log = refusal(kernel, &behind).expect("rows behind the end are refused");
                assert!(log.contains("invalid access to map value"), "{name}: {log}");
            }
        }
        // The read hook hands out records as they are.
        assert_eq!(with_rows > 0, kernel != BackendKind::Hook, "{with_rows} programs have rows");
    }
}

#[test]
fn the_verifier_refuses_maps_that_are_too_small() {
    for kernel in kernels("reject::the_verifier_refuses_maps_that_are_too_small") {
        for (name, program) in programs(kernel) {
            for map in Map::ALL.into_iter().filter(|map| program.layout.bytes(*map) > 0) {
                let mut smaller = program.clone();
                smaller.layout.map_bytes[map as usize] /= 2;
                let refusal = refusal(kernel, &smaller);
                assert!(refusal.is_some(), "{name} is loaded with half of the {} map", map.name());
            }
        }
    }
}

/// Never jumps, since the frame pointer is not zero; that the target can be reached is checked first.
fn never(insn: Insn) -> Insn {
    Insn { code: opcode::JMP | opcode::JEQ, dst: opcode::FRAME_POINTER, src: 0, imm: 0, ..insn }
}

#[test]
fn the_verifier_refuses_loops_without_a_bound() {
    for kernel in kernels("reject::the_verifier_refuses_loops_without_a_bound") {
        for (name, program) in programs(kernel) {
            let bounds = positions(&program, |insn| insn.code == opcode::MAY_GOTO);
            assert!(!bounds.is_empty(), "{name}: there is a may_goto");
            let log = refusal(kernel, &broken(&program, &bounds, never));
            let log = log.unwrap_or_else(|| panic!("{name}: loops without may_goto are loaded"));
            let reasons = ["infinite loop", "too large", "too complex"];
            assert!(reasons.iter().any(|reason| log.contains(reason)), "{name}: {log}");
        }
    }
}

const ADD: u8 = opcode::ALU64 | opcode::ADD;
const LOAD: u8 = opcode::LDX | opcode::MEM | opcode::DW;

/// The comparisons of a packet guard's end with that of the packet. Around each of them stand, two instructions before
/// and one behind, the addition of the length that is asked for and its subtraction.
fn comparisons(program: &Program) -> Vec<usize> {
    let insns = &program.insns;
    let compares = |insn: Insn| insn.code == opcode::JMP | opcode::JGT | opcode::X;
    positions(program, compares)
        .into_iter()
        .filter(|&at| {
            let (before, behind) = (insns[at - 2], insns[at + 1]);
            [before, behind].iter().all(|insn| insn.code == ADD && insn.dst == insns[at].dst)
                && before.imm == -behind.imm
        })
        .collect()
}

#[test]
fn the_verifier_refuses_packet_guards_that_guard_nothing() {
    if let Some(kernel) = hook("reject::the_verifier_refuses_packet_guards_that_guard_nothing") {
        let program = program(kernel);
        assert_eq!(refusal(kernel, &program), None, "the whole program");
        let guards = comparisons(&program);
        let reason = "invalid access to packet";
        refuses(kernel, &program, "guards that never fail", &guards, never, &[reason]);
        assert_eq!(needed(kernel, &program, &guards, never), guards.len(), "each guard is needed by itself");
        // An access that ends where the guard does is now one byte behind the end of the packet.
        let lengths: Vec<usize> = guards.iter().flat_map(|at| [at - 2, at + 1]).collect();
        let shorter = broken(&program, &lengths, |insn| Insn { imm: insn.imm - insn.imm.signum(), ..insn });
        let log = refusal(kernel, &shorter).expect("guards of one byte less than is read are refused");
        assert!(log.contains(reason), "{log}");
        // The other way round: what lies behind the end is where the packet goes on.
        let inverted = |insn| Insn { code: opcode::JMP | opcode::JLE | opcode::X, ..insn };
        let reason = "offset is outside of the packet";
        refuses(kernel, &program, "guards the wrong way round", &guards, inverted, &[reason]);
    }
}

#[test]
fn the_verifier_refuses_writes_to_the_packet() {
    if let Some(kernel) = hook("reject::the_verifier_refuses_writes_to_the_packet") {
        let program = program(kernel);
        let guards = comparisons(&program);
        assert!(!guards.is_empty(), "there are guards");
        // Behind each guard the first load from where it points becomes a store to there.
        for at in guards {
            let from = program.insns[at].dst;
            let load = (at..at + 16).find(|&load| {
                let insn = program.insns[load];
                opcode::class(insn.code) == opcode::LDX && insn.src == from
            });
            let load = load.expect("a guard is followed by a load");
            let store = |insn: Insn| {
                // Both bits of the size are set in that of the largest.
                let size = insn.code & opcode::DW;
                Insn { code: opcode::ST | opcode::MEM | size, dst: insn.src, src: 0, ..insn }
            };
            let log = refusal(kernel, &broken(&program, &[load], store));
            let log = log.unwrap_or_else(|| panic!("loaded with a store to the packet at {load}"));
            assert!(log.contains("cannot write into packet"), "{log}");
        }
    }
}

#[test]
fn the_verifier_refuses_other_uses_of_the_hook() {
    if let Some(kernel) = hook("reject::the_verifier_refuses_other_uses_of_the_hook") {
        // Packets of the largest size, so that a larger answer is more than the kernel allows.
        let sizes = Sizes { input_bytes: PACKET_BYTES_MAX, output_bytes: PACKET_BYTES_MAX, ..SIZES };
        let program = compile(&fragment(GROUPED), Target::Packet, sizes).expect("the largest packets");
        assert_eq!(refusal(kernel, &program), None, "the whole program");
        let largest = Insn {
            code: opcode::ALU64 | opcode::MOV,
            dst: 0,
            src: 0,
            off: 0,
            imm: i32::try_from(PACKET_BYTES_MAX).expect("a small number"),
        };
        let bounds = positions(&program, |insn| insn == largest);
        let reason = ["should have been in [0, 32770]"];
        refuses(kernel, &program, "an answer without a bound", &bounds, |_| NO_OPERATION, &reason);
        // The context ends behind the length, which is its last field.
        let length = positions(&program, |insn| {
            insn.code == LOAD && insn.src == 5 && insn.off == Context::PacketBytes as i16
        });
        let behind = |insn: Insn| Insn { off: insn.off + 8, ..insn };
        let reason = ["invalid bpf_context access off=48 size=8"];
        refuses(kernel, &program, "a field behind the context", &length[..1], behind, &reason);
    }
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
        ("filter a in (\"x\")\noutput records\n", "a string in place 2"),
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
        Sizes { input_bytes: 2048, ..SIZES },
        Sizes { input_bytes: 8191, ..SIZES },
        Sizes { output_bytes: 4096, ..SIZES },
        Sizes { group_capacity: 8, ..SIZES },
        Sizes { input_bytes: 32 << 20, output_bytes: 32 << 20, ..SIZES },
    ] {
        assert_eq!(compile_error(&format!("{plain}{count}"), sizes), CompileError::Sizes(sizes));
    }
    let large = Sizes { input_bytes: 64 << 10, output_bytes: 64 << 10, ..SIZES };
    let packet = compile(&fragment(&format!("{plain}{count}")), Target::Packet, large).err();
    assert_eq!(packet, Some(CompileError::Sizes(large)));
    let long = Sizes { group_capacity: 1 << 24, ..SIZES };
    let keys = format!("{plain}output aggregates\nkey s bytes=64\n");
    assert_eq!(compile_error(&keys, long), CompileError::TooLarge);
}
