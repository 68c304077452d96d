//! Files of JSON, which DataFusion reads. One that is one array cannot be read from within, and DataFusion cuts it into ranges all the
//! same: the scans of such files are not cut here.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::{GetExt, Result, Statistics};
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::file_format::json::{JsonFormat, JsonFormatFactory};
use datafusion::datasource::file_format::{FileFormat, FileFormatFactory};
use datafusion::datasource::physical_plan::{
    FileScanConfig, FileScanConfigBuilder, FileSinkConfig, FileSource,
};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::object_store::{ObjectMeta, ObjectStore};
use datafusion::physical_expr::LexRequirement;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};

/// Makes the formats of JSON files.
#[derive(Debug)]
pub struct JsonFactory {
    inner: JsonFormatFactory,
}

impl JsonFactory {
    /// DataFusion's formats, but for arrays.
    pub fn of_datafusion() -> JsonFactory {
        JsonFactory { inner: JsonFormatFactory::new() }
    }
}

impl FileFormatFactory for JsonFactory {
    fn create(
        &self,
        session: &dyn Session,
        options: &HashMap<String, String>,
    ) -> Result<Arc<dyn FileFormat>> {
        let format = self.inner.create(session, options)?;
        let is_array = format.downcast_ref::<JsonFormat>().is_some_and(|json| !json.is_newline_delimited());
        Ok(if is_array { Arc::new(JsonArray { inner: format }) } else { format })
    }

    fn default(&self) -> Arc<dyn FileFormat> {
        FileFormatFactory::default(&self.inner)
    }
}

impl GetExt for JsonFactory {
    fn get_ext(&self) -> String {
        self.inner.get_ext()
    }
}

/// Files that are one array each.
#[derive(Debug)]
struct JsonArray {
    inner: Arc<dyn FileFormat>,
}

#[async_trait]
impl FileFormat for JsonArray {
    fn get_ext(&self) -> String {
        self.inner.get_ext()
    }

    fn get_ext_with_compression(&self, compression: &FileCompressionType) -> Result<String> {
        self.inner.get_ext_with_compression(compression)
    }

    fn compression_type(&self) -> Option<FileCompressionType> {
        self.inner.compression_type()
    }

    async fn infer_schema(
        &self,
        session: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        objects: &[ObjectMeta],
    ) -> Result<SchemaRef> {
        self.inner.infer_schema(session, store, objects).await
    }

    async fn infer_stats(
        &self,
        session: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<Statistics> {
        self.inner.infer_stats(session, store, table_schema, object).await
    }

    async fn create_physical_plan(
        &self,
        session: &dyn Session,
        config: FileScanConfig,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // A scan whose partitions are declared, whatever they are, keeps them.
        let partitions = Partitioning::UnknownPartitioning(config.file_groups.len());
        let config = FileScanConfigBuilder::from(config).with_output_partitioning(Some(partitions)).build();
        self.inner.create_physical_plan(session, config).await
    }

    async fn create_writer_physical_plan(
        &self,
        input: Arc<dyn ExecutionPlan>,
        session: &dyn Session,
        config: FileSinkConfig,
        order_requirements: Option<LexRequirement>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.inner.create_writer_physical_plan(input, session, config, order_requirements).await
    }

    fn file_source(&self, table_schema: TableSchema) -> Arc<dyn FileSource> {
        self.inner.file_source(table_schema)
    }
}
