//! `+ - * / % << >>` and the negative of integers of one type, and `+ - * / %` of decimals: an error where the result does not fit,
//! or where there is none.
//!
//! DataFusion's integers wrap. Its decimals have no more than 38 digits by their type, but a result of more is not looked at: it is
//! printed with its last digits cut off. Where it divides by zero it does not say what.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Datum};
use datafusion::arrow::compute::kernels::numeric::{add, div, mul, neg, rem, sub};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, FieldRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DataFusionError, Result, ScalarValue, plan_datafusion_err};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::logical_expr_common::type_coercion::binary::BinaryTypeCoercer;
use datafusion::physical_expr_common::datum::apply;

use super::overflow::{DivisionByZero, NegativeShift, Overflow, wider_name};
use super::shift::{Direction, shift};
use weir_csv::rejects::sql_type_name;

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    ShiftLeft,
    ShiftRight,
    Negate,
}

impl Operation {
    pub const ALL: [Operation; 8] = [
        Operation::Add,
        Operation::Subtract,
        Operation::Multiply,
        Operation::Divide,
        Operation::Remainder,
        Operation::ShiftLeft,
        Operation::ShiftRight,
        Operation::Negate,
    ];

    pub fn of(op: Operator) -> Option<Operation> {
        // The negative has no operator of its own: it comes behind the difference.
        Operation::ALL.into_iter().find(|operation| operation.operator() == op)
    }

    /// The type of the result, if DataFusion would not notice that a result does not fit it, or not say which one is none.
    pub fn unnoticed(self, types: &[DataType]) -> Option<DataType> {
        match (self, types) {
            (Operation::Negate, [ty]) => ty.is_signed_integer().then(|| ty.clone()),
            (_, [DataType::Decimal128(..), DataType::Decimal128(..)]) => {
                let ty =
                    BinaryTypeCoercer::new(&types[0], &self.operator(), &types[1]).get_result_type().ok()?;
                // With fewer digits the type has room for every result, if there is one.
                let is_full = matches!(ty, DataType::Decimal128(DECIMAL128_MAX_PRECISION, _));
                (is_full || self.divides()).then_some(ty)
            }
            (_, [left, right]) => (left == right && left.is_integer()).then(|| left.clone()),
            _ => None,
        }
    }

    fn divides(self) -> bool {
        matches!(self, Operation::Divide | Operation::Remainder)
    }

    /// The operator of two operands.
    pub fn operator(self) -> Operator {
        match self {
            Operation::Add => Operator::Plus,
            Operation::Subtract | Operation::Negate => Operator::Minus,
            Operation::Multiply => Operator::Multiply,
            Operation::Divide => Operator::Divide,
            Operation::Remainder => Operator::Modulo,
            Operation::ShiftLeft => Operator::BitwiseShiftLeft,
            Operation::ShiftRight => Operator::BitwiseShiftRight,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Operation::Add => "checked_add",
            Operation::Subtract => "checked_subtract",
            Operation::Multiply => "checked_multiply",
            Operation::Divide => "checked_divide",
            Operation::Remainder => "checked_remainder",
            Operation::ShiftLeft => "checked_shift_left",
            Operation::ShiftRight => "checked_shift_right",
            Operation::Negate => "checked_negate",
        }
    }

