//! What comes out of the compiler.

use crate::bpf::Insn;
use crate::contract::index::Indexing;
use crate::contract::layout::Layout;

/// A compiled fragment.
#[derive(Debug, Clone)]
pub struct Program {
    /// What is loaded.
    pub insns: Vec<Insn>,
    /// Where its inputs and outputs lie.
    pub layout: Layout,
    /// The same as text, for people.
    pub listing: String,
    /// Where it gets its bytes from.
    pub target: Target,
    /// What whoever fills its index array must know.
    pub indexing: Indexing,
}

/// Where the program gets its bytes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The window map.
    Window,
    /// The window map, of which the caller has filled the index array: the program has no index stage.
    Indexed,
    /// The packet pointers of a read hook.
    Packet,
}
