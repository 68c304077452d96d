//! From a chain, and perhaps an aggregation above it, to a compiled fragment.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::datasource::physical_plan::{CsvSource, FileScanConfig, FileSource};
use datafusion::object_store::local::LocalFileSystem;
use datafusion::physical_expr_common::physical_expr::fmt_sql;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, InputOrderMode};
use pushdown::contract::layout::Sizes;
use pushdown::fragment::{Dialect, Expr, FIELD_COUNT_MAX, Fragment, Output};
use pushdown::ops::Logic;
use pushdown::{CompileError, Program, compile};

use super::backend::Backend;
use super::chain::Chain;
use crate::columns::{Columns, unsupported_column};
use crate::decline::{DeclineReason, Declined, Part};
use crate::decode::StateDecoder;
use crate::options::WeirOptions;
use crate::pushed::{Pushed, Shown};
use crate::sample::Sample;
use crate::translate::{PlannedAggregate, aggregation, may_fail, may_skip_failure, predicate};

/// A fragment that has a program.
pub(super) struct Planned {
    fragment: Fragment,
    program: Arc<Program>,
    backend: Backend,
    state: Option<StateDecoder>,
    shown: Shown,
    declined: Vec<Declined>,
}

impl Planned {
    /// With the plan that it replaces. `above` is what was declined above that.
    pub fn pushed(
        self,
        original: Arc<dyn ExecutionPlan>,
        above: Vec<Declined>,
        options: &WeirOptions,
    ) -> Pushed {
        let Planned { fragment, program, backend, state, shown, mut declined } = self;
        declined.extend(above);
        Pushed {
            fragment,
            program,
            original,
            state,
            shown,
            declined,
            mode: options.pushdown,
            backend: backend.kind,
            passed_over: backend.passed_over,
        }
    }
}

/// What is declined as a whole.
pub(super) fn shape(what: &'static str) -> Vec<Declined> {
    vec![Declined { part: Part::Plan, reason: DeclineReason::Shape(what) }]
}

fn scan_declined(reason: DeclineReason) -> Vec<Declined> {
    vec![Declined { part: Part::Scan, reason }]
}

/// What a fragment needs to know of a scan.
struct Scan {
    backend: Backend,
    dialect: Dialect,
    columns: Columns,
    sample: Sample,
}

impl Scan {
    /// Looks into the first file, so this comes after everything that can decline without.
    fn of(chain: &Chain, backend: &Backend) -> Result<Scan, Vec<Declined>> {
        let (config, source) = chain.csv().ok_or_else(|| shape("a scan that is not one of CSV files"))?;
        check_scan(chain, config, source).map_err(scan_declined)?;
        let schema = source.table_schema().file_schema();
        let fields = chain.file_columns();
        if let Some(field) = unsupported_column(schema, &fields) {
            let reason = DeclineReason::ColumnType(field.data_type().clone());
            return Err(vec![Declined { part: Part::Column(field.name().clone()), reason }]);
        }
        let dialect =
            Dialect { delimiter: source.delimiter(), quote: source.quote(), escape: source.escape() };
        let sample = sample(config, source, dialect);
        let columns = Columns::new(schema, &fields, &sample).map_err(scan_declined)?;
        Ok(Scan { backend: backend.of_scan(config), dialect, columns, sample })
    }

    fn compile(
        self,
        sizes: Sizes,
        filter: Vec<Expr>,
        output: Output,
        state: Option<StateDecoder>,
        shown: Shown,
        declined: Vec<Declined>,
    ) -> Result<Planned, Vec<Declined>> {
        let mut filter = filter;
        let fragment = Fragment {
            dialect: self.dialect,
            field_count: self.columns.schema.fields().len(),
            columns: self.columns.columns,
            filter: if filter.len() > 1 { Some(Expr::call(Logic::And, filter)) } else { filter.pop() },
            output,
        };
        let backend = self.backend;
        match compile(&fragment, backend.kind.target(), backend.sizes(sizes)) {
            Ok(program) => {
                Ok(Planned { fragment, program: Arc::new(program), backend, state, shown, declined })
            }
            Err(error) => {
                if let CompileError::Defect(_) = error {
                    log::error!("{error}");
                }
                let reason = DeclineReason::Compile(error);
                Err(vec![Declined { part: Part::Fragment, reason }])
            }
        }
    }
}

