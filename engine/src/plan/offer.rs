//! What a chain offers to the attempts to replace it: what a fragment must know of its scan, and its conjuncts.
//!
//! Two attempts may be made on one chain, the aggregation with all filters and then the filters alone. The file is
//! sampled and the conjuncts are translated once, when the first of them asks.

use std::cell::OnceCell;

use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::physical_expr_common::physical_expr::fmt_sql;
use datafusion::physical_plan::ExecutionPlanProperties;
use pushdown::fragment::{Expr, FIELD_COUNT_MAX, StructuralBytes};

use super::attempt::{NotPlanned, scan_declined, shape};
use super::chain::Chain;
use super::guard::{Conjunct, fails_in_one_place};
use crate::columns::{Columns, unsupported_column};
use crate::decline::{DeclineReason, Declined, FileKind, Part, UnexpectedShape};
use crate::sample::Sample;
use crate::scan::CsvFiles;
use crate::translate::{may_fail, predicate};

/// A chain, and what was found out about it.
pub(super) struct Offer {
    pub chain: Chain,
    facts: OnceCell<Result<Facts, Vec<Declined>>>,
}

/// What a fragment must know of a scan.
pub(super) struct Facts {
    pub dialect: StructuralBytes,
    pub columns: Columns,
    pub sample: Sample,
    pub conjuncts: Conjuncts,
}

impl Offer {
    pub fn new(chain: Chain) -> Offer {
        Offer { chain, facts: OnceCell::new() }
    }

    /// Looks into the first file, so this comes after everything that can decline without.
    pub fn facts(&self) -> Result<&Facts, NotPlanned> {
        let facts = self.facts.get_or_init(|| Facts::of(&self.chain));
        facts.as_ref().map_err(|declined| NotPlanned::Declined(declined.clone()))
    }
}

impl Facts {
    fn of(chain: &Chain) -> Result<Facts, Vec<Declined>> {
        let (config, source) = chain.csv().ok_or_else(|| shape(UnexpectedShape::NotCsv))?;
        check_scan(chain, config, source).map_err(scan_declined)?;
        let schema = source.table_schema().file_schema();
        let fields = chain.file_columns();
        if let Some(field) = unsupported_column(schema, &fields) {
            let reason = DeclineReason::ColumnType(field.data_type().clone());
            return Err(vec![Declined { part: Part::Column(field.name().clone()), reason }]);
        }
        let declined = fields.iter().find_map(|&field| Some((field, source.column_declined(field)?)));
        if let Some((field, reason)) = declined {
            return Err(vec![Declined { part: Part::Column(schema.field(field).name().clone()), reason }]);
        }
        let dialect = source.dialect();
        let sample = sample(config, source, dialect);
        let columns =
            Columns::new(schema, &fields, &sample, |field| source.is_guess(field)).map_err(scan_declined)?;
        let conjuncts = Conjuncts::of(&columns, chain);
        Ok(Facts { dialect, columns, sample, conjuncts })
    }
}

/// The conjuncts of a chain, each translated or declined.
pub(super) struct Conjuncts {
    pub filter: Vec<Expr>,
    /// Those in the filter, in SQL.
    pub shown: Vec<String>,
    /// The others, which DataFusion evaluates on what the program lets through.
    pub residual: Vec<String>,
    pub declined: Vec<Declined>,
    /// One that was declined might fail.
    pub may_fail: bool,
}

impl Conjuncts {
    fn of(columns: &Columns, chain: &Chain) -> Conjuncts {
        let mut conjuncts = Conjuncts {
            filter: Vec::new(),
            shown: Vec::new(),
            residual: Vec::new(),
            declined: Vec::new(),
            may_fail: false,
        };
        // DataFusion evaluates a conjunct that may fail on all rows that come to it. What comes after it must not drop them first.
        let mut is_behind_failure = false;
        for Conjunct { expr, is_guarded } in &chain.conjuncts {
            let schema = &columns.schema;
            let may_fail = may_fail(expr, schema);
            // Whether it fails depends on the batch, or on which of its places is evaluated first.
            let by_chance = may_fail && (!is_guarded || !fails_in_one_place(expr, schema));
            let what = fmt_sql(expr.as_ref()).to_string();
            let reason = match predicate(columns, expr) {
                Ok(predicate) if !by_chance && !is_behind_failure => {
                    conjuncts.filter.push(predicate);
                    conjuncts.shown.push(what);
                    is_behind_failure |= may_fail;
                    continue;
                }
                Ok(_) => DeclineReason::MayFail,
                Err(reason) => reason,
            };
            conjuncts.may_fail |= may_fail && !is_guarded;
            is_behind_failure |= may_fail;
            conjuncts.residual.push(what.clone());
            let with_failure = may_fail && !is_guarded && reason != DeclineReason::MayFail;
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

fn check_scan(chain: &Chain, config: &FileScanConfig, source: CsvFiles<'_>) -> Result<(), DeclineReason> {
    let schema = source.table_schema();
    let declined = |what| Err(DeclineReason::Files(what));
    if config.object_store_url.as_str() != "file:///" {
        return declined(FileKind::NotLocal);
    }
    if config.file_compression_type.is_compressed() {
        return declined(FileKind::Compressed);
    }
    if schema.table_schema().fields().len() != schema.file_schema().fields().len() {
        return declined(FileKind::Partitioned);
    }
    if let Some(what) = source.declined() {
        return declined(what);
    }
    if schema.file_schema().fields().len() > FIELD_COUNT_MAX {
        return declined(FileKind::TooManyFields);
    }
    if config.limit.is_some() {
        return Err(DeclineReason::Limit);
    }
    if config.file_groups.len() != chain.scan.output_partitioning().partition_count() {
        return Err(DeclineReason::Shape(UnexpectedShape::Partitions));
    }
    // A projection of the scan is evaluated on every row of the file.
    if chain.hides_failures {
        return Err(DeclineReason::MayFail);
    }
    Ok(())
}

fn sample(config: &FileScanConfig, source: CsvFiles<'_>, dialect: StructuralBytes) -> Sample {
    let first =
        config.file_groups.iter().flat_map(|group| group.files()).find(|file| file.object_meta.size > 0);
    let path =
        first.and_then(|file| LocalFileSystem::new().path_to_filesystem(&file.object_meta.location).ok());
    path.map(|path| Sample::of_file(&path, dialect, source.has_header())).unwrap_or_default()
}
