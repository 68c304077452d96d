//! The ABI of the read hook: what a patched kernel shows to a program, and what it may answer. The numbers are those of
//! kernel-patch/include/weir_file_read.h. Another kernel may give them another meaning, or none; there loading with both
//! types fails with EINVAL.

/// Type of a program (`BPF_PROG_TYPE_FILE_READ`).
pub const PROGRAM_TYPE: u32 = 33;
/// Its attach type (`BPF_FILE_READ`).
pub const ATTACH_TYPE: u32 = 57;
/// Largest packet (`BPF_FILE_READ_WINDOW_MAX`), a power of two.
pub const PACKET_BYTES_MAX: usize = 32 << 10;

/// The context of a program (`struct bpf_file_read`): 64-bit words, each read with one load. As numbers they are byte
/// offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Pointer to the packet's first byte.
    Data = 0,
    /// Pointer behind its last.
    DataEnd = 8,
    /// Offset in the file of the packet.
    Position = 16,
    /// Size of the file.
    FileBytes = 24,
    /// What the link was created with.
    Cookie = 32,
    /// Bytes of the packet.
    PacketBytes = 40,
}

impl Context {
    /// All, in order: they follow each other without a gap.
    pub const ALL: [Context; 6] = [
        Context::Data,
        Context::DataEnd,
        Context::Position,
        Context::FileBytes,
        Context::Cookie,
        Context::PacketBytes,
    ];
}

/// Answer of a program: all bytes of the packet were taken.
pub const PACKET_CONSUME: u64 = 1;
/// Answer: this minus [`PACKET_STOP`] bytes of the packet were taken, and the read ends here.
pub const PACKET_STOP: u64 = 2;

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// All bytes of the packet were taken.
    Consume,
    /// Some bytes were taken, and the read ends here.
    Stop {
        /// How many.
        taken: usize,
    },
}

impl Answer {
    /// The answer to a packet of so many bytes. None: the kernel would not take it for one.
    pub fn of(value: u64, packet_bytes: usize) -> Option<Answer> {
        if value == PACKET_CONSUME {
            return Some(Answer::Consume);
        }
        let taken = usize::try_from(value.checked_sub(PACKET_STOP)?).ok()?;
        (taken <= packet_bytes).then_some(Answer::Stop { taken })
    }
}
