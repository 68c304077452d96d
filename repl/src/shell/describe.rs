//! What backslash commands say about tables and functions, as SQL or as small results of their own.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray, UInt64Array};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::listing::{ListingTable, ListingTableUrl};
use datafusion::error::Result;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::prelude::SessionContext;
use engine::format::VISIBLE;
use engine::has_extremes;
use futures::TryStreamExt;

use super::functions::Function;
use crate::results::sql_types;
use crate::sql::identifier;

/// Records that `\d` reads of a table for its sample values.
const SAMPLE_ROWS: usize = 3;

/// `\d table`: one row for each column, with the values of its first records.
pub async fn columns(context: &SessionContext, table: &TableReference) -> Result<RecordBatch> {
    let frame = context.table(table.clone()).await?;
    let schema = frame.schema().inner().clone();
    let sample = frame.limit(0, Some(SAMPLE_ROWS))?.collect().await?;
    let options = FormatOptions::new().with_null("NULL");
    let mut samples = vec![Vec::new(); schema.fields().len()];
    for batch in &sample {
        for (column, values) in batch.columns().iter().zip(&mut samples) {
            let formatter = ArrayFormatter::try_new(column, &options)?;
            for row in 0..batch.num_rows() {
                values.push(formatter.value(row).try_to_string()?);
            }
        }
    }
    let fields = schema.fields();
    let text = |of: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..fields.len()).map(of)))
    };
    Ok(RecordBatch::try_from_iter([
        ("column", text(&|at| fields[at].name().clone())),
        ("type", text(&|at| sql_types::name(fields[at].data_type()))),
        ("nullable", text(&|at| if fields[at].is_nullable() { "yes".into() } else { "no".into() })),
        ("first values", text(&|at| samples[at].join(", "))),
    ])?)
}

/// `\dt`: one row for each table that was made or named, with its files.
pub async fn tables(context: &SessionContext) -> Result<RecordBatch> {
    let mut names = Vec::new();
    let mut columns = Vec::new();
    let mut bytes = Vec::new();
    let mut places = Vec::new();
    for catalog_name in context.catalog_names() {
        let Some(catalog) = context.catalog(&catalog_name) else { continue };
        for schema_name in catalog.schema_names() {
            let Some(schema) = catalog.schema(&schema_name) else { continue };
            if schema_name == "information_schema" {
                continue;
            }
            for name in schema.table_names() {
                let Some(provider) = schema.table(&name).await? else { continue };
                columns.push(provider.schema().fields().len() as u64);
                let (place, size) = files(context, provider.as_ref()).await?;
                places.push(place);
                bytes.push(size);
                names.push(name);
            }
        }
    }
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|&at| &names[at]);
    let text = |values: &[String]| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(order.iter().map(|&at| &values[at])))
    };
    Ok(RecordBatch::try_from_iter([
        ("table", text(&names)),
        ("columns", Arc::new(UInt64Array::from_iter_values(order.iter().map(|&at| columns[at]))) as ArrayRef),
        ("bytes", Arc::new(UInt64Array::from_iter(order.iter().map(|&at| bytes[at])))),
        ("files", text(&places)),
    ])?)
}

/// `\df`: one row for each function.
pub fn functions(functions: &[Function]) -> Result<RecordBatch> {
    let column = |of: &dyn Fn(&Function) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(functions.iter().map(of)))
    };
    Ok(RecordBatch::try_from_iter([
        ("function", column(&|function| &function.signature)),
        ("kind", column(&|function| function.kind)),
        ("description", column(&|function| &function.description)),
    ])?)
}

/// Where a table's files are, and how large they are together; nothing for a view or a table in memory.
async fn files(context: &SessionContext, provider: &dyn TableProvider) -> Result<(String, Option<u64>)> {
    let Some(listing) = provider.downcast_ref::<ListingTable>() else {
        return Ok((format!("({:?})", provider.table_type()).to_lowercase(), None));
    };
    let state = context.state();
    let mut bytes = 0;
    let mut places = Vec::new();
    for url in listing.table_paths() {
        let store = context.runtime_env().object_store(url)?;
        let extension = &listing.options().file_extension;
        let found = url.list_all_files(&state, store.as_ref(), extension).await?;
        bytes += found.try_fold(0, async |sum, file| Ok(sum + file.size)).await?;
        places.push(place(url));
    }
    Ok((places.join(", "), Some(bytes)))
}

/// `*.csv` of `[!.]*.[cC][sS][vV]`, which is how a folder's files are told from others, and from hidden ones.
fn small_letters(glob: &str) -> String {
    let mut text = String::new();
    let mut rest = glob.strip_prefix(VISIBLE).unwrap_or(glob);
    while let Some(first) = rest.chars().next() {
        let letter = rest.as_bytes().get(1).copied().map(char::from).unwrap_or_default();
        let either = format!("[{letter}{}]", letter.to_ascii_uppercase());
        rest = match rest.strip_prefix(&either) {
            Some(behind) => {
                text.push(letter);
                behind
            }
            None => {
                text.push(first);
                &rest[first.len_utf8()..]
            }
        };
    }
    text
}

