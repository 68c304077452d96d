//! `abs`, whose error says what to do: of the least integer of a type it has no room.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::functions::math::abs::AbsFunc;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::overflow::{Overflow, wider_name};
use weir_csv::rejects::sql_type_name;

/// DataFusion's `abs`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Absolute {
    inner: AbsFunc,
}

impl Absolute {
    pub fn new() -> Absolute {
        Absolute { inner: AbsFunc::new() }
    }
}

impl ScalarUDFImpl for Absolute {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (ty, argument) = (args.return_field.data_type().clone(), args.arg_fields.first().cloned());
        self.inner.invoke_with_args(args).map_err(|error| match argument {
            Some(argument) if ty.is_signed_integer() => DataFusionError::External(Box::new(Overflow {
                what: format!("abs({})", argument.name()),
                operands: None,
                ty: sql_type_name(&ty),
                cure: format!("abs(CAST({} AS {}))", argument.name(), wider_name(&ty)),
            })),
            _ => error,
        })
    }

    fn output_ordering(&self, input: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(input)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
