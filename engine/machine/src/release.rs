//! The version of the running kernel, to explain a refusal: what it can do is found out by doing it.

/// The oldest kernel with all that programs need: `may_goto` came with 6.9.
pub const KERNEL_MIN: (u32, u32) = (6, 9);

/// The running kernel's version, as `uname -r` prints it.
pub fn kernel_release() -> Option<String> {
    Some(std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?.trim().to_owned())
}

/// Whether a release such as "6.8.0-31-generic" is certainly before (major, minor).
pub fn is_older(release: &str, than: (u32, u32)) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < than,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_compare_by_number() {
        assert!(is_older("6.8.0-31-generic", (6, 9)));
        assert!(is_older("5.15.0", (6, 9)));
        assert!(!is_older("6.9-rc1", (6, 9)));
        assert!(!is_older("6.18.44", (6, 9)));
        assert!(!is_older("10.0", (6, 9)));
        assert!(!is_older("unknown", (6, 9)));
        assert!(!is_older("", (6, 9)));
    }
}
