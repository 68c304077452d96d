//! Which values a column holds.
//!
//! In: the fields of a column, wherever the file was looked at. Out: the narrowest type that *all* of them fit, and how it is
//! written. A column without a value is text, and so is one whose values could be read in two ways.
//!
//! The readings of a field are a set of bits; those of a column are the intersection. What speaks for one of several readings
//! that are left (a day above 12, a second separator of thousands) is a fact of the column, or of another column of the file.

use crate::spec::{ColumnType, DateFormat, DateOrder, NumberFormat};

use super::dates::{self, FORMATS};
use super::numbers::{self, COMMAS, DOUBLE, Facts, Fits, GROUPED, INTEGER, LONG, NUMBERS, POINTS, grouped};
use super::reason::{TextReason, Why};

/// `true` or `false`.
const BOOLEAN: Fits = 1 << 9;
/// The first of [`FORMATS`]: dates, with or without a time.
const DATE_SHIFT: u32 = 10;
const DATES: Fits = ((1 << FORMATS.len()) - 1) << DATE_SHIFT;
const ALL: Fits = NUMBERS | BOOLEAN | DATES;

/// Texts that people write for NULL. `NaN` is a number.
pub(crate) const NULLS: [&str; 15] =
    ["NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NULL", "null", "Null", "\\N", "None", "-", "--", ".", "?"];
/// The longest of them.
const NULL_BYTES_MAX: usize = 4;
/// A value that is shown to people.
const SHOWN_BYTES_MAX: usize = 40;

/// What a person said about all columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Hints {
    pub nulls: Option<Vec<String>>,
    /// The decimal sign, declared or that of another column of the file that leaves no doubt.
    pub decimal: Option<u8>,
    pub decimal_declared: bool,
    /// How dates are written, declared or as in other columns that leave no doubt.
    pub dates: Vec<DateFormat>,
    /// The delimiter is a comma: then a comma in a field is no decimal sign.
    pub comma_delimited: bool,
}

impl Hints {
    /// Learns from columns that leave no doubt.
    pub fn learn(&mut self, columns: &[Evidence]) {
        if self.decimal.is_none() && columns.iter().any(Evidence::sure_comma) && !self.comma_delimited {
            self.decimal = Some(b',');
        }
        if self.dates.is_empty() {
            for order in columns.iter().filter_map(Evidence::sure_order) {
                if !self.dates.contains(&order) {
                    self.dates.push(order);
                }
            }
        }
    }
}

/// What was seen of a column.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    fits: Fits,
    /// Fields that are neither empty nor a spelling of NULL.
    pub values: u64,
    /// Bits of the spellings of NULL that were seen.
    pub nulls: u32,
    facts: Facts,
    /// Some have a time, some have none.
    times: u64,
    digits: u8,
    zones: u64,
    /// The first value that fitted nothing of what was left, and its line.
    misfit: Option<(String, u64)>,
}

impl Default for Evidence {
    fn default() -> Self {
        Evidence {
            fits: ALL,
            values: 0,
            nulls: 0,
            facts: Facts::default(),
            times: 0,
            digits: 0,
            zones: 0,
            misfit: None,
        }
    }
}

/// A guess at a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    pub ty: ColumnType,
    pub date: DateFormat,
    pub number: NumberFormat,
    pub why: Why,
}

impl Guess {
    fn of(ty: ColumnType, why: Why) -> Guess {
        Guess { ty, date: DateFormat::default(), number: NumberFormat::default(), why }
    }
}

impl Evidence {
    /// Adds a field without its quotes. `line` is counted from 0 where it is known.
    pub fn add(&mut self, field: &[u8], quoted: bool, line: Option<u64>, nulls: Option<&[String]>) {
        if field.is_empty() {
            return;
        }
        if !quoted && let Some(null) = null_bit(field, nulls) {
            self.nulls |= null;
            return;
        }
        self.values += 1;
        if self.fits == 0 {
            return;
        }
        self.fits &= self.readings(field);
        if self.fits == 0 {
            let shown = String::from_utf8_lossy(&field[..field.len().min(SHOWN_BYTES_MAX)]).into_owned();
            self.misfit = Some((shown, line.map_or(0, |line| line + 1)));
        }
    }

