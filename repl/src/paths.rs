//! What a path says by itself: where `~` is, and by its ending how a file is written.

use std::path::Path;

/// File endings that are taken for CSV inside a folder.
const KINDS: [&str; 2] = ["csv", "tsv"];

/// Endings of compressed files, as in `data.csv.gz`, and the command that unpacks one beside it.
const COMPRESSIONS: [(&str, &str); 4] =
    [("gz", "gunzip --keep"), ("bz2", "bunzip2 --keep"), ("xz", "unxz --keep"), ("zst", "unzstd")];

/// The command that unpacks a file, if its ending says that it is compressed.
pub fn unpack_command(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_str()?;
    COMPRESSIONS.iter().find(|(known, _)| *known == ending).map(|(_, command)| *command)
}

/// Whether a folder's table would hold this file.
pub fn is_csv(path: &Path) -> bool {
    kind_of(&file_name(path)).is_some()
}

/// The ending by which a file is one of CSV, in small letters: ".csv", ".tsv.gz", ".gz"; None for any other.
pub fn kind_of(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let name = name.as_str();
    let ending = |name: &str| Path::new(name).extension().map(|ending| ending.to_string_lossy().into_owned());
    let last = ending(name)?;
    if KINDS.contains(&last.as_str()) {
        return Some(format!(".{last}"));
    }
    if !COMPRESSIONS.iter().any(|(compression, _)| *compression == last) {
        return None;
    }
    let inner = ending(name.strip_suffix(&format!(".{last}"))?);
    match inner.filter(|inner| KINDS.contains(&inner.as_str())) {
        Some(inner) => Some(format!(".{inner}.{last}")),
        None => Some(format!(".{last}")),
    }
}

/// "trips" for "trips.csv", "trips.csv.gz" and "trips.txt".
pub fn stem<'a>(name: &'a str, kind: &str) -> &'a str {
    let at = name.len().saturating_sub(kind.len());
    match name.get(at..) {
        Some(end) if !kind.is_empty() && end.eq_ignore_ascii_case(kind) => &name[..at],
        _ => Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(name),
    }
}

/// The last part of a path, as text.
pub fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A path that may begin with `~`, as a shell understands it.
pub fn with_home(path: &str) -> String {
    let below = path.strip_prefix('~').filter(|below| below.is_empty() || below.starts_with('/'));
    match (below, dirs::home_dir()) {
        (Some(below), Some(home)) => format!("{}{below}", home.display()),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_stems() {
        for (name, kind, expected) in [
            ("trips.csv", Some(".csv"), "trips"),
            ("trips.csv.gz", Some(".csv.gz"), "trips"),
            ("trips.2024.tsv.zst", Some(".tsv.zst"), "trips.2024"),
            ("trips.gz", Some(".gz"), "trips"),
            ("trips.txt", None, "trips"),
            ("trips", None, "trips"),
            ("T.CSV.Gz", Some(".csv.gz"), "T"),
            (".csv", None, ".csv"),
        ] {
            assert_eq!(kind_of(name).as_deref(), kind, "{name}");
            assert_eq!(stem(name, kind.unwrap_or_default()), expected, "{name}");
        }
    }

    #[test]
    fn packed_files_can_be_unpacked() {
        assert_eq!(unpack_command(Path::new("b.csv.bz2")), Some("bunzip2 --keep"));
        assert_eq!(unpack_command(Path::new("b.csv")), None);
    }
}
