//! Where a program's inputs and outputs lie: its maps, the words of its state, and the sizes of both.

use super::groups::GroupLayout;
use super::rows::RowLayout;

/// The memory of a program. The numbers are the indices of the file descriptor array that it is loaded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Map {
    /// The window. Only for programs that have one, not for those of a read hook.
    Window = 0,
    /// Field boundaries, from the index stage to the fold.
    Index = 1,
    /// Header, scratch and accumulators.
    State = 2,
    /// Group table.
    Groups = 3,
    /// Raw records, or entries of [rows](super::rows).
    Output = 4,
}

impl Map {
    /// All, in the order of their numbers.
    pub const ALL: [Map; 5] = [Map::Window, Map::Index, Map::State, Map::Groups, Map::Output];

    /// Its name in a listing: `r1 = map[window][0]`.
    pub fn name(self) -> &'static str {
        match self {
            Map::Window => "window",
            Map::Index => "index",
            Map::State => "state",
            Map::Groups => "groups",
            Map::Output => "output",
        }
    }
}

/// Zero bytes that must follow the chunk: the program reads eight at a time and looks behind closing quotes. They are
/// part of the window, so that the mask of an offset into them changes nothing.
pub const WINDOW_SLACK_BYTES: usize = 64;
/// Bytes that a guard can ask for at once. So many lie behind the window in its map, for a guard at its last address.
pub const GUARD_BYTES_MAX: usize = 64;

// Header of the state map: byte offsets of 64-bit words.

/// In: window offset of the first byte to process, at the beginning of a record.
pub const BEGIN: usize = 0;
/// In: window offset behind the last valid byte, at most [`Layout::chunk_bytes_max`].
pub const END: usize = 8;
/// Out: window offset of the first byte not processed.
pub const CONSUMED: usize = 16;
/// Out: why the program stopped, a `STOP_*` value.
pub const STOP: usize = 24;
/// Counter: records processed, exception records included, blank lines not.
pub const RECORDS: usize = 32;
/// Counter: records for which the filter was true.
pub const MATCHED: usize = 40;
/// Counter: exception records.
pub const EXCEPTIONS: usize = 48;
/// Bytes used in the output area. The caller sets it to 0 when it has drained the area.
pub const OUTPUT_USED: usize = 56;
/// Groups in the table. The caller sets it to 0 when it has drained and zeroed the table.
pub const GROUP_COUNT: usize = 64;
/// Out: not 0 if a guard of a packet failed, which is a defect of the program.
pub const OUTSIDE: usize = 72;
/// Where in a record the output area ends, for programs that get packets: 0 at the end of a record, else a state of the
/// template `carry`. The caller sets it to 0 at the beginning of a file.
pub const CARRY_STATE: usize = 80;
/// Offset in the output area of the record that is unfinished, if there is one. The caller sets it to 0 when it has
/// drained the area.
pub const CARRY_BEGIN: usize = 88;
/// Bytes of the packet that was seen last. The caller sets it to 0 to find out whether there was one.
pub const PACKET_BYTES: usize = 96;
/// Bytes of the index array that complete records fill. In for a program whose index array the caller fills, who also sets
/// [`CONSUMED`] to the offset behind the last of them; else the program's own matter.
pub const INDEX_END: usize = 104;
/// First byte behind the header: private to the program.
pub const SCRATCH: usize = 128;

/// All complete records were processed, or the index array is full; go on from `CONSUMED`.
pub const STOP_CHUNK: u64 = 0;
/// The next record does not fit into the output area: drain it and go on from `CONSUMED`.
pub const STOP_OUTPUT: u64 = 1;
/// The next record's group does not fit into the table: drain it and go on from `CONSUMED`.
pub const STOP_GROUPS: u64 = 2;

/// Sizes of the areas, chosen by the caller of the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// What one invocation may look at, at most: the window, its slack included, or a packet. A power of two of at least 4096.
    pub input_bytes: usize,
    /// Output area; at least the input, so that any record fits.
    pub output_bytes: usize,
    /// Entries of the group table, a power of two of at least 16.
    pub group_capacity: usize,
}

impl Sizes {
    /// Largest chunk: the window without its slack.
    pub fn chunk_bytes_max(&self) -> usize {
        self.input_bytes - WINDOW_SLACK_BYTES
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes { input_bytes: 256 << 10, output_bytes: 512 << 10, group_capacity: 16 << 10 }
    }
}

/// Size of each map and the place of the results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// As asked for.
    pub sizes: Sizes,
    /// Bytes of each map, by [`Map`] number; 0 when the program does not use it.
    pub map_bytes: [usize; 5],
    /// Offset in the state map of the accumulators of an ungrouped aggregate: `AggregateFunction::state_words`
    /// words each, in order. The caller zeroes them to start anew.
    pub accumulators: usize,
    /// How the entries of the group table are laid out, when there is one.
    pub groups: Option<GroupLayout>,
    /// How the entries of the output area are laid out, when it holds rows and not raw records.
    pub rows: Option<RowLayout>,
}

impl Layout {
    /// Largest value of [`END`].
    pub fn chunk_bytes_max(&self) -> usize {
        self.sizes.chunk_bytes_max()
    }

    /// Bytes of a map.
    pub fn bytes(&self, map: Map) -> usize {
        self.map_bytes[map as usize]
    }
}
