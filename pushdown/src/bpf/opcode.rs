//! The numbers of the instruction encoding (`uapi/linux/bpf.h` and `bpf_common.h`; their meaning is specified in
//! the kernel's `Documentation/bpf/standardization/instruction-set.rst`), and the symbols that listings use.

// Classes: the low three bits of a code.

/// Loads of 64-bit immediates.
pub const LD: u8 = 0x00;
/// Loads from memory.
pub const LDX: u8 = 0x01;
/// Stores of immediates.
pub const ST: u8 = 0x02;
/// Stores of registers.
pub const STX: u8 = 0x03;
/// 32-bit arithmetic; clears the upper half of the destination.
pub const ALU: u8 = 0x04;
/// 64-bit jumps, calls, exit.
pub const JMP: u8 = 0x05;
/// 32-bit conditional jumps, and `goto` with a 32-bit distance.
pub const JMP32: u8 = 0x06;
/// 64-bit arithmetic.
pub const ALU64: u8 = 0x07;

/// Source flag of arithmetic and jumps: the operand is a register, not the immediate.
pub const X: u8 = 0x08;

// Sizes and modes of memory accesses.

/// 4 bytes.
pub const W: u8 = 0x00;
/// 2 bytes.
pub const H: u8 = 0x08;
/// 1 byte.
pub const B: u8 = 0x10;
/// 8 bytes.
pub const DW: u8 = 0x18;
/// Plain access; loads extend with zeros.
pub const MEM: u8 = 0x60;
/// Load that extends the sign (since Linux 6.6).
pub const MEMSX: u8 = 0x80;

// Arithmetic operations: the high four bits.

/// Addition.
pub const ADD: u8 = 0x00;
/// Subtraction.
pub const SUB: u8 = 0x10;
/// Multiplication.
pub const MUL: u8 = 0x20;
/// Division: unsigned, or signed with an `off` of 1 (since Linux 6.6).
pub const DIV: u8 = 0x30;
/// Bitwise or.
pub const OR: u8 = 0x40;
/// Bitwise and.
pub const AND: u8 = 0x50;
/// Shift left.
pub const LSH: u8 = 0x60;
/// Logical shift right.
pub const RSH: u8 = 0x70;
/// Negation.
pub const NEG: u8 = 0x80;
/// Remainder: unsigned, or signed with an `off` of 1 (since Linux 6.6).
pub const MOD: u8 = 0x90;
/// Exclusive or.
pub const XOR: u8 = 0xa0;
/// Move; with an `off` of 8, 16 or 32 it extends the sign (since Linux 6.6).
pub const MOV: u8 = 0xb0;
/// Arithmetic shift right.
pub const ARSH: u8 = 0xc0;
/// Byte order: in `ALU` to little (`K`) or big (`X`) endian, in `ALU64` an unconditional swap (since Linux 6.6).
pub const END: u8 = 0xd0;

// Jump operations: the high four bits.

/// `goto`.
pub const JA: u8 = 0x00;
/// `==`.
pub const JEQ: u8 = 0x10;
/// Unsigned `>`.
pub const JGT: u8 = 0x20;
/// Unsigned `>=`.
pub const JGE: u8 = 0x30;
/// Any common bit.
pub const JSET: u8 = 0x40;
/// `!=`.
pub const JNE: u8 = 0x50;
/// Signed `>`.
pub const JSGT: u8 = 0x60;
/// Signed `>=`.
pub const JSGE: u8 = 0x70;
/// Call of a helper or, with a `src` of [`PSEUDO_CALL`], of a function of the program.
pub const CALL: u8 = 0x80;
/// Return.
pub const EXIT: u8 = 0x90;
/// Unsigned `<`.
pub const JLT: u8 = 0xa0;
/// Unsigned `<=`.
pub const JLE: u8 = 0xb0;
/// Signed `<`.
pub const JSLT: u8 = 0xc0;
/// Signed `<=`.
pub const JSLE: u8 = 0xd0;
/// `may_goto` (since Linux 6.9): jumps once the loop budget of the function is used up.
pub const JCOND: u8 = 0xe0;

// Whole codes.

/// First slot of a 64-bit immediate load.
pub const LD_IMM64: u8 = LD | DW;
/// `goto` with a 16-bit distance.
pub const GOTO: u8 = JMP | JA;
/// `goto` with a 32-bit distance in the immediate (since Linux 6.6).
pub const GOTOL: u8 = JMP32 | JA;
/// `may_goto`.
pub const MAY_GOTO: u8 = JMP | JCOND;
/// `src` of a 64-bit immediate load: the address of a map value. The immediate is the index into the array of
/// file descriptors, that of the second slot the offset (`BPF_PSEUDO_MAP_IDX_VALUE`).
pub const PSEUDO_MAP_IDX_VALUE: u8 = 6;
/// `src` of a call: the immediate is the distance to a function of the program (`BPF_PSEUDO_CALL`).
pub const PSEUDO_CALL: u8 = 1;

/// The read-only frame pointer.
pub const FRAME_POINTER: u8 = 10;

/// Class of a code.
pub const fn class(code: u8) -> u8 {
    code & 0x07
}

/// Operation of an arithmetic or jump code.
pub const fn operation(code: u8) -> u8 {
    code & 0xf0
}

/// Arithmetic with assignment: symbol, operation, `off`. A symbol stands before any that it begins with.
pub const ASSIGNMENTS: [(&str, u8, i16); 13] = [
    ("s>>=", ARSH, 0),
    ("<<=", LSH, 0),
    (">>=", RSH, 0),
    ("s/=", DIV, 1),
    ("s%=", MOD, 1),
    ("+=", ADD, 0),
    ("-=", SUB, 0),
    ("*=", MUL, 0),
    ("/=", DIV, 0),
    ("%=", MOD, 0),
    ("&=", AND, 0),
    ("|=", OR, 0),
    ("^=", XOR, 0),
];

/// Conditions of jumps: symbol, operation. A symbol stands before any that it begins with.
pub const CONDITIONS: [(&str, u8); 11] = [
    ("s>=", JSGE),
    ("s<=", JSLE),
    ("s>", JSGT),
    ("s<", JSLT),
    ("==", JEQ),
    ("!=", JNE),
    (">=", JGE),
    ("<=", JLE),
    (">", JGT),
    ("<", JLT),
    ("&", JSET),
];

/// Widths of memory accesses: name, bytes, code with size and mode. Sign-extending ones are loads only.
pub const ACCESSES: [(&str, usize, u8); 7] = [
    ("u8", 1, MEM | B),
    ("u16", 2, MEM | H),
    ("u32", 4, MEM | W),
    ("u64", 8, MEM | DW),
    ("s8", 1, MEMSX | B),
    ("s16", 2, MEMSX | H),
    ("s32", 4, MEMSX | W),
];

/// Whether the verifier refuses an immediate of an arithmetic operation: a shift by the width or more, a division by
/// zero. With a register as operand both are defined.
pub(crate) const fn is_meaningless(operation: u8, is_64: bool, value: i128) -> bool {
    match operation {
        LSH | RSH | ARSH => value < 0 || value >= if is_64 { 64 } else { 32 },
        DIV | MOD => value == 0,
        _ => false,
    }
}
