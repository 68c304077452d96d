//! The machines, each with the same hand-assembled programs; the kernel's is skipped where it cannot be used.

use std::process::Command;
use std::sync::Arc;

use pushdown::bpf::asm::Holes;
use pushdown::contract::hook::{self, Context, PACKET_BYTES_MAX, PACKET_CONSUME, PACKET_STOP};
use pushdown::contract::layout::{END, GROUP_COUNT, Map};
use pushdown::contract::steps::{Maps, RunWindow};
use pushdown::{Program, Target};

use super::*;
use crate::probe::assemble;
use crate::testing::kernel_available_or_skip;

const WINDOW_BYTES: usize = 4096;
const STATE_BYTES: usize = 256;

/// With a window and a state map, nothing else.
fn program(text: &str) -> Program {
    let holes = Holes::new().with("END", END).with("SUM", SUM).with("ZERO", ZERO);
    assemble(text, &holes, Target::Window, |map| match map {
        Map::Window => WINDOW_BYTES,
        Map::State => STATE_BYTES,
        _ => 0,
    })
}

const SUM: usize = 128;
/// Holds a zero that the verifier cannot see.
const ZERO: usize = 136;

/// Sums the first `END` bytes of the window into the word at [`SUM`], in a `may_goto` loop.
fn sum_program() -> Program {
    program(
        "
  r6 = map[window][0]
  r7 = map[state][0]
  r1 = *(u64 *)(r7 + {END})
  r8 = *(u64 *)(r7 + {ZERO})
  r2 = 0
  r3 = 0
byte:
  may_goto done
  if r2 >= r1 goto done
; lest the verifier walks every round by itself
  r2 += r8
  r2 &= 4095
  r4 = r6
  r4 += r2
  r5 = *(u8 *)(r4 + 0)
  r3 += r5
  r2 += 1
  goto byte
done:
  *(u64 *)(r7 + {SUM}) = r3
  r0 = 0
  exit
",
    )
}

/// Reads a register that was never written.
fn uninitialised_program() -> Program {
    program("r0 = r3\nexit\n")
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

fn load(backend: BackendKind, program: &Program) -> WindowMachine {
    match Machine::load(backend, program).unwrap() {
        Machine::Window(machine) => machine,
        Machine::Read(_) => panic!("{backend:?} has no window"),
    }
}

fn sum_of(backend: BackendKind, bytes: &[u8]) -> u64 {
    let mut machine = load(backend, &sum_program());
    machine.map_mut(Map::Window)[..bytes.len()].copy_from_slice(bytes);
    machine.set_word(END, bytes.len() as u64);
    machine.run().unwrap();
    machine.word(SUM)
}

fn rejection(program: &Program) -> KernelError {
    WindowMachine::stock(program).expect_err("the verifier must refuse this program")
}

#[test]
fn a_target_says_what_drives_a_machine() {
    for backend in [BackendKind::Interpret, BackendKind::InterpretHook] {
        let machine = Machine::load(backend, &sum_program()).unwrap();
        let target = match machine {
            Machine::Window(_) => Target::Window,
            Machine::Read(_) => Target::Packet,
        };
        assert_eq!(target, backend.target(), "{backend:?}");
    }
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
        let mut machine = load(backend, &sum_program());
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
        let mut machine = load(backend, &sum_program());
        machine.set_word(8, 3);
        machine.map_mut(Map::Window)[..4].copy_from_slice(&[1, 2, 3, 4]);
        machine.run().unwrap();
        assert_eq!(machine.word(SUM), 6, "{backend:?}");
        let machine = std::thread::spawn(move || {
            machine.set_word(8, 4);
            machine.run().unwrap();
            machine
        });
        assert_eq!(machine.join().unwrap().word(SUM), 10, "{backend:?}");
    }
}

