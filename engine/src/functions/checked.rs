//! `+ - *` and the negative of integers of one type, and `+ - * /` of decimals: an error where the result does not fit.
//!
//! DataFusion's integers wrap. Its decimals have no more than 38 digits by their type, but a result of more is not looked at: it is
//! printed with its last digits cut off.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Datum};
use datafusion::arrow::compute::kernels::numeric::{add, div, mul, neg, sub};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, FieldRef};
use datafusion::arrow::error::ArrowError;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DataFusionError, Result, plan_datafusion_err};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::logical_expr_common::type_coercion::binary::BinaryTypeCoercer;
use datafusion::physical_expr_common::datum::apply;

use super::overflow::{Overflow, sql_name, wider_name};

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Negate,
}

impl Operation {
    pub const ALL: [Operation; 5] =
        [Operation::Add, Operation::Subtract, Operation::Multiply, Operation::Divide, Operation::Negate];

    pub fn of(op: Operator) -> Option<Operation> {
        // The negative has no operator of its own: it comes behind the difference.
        Operation::ALL.into_iter().find(|operation| operation.operator() == op)
    }

    /// The type of the result, if DataFusion would not notice that a result does not fit it.
    pub fn unnoticed(self, types: &[DataType]) -> Option<DataType> {
        match (self, types) {
            (Operation::Negate, [ty]) => ty.is_signed_integer().then(|| ty.clone()),
            (_, [DataType::Decimal128(..), DataType::Decimal128(..)]) => {
                let ty =
                    BinaryTypeCoercer::new(&types[0], &self.operator(), &types[1]).get_result_type().ok()?;
                // With fewer digits the type has room for every result.
                matches!(ty, DataType::Decimal128(DECIMAL128_MAX_PRECISION, _)).then_some(ty)
            }
            (Operation::Divide, _) => None,
            (_, [left, right]) => (left == right && left.is_integer()).then(|| left.clone()),
            _ => None,
        }
    }

    /// The operator of two operands.
    fn operator(self) -> Operator {
        match self {
            Operation::Add => Operator::Plus,
            Operation::Subtract | Operation::Negate => Operator::Minus,
            Operation::Multiply => Operator::Multiply,
            Operation::Divide => Operator::Divide,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Operation::Add => "checked_add",
            Operation::Subtract => "checked_subtract",
            Operation::Multiply => "checked_multiply",
            Operation::Divide => "checked_divide",
            Operation::Negate => "checked_negate",
        }
    }

    /// As it is written in SQL.
    fn with(self, operands: &[String]) -> String {
        match (self, operands) {
            (Operation::Add, [left, right]) => format!("{left} + {right}"),
            (Operation::Subtract, [left, right]) => format!("{left} - {right}"),
            (Operation::Multiply, [left, right]) => format!("{left} * {right}"),
            (Operation::Divide, [left, right]) => format!("{left} / {right}"),
            (_, operands) => format!("-{}", operands.join(", ")),
        }
    }

    /// DataFusion's expression, which wraps.
    fn unchecked(self, args: Vec<Expr>) -> Expr {
        match <[Expr; 2]>::try_from(args) {
            Ok([left, right]) => {
                Expr::BinaryExpr(BinaryExpr::new(Box::new(left), self.operator(), Box::new(right)))
            }
            Err(mut args) => Expr::Negative(Box::new(args.swap_remove(0))),
        }
    }
}

/// One of the operations, as a function of DataFusion. Plans show it by its name, `checked_add(a, b)`; columns that are made of
/// it are named as without it, `a + b`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Checked {
    pub operation: Operation,
    signature: Signature,
}

impl Checked {
    pub fn new(operation: Operation) -> Checked {
        Checked { operation, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn checked_types(&self, types: &[DataType]) -> Result<DataType> {
        let ty = self.operation.unnoticed(types);
        ty.ok_or_else(|| plan_datafusion_err!("{} does not take {types:?}", self.operation.name()))
    }
}

/// The expression as it was before it was checked.
fn unchecked(operation: Operation, args: &[Expr]) -> Result<Expr> {
    operation
        .unchecked(args.to_vec())
        .transform_up(|expr| match expr {
            Expr::ScalarFunction(function) => match function.func.inner().downcast_ref::<Checked>() {
                Some(checked) => Ok(Transformed::yes(checked.operation.unchecked(function.args))),
                None => Ok(Transformed::no(Expr::ScalarFunction(function))),
            },
            expr => Ok(Transformed::no(expr)),
        })
        .data()
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        self.operation.name()
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        Ok(unchecked(self.operation, args)?.to_string())
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(unchecked(self.operation, args)?.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.checked_types(types).map(|_| types.to_vec())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.checked_types(types)
    }

    /// The name of the field is the expression in SQL, for the error.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let operands: Vec<String> = args
            .arg_fields
            .iter()
            .zip(args.scalar_arguments)
            .map(|(field, scalar)| match scalar {
                Some(scalar) => scalar.to_string(),
                None if field.name().contains(' ') => format!("({})", field.name()),
                None => field.name().clone(),
            })
            .collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let name = self.operation.with(&operands);
        Ok(Arc::new(Field::new(name, self.checked_types(&types)?, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let compute: fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError> = match self.operation {
            Operation::Add => |left, right| fitting(add(left, right)?),
            Operation::Subtract => |left, right| fitting(sub(left, right)?),
            Operation::Multiply => |left, right| fitting(mul(left, right)?),
            Operation::Divide => |left, right| fitting(div(left, right)?),
            Operation::Negate => |value, _| neg(value.get().0),
        };
        let last = args.args.len() - 1;
        apply(&args.args[0], &args.args[last], compute)
            .map_err(|error| overflow(error, self.operation, &args.return_field))
    }
}

/// The same, if no decimal in it has more digits than its type.
fn fitting(values: ArrayRef) -> Result<ArrayRef, ArrowError> {
    if let (Some(decimals), DataType::Decimal128(precision, _)) =
        (values.as_primitive_opt::<Decimal128Type>(), values.data_type())
    {
        decimals
            .validate_decimal_precision(*precision)
            .map_err(|_| ArrowError::ArithmeticOverflow(String::new()))?;
    }
    Ok(values)
}

/// An overflow with its expression; other errors as they are.
fn overflow(error: DataFusionError, operation: Operation, field: &Field) -> DataFusionError {
    let DataFusionError::ArrowError(arrow, _) = &error else { return error };
    let ArrowError::ArithmeticOverflow(text) = arrow.as_ref() else { return error };
    // "Overflow happened on: 1 + 2"
    let operands = text.rsplit_once(": ").map(|(_, operands)| operands.to_owned());
    // Of a quotient they are what Arrow multiplies before it divides.
    let operands = operands.filter(|_| operation != Operation::Divide);
    let what = field.name();
    let first = what.trim_start_matches(['-', '(']).split(' ').next().unwrap_or(what);
    let wider = wider_name(field.data_type());
    DataFusionError::External(Box::new(Overflow {
        what: what.clone(),
        operands,
        ty: sql_name(field.data_type()),
        cure: format!("CAST({first} AS {wider})"),
    }))
}
