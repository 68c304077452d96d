//! `min` and `max` of floating point numbers in one order, by group too: NaN is the greatest, and of two zeros -0.0 is the less.
//!
//! That is IEEE 754's totalOrder, in which DataFusion sorts and takes extremes without groups. Its groups are compared with `<`,
//! by which the last one of NaN and 1.0 stays, and begin with the least finite number, by which -inf is never the greatest.

use datafusion::arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef, Float32Type, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::min_max::{Max, Min};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
    Signature, StatisticsArgs,
};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::prim_op::PrimitiveGroupsAccumulator;

/// Of two numbers the one to keep.
type Keep<T> = fn(T, T) -> T;

/// `Min` or `Max` of DataFusion, with another order of floating point numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Extreme<F> {
    inner: F,
}

/// What the two functions differ in.
pub(crate) trait Side: AggregateUDFImpl {
    /// Loses against all numbers.
    const LOSES_64: f64;
    const KEEP_64: Keep<f64>;
    const LOSES_32: f32;
    const KEEP_32: Keep<f32>;
}

impl Side for Min {
    // The NaN whose bits are all ones is the last of the order, or, with the sign, the first.
    const LOSES_64: f64 = f64::from_bits(u64::MAX >> 1);
    const KEEP_64: Keep<f64> = |a, b| if b.total_cmp(&a).is_lt() { b } else { a };
    const LOSES_32: f32 = f32::from_bits(u32::MAX >> 1);
    const KEEP_32: Keep<f32> = |a, b| if b.total_cmp(&a).is_lt() { b } else { a };
}

impl Side for Max {
    const LOSES_64: f64 = f64::from_bits(u64::MAX);
    const KEEP_64: Keep<f64> = |a, b| if b.total_cmp(&a).is_gt() { b } else { a };
    const LOSES_32: f32 = f32::from_bits(u32::MAX);
    const KEEP_32: Keep<f32> = |a, b| if b.total_cmp(&a).is_gt() { b } else { a };
}

impl<F> Extreme<F> {
    pub fn new(inner: F) -> Extreme<F> {
        Extreme { inner }
    }
}

/// Numbers of each group, kept by `keep`.
fn groups<T: ArrowPrimitiveType + Send>(
    ty: &DataType,
    loses: T::Native,
    keep: Keep<T::Native>,
) -> Box<dyn GroupsAccumulator> {
    let kept = PrimitiveGroupsAccumulator::<T, _>::new(ty, move |kept, next| *kept = keep(*kept, next));
    Box::new(kept.with_starting_value(loses))
}

impl<F: Side + PartialEq + Eq + std::hash::Hash> AggregateUDFImpl for Extreme<F> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        match args.return_field.data_type() {
            ty @ DataType::Float64 => Ok(groups::<Float64Type>(ty, F::LOSES_64, F::KEEP_64)),
            ty @ DataType::Float32 => Ok(groups::<Float32Type>(ty, F::LOSES_32, F::KEEP_32)),
            _ => self.inner.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.create_sliding_accumulator(args)
    }

    fn is_descending(&self) -> Option<bool> {
        self.inner.is_descending()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_expr()
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
