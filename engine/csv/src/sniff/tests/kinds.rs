//! Small files of each kind.

use super::*;

#[test]
fn plain_files() {
    check("a,b\n1,x\n2,y\n", "header: a:int b:text");
    check("a,b\r\n1,x\r\n2,y", "header: a:int b:text");
    check("a,b\r1,x\r2,y", "header: a:int b:text");
    check("a,b\n1.5,true\n2,FALSE\n", "header: a:double b:bool");
    check(
        "d,t\n2024-01-01,2024-01-01 10:00:00\n2024-01-02,2024-01-01T10:00:00\n",
        "header: d:date t:timestamp0",
    );
    check("t\n2024-01-01 10:00:00.5\n2024-01-01\n", "header: t:timestamp3");
    check("t\n2024-01-01 10:00:00.1234567\n", "header: t:timestamp9");
    check("a;b\n1;x\n2;y\n", "delimiter=; header: a:int b:text");
    check("a\tb\n1\tx\n2\ty\n", "delimiter=\\t header: a:int b:text");
    check("a|b\n1|x\n2|y\n", "delimiter=| header: a:int b:text");
    check("a^b\n1^x\n2^y\n", "delimiter=^ header: a:int b:text");
    check("a~b~c\n1~x~2\n2~y~3\n", "delimiter=~ header: a:int b:text c:int");
    check("a:b:c\n1:x:2\n2:y:3\n", "delimiter=: header: a:int b:text c:int");
    check("a b c\n1 x 2\n2 y 3\n", "delimiter=  header: a:int b:text c:int");
    check("a\x01b\n1\x01x\n2\x01y\n", "delimiter=\\u{1} header: a:int b:text");
}

#[test]
fn files_of_nearly_nothing() {
    check("", "no header:");
    check("\n\n", "no header:");
    check("a,b,c\n", "header: a:text b:text c:text");
    check("a,b,c", "header: a:text b:text c:text");
    check("1,2,3\n", "no header: column_1:int column_2:int column_3:int");
    check("name\n", "header: name:text");
    check("a,b\n1,2\n", "header: a:int b:int");
    check("a,b\n,\n", "header: a:text b:text");
    check("\u{feff}a,b\n1,2\n", "header: a:int b:int");
}

#[test]
fn one_column_stays_one() {
    check("name\nSmith\nJones\nMiller\n", "header: name:text");
    check("n\n1\n2\n3\n", "header: n:int");
    check("t\n2024-01-01 10:00:00\n2024-01-01 11:30:00\n", "header: t:timestamp0");
    check("t\n10:00:00\n11:30:00\n12:30:00\n", "header: t:text");
    check("2024-01-01 10:00:00\n2024-01-01 11:30:00\n", "no header: column_1:timestamp0");
    check(
        "Hello, world\nThis is a text, with commas, here and there.\nNo comma here\nAnd, well, more\nEnd\n",
        "delimiter=; header: Hello, world:text",
    );
    check("name\nJohn Smith\nJane Doe\nMary Miller\n", "header: name:text");
    check("wert\n1,5\n2,5\n3,25\n", "delimiter=; formats=wert=1234,56 header: wert:double");
    check("\"a, b\"\n\"c, d\"\n\"e, f\"\n", "header: a, b:text");
    check("a\n\n1\n\n2\n", "header: a:int");
    check("url\nhttp://a.org/x\nhttp://b.org/y?z=1\n", "header: url:text");
}

#[test]
fn digits_that_are_no_numbers() {
    check("zip,phone\n02134,0041791234567\n10001,0041791234568\n", "header: zip:text phone:text");
    check("n\n0\n-0\n0.5\n", "header: n:double");
    check("n\n18446744073709551615\n1\n", "header: n:decimal38.0");
    check("n\n9223372036854775807\n2\n", "header: n:int");
    check(format!("n\n{}\n", "9".repeat(39)), "header: n:text");
    check("n\n9007199254740993\n1.5\n", "header: n:decimal38.1");
    check("n\n9007199254740993\nNaN\n", "header: n:text");
    check("n\n1\nNaN\n", "header: n:double");
    check("n\n+5\n", "header: n:text");
    check("v\n1\ntrue\n", "header: v:text");
    check("v\nyes\nno\n", "header: v:text");
}

