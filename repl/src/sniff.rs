//! `weir sniff FILE`: what a CSV file is taken for, why, and the statement that declares the same.
//!
//! What is printed is SQL: the reasons stand in comments above the statement.

use std::io::{self, Write};
use std::path::Path;

use engine::csv::sniff::{Overrides, create_external_table, sniff_path};

use crate::cli::Sniff;
use crate::error::Error;
use crate::paths::{file_name, kind_of, stem};
use crate::visible::visible;

/// Looks at each file. What is declared on the command line is not guessed.
pub fn run(sniff: &Sniff, declared: &Overrides) -> Result<(), Error> {
    for written in &sniff.paths {
        let text = describe(written, declared)?;
        io::stdout().write_all(text.as_bytes()).map_err(Error::Output)?;
    }
    Ok(())
}

fn describe(written: &str, declared: &Overrides) -> Result<String, Error> {
    let path = std::path::absolute(Path::new(written));
    let path = path.map_err(|source| Error::PathUnreadable { path: written.into(), source })?;
    let sniffed = sniff_path(&path, declared)?;
    let mut text = format!("-- {}\n", visible(&sniffed.line(written)));
    for decision in &sniffed.decisions {
        text.push_str(&format!("--   {}\n", visible(&decision.to_string())));
    }
    if !sniffed.is_whole {
        text.push_str("--   looked at its beginning, its end and places between\n");
    }
    let name = file_name(&path);
    let table = stem(&name, &kind_of(&name).unwrap_or_default()).to_owned();
    text.push_str(&create_external_table(&table, &path.display().to_string(), &sniffed.spec));
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_a_statement() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trips.csv");
        std::fs::write(&path, "id;zip;fare\n1;02134;2,5\n2;10001;3,25\n").unwrap();
        let text = describe(path.to_str().unwrap(), &Overrides::default()).unwrap();
        let text = text.replace(folder.path().to_str().unwrap(), "DIR");
        insta::assert_snapshot!(text, @r#"
        -- DIR/trips.csv: ';' delimited, header, 3 columns
        --   encoding: utf-8 (ASCII only)
        --   dialect: delimiter ; (3 of 3 records have 3 fields)
        --   header: yes (the first record is text where 2 columns are not)
        --   column "id": BIGINT (all of 2 values fit)
        --   column "zip": VARCHAR (`02134` in line 2 has a zero in front)
        --   column "fare": DOUBLE (all of 2 values fit)
        CREATE EXTERNAL TABLE "trips" (
            "id" BIGINT,
            "zip" VARCHAR,
            "fare" DOUBLE
        )
        STORED AS CSV
        LOCATION 'DIR/trips.csv'
        OPTIONS (
            'format.has_header' 'true',
            'format.delimiter' ';',
            'format.formats' 'fare=1234,56'
        );
        "#);
    }
}
