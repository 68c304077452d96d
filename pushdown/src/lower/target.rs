//! The places that a program gets its bytes from.

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
