//! Files that are not looked at as a whole.

use std::io::Write as _;

use super::*;

fn file(fill: impl FnOnce(&mut Vec<u8>)) -> tempfile::NamedTempFile {
    let mut bytes = Vec::new();
    fill(&mut bytes);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    file
}

fn check_file(file: &tempfile::NamedTempFile, is_whole: bool, expected: &str) {
    let sniffed = sniff_path(file.path(), &Overrides::default()).unwrap();
    assert_eq!(sniffed.is_whole, is_whole);
    assert_eq!(shown(&sniffed.spec), expected, "{:#?}", sniffed.decisions);
}

#[test]
fn values_at_the_end_and_between_count() {
    let rows = |bytes: &mut Vec<u8>, last: &str| {
        bytes.extend(b"id,v,d\n");
        for id in 0..400_000 {
            let v = if id > 200_000 { "1.5" } else { "1" };
            writeln!(bytes, "{id},{v},01/02/2024").unwrap();
        }
        bytes.extend(last.as_bytes());
    };
    check_file(&file(|bytes| rows(bytes, "")), false, "header: id:int v:double d:text");
    check_file(
        &file(|bytes| rows(bytes, "x,1,31/01/2024\n")),
        false,
        "formats=d=%d/%m/%Y header: id:text v:double d:date",
    );
    check_file(
        &file(|bytes| rows(bytes, "1,1,31/01/2024")),
        false,
        "formats=d=%d/%m/%Y header: id:int v:double d:date",
    );
}

#[test]
fn quoted_line_breaks_everywhere() {
    let rows = file(|bytes| {
        bytes.extend(b"id,v,note\n");
        for id in 0..200_000 {
            writeln!(bytes, "{id},{},\"a note,\nwith, three\nlines \"\"and\"\" quotes\"", id % 7).unwrap();
        }
    });
    check_file(&rows, false, "header: id:int v:int note:text");
}

#[test]
fn packed_and_wide() {
    let mut text = b"id;v\n".to_vec();
    for id in 0..300_000 {
        writeln!(text, "{id};{id},5").unwrap();
    }
    let packed = zstd::stream::encode_all(&text[..], 1).unwrap();
    let expected = "delimiter=; compression=zstd formats=v=1234,56 header: id:int v:double";
    check_file(&file(|bytes| bytes.extend(&packed)), false, expected);
    let wide: Vec<u8> = "id\tname\n"
        .chars()
        .chain((0..300_000).flat_map(|id| format!("{id}\té\n").chars().collect::<Vec<_>>()))
        .collect::<String>()
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    check_file(
        &file(|bytes| bytes.extend(&wide)),
        false,
        "delimiter=\\t encoding=utf-16be header: id:int name:text",
    );
}

#[test]
fn records_longer_than_the_head() {
    let columns = 9000;
    let rows = file(|bytes| {
        let names: Vec<String> = (0..columns).map(|at| format!("column_number_{at}")).collect();
        bytes.extend(names.join(",").into_bytes());
        for row in 0..100 {
            bytes.push(b'\n');
            let values: Vec<String> = (0..columns).map(|at| (at * row).to_string()).collect();
            bytes.extend(values.join(",").into_bytes());
        }
    });
    let sniffed = sniff_path(rows.path(), &Overrides::default()).unwrap();
    assert!(sniffed.spec.header);
    assert_eq!(sniffed.spec.columns.len(), columns);
    assert!(sniffed.spec.columns.iter().all(|column| column.ty == ColumnType::Integer));
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = sniff_path(folder.path(), &Overrides::default());
    assert!(matches!(refused, Err(SniffError::NotAFile { .. })));
    let missing = sniff_path(&folder.path().join("x"), &Overrides::default());
    assert!(matches!(missing, Err(SniffError::Read { .. })));
}