fn check_scan(chain: &Chain, config: &FileScanConfig, source: &CsvSource) -> Result<(), DeclineReason> {
    let schema = source.table_schema();
    let declined = |what| Err(DeclineReason::Files(what));
    if config.object_store_url.as_str() != "file:///" {
        return declined("files that are not local");
    }
    if config.file_compression_type.is_compressed() {
        return declined("compressed files");
    }
    if schema.table_schema().fields().len() != schema.file_schema().fields().len() {
        return declined("tables with partition columns");
    }
    if source.comment().is_some() {
        return declined("comments in CSV files");
    }
    if source.terminator().is_some() {
        return declined("record terminators other than line ends");
    }
    if source.truncate_rows() {
        return declined("truncated rows");
    }
    let bytes = [Some(source.delimiter()), Some(source.quote()), source.escape()];
    if !bytes.iter().flatten().all(u8::is_ascii) {
        return declined("delimiters and quotes outside of ASCII");
    }
    if schema.file_schema().fields().len() > FIELD_COUNT_MAX {
        return declined("records of so many fields");
    }
    if config.limit.is_some() {
        return Err(DeclineReason::Limit);
    }
    if config.file_groups.len() != chain.scan.output_partitioning().partition_count() {
        return Err(DeclineReason::Shape("a scan with partitions other than its file groups"));
    }
    // A projection of the scan is evaluated on every row of the file.
    if chain.hides_failures {
        return Err(DeclineReason::MayFail);
    }
    Ok(())
}

fn sample(config: &FileScanConfig, source: &CsvSource, dialect: Dialect) -> Sample {
    let first =
        config.file_groups.iter().flat_map(|group| group.files()).find(|file| file.object_meta.size > 0);
    let path =
        first.and_then(|file| LocalFileSystem::new().path_to_filesystem(&file.object_meta.location).ok());
    path.map(|path| Sample::of_file(&path, dialect, source.has_header())).unwrap_or_default()
}

/// A fragment that lets through no fewer rows than the filters of the chain. At least one conjunct is in it.
pub(super) fn filter_fragment(
    chain: &Chain,
    backend: &Backend,
    sizes: Sizes,
) -> Result<Result<Planned, Vec<Declined>>> {
    if chain.limited_below {
        return Ok(Err(scan_declined(DeclineReason::Limit)));
    }
    let scan = match Scan::of(chain, backend) {
        Ok(scan) => scan,
        Err(declined) => return Ok(Err(declined)),
    };
    let Conjuncts { filter, shown, declined, may_fail } = Conjuncts::of(&scan, chain);
    // Rows that a program drops are rows that DataFusion does not evaluate the others on.
    if may_fail {
        return Ok(Err(declined));
    }
    if filter.is_empty() {
        return Ok(Err(declined));
    }
    Ok(scan.compile(sizes, filter, Output::Records, None, shown, declined))
}

/// The conjuncts of a chain, each translated or declined.
struct Conjuncts {
    filter: Vec<Expr>,
    shown: Shown,
    declined: Vec<Declined>,
    /// One that was declined might fail.
    may_fail: bool,
}

