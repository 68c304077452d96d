//! Bytes of CSV files as text in failures.

/// As a Rust byte string, in pieces of one line each.
pub fn literal(bytes: &[u8]) -> String {
    let lines =
        bytes.split_inclusive(|&byte| byte == b'\n').map(|line| format!("  b\"{}\"", line.escape_ascii()));
    lines.collect::<Vec<_>>().join("\n")
}
