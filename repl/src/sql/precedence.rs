//! Which operator binds tighter, where the parser has it wrong.
//!
//! The parser takes all that follows `a IS DISTINCT FROM` for its right side: `a IS DISTINCT FROM b AND c` becomes
//! `a IS DISTINCT FROM (b AND c)`. And to it `&` binds tighter than `<<` and `|` less, while psql, DuckDB and SQLite take all
//! of them from left to right. What is in brackets is a node of its own, so the tree can be turned afterwards:
//!
//! ```text
//!     IS DISTINCT FROM                   AND
//!       /         \                    /     \
//!      a          AND     ->  IS DISTINCT     c
//!                /   \           /    \
//!               b     c         a      b
//! ```

use std::mem;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value, VisitorMut};

use super::walk::walk;

/// Turns the expressions of a statement, and of all its queries, as the standard and psql read them.
pub fn mend(statement: &mut Statement) {
    let _: ControlFlow<()> = walk(statement, &mut Turn);
}

struct Turn;

impl VisitorMut for Turn {
    type Break = ();

    /// The operands are right already.
    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Some(is_looser) = what_binds_looser(expression) {
            turn(expression, is_looser);
        }
        ControlFlow::Continue(())
    }
}

type IsLooser = fn(&BinaryOperator) -> bool;

/// The operators that may not stand as the right operand of this one without brackets.
fn what_binds_looser(expression: &Expr) -> Option<IsLooser> {
    match expression {
        Expr::BinaryOp { op: BinaryOperator::Or, .. } => None,
        Expr::BinaryOp { op: BinaryOperator::And, .. } => Some(|op| matches!(op, BinaryOperator::Or)),
        Expr::BinaryOp { op, .. } if is_bitwise(op) => Some(|op| is_bitwise(op) || is_logical(op)),
        // What stands on the right of any other may be a NOT, with an IS DISTINCT FROM that took too much.
        Expr::BinaryOp { .. }
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::UnaryOp { op: UnaryOperator::Not, .. } => Some(is_logical),
        _ => None,
    }
}

fn is_logical(operator: &BinaryOperator) -> bool {
    matches!(operator, BinaryOperator::And | BinaryOperator::Or)
}

fn is_bitwise(operator: &BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::BitwiseAnd
            | BinaryOperator::BitwiseOr
            | BinaryOperator::PGBitwiseShiftLeft
            | BinaryOperator::PGBitwiseShiftRight
    )
}

/// `a op (b looser c)` becomes `(a op b) looser c`.
fn turn(expression: &mut Expr, is_looser: IsLooser) {
    let Some(right) = right_operand(expression) else { return };
    if !matches!(right, Expr::BinaryOp { op, .. } if is_looser(op)) {
        return;
    }
    let mut top = mem::replace(right, nothing());
    let first = first_operand(&mut top, is_looser);
    *right = mem::replace(first, nothing());
    *first = mem::replace(expression, nothing());
    *expression = top;
}

fn right_operand(expression: &mut Expr) -> Option<&mut Expr> {
    match expression {
        Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) => Some(right),
        Expr::UnaryOp { expr, .. } => Some(expr),
        Expr::BinaryOp { right, .. } => Some(right),
        _ => None,
    }
}

/// The leftmost of `a looser b looser c`.
fn first_operand(mut expression: &mut Expr, is_looser: IsLooser) -> &mut Expr {
    while matches!(&*expression, Expr::BinaryOp { op, .. } if is_looser(op)) {
        match expression {
            Expr::BinaryOp { left, .. } => expression = left,
            _ => return expression,
        }
    }
    expression
}

