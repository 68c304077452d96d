//! Names of columns, each of which is unique.

use std::collections::HashSet;

/// Names from a header's fields. The second `a` is `a_1`; an empty third one is `column3`. Surplus fields are left out, missing ones
/// are as if empty.
pub fn from_header<'a>(fields: impl Iterator<Item = impl AsRef<str> + 'a>, count: usize) -> Vec<String> {
    let mut given: Vec<String> = fields.take(count).map(|field| field.as_ref().trim().to_owned()).collect();
    given.resize(count, String::new());
    for (at, name) in given.iter_mut().enumerate() {
        if name.is_empty() {
            *name = format!("column{}", at + 1);
        }
    }
    // The first to have a name keeps it, also against a `_1` that another would get.
    let all: HashSet<String> = given.iter().cloned().collect();
    let mut taken = HashSet::new();
    let mut next = std::collections::HashMap::<String, u64>::new();
    given
        .into_iter()
        .map(|name| {
            if taken.insert(name.clone()) {
                return name;
            }
            let number = next.entry(name.clone()).or_insert(1);
            loop {
                let unique = format!("{name}_{number}");
                *number += 1;
                if !all.contains(&unique) && taken.insert(unique.clone()) {
                    return unique;
                }
            }
        })
        .collect()
}

/// Names for a file without a header, as DataFusion has them.
pub(super) fn without_header(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("column_{number}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[&str], count: usize, expected: &[&str]) {
        assert_eq!(from_header(fields.iter(), count), expected, "{fields:?}");
    }

    #[test]
    fn names_are_unique() {
        check(&["a", "b"], 2, &["a", "b"]);
        check(&["a", "a", "a"], 3, &["a", "a_1", "a_2"]);
        check(&["a", "a", "a_1"], 3, &["a", "a_2", "a_1"]);
        check(&["a", "", " "], 3, &["a", "column2", "column3"]);
        check(&["column2", ""], 2, &["column2", "column2_1"]);
        check(&[" a ", "b", "c"], 2, &["a", "b"]);
        check(&["a"], 2, &["a", "column2"]);
        let many = vec!["x"; 20_000];
        assert_eq!(from_header(many.iter(), 20_000)[19_999], "x_19999");
    }
}
