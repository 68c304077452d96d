//! How an attempt to plan a program ends.

use datafusion::common::DataFusionError;

use crate::decline::{DeclineReason, Declined, Part, UnexpectedShape};

/// Why an attempt has no result.
pub(super) enum NotPlanned {
    /// It was declined: the plan stays as it is there, and says why.
    Declined(Vec<Declined>),
    /// Planning itself failed, and the query with it.
    Failed(DataFusionError),
}

impl From<Vec<Declined>> for NotPlanned {
    fn from(declined: Vec<Declined>) -> Self {
        NotPlanned::Declined(declined)
    }
}

impl From<DataFusionError> for NotPlanned {
    fn from(error: DataFusionError) -> Self {
        NotPlanned::Failed(error)
    }
}

/// The plan above a scan is declined as a whole.
pub(super) fn shape(what: UnexpectedShape) -> Vec<Declined> {
    vec![Declined { part: Part::Plan, reason: DeclineReason::Shape(what) }]
}

/// A scan is declined as a whole.
pub(super) fn scan_declined(reason: DeclineReason) -> Vec<Declined> {
    vec![Declined { part: Part::Scan, reason }]
}

/// An aggregation is declined as a whole.
pub(super) fn aggregation_declined(reason: DeclineReason) -> Vec<Declined> {
    vec![Declined { part: Part::Aggregation, reason }]
}