#[test]
fn guesses_need_the_whole_field() {
    check("t\n2020-01-01 00:00:00 and more\n2020-01-01 00:00:00\n", "header: t:text");
    check("d\n2024-02-30\n2024-02-28\n", "header: d:text");
    check("t\n2020-01-01T00:00:00Z\n2020-01-01T00:00:00+01:00\n", "header: t:timestamp0");
    check("t\n2020-01-01T00:00:00Z\n2020-01-01T00:00:00\n", "header: t:text");
}

#[test]
fn empty_columns_are_text() {
    let mut text = "a,c\n".to_owned();
    for number in 0..2000 {
        let _ = writeln!(text, "{number},");
    }
    check(&text, "header: a:int c:text");
    for _ in 0..1000 {
        text.push_str("1,2024-01-01\n");
    }
    check(&text, "header: a:int c:date");
}

#[test]
fn day_and_month_by_evidence() {
    let date = |dates: [&str; 3]| format!("id,d\n1,{}\n2,{}\n3,{}\n", dates[0], dates[1], dates[2]);
    check(date(["01/02/2024", "31/12/2024", "05/05/2024"]), "formats=d=%d/%m/%Y header: id:int d:date");
    check(date(["01/02/2024", "12/31/2024", "05/05/2024"]), "formats=d=%m/%d/%Y header: id:int d:date");
    check(date(["01/02/2024", "02/03/2024", "05/05/2024"]), "header: id:int d:text");
    check(date(["31/12/2024", "12/31/2024", "05/05/2024"]), "header: id:int d:text");
    check(date(["01.02.2024", "02.03.2024", "05.05.2024"]), "formats=d=%d.%m.%Y header: id:int d:date");
    check(date(["2024/01/02", "2024/12/31", "2024/05/05"]), "formats=d=%Y/%m/%d header: id:int d:date");
    check(
        date(["1/31/2024 9:05", "2/1/2024 10:00", "3/1/2024 0:00"]),
        "formats=d=%m/%d/%Y header: id:int d:timestamp0",
    );
    check(date(["1-2-2024", "31-12-2024", "5-5-2024"]), "formats=d=%d-%m-%Y header: id:int d:date");
    check(
        date(["31.12.2024 10:00", "30.12.2024 10:00:01", "05.05.2024"]),
        "formats=d=%d.%m.%Y header: id:int d:timestamp0",
    );
    // The order that one column shows is that of another.
    check(
        "a,b\n01/02/2024,31/12/2024\n03/04/2024,30/12/2024\n",
        "formats=a=%d/%m/%Y;b=%d/%m/%Y header: a:date b:date",
    );
    check_with(
        &[("date_format", "%m/%d/%Y")],
        date(["01/02/2024", "02/03/2024", "05/05/2024"]),
        "formats=d=%m/%d/%Y header: id:int d:date",
    );
}

#[test]
fn numbers_as_people_write_them() {
    check("a;b\n1,5;x\n2,25;y\n", "delimiter=; formats=a=1234,56 header: a:double b:text");
    check("a;b\n1.234,5;x\n2,25;y\n", "delimiter=; formats=a=1.234,56 header: a:double b:text");
    check("a;b\n1,234;x\n2,225;y\n", "delimiter=; header: a:text b:text");
    check("a;b\n1,234;1,5\n2,225;2,5\n", "delimiter=; formats=a=1234,56;b=1234,56 header: a:double b:double");
    check("a;b\n1.234;1,5\n2.225;2,5\n", "delimiter=; formats=b=1234,56 header: a:text b:double");
    check("a;b\n1.5;1,5\n2.2;2,5\n", "delimiter=; formats=b=1234,56 header: a:double b:double");
    check("a,b\n\"1,234\",x\n\"12\",y\n", "formats=a=1,234.56 header: a:int b:text");
    check("a,b\n\"1,234,567.25\",x\n12,y\n", "formats=a=1,234.56 header: a:double b:text");
    check("a,b\n\"1,5\",x\n\"2,25\",y\n", "header: a:text b:text");
    check("a\tb\n1 234\tx\n12 345\ty\n", "delimiter=\\t formats=a=1 234.56 header: a:int b:text");
    check_with(
        &[("decimal_comma", "true")],
        "a,b\n\"1,5\",x\n\"2,25\",y\n",
        "formats=a=1234,56 header: a:double b:text",
    );
    check_with(
        &[("decimal_comma", "true")],
        "a;b\n1.234;x\n2.225;y\n",
        "delimiter=; formats=a=1.234,56 header: a:int b:text",
    );
}

