//! The splitter: one walk over the bytes that may mean something.

use super::mask::{Cursor, Needles};
use super::{Bounds, Fault, FaultKind, Field, Form, OnFault, Slab, end_of_line, first_line_end};
use crate::spec::Dialect;

/// Finds the fields of records.
#[derive(Debug, Clone)]
pub struct Splitter {
    needles: Needles,
    delimiter: Vec<u8>,
    quote: Option<u8>,
    /// None where it is the quote.
    escape: Option<u8>,
    comment: Option<u8>,
    trim: bool,
    trailing_delimiter: bool,
    columns: usize,
    skips_blank_lines: bool,
}

/// Where to stop.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Whether nothing follows the text.
    pub is_last: bool,
    /// Records in the slab.
    pub rows_max: usize,
    /// No record that begins here or behind is read.
    pub stop_at: usize,
    /// What becomes of faults.
    pub on_fault: OnFault,
}

/// How far a record was followed.
enum Followed {
    /// To its end, behind which the next one begins.
    Whole(usize),
    /// To a fault that ends the walk.
    Stopped,
    /// The text ends before it does.
    Unfinished,
}

/// How a quoted field goes on behind its closing quote.
enum Closed {
    /// The record goes on at the place, a delimiter was passed.
    Delimiter(usize),
    /// The record ends at the first place, the next one begins at the second.
    Record(usize, usize),
    /// With text: the quotes are stray.
    Stray,
    Unfinished,
}

/// How a record goes on behind a field in quotes.
enum Enclosed {
    /// With the next field, which begins here.
    Next(usize),
    /// With the rest of the field.
    Stray,
    /// Not at all.
    Over(Followed),
}

/// What stands at a place.
enum At {
    /// A delimiter, or a line end or the end of all, behind which this place is.
    Delimiter(usize),
    LineEnd(usize),
    Other,
    Unfinished,
}

/// A record as far as it was followed.
struct Open {
    start: usize,
    /// Where its fields begin in the slab.
    first_field: usize,
    /// Where its stray fields begin there.
    first_stray: usize,
}

impl Splitter {
    /// For records of so many columns.
    pub fn new(dialect: &Dialect, columns: usize) -> Self {
        let escape = dialect.escape.filter(|_| dialect.quote.is_some() && dialect.escape != dialect.quote);
        let first = dialect.delimiter.first().copied().unwrap_or(b'\n');
        Splitter {
            needles: Needles::new(first, dialect.quote, escape),
            delimiter: dialect.delimiter.clone(),
            quote: dialect.quote,
            escape,
            comment: dialect.comment,
            trim: dialect.trim,
            trailing_delimiter: dialect.trailing_delimiter,
            columns,
            // Where there is no column, there was nothing to guess one from.
            skips_blank_lines: columns != 1,
        }
    }

    /// A line without a byte is no record, also where there is one column.
    pub fn without_blank_lines(self) -> Self {
        Splitter { skips_blank_lines: true, ..self }
    }

    /// Whether a byte around a field does not belong to it.
    #[inline]
    fn is_blank(&self, byte: u8) -> bool {
        (byte == b' ' || byte == b'\t') && byte != self.delimiter[0]
    }

    /// Adds whole records to the slab until a limit is reached. Returns where the first record begins that was not added, which is
    /// 0 when the text holds no whole record.
    pub fn split(&self, text: &[u8], limits: Limits, slab: &mut Slab) -> usize {
        let mut cursor = Cursor::new(text, self.needles);
        let stop_at = limits.stop_at.min(text.len());
        let mut at = 0;
        while at < stop_at && slab.bounds.len() < limits.rows_max {
            match self.next_record(text, at, stop_at, limits.is_last) {
                Some((begin, true)) => {
                    if begin != at {
                        cursor.seek(begin);
                    }
                    let open =
                        Open { start: begin, first_field: slab.fields.len(), first_stray: slab.strays.len() };
                    match self.follow(text, &mut cursor, &open, limits, slab) {
                        Followed::Whole(next) => at = next,
                        Followed::Stopped => return begin,
                        Followed::Unfinished => {
                            slab.fields.truncate(open.first_field);
                            slab.strays.truncate(open.first_stray);
                            return begin;
                        }
                    }
                }
                Some((begin, false)) => return begin,
                None => return at,
            }
        }
        at
    }