    /// As it is written in SQL.
    fn with(self, operands: &[String]) -> String {
        match operands {
            [left, right] => format!("{left} {} {right}", self.operator()),
            operands => format!("-{}", operands.join(", ")),
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

    fn compute(&self) -> fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError> {
        match self.operation {
            Operation::Add => |left, right| fitting(add(left, right)?),
            Operation::Subtract => |left, right| fitting(sub(left, right)?),
            Operation::Multiply => |left, right| fitting(mul(left, right)?),
            Operation::Divide => |left, right| fitting(div(left, right)?),
            Operation::Remainder => |left, right| rem(left, right),
            Operation::ShiftLeft => |value, count| shift(value, count, Direction::Left),
            Operation::ShiftRight => |value, count| shift(value, count, Direction::Right),
            Operation::Negate => |value, _| neg(value.get().0),
        }
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
        let operands = args.arg_fields.iter().zip(args.scalar_arguments);
        let operands: Vec<String> = operands.map(|(field, scalar)| operand(field, *scalar)).collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let name = self.operation.with(&operands);
        Ok(Arc::new(Field::new(name, self.checked_types(&types)?, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let last = args.args.len() - 1;
        apply(&args.args[0], &args.args[last], self.compute()).map_err(|error| self.told(error, &args))
    }
}

/// An operand as it is written in SQL beside an operator.
fn operand(field: &Field, scalar: Option<&ScalarValue>) -> String {
    let text = in_sql(field, scalar);
    if scalar.is_none() && text.contains(' ') { format!("({text})") } else { text }
}

/// An argument as it is written in SQL.
fn in_sql(field: &Field, scalar: Option<&ScalarValue>) -> String {
    match scalar {
        Some(scalar) => scalar.to_string(),
        None => without_places(field.name()),
    }
}

/// `a + b` of `a@0 + b@3`: at which place a column comes is different with pushdown and without.
fn without_places(expr: &str) -> String {
    let mut parts = expr.split('@');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let behind = part.trim_start_matches(|digit: char| digit.is_ascii_digit());
        if behind.len() == part.len() {
            text.push('@');
        }
        text.push_str(behind);
    }
    text
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

impl Checked {
    /// An error with its expression.
    fn told(&self, error: DataFusionError, args: &ScalarFunctionArgs) -> DataFusionError {
        let DataFusionError::ArrowError(arrow, _) = &error else { return error };
        let what = args.return_field.name().clone();
        let ty = args.return_field.data_type();
        // The first and the last argument in SQL; one is both.
        let in_sql = |at: usize| match (args.arg_fields.get(at), args.args.get(at)) {
            (Some(field), Some(ColumnarValue::Scalar(scalar))) => in_sql(field, Some(scalar)),
            (Some(field), _) => in_sql(field, None),
            (None, _) => String::new(),
        };
        let (first, last) = (in_sql(0), in_sql(args.arg_fields.len().saturating_sub(1)));
        let external = |error: Box<dyn std::error::Error + Send + Sync>| DataFusionError::External(error);
        match arrow.as_ref() {
            ArrowError::ArithmeticOverflow(_) => {
                let cure = match self.operation {
                    Operation::ShiftLeft => format!("CAST({first} AS DOUBLE) * power(2, {last})"),
                    _ => format!("CAST({first} AS {})", wider_name(ty)),
                };
                external(Box::new(Overflow {
                    what,
                    operands: self.row_of(args),
                    ty: sql_type_name(ty),
                    cure,
                }))
            }
            ArrowError::DivideByZero => {
                let is_constant = matches!(args.args.last(), Some(ColumnarValue::Scalar(_)));
                external(Box::new(DivisionByZero { what, divisor: (!is_constant).then_some(last) }))
            }
            ArrowError::InvalidArgumentError(_)
                if matches!(self.operation, Operation::ShiftLeft | Operation::ShiftRight) =>
            {
                let other = if self.operation == Operation::ShiftLeft { ">>" } else { "<<" };
                external(Box::new(NegativeShift { what, operands: self.row_of(args), other }))
            }
            _ => error,
        }
    }

    /// The values of the first row for which there is no result, as they are written in SQL.
    fn row_of(&self, args: &ScalarFunctionArgs) -> Option<String> {
        let arrays = ColumnarValue::values_to_arrays(&args.args).ok()?;
        let (first, last) = (arrays.first()?, arrays.last()?);
        let fails = |row: &usize| self.compute()(&first.slice(*row, 1), &last.slice(*row, 1)).is_err();
        let row = (0..first.len()).find(fails)?;
        let values = arrays.iter().map(|array| array_value_to_string(array, row));
        Some(self.operation.with(&values.collect::<Result<Vec<_>, _>>().ok()?))
    }
}