    fn readings(&mut self, field: &[u8]) -> Fits {
        if self.fits & NUMBERS != 0 {
            let fits = numbers::fits(field, self.fits, &mut self.facts);
            if fits != 0 {
                return fits;
            }
        }
        if self.fits & DATES != 0
            && let Some(found) = dates::find(field)
        {
            self.times += u64::from(found.time);
            self.zones += u64::from(found.zone);
            self.digits = self.digits.max(found.digits);
            return Fits::from(found.formats) << DATE_SHIFT;
        }
        let is_boolean = field.eq_ignore_ascii_case(b"true") || field.eq_ignore_ascii_case(b"false");
        if is_boolean { BOOLEAN } else { 0 }
    }

    /// The type, as far as this column alone tells it, or with the help of others.
    pub fn guess(&self, hints: &Hints) -> Guess {
        if self.values == 0 {
            return Guess::of(ColumnType::Text, Why::Text(TextReason::NoValues));
        }
        if self.fits & BOOLEAN != 0 {
            return Guess::of(ColumnType::Boolean, Why::Values { seen: self.values });
        }
        if self.fits & DATES != 0 {
            return self.date(hints);
        }
        if self.fits & NUMBERS != 0 {
            return self.number(hints);
        }
        let (value, line) = self.misfit.clone().unwrap_or_default();
        let digits = value.strip_prefix('-').unwrap_or(&value).as_bytes();
        let leading_zero = matches!(digits, [b'0', b'0'..=b'9', ..]) && digits.iter().all(u8::is_ascii_digit);
        let reason = if leading_zero {
            TextReason::LeadingZero { value, line }
        } else {
            TextReason::Value { value, line }
        };
        Guess::of(ColumnType::Text, Why::Text(reason))
    }

    /// The formats that all values fit.
    fn formats(&self) -> Vec<DateFormat> {
        let is_left = |index: &usize| self.fits & (1 << (DATE_SHIFT + *index as u32)) != 0;
        (0..FORMATS.len()).filter(is_left).map(|index| FORMATS[index]).collect()
    }

    fn date(&self, hints: &Hints) -> Guess {
        let formats = self.formats();
        let hinted: Vec<DateFormat> =
            formats.iter().filter(|format| hints.dates.contains(format)).copied().collect();
        // Nobody writes the month first and points between.
        let with_points =
            |format: &&DateFormat| format.separator == b'.' && format.order == DateOrder::DayMonthYear;
        let format = match (&formats[..], &hinted[..]) {
            ([format], _) | (_, [format]) => Some(format),
            (several, []) => several.iter().find(with_points),
            _ => None,
        };
        let Some(format) = format else {
            return Guess::of(ColumnType::Text, Why::Text(TextReason::DayOrMonth));
        };
        if self.zones != 0 && self.zones != self.values {
            return Guess::of(ColumnType::Text, Why::Text(TextReason::SomeZones));
        }
        let ty = if self.times == 0 {
            ColumnType::Date
        } else {
            ColumnType::Timestamp { digits: self.digits.div_ceil(3) * 3 }
        };
        Guess { date: *format, ..Guess::of(ty, Why::Values { seen: self.values }) }
    }

    /// The order of day and month, if this column alone leaves no doubt.
    pub fn sure_order(&self) -> Option<DateFormat> {
        match self.formats()[..] {
            [format] if self.fits & !DATES == 0 && self.values > 0 => Some(format),
            _ => None,
        }
    }

    /// The decimal sign, if this column alone leaves no doubt that it is a comma.
    pub fn sure_comma(&self) -> bool {
        self.values > 0
            && self.facts.fraction
            && self.fits & COMMAS != 0
            && self.fits & (DOUBLE | LONG | POINTS) == 0
    }

