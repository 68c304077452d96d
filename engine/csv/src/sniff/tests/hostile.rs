//! Bytes that mean harm, or nothing. The guess ends, and holds what it promises.
use super::*;
use crate::testing::Random;

fn hold(bytes: &[u8], is_whole: bool) {
    let sniffed = match sniff_bytes(bytes, is_whole, &Overrides::default()) {
        Ok(sniffed) => sniffed,
        Err(SniffError::Other { .. } | SniffError::Read { .. }) => return,
        Err(other) => panic!("{other}: {bytes:?}"),
    };
    let spec = &sniffed.spec;
    assert!(!spec.dialect.delimiter.is_empty());
    let mut names: Vec<&str> = spec.columns.iter().map(|column| column.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), spec.columns.len(), "names are unique: {bytes:?}");
    assert!(names.iter().all(|name| !name.is_empty()));
    sniffed.line("f");
    create_external_table("t", "f", spec);
    if is_whole {
        read::check_guess(bytes, spec);
    }
}

#[test]
fn every_cut_of_a_file() {
    let text = "# c\nReport\n\"id\";\"na\"\"me\";d;\u{e4}\r\n1;\"x;\n y\";31.12.2024;1,5\r\n2;'z';01.01.2024;NA\r\n3;w;;\n";
    for end in 0..=text.len() {
        for is_whole in [true, false] {
            hold(&text.as_bytes()[..end], is_whole);
            hold(&text.as_bytes()[end..], is_whole);
        }
    }
    let packed = zstd::stream::encode_all(text.as_bytes(), 1).unwrap();
    for end in 0..=packed.len() {
        hold(&packed[..end], true);
    }
}

#[test]
fn random_bytes() {
    let mut random = Random::new(1);
    let structure = b",;\t|:^~ \"'\\\r\n#%019.-aZ\x00\x01\xc3\xbc\xff@/";
    let any: Vec<u8> = (0..=u8::MAX).collect();
    for round in 0..3000 {
        let length = random.below(200);
        let bytes = random.text(if round % 4 == 0 { &any } else { structure }, length);
        hold(&bytes, round % 2 == 0);
    }
}

#[test]
fn large_and_odd() {
    hold(&b"\"".repeat(300_000), true);
    hold(&b"\"a\",".repeat(100_000), true);
    hold(&b",".repeat(300_000), true);
    hold(&b"\n".repeat(300_000), true);
    hold(&b"a\"\n".repeat(100_000), true);
    hold(&b"\"a\n".repeat(100_001), false);
    hold(&b"\\\"".repeat(100_000), true);
    hold(&b"'x' \"y\" ".repeat(50_000), true);
    hold("é".repeat(100_000).as_bytes(), true);
    let wide = vec!["x"; 20_000].join(",");
    hold(format!("{wide}\n{wide}\n").as_bytes(), true);
}
