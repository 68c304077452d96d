//! The machines, each with the same hand-assembled programs; the kernel's is skipped where it cannot be used.

use std::process::Command;

use pushdown::bpf::Insn;
use pushdown::contract::hook::{self, Context, PACKET_BYTES_MAX, PACKET_CONSUME, PACKET_STOP};
use pushdown::contract::layout::{Layout, Sizes};

use super::*;
use crate::testing::kernel_available_or_skip;

const WINDOW_BYTES: usize = 4096;
const STATE_BYTES: usize = 256;

fn insn(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
    Insn { code, dst, src, off, imm }
}

/// `dst = map[map][offset]`
fn load_map(dst: u8, map: Map, offset: i32) -> [Insn; 2] {
    [insn(0x18, dst, 6, 0, map as i32), insn(0, 0, 0, 0, offset)]
}

/// `r0 = value; exit`
fn return_value(value: i32) -> [Insn; 2] {
    [insn(0xb7, 0, 0, 0, value), insn(0x95, 0, 0, 0, 0)]
}

/// With a window and a state map, nothing else.
fn program(parts: &[&[Insn]]) -> Program {
    let layout = Layout {
        sizes: Sizes::default(),
        map_bytes: Map::ALL.map(|map| match map {
            Map::Window => WINDOW_BYTES,
            Map::State => STATE_BYTES,
            _ => 0,
        }),
        accumulators: 128,
        group_entry_bytes: 0,
    };
    Program { insns: parts.concat(), layout, listing: String::new() }
}

/// Sums the first `END` bytes of the window into the word at 128, in a `may_goto` loop.
fn sum_program() -> Program {
    program(&[
        &load_map(6, Map::Window, 0),
        &load_map(7, Map::State, 0),
        &[
            // r1 = *(u64 *)(r7 + END); r8 = *(u64 *)(r7 + 136); r2 = 0; r3 = 0
            insn(0x79, 1, 7, 8, 0),
            insn(0x79, 8, 7, 136, 0),
            insn(0xb7, 2, 0, 0, 0),
            insn(0xb7, 3, 0, 0, 0),
            // loop: may_goto done; if r2 >= r1 goto done
            insn(0xe5, 0, 0, 9, 0),
            insn(0x3d, 2, 1, 8, 0),
            // r2 += r8; r2 &= 4095: a zero the verifier cannot see, lest it walks every round by itself
            insn(0x0f, 2, 8, 0, 0),
            insn(0x57, 2, 0, 0, WINDOW_BYTES as i32 - 1),
            // r4 = r6; r4 += r2; r5 = *(u8 *)(r4 + 0)
            insn(0xbf, 4, 6, 0, 0),
            insn(0x0f, 4, 2, 0, 0),
            insn(0x71, 5, 4, 0, 0),
            // r3 += r5; r2 += 1; goto loop
            insn(0x0f, 3, 5, 0, 0),
            insn(0x07, 2, 0, 0, 1),
            insn(0x05, 0, 0, -10, 0),
            // done: *(u64 *)(r7 + 128) = r3
            insn(0x7b, 7, 3, 128, 0),
        ],
        &return_value(0),
    ])
}

/// A build of the patched kernel compares that header with the kernel's own.
#[test]
fn the_numbers_of_the_read_hook_are_those_of_its_header() {
    let header = include_str!("../../../kernel-patch/include/weir_file_read.h");
    for (name, value) in [
        ("BPF_PROG_TYPE_FILE_READ", u64::from(hook::PROGRAM_TYPE)),
        ("BPF_FILE_READ", u64::from(hook::ATTACH_TYPE)),
        ("FILE_READ_WINDOW_MAX", PACKET_BYTES_MAX as u64),
        ("FILE_READ_CONSUME", PACKET_CONSUME),
        ("FILE_READ_STOP", PACKET_STOP),
    ] {
        let (_, definition) = header.split_once(&format!("#define WEIR_{name} ")).expect(name);
        let defined = definition.split_whitespace().next().expect(name);
        assert_eq!(defined, value.to_string(), "{name}");
    }
    for field in Context::ALL {
        let name = match field {
            Context::Data => "data",
            Context::DataEnd => "data_end",
            Context::Position => "pos",
            Context::FileBytes => "size",
            Context::Cookie => "cookie",
            Context::PacketBytes => "len",
        };
        let (_, comment) = header.split_once(&format!("__u64 {name};")).expect(name);
        let offset = comment.trim_start().strip_prefix(&format!("/* offset {}, ", field as usize));
        assert!(offset.is_some(), "{name}");
    }
}

