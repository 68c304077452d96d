//! Slots to a form that executes quickly: one number says what to do, the registers it reads are a bit set, and
//! targets of jumps are places in the decoded program, never outside of it.

use super::memory::map_address;
use crate::bpf::Insn;
use crate::bpf::opcode as op;
use crate::contract::layout::Map;

/// Register that always holds zero: the source of instructions that have an immediate. The operand is then the sum
/// of the source register and the immediate for all of them, without a branch.
pub(super) const ZERO: u8 = 11;

/// A decoded slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Op {
    /// Immediate operand, lower half of a 64-bit one, or bits of a sign extension.
    pub imm: i32,
    /// Place that a jump or call goes to, displacement of a memory access, or upper half of a 64-bit immediate.
    pub target: u32,
    /// Registers that must have a value.
    pub reads: u16,
    pub kind: OpcodeKind,
    pub dst: u8,
    pub src: u8,
}

impl Op {
    fn new(kind: OpcodeKind) -> Op {
        Op { imm: 0, target: 0, reads: 0, kind, dst: 0, src: ZERO }
    }

    /// With both halves of a number.
    fn with_number(kind: OpcodeKind, dst: u8, number: u64) -> Op {
        Op { imm: number as i32, target: (number >> 32) as u32, dst, ..Op::new(kind) }
    }

    #[inline(always)]
    pub fn wide(self) -> u64 {
        u64::from(self.imm as u32) | u64::from(self.target) << 32
    }

    #[inline(always)]
    pub fn displacement(self) -> u64 {
        self.target as i32 as i64 as u64
    }
}

/// What an instruction does. Numbers are widths in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[rustfmt::skip]
pub(super) enum OpcodeKind {
    Move64, Move32, Wide, SignExtend64, SignExtend32,
    Add64, Sub64, Mul64, Div64, Mod64, SignedDiv64, SignedMod64, Or64, And64, Xor64,
    ShiftLeft64, ShiftRight64, SignedShiftRight64, Negate64,
    Add32, Sub32, Mul32, Div32, Mod32, SignedDiv32, SignedMod32, Or32, And32, Xor32,
    ShiftLeft32, ShiftRight32, SignedShiftRight32, Negate32,
    Little16, Little32, Little64, Swap16, Swap32, Swap64,
    Load8, Load16, Load32, Load64, SignedLoad8, SignedLoad16, SignedLoad32,
    Store8, Store16, Store32, Store64,
    Goto, MayGoto, Call, Exit,
    Equal64, NotEqual64, AnyBit64, Greater64, GreaterEqual64, Less64, LessEqual64,
    SignedGreater64, SignedGreaterEqual64, SignedLess64, SignedLessEqual64,
    Equal32, NotEqual32, AnyBit32, Greater32, GreaterEqual32, Less32, LessEqual32,
    SignedGreater32, SignedGreaterEqual32, SignedLess32, SignedLessEqual32,
    /// Faults.
    FramePointerWritten, Helper, Unknown, SecondSlot, End, Outside,
}

/// Decodes a program: an op for each slot at the same place, then the end, then one for each jump out of it.
pub(super) fn decode(insns: &[Insn]) -> Vec<Op> {
    let mut ops = Vec::with_capacity(insns.len() + 1);
    while let Some(insn) = insns.get(ops.len()) {
        if insn.code == op::LD_IMM64 {
            let wide = insns.get(ops.len() + 1).and_then(|high| wide(*insn, *high));
            if let Some(op) = wide {
                ops.extend([op, Op::new(OpcodeKind::SecondSlot)]);
                continue;
            }
        }
        let op = decode_one(*insn).unwrap_or_else(|| Op::with_number(OpcodeKind::Unknown, 0, insn.to_u64()));
        ops.push(op);
    }
    ops.push(Op::new(OpcodeKind::End));
    for place in 0..insns.len() {
        let Some(distance) = distance(ops[place].kind, insns[place]) else { continue };
        let target = usize::try_from(place as i64 + 1 + distance).ok().filter(|target| *target < insns.len());
        ops[place].target = target.unwrap_or(ops.len()) as u32;
        if target.is_none() {
            ops.push(Op { target: place as u32, ..Op::new(OpcodeKind::Outside) });
        }
    }
    ops
}

/// How far a decoded jump or call goes.
fn distance(kind: OpcodeKind, insn: Insn) -> Option<i64> {
    match kind {
        OpcodeKind::Call => Some(i64::from(insn.imm)),
        OpcodeKind::Goto if insn.code == op::GOTOL => Some(i64::from(insn.imm)),
        OpcodeKind::Goto | OpcodeKind::MayGoto => Some(i64::from(insn.off)),
        OpcodeKind::Exit | OpcodeKind::Helper | OpcodeKind::Unknown => None,
        _ => insn.conditional_jump().map(|_| i64::from(insn.off)),
    }
}

