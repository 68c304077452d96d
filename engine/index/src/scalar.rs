//! The specification: one byte after the other. It shares nothing with the blocks but what the end of a record means.

use pushdown::contract::index::Entry;

use crate::utf8::ill_formed;
use crate::walker::{Indexed, Walker};

pub fn run(mut walker: Walker<'_>) -> Indexed {
    let (window, end) = (walker.window, walker.end);
    let dialect = walker.indexing.dialect;
    let escape = dialect.own_escape();
    let bad = ill_formed(window, walker.begin, end);
    let mut bad = bad.into_iter().peekable();
    let mut in_quotes = false;
    let mut at = walker.begin;
    while at < end && !walker.is_full {
        while bad.next_if(|bad| *bad <= at).is_some() {
            walker.exception();
        }
        let (byte, next) = (window[at], window[at + 1]);
        at += 1;
        if in_quotes {
            if Some(byte) == escape {
                walker.exception();
                at += 1;
            } else if byte == dialect.quote {
                in_quotes = false;
                at += 1;
                match next {
                    next if next == dialect.delimiter => walker.field(at, Entry::FLAG),
                    b'\n' | b'\r' => walker.terminator(at, Entry::FLAG),
                    next => {
                        walker.exception();
                        in_quotes = next == dialect.quote;
                        at -= usize::from(!in_quotes);
                    }
                }
            }
        } else if byte == dialect.delimiter {
            walker.field(at, 0);
        } else if byte == b'\n' || byte == b'\r' {
            walker.terminator(at, 0);
        } else if byte == dialect.quote && walker.field_begin() == at - 1 {
            in_quotes = true;
        }
    }
    walker.indexed()
}
