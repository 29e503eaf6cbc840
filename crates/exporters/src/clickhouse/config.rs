//! The keys of the ClickHouse exporter.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use clickhouse::{Client, Compression};
use fanlight_config::blocks::TlsClient;
use fanlight_config::{ConfigError, Node, Secret};
use fanlight_net::http::pool;
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, Peer,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::Mutex;

use super::schema::Schema;
use super::server::{Source, is_true};
use super::{ClickHouse, Server};
use crate::delivery::Delivery;

/// ClickHouse closes idle connections after three seconds.
const IDLE: Duration = Duration::from_secs(2);

/// Parameters of the Go driver: about its own connections, with no meaning for the server.
const OF_THE_DRIVER: [&str; 20] = [
    "block_buffer_size",
    "client_info_product",
    "compress",
    "compress_level",
    "conn_max_lifetime",
    "connection_open_strategy",
    "database",
    "debug",
    "dial_timeout",
    "http_path",
    "http_proxy",
    "max_compression_buffer",
    "max_idle_conns",
    "max_open_conns",
    "password",
    "read_timeout",
    "secure",
    "skip_verify",
    "username",
    "write_timeout",
];

/// A checked configuration.
#[derive(Clone, Debug)]
pub(super) struct Config {
    keys: Keys,
    delivery: Delivery,
    source: Source,
    schema: Schema,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Keys {
    /// A data source name. Mandatory. A secret, since it may hold a password.
    endpoint: Option<Secret>,
    username: String,
    password: Secret,
    /// Default: default.
    database: String,
    /// Settings for the server, and parameters of the Go driver, which have no effect. Default: none.
    connection_params: BTreeMap<String, Secret>,
    tls: TlsClient,
    /// When rows go; zero means never. Default: 0.
    #[serde(with = "fanlight_config::duration")]
    ttl: Duration,
    /// Refused with a hint: its successor is `ttl`.
    ttl_days: Option<IgnoredAny>,
    table_engine: TableEngine,
    /// Default: none.
    cluster_name: String,
    /// Default: true.
    create_schema: bool,
    /// Default: true.
    async_insert: bool,
    /// Default: lz4.
    compress: Compress,
    /// Attributes as JSON columns. Default: false.
    json: bool,
    logs_table_name: String,
    traces_table_name: String,
    /// Accepted, no effect: profiles are not sent.
    #[serde(rename = "profiles_table_name")]
    _profiles_table_name: Option<String>,
    /// The old form of `metrics_tables`: what their names begin with. Default: otel_metrics.
    metrics_table_name: Option<String>,
    metrics_tables: MetricsTables,
    /// Default: 5s.
    #[serde(with = "fanlight_config::duration")]
    timeout: Duration,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct TableEngine {
    /// Default: MergeTree.
    name: String,
    params: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct MetricsTables {
    gauge: TableName,
    sum: TableName,
    summary: TableName,
    histogram: TableName,
    exponential_histogram: TableName,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct TableName {
    name: Option<String>,
}

/// How rows are compressed. What HTTP alone would do (gzip, deflate, br) becomes lz4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Compress {
    #[serde(rename = "none", alias = "false")]
    None,
    #[default]
    #[serde(
        rename = "lz4",
        alias = "true",
        alias = "gzip",
        alias = "deflate",
        alias = "br"
    )]
    Lz4,
    #[serde(rename = "zstd")]
    Zstd,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            endpoint: None,
            username: String::new(),
            password: Secret::default(),
            database: "default".to_owned(),
            connection_params: BTreeMap::new(),
            tls: TlsClient::default(),
            ttl: Duration::ZERO,
            ttl_days: None,
            table_engine: TableEngine::default(),
            cluster_name: String::new(),
            create_schema: true,
            async_insert: true,
            compress: Compress::default(),
            json: false,
            logs_table_name: "otel_logs".to_owned(),
            traces_table_name: "otel_traces".to_owned(),
            _profiles_table_name: None,
            metrics_table_name: None,
            metrics_tables: MetricsTables::default(),
            timeout: Duration::from_secs(5),
        }
    }
}

pub(super) fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    config(node).map(|config| Box::new(config) as Box<dyn ExporterConfig>)
}

pub(super) fn config(node: &Node) -> Result<Config, ConfigError> {
    let (keys, delivery) = node.decode_both::<Keys, Delivery>()?;
    if keys.ttl_days.is_some() {
        let error = node.error_at("ttl_days", "`ttl_days` is no longer a key");
        return Err(error.hint("write ttl: 72h for three days"));
    }
    let endpoint = keys
        .endpoint
        .as_ref()
        .map(Secret::expose)
        .unwrap_or_default();
    let mut source = Source::parse(endpoint).map_err(|why| {
        node.error_at(
            "endpoint",
            format!("the endpoint is no ClickHouse server: {why}"),
        )
    })?;
    let given = keys.connection_params.iter();
    source
        .parameters
        .extend(given.map(|(key, value)| (key.clone(), value.expose().to_owned())));
    let database = match (&source.database, keys.database.as_str()) {
        (Some(database), "default") => database.clone(),
        (_, database) => database.to_owned(),
    };
    let schema = keys.schema(database);
    let names = [
        &schema.database,
        &schema.cluster,
        &schema.traces,
        &schema.logs,
    ];
    for name in names.into_iter().chain(&schema.metrics) {
        if name.contains(|c: char| matches!(c, '"' | '\\' | '`' | '\'') || c.is_control()) {
            return Err(node.error(format!(
                "{name:?} can't be a name in ClickHouse: it has quotes or backslashes"
            )));
        }
    }
    Ok(Config {
        keys,
        delivery,
        source,
        schema,
    })
}