fn wide(insn: Insn, high: Insn) -> Option<Op> {
    if insn.off != 0 || insn.dst > op::FRAME_POINTER || high != (Insn { imm: high.imm, ..Insn::default() }) {
        return None;
    }
    let number = match insn.src {
        0 => u64::from(insn.imm as u32) | u64::from(high.imm as u32) << 32,
        op::PSEUDO_MAP_IDX_VALUE => {
            let map = Map::ALL.into_iter().find(|map| *map as i32 == insn.imm)?;
            map_address(map as u32, high.imm as u32)
        }
        _ => return None,
    };
    Some(written(Op::with_number(OpcodeKind::Wide, insn.dst, number)))
}

/// An op that writes its destination, unless that is the frame pointer.
fn written(op: Op) -> Op {
    if op.dst == op::FRAME_POINTER { Op::new(OpcodeKind::FramePointerWritten) } else { op }
}

fn decode_one(insn: Insn) -> Option<Op> {
    if insn.dst > op::FRAME_POINTER || insn.src > op::FRAME_POINTER {
        return None;
    }
    match op::class(insn.code) {
        op::LDX | op::ST | op::STX => access(insn),
        op::ALU | op::ALU64 => arithmetic(insn),
        op::JMP | op::JMP32 => jump(insn),
        _ => None,
    }
}

fn access(insn: Insn) -> Option<Op> {
    let Insn { code, dst, src, off, imm } = insn;
    let target = i32::from(off) as u32;
    let kind = |signed: bool| {
        Some(match (code & !0x07, signed) {
            (access, false) if access == op::MEM | op::B => (OpcodeKind::Load8, OpcodeKind::Store8),
            (access, false) if access == op::MEM | op::H => (OpcodeKind::Load16, OpcodeKind::Store16),
            (access, false) if access == op::MEM | op::W => (OpcodeKind::Load32, OpcodeKind::Store32),
            (access, false) if access == op::MEM | op::DW => (OpcodeKind::Load64, OpcodeKind::Store64),
            (access, true) if access == op::MEMSX | op::B => (OpcodeKind::SignedLoad8, OpcodeKind::Unknown),
            (access, true) if access == op::MEMSX | op::H => (OpcodeKind::SignedLoad16, OpcodeKind::Unknown),
            (access, true) if access == op::MEMSX | op::W => (OpcodeKind::SignedLoad32, OpcodeKind::Unknown),
            _ => return None,
        })
    };
    match op::class(code) {
        op::LDX if imm == 0 => {
            let (load, _) = kind(code & op::MEMSX == op::MEMSX)?;
            Some(written(Op { imm, target, reads: 1 << src, kind: load, dst, src }))
        }
        op::ST if src == 0 => Some(Op { imm, target, reads: 1 << dst, kind: kind(false)?.1, dst, src: ZERO }),
        op::STX if imm == 0 => {
            Some(Op { imm, target, reads: 1 << dst | 1 << src, kind: kind(false)?.1, dst, src })
        }
        _ => None,
    }
}

fn arithmetic(insn: Insn) -> Option<Op> {
    let Insn { code, dst, off, .. } = insn;
    let is_64 = op::class(code) == op::ALU64;
    let operation = op::operation(code);
    if operation == op::END {
        return byte_order(insn).map(written);
    }
    if code & op::X == 0 && op::is_meaningless(operation, is_64, i128::from(insn.imm)) {
        return None;
    }
    let mut decoded = with_operand(insn)?;
    let pick = |kind64, kind32| Some(if is_64 { kind64 } else { kind32 });
    decoded.kind = match (operation, off) {
        (op::ADD, 0) => pick(OpcodeKind::Add64, OpcodeKind::Add32),
        (op::SUB, 0) => pick(OpcodeKind::Sub64, OpcodeKind::Sub32),
        (op::MUL, 0) => pick(OpcodeKind::Mul64, OpcodeKind::Mul32),
        (op::DIV, 0) => pick(OpcodeKind::Div64, OpcodeKind::Div32),
        (op::DIV, 1) => pick(OpcodeKind::SignedDiv64, OpcodeKind::SignedDiv32),
        (op::MOD, 0) => pick(OpcodeKind::Mod64, OpcodeKind::Mod32),
        (op::MOD, 1) => pick(OpcodeKind::SignedMod64, OpcodeKind::SignedMod32),
        (op::OR, 0) => pick(OpcodeKind::Or64, OpcodeKind::Or32),
        (op::AND, 0) => pick(OpcodeKind::And64, OpcodeKind::And32),
        (op::XOR, 0) => pick(OpcodeKind::Xor64, OpcodeKind::Xor32),
        (op::LSH, 0) => pick(OpcodeKind::ShiftLeft64, OpcodeKind::ShiftLeft32),
        (op::RSH, 0) => pick(OpcodeKind::ShiftRight64, OpcodeKind::ShiftRight32),
        (op::ARSH, 0) => pick(OpcodeKind::SignedShiftRight64, OpcodeKind::SignedShiftRight32),
        (op::MOV, 0) => pick(OpcodeKind::Move64, OpcodeKind::Move32),
        (op::MOV, 8 | 16 | 32) if code & op::X != 0 && (is_64 || off != 32) => {
            decoded.imm = i32::from(off);
            pick(OpcodeKind::SignExtend64, OpcodeKind::SignExtend32)
        }
        (op::NEG, 0) if code & op::X == 0 && insn.imm == 0 => {
            pick(OpcodeKind::Negate64, OpcodeKind::Negate32)
        }
        _ => None,
    }?;
    if operation != op::MOV {
        decoded.reads |= 1 << dst;
    }
    Some(written(decoded))
}

