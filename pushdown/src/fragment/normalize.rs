//! Normal form: a valid fragment in, one with the same [outcome](super::interpret::Outcome) on every input out,
//! and with fewer shapes for the lowering to know.
//!
//! Afterwards, in the filter and in the FILTER of every aggregate:
//! - there is no `Not` and no NULL literal;
//! - `And` and `Or` have at least two parts, and no part is of its parent's kind;
//! - a literal stands alone, or last among parts that may raise an exception (see below);
//! - a comparison has a literal on its right side only, and no operation has literals only, unless it overflows;
//! - lists are sorted, without duplicates, and have two values at least if they are lists of integers;
//! - a condition that is always true is gone.
//!
//! **NULL may be treated as false** in this form. A condition only asks whether its predicate is true. Without
//! `Not` it is a tree of `And` and `Or` over leaves, and both are monotone in the order false < NULL < true: they
//! are the minimum and the maximum. The minimum (or maximum) of some values is true exactly when the minimum
//! (maximum) of the same values with NULL replaced by false is true. So a leaf may answer false where SQL says
//! NULL, and the lowering needs two branch targets instead of three.
//!
//! Pushing `Not` to the leaves is exact under three-valued logic: De Morgan's laws hold, since negation reverses
//! that order, and every leaf has a negated form that is NULL on the same records. IS NULL is never NULL.
//!
//! **Exceptions stay.** Operations with [`Overflow::Exception`] and bounds are evaluated for every record, whether
//! or not the rest decides the predicate (see [`super::interpret`]), because the record may be an error in the
//! original query. So `false AND x` is `false` only if `x` cannot raise an exception; else it keeps `x`.

use super::{
    Aggregate, AggregateFunction, Arithmetic, Column, Comparison, Expr, Fragment, Output, Overflow, Predicate,
};

/// The normal form of a valid fragment. Idempotent; never has more nodes.
pub fn normalize(mut fragment: Fragment) -> Fragment {
    let columns = &fragment.columns;
    fragment.filter = condition(fragment.filter.take(), columns);
    if let Output::Aggregates { aggregates, .. } = &mut fragment.output {
        for Aggregate { function, filter } in aggregates {
            *filter = condition(filter.take(), columns);
            match function {
                AggregateFunction::Count { .. } => {}
                AggregateFunction::SumWrap(argument)
                | AggregateFunction::SumExact(argument)
                | AggregateFunction::Min(argument)
                | AggregateFunction::Max(argument) => *argument = fold(argument.clone()),
            }
        }
    }
    fragment
}

/// What `op` is for its operands in the opposite order.
pub fn mirrored(op: Comparison) -> Comparison {
    match op {
        Comparison::Eq | Comparison::NotEq => op,
        Comparison::Lt => Comparison::Gt,
        Comparison::LtEq => Comparison::GtEq,
        Comparison::Gt => Comparison::Lt,
        Comparison::GtEq => Comparison::LtEq,
    }
}

/// The comparison that is true where `op` is false.
pub fn negated(op: Comparison) -> Comparison {
    match op {
        Comparison::Eq => Comparison::NotEq,
        Comparison::NotEq => Comparison::Eq,
        Comparison::Lt => Comparison::GtEq,
        Comparison::LtEq => Comparison::Gt,
        Comparison::Gt => Comparison::LtEq,
        Comparison::GtEq => Comparison::Lt,
    }
}

/// `left op right`.
pub(super) fn holds(op: Comparison, left: i64, right: i64) -> bool {
    match op {
        Comparison::Eq => left == right,
        Comparison::NotEq => left != right,
        Comparison::Lt => left < right,
        Comparison::LtEq => left <= right,
        Comparison::Gt => left > right,
        Comparison::GtEq => left >= right,
    }
}

/// `left op right`, or None for an overflow that is an exception.
pub(super) fn calculate(op: Arithmetic, overflow: Overflow, left: i64, right: i64) -> Option<i64> {
    match overflow {
        Overflow::Wrap => Some(match op {
            Arithmetic::Add => left.wrapping_add(right),
            Arithmetic::Sub => left.wrapping_sub(right),
            Arithmetic::Mul => left.wrapping_mul(right),
        }),
        Overflow::Exception => match op {
            Arithmetic::Add => left.checked_add(right),
            Arithmetic::Sub => left.checked_sub(right),
            Arithmetic::Mul => left.checked_mul(right),
        }
        .filter(|&result| result != i64::MIN),
    }
}

/// Whether a value may pass [`Expr::Bound`].
pub(super) fn within(value: i64, magnitude_max: i64) -> bool {
    i128::from(value).abs() <= i128::from(magnitude_max)
}

/// A predicate in a place where only true counts.
fn condition(predicate: Option<Predicate>, columns: &[Column]) -> Option<Predicate> {
    predicate.map(|predicate| positive(predicate, false, columns)).filter(|it| *it != TRUE)
}

const TRUE: Predicate = Predicate::Literal(Some(true));
const FALSE: Predicate = Predicate::Literal(Some(false));