/// The machines to test with.
fn backends(test: &str) -> Vec<BackendKind> {
    let mut backends = vec![BackendKind::Interpret];
    if kernel_available_or_skip(test) {
        backends.push(BackendKind::Stock);
    }
    backends
}

fn sum_of(backend: BackendKind, bytes: &[u8]) -> u64 {
    let mut machine = Machine::load(backend, &sum_program()).unwrap();
    machine.map_mut(Map::Window)[..bytes.len()].copy_from_slice(bytes);
    machine.set_word(pushdown::contract::layout::END, bytes.len() as u64);
    machine.run().unwrap();
    machine.word(128)
}

fn rejection(program: &Program) -> KernelError {
    Machine::load(BackendKind::Stock, program).expect_err("the verifier must refuse this program")
}

#[test]
fn a_program_reads_the_window_and_writes_the_state() {
    let bytes: Vec<u8> = (0..1000).map(|i| (i * 7 % 251) as u8).collect();
    let expect = bytes.iter().map(|byte| *byte as u64).sum::<u64>();
    for backend in backends("a_program_reads_the_window_and_writes_the_state") {
        assert_eq!(sum_of(backend, &bytes), expect, "{backend:?}");
        assert_eq!(sum_of(backend, &[]), 0, "{backend:?}");
        assert_eq!(sum_of(backend, &[255; WINDOW_BYTES - 1]), 255 * 4095, "{backend:?}");
    }
}

#[test]
fn maps_are_as_long_as_the_layout_says_and_zero_at_first() {
    for backend in backends("maps_are_as_long_as_the_layout_says_and_zero_at_first") {
        let mut machine = Machine::load(backend, &sum_program()).unwrap();
        assert_eq!(machine.map(Map::Window), [0; WINDOW_BYTES], "{backend:?}");
        assert_eq!(machine.map(Map::State), [0; STATE_BYTES], "{backend:?}");
        assert!(
            machine.map(Map::Groups).is_empty() && machine.map_mut(Map::Output).is_empty(),
            "{backend:?}"
        );
        machine.set_word(8, u64::MAX - 1);
        assert_eq!((machine.word(0), machine.word(8)), (0, u64::MAX - 1), "{backend:?}");
    }
}

#[test]
fn a_machine_runs_again_and_moves_to_another_thread() {
    for backend in backends("a_machine_runs_again_and_moves_to_another_thread") {
        let mut machine = Machine::load(backend, &sum_program()).unwrap();
        machine.set_word(8, 3);
        machine.map_mut(Map::Window)[..4].copy_from_slice(&[1, 2, 3, 4]);
        machine.run().unwrap();
        assert_eq!(machine.word(128), 6, "{backend:?}");
        let machine = std::thread::spawn(move || {
            machine.set_word(8, 4);
            machine.run().unwrap();
            machine
        });
        assert_eq!(machine.join().unwrap().word(128), 10, "{backend:?}");
    }
}

#[test]
fn a_return_value_other_than_zero_is_an_error() {
    for backend in backends("a_return_value_other_than_zero_is_an_error") {
        let mut machine = Machine::load(backend, &program(&[&return_value(-5)])).unwrap();
        match machine.run() {
            Err(KernelError::ProgramFailed { retval }) => assert_eq!(retval as i32, -5),
            other => panic!("{backend:?}: {other:?}"),
        }
    }
}

#[test]
fn loading_is_measured() {
    for backend in backends("loading_is_measured") {
        let program = sum_program();
        let statistics = Machine::load(backend, &program).unwrap().statistics();
        assert_eq!(statistics.program_instructions, program.insns.len());
        match backend {
            BackendKind::Stock => assert!(statistics.verified_instructions >= Some(10), "{statistics:?}"),
            _ => assert_eq!(statistics.verified_instructions, None),
        }
    }
}

#[test]
fn the_interpreter_faults_where_the_verifier_refuses() {
    let uninitialised = program(&[&[insn(0xbf, 0, 3, 0, 0), insn(0x95, 0, 0, 0, 0)]]);
    let mut machine = Machine::load(BackendKind::Interpret, &uninitialised).unwrap();
    assert!(matches!(machine.run(), Err(KernelError::Fault(_))));
}

#[test]
fn an_uninitialised_register_is_refused_with_the_verifiers_log() {
    if !kernel_available_or_skip("an_uninitialised_register_is_refused_with_the_verifiers_log") {
        return;
    }
    let error = rejection(&program(&[&[insn(0xbf, 0, 3, 0, 0), insn(0x95, 0, 0, 0, 0)]]));
    assert_eq!(error.errno(), Some(libc::EACCES));
    let log = error.verifier_log().unwrap();
    assert!(log.contains("R3 !read_ok") && log.contains("r0 = r3"), "{log}");
    let message = error.to_string();
    assert!(message.contains("Permission denied") && message.ends_with("R3 !read_ok"), "{message}");
}

