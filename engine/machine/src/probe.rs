//! Can this process run programs in this kernel?
//!
//! Answered by doing it: versions lie (distributions port features back) and capabilities are not the whole story
//! (containers, user namespaces, seccomp). Only the refusal is explained by looking at them.

use std::fs::File;
use std::sync::{Arc, OnceLock};

use pushdown::bpf::asm::{self, GuardTarget, Holes};
use pushdown::contract::hook::{Context, PACKET_BYTES_MAX, PACKET_CONSUME};
use pushdown::contract::index::{IndexArray, Indexing};
use pushdown::contract::layout::{Layout, Map, SCRATCH, Sizes};
use pushdown::contract::steps::{Maps, RunRead, RunWindow};
use pushdown::fragment::StructuralBytes;
use pushdown::{Program, Target};

use crate::capabilities::Capabilities;
use crate::release::kernel_release;
use crate::unavailable::{explain, no_permission};
use crate::{KernelError, ReadMachine, Unavailable, WindowMachine, sys};

/// Whether [`Stock`](crate::BackendKind::Stock) can run here, and if not what to do. Asks the kernel once per process.
pub fn probe() -> Result<(), Unavailable> {
    static ANSWER: OnceLock<Result<(), Unavailable>> = OnceLock::new();
    ANSWER.get_or_init(probe_now).clone()
}

/// Whether [`Hook`](crate::BackendKind::Hook) can run here, and if not what to do. Asks the kernel once per process.
pub fn probe_hook() -> Result<(), Unavailable> {
    static ANSWER: OnceLock<Result<(), Unavailable>> = OnceLock::new();
    ANSWER.get_or_init(|| probe().and_then(|()| probe_hook_now())).clone()
}

/// Finds out which files programs can be attached to.
#[derive(Debug)]
pub struct HookProbe(ReadMachine);

impl HookProbe {
    /// Loads a program that does next to nothing.
    pub fn load() -> Result<HookProbe, KernelError> {
        ReadMachine::hook(&hook_program()).map(HookProbe)
    }

    /// Whether programs can be attached to a file; else the kernel's reason.
    pub fn takes(&mut self, file: &File) -> Result<(), KernelError> {
        let taken = self.0.attach(file, 0);
        self.0.detach();
        taken
    }
}

fn probe_now() -> Result<(), Unavailable> {
    let capabilities = Capabilities::of_process();
    let missing = capabilities.map(Capabilities::missing).unwrap_or_default();
    if !missing.is_empty() {
        // Without CAP_PERFMON alone this small program would load, but not every compiled one: the verifier then
        // forbids pointer arithmetic that could leak addresses.
        return Err(no_permission(missing));
    }
    match runs_in_a_window() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Unavailable::WrongResult),
        Err(error) => Err(explain(error, capabilities, kernel_release())),
    }
}

fn probe_hook_now() -> Result<(), Unavailable> {
    match runs_in_a_read() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Unavailable::WrongResult),
        Err(error @ KernelError::Load { .. }) if error.errno() == Some(libc::EINVAL) => {
            Err(Unavailable::NoHook(Arc::new(error)))
        }
        Err(error) => Err(Unavailable::Other(Arc::new(error))),
    }
}

/// Where the programs leave their result.
const RESULT: usize = SCRATCH;
const ROUNDS: u64 = 8;

/// Whether a program with what all compiled ones need (a map value, a `may_goto` loop) runs and its result arrives.
fn runs_in_a_window() -> Result<bool, KernelError> {
    let mut machine = WindowMachine::stock(&window_program())?;
    machine.run()?;
    Ok(machine.word(RESULT) == ROUNDS)
}

/// Whether a read of a file in memory runs a program instead, which says that it took all bytes.
fn runs_in_a_read() -> Result<bool, KernelError> {
    const BYTES: usize = 3;
    let mut machine = ReadMachine::hook(&hook_program())?;
    let file =
        sys::memory_file(c"weir-probe", &[b'x'; BYTES]).map_err(|source| KernelError::Attach { source })?;
    machine.attach(&file, 0)?;
    let taken = machine.read(0, BYTES)?;
    Ok(taken == BYTES && machine.word(RESULT) == BYTES as u64)
}

/// Counts to [`ROUNDS`] in a `may_goto` loop and stores the count.
fn window_program() -> Program {
    let text = "
  r1 = map[state][0] + {RESULT}
  r2 = 0
round:
  may_goto done
  if r2 == {ROUNDS} goto done
  r2 += 1
  goto round
done:
  *(u64 *)(r1 + 0) = r2
  r0 = 0
  exit
";
    let holes = Holes::new().with("RESULT", RESULT).with("ROUNDS", ROUNDS);
    assemble(text, &holes, Target::Window, |map| if map == Map::State { 4096 } else { 0 })
}

/// Stores the length of the packet and takes it.
fn hook_program() -> Program {
    let text = "
  r1 = *(u64 *)(r1 + {PACKET_BYTES})
  r2 = map[state][0] + {RESULT}
  *(u64 *)(r2 + 0) = r1
  r0 = {PACKET_CONSUME}
  exit
";
    let holes = Holes::new()
        .with("RESULT", RESULT)
        .with("PACKET_BYTES", Context::PacketBytes as usize)
        .with("PACKET_CONSUME", PACKET_CONSUME);
    assemble(text, &holes, Target::Packet, |map| if map == Map::State { 4096 } else { 0 })
}

/// A program from a text of ours, with maps of these sizes.
pub(crate) fn assemble(
    text: &str,
    holes: &Holes,
    target: Target,
    map_bytes: impl Fn(Map) -> usize,
) -> Program {
    let guards = match target {
        Target::Window | Target::Indexed => GuardTarget::Window { window_bytes: map_bytes(Map::Window) },
        Target::Packet => GuardTarget::Packet { packet_bytes_max: PACKET_BYTES_MAX },
    };
    let linked = asm::parse(text, holes, "").and_then(|items| asm::link(&items, &guards));
    let insns = linked.unwrap_or_else(|error| panic!("{error}\n{text}"));
    let layout = Layout {
        rows: None,
        sizes: Sizes::default(),
        map_bytes: Map::ALL.map(map_bytes),
        accumulators: SCRATCH,
        groups: None,
    };
    let indexing = Indexing { dialect: StructuralBytes::default(), array: IndexArray::new(1, &layout.sizes) };
    Program { insns, layout, listing: String::new(), target, indexing }
}