/// The normal form of the predicate, or of its negation when `negate`.
fn positive(predicate: Predicate, negate: bool, columns: &[Column]) -> Predicate {
    let parts = |parts: Vec<Predicate>| parts.into_iter().map(|part| positive(part, negate, columns));
    match predicate {
        // NULL, negated or not, is not true.
        Predicate::Literal(value) => Predicate::Literal(Some(value.is_some_and(|value| value != negate))),
        Predicate::Compare { op, left, right } => {
            compare(if negate { negated(op) } else { op }, fold(left), fold(right))
        }
        Predicate::In { expr, values, negated } => integer_in(fold(expr), values, negated != negate),
        Predicate::StringIn { column, values, negated } => {
            string_in(column, values, negated != negate, columns)
        }
        Predicate::IsNull { column, negated } => is_null(column, negated != negate, columns),
        Predicate::And(list) => junction(!negate, parts(list)),
        Predicate::Or(list) => junction(negate, parts(list)),
        Predicate::Not(inner) => positive(*inner, !negate, columns),
    }
}

fn compare(op: Comparison, left: Expr, right: Expr) -> Predicate {
    match (&left, &right) {
        (Expr::Literal(left), Expr::Literal(right)) => Predicate::Literal(Some(holds(op, *left, *right))),
        (Expr::Literal(_), _) => Predicate::Compare { op: mirrored(op), left: right, right: left },
        _ => Predicate::Compare { op, left, right },
    }
}

fn integer_in(expr: Expr, mut values: Vec<i64>, negated: bool) -> Predicate {
    values.sort_unstable();
    values.dedup();
    match (expr, values.as_slice()) {
        (Expr::Literal(value), _) => Predicate::Literal(Some(values.contains(&value) != negated)),
        (expr, &[value]) => {
            let op = if negated { Comparison::NotEq } else { Comparison::Eq };
            compare(op, expr, Expr::Literal(value))
        }
        (expr, _) => Predicate::In { expr, values, negated },
    }
}

fn string_in(column: usize, mut values: Vec<Vec<u8>>, negated: bool, columns: &[Column]) -> Predicate {
    // An empty field is NULL, so no string is empty.
    values.retain(|value| !value.is_empty());
    values.sort_unstable();
    values.dedup();
    match (values.is_empty(), negated) {
        (false, _) => Predicate::StringIn { column, values, negated },
        (true, false) => FALSE,
        (true, true) => is_null(column, true, columns),
    }
}

fn is_null(column: usize, negated: bool, columns: &[Column]) -> Predicate {
    if columns[column].nullable {
        Predicate::IsNull { column, negated }
    } else {
        // A record with an empty field there is an exception before any predicate is asked.
        Predicate::Literal(Some(negated))
    }
}

/// `And` or `Or` of parts in normal form.
fn junction(is_and: bool, parts: impl Iterator<Item = Predicate>) -> Predicate {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Predicate::And(inner) if is_and => flat.extend(inner),
            Predicate::Or(inner) if !is_and => flat.extend(inner),
            // The neutral element: true of And, false of Or.
            Predicate::Literal(Some(value)) if value == is_and => {}
            part => flat.push(part),
        }
    }
    let decides = Predicate::Literal(Some(!is_and));
    if flat.contains(&decides) {
        flat.retain(is_checked);
        // Last, so that the code of no part stands behind a decision that is always taken: the verifier refuses
        // code that cannot be reached.
        flat.push(decides);
    }
    match (flat.len(), is_and) {
        (0, _) => Predicate::Literal(Some(is_and)),
        (1, _) => flat.remove(0),
        (_, true) => Predicate::And(flat),
        (_, false) => Predicate::Or(flat),
    }
}

fn fold(expr: Expr) -> Expr {
    match expr {
        Expr::Column(_) | Expr::Literal(_) => expr,
        Expr::Binary { op, overflow, left, right } => {
            let (left, right) = (fold(*left), fold(*right));
            if let (&Expr::Literal(left), &Expr::Literal(right)) = (&left, &right)
                && let Some(value) = calculate(op, overflow, left, right)
            {
                return Expr::Literal(value);
            }
            Expr::Binary { op, overflow, left: Box::new(left), right: Box::new(right) }
        }
        Expr::Bound { argument, magnitude_max } => match fold(*argument) {
            Expr::Literal(value) if within(value, magnitude_max) => Expr::Literal(value),
            argument => Expr::Bound { argument: Box::new(argument), magnitude_max },
        },
    }
}