#[test]
fn a_return_value_other_than_zero_is_an_error() {
    for backend in backends("a_return_value_other_than_zero_is_an_error") {
        let mut machine = load(backend, &program("r0 = -5\nexit\n"));
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

/// Counts its runs in the group table, as one group, and says how many there were since its maps were zeroed.
fn counting_program(seed: i32) -> Arc<Program> {
    let text = format!(
        "
  r1 = map[state][0]
  r3 = map[groups][0]
  r2 = {seed}
  r2 = *(u64 *)(r3 + 8)
  r2 += 1
  *(u64 *)(r3 + 8) = r2
  *(u64 *)(r1 + {{SUM}}) = r2
  r2 = 1
  *(u64 *)(r1 + {{GROUP_COUNT}}) = r2
  r0 = 0
  exit
"
    );
    let holes = Holes::new().with("SUM", SUM).with("GROUP_COUNT", GROUP_COUNT);
    Arc::new(assemble(&text, &holes, Target::Window, |map| match map {
        Map::Window => WINDOW_BYTES,
        Map::State => STATE_BYTES,
        Map::Groups => 64,
        _ => 0,
    }))
}

#[test]
fn a_leased_machine_is_as_a_new_one_and_loads_nothing() {
    if !kernel_available_or_skip("a_leased_machine_is_as_a_new_one_and_loads_nothing") {
        return;
    }
    let lease = |program: &Arc<Program>| match Machine::lease(BackendKind::Stock, program).unwrap() {
        Machine::Window(machine) => machine,
        Machine::Read(_) => panic!("it has no window"),
    };
    // Another program than that of the other tests.
    let first = counting_program(1);
    let mut machine = lease(&first);
    assert!(!machine.statistics().load_time.is_zero());
    machine.run().unwrap();
    machine.run().unwrap();
    assert_eq!(machine.word(SUM), 2);
    let mut beside = lease(&first);
    assert!(!beside.statistics().load_time.is_zero(), "the first is in use");
    beside.run().unwrap();
    assert_eq!(beside.word(SUM), 1);
    drop(machine);
    // The same program, compiled again.
    let mut again = lease(&counting_program(1));
    assert!(again.statistics().load_time.is_zero());
    assert_eq!(again.statistics().program_instructions, first.insns.len());
    again.run().unwrap();
    assert_eq!(again.word(SUM), 1);
    drop(beside);
    assert!(!lease(&counting_program(2)).statistics().load_time.is_zero(), "another program");
}

/// What it left in its maps is not known.
#[test]
fn a_machine_that_failed_is_not_taken_again() {
    if !kernel_available_or_skip("a_machine_that_failed_is_not_taken_again") {
        return;
    }
    let program = Arc::new(program("r0 = 7\nexit\n"));
    for _ in 0..2 {
        let Ok(Machine::Window(mut machine)) = Machine::lease(BackendKind::Stock, &program) else {
            panic!("it is loaded")
        };
        assert!(!machine.statistics().load_time.is_zero());
        assert!(machine.run().is_err());
    }
}

#[test]
fn the_interpreter_faults_where_the_verifier_refuses() {
    let mut machine = WindowMachine::interpret(&uninitialised_program());
    assert!(matches!(machine.run(), Err(KernelError::Fault(_))));
}

#[test]
fn an_uninitialised_register_is_refused_with_the_verifiers_log() {
    if !kernel_available_or_skip("an_uninitialised_register_is_refused_with_the_verifiers_log") {
        return;
    }
    let error = rejection(&uninitialised_program());
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
    let store_at = |offset: usize| {
        program(&format!("r1 = map[state][0]\nr2 = 7\n*(u64 *)(r1 + {offset}) = r2\nr0 = 0\nexit\n"))
    };
    let mut machine = load(BackendKind::Stock, &store_at(STATE_BYTES - 8));
    machine.run().unwrap();
    assert_eq!(machine.word(STATE_BYTES - 8), 7);
    let error = rejection(&store_at(STATE_BYTES - 7));
    assert!(error.verifier_log().unwrap().contains("invalid access to map value"), "{error}");
}

#[test]
fn a_map_that_the_layout_does_not_have_is_refused() {
    if !kernel_available_or_skip("a_map_that_the_layout_does_not_have_is_refused") {
        return;
    }
    let error = rejection(&program("r1 = map[groups][0]\nr0 = 0\nexit\n"));
    assert_eq!(error.errno(), Some(libc::EBADF), "{error}");
}

/// The path is longer than the buffer for the log, whose end must tell the reason; the errno must survive.
#[test]
fn a_long_log_keeps_its_end_and_its_errno() {
    if !kernel_available_or_skip("a_long_log_keeps_its_end_and_its_errno") {
        return;
    }
    let error = rejection(&program(
        "
  r1 = map[state][0]
  .repeat 5000 i
  r2 = *(u64 *)(r1 + 0)
  *(u64 *)(r1 + 8) = r2
  .end
  r2 = *(u64 *)(r1 + 8)
  r0 = r4
  exit
",
    ));
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
        let machine = load(BackendKind::Stock, &sum_program());
        assert_eq!((open_count(), mapped_count()), (before.0 + 1, before.1 + 2), "the program and two maps");
        drop(machine);
        rejection(&program("exit\n"));
    }
    assert_eq!((open_count(), mapped_count()), before);
}
