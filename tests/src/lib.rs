//! What the tests of the whole share: sessions in every configuration, answers that can be compared, and random
//! tables and queries that can be made smaller.

use pushdown::testing::Random;

pub mod answer;
pub mod bytes;
pub mod configuration;
pub mod expression;
pub mod query;
pub mod table;
pub mod text;
pub mod types;

/// One of the items, by value.
pub fn one_of<T: Copy, const N: usize>(random: &mut Random, items: [T; N]) -> T {
    *random.pick(&items)
}
