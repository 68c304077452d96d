//! Plans of SQL text over a small file, and that their answers are those without pushdown.

use std::io::Write;

use datafusion::arrow::util::pretty::pretty_format_batches;
use machine::probe_hook;

use crate::options::{BackendChoice, PushdownMode};
use crate::session::{CsvTable, Session, SessionOptions};

const ORDERS: &str = "\
id,name,price,discount,day,flag,small
1,apple,10.50,0.10,2024-01-31,true,3
2,pear,,0.05,2024-02-29,false,
3,apple,7.25,0.00,2023-12-31,true,-4
4,\"quince, \"\"raw\"\"\",1e2,0.07,2024-06-30,,5
,pear,99.99,0.06,,false,6
6,,5,0.1,2024-01-01,true,7
";

/// Declared types: what inference never gives.
const DECLARED: &str = "\
CREATE EXTERNAL TABLE declared (id INT NOT NULL, name VARCHAR, price DECIMAL(15,2), discount DECIMAL(5,3), day DATE,
flag BOOLEAN, small SMALLINT UNSIGNED) STORED AS CSV LOCATION '";

const LINEITEM: &str = "\
l_orderkey,l_quantity,l_extendedprice,l_discount,l_tax,l_returnflag,l_linestatus,l_shipdate,l_comment
1,17,21168.23,0.04,0.02,N,O,1996-03-13,egular courts above the
1,36,45983.16,0.06,0.06,N,O,1994-04-12,\"ly final dependencies, slyly bold\"
2,8,13309.60,0.10,0.02,R,F,1994-01-30,\"riously. regular, express dep\"
";

/// Rounded, as its sums are exact.
const Q1: &str = "\
SELECT l_returnflag, l_linestatus, sum_qty, round(sum_base_price, 2), round(sum_disc_price, 4), round(sum_charge, 6),
avg_qty, round(avg_price, 4), round(avg_disc, 4), count_order FROM (SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,
sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge, avg(l_quantity) AS avg_qty,
avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc, count(*) AS count_order
FROM lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL '90' DAY
GROUP BY l_returnflag, l_linestatus) ORDER BY l_returnflag, l_linestatus";

const Q6: &str = "\
SELECT sum(l_extendedprice * l_discount) AS revenue FROM lineitem WHERE l_shipdate >= DATE '1994-01-01'
AND l_shipdate < DATE '1995-01-01' AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24";

struct Fixture {
    _folder: tempfile::TempDir,
    session: Session,
}

async fn fixture(pushdown: PushdownMode, threads: usize) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    std::fs::File::create(&path).unwrap().write_all(ORDERS.as_bytes()).unwrap();
    let declared = folder.path().join("declared.csv");
    std::fs::write(
        &declared,
        "1,a,10.50,0.100,2024-01-31,true,3\n2,,3,0.05,,,\n3,a,12345678901.25,1,2024-02-01,false,9\n",
    )
    .unwrap();
    let parts = folder.path().join("parts");
    std::fs::create_dir(&parts).unwrap();
    for part in 0..3 {
        std::fs::write(parts.join(format!("{part}.csv")), ORDERS).unwrap();
    }
    let options = SessionOptions {
        pushdown,
        backend: BackendChoice::Interpret,
        threads: Some(threads),
        ..SessionOptions::default()
    };
    let session = Session::new(options).unwrap();
    session.register_csv("orders", path.to_str().unwrap(), CsvTable::default()).await.unwrap();
    session.register_csv("parts", &format!("{}/", parts.display()), CsvTable::default()).await.unwrap();
    let create = format!("{DECLARED}{}' OPTIONS ('format.has_header' 'false')", declared.display());
    session.context().sql(&create).await.unwrap();
    let wide = folder.path().join("wide.csv");
    std::fs::write(&wide, "1.5,2.25,10\n-7,,20\n12345678901234567890.5,1,30\n").unwrap();
    let create = format!(
        "CREATE EXTERNAL TABLE wide (v DECIMAL(38,2), w DECIMAL(30,4), id BIGINT) STORED AS CSV WITH ORDER (id ASC)
        LOCATION '{}' OPTIONS ('format.has_header' 'false')",
        wide.display()
    );
    session.context().sql(&create).await.unwrap();
    let empty = folder.path().join("empty.csv");
    std::fs::write(&empty, "").unwrap();
    let create =
        format!("CREATE EXTERNAL TABLE empty (v BIGINT) STORED AS CSV LOCATION '{}'", empty.display());
    session.context().sql(&create).await.unwrap();
    let lineitem = folder.path().join("lineitem.csv");
    std::fs::write(&lineitem, LINEITEM).unwrap();
    session.register_csv("lineitem", lineitem.to_str().unwrap(), CsvTable::default()).await.unwrap();
    Fixture { _folder: folder, session }
}