/// An op with its source: the register or the immediate, the other one being empty.
fn with_operand(insn: Insn) -> Option<Op> {
    let Insn { code, dst, src, imm, .. } = insn;
    if code & op::X == 0 {
        return (src == 0).then(|| Op { imm, dst, ..Op::new(OpcodeKind::Unknown) });
    }
    (imm == 0).then(|| Op { reads: 1 << src, dst, src, ..Op::new(OpcodeKind::Unknown) })
}

fn byte_order(insn: Insn) -> Option<Op> {
    let Insn { code, dst, src, off, imm } = insn;
    if src != 0 || off != 0 {
        return None;
    }
    let swaps = match (op::class(code) == op::ALU64, code & op::X != 0) {
        (true, true) => return None,
        (false, false) => false,
        // The machine is little-endian.
        _ => true,
    };
    let kind = match (imm, swaps) {
        (16, false) => OpcodeKind::Little16,
        (32, false) => OpcodeKind::Little32,
        (64, false) => OpcodeKind::Little64,
        (16, true) => OpcodeKind::Swap16,
        (32, true) => OpcodeKind::Swap32,
        (64, true) => OpcodeKind::Swap64,
        _ => return None,
    };
    Some(Op { reads: 1 << dst, dst, ..Op::new(kind) })
}

fn jump(insn: Insn) -> Option<Op> {
    let Insn { code, dst, src, off, imm } = insn;
    if insn.conditional_jump().is_some() {
        let mut decoded = with_operand(insn)?;
        decoded.kind = condition(op::operation(code), op::class(code) == op::JMP)?;
        decoded.reads |= 1 << dst;
        return Some(decoded);
    }
    if dst != 0 {
        return None;
    }
    match (code, src) {
        (op::GOTO, 0) if imm == 0 => Some(Op::new(OpcodeKind::Goto)),
        (op::GOTOL, 0) if off == 0 => Some(Op::new(OpcodeKind::Goto)),
        (op::MAY_GOTO, 0) if imm == 0 => Some(Op::new(OpcodeKind::MayGoto)),
        (code, 0) if code == op::JMP | op::EXIT && off == 0 && imm == 0 => Some(Op::new(OpcodeKind::Exit)),
        (code, 0) if code == op::JMP | op::CALL && off == 0 => {
            Some(Op { imm, ..Op::new(OpcodeKind::Helper) })
        }
        (code, op::PSEUDO_CALL) if code == op::JMP | op::CALL && off == 0 => Some(Op::new(OpcodeKind::Call)),
        _ => None,
    }
}

fn condition(operation: u8, is_64: bool) -> Option<OpcodeKind> {
    let (kind64, kind32) = match operation {
        op::JEQ => (OpcodeKind::Equal64, OpcodeKind::Equal32),
        op::JNE => (OpcodeKind::NotEqual64, OpcodeKind::NotEqual32),
        op::JSET => (OpcodeKind::AnyBit64, OpcodeKind::AnyBit32),
        op::JGT => (OpcodeKind::Greater64, OpcodeKind::Greater32),
        op::JGE => (OpcodeKind::GreaterEqual64, OpcodeKind::GreaterEqual32),
        op::JLT => (OpcodeKind::Less64, OpcodeKind::Less32),
        op::JLE => (OpcodeKind::LessEqual64, OpcodeKind::LessEqual32),
        op::JSGT => (OpcodeKind::SignedGreater64, OpcodeKind::SignedGreater32),
        op::JSGE => (OpcodeKind::SignedGreaterEqual64, OpcodeKind::SignedGreaterEqual32),
        op::JSLT => (OpcodeKind::SignedLess64, OpcodeKind::SignedLess32),
        op::JSLE => (OpcodeKind::SignedLessEqual64, OpcodeKind::SignedLessEqual32),
        _ => return None,
    };
    Some(if is_64 { kind64 } else { kind32 })
}
