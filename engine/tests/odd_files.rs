//! What people's CSV files really are: each kind of odd file with its right answer, under every backend and with any count of
//! threads.

use std::path::Path;

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::Result;
use engine::csv::sniff::Overrides;
use engine::options::{BackendChoice, PushdownMode};
use engine::session::{CsvTable, Session, SessionOptions, widen};
use machine::testing::kernel_available_or_skip;

/// A table of these files.
struct Odd {
    folder: tempfile::TempDir,
    options: Vec<(&'static str, &'static str)>,
}

fn file(text: impl AsRef<[u8]>) -> Odd {
    files(&[("t.csv", text.as_ref())])
}

fn files(files: &[(&str, &[u8])]) -> Odd {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Odd { folder, options: Vec::new() }
}

/// How a query is run.
fn ways() -> Vec<(PushdownMode, BackendChoice, usize)> {
    let mut backends = vec![BackendChoice::Interpret];
    if kernel_available_or_skip("odd_files") {
        backends.push(BackendChoice::Stock);
    }
    let mut ways = Vec::new();
    for threads in [1, 2, 3] {
        ways.push((PushdownMode::Off, BackendChoice::Auto, threads));
        ways.extend(backends.iter().map(|&backend| (PushdownMode::Auto, backend, threads)));
    }
    ways
}

impl Odd {
    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.options.push((name, value));
        self
    }

    async fn session(&self, way: (PushdownMode, BackendChoice, usize)) -> Result<Session> {
        let (pushdown, backend, threads) = way;
        let options =
            SessionOptions { pushdown, backend, threads: Some(threads), ..SessionOptions::default() };
        let session = Session::new(options)?;
        // So that small files are read in ranges too.
        session.context().sql("SET datafusion.optimizer.repartition_file_min_size = 1").await?;
        let mut declared = Overrides::default();
        for (name, value) in &self.options {
            declared.set(name, value).unwrap();
        }
        let one = self.folder.path().join("t.csv");
        let path = if one.exists() { one.as_path() } else { self.folder.path() };
        let table = CsvTable { declared, file_extension: "csv".to_owned(), ..CsvTable::default() };
        session.register_csv("t", path.to_str().unwrap(), table).await?;
        Ok(session)
    }

    /// The answer, each way the same.
    async fn answer(&self, sql: &str) -> Result<String, String> {
        let mut first: Option<Result<String, String>> = None;
        for way in ways() {
            let answer = async {
                let session = self.session(way).await?;
                loop {
                    let error = match rows(&session, sql).await {
                        Ok(rows) => return Ok(rows),
                        Err(error) => error,
                    };
                    if widen(session.context(), &error).await?.is_none() {
                        return Err(error);
                    }
                }
            };
            let answer = answer.await.map_err(|error| error.strip_backtrace().replace(&self.name(), ""));
            match &first {
                None => first = Some(answer),
                Some(first) => assert_eq!(&answer, first, "{sql} in {way:?}"),
            }
        }
        first.unwrap()
    }

    fn name(&self) -> String {
        format!("{}/", self.folder.path().display())
    }

    async fn is(&self, sql: &str, expected: &str) -> &Self {
        assert_eq!(self.answer(sql).await.as_deref(), Ok(expected), "{sql}");
        self
    }

    async fn fails(&self, sql: &str, expected: &[&str]) -> &Self {
        let error = self.answer(sql).await.unwrap_err();
        for part in expected {
            assert!(error.contains(part), "{sql}: {part} is not in: {error}");
        }
        self
    }
}

