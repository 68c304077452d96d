//! Compiled fragments on every machine against the reference interpreter: the interpreter of instructions and the
//! kernel must both make of random fragments and bytes what the specification says.

use std::io::Write;

use machine::{BackendKind, Machine};
use pushdown::aggregates::{Count, MinMax, Sum};
use pushdown::contract::hook::PACKET_BYTES_MAX;
use pushdown::contract::layout::Sizes;
use pushdown::fragment::{Aggregate, Column, ColumnType, Expr, Fragment, Output, StructuralBytes};
use pushdown::ops::{Comparison, Logic};
use pushdown::reference;
use pushdown::testing::{Random, drive, drive_reads, seeds};
use pushdown::{Program, Target, compile};
use weir_tests::configuration::{is_chosen, kernels};

/// The smallest that is allowed, so that tables and areas fill up.
const SMALL: Sizes = Sizes { input_bytes: 4096, output_bytes: 4096, group_capacity: 16 };
/// Cases of a normal run; each costs about 3 ms in the verifier.
const CASES: u64 = 400;

fn backends(test: &str) -> Vec<BackendKind> {
    let interpreters = [BackendKind::Interpret, BackendKind::InterpretHook].into_iter();
    let backends: Vec<BackendKind> =
        interpreters.filter(|backend| is_chosen(backend.name())).chain(kernels(test)).collect();
    assert!(!backends.is_empty(), "WEIR_BACKEND is not a backend that can run here");
    backends
}

