//! Puts the checked operators in the place of those that wrap, after types were made equal.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, ScalarUDF};
use datafusion::optimizer::AnalyzerRule;

use super::checked::{Checked, Operation};

#[derive(Debug)]
pub(super) struct CheckedArithmetic;

impl AnalyzerRule for CheckedArithmetic {
    fn name(&self) -> &str {
        "checked_arithmetic"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(check_node).data()
    }
}

fn check_node(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let mut schema = merge_schema(&plan.inputs());
    if let LogicalPlan::TableScan(scan) = &plan {
        let columns = scan.source.schema();
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &columns)?);
    }
    let names = NamePreserver::new(&plan);
    let changed = plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let checked = expr.transform_up(|expr| check(expr, &schema))?;
        Ok(checked.update_data(|expr| name.restore(expr)))
    })?;
    // What a node yields may be nullable otherwise, or not: its schema is told anew.
    if changed.transformed { changed.map_data(LogicalPlan::recompute_schema) } else { Ok(changed) }
}

fn check(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let operation = Operation::of(op).filter(|operation| {
                match (left.get_type(schema), right.get_type(schema)) {
                    (Ok(left), Ok(right)) => operation.unnoticed(&[left, right]).is_some(),
                    // What has no type here, such as a column of the query around, is of the same type as the other.
                    (Ok(ty), Err(_)) | (Err(_), Ok(ty)) => ty.is_integer(),
                    (Err(_), Err(_)) => false,
                }
            });
            match operation {
                Some(operation) => Transformed::yes(call(operation, vec![*left, *right])),
                None => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
            }
        }
        Expr::Negative(operand) if operand.get_type(schema).is_ok_and(|ty| ty.is_signed_integer()) => {
            Transformed::yes(call(Operation::Negate, vec![*operand]))
        }
        expr => Transformed::no(expr),
    })
}

fn call(operation: Operation, args: Vec<Expr>) -> Expr {
    ScalarUDF::new_from_impl(Checked::new(operation)).call(args)
}