impl Fixture {
    async fn run(&self, sql: &str) -> String {
        let frame = match self.session.context().sql(sql).await {
            Ok(frame) => frame,
            Err(error) => return error.to_string(),
        };
        match frame.collect().await {
            Ok(batches) => {
                let text = pretty_format_batches(&batches).unwrap().to_string();
                let mut lines: Vec<&str> = text.lines().collect();
                lines.sort_unstable();
                lines.join("\n")
            }
            Err(error) => error.to_string(),
        }
    }

    async fn plan(&self, sql: &str) -> String {
        let frame = self.session.context().sql(&format!("EXPLAIN {sql}")).await.unwrap();
        let batches = frame.collect().await.unwrap();
        let text = pretty_format_batches(&batches).unwrap().to_string();
        text[text.find("physical_plan").unwrap()..].to_owned()
    }
}

/// The plan has all these parts, and the answer is the one without pushdown; with one thread and with several.
async fn check(sql: &str, parts: &[&str]) {
    for threads in [1, 4] {
        let pushed = fixture(PushdownMode::Auto, threads).await;
        let plan = pushed.plan(sql).await;
        if std::env::var_os("WEIR_PRINT_PLANS").is_some() {
            println!("-- {sql}\n{plan}");
        }
        for part in parts {
            assert!(plan.contains(part), "no '{part}' in the plan of {sql} with {threads} threads:\n{plan}");
        }
        let off = fixture(PushdownMode::Off, threads).await;
        assert_eq!(pushed.run(sql).await, off.run(sql).await, "{sql} with {threads} threads:\n{plan}");
    }
}

const PUSHED: &str = "KernelFilterReduceExec";
const DECLINED: &str = "PushdownDeclinedExec";