    fn number(&self, hints: &Hints) -> Guess {
        let why = Why::Values { seen: self.values };
        if self.fits & INTEGER != 0 {
            return Guess::of(ColumnType::Integer, why);
        }
        if self.fits & LONG != 0 {
            return Guess::of(ColumnType::Decimal { precision: 38, scale: 0 }, why);
        }
        let left: Vec<usize> = (0..GROUPED.len()).filter(|index| self.fits & grouped(*index) != 0).collect();
        if self.fits & DOUBLE != 0 {
            // Where commas are decimal signs, `1.234` throughout could be a thousand and some.
            if hints.decimal != Some(b',') || self.fits & COMMAS == 0 {
                return self.double(why);
            }
            if !hints.decimal_declared {
                return Guess::of(ColumnType::Text, Why::Text(TextReason::CommaOrPoint));
            }
        }
        let allowed = |index: &&usize| {
            let decimal = GROUPED[**index].decimal;
            match hints.decimal {
                Some(sign) => decimal == sign,
                None => decimal == b'.' || !hints.comma_delimited,
            }
        };
        let left: Vec<usize> = left.iter().filter(allowed).copied().collect();
        let Some(first) = left.first() else {
            return Guess::of(ColumnType::Text, Why::Text(TextReason::DecimalComma));
        };
        // `1,234` throughout could be a thousand and some, or one and some.
        let separates = |index: usize| self.facts.groups & (1 << index) != 0;
        let alike = |index: &usize| separates(*index) == separates(*first);
        if !left.iter().all(alike) {
            return Guess::of(ColumnType::Text, Why::Text(TextReason::CommaOrPoint));
        }
        let mut guess =
            if self.has_fraction(*first) { self.double(why) } else { Guess::of(ColumnType::Integer, why) };
        guess.number = GROUPED[*first];
        guess
    }

    /// Whether a value has a decimal sign when it is written in this way.
    fn has_fraction(&self, index: usize) -> bool {
        self.facts.fractions & (1 << index) != 0
    }

    /// A double, unless it would lose digits.
    fn double(&self, why: Why) -> Guess {
        let Facts { beyond_double, not_decimal, whole, scale, .. } = self.facts;
        if !beyond_double {
            return Guess::of(ColumnType::Double, why);
        }
        if not_decimal || whole + scale > 38 {
            return Guess::of(ColumnType::Text, Why::Text(TextReason::TooLong));
        }
        Guess::of(ColumnType::Decimal { precision: 38, scale: scale as u8 }, why)
    }
}

/// Whether a field fits a guessed type. For a header: does its first cell look like the others?
pub(super) fn is_of(field: &[u8], guess: &Guess) -> bool {
    let mut one = Evidence::default();
    one.add(field, false, None, Some(&[]));
    let wanted = match guess.ty {
        ColumnType::Text => return false,
        ColumnType::Boolean => BOOLEAN,
        ColumnType::Date | ColumnType::Timestamp { .. } => DATES,
        ColumnType::Integer | ColumnType::Decimal { .. } | ColumnType::Double => NUMBERS,
    };
    one.fits & wanted != 0
}

/// The bit of a spelling of NULL.
fn null_bit(field: &[u8], declared: Option<&[String]>) -> Option<u32> {
    match declared {
        Some(nulls) => {
            let index = nulls.iter().position(|null| null.as_bytes() == field)?;
            // More than 32 spellings share the last bit: those that were declared are all kept.
            Some(1 << index.min(31))
        }
        None if field.len() > NULL_BYTES_MAX => None,
        None => NULLS.iter().position(|null| null.as_bytes() == field).map(|index| 1 << index),
    }
}

/// The spellings of NULL whose bits are set.
pub(super) fn spellings(bits: u32) -> Vec<String> {
    let is_set = |at: &usize| bits & (1 << *at) != 0;
    (0..NULLS.len()).filter(is_set).map(|at| NULLS[at].to_owned()).collect()
}
