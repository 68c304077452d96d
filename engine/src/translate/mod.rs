//! Physical expressions in, fragment expressions out.
//!
//! Everything here works on expressions over the columns of the *file*: the rule has already put the expressions of
//! projections in the place of the columns that they define. What comes out evaluates to what DataFusion would, for
//! every record that it does not declare an exception record; what cannot be done so is declined with its reason.
//!
//! | file | what it translates |
//! |---|---|
//! | `values` | arithmetic, casts and constants |
//! | `floats` | constants of this type, as the integers that programs compare |
//! | `bounds` | comparisons with constants |
//! | `predicates` | conditions |
//! | `aggregates` | aggregates, group keys, and how their state is read back |
//! | `fallible` | nothing: it tells which expressions can fail |

mod aggregates;
mod bounds;
mod fallible;
mod floats;
mod predicates;
mod values;

pub(crate) use aggregates::{PlannedAggregate, aggregation};
pub(crate) use fallible::{may_fail, may_skip_failure};
pub(crate) use predicates::predicate;
