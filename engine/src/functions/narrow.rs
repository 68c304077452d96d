//! An accumulator over a wide type, seen as one over a narrow type.
//!
//! What comes in is cast to the wide type; what goes from one partition to another stays wide; what comes out at the end is
//! cast back, and is an error if it does not fit.

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::overflow::Overflow;
use weir_csv::rejects::sql_type_name;

/// The two types, and what is computed, for the error.
#[derive(Debug, Clone)]
pub(super) struct Narrowing {
    pub narrow: DataType,
    pub wide: DataType,
    /// The aggregate and its argument, in SQL.
    pub what: String,
    pub cure: String,
}

impl Narrowing {
    fn widened(&self, values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        Ok(values.iter().map(|values| cast(values, &self.wide)).collect::<Result<_, _>>()?)
    }

    fn narrowed(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let null_if_too_wide = CastOptions::default();
        let narrowed = cast_with_options(values, &self.narrow, &null_if_too_wide)?;
        if narrowed.null_count() == values.null_count() {
            return Ok(narrowed);
        }
        Err(DataFusionError::External(Box::new(Overflow {
            what: self.what.clone(),
            operands: None,
            ty: sql_type_name(&self.narrow),
            cure: self.cure.clone(),
        })))
    }
}

/// Of one group.
#[derive(Debug)]
pub(super) struct Narrow {
    pub inner: Box<dyn Accumulator>,
    pub narrowing: Narrowing,
}

impl Accumulator for Narrow {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.update_batch(&self.narrowing.widened(values)?)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let narrowed = self.narrowing.narrowed(&self.inner.evaluate()?.to_array()?)?;
        ScalarValue::try_from_array(&narrowed, 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.inner.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.retract_batch(&self.narrowing.widened(values)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }
}

/// Of many groups.
pub(super) struct NarrowGroups {
    pub inner: Box<dyn GroupsAccumulator>,
    pub narrowing: Narrowing,
}

impl GroupsAccumulator for NarrowGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> Result<()> {
        self.inner.update_batch(&self.narrowing.widened(values)?, group_indices, filter, group_count)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.narrowing.narrowed(&self.inner.evaluate(emit_to)?)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.inner.state(emit_to)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        group_count: usize,
    ) -> Result<()> {
        self.inner.merge_batch(values, group_indices, group_count)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.inner.convert_to_state(&self.narrowing.widened(values)?, filter)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}
