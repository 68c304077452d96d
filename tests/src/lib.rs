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

/// The first seed and the number of cases of a random test: `WEIR_SEED`, else 0, and `WEIR_CASES`, else the default.
pub fn seeds(cases_default: u64) -> (u64, u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    (number("WEIR_SEED").unwrap_or(0), number("WEIR_CASES").unwrap_or(cases_default))
}

/// One of the items, by value.
pub fn one_of<T: Copy, const N: usize>(random: &mut Random, items: [T; N]) -> T {
    *random.pick(&items)
}
