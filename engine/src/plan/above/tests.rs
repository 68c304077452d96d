//! Stacks of nodes, and whether what is below the last of them may be cut into other batches.

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{binary, col, lit};
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::limit::GlobalLimitExec;

use super::*;

/// What a stack is made of.
#[derive(Debug, Clone, Copy)]
enum Node {
    /// Takes one row.
    Limit,
    /// A filter that divides.
    Divides,
    /// A filter that cannot fail.
    Compares,
    /// The dividing filter, and it stops after one row itself.
    DividesAndStops,
    /// A projection that divides.
    Computes,
    /// Needs all rows before it gives one.
    Sort,
    /// The same, and gives one.
    TopRow,
    /// Passes on whatever it gets.
    Merge,
    /// Of no kind that is known.
    Unknown,
}
use Node::*;

fn node(node: Node, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let schema = input.schema();
    let column = || col("a", &schema).unwrap();
    let quotient = || binary(lit(10_i64), Operator::Divide, column(), &schema).unwrap();
    let one = || lit(1_i64);
    let filter = |left: Arc<dyn PhysicalExpr>| {
        let condition = binary(left, Operator::Gt, one(), &schema).unwrap();
        Arc::new(FilterExec::try_new(condition, input.clone()).unwrap()) as Arc<dyn ExecutionPlan>
    };
    let sort = |fetch| {
        let ordering = LexOrdering::new([PhysicalSortExpr::new_default(column())]).unwrap();
        Arc::new(SortExec::new(ordering, input.clone()).with_fetch(fetch))
    };
    match node {
        Limit => Arc::new(GlobalLimitExec::new(input.clone(), 0, Some(1))),
        Divides => filter(quotient()),
        Compares => filter(column()),
        DividesAndStops => filter(quotient()).with_fetch(Some(1)).unwrap(),
        Computes => {
            let expr = vec![(quotient(), "a".to_owned())];
            Arc::new(ProjectionExec::try_new(expr, input.clone()).unwrap())
        }
        Sort => sort(None),
        TopRow => sort(Some(1)),
        Merge => Arc::new(CoalescePartitionsExec::new(input.clone())),
        Unknown => Arc::new(GlobalLimitExec::new(input.clone(), 0, None)),
    }
}

/// The topmost comes first.
fn sees_batches(stack: &[Node]) -> bool {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let scan: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(schema));
    let top = stack.iter().rev().fold(scan, |input, each| node(*each, input));
    let (mut above, mut next) = (Above::default(), top);
    for _ in stack {
        above = above.and(&next).unwrap();
        next = Arc::clone(next.children()[0]);
    }
    above.sees_batches()
}

#[test]
fn a_failure_below_a_stop_sees_batches() {
    for stack in [
        &[Limit, Divides][..],
        &[Limit, Computes],
        &[DividesAndStops],
        &[Limit, Compares, Merge, Divides],
        &[Limit, Divides, Compares, Merge],
        &[Unknown, Divides],
        // The sort begins anew, and below it somebody stops again.
        &[Sort, Limit, Divides],
        &[Computes, Limit, Computes],
    ] {
        assert!(sees_batches(stack), "{stack:?}");
    }
}

#[test]
fn nobody_notices_anywhere_else() {
    for stack in [
        &[][..],
        &[Limit],
        &[Divides],
        &[Divides, Computes, Merge, Compares],
        &[Limit, Compares, Merge],
        // What is above the limit gets the same rows, in whatever batches.
        &[Divides, Limit],
        &[Computes, Limit, Compares],
        // All rows are read before the first is asked for.
        &[Limit, Sort, Divides],
        &[Limit, Divides, Sort],
        &[DividesAndStops, TopRow, Compares],
        &[TopRow, Divides],
    ] {
        assert!(!sees_batches(stack), "{stack:?}");
    }
}
