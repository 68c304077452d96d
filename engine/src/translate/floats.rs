//! Floating point constants, as the integers that a program compares.
//!
//! A program holds the text of a float as `k`, a number of `10^-scale`; DataFusion compares the double that is nearest
//! to it. That double grows with `k`, so each comparison with a constant is a comparison of `k` with the first `k` whose
//! double reaches, or exceeds, the constant. It is found by asking, not by rounding.

use std::cmp::Ordering;

use datafusion::common::ScalarValue;

use crate::decline::DeclineReason;
use crate::numbers::double;

/// No value of an expression that is compared with a constant is further from zero.
const MAGNITUDE_MAX: i64 = 1_000_000_000_000_000_000;

/// Digits that every double keeps: two texts with no more have different doubles unless they are equal.
pub(super) const EXACT_DIGITS: u32 = 15;

/// The largest magnitude up to which integers count as having at most [`EXACT_DIGITS`] digits. All are doubles.
pub(super) const EXACT_MAGNITUDE_MAX: i64 = 1_000_000_000_000_000;

/// Where the doubles of a scale meet a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Threshold {
    /// The least `k` whose double is at least the constant.
    pub reaches: i64,
    /// The least `k` whose double is greater than the constant.
    pub exceeds: i64,
}

/// The threshold of a finite constant that is not a negative zero. A `k` that does not exist within
/// [`MAGNITUDE_MAX`] is given as one beyond it.
pub(super) fn threshold(constant: f64, scale: u8) -> Threshold {
    let first = |reached: fn(Ordering) -> bool| {
        let (mut low, mut high) = (-MAGNITUDE_MAX, MAGNITUDE_MAX + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if reached(double(i128::from(middle), scale).total_cmp(&constant)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    };
    Threshold { reaches: first(Ordering::is_ge), exceeds: first(Ordering::is_gt) }
}

/// A constant that can be compared with: NaN and infinities are left to DataFusion, and so is the negative zero, which
/// Arrow tells from zero.
pub(super) fn comparable(constant: f64) -> Result<f64, DeclineReason> {
    if constant.is_finite() && (constant != 0.0 || constant.is_sign_positive()) {
        Ok(constant)
    } else {
        Err(DeclineReason::Constant(ScalarValue::Float64(Some(constant)).to_string()))
    }
}

/// A constant as the short decimal number that it is the nearest double of, for arithmetic: `number * 10^-scale`.
pub(super) fn short_decimal(constant: f64) -> Result<(i64, u8), DeclineReason> {
    let declined = || DeclineReason::Constant(ScalarValue::Float64(Some(constant)).to_string());
    let text = format!("{:e}", comparable(constant)?);
    let (digits, exponent) = text.split_once('e').ok_or_else(declined)?;
    let exponent: i32 = exponent.parse().map_err(|_| declined())?;
    let behind_point = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32);
    let number: i64 = digits.replace('.', "").parse().map_err(|_| declined())?;
    let significant = digits.chars().filter(char::is_ascii_digit).count() as u32;
    let scale = behind_point - exponent;
    if significant > EXACT_DIGITS {
        return Err(declined());
    }
    if scale >= 0 {
        let scale = u8::try_from(scale).ok().filter(|&scale| u32::from(scale) <= EXACT_DIGITS);
        return Ok((number, scale.ok_or_else(declined)?));
    }
    let zeros = 10i64.checked_pow(scale.unsigned_abs()).ok_or_else(declined)?;
    Ok((number.checked_mul(zeros).ok_or_else(declined)?, 0))
}

#[cfg(test)]
mod tests {
    use pushdown::testing::Random;

    use super::*;

    fn text_of(number: i64, scale: u8) -> String {
        let digits = format!("{:0>width$}", number.unsigned_abs(), width = usize::from(scale) + 1);
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
        let sign = if number < 0 { "-" } else { "" };
        if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    #[test]
    fn double_is_what_the_text_parses_to() {
        let mut random = Random::new(1);
        for _ in 0..100_000 {
            let scale = (random.word() % 16) as u8;
            let number = (random.word() as i64) >> (random.word() % 60);
            let parsed: f64 = text_of(number, scale).parse().unwrap();
            assert_eq!(double(i128::from(number), scale).to_bits(), parsed.to_bits(), "{number} {scale}");
        }
    }

    #[test]
    fn thresholds_agree_with_comparing_doubles() {
        let mut random = Random::new(2);
        for _ in 0..3_000 {
            let scale = (random.word() % 16) as u8;
            let near = (random.word() as i64) >> (8 + random.word() % 56);
            // Constants on, just beside and far from a value of this scale.
            let constant = match random.word() % 4 {
                0 => double(i128::from(near), scale),
                1 => double(i128::from(near), scale).next_up(),
                2 => double(i128::from(near), scale).next_down(),
                _ => double(i128::from(random.word() as i64), (random.word() % 30) as u8),
            };
            let Ok(constant) = comparable(constant) else { continue };
            let found = threshold(constant, scale);
            for number in (-40..=40).map(|step| near.saturating_add(step)).chain([0, 1, -1]) {
                if number.abs() >= EXACT_MAGNITUDE_MAX {
                    continue;
                }
                let value: f64 = text_of(number, scale).parse().unwrap();
                assert_eq!(number >= found.reaches, value >= constant, "{number} {scale} {constant:e}");
                assert_eq!(number >= found.exceeds, value > constant, "{number} {scale} {constant:e}");
            }
        }
    }

    #[test]
    fn constants_that_no_value_reaches() {
        let beyond = MAGNITUDE_MAX + 1;
        assert_eq!(threshold(1e300, 2), Threshold { reaches: beyond, exceeds: beyond });
        assert_eq!(threshold(-1e300, 2), Threshold { reaches: -MAGNITUDE_MAX, exceeds: -MAGNITUDE_MAX });
        assert!(comparable(f64::NAN).is_err());
        assert!(comparable(f64::INFINITY).is_err());
        assert!(comparable(-0.0).is_err());
        assert!(comparable(0.0).is_ok());
    }

    #[test]
    fn short_decimals() {
        assert_eq!(short_decimal(1.0).unwrap(), (1, 0));
        assert_eq!(short_decimal(0.05).unwrap(), (5, 2));
        assert_eq!(short_decimal(-12.5).unwrap(), (-125, 1));
        assert_eq!(short_decimal(1200.0).unwrap(), (1200, 0));
        assert_eq!(short_decimal(0.0).unwrap(), (0, 0));
        assert!(short_decimal(0.1 + 0.2).is_err());
        assert!(short_decimal(1e-20).is_err());
        assert!(short_decimal(1e30).is_err());
    }
}
