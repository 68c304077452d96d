//! The assembler: text in the notation of `bpftool prog dump xlated` and LLVM, to items, to instructions.
//!
//! [`parse`] fills holes, unrolls repetitions and reads one statement per line; after it every statement is a
//! well-formed [`Item`], but targets of jumps are still names and guards are still guards. [`link`] lowers the
//! guards for one kind of memory and resolves the names; after it there are only instructions.
//!
//! # Statements
//!
//! ```text
//! r1 = r2          w1 = w2            r1 = -5          r1 = 0x2c2c2c2c2c2c2c2c ll
//! r1 += r2         w1 s>>= 5          r1 = -r1         += -= *= /= %= &= |= ^= <<= >>= s>>= s/= s%=
//! r1 = (s8)r2      r1 = bswap64 r1    r1 = be16 r1     r1 = map[state][0] + 128
//! r1 = *(u64 *)(r2 + 8)               r1 = *(s8 *)(r2 - 1)
//! *(u32 *)(r1 + 8) = r2               *(u8 *)(r1 + 0) = 5
//! if r1 s< -5 goto less               if w1 & 7 goto some
//! goto done        gotol far          may_goto out     call function       call 5         exit
//! r2 = window(r1, 8)                  enter            forget            .raw 0x95
//! ```
//!
//! `window` is the guard: see [`Item::Guard`]. `enter` begins a function that has guards or calls one: see
//! [`Item::Enter`]. `forget` stands where paths meet: see [`Item::Forget`]. `.raw` is one slot as a number, for what
//! has no notation. `;`, `//` and `#` begin a comment. A label stands on a line of its own. It belongs to the text it is
//! in, which the caller's prefix makes unique, unless it begins with `@`.
//!
//! # Macros
//!
//! ```text
//! {hole}                     what the caller or an enclosing .repeat says
//! {i*8 + base}               arithmetic of holes: + - * << and parentheses
//! .repeat 4 i / .end         the lines between, with i from 0 to 3
//! .if {flag} / .else / .end  lines for when the value is not zero, else the others
//! .name r1 r2                the lines of a macro
//! ```
//!
//! A macro is defined in a text of its own ([`Holes::define`]): `.macro name a b`, lines with the holes `{a}` and `{b}`,
//! `.end`. Labels in it are labels of the text that uses it.

mod expand;
mod link;
mod parse;
mod statement;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use super::Insn;
use crate::contract::layout::GUARD_BYTES_MAX;

pub use link::link;
pub use parse::parse;

/// One line of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A name for the place of the next instruction.
    Label(String),
    /// An instruction.
    Insn(Symbolic),
    /// "Make `bytes` bytes at the window offset in `offset` accessible, and put their address into `dst`." The
    /// value of `offset` must be a valid window offset and is unchanged if so. If not: in a window `dst` points to
    /// other bytes of it, never outside; of a packet nothing is read, the program ends soon and sets
    /// [`OUTSIDE`](crate::contract::layout::OUTSIDE).
    Guard {
        /// Register that receives the address.
        dst: u8,
        /// Register that holds the offset; another one.
        offset: u8,
        /// At most [`GUARD_BYTES_MAX`].
        bytes: usize,
    },
    /// The beginning of a function with guards, or calls of such functions: at the entry r5 is the context, if
    /// the program has one, which [`link`] sets before each call, and r0 is free. Uses the first bytes of the stack
    /// frame.
    Enter,
    /// Gives r0 to r5 a constant, where paths meet and none of them is alive. Within a loop that it is not done with, a
    /// verifier before 6.15 compares dead registers too (`states_equal` with RANGE_WITHIN, kernel/bpf/verifier.c), and
    /// would walk what follows once for each of the paths.
    Forget,
    /// For readers.
    Comment(String),
}

/// An instruction whose target is still a name, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbolic {
    /// Its first slot, with a distance of 0 if it has a target.
    pub insn: Insn,
    /// Immediate of the second slot of a 64-bit immediate load, which else is empty.
    pub high: Option<i32>,
    /// Label that a jump or a call goes to.
    pub target: Option<String>,
}

impl From<Insn> for Item {
    fn from(insn: Insn) -> Item {
        Item::Insn(Symbolic { insn, high: None, target: None })
    }
}

/// How the chunk is accessed, which decides what guards become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardTarget {
    /// The chunk lies in the window map: guards mask the offset.
    Window {
        /// The window, a power of two. The map must be longer by [`GUARD_BYTES_MAX`].
        window_bytes: usize,
    },
    /// The chunk is a packet: guards compare with its end.
    Packet {
        /// Largest packet, a power of two of at most 32768: the verifier allows no larger offset
        /// (MAX_PACKET_OFF in kernel/bpf/verifier.c is 0xffff).
        packet_bytes_max: usize,
    },
}

/// Values of the holes of a text, and macros that it can use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holes {
    values: BTreeMap<String, String>,
    /// A text of `.macro` blocks.
    macros: Arc<str>,
}

impl Holes {
    /// No holes.
    pub fn new() -> Holes {
        Holes::default()
    }

    /// Gives a hole its text, instead of any it had.
    pub fn set(&mut self, name: impl Into<String>, value: impl Display) -> &mut Holes {
        self.values.insert(name.into(), value.to_string());
        self
    }

