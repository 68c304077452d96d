//! Exact decimal numbers.

/// A number as its digits.
struct Digits<'a> {
    is_negative: bool,
    /// Before the point.
    whole: &'a [u8],
    /// Behind it.
    fraction: &'a [u8],
    /// Places that the point moves to the right.
    exponent: i64,
}

/// A decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// Times ten to the power of the scale.
    pub value: i128,
    /// Whether no digit was rounded away.
    pub is_exact: bool,
}

/// Digits that a word of 64 bits holds.
const WORD_DIGITS: i64 = 18;
/// Powers of ten up to that of a word's digits.
const POWERS: [u64; 19] = {
    let mut powers = [1; 19];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// The number with `scale` digits behind the point, rounded half away from zero. None: it is no number, or has more than
/// `precision` digits.
#[inline]
pub fn decimal(text: &str, precision: u8, scale: u8) -> Option<Decimal> {
    short(text.as_bytes(), precision, scale).or_else(|| long(text, precision, scale))
}

/// A number of a few digits, nothing of which is rounded. None: take the long way.
#[inline]
fn short(bytes: &[u8], precision: u8, scale: u8) -> Option<Decimal> {
    let (is_negative, bytes) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    };
    if bytes.len() > WORD_DIGITS as usize {
        return None;
    }
    let mut value = 0u64;
    let mut point = None;
    for (at, byte) in bytes.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + u64::from(digit);
        } else if *byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    let fraction = point.map_or(0, |point| bytes.len() - point - 1);
    let missing = usize::from(scale).checked_sub(fraction)?;
    let digits = bytes.len() - usize::from(point.is_some());
    if digits == 0 || digits + missing > WORD_DIGITS as usize {
        return None;
    }
    let value = value * POWERS[missing];
    if POWERS.get(usize::from(precision)).is_some_and(|&limit| value >= limit) {
        return None;
    }
    let value = i128::from(value);
    Some(Decimal { value: if is_negative { -value } else { value }, is_exact: true })
}

fn long(text: &str, precision: u8, scale: u8) -> Option<Decimal> {
    let digits = digits(text)?;
    // Digits, from the first, that stay.
    let kept = (digits.whole.len() as i64).saturating_add(digits.exponent).saturating_add(i64::from(scale));
    let all = digits.whole.iter().chain(digits.fraction).map(|byte| byte - b'0');
    let count = (digits.whole.len() + digits.fraction.len()) as i64;
    let limit = 10u128.checked_pow(u32::from(precision))?;

    let mut magnitude = if kept <= WORD_DIGITS {
        let word = all.clone().take(usize::try_from(kept).unwrap_or(0));
        u128::from(word.fold(0u64, |value, digit| value * 10 + u64::from(digit)))
    } else {
        let mut value = 0u128;
        for digit in all.clone().take(usize::try_from(kept).ok()?) {
            value = value.checked_mul(10)?.checked_add(u128::from(digit))?;
        }
        value
    };
    if kept > count && magnitude != 0 {
        let missing = u32::try_from(kept - count).ok()?;
        magnitude = magnitude.checked_mul(10u128.checked_pow(missing)?)?;
    }
    let mut is_exact = true;
    if kept < count {
        let mut rest = all.skip(usize::try_from(kept).unwrap_or(0));
        if kept >= 0
            && rest.next().is_some_and(|digit| {
                is_exact = digit == 0;
                digit >= 5
            })
        {
            magnitude += 1;
        }
        is_exact &= rest.all(|digit| digit == 0);
    }
    if magnitude >= limit {
        return None;
    }
    let value = i128::try_from(magnitude).ok()?;
    Some(Decimal { value: if digits.is_negative { -value } else { value }, is_exact })
}

/// Digits before and behind the point that hold the number exactly. None: it is no number, or has far too many.
pub fn digits_needed(text: &str) -> Option<(usize, usize)> {
    let digits = digits(text)?;
    let all: Vec<u8> = digits.whole.iter().chain(digits.fraction).copied().collect();
    let leading = all.iter().take_while(|&&digit| digit == b'0').count();
    let trailing = all.iter().rev().take_while(|&&digit| digit == b'0').count();
    if leading == all.len() {
        return Some((0, 0));
    }
    let point = digits.whole.len() as i64 + digits.exponent;
    let whole = usize::try_from(point - leading as i64).unwrap_or(0);
    let fraction = usize::try_from((all.len() - trailing) as i64 - point).unwrap_or(0);
    Some((whole, fraction))
}

/// The parts of a number: a sign, digits with at most one point among them, an exponent.
fn digits(text: &str) -> Option<Digits<'_>> {
    let bytes = text.as_bytes().trim_ascii();
    let (is_negative, bytes) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    let count = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = bytes.split_at(count(bytes));
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => rest.split_at(count(rest)),
        _ => (&rest[..0], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let exponent = match rest {
        [] => 0,
        [b'e' | b'E', exponent @ ..] => exponent_of(exponent)?,
        _ => return None,
    };
    Some(Digits { is_negative, whole, fraction, exponent })
}

/// An exponent. One that is far too large is large enough.
fn exponent_of(bytes: &[u8]) -> Option<i64> {
    const FAR: i64 = 1 << 40;
    let (is_negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(FAR));
    Some(if is_negative { -value } else { value })
}