#[tokio::test]
async fn aggregates_are_pushed() {
    for sql in [
        "SELECT count(*) FROM orders",
        "SELECT count(*), count(price), count(name), sum(id), min(id), max(id), avg(id) FROM orders",
        "SELECT sum(price), avg(price), min(price), max(price) FROM orders WHERE price > 6",
        "SELECT sum(price * (1 - discount)), sum(price * discount) FROM orders WHERE id < 6",
        "SELECT min(day), max(day) FROM orders WHERE day >= DATE '2024-01-01'",
        "SELECT sum(id) FROM orders WHERE name IN ('apple', 'pear') AND flag",
        "SELECT sum(id) FROM orders WHERE NOT flag OR id IS NULL",
        "SELECT count(*) FILTER (WHERE id > 2), sum(price) FILTER (WHERE flag) FROM orders",
        "SELECT name, count(*), sum(price), avg(discount) FROM orders GROUP BY name",
        "SELECT name, flag, day, small, count(*) FROM orders GROUP BY name, flag, day, small",
        "SELECT price, count(*) FROM orders GROUP BY price",
        "SELECT DISTINCT name FROM orders WHERE id BETWEEN 1 AND 4",
        "SELECT sum(id + small), sum(-id), count(id + small) FROM orders",
        "SELECT sum(id) FROM orders WHERE id + small > 3",
        "SELECT count(*) FROM orders WHERE price = 10.5 OR price <> 7.25 OR price IN (5.0, 99.99)",
        "SELECT count(*) FROM orders WHERE price <= 1e300 AND price > -1e300",
        "SELECT count(*) FROM orders WHERE discount < price",
        "SELECT count(*) FROM orders WHERE id NOT IN (1, 2, NULL)",
        "SELECT count(*) FROM orders WHERE id IN (1, 2, NULL)",
        "SELECT count(*) FROM orders WHERE name <> 'apple'",
        "SELECT sum(id), max(day) FROM parts WHERE price < 50",
        "SELECT name, min(small) FROM parts GROUP BY name ORDER BY name",
        "SELECT sum(price), avg(price), min(price), max(price), count(*) FROM declared",
        "SELECT sum(price * (1 - discount)) FROM declared WHERE discount BETWEEN 0.05 AND 0.5",
        "SELECT sum(small), sum(id), max(small), avg(small) FROM declared WHERE price > 5 AND price <= 1000000000000",
        "SELECT price, discount, count(*) FROM declared WHERE day < '2024-02-01' GROUP BY price, discount",
        "SELECT count(*) FROM declared WHERE price > discount",
        "SELECT name, sum(price) FROM declared GROUP BY name",
        "SELECT count(*) FROM declared WHERE discount IN (0.1, 0.05, 0.00001) AND price < 20.001",
        "SELECT count(*) FROM declared WHERE small = 3 AND id <= 2.5 AND price * discount < 5",
        "SELECT count(*) FROM declared WHERE name = 'a' OR name = ''",
        "SELECT sum(id) FROM orders WHERE day IN (DATE '2024-01-31', DATE '2024-02-29') AND day <= '2024-02-10'",
        "SELECT count(*) FROM orders WHERE id > 2.5 AND id < 1e20 AND id <> 4.5",
        "SELECT sum(x), name FROM (SELECT price * discount AS x, name FROM orders) WHERE name <> 'pear' GROUP BY name",
        "SELECT count(*) FROM declared WHERE small > 4 AND id = 3",
    ] {
        check(sql, &[PUSHED]).await;
    }
}

#[tokio::test]
async fn explain_verbose_shows_the_listing_once() {
    let fixture = fixture(PushdownMode::Require, 1).await;
    let text = fixture.run("EXPLAIN VERBOSE SELECT sum(id) FROM orders WHERE id > 2").await;
    assert_eq!(text.matches("fragment fields=").count(), 1, "{text}");
}

#[tokio::test]
async fn two_levels_for_count_distinct() {
    check("SELECT count(DISTINCT name) FROM orders", &[PUSHED, "keys=["]).await;
    check("SELECT count(DISTINCT name), sum(id) FROM orders WHERE id > 1", &[PUSHED]).await;
}

#[tokio::test]
async fn decimals_wider_than_a_word() {
    for sql in [
        "SELECT sum(v), avg(v), min(v), max(v), sum(w), avg(w) FROM wide",
        "SELECT count(*) FROM wide WHERE v < CAST('1000000000000000000000' AS DECIMAL(38,2)) OR w <> CAST('-1000000000000000000000' AS DECIMAL(30,4))",
        "SELECT v, count(*) FROM wide GROUP BY v",
    ] {
        check(sql, &[PUSHED]).await;
    }
    // The cast to a common type could overflow.
    check("SELECT count(*) FROM wide WHERE v > w", &[DECLINED, "a cast from Decimal128(38, 2)"]).await;
}

#[tokio::test]
async fn an_order_of_the_file_is_kept_or_relied_on() {
    check("SELECT id FROM wide WHERE v > 0 ORDER BY id", &[PUSHED]).await;
    check("SELECT id, count(*) FROM wide GROUP BY id", &[DECLINED, "an ordered input"]).await;
    check("SELECT id, count(*) FROM wide WHERE v > 0 GROUP BY id", &[PUSHED, "an ordered input"]).await;
}

#[tokio::test]
async fn limits_over_groups() {
    check("SELECT name, max(price) FROM parts GROUP BY name ORDER BY max(price) DESC LIMIT 2", &[PUSHED])
        .await;
    check("SELECT DISTINCT price FROM parts ORDER BY price LIMIT 2", &[PUSHED, "keys=[price]"]).await;
    check("SELECT name, min(id) FROM parts GROUP BY name ORDER BY min(id) LIMIT 1", &[PUSHED]).await;
    check("SELECT count(*) FROM (SELECT DISTINCT name FROM orders LIMIT 2)", &[DECLINED, "LIMIT"]).await;
}