fn check(fragment: &Fragment, bytes: &[u8], chunk_bytes: usize, backends: &[BackendKind], case: &str) {
    // An unpatched kernel runs programs with an index stage and without.
    let targets = |backend: BackendKind| match backend.target() {
        Target::Indexed => vec![Target::Indexed, Target::Window],
        target => vec![target],
    };
    let ways = backends
        .iter()
        .flat_map(|&backend| targets(backend).into_iter().map(move |target| (backend, target)));
    for (backend, target) in ways {
        let fragment = &match target {
            Target::Packet => fragment.without_window(),
            Target::Window | Target::Indexed => fragment.clone(),
        };
        let expected = reference::run(fragment, bytes, true);
        let program =
            compile(fragment, target, SMALL).unwrap_or_else(|error| panic!("{case}: {error}\n{fragment}"));
        let machine = Machine::load(backend, &program)
            .unwrap_or_else(|error| panic!("{case}, {backend:?}: {error}\n{fragment}"));
        let actual = match machine {
            Machine::Window(mut machine) => drive(fragment, &program, &mut machine, bytes, chunk_bytes),
            Machine::Read(mut machine) => {
                let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
                file.write_all(bytes).expect("a temporary file can be written");
                let mut actual =
                    drive_reads(fragment, &program, &mut machine, file.as_file(), bytes, chunk_bytes);
                // An unfinished record at the end is taken, but not counted.
                actual.consumed = expected.consumed;
                actual
            }
        };
        assert_eq!(
            actual,
            expected,
            "{case}, {backend:?}\nfragment:\n{fragment}\nbytes: {:?}\nchunk_bytes: {chunk_bytes}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn random_fragments() {
    let backends = backends("backends::random_fragments");
    // Not the seeds that the compiler's own tests use.
    for seed in seeds(CASES, 1) {
        let mut random = Random::new(seed ^ 0x7765_6972_0000_0000);
        let fragment = random.fragment();
        let bytes = random.csv(&fragment);
        let chunk_bytes = 1 + random.below(200);
        check(&fragment, &bytes, chunk_bytes, &backends, &format!("seed {seed}"));
    }
}

/// More than a window, an output area and a group table hold, so that every early stop happens on every machine.
#[test]
fn long_inputs_drain_and_go_on() {
    let backends = backends("backends::long_inputs_drain_and_go_on");
    let mut bytes = Vec::new();
    for number in 0..3000 {
        let text = format!(
            "{number},\"g {}\n{}\",{}.{:02}\r\n",
            number % 41,
            "é".repeat(number % 60),
            number % 7,
            number % 100
        );
        bytes.extend_from_slice(text.as_bytes());
    }
    let header = "fragment fields=3 delimiter=\",\" quote=\"\\\"\"\ncolumn 0 a i64\ncolumn 1 s string\ncolumn 2 f float(2)\n";
    for rest in [
        "filter a >= 2\noutput records\n",
        "filter a >= 2\noutput values\n",
        "output aggregates\nkey s bytes=64\naggregate count()\naggregate sum_exact(f)\naggregate max(a)\n",
        "output aggregates\nkey a\naggregate min(f)\n",
        "filter f < 300\noutput aggregates\naggregate sum_wrap(a)\naggregate count(s)\n",
    ] {
        let text = format!("{header}{rest}");
        let fragment =
            pushdown::fragment::text::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        for chunk_bytes in [777, 4096 - 64 - 600] {
            check(&fragment, &bytes, chunk_bytes, &backends, rest);
        }
    }
}

fn wide(columns: usize, filter: Option<Expr>, aggregates: Vec<Aggregate>) -> Fragment {
    let columns: Vec<Column> = (0..columns)
        .map(|field| {
            let types = [
                ColumnType::Int { bits: 64, signed: true },
                ColumnType::Float { scale: 2 },
                ColumnType::Date,
                ColumnType::Decimal { precision: 15, scale: 2 },
            ];
            let ty = types[field % types.len()];
            Column { name: format!("c{field}"), field, ty, nullable: true, unpadded: field % 3 == 0 }
        })
        .collect();
    Fragment {
        dialect: StructuralBytes::default(),
        field_count: columns.len(),
        columns,
        filter,
        output: Output::Aggregates { keys: Vec::new(), aggregates },
    }
}

fn compare(column: usize, constant: i64) -> Expr {
    let op = [Comparison::Lt, Comparison::NotEq, Comparison::GtEq][column % 3];
    Expr::call(op, [Expr::Column(column), Expr::integer(constant)])
}

fn count_all() -> Vec<Aggregate> {
    vec![Aggregate { function: Count::NonNull.into(), arguments: Vec::new(), filter: None }]
}

/// The verifier must not meet more states than there are instructions, times a small number: a fragment of a
/// hundred parts loads in milliseconds. Its work is asserted on, not its time, which depends on the host.
#[test]
fn large_fragments_load_quickly() {
    let kernels = kernels("backends::large_fragments_load_quickly");
    let hundred_predicates = |negated: bool| {
        let pairs = (0..50).map(|at| {
            let pair = vec![compare(at % 10, at as i64), compare((at + 3) % 10, 7 * at as i64)];
            let or = Expr::call(Logic::Or, pair);
            if negated { Expr::call(Logic::Not, [or]) } else { or }
        });
        Expr::call(Logic::And, pairs.collect::<Vec<_>>())
    };
    let hundred_aggregates = (0..100)
        .map(|at| {
            let mut arguments = vec![Expr::Column(at % 10)];
            let function = match at % 4 {
                0 => Sum::Exact.into(),
                1 => MinMax::Min.into(),
                2 => MinMax::Max.into(),
                _ => {
                    arguments.push(Expr::Column((at + 1) % 10));
                    Count::NonNull.into()
                }
            };
            Aggregate { function, arguments, filter: Some(compare(at % 10, at as i64)) }
        })
        .collect();
    let hundred_columns =
        Expr::call(Logic::And, (0..100).map(|column| compare(column, 5)).collect::<Vec<_>>());
    for (what, fragment) in [
        ("100 predicates", wide(10, Some(hundred_predicates(false)), count_all())),
        ("100 negated predicates", wide(10, Some(hundred_predicates(true)), count_all())),
        ("100 aggregates", wide(10, None, hundred_aggregates)),
        ("100 columns", wide(100, Some(hundred_columns), count_all())),
        ("100 columns that are not used", wide(100, None, count_all())),
        ("the values of 100 columns", Fragment { output: Output::Values, ..wide(100, None, Vec::new()) }),
    ] {
        for &kernel in &kernels {
            let fragment = match kernel.target() {
                Target::Packet => fragment.without_window(),
                Target::Window | Target::Indexed => fragment.clone(),
            };
            // A packet's guard is longer, and the kernel that has them a 6.12, whose verifier meets more states.
            let (input_bytes, limit) = match kernel.target() {
                Target::Window | Target::Indexed => (Sizes::default().input_bytes, 60_000),
                Target::Packet => (PACKET_BYTES_MAX, 300_000),
            };
            let sizes = Sizes { input_bytes, ..Sizes::default() };
            let program: Program = compile(&fragment, kernel.target(), sizes).expect(what);
            let statistics = Machine::load(kernel, &program).expect(what).statistics();
            let verified = statistics.verified_instructions.expect("the kernel says how many");
            println!(
                "{kernel:?}, {what}: {} instructions, {verified} verified, {:?}",
                statistics.program_instructions, statistics.load_time
            );
            assert!(verified < limit, "{what}: the verifier went through {verified} instructions");
        }
    }
}