impl Conjuncts {
    fn of(scan: &Scan, chain: &Chain) -> Conjuncts {
        let mut conjuncts =
            Conjuncts { filter: Vec::new(), shown: Shown::default(), declined: Vec::new(), may_fail: false };
        for conjunct in &chain.conjuncts {
            // Of several conjuncts, one may keep DataFusion from evaluating another.
            let schema = &scan.columns.schema;
            let may_fail =
                chain.conjuncts.len() > 1 && may_fail(conjunct, schema) || may_skip_failure(conjunct, schema);
            let what = fmt_sql(conjunct.as_ref()).to_string();
            let reason = match predicate(&scan.columns, conjunct) {
                Ok(predicate) if !may_fail => {
                    conjuncts.filter.push(predicate);
                    conjuncts.shown.filter.push(what);
                    continue;
                }
                Ok(_) => DeclineReason::MayFail,
                Err(reason) => reason,
            };
            conjuncts.may_fail |= may_fail;
            conjuncts.shown.residual.push(what.clone());
            let with_failure = may_fail && reason != DeclineReason::MayFail;
            conjuncts.declined.push(Declined { part: Part::Conjunct(what.clone()), reason });
            if with_failure {
                conjuncts
                    .declined
                    .push(Declined { part: Part::Conjunct(what), reason: DeclineReason::MayFail });
            }
        }
        conjuncts
    }
}

/// A fragment that makes the partial state of an aggregation over the chain. `partial` is the aggregation in that mode.
pub(super) fn aggregate_fragment(
    aggregate: &AggregateExec,
    partial: &AggregateExec,
    chain: &Chain,
    backend: &Backend,
    sizes: Sizes,
) -> Result<Result<Planned, Vec<Declined>>> {
    if let Err(reason) = check_aggregation(aggregate, chain) {
        return Ok(Err(vec![Declined { part: Part::Aggregation, reason }]));
    }
    let mut keys = Vec::new();
    for (expr, _) in aggregate.group_expr().expr() {
        keys.push(chain.over_file(expr)?);
    }
    let mut planned = Vec::new();
    for (function, filter) in aggregate.aggr_expr().iter().zip(aggregate.filter_expr()) {
        let arguments =
            function.expressions().iter().map(|expr| chain.over_file(expr)).collect::<Result<_>>()?;
        let filter = filter.as_ref().map(|filter| chain.over_file(filter)).transpose()?;
        planned.push(PlannedAggregate { function, arguments, filter });
    }
    let scan = match Scan::of(chain, backend) {
        Ok(scan) => scan,
        Err(declined) => return Ok(Err(declined)),
    };
    let Conjuncts { filter, mut shown, declined, .. } = Conjuncts::of(&scan, chain);
    if !declined.is_empty() {
        // The conjuncts are declined again, with their reasons, when the filter alone is tried.
        return Ok(Err(vec![Declined { part: Part::Aggregation, reason: DeclineReason::FilterBelow }]));
    }
    let translated = match aggregation(&scan.columns, &scan.sample, &keys, &planned, &partial.schema()) {
        Ok(translated) => translated,
        Err(declined) => return Ok(Err(declined)),
    };
    shown.keys = keys.iter().map(|key| fmt_sql(key.as_ref()).to_string()).collect();
    shown.aggregates = planned.iter().map(|aggregate| aggregate.function.name().to_owned()).collect();
    Ok(scan.compile(sizes, filter, translated.output, Some(translated.state), shown, Vec::new()))
}

fn check_aggregation(aggregate: &AggregateExec, chain: &Chain) -> Result<(), DeclineReason> {
    if aggregate.group_expr().has_grouping_set() {
        return Err(DeclineReason::AggregateOption("GROUPING SETS"));
    }
    if let Some(limit) = aggregate.limit_options() {
        // Without an order it ends the scan early. With one, it only keeps what is at the top of each partition.
        if limit.descending().is_none() {
            return Err(DeclineReason::AggregateOption("LIMIT"));
        }
        // What finds the top tells negative zeros from zeros, and has its own place for NaN; other aggregations do not.
        if aggregate.schema().fields().iter().any(|field| field.data_type().is_floating()) {
            return Err(DeclineReason::AggregateOption("LIMIT over floating point numbers"));
        }
    }
    if *aggregate.input_order_mode() != InputOrderMode::Linear {
        return Err(DeclineReason::AggregateOption("an ordered input"));
    }
    if chain.limited {
        return Err(DeclineReason::Limit);
    }
    Ok(())
}
