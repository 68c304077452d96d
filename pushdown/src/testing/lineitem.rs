//! Fragments whose speed is measured.

/// What the engine makes of queries over TPC-H lineitem: `count(*)`, Q6 and Q1, a string equality, few whole rows and half of
/// them. The first is what the others are compared with.
pub const LINEITEM_FRAGMENTS: [(&str, &str); 6] = [
    (
        "count(*)",
        r#"fragment fields=16 delimiter="," quote="\""
output aggregates
aggregate count()"#,
    ),
    (
        "Q6",
        r#"fragment fields=16 delimiter="," quote="\""
column 4 quantity i64
column 5 extendedprice float(2)
column 6 discount float(2)
column 10 shipdate date
filter and(shipdate >= 19940101, shipdate < 19950101, discount >= 5, discount <= 7, quantity < 24)
output aggregates
aggregate sum_exact(extendedprice *! discount)"#,
    ),
    (
        "Q1",
        r#"fragment fields=16 delimiter="," quote="\""
column 4 quantity i64
column 5 extendedprice float(2)
column 6 discount float(2)
column 7 tax float(2)
column 8 returnflag string
column 9 linestatus string
column 10 shipdate date
filter shipdate <= 19980902
output aggregates
key returnflag bytes=8
key linestatus bytes=8
aggregate sum_wrap(quantity)
aggregate sum_exact(extendedprice)
aggregate sum_exact(extendedprice *! (100 -! discount))
aggregate sum_exact((extendedprice *! (100 -! discount)) *! (100 +! tax))
aggregate sum_exact(bound(quantity, 1000000000000000))
aggregate sum_exact(discount)
aggregate count()"#,
    ),
    (
        "string =",
        r#"fragment fields=16 delimiter="," quote="\""
column 4 quantity i64
column 14 shipmode string
filter shipmode in ("AIR")
output aggregates
aggregate count()
aggregate sum_wrap(quantity)"#,
    ),
    (
        "few rows",
        r#"fragment fields=16 delimiter="," quote="\""
column 0 orderkey i64
filter orderkey = 32003
output values"#,
    ),
    (
        "half of the rows",
        r#"fragment fields=16 delimiter="," quote="\""
column 4 quantity i64
column 5 extendedprice float(2)
column 15 comment string
filter quantity <= 25
output values"#,
    ),
];
