//! What is written in a statement and would be ignored by DataFusion. An answer that leaves out what was asked for is a wrong
//! one, so it is an error.

use std::ops::ControlFlow;

use datafusion::error::DataFusionError;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{TableFactor, VisitorMut};

use super::walk::walk;

/// A statement asks for something that nobody would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    #[error("TABLESAMPLE is not supported: WHERE random() < 0.1 takes about a tenth of the rows")]
    Sample,
}

/// Looks at a statement and all its queries, and changes nothing.
pub fn check(statement: &mut Statement) -> Result<(), DataFusionError> {
    match walk(statement, &mut Look) {
        ControlFlow::Break(ignored) => Err(DataFusionError::External(Box::new(ignored))),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Look;

impl VisitorMut for Look {
    type Break = Ignored;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Ignored> {
        match factor {
            TableFactor::Table { sample: Some(_), .. } | TableFactor::Derived { sample: Some(_), .. } => {
                ControlFlow::Break(Ignored::Sample)
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use crate::sql::statements::parse;

    #[test]
    fn a_sample_is_refused_wherever_it_stands() {
        let context = SessionContext::new();
        for sql in [
            "SELECT * FROM t TABLESAMPLE (10 PERCENT)",
            "SELECT * FROM (SELECT 1 AS a) AS u TABLESAMPLE BERNOULLI (10)",
            "SELECT 1 WHERE EXISTS (SELECT * FROM t TABLESAMPLE SYSTEM (10))",
            "EXPLAIN SELECT * FROM t TABLESAMPLE (10 PERCENT)",
            "COPY (SELECT * FROM t TABLESAMPLE (10 PERCENT)) TO 'f.csv'",
            "CREATE TABLE u AS SELECT * FROM t TABLESAMPLE (10 PERCENT)",
        ] {
            let error = parse(&context, sql).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("TABLESAMPLE is not supported"), "{sql}: {error}");
        }
        assert!(parse(&context, "SELECT tablesample FROM t").is_ok());
    }
}