#[tokio::test]
async fn empty_files() {
    check("SELECT count(*), sum(v) FROM empty", &[]).await;
    check("SELECT v FROM empty WHERE v > 1", &[]).await;
}

#[tokio::test]
async fn tpch_queries() {
    check(Q1, &[PUSHED, "keys=[l_returnflag, l_linestatus]"]).await;
    check(
        Q6,
        &[
            PUSHED,
            "aggregates=[sum(lineitem.l_extendedprice * lineitem.l_discount)]",
            "l_shipdate >= 1994-01-01",
        ],
    )
    .await;
}

#[tokio::test]
async fn filters_are_pushed_below_other_nodes() {
    check("SELECT name, price FROM orders WHERE price > 6", &[PUSHED]).await;
    check("SELECT * FROM orders WHERE id = 3", &[PUSHED]).await;
    check("SELECT id + 1, upper(name) FROM orders WHERE flag ORDER BY id", &[PUSHED]).await;
    check("SELECT a.id, b.name FROM orders a JOIN orders b ON a.id = b.small WHERE a.price > 5", &[PUSHED])
        .await;
    check("SELECT id FROM orders WHERE id > 0 ORDER BY id LIMIT 2", &[PUSHED]).await;
    check("SELECT id FROM parts WHERE id > 0 ORDER BY price DESC LIMIT 3", &[PUSHED]).await;
}

#[tokio::test]
async fn a_part_of_a_filter_is_pushed() {
    let like = ["filter=[", "declined=[name LIKE %p%: LIKE is not supported]"];
    check("SELECT id FROM orders WHERE id > 1 AND name LIKE '%p%'", &like).await;
    let aggregate = [PUSHED, "the filter below it is not compiled as a whole", "AggregateExec: mode="];
    check("SELECT sum(id) FROM orders WHERE id > 1 AND name LIKE '%p%'", &aggregate).await;
}

#[tokio::test]
async fn an_aggregate_that_is_declined_leaves_the_filter_pushed() {
    for sql in [
        "SELECT median(price) FROM orders WHERE id > 1",
        "SELECT min(name) FROM orders WHERE id > 1",
        "SELECT count(*) FROM orders WHERE id > 1 GROUP BY upper(name)",
        "SELECT name, flag, sum(id) FROM orders WHERE id > 1 GROUP BY GROUPING SETS ((name), (flag))",
        "SELECT max(price * 2) FROM orders WHERE id > 1",
        "SELECT sum(price / 2) FROM orders WHERE id > 1",
        "SELECT count(*) FROM (SELECT id FROM orders WHERE id > 1 LIMIT 2)",
    ] {
        check(sql, &[PUSHED, "AggregateExec"]).await;
    }
}

#[tokio::test]
async fn what_is_declined_says_why() {
    for (sql, reason) in [
        ("SELECT id FROM orders WHERE name LIKE '%p%'", "LIKE is not supported"),
        ("SELECT min(name) FROM orders", "min over Utf8"),
        ("SELECT id FROM orders WHERE price * 2 > 10", "arithmetic on floating point numbers"),
        ("SELECT id FROM orders WHERE random() > 2 AND id > 1", "volatile"),
        ("SELECT id FROM orders WHERE name > 'b'", "strings are only compared for equality"),
        ("SELECT count(*) FROM (SELECT id FROM orders LIMIT 2)", "limit"),
        ("SELECT stddev(price) FROM orders", "the aggregate function stddev"),
    ] {
        check(sql, &[DECLINED, reason]).await;
    }
}

