//! Options of one file, behind its path: `trips.csv:delimiter=;:types=id=text`.

use std::path::Path;

use weir_csv::sniff::{OptionError, Overrides};

/// A path, and what is declared of its files over what is declared of all. A file whose name looks so is that file.
pub fn with_path_options<'a>(text: &'a str, of_all: &Overrides) -> Result<(&'a str, Overrides), OptionError> {
    let mut declared = of_all.clone();
    let Some(first) = next_option(text).filter(|_| !Path::new(text).exists()) else {
        return Ok((text, declared));
    };
    let (path, mut rest) = text.split_at(first);
    while let Some((name, value)) = rest.strip_prefix(':').and_then(|option| option.split_once('=')) {
        let end = next_option(value).unwrap_or(value.len());
        declared.set(name, &value[..end])?;
        rest = &value[end..];
    }
    Ok((path, declared))
}

/// Where the first colon is behind which the name of an option and `=` stand: a value may have colons too.
fn next_option(text: &str) -> Option<usize> {
    let begins = |at: &usize| {
        let name = text[at + 1..].split_once('=').map(|(name, _)| name);
        // Without a value it is refused for that, or for its name; behind a file a wrong name is an error.
        let tried = name.map(|name| Overrides::default().set(name, ""));
        tried.is_some_and(|tried| {
            !matches!(tried, Err(OptionError::Unknown { .. })) || Path::new(&text[..*at]).is_file()
        })
    };
    text.match_indices(':').map(|(at, _)| at).find(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_behind_the_path() {
        let of_all = Overrides { header: Some(true), ..Overrides::default() };
        let (path, declared) = with_path_options("d/a.csv:delimiter=;:header=false", &of_all).unwrap();
        assert_eq!(
            (path, declared.delimiter, declared.header),
            ("d/a.csv", Some(b";".to_vec()), Some(false))
        );
        let (path, declared) = with_path_options("a.csv:delimiter=::types=id=text,t=date", &of_all).unwrap();
        assert_eq!((path, declared.delimiter, declared.types.len()), ("a.csv", Some(b":".to_vec()), 2));
        for plain in ["a.csv", "a:b.csv", "file:///x=1.csv", "a.csv:delim"] {
            assert_eq!(with_path_options(plain, &of_all).unwrap(), (plain, of_all.clone()));
        }
        assert!(with_path_options("a.csv:on_error=perhaps", &of_all).is_err());
    }
}
