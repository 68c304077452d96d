//! Normal form: a valid fragment in, one with the same [outcome](crate::reference::Outcome) on every input out,
//! and with fewer shapes for the lowering to know.
//!
//! Afterwards, in the filter and in the FILTER of every aggregate:
//! - there is no `Not` and no NULL literal;
//! - no column stands for a condition: it is compared with true;
//! - a call is in the normal form of its family (see [`crate::ops`]): `And` and `Or` have at least two parts, none of
//!   which is of its parent's kind; a comparison has a constant on its right side only; lists are sorted;
//! - no operation has constants only, unless it overflows;
//! - a literal stands alone, or last among parts that can fail (see below);
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
//! **Exceptions stay.** Operators that can fail are evaluated for every record, whether or not the rest decides the
//! predicate (see [`crate::reference`]), because the record may be an error in the original query. So `false AND x` is `false` only if `x` cannot fail; else it keeps `x`.

use super::{Expr, Fragment, Literal, Output};
use crate::ops::{Comparison, Logic, Op};

/// The normal form of a valid fragment. Idempotent; never has more nodes, but for the constant of a comparison with
/// true.
pub fn normalize(mut fragment: Fragment) -> Fragment {
    let nullable: Vec<bool> = fragment.columns.iter().map(|column| column.nullable).collect();
    fragment.filter = condition(fragment.filter.take(), &nullable);
    if let Output::Aggregates { aggregates, .. } = &mut fragment.output {
        for aggregate in aggregates {
            aggregate.filter = condition(aggregate.filter.take(), &nullable);
            let arguments = std::mem::take(&mut aggregate.arguments);
            aggregate.arguments = arguments.into_iter().map(|argument| value(argument, &nullable)).collect();
        }
    }
    fragment
}

/// A condition in a place where only true counts.
fn condition(condition: Option<Expr>, nullable: &[bool]) -> Option<Expr> {
    condition.map(|condition| positive(condition, false, nullable)).filter(|it| *it != Expr::TRUE)
}

/// The normal form of the condition, or of its negation when `negate`.
fn positive(condition: Expr, negate: bool, nullable: &[bool]) -> Expr {
    let negated = |op: Op| if negate { op.negated() } else { op };
    match condition {
        // NULL, negated or not, is not true.
        Expr::Literal(Literal::Bool(truth)) => {
            Literal::Bool(Some(truth.is_some_and(|truth| truth != negate))).into()
        }
        Expr::Literal(_) => unreachable!("validate() wants conditions"),
        Expr::Column(_) => Expr::call(negated(Comparison::Eq.into()), [condition, Expr::TRUE]),
        Expr::Call(Op::Logic(Logic::Not), arguments) => match <[Expr; 1]>::try_from(arguments) {
            Ok([inner]) => positive(inner, !negate, nullable),
            Err(_) => unreachable!("validate() counts arguments"),
        },
        Expr::Call(op @ Op::Logic(Logic::And | Logic::Or), parts) => {
            let parts = parts.into_iter().map(|part| positive(part, negate, nullable)).collect();
            negated(op).simplify(parts, nullable)
        }
        Expr::Call(op, operands) => {
            let operands = operands.into_iter().map(|operand| value(operand, nullable)).collect();
            negated(op).simplify(operands, nullable)
        }
    }
}

/// The normal form of an operand, or of the argument of an aggregate.
fn value(expr: Expr, nullable: &[bool]) -> Expr {
    match expr {
        Expr::Column(_) | Expr::Literal(_) => expr,
        Expr::Call(op, arguments) => {
            let arguments = arguments.into_iter().map(|argument| value(argument, nullable)).collect();
            op.simplify(arguments, nullable)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragment::{Column, random::Random, text::parse, validate::validate};
    use crate::ops::{InSet, NullTest, StringSet};
    use crate::reference;

    /// Columns: a and b are integers that may be NULL, n is one that may not, s is a string, t a truth value.
    #[track_caller]
    fn check(filter: &str, expected: &str) {
        let head = "fragment fields=5\ncolumn 0 a i64\ncolumn 1 b i64\ncolumn 2 n i64 not null\ncolumn 3 s string\n\
             column 4 t boolean";
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
    fn truth_values() {
        check("t", "t = true");
        check("not(t)", "t <> true");
        check("true = t", "t = true");
        check("true < false", "false");
        check("t in (true, true)", "t = true");
        check("t not in (true, false)", "t not in (false, true)");
        check("true in (false, true)", "");
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

    fn is_normal(condition: &Expr, columns: &[Column]) -> bool {
        let Expr::Call(op, arguments) = condition else {
            return *condition == Expr::FALSE;
        };
        let values = arguments.get(1..).unwrap_or_default();
        let is_strict_list = values.windows(2).all(|pair| match pair {
            [Expr::Literal(Literal::I64(a)), Expr::Literal(Literal::I64(b))] => a < b,
            [Expr::Literal(Literal::Bytes(a)), Expr::Literal(Literal::Bytes(b))] => a < b,
            [a, b] => (a, b) == (&Expr::FALSE, &Expr::TRUE),
            _ => false,
        });
        match (op, arguments.as_slice()) {
            (Op::Compare(_), [left, _]) => !matches!(left, Expr::Literal(_)),
            (Op::InSet(InSet::In | InSet::NotIn), _) => values.len() > 1 && is_strict_list,
            (Op::String(StringSet::In | StringSet::NotIn), _) => !values.is_empty() && is_strict_list,
            (Op::Null(NullTest::IsNull | NullTest::IsNotNull), [Expr::Column(column)]) => {
                columns[*column].nullable
            }
            (Op::Logic(logic @ (Logic::And | Logic::Or)), parts) => {
                let decides = if *logic == Logic::And { Expr::FALSE } else { Expr::TRUE };
                let rest = match parts.split_last() {
                    Some((last, rest)) if *last == decides => rest,
                    _ => parts,
                };
                let decided = rest.len() < parts.len();
                let is_part = |part: &Expr| {
                    matches!(part, Expr::Call(inner, _) if inner != op)
                        && is_normal(part, columns)
                        && (!decided || part.can_fail())
                };
                parts.len() > 1 && rest.iter().all(is_part)
            }
            _ => false,
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
            let outcome = reference::run(&fragment, &csv, true);
            assert_eq!(reference::run(&normal, &csv, true), outcome, "seed {seed}: {fragment}\n{normal}");
            matched += outcome.matched;
            exceptions += outcome.exceptions;
            changed += usize::from(normal != fragment);
        }
        assert!(matched > 2000 && exceptions > 2000 && changed > 1000, "{matched} {exceptions} {changed}");
    }
}
