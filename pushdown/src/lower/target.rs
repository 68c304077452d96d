//! The two places that a program gets its bytes from.

/// Where the program gets its bytes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The window map.
    Window,
    /// The packet pointers of a read hook.
    Packet,
}