/// In a WHERE, what may fail is computed on the rows that the rest of it keeps, however they are cut into batches.
#[tokio::test]
async fn what_may_fail_does_so_on_the_rows_that_the_rest_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let text = "id,x,y,b,s\n1,true,1,0,7\n2,true,0,5,8\n3,true,,9223372036854775807,z\n4,false,1,2,9\n5,false,0,0,y\n\
                6,false,,5,1\n7,,1,1,2\n8,,0,2,3\n9,,,3,4\n";
    std::fs::write(&path, text).unwrap();
    let all = "[1, 2, 3, 4, 5, 6, 7, 8, 9]";
    for (filter, pushed, expected) in [
        ("id > 5 AND 10 / b > 3", true, Ok("[7, 8]")),
        ("id > 4 AND 10 / b > 3", true, Err("divides by zero")),
        ("10 / b > 3 AND id > 5 AND b + 1 > 2 ", true, Ok("[8]")),
        ("id < 3 AND b + 1 > 2", true, Ok("[2]")),
        ("id < 4 AND b + 1 > 2", true, Err("b + 1 does not fit")),
        ("id <> 3 AND id <> 5 AND CAST(s AS INT) > 3", true, Ok("[1, 2, 4, 9]")),
        ("id = 3 OR b + 1 > 3", true, Ok("[2, 3, 6, 9]")),
        ("id = 2 OR b + 1 > 3", true, Err("b + 1 does not fit")),
        ("id > 3 AND (b = 0 OR 10 / b > 4)", true, Ok("[4, 5, 7, 8]")),
        // A row may fail here in two ways.
        ("b + 1 > 0 AND b * 2 > 0", true, Err("b + 1 does not fit")),
        ("b * 2 > 0 OR b + 1 > 0", false, Err("b * 2 does not fit")),
        // NULL stays what it is.
        ("x OR y + 0 > 0", true, Ok("[1, 2, 3, 4, 7]")),
        ("NOT (x OR y + 0 > 0)", true, Ok("[5]")),
        ("NOT (x AND y + 0 > 0)", true, Ok("[2, 4, 5, 6, 8]")),
        ("(x AND y + 0 > 0) IS NULL", false, Ok("[3, 7, 9]")),
        ("(x OR y + 0 > 0) IS NULL", false, Ok("[6, 8, 9]")),
        ("(x OR y + 0 > 0) IS NULL OR (x OR y + 0 > 0) OR NOT (x OR y + 0 > 0)", false, Ok(all)),
    ] {
        let sql = format!("SELECT array_agg(id ORDER BY id) AS ids FROM t WHERE {filter}");
        for (pushdown, batch) in [PushdownMode::Auto, PushdownMode::Off]
            .into_iter()
            .flat_map(|mode| [(mode, 1), (mode, 2), (mode, 8192)])
        {
            let fixture = fixture(pushdown, 1).await;
            fixture.session.register_csv("t", path.to_str().unwrap(), CsvTable::default()).await.unwrap();
            fixture.run(&format!("SET datafusion.execution.batch_size = {batch}")).await;
            let plan = fixture.plan(&sql).await;
            assert_eq!(plan.contains(PUSHED), pushed && pushdown == PushdownMode::Auto, "{plan}");
            let answer = fixture.run(&sql).await;
            let (Ok(part) | Err(part)) = expected;
            assert!(answer.contains(part), "{filter} in batches of {batch}, {pushdown:?}: {answer}");
        }
    }
}

