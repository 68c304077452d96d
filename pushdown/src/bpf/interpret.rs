//! A checked interpreter of the instructions that the assembler emits: the reference for what a program means,
//! and a machine for where the kernel cannot be used.
//!
//! Checked means that whatever the verifier would have to refuse is a typed [`Fault`] with the place, for the path
//! that was taken: reading a register or stack byte that was never written, leaving a map or the stack, jumping
//! out of the program, looping for ever. What the instructions compute is specified in the kernel's
//! `Documentation/bpf/standardization/instruction-set.rst`.
//!
//! An address is a region number in the high bits and an offset in the low ones, so that address arithmetic is
//! plain addition, and a step over either end of a region ends in nothing.

mod decode;
mod fault;
mod memory;

use crate::bpf::Insn;
use decode::{Op, OpcodeKind};
use memory::Space;

pub use fault::{FRAMES_MAX, Fault, FaultKind, Region, STACK_BYTES};
pub use memory::Memory;

/// How long a program may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Instructions.
    pub steps: u64,
    /// Times that the `may_goto`s of one call fall through before they jump. The kernel's number before Linux
    /// 6.15, which measures time instead, is `BPF_MAX_LOOPS` of `linux/bpf.h`, the default.
    pub loops: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { steps: 1 << 30, loops: 8 << 20 }
    }
}

/// What a program did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// r0 at the end.
    pub value: u64,
    /// Instructions executed.
    pub steps: u64,
}

/// Runs a program with the default limits: r0 at its end.
pub fn run(insns: &[Insn], memory: &mut Memory) -> Result<u64, Fault> {
    Decoded::new(insns).run(memory, Limits::default()).map(|outcome| outcome.value)
}

/// A program that was decoded once, to run many times.
#[derive(Debug, Clone)]
pub struct Decoded {
    ops: Vec<Op>,
}

impl Decoded {
    /// Decodes a program. What is wrong with it only shows when it is run.
    pub fn new(insns: &[Insn]) -> Decoded {
        Decoded { ops: decode::decode(insns) }
    }

    /// Runs it once. At the entry r1 is the address of the context, 0 without one; r10 is the frame pointer.
    pub fn run(&self, memory: &mut Memory, limits: Limits) -> Result<Outcome, Fault> {
        execute(&self.ops, memory, limits)
    }
}

/// Whether the first instruction of a program is one that can be executed.
#[cfg(test)]
pub(super) fn is_known(insns: &[Insn]) -> bool {
    !matches!(decode::decode(insns)[0].kind, OpcodeKind::Unknown | OpcodeKind::FramePointerWritten)
}

/// What a call puts aside.
#[derive(Clone, Copy, Default)]
struct Frame {
    return_pc: usize,
    /// r6 to r9.
    saved: [u64; 4],
    initialised: u16,
    loops: u32,
}

/// r1 to r5, the arguments, which a call does not preserve.
const ARGUMENTS: u16 = 0x003e;
/// r6 to r9, which it does.
const PRESERVED: u16 = 0x03c0;
/// r10, and the constant zero of [`decode::ZERO`].
const ALWAYS: u16 = 0x0c00;

