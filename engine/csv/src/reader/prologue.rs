//! What stands above the records: a byte order mark, lines that belong to nothing, the header.

use std::io::{self, Read};

use crate::records::{Form, Limits, OnFault, Slab, Splitter, first_line_end};
use crate::spec::CsvSpec;
use crate::values::Quoting;

use super::input::Input;
use super::options::Start;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prologue {
    /// Perhaps a byte order mark.
    Mark,
    /// So many lines.
    Lines(u64),
    /// The record with the names, if there is one.
    Header,
    /// The records.
    Passed,
}

impl Prologue {
    /// Of a text that begins there.
    pub fn new(start: Start) -> Self {
        if start.offset == 0 { Prologue::Mark } else { Prologue::Passed }
    }

    /// Passes as much as there is. Whether all of it was passed; else more text is needed.
    pub fn pass(&mut self, input: &mut Input, spec: &CsvSpec, splitter: &Splitter) -> bool {
        loop {
            let text = input.text();
            let (bytes, next) = match *self {
                Prologue::Passed => return true,
                Prologue::Mark if text.starts_with(BYTE_ORDER_MARK) => {
                    (BYTE_ORDER_MARK.len(), Prologue::Lines(spec.skip_lines))
                }
                Prologue::Mark if BYTE_ORDER_MARK.starts_with(text) && !input.has_ended() => return false,
                Prologue::Mark => (0, Prologue::Lines(spec.skip_lines)),
                Prologue::Lines(0) => (0, if spec.header { Prologue::Header } else { Prologue::Passed }),
                Prologue::Lines(count) => match first_line_end(text, 0, input.has_ended()) {
                    Some((_, next)) => (next, Prologue::Lines(count - 1)),
                    None => return false,
                },
                Prologue::Header => match header(text, input.has_ended(), splitter, &mut Slab::default()) {
                    Some(next) => (next, Prologue::Passed),
                    None => return false,
                },
            };
            input.consume(bytes);
            *self = next;
        }
    }
}

/// Adds the fields of the first record, whatever their count. Returns the place behind it. None: more text is needed.
fn header(text: &[u8], is_last: bool, splitter: &Splitter, slab: &mut Slab) -> Option<usize> {
    let limits = Limits { is_last, rows_max: 1, stop_at: usize::MAX, on_fault: OnFault::Take };
    let next = splitter.split(text, limits, slab);
    (is_last || !slab.bounds.is_empty()).then_some(next)
}

/// The fields of the header as they stand in the file, unquoted: the names by which its columns are told. None: there is no header.
pub fn header_names(file: impl Read + Send, spec: &CsvSpec) -> io::Result<Option<Vec<String>>> {
    if !spec.header {
        return Ok(None);
    }
    let mut file = crate::bytes::text(file, spec)?;
    // Two columns at least: blank lines above a header are none.
    let splitter = Splitter::new(&spec.dialect, spec.columns.len().max(2));
    let mut input = Input::new(Start::default());
    let mut prologue = Prologue::new(Start::default());
    let above = CsvSpec { header: false, ..spec.clone() };
    let mut slab = Slab::default();
    while !(prologue.pass(&mut input, &above, &splitter)
        && header(input.text(), input.has_ended(), &splitter, &mut slab).is_some())
    {
        slab.clear();
        match file.read(input.space()) {
            Ok(0) => input.end(),
            Ok(bytes) => input.advance(bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let quoting = Quoting { quote: spec.dialect.quote, escape: spec.dialect.escape };
    let name = |field: &crate::records::Field| {
        let raw = String::from_utf8_lossy(&input.text()[field.start()..field.end()]).into_owned();
        if field.form() != Form::Escaped {
            return raw;
        }
        let mut name = String::new();
        quoting.unescape(&raw, &mut name);
        name
    };
    Ok(Some(slab.fields.iter().map(name).collect()))
}