impl Keys {
    fn schema(&self, database: String) -> Schema {
        let engine = match self.table_engine.name.as_str() {
            "" => "MergeTree()".to_owned(),
            name => format!("{name}({})", self.table_engine.params),
        };
        let prefix = self.metrics_table_name.as_deref().unwrap_or("otel_metrics");
        let metrics = |table: &TableName, suffix: &str| {
            table
                .name
                .clone()
                .unwrap_or_else(|| format!("{prefix}_{suffix}"))
        };
        let tables = &self.metrics_tables;
        Schema {
            database,
            cluster: self.cluster_name.clone(),
            engine,
            ttl: self.ttl,
            json: self.json,
            traces: self.traces_table_name.clone(),
            logs: self.logs_table_name.clone(),
            metrics: [
                metrics(&tables.gauge, "gauge"),
                metrics(&tables.sum, "sum"),
                metrics(&tables.histogram, "histogram"),
                metrics(&tables.exponential_histogram, "exponential_histogram"),
                metrics(&tables.summary, "summary"),
            ],
        }
    }
}

impl Config {
    /// The settings that go with every statement.
    pub(super) fn settings(&self) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        let flag = |is_set: bool| if is_set { "1" } else { "0" }.to_owned();
        settings.insert("async_insert".to_owned(), flag(self.keys.async_insert));
        if self.keys.json {
            // JSON columns come as text; a path that stands there twice keeps its first value.
            for setting in [
                "input_format_binary_read_json_as_string",
                "type_json_skip_duplicated_paths",
            ] {
                settings.insert(setting.to_owned(), flag(true));
            }
        }
        for (name, value) in &self.source.parameters {
            if !OF_THE_DRIVER.contains(&name.as_str()) {
                settings.insert(name.clone(), value.clone());
            }
        }
        settings
    }

    fn compression(&self) -> Compression {
        let named = self.source.parameters.get("compress").map(String::as_str);
        let compress = match named {
            None => self.keys.compress,
            Some("none" | "false" | "0") => Compress::None,
            Some("zstd") => Compress::Zstd,
            Some(_) => Compress::Lz4,
        };
        match compress {
            Compress::None => Compression::None,
            Compress::Lz4 => Compression::Lz4,
            Compress::Zstd => Compression::zstd(),
        }
    }

    fn tls(&self) -> Option<TlsClient> {
        let skips = self
            .source
            .parameters
            .get("skip_verify")
            .is_some_and(|value| is_true(value));
        self.source.is_encrypted.then(|| TlsClient {
            insecure_skip_verify: self.keys.tls.insecure_skip_verify || skips,
            ..self.keys.tls.clone()
        })
    }

    fn credentials(&self) -> (Option<&str>, &str) {
        match self.keys.username.as_str() {
            "" => (
                self.source.user.as_deref(),
                self.source.password.as_deref().unwrap_or_default(),
            ),
            username => (Some(username), self.keys.password.expose()),
        }
    }
}

impl ExporterConfig for Config {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Traces, Signal::Metrics, Signal::Logs])
    }

    fn settings(&self) -> ExportSettings {
        self.delivery.settings(self.keys.timeout)
    }

    fn destination(&self) -> Destination {
        let remark = match self.source.is_native {
            true => ", instead of the native protocol",
            false => "",
        };
        let peers = self.source.hosts.iter().map(|(host, port)| Peer {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: *port,
        });
        Destination {
            text: format!(
                "{} (ClickHouse over HTTP{remark}, database {})",
                self.source.urls().join(", "),
                self.schema.database
            ),
            peers: peers.collect(),
        }
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        if self.source.is_native {
            tracing::info!(
                component = %context.id,
                url = self.source.urls().join(", "),
                "ClickHouse is spoken to over its HTTP interface, not the native protocol; write that URL as the endpoint if it is another"
            );
        }
        let tls = self.tls();
        let (user, password) = self.credentials();
        let (product, version) = context
            .user_agent
            .split_once('/')
            .unwrap_or((context.user_agent, ""));
        let mut client = Client::with_http_client(pool(tls.as_ref(), IDLE)?)
            .with_compression(self.compression())
            .with_validation(false)
            .with_product_info(product, version);
        if let Some(user) = user {
            client = client.with_user(user);
        }
        if !password.is_empty() {
            client = client.with_password(password);
        }
        for (name, value) in self.settings() {
            client = client.with_setting(name, value);
        }
        let path = self
            .source
            .parameters
            .get("http_path")
            .map_or("", String::as_str);
        let servers = self.source.urls().into_iter().map(|url| Server {
            client: client
                .clone()
                .with_url(format!("{url}/{}", path.trim_start_matches('/'))),
            url,
        });
        Ok(Box::new(ClickHouse {
            servers: servers.collect(),
            current: AtomicUsize::new(0),
            schema: self.schema.clone(),
            creates_schema: self.keys.create_schema,
            tables: Mutex::new(HashMap::new()),
            password: password.to_owned(),
        }))
    }
}