    /// Passes over blank lines and comments. Whether a record begins at the place that is returned, before the stop. None: that
    /// cannot be told yet.
    #[inline]
    fn next_record(&self, text: &[u8], from: usize, stop_at: usize, is_last: bool) -> Option<(usize, bool)> {
        let mut at = from;
        while at < stop_at {
            let first = text[at];
            let next = if Some(first) == self.comment {
                first_line_end(text, at, is_last).map(|(_, next)| next)
            } else if (first == b'\n' || first == b'\r') && self.skips_blank_lines {
                end_of_line(text, at, is_last)
            } else if self.trim && self.skips_blank_lines && self.is_blank(first) {
                match self.blank_line(text, at, is_last) {
                    Blank::Yes(next) => Some(next),
                    Blank::No => return Some((at, true)),
                    Blank::Unknown => None,
                }
            } else {
                return Some((at, true));
            };
            match next {
                Some(next) => at = next,
                None => return Some((at, false)),
            }
        }
        Some((at, false))
    }

    /// Whether a line that begins with a blank has nothing else.
    fn blank_line(&self, text: &[u8], at: usize, is_last: bool) -> Blank {
        match text[at..].iter().position(|&byte| !self.is_blank(byte)).map(|distance| at + distance) {
            None if is_last => Blank::Yes(text.len()),
            None => Blank::Unknown,
            Some(end) if text[end] == b'\n' || text[end] == b'\r' => {
                end_of_line(text, end, is_last).map_or(Blank::Unknown, Blank::Yes)
            }
            Some(_) => Blank::No,
        }
    }

