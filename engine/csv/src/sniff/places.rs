//! Records of a place somewhere in a file.
//!
//! In: bytes that begin anywhere, perhaps inside of a quoted field. Out: records that begin where most that follow have the right
//! count of fields. A line that is a part of a quoted field has another, so it is stepped over.

use crate::spec::Dialect;

use super::split::{SplitText, split};

/// Line ends at which records may begin, in a place of the usual size.
const STARTS_MAX: usize = 64;
/// And in a larger one at least.
const STARTS_MIN: usize = 8;
/// The usual size.
const USUAL_BYTES: usize = 64 << 10;
/// Records that tell whether they do.
const LOOK_RECORDS: usize = 16;

/// The records of a place, or none if no line end is followed by what looks like records.
pub(super) fn records<'a>(
    text: &'a [u8],
    is_end: bool,
    dialect: &Dialect,
    count: usize,
) -> Option<SplitText<'a>> {
    // Most good records, then fewest others.
    let mut best: Option<(usize, usize, usize)> = None;
    // A quote that does not close makes each look as long as the place.
    let starts = (STARTS_MAX * USUAL_BYTES / text.len().max(1)).clamp(STARTS_MIN, STARTS_MAX);
    for at in memchr::memchr2_iter(b'\r', b'\n', text).take(starts) {
        let start = at + 1;
        let records = split(&text[start..], dialect, LOOK_RECORDS);
        let fits = |records: &SplitText<'_>| {
            let good = |record: &&super::split::Record| {
                record.count as usize == count && !records.fields(record).iter().any(|field| field.stray)
            };
            records.records.iter().filter(good).count()
        };
        let good = fits(&records);
        let others = records.records.len() - good;
        if best.is_none_or(|(most, least, _)| good > most || good == most && others < least) {
            best = Some((good, others, start));
        }
        if good == LOOK_RECORDS || good == records.records.len() && good > 0 {
            break;
        }
    }
    let (good, _, start) = best?;
    if good == 0 {
        return None;
    }
    let mut records = split(&text[start..], dialect, usize::MAX);
    // Its last record is cut, and a quote that is open at its end may have swallowed records.
    if !is_end || records.unclosed {
        records.drop_last();
    }
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, is_end: bool, expected: &[&str]) {
        let dialect = Dialect::default();
        let found = records(text.as_bytes(), is_end, &dialect, 3);
        let found: Vec<String> = found
            .iter()
            .flat_map(|records| records.records.iter().map(move |record| (records, record)))
            .map(|(records, record)| {
                String::from_utf8_lossy(&records.text[record.start as usize..record.end as usize])
                    .into_owned()
            })
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn records_begin_behind_a_line_end() {
        check("", true, &[]);
        check("1,2,3", true, &[]);
        check("3\n4,5,6\r\n7,8,9", false, &["4,5,6"]);
        check("3\n4,5,6\r\n7,8,9", true, &["4,5,6", "7,8,9"]);
        // The place begins inside of a quoted field.
        check("text\nof a\nnote\"\n4,5,\"6\n7\"\n7,8,9\n", true, &["4,5,\"6\n7\"", "7,8,9"]);
    }
}
