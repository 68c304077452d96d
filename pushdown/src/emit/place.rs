//! Where values lie: registers, words in memory, and slots, which are two words.

use std::fmt::{self, Display, Formatter};

/// A register of eBPF. r0 to r5 are temporary; the names of the others are those of the fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Register {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
}

impl Register {
    /// Byte offset of the record in the index array.
    pub(crate) const RECORD: Register = Register::R6;
    /// Address of the state map.
    pub(crate) const STATE: Register = Register::R7;
    /// Address of the record's index entries.
    pub(crate) const ENTRIES: Register = Register::R8;
    /// Address of the group entry.
    pub(crate) const GROUP: Register = Register::R9;
}

impl Display for Register {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", *self as u8)
    }
}

/// The right side of an assignment or a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
    /// What is in a register.
    Register(Register),
    /// A number of 32 bits, sign-extended.
    Constant(i64),
}

impl From<Register> for Operand {
    fn from(register: Register) -> Operand {
        Operand::Register(register)
    }
}

impl From<i32> for Operand {
    fn from(value: i32) -> Operand {
        Operand::Constant(value.into())
    }
}

impl From<usize> for Operand {
    fn from(value: usize) -> Operand {
        Operand::Constant(value as i64)
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Register(register) => write!(f, "{register}"),
            Operand::Constant(value) => write!(f, "{value}"),
        }
    }
}

/// How two numbers stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    /// Of signed numbers, as the next three.
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Of unsigned numbers, as the next two.
    Above,
    AboveOrEqual,
    BelowOrEqual,
}

impl Display for Relation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Relation::Equal => "==",
            Relation::NotEqual => "!=",
            Relation::Less => "s<",
            Relation::LessOrEqual => "s<=",
            Relation::Greater => "s>",
            Relation::GreaterOrEqual => "s>=",
            Relation::Above => ">",
            Relation::AboveOrEqual => ">=",
            Relation::BelowOrEqual => "<=",
        })
    }
}

/// Eight bytes of memory: so many behind the address in a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    base: Register,
    offset_bytes: usize,
}

impl Word {
    pub(crate) const fn new(base: Register, offset_bytes: usize) -> Word {
        Word { base, offset_bytes }
    }

    /// Of the state map.
    pub(crate) const fn state(offset_bytes: usize) -> Word {
        Word::new(Register::STATE, offset_bytes)
    }

    /// The word so many words further on.
    pub(crate) fn plus(self, words: usize) -> Word {
        Word { offset_bytes: self.offset_bytes + 8 * words, ..self }
    }

    /// Where it lies behind its base.
    pub(crate) fn offset_bytes(self) -> usize {
        self.offset_bytes
    }
}

impl Display for Word {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "*(u64 *)({} + {})", self.base, self.offset_bytes)
    }
}

/// A value that may be NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The value; 0 when it is NULL.
    pub(crate) value: Word,
    /// 1 when it is NULL, else 0.
    pub(crate) null: Word,
}
