//! What a path says by itself: where `~` is, and by its ending how a file is written.

use std::path::Path;

use datafusion::datasource::file_format::file_compression_type::FileCompressionType;

/// File endings that are taken for CSV inside a folder.
const KINDS: [&str; 2] = ["csv", "tsv"];

/// Endings of compressed files, as in `data.csv.gz`, and the command that unpacks one beside it.
const COMPRESSIONS: [(&str, FileCompressionType, &str); 4] = [
    ("gz", FileCompressionType::GZIP, "gunzip --keep"),
    ("bz2", FileCompressionType::BZIP2, "bunzip2 --keep"),
    ("xz", FileCompressionType::XZ, "unxz --keep"),
    ("zst", FileCompressionType::ZSTD, "unzstd"),
];

/// How a file is compressed that ends so, as ".csv.gz" does.
pub fn compression_of_kind(kind: &str) -> FileCompressionType {
    let ending = kind.rsplit('.').next().unwrap_or_default();
    let known = COMPRESSIONS.iter().find(|(known, ..)| *known == ending);
    known.map_or(FileCompressionType::UNCOMPRESSED, |(_, compression, _)| *compression)
}

/// How a file is compressed, as far as its ending says.
pub fn compression_of(path: &Path) -> FileCompressionType {
    path.extension()
        .and_then(|ending| ending.to_str())
        .map_or(FileCompressionType::UNCOMPRESSED, compression_of_kind)
}

/// The command that unpacks a file, if its ending says that it is compressed.
pub fn unpack_command(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_str()?;
    COMPRESSIONS.iter().find(|(known, ..)| *known == ending).map(|(.., command)| *command)
}

/// Whether a folder's table would hold this file.
pub fn is_csv(path: &Path) -> bool {
    kind_of(&file_name(path)).is_some()
}

/// The ending that says how a file is to be read: ".csv", ".tsv.gz", ".gz"; None for any other.
pub fn kind_of(name: &str) -> Option<String> {
    let ending = |name: &str| Path::new(name).extension().map(|ending| ending.to_string_lossy().into_owned());
    let last = ending(name)?;
    if KINDS.contains(&last.as_str()) {
        return Some(format!(".{last}"));
    }
    if !COMPRESSIONS.iter().any(|(compression, ..)| *compression == last) {
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
    match name.strip_suffix(kind) {
        Some(stem) if !kind.is_empty() => stem,
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
            (".csv", None, ".csv"),
        ] {
            assert_eq!(kind_of(name).as_deref(), kind, "{name}");
            assert_eq!(stem(name, kind.unwrap_or_default()), expected, "{name}");
        }
    }

    #[test]
    fn compressions() {
        assert_eq!(compression_of_kind(".csv.gz"), FileCompressionType::GZIP);
        assert_eq!(compression_of_kind(".zst"), FileCompressionType::ZSTD);
        assert_eq!(compression_of_kind(".csv"), FileCompressionType::UNCOMPRESSED);
        assert_eq!(compression_of(Path::new("a/b.csv.xz")), FileCompressionType::XZ);
        assert_eq!(compression_of(Path::new("a/gz")), FileCompressionType::UNCOMPRESSED);
        assert_eq!(unpack_command(Path::new("b.csv.bz2")), Some("bunzip2 --keep"));
        assert_eq!(unpack_command(Path::new("b.csv")), None);
    }
}