/// Record 8 divides by zero. Without a program a batch of 7 rows comes first, and the rest is never asked for.
#[tokio::test]
async fn what_stops_early_above_what_may_fail_sees_the_same_batches() {
    const REASON: &str = "may fail on a row, or stop before";
    let declined = [
        "SELECT DISTINCT id + 10 FROM divisors WHERE a = 1 LIMIT 2",
        "SELECT DISTINCT id + 10 / b FROM divisors WHERE a = 1 LIMIT 2",
        "SELECT count(*) FROM (SELECT DISTINCT 10 / b FROM divisors WHERE a = 1 LIMIT 2)",
        "SELECT id, sum(b) FROM divisors WHERE a = 1 GROUP BY id HAVING 10 / sum(b) > 0 LIMIT 1",
    ];
    let pushed = [
        "SELECT 10 / b FROM divisors WHERE a = 1 AND id < 8 LIMIT 2",
        "SELECT DISTINCT id FROM divisors WHERE a = 1 LIMIT 2",
        "SELECT DISTINCT 10 / b FROM divisors WHERE a = 1 AND id < 8",
        "SELECT id, 10 / b FROM divisors WHERE a = 1 ORDER BY id LIMIT 1",
        "SELECT x FROM (SELECT sum(10 / b) AS x FROM divisors WHERE a = 1 GROUP BY id) LIMIT 1",
    ];
    let mut records = String::from("id,a,b\n");
    for id in 1..=30 {
        records += &format!("{id},1,{}\n", if id == 8 { 0 } else { 1 });
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("divisors.csv");
    std::fs::write(&path, records).unwrap();
    let mut sessions = Vec::new();
    for pushdown in [PushdownMode::Auto, PushdownMode::Off] {
        let fixture = fixture(pushdown, 1).await;
        fixture.session.register_csv("divisors", path.to_str().unwrap(), CsvTable::default()).await.unwrap();
        fixture.run("SET datafusion.execution.batch_size = 7").await;
        sessions.push(fixture);
    }
    for (queries, part) in [(&declined[..], REASON), (&pushed, PUSHED)] {
        for sql in queries {
            let plan = sessions[0].plan(sql).await;
            assert!(plan.contains(part) && (part == REASON || !plan.contains(REASON)), "{sql}:\n{plan}");
            assert_eq!(sessions[0].run(sql).await, sessions[1].run(sql).await, "{sql}:\n{plan}");
        }
    }
}

#[tokio::test]
async fn nothing_to_push_is_left_alone() {
    for pushdown in [PushdownMode::Auto, PushdownMode::Require] {
        let fixture = fixture(pushdown, 2).await;
        let plan = fixture.plan("SELECT id FROM orders").await;
        assert!(!plan.contains(PUSHED) && !plan.contains(DECLINED), "{plan}");
    }
}

#[tokio::test]
async fn require_names_the_reasons() {
    let fixture = fixture(PushdownMode::Require, 2).await;
    let error = fixture.run("SELECT id FROM orders WHERE name LIKE '%p%'").await;
    assert!(error.contains("require") && error.contains("name LIKE %p%: LIKE is not supported"), "{error}");
    let answer = fixture.run("SELECT count(*) FROM orders WHERE id > 2").await;
    assert!(answer.contains("| 3 "), "{answer}");
    fixture.run("SET weir.pushdown = 'off'").await;
    let answer = fixture.run("SELECT id FROM orders WHERE name LIKE '%p%'").await;
    assert!(answer.contains("| id |"), "{answer}");
}

#[tokio::test]
async fn settings_are_sql() {
    let fixture = fixture(PushdownMode::Auto, 1).await;
    let shown = fixture.run("SHOW ALL").await;
    assert!(shown.contains("weir.pushdown") && shown.contains("weir.backend"), "{shown}");
    let shown = fixture.run("SHOW weir.pushdown").await;
    assert!(shown.contains("| weir.pushdown | auto  |"), "{shown}");
    let error = fixture.run("SET weir.pushdown = 'maybe'").await;
    assert!(error.contains("auto, require, off"), "{error}");
    let error = fixture.run("SET weir.backend = 'gpu'").await;
    assert!(error.contains("auto, hook, stock, interpret"), "{error}");
    fixture.run("SET weir.backend = 'hook'").await;
    fixture.run("SET weir.pushdown = 'require'").await;
    let answer = fixture.run("SELECT count(*) FROM orders WHERE id > 1").await;
    match probe_hook() {
        // The file may lie where the hook does not reach.
        Ok(()) => assert!(answer.contains("| 4 ") || answer.contains("no read hook"), "{answer}"),
        Err(_) => assert!(answer.contains("'hook' is not available"), "{answer}"),
    }
}

#[tokio::test]
async fn files_are_tables() {
    let fixture = fixture(PushdownMode::Require, 2).await;
    let path = fixture._folder.path().join("orders.csv");
    let answer = fixture.run(&format!("SELECT count(*) FROM '{}' WHERE id > 2", path.display())).await;
    assert!(answer.contains("| 3 "), "{answer}");
}