/// The verifier allows exactly the bytes of the layout, no rounding.
#[test]
fn an_access_behind_a_map_is_refused() {
    if !kernel_available_or_skip("an_access_behind_a_map_is_refused") {
        return;
    }
    let store_at = |offset| {
        program(&[
            &load_map(1, Map::State, 0),
            &[insn(0xb7, 2, 0, 0, 7), insn(0x7b, 1, 2, offset, 0)],
            &return_value(0),
        ])
    };
    let mut machine = Machine::load(BackendKind::Stock, &store_at(STATE_BYTES as i16 - 8)).unwrap();
    machine.run().unwrap();
    assert_eq!(machine.word(STATE_BYTES - 8), 7);
    let error = rejection(&store_at(STATE_BYTES as i16 - 7));
    assert!(error.verifier_log().unwrap().contains("invalid access to map value"), "{error}");
}

#[test]
fn a_map_that_the_layout_does_not_have_is_refused() {
    if !kernel_available_or_skip("a_map_that_the_layout_does_not_have_is_refused") {
        return;
    }
    let error = rejection(&program(&[&load_map(1, Map::Groups, 0), &return_value(0)]));
    assert_eq!(error.errno(), Some(libc::EBADF), "{error}");
}

/// The path is longer than the buffer for the log, whose end must tell the reason; the errno must survive.
#[test]
fn a_long_log_keeps_its_end_and_its_errno() {
    if !kernel_available_or_skip("a_long_log_keeps_its_end_and_its_errno") {
        return;
    }
    let mut insns = load_map(1, Map::State, 0).to_vec();
    for _ in 0..5000 {
        insns.push(insn(0x79, 2, 1, 0, 0));
        insns.push(insn(0x7b, 1, 2, 8, 0));
    }
    let error =
        rejection(&program(&[&insns, &[insn(0x79, 2, 1, 8, 0), insn(0xbf, 0, 4, 0, 0)], &return_value(0)]));
    assert_eq!(error.errno(), Some(libc::EACCES));
    let log = error.verifier_log().unwrap();
    assert!(log.len() > 32 << 10 && log.len() <= 64 << 10, "{}", log.len());
    assert!(log.contains("R4 !read_ok") && log.contains("processed "), "{error}");
}

#[test]
fn a_map_too_large_is_an_error() {
    if !kernel_available_or_skip("a_map_too_large_is_an_error") {
        return;
    }
    for bytes in [usize::MAX / 2, 1 << 32, 1 << 31] {
        let mut program = sum_program();
        program.layout.map_bytes[Map::Groups as usize] = bytes;
        let error = rejection(&program);
        assert!(matches!(error, KernelError::Map { map: Map::Groups, .. }), "{error}");
        assert_eq!(error.errno(), Some(libc::E2BIG), "{error}");
    }
}

/// Counts descriptors and mappings, in a process of its own: other tests come and go with theirs.
#[test]
fn a_dropped_machine_leaves_nothing_open() {
    const ALONE: &str = "WEIR_TEST_ALONE";
    if !kernel_available_or_skip("a_dropped_machine_leaves_nothing_open") {
        return;
    }
    if std::env::var_os(ALONE).is_none() {
        let (_, module) = module_path!().split_once("::").unwrap();
        let test = format!("{module}::a_dropped_machine_leaves_nothing_open");
        let alone = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &test, "--nocapture"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&alone.stdout).into_owned() + &String::from_utf8_lossy(&alone.stderr);
        assert!(alone.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let open_count = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let mapped_count = || std::fs::read_to_string("/proc/self/maps").unwrap().matches("bpf-map").count();
    let before = (open_count(), mapped_count());
    for _ in 0..3 {
        let machine = Machine::load(BackendKind::Stock, &sum_program()).unwrap();
        assert_eq!((open_count(), mapped_count()), (before.0 + 1, before.1 + 2), "the program and two maps");
        drop(machine);
        rejection(&program(&[&[insn(0x95, 0, 0, 0, 0)]]));
    }
    assert_eq!((open_count(), mapped_count()), before);
}

#[test]
fn a_log_is_shown_by_its_end() {
    let shown = |log: &str| VerifierLog(log.to_owned()).to_string();
    assert_eq!(shown(""), "");
    let log = "0: (b7) r0 = 0\nR1 bad\nverification time 1 usec\nstack depth 0\nprocessed 1 insns\n\n";
    assert_eq!(shown(log), "\n  0: (b7) r0 = 0\n  R1 bad");
    assert_eq!(shown(&"line\n".repeat(100)).lines().count(), 7);
}