/// In their order; sorted if they are groups, which come in any.
async fn rows(session: &Session, sql: &str) -> Result<String> {
    let batches = session.context().sql(sql).await?.collect().await?;
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            rows.push(values.join("|"));
        }
    }
    if sql.contains("GROUP BY") {
        rows.sort();
    }
    Ok(rows.join(" "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_begins_empty_is_not_null() {
    let mut text = "n,c\n".to_owned();
    (0..2000).for_each(|n| text += &format!("{n},\n"));
    (0..1000).for_each(|n| text += &format!("{n},2024-01-{:02}\n", n % 28 + 1));
    file(&text).is("SELECT count(c), count(*), sum(n) FROM t WHERE n >= 0", "1000|3000|2498500").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leading_zeros_are_data() {
    let odd = file("zip,phone,n\n02134,0041791234567,1\n10001,0041790000000,2\n");
    odd.is("SELECT zip, phone FROM t WHERE n = 1", "02134|0041791234567").await;
    odd.is("SELECT zip FROM t WHERE n > 0", "02134 10001").await;
    // Also where nobody looked when the type was guessed.
    let mut text = "zip,n\n".to_owned();
    (0..40_000).for_each(|n| text += &format!("{},{n}\n", 10000 + n));
    let late = text.replace("12345,2345\n", "02345,2345\n");
    file(&late).is("SELECT zip FROM t WHERE n BETWEEN 2344 AND 2346", "12344 02345 12346").await;
    file(&late).is("SELECT count(*) FROM t WHERE zip = '02345'", "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_several_files_go_by_name() {
    let odd = files(&[("a.csv", b"a,b\n1,2\n"), ("b.csv", b"b,a\n3,4\n")]);
    odd.is("SELECT sum(a), sum(b) FROM t WHERE a > 0", "5|5").await;
    odd.is("SELECT a, b FROM t WHERE b > 0", "1|2 4|3").await;
    let odd = files(&[("a.csv", b"a,b\n1,2\n"), ("b.csv", b"a,c\n3,4\n")]);
    odd.fails("SELECT count(*) FROM t WHERE a > 0", &["b.csv", "a.csv", "'c'", "'b'"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_union_by_name_has_null_where_a_file_has_no_such_column() {
    let odd = files(&[
        ("a.csv", b"id,price,x\n1,2.5,\n2,3,\n"),
        // Each file is read as it is written.
        ("b.csv", b"note;id;day\nx;3;31.12.2023\n\"y;z\";4;01.01.2024\n"),
        ("c.csv", b"\xff\xfei\x00d\x00,\x00x\x00\n\x005\x00,\x007\x00\n\x00"),
        ("d.csv", b"id,price,x\n6,0.5,8\n"),
    ]);
    let odd = odd.with("union_by_name", "true").with("types", "note=text");
    odd.is(
        "SELECT * FROM t WHERE id > 1",
        "2|3.0|NULL|NULL|NULL 3|NULL|NULL|x|2023-12-31 4|NULL|NULL|y;z|2024-01-01 5|NULL|7|NULL|NULL 6|0.5|8|NULL|NULL",
    )
    .await;
    odd.is("SELECT sum(id), count(price), count(note), max(day), sum(x) FROM t", "21|3|2|2024-01-01|15")
        .await;
    odd.is("SELECT count(*) FROM t WHERE note IS NULL AND id < 6", "3").await;
    odd.is("SELECT note FROM t", "NULL NULL x y;z NULL NULL").await;
    let other = files(&[("a.csv", b"a,b\n1,2\n"), ("b.csv", b"c\nx\n")]).with("union_by_name", "true");
    other.is("SELECT a, c FROM t", "1|NULL NULL|x").await;
    other.with("types", "d=text").fails("SELECT a FROM t", &["no column \"d\"", "a, b, c"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_files_of_a_table_have_a_header_or_none() {
    let none_first = || files(&[("a.csv", b"1,x\n2,y\n"), ("b.csv", b"id,s\n3,z\n")]);
    let told = ["b.csv: it seems to have a header, and ", "a.csv has none", "--no-header"];
    none_first().fails("SELECT count(*) FROM t", &told).await;
    none_first().fails("SELECT column_1 FROM t WHERE column_2 = 'z'", &told).await;
    none_first().with("header", "false").is("SELECT column_1 FROM t WHERE column_2 <> 'y'", "1 id 3").await;
    none_first()
        .with("header", "true")
        .fails("SELECT count(*) FROM t", &["b.csv: the header has 'id', 's'"])
        .await;
    let one_first = || files(&[("a.csv", b"id,s\n1,x\n2,y\n"), ("b.csv", b"3,z\n4,w\n")]);
    let told = ["b.csv: it seems to have no header, and ", "a.csv has one"];
    one_first().fails("SELECT count(*) FROM t WHERE id > 0", &told).await;
    files(&[("a.csv", b"1,x\n2,y\n"), ("b.csv", b"3,z\n"), ("c.csv", b"")])
        .is("SELECT count(*) FROM t", "3")
        .await;
    files(&[("a.csv", b"id,s\n1,x\n"), ("b.csv", b"s,id\n")]).is("SELECT count(*) FROM t", "1").await;
    // With columns of other names too, which do not tell what the first record is.
    for (odd, expected) in [
        (one_first(), Err("b.csv: it seems to have no header")),
        (none_first(), Err("b.csv: it seems to have a header")),
        (files(&[("a.csv", b"id,s\n1,x\n"), ("b.csv", b"id,s\n2,y\n")]), Ok("3")),
        (files(&[("a.csv", b"1,x\n"), ("b.csv", b"2,y\n")]), Ok("3")),
        (files(&[("a.csv", b"k,v\n1,x\n"), ("b.csv", b"id,s\n2,y\n")]), Ok("3")),
    ] {
        let session = odd.session((PushdownMode::Off, BackendChoice::Auto, 1)).await;
        let session = session.unwrap_or_else(|_| Session::new(SessionOptions::default()).unwrap());
        let at = odd.folder.path().display();
        let create = format!("CREATE EXTERNAL TABLE u (k BIGINT, v TEXT) STORED AS CSV LOCATION '{at}/'");
        rows(&session, &create).await.unwrap();
        let found = rows(&session, "SELECT sum(k) FROM u").await.map_err(|error| error.to_string());
        match expected {
            Ok(expected) => assert_eq!(found.as_deref(), Ok(expected)),
            Err(expected) => {
                assert!(found.as_ref().is_err_and(|error| error.contains(expected)), "{found:?}")
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_its_files_of_the_one_known_kind() {
    let odd = files(&[
        ("README.md", b"# nothing\n"),
        ("a.csv", b"a\n1\n"),
        ("b.CSV", b"a\n2\n"),
        ("z.txt", b"what\n"),
    ]);
    let at = odd.folder.path().display();
    odd.is(&format!("SELECT sum(a) FROM '{at}/'"), "3").await;
    std::fs::write(odd.folder.path().join("c.json"), "{\"a\":4}\n").unwrap();
    odd.fails(&format!("SELECT sum(a) FROM '{at}/'"), &["holds both .csv and .json files", "as in '*.csv'"])
        .await;
    odd.is(&format!("SELECT sum(a) FROM '{at}/*.csv'"), "3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_file_has_no_program_is_told() {
    for (other, reason) in [
        ("b,a\n3,4\n", "its columns are in another order than those of the table"),
        ("a\n3\n", "it has not all columns of the table"),
        ("a;b\n3;4\n", "it is written in another way than the table's first file"),
    ] {
        let odd =
            files(&[("a.csv", b"a,b\n1,2\n"), ("b.csv", other.as_bytes())]).with("union_by_name", "true");
        odd.is("SELECT count(*) FROM t WHERE a > 0", "2").await;
        let session = odd.session((PushdownMode::Require, BackendChoice::Interpret, 1)).await.unwrap();
        let error = rows(&session, "SELECT count(*) FROM t WHERE a > 0").await.unwrap_err().to_string();
        assert!(error.contains(&format!("{}/b.csv: {reason}", odd.folder.path().display())), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_union_by_name_widens_the_guesses_of_its_files() {
    let mut late = "k,v\n".to_owned();
    (0..40_000).for_each(|n| {
        late += &format!("{n},{}\n", if n == 20_000 { "none".to_owned() } else { n.to_string() })
    });
    let odd = files(&[("a.csv", b"v,w\n1,2\n"), ("b.csv", late.as_bytes())]).with("union_by_name", "true");
    odd.is("SELECT v, w FROM t WHERE v = 'none' OR v = '1'", "1|2 1|NULL none|NULL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_have_files_in_capital_letters() {
    let odd = files(&[("a.csv", b"a,b\n1,2\n"), ("b.CSV", b"a,b\n3,4\n"), ("readme.md", b"# nothing\n")]);
    odd.is("SELECT sum(a), count(*) FROM t WHERE b > 0", "4|2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_look_into_folders() {
    let odd = files(&[("a.csv", b"a,b\n1,2\n")]);
    for (folder, text) in [("x", "a,b\n10,2\n"), ("x/y", "b,a\n2,100\n")] {
        std::fs::create_dir(odd.folder.path().join(folder)).unwrap();
        std::fs::write(odd.folder.path().join(folder).join("c.csv"), text).unwrap();
    }
    let at = odd.folder.path().display();
    odd.is(&format!("SELECT sum(a), count(*) FROM '{at}/**/*.csv' WHERE b = 2"), "111|3").await;
    odd.is(&format!("SELECT sum(a), count(*) FROM '{at}/*/c.csv' WHERE b = 2"), "10|1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quoted_line_breaks_are_read_in_ranges() {
    let mut text = "id,v,note\n".to_owned();
    for id in 0..4839 {
        let note = match id % 3 {
            0 => "plain".to_owned(),
            1 => format!("\"line one\nline, two {id}\n\nline \"\"three\"\"\""),
            _ => "\"a\r\nb\"".to_owned(),
        };
        text += &format!("{id},{},{note}\n", id % 7);
    }
    let odd = file(&text);
    odd.is("SELECT count(*), sum(id), sum(v) FROM t WHERE id >= 0", "4839|11705541|14512").await;
    odd.is("SELECT count(*) FROM t WHERE note = 'a\r\nb'", "1613").await;
    let mut middle = "id,note,v\n".to_owned();
    (0..1000).for_each(|id| middle += &format!("{id},\"one\ntwo two two two two two two\",{id}\n"));
    file(&middle).is("SELECT count(*), sum(v) FROM t WHERE v >= 0", "1000|499500").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_quote_is_an_error_at_its_line() {
    let odd = file("k,s\n1,\"never closed\n2,c\n3,d\n").with("quote", "\"");
    odd.fails("SELECT count(*) FROM t", &["t.csv: line 2", "the quote that opens in line 2 is never closed"])
        .await;
    odd.fails("SELECT count(*) FROM t WHERE k > 0", &["t.csv: line 2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decimals_are_rounded() {
    let odd = file("p,n\n1.005,1\n2.999,2\n").with("types", "p=decimal(10,2)");
    odd.is("SELECT p FROM t WHERE n > 0", "1.01 3.00").await;
    odd.is("SELECT sum(p) FROM t WHERE n > 0", "4.01").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_may_be_the_last_line() {
    let odd = file("a,b\n1,2\n#end").with("comment", "#");
    odd.is("SELECT count(*), sum(a) FROM t WHERE b > 0", "1|1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bad_record_is_the_error() {
    let mut text = "a,b\n".to_owned();
    for n in 0..3000 {
        text += &if n % 1000 == 500 { format!("{n},x{n},3\n") } else { format!("{n},{n}\n") };
    }
    let odd = file(&text).with("types", "a=bigint,b=bigint").with("on_error", "fail");
    odd.fails(
        "SELECT sum(b) FROM t WHERE a >= 0",
        &["t.csv: line 502", "3 fields where the file has 2 columns"],
    )
    .await;
    odd.fails("SELECT count(*) FROM t", &["t.csv: line 502"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guess_needs_the_whole_field() {
    let odd = file("t,n\n2020-01-01 00:00:00 and more,1\n2020-01-02 00:00:00 and less,2\n");
    odd.is("SELECT t FROM t WHERE n = 2", "2020-01-02 00:00:00 and less").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_within_fields_stay() {
    let odd = file("n,s\n1,\"x\"y\n2,\"the \"big\" one\"\n3,plain\n").with("quote", "\"");
    odd.is("SELECT s FROM t WHERE n > 0", "\"x\"y \"the \"big\" one\" plain").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_is_seen_by_its_content() {
    let odd = file("0,0\n0.01,0\n0.02,1\n");
    odd.is("SELECT count(*), max(column_1) FROM t WHERE column_2 >= 0", "3|0.02").await;
    let odd = file("id,value,value\n1,2,3\n4,5,6\n");
    odd.is("SELECT sum(value), sum(value_1) FROM t WHERE id > 0", "7|9").await;
    let odd = file("a,,\n1,2,3\n4,5,6\n");
    odd.is("SELECT sum(column2), sum(column3) FROM t WHERE a > 0", "7|9").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_widen() {
    let mut text = "n,v,d\n".to_owned();
    (0..40_000).for_each(|n| text += &format!("{n},{n},2024-01-01\n"));
    let text = text
        .replace("\n2345,2345,", "\n2345,2345.5,")
        .replace("\n33456,33456,2024-01-01", "\n33456,33456,soon");
    let odd = file(&text);
    odd.is("SELECT v, d FROM t WHERE n = 2345", "2345.5|2024-01-01").await;
    odd.is("SELECT d FROM t WHERE n = 33456", "soon").await;
    odd.is("SELECT max(v), count(d), min(d), max(d) FROM t WHERE n > 10", "39999.0|39989|2024-01-01|soon")
        .await;
    // Too large and too small for a double, and what only looks so.
    file("n,v\n1,1e400\n2,1\n").is("SELECT v FROM t WHERE n > 0", "1e400 1").await;
    file("n,v\n1,-0.5e-400\n2,0.50\n").is("SELECT v FROM t WHERE n > 0", "-0.5e-400 0.50").await;
    file("n,v\n1,inf\n2,0e9\n3,0.00\n4,-0\n").is("SELECT v FROM t WHERE n > 0", "inf 0.0 0.0 -0.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_encodings_and_delimiters() {
    let latin = b"name;city;n\nM\xfcller;K\xf6ln;1\nStra\xdfe;M\xfcnchen;2\n".to_vec();
    file(latin).is("SELECT name, city FROM t WHERE n = 1", "Müller|Köln").await;
    let utf16: Vec<u8> = "\u{feff}a\tb\n1\tä\n2\tö\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    file(utf16).is("SELECT b FROM t WHERE a = 2", "ö").await;
    file("a|b|c\n1|x|2.5\n2|y|3.5\n").is("SELECT sum(c) FROM t WHERE b <> 'z'", "6.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_are_left_out_or_mended() {
    let text = "a,b\n1,2\n3\n4,5,6\n7,x\n8,9\n";
    let declared = |on_error| file(text).with("types", "a=bigint,b=bigint").with("on_error", on_error);
    declared("skip").is("SELECT a, b FROM t WHERE a > 0", "1|2 8|9").await;
    declared("null").is("SELECT a, b FROM t WHERE a > 0", "1|2 3|NULL 4|5 7|NULL 8|9").await;
    declared("fail").fails("SELECT a, b FROM t WHERE a > 0", &["line 3", "--on-error skip"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_records_are_left_out_whatever_is_asked() {
    let text = "a,b,c,d\n1,2,x,2024-01-01\n3,bad,y,2024-01-02\n4,5,z,soon\n6,7,ÿ,2024-01-04\n8,9,w,\n";
    let text: Vec<u8> = text.chars().map(|character| character as u8).collect();
    let odd = file(text).with("encoding", "utf-8").with("types", "b=int,d=date").with("on_error", "skip");
    odd.is("SELECT count(*) FROM t", "2").await;
    odd.is("SELECT a FROM t", "1 8").await;
    odd.is("SELECT c FROM t WHERE a > 1", "w").await;
    odd.is("SELECT sum(b), count(d), count(*) FROM t", "11|1|2").await;
    // A guess that does not hold is widened, and its record stays.
    let mut late = "a,b\n".to_owned();
    (0..40_000).for_each(|n| late += &if n == 20_000 { "soon,1\n".to_owned() } else { format!("{n},1\n") });
    let odd = file(&late).with("on_error", "skip");
    odd.is("SELECT count(*) FROM t", "40000").await;
    odd.is("SELECT count(a), min(a), max(a) FROM t", "40000|0|soon").await;
    // By name too, where one of the files has no such column.
    let odd = files(&[("a.csv", b"a,b\n1,2\n3,x\n"), ("b.csv", b"b,a\ny,4\n5,6\n"), ("c.csv", b"a\n7\n")]);
    let odd = odd.with("types", "b=int").with("on_error", "skip").with("union_by_name", "true");
    odd.is("SELECT a FROM t", "1 6 7").await;
    odd.is("SELECT count(*), sum(b) FROM t", "3|7").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_one_column_a_blank_line_is_a_record() {
    file("n\n1\n2\n3\n").is("SELECT count(*), sum(n) FROM t WHERE n > 0", "3|6").await;
    file("n\r\n1\r\n2\r\n").is("SELECT count(*), sum(n) FROM t", "2|3").await;
    file("n\n1\n\n3\n").is("SELECT count(*), count(n), sum(n) FROM t", "3|2|4").await;
    file("n\n1\n\n3\n").is("SELECT count(*) FROM t WHERE n IS NULL", "1").await;
    file("n\n1\n\n3\n").is("SELECT count(*) FROM t WHERE n > 0", "2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_becomes_shorter_is_an_error() {
    let mut text = "a,b\n".to_owned();
    (0..20_000).for_each(|n| text += &format!("{n},{n}\n"));
    for way in ways() {
        let odd = file(&text);
        let session = odd.session(way).await.unwrap();
        let frame = session.context().sql("SELECT count(*) FROM t WHERE a >= 0").await.unwrap();
        let plan = frame.create_physical_plan().await.unwrap();
        let path = odd.folder.path().join("t.csv");
        shorten(&path, text.len() as u64 / 2);
        let outcome = datafusion::physical_plan::collect(plan, session.context().task_ctx()).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("changed while it was read"), "{way:?}: {error}");
    }
}

fn shorten(path: &Path, bytes: u64) {
    std::fs::File::options().write(true).open(path).unwrap().set_len(bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_in_the_order_of_the_file() {
    let mut text = "n,k\n".to_owned();
    (0..30_000).for_each(|n| text += &format!("{n},{}\n", n % 1000));
    let odd = file(&text);
    let all = |step: usize| (0..30_000).step_by(step).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    odd.is("SELECT n FROM t", &all(1)).await;
    odd.is("SELECT n FROM t WHERE k = 0", &all(1000)).await;
    odd.is("SELECT n + k FROM t WHERE k % 500 = 0 AND n < 1501", "0 1000 1000 2000").await;
    odd.is("SELECT n FROM t WHERE k = 7 LIMIT 3 OFFSET 1", "1007 2007 3007").await;
    odd.is("SELECT n FROM t WHERE k = 7 UNION ALL SELECT n FROM t WHERE k = 8 LIMIT 31", &{
        let of = |k: usize| (0..30).map(move |thousand| (thousand * 1000 + k).to_string());
        of(7).chain(of(8)).take(31).collect::<Vec<_>>().join(" ")
    })
    .await;
    // The rows that a limit lets through are the first ones also where their order is not seen.
    odd.is("SELECT sum(n), count(*) FROM (SELECT n FROM t WHERE k = 7 LIMIT 3)", "3021|3").await;
    odd.is("SELECT max(n) FROM (SELECT n, k FROM t LIMIT 20000) WHERE k < 10", "19009").await;
    let two = files(&[("a.csv", text.as_bytes()), ("b.csv", b"n,k\n-1,7\n-2,9\n")]);
    two.is("SELECT n FROM t WHERE k = 7 OFFSET 29", "29007 -1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_record_behind_the_rows_of_a_limit_is_not_read() {
    let mut text = "a,b\n".to_owned();
    (0..40_000).for_each(|n| text += &if n == 35_000 { "ragged\n".to_owned() } else { format!("{n},{n}\n") });
    let odd = file(&text).with("on_error", "fail");
    odd.is("SELECT a FROM t UNION ALL SELECT b FROM t LIMIT 2", "0 1").await;
    odd.is("SELECT a FROM t WHERE b > 5 UNION ALL SELECT b FROM t WHERE a > 5 LIMIT 2", "6 7").await;
    odd.fails("SELECT a FROM t WHERE b > 5 UNION ALL SELECT b FROM t", &["line 35002"]).await;
    odd.fails("SELECT a FROM t WHERE b > 39000 LIMIT 1", &["line 35002"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ragged_records_of_a_file_that_is_known_are_read_whole() {
    let short = file("a,b,c\n1,2,3\n4\n\n5,6\n7,8,9\n");
    short.is("SELECT a, b, c FROM t", "1|2|3 4|NULL|NULL 5|6|NULL 7|8|9").await;
    short.is("SELECT count(*), sum(b), count(c) FROM t WHERE a > 1", "3|14|1").await;
    // Nothing is lost of a long one, and empty fields are nothing.
    let long = file("a,b\n1,2\n3,4,5\n6,\"7\",\"8,9\"\n10,11,,\n12,13\n14,15\n");
    long.is("SELECT a, b FROM t", "1|2 3|4,5 6|\"7\",\"8,9\" 10|11 12|13 14|15").await;
    long.is("SELECT sum(a) FROM t WHERE b <> '2'", "45").await;
    for odd in [short, long] {
        odd.with("on_error", "fail").fails("SELECT count(*) FROM t", &["t.csv: line 3", "field"]).await;
    }
    // Only where all of the file was looked at, and the columns are not declared.
    let mut text = "a,b\n".to_owned();
    (0..900_000).for_each(|n| text += &if n == 400_000 { "3\n".to_owned() } else { format!("{n},{n}\n") });
    let large = file(&text);
    large.fails("SELECT sum(a) FROM t WHERE b > 0", &["line 400002", "1 field where the file has 2"]).await;
    large.with("on_error", "pad").is("SELECT count(*), count(b) FROM t WHERE a >= 0", "900000|899999").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doubles_do_not_lose_digits() {
    let odd = file("a,b\n123456789012345678.25,0.1\n1.5,0.30000000000000004\n");
    odd.is("SELECT a, b FROM t ORDER BY a", "1.50|0.30000000000000004 123456789012345678.25|0.1").await;
    odd.is("SELECT sum(a) FROM t WHERE a > 0", "123456789012345679.75").await;
    // Where nobody looked.
    let late = format!("a\n{}999999999999999.99\n", "0.5\n".repeat(400_000));
    file(late).is("SELECT max(a), count(a) FROM t", "999999999999999.99|400001").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decimal_of_too_many_digits_is_an_error() {
    let nines = "9".repeat(38);
    let odd = file(format!("a,b\n{nines},1\n"));
    odd.fails("SELECT a + b FROM t", &["a + b does not fit its type DECIMAL(38,0)"]).await;
    odd.fails("SELECT a * 2 FROM t", &["does not fit its type DECIMAL(38,0)"]).await;
    odd.fails(
        "SELECT a / 3 FROM t",
        &["a / 3 does not fit its type DECIMAL(38,4)", &format!("({nines} / 3)")],
    )
    .await;
    let twice = "SELECT sum(a) FROM (SELECT a FROM t UNION ALL SELECT a FROM t)";
    odd.fails(twice, &["does not fit its type DECIMAL(38,0)", "as in sum(CAST(a AS DOUBLE))"]).await;
    odd.is("SELECT a - b FROM t WHERE b = 1", &format!("{}8", &nines[1..])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stray_byte_does_not_change_the_encoding() {
    let odd = file(b"a,b\n\xc3\xa9,1\n\xe9,2\n");
    odd.fails("SELECT * FROM t", &["t.csv: line 3: these bytes are not UTF-8"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_for_null_where_nobody_looked() {
    let late = format!("a,b\n{}NA,-\n-,2\n", "1,x\n".repeat(400_000));
    file(late).is("SELECT count(*), count(a), sum(a), count(b) FROM t", "400002|400000|400000|400002").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_that_looks_like_a_value_is_null() {
    let text = "a,b,c,d,t\n1,2.5,2020-01-01,true,0\n0,-999,1900-01-01,false,-999\n-999,0.5,2021-01-01,,x\n4,7,,true,y\n";
    let odd = || file(text).with("nulls", "-999,1900-01-01,false");
    odd().is("SELECT sum(a), count(a), min(a) FROM t", "5|3|0").await;
    odd().is("SELECT a FROM t WHERE a < 1", "0").await;
    odd().is("SELECT sum(b), count(b) FROM t", "10.0|3").await;
    odd().is("SELECT min(c), count(d) FROM t", "2020-01-01|2").await;
    odd().is("SELECT a FROM t WHERE d IS NULL", "0 NULL").await;
    // Text has no NULL but the empty field.
    odd().is("SELECT count(t) FROM t WHERE t = '-999'", "1").await;
    let declared = "a=bigint,b=decimal(5,1),c=date,d=boolean,t=text";
    odd().with("types", declared).is("SELECT sum(a), sum(b), count(c), count(d) FROM t", "5|10.0|2|2").await;
    let odd = odd();
    let session = odd.session((PushdownMode::Require, BackendChoice::Interpret, 1)).await.unwrap();
    let error = rows(&session, "SELECT count(*) FROM t WHERE a < 1").await.unwrap_err().to_string();
    assert!(error.contains("a: the text -999 for NULL, which is a value of the column's type"), "{error}");
    assert_eq!(rows(&session, "SELECT count(*) FROM t WHERE t = '-999'").await.unwrap(), "1");
    // Texts that no program takes for a number, though the reader does.
    let odd = file("f\n1.5\nNaN\n1e9\n").with("nulls", "NaN,1e9").with("types", "f=double");
    odd.is("SELECT sum(f), count(f) FROM t WHERE f > 1", "1.5|1").await;
    let session = odd.session((PushdownMode::Require, BackendChoice::Interpret, 1)).await.unwrap();
    assert_eq!(rows(&session, "SELECT sum(f) FROM t WHERE f > 1").await.unwrap(), "1.5");
}

/// A table of no files would have no rows.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_has_gone_is_an_error() {
    let odd = file("a\n1\n");
    let (here, there) = (odd.folder.path().join("t.csv"), odd.folder.path().join("u.csv"));
    for way in ways() {
        let session = odd.session(way).await.unwrap();
        assert_eq!(rows(&session, "SELECT count(*) FROM t WHERE a > 0").await.unwrap(), "1");
        std::fs::rename(&here, &there).unwrap();
        for sql in [
            "SELECT count(*) FROM t WHERE a > 0",
            "SELECT 1 WHERE EXISTS (SELECT a FROM t)",
            "EXPLAIN SELECT a FROM t",
            "EXPLAIN VERBOSE SELECT a FROM t",
        ] {
            let error = rows(&session, sql).await.unwrap_err().to_string();
            assert!(error.contains("t.csv not found"), "{sql}: {error}");
        }
        std::fs::rename(&there, &here).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_files_are_left_out() {
    let odd =
        files(&[(".DS_Store", b"x"), ("a.csv", b"a\n1\n"), (".b.csv", b"a\n2\n"), ("c.CSV", b"a\n4\n")]);
    odd.is("SELECT sum(a) FROM t", "5").await;
    let at = odd.folder.path().display();
    odd.is(&format!("SELECT sum(a) FROM '{at}/'"), "5").await;
    odd.is(&format!("SELECT sum(a) FROM '{at}/*.csv'"), "5").await;
    odd.is(&format!("SELECT sum(a) FROM '{at}/**/*.csv'"), "5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_have_colons_and_json_is_an_array() {
    let odd =
        files(&[("t.csv", b"a\n1\n"), ("x:y.csv", b"a\n2\n"), ("b.json", b" [{\"a\":4},\n{\"a\":8}]\n")]);
    let at = odd.folder.path().display();
    odd.is(&format!("SELECT sum(a) FROM '{at}/x:y.csv'"), "2").await;
    odd.is(&format!("SELECT sum(a) FROM '{at}/b.json'"), "12").await;
    odd.is(&format!("SELECT sum(a) FROM '{at}/*.json' WHERE a > 4"), "8").await;
}
