//! Bytes into records and fields, as csv-core's `transition_nfa` does it with its default terminator.

use crate::fragment::StructuralBytes;

/// One finished record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// Without the terminator.
    pub(super) raw: &'a [u8],
    /// The content of the fields: what is inside the quotes of a quoted one. Means nothing in an odd record.
    pub(super) fields: Vec<&'a [u8]>,
    /// The content of a field is not a plain piece of the record's bytes.
    pub(super) odd: bool,
}

#[derive(Clone, Copy)]
enum State {
    FieldStart,
    Unquoted,
    Quoted,
    /// Behind the escape byte in a quoted field.
    Escaped,
    /// Behind a quote in a quoted field.
    QuoteInQuoted,
}

/// The offset of the first byte from `position` on that is not CR or LF. At the beginning of a record these are
/// blank lines; that the LF of a CRLF is one of them needs no rule of its own.
pub(super) fn skip_blank(bytes: &[u8], position: usize) -> usize {
    let blank = bytes[position..].iter().take_while(|byte| is_terminator(**byte)).count();
    position + blank
}

fn is_terminator(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

impl<'a> Record<'a> {
    /// Reads the record that begins at `begin`, where no blank line is. Also returns the offset behind its
    /// terminator. None when it is unfinished or there is none.
    pub(super) fn read(
        dialect: StructuralBytes,
        bytes: &'a [u8],
        begin: usize,
        last: bool,
    ) -> Option<(Self, usize)> {
        if begin == bytes.len() {
            return None;
        }
        let mut state = State::FieldStart;
        let (mut fields, mut odd) = (Vec::new(), false);
        // The content of the current field; `content_end` only when it is quoted.
        let (mut content_begin, mut content_end) = (begin, None);
        let mut position = begin;
        loop {
            let byte = match bytes.get(position) {
                Some(&byte) => byte,
                None if last && position == bytes.len() => b'\n',
                None => return None,
            };
            let ends_field = match state {
                State::FieldStart | State::Unquoted | State::QuoteInQuoted => {
                    byte == dialect.delimiter || is_terminator(byte)
                }
                State::Quoted | State::Escaped => false,
            };
            if ends_field {
                fields.push(&bytes[content_begin..content_end.unwrap_or(position)]);
                (content_begin, content_end, state) = (position + 1, None, State::FieldStart);
                if is_terminator(byte) {
                    let end = (position + 1).min(bytes.len());
                    return Some((Record { raw: &bytes[begin..position], fields, odd }, end));
                }
                position += 1;
                continue;
            }
            state = match state {
                State::FieldStart if byte == dialect.quote => {
                    content_begin = position + 1;
                    State::Quoted
                }
                State::FieldStart | State::Unquoted => State::Unquoted,
                State::Quoted if byte == dialect.quote => {
                    content_end = Some(position);
                    State::QuoteInQuoted
                }
                State::Quoted if dialect.escape == Some(byte) => {
                    odd = true;
                    State::Escaped
                }
                State::Quoted | State::Escaped => State::Quoted,
                State::QuoteInQuoted => {
                    odd = true;
                    if byte == dialect.quote { State::Quoted } else { State::Unquoted }
                }
            };
            position += 1;
        }
    }
}