    /// The same, to build a value in one expression.
    pub fn with(mut self, name: impl Into<String>, value: impl Display) -> Holes {
        self.set(name, value);
        self
    }

    /// The text of a hole.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Gives the texts that are read with these holes the macros of a text, which holds nothing else but comments.
    pub fn define(&mut self, macros: &str) -> &mut Holes {
        self.macros = macros.into();
        self
    }
}

/// Why a text cannot be assembled, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}: `{text}`")]
pub struct AsmError {
    /// Number of the line, from 1: of the text when parsing, of the annotated listing
    /// ([`print_items`](super::listing::print_items), one line per item) when linking.
    pub line: usize,
    /// That line, with its holes filled where they could be.
    pub text: String,
    /// What is wrong with it.
    pub kind: AsmErrorKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AsmErrorKind {
    /// No statement begins like this.
    #[error("unknown statement")]
    UnknownStatement,
    /// The statement goes on differently.
    #[error("expected {0}")]
    Expected(&'static str),
    /// Something follows the statement.
    #[error("unexpected `{0}` behind the statement")]
    Trailing(String),
    /// There are r0 to r10 and w0 to w10.
    #[error("no such register: {0}")]
    NoSuchRegister(String),
    /// r10 is read-only.
    #[error("the frame pointer cannot be written")]
    FramePointerWritten,
    /// `r` and `w` in one operation, or an operation that has no 32-bit form.
    #[error("the widths of the operands do not match the operation")]
    WidthMismatch,
    /// Negation and byte swaps work in place.
    #[error("the operand must be the destination")]
    NotInPlace,
    /// The number does not fit its field, or the operation has no meaning for it.
    #[error("immediate {0} is out of range here (64-bit values are loaded with `ll`)")]
    ImmediateRange(i128),
    /// The displacement does not fit 16 bits, or a map offset 32.
    #[error("offset {0} is out of range")]
    OffsetRange(i128),
    /// Not the name of a map of the layout.
    #[error("unknown map: {0}")]
    UnknownMap(String),
    /// A label is letters, digits, `_` and `.`, and does not begin with a digit or `.`.
    #[error("not a label: {0}")]
    BadLabel(String),
    /// Neither the caller nor a repetition gives the hole a value.
    #[error("no value for the hole {{{0}}}")]
    MissingHole(String),
    /// What is between the braces is no name and no arithmetic, or too large.
    #[error("cannot evaluate {{{0}}}")]
    BadHole(String),
    /// An opening brace without a closing one.
    #[error("unclosed brace")]
    UnclosedBrace,
    /// There are `.repeat`, `.if`, `.else`, `.macro`, `.end`, `.raw`, and macros by their names with as many operands as
    /// they have parameters.
    #[error("unknown directive or bad operands")]
    BadDirective,
    /// The variable of a repetition is already a hole or the variable of an enclosing one, the parameter of a macro is
    /// already a hole, or a macro has this name.
    #[error("the name {0} already has a value")]
    NameTaken(String),
    /// `.repeat`, `.if` or `.macro` without `.end`.
    #[error("block without .end")]
    UnclosedBlock,
    /// `.end` or `.else` without a block.
    #[error("no block is open")]
    NoBlock,
    /// The expansion has more than [`LINES_MAX`] lines, or macros use each other too deeply.
    #[error("the text expands to more than {LINES_MAX} lines")]
    TooLong,
    /// The guard lowers to code that needs two registers.
    #[error("a guard needs two different registers")]
    GuardRegisters,
    /// More bytes than a guard can ask for.
    #[error("a guard covers 1 to {max} bytes, not {bytes}", max = GUARD_BYTES_MAX)]
    GuardWidth {
        /// As asked for.
        bytes: usize,
    },
    /// A guard or a call in a function that does not begin with `enter`.
    #[error("the function does not begin with `enter`")]
    NoEnter,
    /// The mask of a guard needs a power of two of at most 2^31.
    #[error("window of {0} bytes")]
    WindowSize(usize),
    /// The label is there twice.
    #[error("label {0} is defined twice")]
    DuplicateLabel(String),
    /// The label is nowhere.
    #[error("label {0} is not defined")]
    UnknownLabel(String),
    /// The target is further away than the instruction can say.
    #[error("label {label} is {distance} instructions away")]
    JumpRange {
        /// The target.
        label: String,
        /// Slots from the next instruction to it.
        distance: i64,
    },
}

/// Most lines a text may expand to: far more than the million instructions a kernel takes have sense for.
pub const LINES_MAX: usize = 1 << 20;

/// The rules of a guard that do not depend on its target.
fn check_guard(dst: u8, offset: u8, bytes: usize) -> Result<(), AsmErrorKind> {
    if dst == offset {
        return Err(AsmErrorKind::GuardRegisters);
    }
    if dst >= super::opcode::FRAME_POINTER || offset >= super::opcode::FRAME_POINTER {
        return Err(AsmErrorKind::FramePointerWritten);
    }
    if !(1..=GUARD_BYTES_MAX).contains(&bytes) {
        return Err(AsmErrorKind::GuardWidth { bytes });
    }
    Ok(())
}
