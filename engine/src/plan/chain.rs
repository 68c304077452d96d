//! A chain of nodes down to a CSV scan, and its expressions in terms of the columns of the file.
//!
//! `FilterExec` and `ProjectionExec` count; nodes that only move rows between partitions are looked through, and left
//! out when the chain is rebuilt.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};

use super::guard::{Conjunct, conjuncts};
use crate::scan::{CsvFiles, file_bytes};
use crate::translate::may_fail;

/// From a node down to a scan.
pub(super) struct Chain {
    /// Filters and projections, topmost first.
    nodes: Vec<Arc<dyn ExecutionPlan>>,
    /// The scan: a `DataSourceExec` of CSV files.
    pub scan: Arc<dyn ExecutionPlan>,
    /// The position of the first filter in the chain.
    pub topmost_filter: Option<usize>,
    /// A filter stops after some rows.
    pub limited: bool,
    /// What the topmost node yields.
    pub columns: ProjectionExprs,
    /// The conjuncts of all filters, in the order in which a row meets them.
    pub conjuncts: Vec<Conjunct>,
    /// A filter drops rows on which DataFusion has computed something that might have failed.
    pub hides_failures: bool,
}

impl Chain {
    /// The chain that begins with `top`; None if it does not end in a CSV scan.
    pub fn below(top: &Arc<dyn ExecutionPlan>) -> Result<Option<Chain>> {
        let mut nodes = Vec::new();
        let mut node = top;
        while !node.is::<DataSourceExec>() {
            if node.is::<FilterExec>() || node.is::<ProjectionExec>() {
                nodes.push(node.clone());
            } else if !only_moves_rows(node) {
                return Ok(None);
            }
            let [child] = node.children()[..] else { return Ok(None) };
            node = child;
        }
        let Some((config, source)) = csv(node) else { return Ok(None) };
        let file_schema = source.table_schema().file_schema().clone();
        let columns = match config.file_source().projection() {
            Some(projection) => projection.clone(),
            None => {
                let all: Vec<usize> = (0..file_schema.fields().len()).collect();
                ProjectionExprs::from_indices(&all, &file_schema)
            }
        };
        let topmost_filter = nodes.iter().position(|node| node.is::<FilterExec>());
        let limited = nodes.iter().any(|node| node.fetch().is_some());
        let mut chain = Chain {
            nodes: Vec::new(),
            scan: node.clone(),
            topmost_filter,
            limited,
            columns,
            conjuncts: Vec::new(),
            hides_failures: false,
        };
        for node in nodes.iter().rev() {
            chain.compose(node, &file_schema)?;
        }
        chain.nodes = nodes;
        Ok(Some(chain))
    }

    /// Puts the expressions of the next node up in terms of the file.
    fn compose(&mut self, node: &Arc<dyn ExecutionPlan>, schema: &SchemaRef) -> Result<()> {
        if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
            self.columns = self.columns.try_merge(projection.projection_expr())?;
        } else if let Some(filter) = node.downcast_ref::<FilterExec>() {
            // What stands in the projection now was computed for every row that comes to this filter.
            self.hides_failures |= self.columns.expr_iter().any(|expr| may_fail(&expr, schema));
            let predicate = self.columns.unproject_expr(filter.predicate())?;
            self.conjuncts.extend(conjuncts(&predicate, schema)?);
            if let Some(indices) = filter.projection() {
                let all: Vec<_> = self.columns.iter().cloned().collect();
                self.columns = ProjectionExprs::new(indices.iter().map(|&index| all[index].clone()));
            }
        }
        Ok(())
    }

    /// An expression over the output of the chain, over the columns of the file.
    pub fn over_file(&self, expr: &Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        self.columns.unproject_expr(expr)
    }

    /// The scan's configuration and source.
    pub fn csv(&self) -> Option<(&FileScanConfig, CsvFiles<'_>)> {
        csv(&self.scan)
    }

    /// The chain without the nodes that only move rows between partitions.
    pub fn rebuild(&self) -> Result<Arc<dyn ExecutionPlan>> {
        self.rebuild_from(0)
    }

    /// The same from the first filter on.
    pub fn rebuild_filters(&self) -> Result<Arc<dyn ExecutionPlan>> {
        self.rebuild_from(self.topmost_filter.unwrap_or(self.nodes.len()))
    }

    fn rebuild_from(&self, topmost: usize) -> Result<Arc<dyn ExecutionPlan>> {
        self.nodes[topmost..].iter().rev().try_fold(self.scan.clone(), |input, node| over(node, input))
    }

    /// A filter below the first one stops after some rows.
    pub fn limited_below_filter(&self) -> bool {
        let below = self.topmost_filter.map_or(0, |first| first + 1);
        self.nodes[below..].iter().any(|node| node.fetch().is_some())
    }

    /// Bytes of the files, as far as the scan reads them.
    pub fn scan_bytes(&self) -> u64 {
        self.csv().map_or(0, |(config, _)| file_bytes(config))
    }

    /// What the scan makes of the columns of the file. None: all of them, as they are.
    pub fn scan_projection(&self) -> Option<&ProjectionExprs> {
        self.csv()?.0.file_source().projection()
    }

    /// The fields of the file that the scan parses.
    pub fn file_columns(&self) -> Vec<usize> {
        let Some((_, source)) = self.csv() else { return Vec::new() };
        match self.scan_projection() {
            Some(projection) => projection.column_indices(),
            None => (0..source.table_schema().file_schema().fields().len()).collect(),
        }
    }
}

fn csv(plan: &Arc<dyn ExecutionPlan>) -> Option<(&FileScanConfig, CsvFiles<'_>)> {
    let config = plan.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()?;
    Some((config, CsvFiles::of(config)?))
}

/// Whether the node only moves rows between partitions.
pub(super) fn only_moves_rows(node: &Arc<dyn ExecutionPlan>) -> bool {
    if let Some(repartition) = node.downcast_ref::<RepartitionExec>() {
        matches!(repartition.partitioning(), Partitioning::RoundRobinBatch(_))
            && !repartition.preserve_order()
    } else if node.is::<CoalescePartitionsExec>() {
        node.fetch().is_none()
    } else {
        node.is::<CooperativeExec>()
    }
}

/// The same node over another child.
pub(super) fn over(
    node: &Arc<dyn ExecutionPlan>,
    child: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    over_all(node, vec![child])
}

/// The same node over other children; itself, if they are the same.
pub(super) fn over_all(
    node: &Arc<dyn ExecutionPlan>,
    children: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    if node.children().into_iter().zip(&children).all(|(old, new)| Arc::ptr_eq(old, new)) {
        return Ok(node.clone());
    }
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    node.clone().replace_children(children, options)
}