/// The machine. A flat loop over one match: everything that can be checked before is, and all faults leave by
/// cold calls, because thousands of differential tests spend their time here.
fn execute(ops: &[Op], memory: &mut Memory, limits: Limits) -> Result<Outcome, Fault> {
    let mut registers = [0_u64; 16];
    registers[1] = memory.context_address();
    let mut space = Space::new(memory);
    let mut initialised = ALWAYS | 1 << 1;
    registers[10] = space.push_frame();
    let mut frames = [Frame::default(); FRAMES_MAX];
    let mut depth = 0;
    let mut loops = limits.loops;
    let mut steps = limits.steps;
    let mut pc = 0;

    /// Fails at the current instruction.
    macro_rules! fail {
        ($kind:expr) => {
            return Err(fault(pc, $kind))
        };
    }
    loop {
        let op = ops[pc];
        if op.reads & !initialised != 0 {
            let register = (op.reads & !initialised).trailing_zeros() as u8;
            fail!(FaultKind::UninitialisedRegister { register });
        }
        if steps == 0 {
            fail!(FaultKind::StepLimit);
        }
        steps -= 1;
        let dst = usize::from(op.dst & 15);
        let source = registers[usize::from(op.src & 15)];
        // One of the two is zero.
        let operand = source.wrapping_add(op.imm as i64 as u64);
        let mut next = pc + 1;

        /// `x` is the destination.
        macro_rules! alu64 {
            (|$x:ident| $value:expr) => {{
                let $x = registers[dst];
                registers[dst] = $value;
            }};
        }
        /// The same for its lower half; the upper one is cleared.
        macro_rules! alu32 {
            (|$x:ident, $y:ident| $value:expr) => {{
                let ($x, $y) = (registers[dst] as u32, operand as u32);
                registers[dst] = u64::from($value as u32);
            }};
        }
        macro_rules! load {
            ($type:ty, |$x:ident| $value:expr) => {{
                match space.load(source.wrapping_add(op.displacement())) {
                    Ok(bytes) => {
                        let $x = <$type>::from_le_bytes(bytes);
                        registers[dst] = $value;
                        initialised |= 1 << dst;
                    }
                    Err(kind) => fail!(kind),
                }
            }};
        }
        macro_rules! store {
            ($type:ty) => {{
                let address = registers[dst].wrapping_add(op.displacement());
                if let Err(kind) = space.store(address, (operand as $type).to_le_bytes()) {
                    fail!(kind)
                }
            }};
        }
        macro_rules! jump_if {
            ($type:ty, |$x:ident, $y:ident| $condition:expr) => {{
                let ($x, $y) = (registers[dst] as $type, operand as $type);
                if $condition {
                    next = op.target as usize;
                }
            }};
        }

        match op.kind {
            OpcodeKind::Move64 => {
                registers[dst] = operand;
                initialised |= 1 << dst;
            }
            OpcodeKind::Move32 => {
                registers[dst] = u64::from(operand as u32);
                initialised |= 1 << dst;
            }
            OpcodeKind::Wide => {
                registers[dst] = op.wide();
                initialised |= 1 << dst;
                next = pc + 2;
            }
            OpcodeKind::SignExtend64 => {
                registers[dst] = sign_extend(source, op.imm);
                initialised |= 1 << dst;
            }
            OpcodeKind::SignExtend32 => {
                registers[dst] = u64::from(sign_extend(source, op.imm) as u32);
                initialised |= 1 << dst;
            }
            OpcodeKind::Add64 => alu64!(|x| x.wrapping_add(operand)),
            OpcodeKind::Sub64 => alu64!(|x| x.wrapping_sub(operand)),
            OpcodeKind::Mul64 => alu64!(|x| x.wrapping_mul(operand)),
            OpcodeKind::Div64 => alu64!(|x| x.checked_div(operand).unwrap_or(0)),
            OpcodeKind::Mod64 => alu64!(|x| x.checked_rem(operand).unwrap_or(x)),
            OpcodeKind::SignedDiv64 => alu64!(|x| signed_div64(x as i64, operand as i64) as u64),
            OpcodeKind::SignedMod64 => alu64!(|x| signed_mod64(x as i64, operand as i64) as u64),
            OpcodeKind::Or64 => alu64!(|x| x | operand),
            OpcodeKind::And64 => alu64!(|x| x & operand),
            OpcodeKind::Xor64 => alu64!(|x| x ^ operand),
            OpcodeKind::ShiftLeft64 => alu64!(|x| x.wrapping_shl(operand as u32)),
            OpcodeKind::ShiftRight64 => alu64!(|x| x.wrapping_shr(operand as u32)),
            OpcodeKind::SignedShiftRight64 => alu64!(|x| (x as i64).wrapping_shr(operand as u32) as u64),
            OpcodeKind::Negate64 => alu64!(|x| x.wrapping_neg()),
            OpcodeKind::Add32 => alu32!(|x, y| x.wrapping_add(y)),
            OpcodeKind::Sub32 => alu32!(|x, y| x.wrapping_sub(y)),
            OpcodeKind::Mul32 => alu32!(|x, y| x.wrapping_mul(y)),
            OpcodeKind::Div32 => alu32!(|x, y| x.checked_div(y).unwrap_or(0)),
            OpcodeKind::Mod32 => alu32!(|x, y| x.checked_rem(y).unwrap_or(x)),
            OpcodeKind::SignedDiv32 => alu32!(|x, y| signed_div32(x as i32, y as i32)),
            OpcodeKind::SignedMod32 => alu32!(|x, y| signed_mod32(x as i32, y as i32)),
            OpcodeKind::Or32 => alu32!(|x, y| x | y),
            OpcodeKind::And32 => alu32!(|x, y| x & y),
            OpcodeKind::Xor32 => alu32!(|x, y| x ^ y),
            OpcodeKind::ShiftLeft32 => alu32!(|x, y| x.wrapping_shl(y)),
            OpcodeKind::ShiftRight32 => alu32!(|x, y| x.wrapping_shr(y)),
            OpcodeKind::SignedShiftRight32 => alu32!(|x, y| (x as i32).wrapping_shr(y)),
            OpcodeKind::Negate32 => alu32!(|x, _y| x.wrapping_neg()),
            OpcodeKind::Little16 => alu64!(|x| u64::from((x as u16).to_le())),
            OpcodeKind::Little32 => alu64!(|x| u64::from((x as u32).to_le())),
            OpcodeKind::Little64 => alu64!(|x| x.to_le()),
            OpcodeKind::Swap16 => alu64!(|x| u64::from((x as u16).swap_bytes())),
            OpcodeKind::Swap32 => alu64!(|x| u64::from((x as u32).swap_bytes())),
            OpcodeKind::Swap64 => alu64!(|x| x.swap_bytes()),
            OpcodeKind::Load8 => load!(u8, |x| u64::from(x)),
            OpcodeKind::Load16 => load!(u16, |x| u64::from(x)),
            OpcodeKind::Load32 => load!(u32, |x| u64::from(x)),
            OpcodeKind::Load64 => load!(u64, |x| x),
            OpcodeKind::SignedLoad8 => load!(i8, |x| x as i64 as u64),
            OpcodeKind::SignedLoad16 => load!(i16, |x| x as i64 as u64),
            OpcodeKind::SignedLoad32 => load!(i32, |x| x as i64 as u64),
            OpcodeKind::Store8 => store!(u8),
            OpcodeKind::Store16 => store!(u16),
            OpcodeKind::Store32 => store!(u32),
            OpcodeKind::Store64 => store!(u64),
            OpcodeKind::Goto => next = op.target as usize,
            OpcodeKind::Equal64 => jump_if!(u64, |x, y| x == y),
            OpcodeKind::NotEqual64 => jump_if!(u64, |x, y| x != y),
            OpcodeKind::AnyBit64 => jump_if!(u64, |x, y| x & y != 0),
            OpcodeKind::Greater64 => jump_if!(u64, |x, y| x > y),
            OpcodeKind::GreaterEqual64 => jump_if!(u64, |x, y| x >= y),
            OpcodeKind::Less64 => jump_if!(u64, |x, y| x < y),
            OpcodeKind::LessEqual64 => jump_if!(u64, |x, y| x <= y),
            OpcodeKind::SignedGreater64 => jump_if!(i64, |x, y| x > y),
            OpcodeKind::SignedGreaterEqual64 => jump_if!(i64, |x, y| x >= y),
            OpcodeKind::SignedLess64 => jump_if!(i64, |x, y| x < y),
            OpcodeKind::SignedLessEqual64 => jump_if!(i64, |x, y| x <= y),
            OpcodeKind::Equal32 => jump_if!(u32, |x, y| x == y),
            OpcodeKind::NotEqual32 => jump_if!(u32, |x, y| x != y),
            OpcodeKind::AnyBit32 => jump_if!(u32, |x, y| x & y != 0),
            OpcodeKind::Greater32 => jump_if!(u32, |x, y| x > y),
            OpcodeKind::GreaterEqual32 => jump_if!(u32, |x, y| x >= y),
            OpcodeKind::Less32 => jump_if!(u32, |x, y| x < y),
            OpcodeKind::LessEqual32 => jump_if!(u32, |x, y| x <= y),
            OpcodeKind::SignedGreater32 => jump_if!(i32, |x, y| x > y),
            OpcodeKind::SignedGreaterEqual32 => jump_if!(i32, |x, y| x >= y),
            OpcodeKind::SignedLess32 => jump_if!(i32, |x, y| x < y),
            OpcodeKind::SignedLessEqual32 => jump_if!(i32, |x, y| x <= y),
            OpcodeKind::MayGoto => match loops.checked_sub(1) {
                Some(left) => loops = left,
                None => next = op.target as usize,
            },
            OpcodeKind::Call => {
                if depth + 1 == FRAMES_MAX {
                    fail!(FaultKind::CallDepth);
                }
                let saved = [registers[6], registers[7], registers[8], registers[9]];
                frames[depth] = Frame { return_pc: next, saved, initialised, loops };
                depth += 1;
                initialised &= ALWAYS | ARGUMENTS;
                loops = limits.loops;
                registers[10] = space.push_frame();
                next = op.target as usize;
            }
            OpcodeKind::Exit if depth == 0 => {
                if initialised & 1 == 0 {
                    fail!(FaultKind::UninitialisedRegister { register: 0 });
                }
                return Ok(Outcome { value: registers[0], steps: limits.steps - steps });
            }
            OpcodeKind::Exit => {
                depth -= 1;
                let frame = frames[depth];
                registers[6..10].copy_from_slice(&frame.saved);
                registers[10] = space.pop_frame();
                // The result is the callee's, initialised or not; the arguments are gone.
                initialised = ALWAYS | frame.initialised & PRESERVED | initialised & 1;
                loops = frame.loops;
                next = frame.return_pc;
            }
            OpcodeKind::FramePointerWritten => fail!(FaultKind::FramePointerWritten),
            OpcodeKind::Helper => fail!(FaultKind::UnsupportedHelper { helper: op.imm }),
            OpcodeKind::Unknown => fail!(FaultKind::UnknownInstruction { slot: op.wide() }),
            OpcodeKind::SecondSlot => fail!(FaultKind::SecondSlot),
            OpcodeKind::End => fail!(FaultKind::EndReached),
            // It stands behind the program, in the name of the jump that led here.
            OpcodeKind::Outside => return Err(fault(op.target as usize, FaultKind::JumpOutside)),
        }
        pc = next;
    }
}

#[cold]
#[inline(never)]
fn fault(pc: usize, kind: FaultKind) -> Fault {
    Fault { pc, kind }
}

/// Extends the sign of the lower `bits` bits.
fn sign_extend(value: u64, bits: i32) -> u64 {
    let unused = 64 - bits as u32;
    ((value << unused) as i64 >> unused) as u64
}

// Division by zero gives zero and the remainder is the dividend; the quotient that does not fit wraps.

fn signed_div64(x: i64, y: i64) -> i64 {
    if y == 0 { 0 } else { x.wrapping_div(y) }
}

fn signed_mod64(x: i64, y: i64) -> i64 {
    if y == 0 { x } else { x.wrapping_rem(y) }
}

fn signed_div32(x: i32, y: i32) -> i32 {
    if y == 0 { 0 } else { x.wrapping_div(y) }
}

fn signed_mod32(x: i32, y: i32) -> i32 {
    if y == 0 { x } else { x.wrapping_rem(y) }
}