/// A path as people write it: in a URL, spaces and letters outside of ASCII are codes.
fn place(url: &ListingTableUrl) -> String {
    let path = match url.scheme() {
        "file" => LocalFileSystem::new().path_to_filesystem(url.prefix()).ok(),
        _ => None,
    };
    let Some(path) = path else { return url.as_str().to_owned() };
    let path = path.display();
    match url.get_glob() {
        Some(glob) => format!("{path}/{}", small_letters(glob.as_str())),
        None if url.is_folder() => format!("{path}/"),
        None => path.to_string(),
    }
}

/// `\summary table`: what a program can compute of each column, in one query, and the rest in another.
pub struct SummaryQueries {
    /// `count(*)`, and of each column the values that are not NULL, the least and the greatest.
    pub pushed: String,
    /// Of each column the estimated number of different values, and of strings the least and the greatest.
    pub rest: String,
}

impl SummaryQueries {
    pub fn of(table: &TableReference, schema: &SchemaRef) -> SummaryQueries {
        let mut pushed = vec!["count(*)".to_owned()];
        let mut rest = Vec::new();
        for field in schema.fields() {
            let column = identifier(field.name());
            let extremes = format!("min({column}), max({column})");
            pushed.push(format!("count({column})"));
            // The function does not take floats; as text they differ as they do as numbers.
            let counted = match field.data_type().is_floating() {
                true => format!("CAST({column} AS VARCHAR)"),
                false => column.clone(),
            };
            rest.push(format!("approx_distinct({counted})"));
            match has_extremes(field.data_type()) {
                true => pushed.push(extremes),
                false => rest.push(extremes),
            }
        }
        let query =
            |select: &[String]| format!("SELECT {} FROM {}", select.join(", "), table.to_quoted_string());
        SummaryQueries { pushed: query(&pushed), rest: query(&rest) }
    }

    /// One row for each column, from the one row of each answer.
    pub fn merge(schema: &SchemaRef, pushed: &RecordBatch, rest: &RecordBatch) -> Result<RecordBatch> {
        let pushed = texts(pushed)?;
        let rest = texts(rest)?;
        let mut pushed = pushed.into_iter();
        let mut rest = rest.into_iter();
        let mut next = |compiled: bool| if compiled { pushed.next() } else { rest.next() }.flatten();
        let number = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok());
        let records = number(next(true));
        let (mut nulls, mut distinct, mut least, mut greatest) = (vec![], vec![], vec![], vec![]);
        for field in schema.fields() {
            let compiled = has_extremes(field.data_type());
            let values = number(next(true));
            nulls.push(records.zip(values).map(|(records, values)| records - values));
            // The estimate may be beyond what there is.
            let estimate = number(next(false));
            distinct.push(estimate.map(|estimate| values.map_or(estimate, |values| estimate.min(values))));
            least.push(next(compiled));
            greatest.push(next(compiled));
        }
        let fields = schema.fields();
        let names = fields.iter().map(|field| field.name());
        let types = fields.iter().map(|field| sql_types::name(field.data_type()));
        Ok(RecordBatch::try_from_iter([
            ("column", Arc::new(StringArray::from_iter_values(names)) as ArrayRef),
            ("type", Arc::new(StringArray::from_iter_values(types))),
            ("nulls", Arc::new(UInt64Array::from(nulls))),
            ("distinct (about)", Arc::new(UInt64Array::from(distinct))),
            ("min", Arc::new(StringArray::from(least))),
            ("max", Arc::new(StringArray::from(greatest))),
        ])?)
    }
}

fn texts(batch: &RecordBatch) -> Result<Vec<Option<String>>> {
    let options = FormatOptions::new();
    let text = |column: &ArrayRef| -> Result<Option<String>> {
        if column.is_empty() || column.is_null(0) {
            return Ok(None);
        }
        Ok(Some(ArrayFormatter::try_new(column, &options)?.value(0).try_to_string()?))
    };
    batch.columns().iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::Int64Array;
    use datafusion::arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    #[test]
    fn there_are_no_more_different_values_than_values() {
        let numbers = |numbers: &[i64]| {
            let columns = numbers.iter().enumerate().map(|(at, &number)| {
                (format!("c{at}"), Arc::new(Int64Array::from(vec![number])) as ArrayRef)
            });
            RecordBatch::try_from_iter(columns).unwrap()
        };
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        for (estimate, expected) in [(991, 991), (1007, 1000)] {
            let pushed = numbers(&[1001, 1000, -5, 5]);
            let summary = SummaryQueries::merge(&schema, &pushed, &numbers(&[estimate])).unwrap();
            let distinct = summary.column_by_name("distinct (about)").unwrap();
            assert_eq!(distinct.as_any().downcast_ref::<UInt64Array>().unwrap().value(0), expected);
        }
    }
}
