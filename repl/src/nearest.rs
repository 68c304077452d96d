//! The nearest of the names that exist, for one that does not.

use strsim::osa_distance;

/// Names that are equally near are all offered, up to this many.
const OFFERED_MAX: usize = 3;
/// Of names none of which is near, so many are listed.
const LISTED_MAX: usize = 8;
/// A part of a name that is shorter says nothing.
const PART_MIN: usize = 3;

/// Those with the fewest typing errors, none if all have too many.
pub fn nearest_typed<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    best(names.into_iter().filter_map(|name| Some((typing_errors(wanted, name)?, name))).collect())
}

/// About one typing error in three characters: "nmae" is "name", "id" is not "max".
fn typing_errors(wanted: &str, name: &str) -> Option<usize> {
    let wanted = wanted.to_lowercase();
    let distance = osa_distance(&wanted, &name.to_lowercase());
    (distance <= (wanted.chars().count() + 1) / 3).then_some(distance)
}

fn best(mut found: Vec<(usize, &str)>) -> Vec<&str> {
    found.sort_unstable();
    found.dedup();
    let best = found.first().map(|(distance, _)| *distance);
    found
        .into_iter()
        .filter(|(distance, _)| Some(*distance) == best)
        .map(|(_, name)| name)
        .take(OFFERED_MAX)
        .collect()
}

/// The nearest names, none if none is near: those with the fewest typing errors, else those that hold the wanted one,
/// or are held by it, at their beginning or end.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let length = wanted.chars().count();
    let mut found: Vec<(usize, &str)> = Vec::new();
    for name in names {
        let lower = name.to_lowercase();
        if let Some(distance) = typing_errors(&wanted, &lower) {
            found.push((distance, name));
        } else if is_part(&wanted, &lower) || is_part(&lower, &wanted) {
            found.push((length + osa_distance(&wanted, &lower), name));
        }
    }
    best(found)
}

fn is_part(part: &str, whole: &str) -> bool {
    part.chars().count() >= PART_MIN && (whole.starts_with(part) || whole.ends_with(part))
}

/// `Did you mean "a" or "b"?`, with the names as they are to be written.
pub fn did_you_mean(names: &[String]) -> Option<String> {
    let (last, others) = names.split_last()?;
    if others.is_empty() {
        return Some(format!("Did you mean {last}?"));
    }
    Some(format!("Did you mean {} or {last}?", others.join(", ")))
}

/// `Columns: a, b, c and 12 more.`
pub fn list(of: &str, names: &[String]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let listed = names[..names.len().min(LISTED_MAX)].join(", ");
    Some(match names.len().saturating_sub(LISTED_MAX) {
        0 => format!("{of}: {listed}."),
        more => format!("{of}: {listed} and {more} more."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors() {
        let names = ["id", "name", "price", "day", "trip_distance", "Fare"];
        for (wanted, expected) in [
            ("nmae", &["name"][..]),
            ("NAME", &["name"]),
            ("fare", &["Fare"]),
            ("prize", &["price"]),
            ("distance", &["trip_distance"]),
            ("trip_distnace", &["trip_distance"]),
            ("prices", &["price"]),
            ("max", &["day"][..0]),
            ("quantity", &[]),
            ("", &[]),
        ] {
            assert_eq!(nearest(wanted, names), expected, "{wanted}");
        }
        assert_eq!(nearest("col", ["col1", "col2", "column_name", "col3", "col4"]), ["col1", "col2", "col3"]);
        assert_eq!(nearest("x", ["y"]), [""; 0]);
        assert_eq!(nearest("größe", ["groesse", "grösse"]), ["grösse"]);
    }

    #[test]
    fn sentences() {
        let names = |count: usize| (0..count).map(|at| format!("c{at}")).collect::<Vec<_>>();
        assert_eq!(did_you_mean(&names(0)), None);
        assert_eq!(did_you_mean(&names(1)).unwrap(), "Did you mean c0?");
        assert_eq!(did_you_mean(&names(3)).unwrap(), "Did you mean c0, c1 or c2?");
        assert_eq!(list("Columns", &names(0)), None);
        assert_eq!(list("Columns", &names(2)).unwrap(), "Columns: c0, c1.");
        assert_eq!(
            list("Columns", &names(10)).unwrap(),
            "Columns: c0, c1, c2, c3, c4, c5, c6, c7 and 2 more."
        );
    }
}