/// Whether evaluating it can make a record an exception record.
fn is_checked(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Literal(_) | Predicate::StringIn { .. } | Predicate::IsNull { .. } => false,
        Predicate::Compare { left, right, .. } => left.is_checked() || right.is_checked(),
        Predicate::In { expr, .. } => expr.is_checked(),
        Predicate::And(parts) | Predicate::Or(parts) => parts.iter().any(is_checked),
        Predicate::Not(inner) => is_checked(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragment::{interpret, interpret::random::Random, text::parse, validate::validate};

    /// Columns: a and b are integers that may be NULL, n is one that may not, s is a string.
    #[track_caller]
    fn check(filter: &str, expected: &str) {
        let head =
            "fragment fields=4\ncolumn 0 a i64\ncolumn 1 b i64\ncolumn 2 n i64 not null\ncolumn 3 s string";
        let line = |filter: &str| match filter {
            "" => String::new(),
            filter => format!("filter {filter}\n"),
        };
        let fragment = parse(&format!("{head}\n{}output records", line(filter))).unwrap();
        assert_eq!(validate(&fragment), Ok(()));
        let expected = parse(&format!("{head}\n{}output records", line(expected))).unwrap();
        assert_eq!(normalize(fragment).to_string(), expected.to_string());
    }

    #[test]
    fn not_reaches_the_leaves() {
        check("not(a < b)", "a >= b");
        check("not(and(a = 1, or(b <> 2, not(a > b))))", "or(a <> 1, and(b = 2, a > b))");
        check("not(a in (1, 2))", "a not in (1, 2)");
        check("not(a is null)", "a is not null");
        check("not(s not in (\"x\"))", "s in (\"x\")");
        check("not(not(null))", "false");
    }

    #[test]
    fn flat_and_folded() {
        check("and(a = 1, and(b = 2, and(a = 3, true)))", "and(a = 1, b = 2, a = 3)");
        check("or(and(a = 1), null, or())", "a = 1");
        check("and(a = 1, null)", "false");
        check("or(a = 1, 2 < 3)", "");
        check("and()", "");
        check("or()", "false");
        check("not(or(a = 1, not(null)))", "false");
    }

    #[test]
    fn literals() {
        check("24 > a", "a < 24");
        check("(2 * 3) + -6 <= a", "a >= 0");
        check("a = 9223372036854775807 + 1", "a = -9223372036854775808");
        check("a = 9223372036854775807 +! 1", "a = 9223372036854775807 +! 1");
        check("a = 4 *! 5", "a = 20");
        check("a = bound(5, 5)", "a = 5");
        check("a = bound(5, 4)", "a = bound(5, 4)");
        check("3 in (1, 2)", "false");
        check("3 not in (1, 2)", "");
    }

    #[test]
    fn lists() {
        check("a in (3, 1, 3, 2)", "a in (1, 2, 3)");
        check("a in (3, 3)", "a = 3");
        check("a not in (3)", "a <> 3");
        check("s in (\"b\", \"\", \"a\", \"b\")", "s in (\"a\", \"b\")");
        check("s in (\"\")", "false");
        check("s not in (\"\")", "s is not null");
        check("n is null", "false");
        check("n is not null", "");
    }

    #[test]
    fn what_may_raise_stays() {
        check("and(a = 1, false, a +! b = 2)", "and(a +! b = 2, false)");
        check("or(bound(a, 9) = 1, true, b = 2)", "or(bound(a, 9) = 1, true)");
    }

    fn is_normal(predicate: &Predicate, columns: &[Column]) -> bool {
        match predicate {
            Predicate::Literal(value) => *value == Some(false),
            Predicate::Compare { left, .. } => !matches!(left, Expr::Literal(_)),
            Predicate::In { values, .. } => values.len() > 1 && values.is_sorted_by(|a, b| a < b),
            Predicate::StringIn { values, .. } => !values.is_empty() && values.is_sorted_by(|a, b| a < b),
            Predicate::IsNull { column, .. } => columns[*column].nullable,
            Predicate::Not(_) => false,
            Predicate::And(parts) | Predicate::Or(parts) => {
                let is_and = matches!(predicate, Predicate::And(_));
                let rest = match parts.split_last() {
                    Some((Predicate::Literal(value), rest)) if *value == Some(!is_and) => rest,
                    _ => &parts[..],
                };
                let decided = rest.len() < parts.len();
                parts.len() > 1
                    && rest.iter().all(|part| {
                        let same_kind = match part {
                            Predicate::And(_) => is_and,
                            Predicate::Or(_) => !is_and,
                            part => matches!(part, Predicate::Literal(_)),
                        };
                        !same_kind && is_normal(part, columns) && (!decided || is_checked(part))
                    })
            }
        }
    }

    #[test]
    fn random_fragments_keep_their_outcome() {
        let (mut matched, mut exceptions, mut changed) = (0, 0, 0);
        for seed in 0..3000 {
            let mut random = Random::new(seed);
            let fragment = random.fragment();
            let csv = random.csv(&fragment);
            let normal = normalize(fragment.clone());
            assert_eq!(validate(&normal), Ok(()), "seed {seed}");
            assert_eq!(normalize(normal.clone()), normal, "seed {seed}: {fragment}");
            if let Some(filter) = &normal.filter {
                assert!(is_normal(filter, &normal.columns), "seed {seed}: {fragment}\n{normal}");
            }
            let outcome = interpret::run(&fragment, &csv, true);
            assert_eq!(interpret::run(&normal, &csv, true), outcome, "seed {seed}: {fragment}\n{normal}");
            matched += outcome.matched;
            exceptions += outcome.exceptions;
            changed += usize::from(normal != fragment);
        }
        assert!(matched > 2000 && exceptions > 2000 && changed > 1000, "{matched} {exceptions} {changed}");
    }
}