    /// Adds the fields of the record that begins at `open.start`.
    #[inline]
    fn follow<'a>(
        &self,
        text: &'a [u8],
        cursor: &mut Cursor<'a>,
        open: &Open,
        limits: Limits,
        slab: &mut Slab,
    ) -> Followed {
        let first = self.delimiter[0];
        let single = self.delimiter.len() == 1;
        let mut start = open.start;
        // Whether a quote would enclose the field; it would not behind another one.
        let mut may_open = true;
        let mut stray = false;
        loop {
            let Some(at) = cursor.next_any() else {
                if !limits.is_last {
                    return Followed::Unfinished;
                }
                self.add(text, start, text.len(), stray, open, slab);
                return self.finish(open, text.len(), text.len(), limits, slab);
            };
            let byte = text[at];
            if byte == first {
                let behind = if single {
                    at + 1
                } else {
                    match self.at(text, at, limits.is_last) {
                        At::Delimiter(behind) => {
                            cursor.seek(behind);
                            behind
                        }
                        At::Unfinished => return Followed::Unfinished,
                        _ => continue,
                    }
                };
                self.add(text, start, at, stray, open, slab);
                (start, may_open, stray) = (behind, true, false);
            } else if byte == b'\n' || byte == b'\r' {
                let Some(next) = end_of_line(text, at, limits.is_last) else { return Followed::Unfinished };
                if next != at + 1 {
                    cursor.seek(next);
                }
                self.add(text, start, at, stray, open, slab);
                return self.finish(open, at, next, limits, slab);
            } else if may_open && Some(byte) == self.quote && self.opens(text, start, at) {
                may_open = false;
                match self.enclosed(text, cursor, at, open, limits, slab) {
                    Enclosed::Next(behind) => (start, may_open) = (behind, true),
                    Enclosed::Stray => stray = true,
                    Enclosed::Over(followed) => return followed,
                }
            } else {
                may_open = false;
            }
        }
    }

    /// Adds the field whose quote opens at `quote`, unless its quotes are stray.
    #[inline]
    fn enclosed<'a>(
        &self,
        text: &'a [u8],
        cursor: &mut Cursor<'a>,
        quote: usize,
        open: &Open,
        limits: Limits,
        slab: &mut Slab,
    ) -> Enclosed {
        let Some((close, form)) = self.closing_quote(text, cursor, limits.is_last) else {
            return Enclosed::Over(self.unclosed(text, cursor, open, quote, limits, slab));
        };
        let Some(close) = close else { return Enclosed::Over(Followed::Unfinished) };
        match self.behind_quote(text, close, limits.is_last) {
            Closed::Delimiter(behind) => {
                slab.fields.push(Field::new(quote + 1, close, form));
                cursor.seek(behind);
                Enclosed::Next(behind)
            }
            Closed::Record(end, next) => {
                slab.fields.push(Field::new(quote + 1, close, form));
                cursor.seek(next);
                Enclosed::Over(self.finish(open, end, next, limits, slab))
            }
            Closed::Stray => {
                cursor.seek(close + 1);
                Enclosed::Stray
            }
            Closed::Unfinished => Enclosed::Over(Followed::Unfinished),
        }
    }

    /// Whether the quote at `at` is the first byte of the field that begins at `start`.
    #[inline]
    fn opens(&self, text: &[u8], start: usize, at: usize) -> bool {
        start == at || self.trim && text[start..at].iter().all(|&byte| self.is_blank(byte))
    }

    /// Adds a field that is not enclosed.
    #[inline(always)]
    fn add(&self, text: &[u8], start: usize, end: usize, stray: bool, open: &Open, slab: &mut Slab) {
        let (start, end) = if self.trim { self.trimmed(text, start, end) } else { (start, end) };
        if stray {
            let column = (slab.fields.len() - open.first_field) as u32;
            slab.strays.push((slab.bounds.len() as u32, column));
            slab.fields.push(Field::new(start, end, Form::Stray));
        } else {
            slab.fields.push(Field::new(start, end, Form::Plain));
        }
    }

    /// Without the blanks around it.
    fn trimmed(&self, text: &[u8], mut start: usize, mut end: usize) -> (usize, usize) {
        while start < end && self.is_blank(text[start]) {
            start += 1;
        }
        while start < end && self.is_blank(text[end - 1]) {
            end -= 1;
        }
        (start, end)
    }

    /// Finds the quote that closes the one the cursor just passed. The inner None: more text is needed. The outer: the text ends.
    #[inline]
    fn closing_quote(
        &self,
        text: &[u8],
        cursor: &mut Cursor<'_>,
        is_last: bool,
    ) -> Option<(Option<usize>, Form)> {
        let mut form = Form::Quoted;
        loop {
            let Some(at) = cursor.next_quoting() else {
                return if is_last { None } else { Some((None, form)) };
            };
            let next = text.get(at + 1).copied();
            let escapes = self.escape == Some(text[at]);
            match next {
                None if !is_last => return Some((None, form)),
                None if escapes => return None,
                Some(_) if escapes => {}
                Some(next) if Some(next) == self.quote => {}
                _ => return Some((Some(at), form)),
            }
            form = Form::Escaped;
            cursor.seek(at + 2);
        }
    }

    /// What follows the closing quote at `close`.
    #[inline]
    fn behind_quote(&self, text: &[u8], close: usize, is_last: bool) -> Closed {
        let mut at = close + 1;
        if self.trim {
            while text.get(at).is_some_and(|&byte| self.is_blank(byte)) {
                at += 1;
            }
        }
        match self.at(text, at, is_last) {
            At::Delimiter(behind) => Closed::Delimiter(behind),
            At::LineEnd(next) => Closed::Record(at, next),
            At::Other => Closed::Stray,
            At::Unfinished => Closed::Unfinished,
        }
    }

    #[inline]
    fn at(&self, text: &[u8], at: usize, is_last: bool) -> At {
        match text.get(at) {
            None if is_last => At::LineEnd(at),
            None => At::Unfinished,
            Some(b'\n' | b'\r') => end_of_line(text, at, is_last).map_or(At::Unfinished, At::LineEnd),
            Some(&byte) if byte != self.delimiter[0] => At::Other,
            Some(_) if text[at..].starts_with(&self.delimiter) => At::Delimiter(at + self.delimiter.len()),
            Some(_) if !is_last && self.delimiter.starts_with(&text[at..]) => At::Unfinished,
            Some(_) => At::Other,
        }
    }

    /// The record has all its fields. It ends at `end`, the next one begins at `next`.
    #[inline]
    fn finish(&self, open: &Open, end: usize, next: usize, limits: Limits, slab: &mut Slab) -> Followed {
        let mut count = slab.fields.len() - open.first_field;
        if self.trailing_delimiter && count > 1 && is_nothing(slab.fields[slab.fields.len() - 1]) {
            slab.fields.pop();
            count -= 1;
        }
        let bounds = Bounds::new(open.start, end);
        if count == self.columns {
            slab.bounds.push(bounds);
            return Followed::Whole(next);
        }
        self.fault(Fault { kind: FaultKind::Count(count), bounds }, open, next, limits, slab)
    }

    /// The quote at `quote` is not closed. The record's first line is the fault; behind it the next record begins.
    #[cold]
    fn unclosed<'a>(
        &self,
        text: &'a [u8],
        cursor: &mut Cursor<'a>,
        open: &Open,
        quote: usize,
        limits: Limits,
        slab: &mut Slab,
    ) -> Followed {
        let field = (slab.fields.len() - open.first_field) as u32;
        let (end, next) = first_line_end(text, quote, true).unwrap_or((text.len(), text.len()));
        let kind = FaultKind::Unclosed { quote: quote as u32, field };
        *cursor = Cursor::new(text, self.needles);
        cursor.seek(next);
        self.fault(Fault { kind, bounds: Bounds::new(open.start, end) }, open, next, limits, slab)
    }

    #[cold]
    fn fault(&self, fault: Fault, open: &Open, next: usize, limits: Limits, slab: &mut Slab) -> Followed {
        slab.faults.push(fault);
        match limits.on_fault {
            OnFault::Mend | OnFault::Pad => {
                if limits.on_fault == OnFault::Pad {
                    self.lengthen(fault, &mut slab.fields[open.first_field..]);
                }
                slab.fields.resize(open.first_field + self.columns, Field::EMPTY);
                let own = &slab.strays[open.first_stray..];
                let kept = own.iter().take_while(|&&(_, column)| (column as usize) < self.columns).count();
                slab.strays.truncate(open.first_stray + kept);
                slab.bounds.push(fault.bounds);
                Followed::Whole(next)
            }
            OnFault::Take if matches!(fault.kind, FaultKind::Count(_)) => {
                slab.bounds.push(fault.bounds);
                Followed::Whole(next)
            }
            on_fault => {
                slab.fields.truncate(open.first_field);
                slab.strays.truncate(open.first_stray);
                if on_fault == OnFault::LeaveOut { Followed::Whole(next) } else { Followed::Stopped }
            }
        }
    }
}

impl Splitter {
    /// Of a record with surplus fields: its last field takes them in, with their delimiters and quotes.
    fn lengthen(&self, fault: Fault, fields: &mut [Field]) {
        let Some(last) = self.columns.checked_sub(1) else { return };
        if matches!(fault.kind, FaultKind::Unclosed { .. })
            || fields.iter().skip(last + 1).all(|field| is_nothing(*field))
        {
            return;
        }
        let field = &mut fields[last];
        let quote = usize::from(matches!(field.form(), Form::Quoted | Form::Escaped));
        *field = Field::new(field.start() - quote, fault.bounds.end as usize, Form::Plain);
    }
}

/// Whether a line is blank.
enum Blank {
    /// Yes, and the next one begins here.
    Yes(usize),
    No,
    Unknown,
}

/// Whether there is nothing behind the last delimiter.
fn is_nothing(field: Field) -> bool {
    field.start() == field.end() && field.form() == Form::Plain
}