#[test]
fn spellings_of_null() {
    check("a,b\n1,x\nNA,NA\n3,y\n", "nulls=NA header: a:int b:text");
    check("a,b\n2024-01-01,\\N\nnull,2\n", "nulls=null,\\\\N header: a:date b:int");
    check("a,b\nNA,x\nNA,y\n", "header: a:text b:text");
    check("a,b\n1,x\n\"NA\",y\n", "header: a:text b:text");
    check_with(&[("nulls", "-,?")], "a,b\n1,x\n-,y\n?,z\n", "nulls=-,? header: a:int b:text");
    check_with(&[("nulls", "-")], "a,b\n1,x\nNA,y\n", "nulls=- header: a:text b:text");
}

#[test]
fn headers_by_content() {
    check("0,0\n0.01,0\n0.02,1\n", "no header: column_1:double column_2:int");
    check("id,value,value\n1,2,3\n4,5,6\n", "header: id:int value:int value_1:int");
    check("a,,\n1,2,3\n4,5,6\n", "header: a:int column2:int column3:int");
    check("country,2019,2020,2021\nCH,5,6,7\nDE,8,9,10\n", "header: country:text 2019:int 2020:int 2021:int");
    check("2019,1\n2020,2\n2021,3\n", "no header: column_1:int column_2:int");
    check("2024-01-01,x\n2024-01-02,y\n", "no header: column_1:date column_2:text");
    check("first,last\nJohn,Smith\nJane,Doe\n", "header: first:text last:text");
    check("A-01,B\nA-02,C\nA-03,D\n", "no header: column_1:text column_2:text");
    check("code,name\nA-02,C\nA-03,D\n", "header: code:text name:text");
    check("x,y\nx,z\nx,y\n", "no header: column_1:text column_2:text");
    check("a@b.org,x\nc@d.org,y\n", "no header: column_1:text column_2:text");
    check("#id,name\n1,a\n2,b\n", "header: #id:int name:text");
    check_with(&[("header", "true")], "1,2\n3,4\n", "header: 1:int 2:int");
    check_with(&[("header", "false")], "a,b\n3,4\n", "no header: column_1:text column_2:text");
}

#[test]
fn lines_above_and_comments() {
    check("Report of 2024\nmade by hand\n\na,b,c\n1,2,3\n4,5,6\n", "skip_lines=3 header: a:int b:int c:int");
    check("# one\n# two\na,b\n1,2\n3,4\n", "comment=# header: a:int b:int");
    check("a,b\n1,2\n# between\n3,4\n#end", "comment=# header: a:int b:int");
    check("##x\n#a\tb\n1\t2\n3\t4\n", "delimiter=\\t skip_lines=1 header: #a:int b:int");
    check("c,n\n#ff0000,red\n#00ff00,green\n", "header: c:text n:text");
    check("a,b,c\n1,2,3\n4,5,6\n7,8,9\nTotal: 3 rows\n", "on_error=pad header: a:text b:int c:int");
    check("a,b\n1,2\n3\n", "on_error=pad header: a:int b:int");
    check("a,b\n1,2\n3,4,5\n6,7\n", "on_error=pad header: a:int b:text");
    check_with(&[("skip_lines", "1")], "x\na,b\n1,2\n", "skip_lines=1 header: a:int b:int");
    check_with(&[("comment", "none")], "# one\na,b\n1,2\n3,4\n", "skip_lines=1 header: a:int b:int");
    // Ragged records at the beginning are no lines to skip.
    check("1,2\n1,2,3\n4,5,6\n7,8,9\n", "on_error=pad no header: column_1:int column_2:int column_3:int");
}

