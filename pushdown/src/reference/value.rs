//! What expressions are computed with, and what is not met in a valid fragment.

/// A value in one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    I64(i64),
    /// Those of a column are not empty.
    Bytes(&'a [u8]),
}

/// The record is an exception record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exception;

/// Arguments that `validate` does not let through.
pub(super) fn invalid() -> ! {
    unreachable!("a valid fragment has the arguments that its operators take")
}

/// State of another length.
pub(super) fn miscut() -> ! {
    unreachable!("state is cut by state_words")
}
