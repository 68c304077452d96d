//! What is accumulated over the records that match.
//!
//! One file a family. It holds an enum of the family's functions and, for each of them, its name in the text of a
//! fragment, the arguments it takes, its partial state in 64-bit words, and its lowering. All zeros are the state of no
//! records, and two states can be merged into that of both their records; how is written in [`crate::reference`],
//! and DataFusion's final aggregation does it.

mod count;
mod family;
mod min_max;
mod sum;

pub use count::Count;
pub use family::AggregateSignature;
pub use min_max::MinMax;
pub use sum::Sum;

use crate::emit::Word;
use crate::ops::Lowering;
use family::Family;

macro_rules! families {
    ($($(#[$doc:meta])* $family:ident,)*) => {
        /// An aggregate function, by family.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum AggregateFunction {
            $($(#[$doc])* $family($family),)*
        }

        $(impl From<$family> for AggregateFunction {
            fn from(function: $family) -> AggregateFunction {
                AggregateFunction::$family(function)
            }
        })*

        impl AggregateFunction {
            /// All functions.
            pub fn all() -> Vec<AggregateFunction> {
                let mut all = Vec::new();
                $(all.extend($family::ALL.iter().copied().map(AggregateFunction::from));)*
                all
            }

            /// What is known of it without its arguments.
            pub fn signature(self) -> AggregateSignature {
                match self {
                    $(AggregateFunction::$family(function) => function.signature(),)*
                }
            }

            /// See `Family::accumulate`.
            pub(crate) fn accumulate(self, state: Word, lowering: &mut Lowering) {
                match self {
                    $(AggregateFunction::$family(function) => function.accumulate(state, lowering),)*
                }
            }
        }
    };
}

families! {
    /// How many records.
    Count,
    /// Sums of integers.
    Sum,
    /// The least and the greatest value.
    MinMax,
}

impl AggregateFunction {
    /// Size of the partial state in 64-bit words.
    pub fn state_words(self) -> usize {
        self.signature().state_words
    }
}
