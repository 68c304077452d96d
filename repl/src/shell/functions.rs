//! The functions of a session, as `\df`, completion and hints show them.

use datafusion::logical_expr::Documentation;
use datafusion::prelude::SessionContext;

/// A function of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// As in "round(numeric_expression, decimal_places)"; just the name if it is not documented.
    pub signature: String,
    pub description: String,
    /// scalar, aggregate, window or table
    pub kind: &'static str,
}

/// All functions that the session knows.
pub fn functions(context: &SessionContext) -> Vec<Function> {
    let state = context.state();
    let function = |name: &str, kind, documentation: Option<&Documentation>| Function {
        name: name.to_owned(),
        signature: documentation
            .map_or_else(|| format!("{name}(...)"), |text| one_line(&text.syntax_example)),
        description: documentation.map_or_else(String::new, |text| one_line(&text.description)),
        kind,
    };
    let mut functions: Vec<Function> = Vec::new();
    functions.extend(
        state.scalar_functions().iter().map(|(name, each)| function(name, "scalar", each.documentation())),
    );
    functions.extend(
        state
            .aggregate_functions()
            .iter()
            .map(|(name, each)| function(name, "aggregate", each.documentation())),
    );
    functions.extend(
        state.window_functions().iter().map(|(name, each)| function(name, "window", each.documentation())),
    );
    functions.extend(state.table_functions().keys().map(|name| function(name, "table", None)));
    functions.sort_by(|one, other| one.name.cmp(&other.name));
    functions.dedup_by(|one, other| one.name == other.name);
    functions
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
