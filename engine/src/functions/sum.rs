//! `sum`, an error where the sum is too large for its type.
//!
//! DataFusion adds integers in 64 bits and decimals in 128, and wraps. Here the same function adds them in twice as many, which
//! no number of rows overflows. So only the sum counts, and not the order in which its parts come:
//! `9223372036854775807 + 2 - 5` is a sum.

use std::sync::Arc;

use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Field, FieldRef,
};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
    Signature, StatisticsArgs,
};

use super::narrow::{Narrow, NarrowGroups, Narrowing};
use super::overflow::wider_name;

/// Decimals of no more digits do not overflow 128 bits before 10^10 rows: 2^127 is above 10^38.
const DIGITS_THAT_CANNOT_OVERFLOW: u8 = 28;

/// What DataFusion makes of the sum of distinct values: a sum over groups (its rule `single_distinct_aggregation_to_group_by`). A
/// column of this name would have its table in front.
const SUM_OF_GROUPS: &str = "sum(alias1)";

/// DataFusion's `sum`, over a type in which it does not wrap.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ExactSum {
    inner: Sum,
}

impl ExactSum {
    pub fn new() -> ExactSum {
        ExactSum { inner: Sum::new() }
    }
}

/// The type in which values of type `argument` are added, if that of the result is too narrow.
fn wide(argument: Option<&FieldRef>, result: &DataType) -> Option<DataType> {
    match (argument?.data_type(), result) {
        (_, DataType::Int64 | DataType::UInt64) => Some(DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0)),
        (DataType::Decimal128(precision, scale), _) if *precision > DIGITS_THAT_CANNOT_OVERFLOW => {
            Some(DataType::Decimal256(DECIMAL256_MAX_PRECISION, *scale))
        }
        _ => None,
    }
}

fn with_type(field: &Field, ty: &DataType) -> FieldRef {
    Arc::new(field.clone().with_data_type(ty.clone()))
}

fn narrowing(args: &AccumulatorArgs<'_>, wide: &DataType) -> Narrowing {
    let argument = args.expr_fields.first().map_or("", |field| field.name());
    let wider = wider_name(args.return_field.data_type());
    let (what, cure) = if args.name == SUM_OF_GROUPS {
        ("sum(DISTINCT ...)".to_owned(), format!("sum(DISTINCT CAST(... AS {wider}))"))
    } else {
        (args.name.to_owned(), format!("sum(CAST({argument} AS {wider}))"))
    };
    Narrowing { narrow: args.return_field.data_type().clone(), wide: wide.clone(), what, cure }
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let Some(wide) = wide(args.expr_fields.first(), args.return_field.data_type()) else {
            return self.inner.accumulator(args);
        };
        let narrowing = narrowing(&args, &wide);
        let return_field = with_type(&args.return_field, &wide);
        let inner = self.inner.accumulator(AccumulatorArgs { return_field, ..args })?;
        Ok(Box::new(Narrow { inner, narrowing }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let Some(wide) = wide(args.input_fields.first(), args.return_field.data_type()) else {
            return self.inner.state_fields(args);
        };
        let return_field = with_type(&args.return_field, &wide);
        self.inner.state_fields(StateFieldsArgs { return_field, ..args })
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let Some(wide) = wide(args.expr_fields.first(), args.return_field.data_type()) else {
            return self.inner.create_groups_accumulator(args);
        };
        let narrowing = narrowing(&args, &wide);
        let return_field = with_type(&args.return_field, &wide);
        let inner = self.inner.create_groups_accumulator(AccumulatorArgs { return_field, ..args })?;
        Ok(Box::new(NarrowGroups { inner, narrowing }))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let wide = wide(args.expr_fields.first(), args.return_field.data_type());
        // Of distinct values DataFusion has a sliding sum of 64-bit integers only.
        let Some(wide) = wide.filter(|_| !args.is_distinct) else {
            return self.inner.create_sliding_accumulator(args);
        };
        let narrowing = narrowing(&args, &wide);
        let return_field = with_type(&args.return_field, &wide);
        let inner = self.inner.create_sliding_accumulator(AccumulatorArgs { return_field, ..args })?;
        Ok(Box::new(Narrow { inner, narrowing }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn value_from_stats(&self, args: &StatisticsArgs) -> Option<ScalarValue> {
        self.inner.value_from_stats(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn set_monotonicity(&self, ty: &DataType) -> SetMonotonicity {
        self.inner.set_monotonicity(ty)
    }
}