#[test]
fn headers_that_other_programs_write() {
    check("sep=;\na;b\n1;2\n3;4\n", "delimiter=; skip_lines=1 header: a:int b:int");
    check("sep=,\r\na,b\r\n1,2\r\n", "skip_lines=1 header: a:int b:int");
    check(
        "\"mpg\" \"cyl\"\n\"1\" 21.5 4\n\"2\" 22.5 6\n\"3\" 20.5 6\n",
        "delimiter=  header: column1:int mpg:double cyl:int",
    );
    check(",x,y\n0,1,2.5\n1,2,3.5\n", "header: column1:int x:int y:double");
    check("0,1\na,b\nc,d\n", "header: 0:text 1:text");
    check(
        ",2019,,2020,\nregion,q1,q2,q1,q2\na,1,2,3,4\nb,2,3,4,5\nc,3,4,5,6\n",
        "skip_lines=1 header: region:text q1:int q2:int q1_1:int q2_1:int",
    );
    check("t,v\ns,kg\n1,2\n2,3\n", "header: t:text v:text");
    check(
        "version,name,day,end\n1,a,2024-01-01\n2,b,2024-01-02\n3,c,2024-01-03,2024-01-04\n4,d\n",
        "header: version:int name:text day:date end:date",
    );
}

#[test]
fn texts_are_not_split() {
    check("key0: value 0\nkey1: value 1\nkey2: value 2\n", "no header: column_1:text");
    check(
        "2024-01-01 12:00:00 INFO a: took 1 ms\n2024-01-01 12:01:00 WARN b: took 2 ms\n",
        "no header: column_1:text",
    );
    check("id,text\n0,a; b; c\n1,d; e; f\n", "header: id:int text:text");
    check(
        "root:x:0:0:/root\nbin:x:1:1:/bin\nsys:x:2:2:/dev\n",
        "delimiter=: no header: column_1:text column_2:text column_3:int column_4:int column_5:text",
    );
}

#[test]
fn blanks_and_doubled_delimiters() {
    check("a, b, c\n1, 2, x\n3, 4, y\n", "delimiter=,  header: a:int b:int c:text");
    check("a,b,c\n1, 2,  x\n3,  4, y\n", "trim=true header: a:int b:int c:text");
    check("a, b, c\n1, \"x, y\", 2\n3, \"z, w\", 4\n", "delimiter=,  header: a:int b:text c:int");
    check("a,b,c\n1, \"x, y\", 2\n3, \"z, w\", 4\n", "trim=true header: a:int b:text c:int");
    check("a,b\n  1,x\n 22,y\n333,z\n", "trim=true header: a:int b:text");
    check("a,b\n1, x\n22,y\n333,z\n", "header: a:int b:text");
    check("a;;b;;c\n1;;x;;2\n2;;y;;3\n", "delimiter=;; header: a:int b:text c:int");
    check("a||b\n1||x\n2||y\n", "delimiter=|| header: a:int b:text");
    check("a\t\tb\n1\t\tx\n2\t\ty\n", "delimiter=\\t\\t header: a:int b:text");
    check("a,b,c\n1,,x\n2,,y\n", "header: a:int b:text c:text");
}

#[test]
fn quotes_and_escapes() {
    check("a,b\n'x, y',1\n'z, w',2\n", "quote=\\' header: a:text b:int");
    check("a,b\nit's,1\nthat's,2\n", "header: a:text b:int");
    check("a,b\n\"x \\\"y\\\", z\",1\n\"w\",2\n", "escape=\\\\ header: a:text b:int");
    check("a,b\n\"x \"\"y\"\", z\",1\n\"w\",2\n", "header: a:text b:int");
    check("a\tb\n1\t\"open\n2\t\"text\n3\tpipe 5\"\n", "delimiter=\\t quote=none header: a:int b:text");
    // One quote alone was forgotten, and the reader tells where.
    assert_eq!(sniff(b"k,s\n1,\"never closed\n2,c\n3,d\n").spec.dialect.quote, Some(b'"'));
    check("a,b\n1,\"x\"y\n2,\"the \"big\" one\"\n3,z\n", "header: a:int b:text");
    let text: String = (0..1000).map(|at| format!("{at},\"line\nbreak\",x\n")).collect();
    check(format!("id,v,note\n{text}"), "header: id:int v:text note:text");
}