fn nothing() -> Expr {
    Expr::Value(Value::Null.into())
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;
    use datafusion::sql::parser::Statement;
    use datafusion::sql::sqlparser::ast::{Expr, SelectItem, SetExpr, Statement as Sql};

    use crate::sql::statements::parse;

    fn parsed(sql: &str) -> String {
        let parsed = parse(&SessionContext::new(), sql).unwrap();
        let [one] = &parsed[..] else { panic!("{sql}") };
        format!("{:?}", one.statement)
    }

    /// The tree, without what brackets add to it and without places.
    fn tree(expression: &str) -> String {
        fn print(expression: &Expr) -> String {
            match expression {
                Expr::Nested(inner) => print(inner),
                Expr::BinaryOp { left, op, right } => format!("({} {op} {})", print(left), print(right)),
                Expr::IsDistinctFrom(left, right) => format!("({} <> {})", print(left), print(right)),
                Expr::IsNotDistinctFrom(left, right) => format!("({} == {})", print(left), print(right)),
                Expr::UnaryOp { op, expr } => format!("({op} {})", print(expr)),
                Expr::IsNull(inner) => format!("({} IS NULL)", print(inner)),
                Expr::Between { expr, low, high, .. } => {
                    format!("({} BETWEEN {} {})", print(expr), print(low), print(high))
                }
                other => other.to_string(),
            }
        }
        let parsed = parse(&SessionContext::new(), &format!("SELECT {expression}")).unwrap();
        let Statement::Statement(statement) = &parsed[0].statement else { panic!() };
        let Sql::Query(query) = &**statement else { panic!() };
        let SetExpr::Select(select) = &*query.body else { panic!() };
        let [SelectItem::UnnamedExpr(expression)] = &select.projection[..] else { panic!() };
        print(expression)
    }

    #[test]
    fn is_distinct_from_ends_before_and_and_or() {
        for (sql, right) in [
            ("a IS DISTINCT FROM b AND c", "((a <> b) AND c)"),
            ("a IS NOT DISTINCT FROM b OR c", "((a == b) OR c)"),
            ("p AND a IS DISTINCT FROM b OR c", "((p AND (a <> b)) OR c)"),
            ("p OR a IS DISTINCT FROM b AND c", "(p OR ((a <> b) AND c))"),
            ("p AND a IS DISTINCT FROM b AND c OR d", "((p AND ((a <> b) AND c)) OR d)"),
            ("a IS DISTINCT FROM b OR c AND d", "((a <> b) OR (c AND d))"),
            ("a IS DISTINCT FROM b AND c IS DISTINCT FROM d OR e", "(((a <> b) AND (c <> d)) OR e)"),
            ("NOT a IS DISTINCT FROM b AND c", "((NOT (a <> b)) AND c)"),
            ("NOT NOT a IS DISTINCT FROM b OR c", "((NOT (NOT (a <> b))) OR c)"),
            ("a IS DISTINCT FROM NOT b AND c", "((a <> (NOT b)) AND c)"),
            ("a IS DISTINCT FROM (b AND c)", "(a <> (b AND c))"),
            ("(a IS DISTINCT FROM b OR c) AND d", "(((a <> b) OR c) AND d)"),
            ("NOT (a AND b)", "(NOT (a AND b))"),
            ("a AND (b OR c)", "(a AND (b OR c))"),
            ("a IS DISTINCT FROM b + 1 AND c", "((a <> (b + 1)) AND c)"),
            ("a IS DISTINCT FROM b BETWEEN 1 AND 2 AND c", "((a <> (b BETWEEN 1 2)) AND c)"),
            ("a = 1 IS DISTINCT FROM b = 2 AND c", "(((a = 1) <> (b = 2)) AND c)"),
            ("a = NOT b IS DISTINCT FROM c AND d OR e", "(((a = (NOT (b <> c))) AND d) OR e)"),
        ] {
            assert_eq!(tree(sql), right, "{sql}");
        }
    }

    #[test]
    fn bits_are_taken_from_left_to_right() {
        for (sql, right) in [
            ("9 >> 1 & 1", "((9 >> 1) & 1)"),
            ("1 | 2 & 4", "((1 | 2) & 4)"),
            ("1 & 2 << 3 | 4", "(((1 & 2) << 3) | 4)"),
            ("1 | 2 << 3 & 4 >> 5", "((((1 | 2) << 3) & 4) >> 5)"),
            ("1 | (2 & 4)", "(1 | (2 & 4))"),
            ("1 << 2 + 3 & 4", "((1 << (2 + 3)) & 4)"),
            ("a & 4 = 4 AND b", "(((a & 4) = 4) AND b)"),
        ] {
            assert_eq!(tree(sql), right, "{sql}");
        }
    }

    #[test]
    fn wherever_an_expression_stands() {
        let right = "(a IS DISTINCT FROM b) AND c";
        let wrong = "a IS DISTINCT FROM b AND c";
        for around in [
            "SELECT * FROM t WHERE {}",
            "SELECT sum(x) FILTER (WHERE {}), CASE WHEN {} THEN 1 END FROM t GROUP BY {} HAVING {} ORDER BY {}",
            "SELECT * FROM t JOIN u ON {} WHERE EXISTS (SELECT 1 WHERE {})",
            "EXPLAIN SELECT * FROM (SELECT {}) AS u",
            "COPY (SELECT {}) TO 'f.csv'",
            "CREATE TABLE u AS WITH w AS (SELECT {}) SELECT * FROM w",
        ] {
            let nested = parsed(&around.replace("{}", right));
            let turned = parsed(&around.replace("{}", wrong));
            assert_eq!(operators(&turned), operators(&nested), "{around}");
        }
    }

    /// The operators of a statement that is printed for debugging, from the outermost inwards.
    fn operators(debug: &str) -> Vec<&str> {
        let words = debug.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| matches!(*word, "And" | "IsDistinctFrom")).collect()
    }
}
