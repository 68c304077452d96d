//! The target machine: instructions in the kernel's encoding, the assembler that reads the notation of the
//! kernel's own listings, the printer of that notation, and a checked interpreter of the instructions we emit.
//!
//! ```text
//! text --[asm::parse]--> items --[asm::link]--> instructions --[interpret::run]--> result or fault
//!   ^                      |                         |
//!   '--[listing::print_items]      [listing::print]--'
//! ```
//!
//! Items still have names for jump targets and guards for accesses to the chunk; instructions have neither.

pub mod asm;
pub mod interpret;
pub mod listing;
pub mod opcode;

/// One 8-byte slot of a program, in the kernel's encoding (`struct bpf_insn` of `uapi/linux/bpf.h`). A 64-bit
/// immediate load takes two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Insn {
    /// Class, operation and source kind.
    pub code: u8,
    /// Destination register.
    pub dst: u8,
    /// Source register, or what a pseudo instruction refers to.
    pub src: u8,
    /// Displacement of a memory access or a jump.
    pub off: i16,
    /// Immediate operand.
    pub imm: i32,
}

impl Insn {
    /// The slot as the kernel reads it from memory on a little-endian machine.
    pub fn to_u64(self) -> u64 {
        debug_assert!(self.dst < 16 && self.src < 16, "a register field has four bits");
        u64::from(self.code)
            | u64::from(self.dst & 15) << 8
            | u64::from(self.src & 15) << 12
            | u64::from(self.off as u16) << 16
            | u64::from(self.imm as u32) << 32
    }

    /// The inverse of [`Insn::to_u64`]; any number is some slot.
    pub fn from_u64(slot: u64) -> Insn {
        Insn {
            code: slot as u8,
            dst: (slot >> 8) as u8 & 15,
            src: (slot >> 12) as u8 & 15,
            off: (slot >> 16) as i16,
            imm: (slot >> 32) as i32,
        }
    }

    /// The operation of a jump other than `goto`, `call`, `exit` and `may_goto`.
    pub(crate) fn conditional_jump(self) -> Option<u8> {
        let class = opcode::class(self.code);
        let operation = opcode::operation(self.code);
        let is_jump = class == opcode::JMP || class == opcode::JMP32;
        (is_jump && opcode::CONDITIONS.iter().any(|(_, code)| *code == operation)).then_some(operation)
    }
}

#[cfg(test)]
mod tests;