#[test]
fn trailing_delimiters() {
    check("a,b,c,\n1,2,3,\n4,5,6,\n", "trailing_delimiter=true header: a:int b:int c:int");
    check("a,b,c\n1,2,3,\n4,5,6,\n", "trailing_delimiter=true header: a:int b:int c:int");
    check(
        "1|2|x|\n4|5|y|\n4|6|z|\n",
        "delimiter=| trailing_delimiter=true no header: column_1:int column_2:int column_3:text",
    );
    check("a,b,c\n1,2,\n4,5,\n", "header: a:int b:int c:text");
}

#[test]
fn encodings() {
    check(b"n,v\nZ\xfcrich,1\nGen\xe8ve,2\n", "encoding=latin-1 header: n:text v:int");
    let wide: Vec<u8> = "n,v\nZürich,1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(wide, "encoding=utf-16le header: n:text v:int");
    check_with(&[("encoding", "latin-1")], "ä,b\n1,2\n", "encoding=latin-1 header: Ã¤:int b:int");
}

#[test]
fn declared_types() {
    let text = "id,price,n\n1,2.50,x\n2,3,y\n";
    check_with(
        &[("types", "ID=text,price=decimal(12,2)")],
        text,
        "header: id:text! price:decimal12.2! n:text",
    );
    check_with(&[("types", "id=int"), ("all_text", "true")], text, "header: id:int! price:text! n:text!");
    let mut declared = Overrides::default();
    declared.set("types", "nothing=int").unwrap();
    let error = sniff_bytes(text.as_bytes(), true, &declared).unwrap_err();
    assert_eq!(error.to_string(), "-: there is no column \"nothing\"; there are id, price, n");
}

#[test]
fn people_see_what_was_decided() {
    let line = |bytes: &[u8]| sniff(bytes).line("f.csv");
    assert_eq!(line(b"a;b\n1;Z\xfcrich\n"), "f.csv: ';' delimited, header, 2 columns, latin-1");
    assert_eq!(line(b""), "f.csv: empty");
    assert_eq!(line(b"n\n1\n"), "f.csv: one column, header");
    assert_eq!(line(b"1\t2\n1\t3\n4\n"), "f.csv: tab delimited, no header, 2 columns, 1 short record");
    let decisions: Vec<String> =
        sniff(b"zip,d\n02134,01/02/2024\n").decisions.iter().map(Decision::to_string).collect();
    assert_eq!(
        decisions,
        [
            "encoding: utf-8 (ASCII only)",
            "dialect: delimiter , (2 of 2 records have 2 fields)",
            "header: yes (the first record looks like names)",
            "column \"zip\": VARCHAR (`02134` in line 2 has a zero in front)",
            "column \"d\": VARCHAR (dates, but day and month could be either; declare the date format to have dates)",
        ]
    );
}

#[test]
fn other_files_are_refused() {
    for (bytes, other) in [
        (&b"PAR1\x15\x00\x15"[..], Other::Parquet),
        (b"PK\x03\x04\x14\x00", Other::Zip),
        (b"{\"a\": 1, \"b\": 2}\n{\"a\": 2}\n", Other::Json),
        (b"[\n  { \"a\" : 1 }\n]", Other::Json),
        (b"\x00\x01\x02\x00\x00\x07\x00\x00\x09\x00\x00\x00", Other::Binary),
    ] {
        match sniff_bytes(bytes, true, &Overrides::default()) {
            Err(SniffError::Other { other: found, .. }) => assert_eq!(found, other),
            found => panic!("{bytes:?}: {found:?}"),
        }
    }
}
