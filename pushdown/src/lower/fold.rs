//! What the parts of the lowering share while a program is made.

use super::holes;
use super::words::FIRST_WORD;
use crate::contract::groups::GroupLayout;
use crate::contract::index::IndexArray;
use crate::contract::layout::Sizes;
use crate::emit::Word;
use crate::fragment::Fragment;
use crate::ops::Lowering;
use crate::program::Target;

/// The program in the making.
pub(super) struct Fold<'f> {
    pub(super) fragment: &'f Fragment,
    pub(super) target: Target,
    pub(super) sizes: Sizes,
    pub(super) lowering: Lowering,
    pub(super) accumulators: usize,
    pub(super) groups: Option<GroupLayout>,
    pub(super) index: IndexArray,
    pub(super) calls_number: bool,
    /// By aggregate.
    pub(super) prepared: Vec<PreparedAggregate>,
}

/// What `Fold::prepare` leaves for `Fold::update`.
#[derive(Clone, Copy, Default)]
pub(super) struct PreparedAggregate {
    /// The FILTER's outcome.
    pub(super) active: Option<Word>,
    /// The argument, if it had to be evaluated beforehand and only under the FILTER.
    pub(super) argument: Option<Word>,
}

impl<'f> Fold<'f> {
    pub(super) fn new(fragment: &'f Fragment, target: Target, sizes: Sizes) -> Self {
        let index = IndexArray::new(fragment.field_count, &sizes);
        let columns = fragment.columns.iter().map(|column| (column.field, column.nullable));
        Fold {
            fragment,
            target,
            sizes,
            lowering: Lowering::new(holes::of(fragment, target, sizes, &index), FIRST_WORD, columns),
            accumulators: 0,
            groups: None,
            index,
            calls_number: false,
            prepared: Vec::new(),
        }
    }
}
