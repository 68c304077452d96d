//! What a program can do wrong, and the limits of a kernel that it may not exceed.

use crate::contract::layout::Map;

/// Frames of calls, that of the program included (`MAX_CALL_FRAMES` of `linux/bpf_verifier.h`).
pub const FRAMES_MAX: usize = 8;

/// Bytes of the stack of a frame (`MAX_BPF_STACK` of `linux/filter.h`).
pub const STACK_BYTES: usize = 512;

/// What went wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("instruction {pc}: {kind}")]
pub struct Fault {
    /// Slot of the instruction.
    pub pc: usize,
    /// What it did.
    pub kind: FaultKind,
}

/// What an instruction did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// It reads a register that has no value.
    #[error("r{register} is not initialised")]
    UninitialisedRegister {
        /// The first of them.
        register: u8,
    },
    /// It reads stack bytes that have no value.
    #[error("stack bytes at r10{offset:+} are not initialised")]
    UninitialisedStack {
        /// From the end of the frame.
        offset: i64,
    },
    /// It accesses a stack at an address that is no multiple of the width, which the verifier refuses on all
    /// machines.
    #[error("misaligned stack access of {bytes} bytes at r10{offset:+}")]
    MisalignedStack {
        /// From the end of the frame.
        offset: i64,
        /// Width.
        bytes: usize,
    },
    /// It leaves a map or a frame.
    #[error("{bytes} bytes at offset {offset} are outside of {region}")]
    OutOfBounds {
        /// What the address points to, going by its high bits.
        region: Region,
        /// From the beginning of the region.
        offset: u64,
        /// Width.
        bytes: usize,
    },
    /// The address points to nothing.
    #[error("{address:#x} is not an address")]
    NoAddress {
        /// The value.
        address: u64,
    },
    /// It writes into the packet or the context.
    #[error("the packet and the context are read-only")]
    ReadOnly,
    /// It writes r10.
    #[error("the frame pointer is read-only")]
    FramePointerWritten,
    /// No instruction that the assembler emits.
    #[error("unknown instruction {slot:#018x}")]
    UnknownInstruction {
        /// All of it.
        slot: u64,
    },
    /// There are no helpers here.
    #[error("helper {helper} is not supported")]
    UnsupportedHelper {
        /// Its number.
        helper: i32,
    },
    /// It jumps or calls out of the program.
    #[error("jump out of the program")]
    JumpOutside,
    /// Control came to the second slot of an immediate load.
    #[error("control in the middle of a 64-bit immediate load")]
    SecondSlot,
    /// Control came to the end of the program without an `exit`.
    #[error("control behind the last instruction")]
    EndReached,
    /// More than [`FRAMES_MAX`] frames.
    #[error("more than {FRAMES_MAX} frames")]
    CallDepth,
    /// More than [`Limits::steps`](super::Limits::steps).
    #[error("too many steps")]
    StepLimit,
}

/// What an address points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// The value of a map.
    Map(Map),
    /// The packet.
    Packet,
    /// What r1 points to at the entry of a program that gets a packet.
    Context,
    /// The stack of a frame; that of the program is 0.
    Frame(usize),
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Region::Map(map) => write!(f, "map {}", map.name()),
            Region::Packet => f.write_str("the packet"),
            Region::Context => f.write_str("the context"),
            Region::Frame(depth) => write!(f, "the stack of frame {depth}"),
        }
    }
}
