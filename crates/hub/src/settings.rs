//! The hub's own sections: `store`, `dashboard` and `service.telemetry`.

use fanlight_config::{ConfigError, Document, Environment, ListenAddress, Node, Secret, env_vars};
use fanlight_dashboard::Access;
use serde::Deserialize;

use crate::cli::{LogLevel, ServeArgs};
use crate::llm::Llm;

/// What the configuration says about the hub itself.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The dashboard; none where it is off.
    pub dashboard: Option<Dashboard>,
    /// Why there is no dashboard, for the summary.
    pub dashboard_off: &'static str,
    /// The store behind the dashboard; none where it is off.
    pub store: Option<Node>,
    /// The LLM proxy; none where it is off.
    pub proxy: Option<Node>,
    /// Whether somebody asked for the proxy.
    pub proxy_is_asked_for: bool,
    /// Where the metrics and health pages are served; none where they are off.
    pub metrics: Option<ListenAddress>,
    /// What to log.
    pub log_level: LogLevel,
    /// What the configuration asks for in vain, for the summary.
    pub notes: Vec<String>,
}

/// `dashboard`: the page, its API, and OTLP/HTTP on the same port.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Dashboard {
    /// Whether there is one. Default: true.
    pub enabled: bool,
    /// Where to listen. Default: 127.0.0.1:3000.
    pub endpoint: ListenAddress,
    /// Host names under which browsers may reach it, besides localhost and the bound address. Default: none.
    pub allowed_hosts: Vec<String>,
    /// What everybody must have who comes to its port; needed to listen beyond this machine. Default: none.
    pub token: Option<Secret>,
    /// What the token opens.
    #[serde(skip)]
    pub access: Option<Access>,
}

impl Default for Dashboard {
    fn default() -> Dashboard {
        Dashboard {
            enabled: true,
            endpoint: ListenAddress::new("127.0.0.1", 3000),
            allowed_hosts: Vec::new(),
            token: None,
            access: None,
        }
    }
}

/// `service.telemetry`: the hub's own metrics and logs, in the Collector's form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Telemetry {
    logs: Logs,
    metrics: Metrics,
    /// Accepted; the hub makes no spans of its own.
    #[serde(rename = "traces")]
    _traces: Ignored,
    /// Accepted; what the hub says about itself carries `service.name: fanlight`.
    #[serde(rename = "resource")]
    _resource: Ignored,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Logs {
    level: Option<String>,
    /// Accepted; `--log-format` chooses.
    #[serde(rename = "encoding")]
    _encoding: Ignored,
    #[serde(rename = "development")]
    _development: Ignored,
    #[serde(rename = "sampling")]
    _sampling: Ignored,
    #[serde(rename = "output_paths")]
    _output_paths: Ignored,
    #[serde(rename = "error_output_paths")]
    _error_output_paths: Ignored,
    #[serde(rename = "initial_fields")]
    _initial_fields: Ignored,
    #[serde(rename = "disable_caller")]
    _disable_caller: Ignored,
    #[serde(rename = "disable_stacktrace")]
    _disable_stacktrace: Ignored,
    #[serde(rename = "processors")]
    _processors: Ignored,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metrics {
    level: Option<String>,
    address: Option<ListenAddress>,
    readers: Vec<Reader>,
    #[serde(rename = "views")]
    _views: Ignored,
}

/// A reader: `pull` with a Prometheus exporter says where the metrics page is. What `periodic` is for, the receiver
/// `self_telemetry` does.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reader {
    pull: Option<Pull>,
    periodic: Option<Ignored>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pull {
    exporter: PullExporter,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PullExporter {
    prometheus: Prometheus,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Prometheus {
    host: String,
    port: u16,
    #[serde(rename = "without_scope_info")]
    _without_scope_info: Ignored,
    #[serde(rename = "without_type_suffix")]
    _without_type_suffix: Ignored,
    #[serde(rename = "without_units")]
    _without_units: Ignored,
    #[serde(rename = "with_resource_constant_labels")]
    _with_resource_constant_labels: Ignored,
}

impl Default for Prometheus {
    fn default() -> Prometheus {
        Prometheus {
            host: "localhost".to_owned(),
            port: 8888,
            _without_scope_info: Ignored,
            _without_type_suffix: Ignored,
            _without_units: Ignored,
            _with_resource_constant_labels: Ignored,
        }
    }
}

/// A key that the Collector knows and that changes nothing here.
#[derive(Debug, Default)]
struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Ignored, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Ignored)
    }
}

impl Settings {
    /// Reads the hub's own sections.
    ///
    /// # Errors
    /// A section that can't be read, at its place.
    pub(crate) fn read(
        document: &Document,
        environment: &Environment,
        args: Option<&ServeArgs>,
    ) -> Result<Settings, ConfigError> {
        let root = document.root();
        let has_pipelines = root
            .get("service")
            .and_then(|service| service.get("pipelines"))
            .is_some();
        let telemetry = root
            .get("service")
            .and_then(|service| service.get("telemetry"));
        let telemetry: Telemetry = telemetry.map(Node::decode).transpose()?.unwrap_or_default();
        let asked_for = root.get("dashboard").is_some() || root.get("store").is_some();
        let on = asked_for || !has_pipelines || args.is_some_and(|args| args.dashboard.is_some());
        let dashboard = dashboard(root, environment, args)?;
        let enabled = on
            && dashboard
                .as_ref()
                .is_some_and(|dashboard| dashboard.enabled);
        let mut dashboard = dashboard.filter(|_| enabled);
        if let Some(dashboard) = &mut dashboard {
            dashboard.access = access(dashboard, root.get("dashboard"))?;
        }
        let llm = Llm::read(root, environment, args, !has_pipelines)?;
        let mut notes = telemetry.notes();
        notes.extend(llm.notes);
        Ok(Settings {
            dashboard,
            proxy: llm.node,
            proxy_is_asked_for: llm.is_asked_for,
            dashboard_off: match on {
                true => "off (turned off in the configuration)",
                false => {
                    "off: the file names its own pipelines; add `dashboard: {}` to see what they carry"
                }
            },
            store: enabled.then(|| {
                root.get("store")
                    .cloned()
                    .unwrap_or_else(|| Node::null("default", "store"))
            }),
            metrics: telemetry.metrics_address(args)?,
            log_level: log_level(&telemetry, environment, args),
            notes,
        })
    }
}

fn dashboard(
    root: &Node,
    environment: &Environment,
    args: Option<&ServeArgs>,
) -> Result<Option<Dashboard>, ConfigError> {
    let node = root.get("dashboard");
    let mut dashboard: Dashboard = node.map(Node::decode).transpose()?.unwrap_or_default();
    let port = environment.non_empty(env_vars::DASHBOARD_PORT.name);
    if let Some(port) = port.filter(|_| node.and_then(|node| node.get("endpoint")).is_none()) {
        let port = port.parse().map_err(|_| {
            ConfigError::new("DASHBOARD_PORT is not a port, a number from 0 to 65535")
        })?;
        dashboard.endpoint = ListenAddress::new("127.0.0.1", port);
    }
    match args.and_then(|args| args.dashboard.as_deref()) {
        Some("off") => return Ok(None),
        Some(address) => dashboard.endpoint = address_of(address, "--dashboard")?,
        None => {}
    }
    let token = args.and_then(|args| args.token.clone());
    let from_environment = || {
        environment
            .non_empty(env_vars::FANLIGHT_TOKEN.name)
            .map(Secret::new)
    };
    if let Some(token) = token.or_else(from_environment) {
        dashboard.token = Some(token);
    }
    Ok(Some(dashboard))
}

/// What the token opens; none where there is none.
fn access(dashboard: &Dashboard, node: Option<&Node>) -> Result<Option<Access>, ConfigError> {
    let error = |key, message: String| match node.filter(|node| node.get(key).is_some()) {
        Some(node) => node.error_at(key, message),
        None => ConfigError::new(message),
    };
    let Some(token) = &dashboard.token else {
        let endpoint = &dashboard.endpoint;
        let is_ours = endpoint
            .socket_addr()
            .is_some_and(|address| address.ip().is_loopback());
        let message = format!(
            "the dashboard at {endpoint} can be reached from other machines, and it has no token"
        );
        return match is_ours {
            true => Ok(None),
            false => Err(error("endpoint", message).hint(
                "give it one with --token, FANLIGHT_TOKEN or dashboard.token, or listen on 127.0.0.1",
            )),
        };
    };
    Access::new(token)
        .map(Some)
        .map_err(|why| error("token", why.to_string()))
}

fn address_of(text: &str, option: &str) -> Result<ListenAddress, ConfigError> {
    text.parse()
        .map_err(|error| ConfigError::new(format!("{option}: {error}")))
}

impl Telemetry {
    fn notes(&self) -> Vec<String> {
        let periodic = self
            .metrics
            .readers
            .iter()
            .any(|reader| reader.periodic.is_some());
        let note = "service.telemetry.metrics.readers: periodic readers do nothing here; \
                    the receiver self_telemetry sends the hub's own metrics and logs through its pipelines";
        periodic.then(|| note.to_owned()).into_iter().collect()
    }

    fn metrics_address(
        &self,
        args: Option<&ServeArgs>,
    ) -> Result<Option<ListenAddress>, ConfigError> {
        match args.and_then(|args| args.metrics.as_deref()) {
            Some("off") => return Ok(None),
            Some(address) => return address_of(address, "--metrics").map(Some),
            None => {}
        }
        if self.metrics.level.as_deref() == Some("none") {
            return Ok(None);
        }
        let pulled = self
            .metrics
            .readers
            .iter()
            .find_map(|reader| reader.pull.as_ref());
        let pulled = pulled.map(|pull| &pull.exporter.prometheus);
        let pulled =
            pulled.map(|prometheus| ListenAddress::new(&*prometheus.host, prometheus.port));
        let default = || ListenAddress::new("127.0.0.1", 8888);
        Ok(Some(
            self.metrics
                .address
                .clone()
                .or(pulled)
                .unwrap_or_else(default),
        ))
    }
}

fn log_level(
    telemetry: &Telemetry,
    environment: &Environment,
    args: Option<&ServeArgs>,
) -> LogLevel {
    let verbose = environment
        .non_empty(env_vars::VERBOSE.name)
        .is_some_and(|value| value != "0" && value != "false");
    let configured = match telemetry
        .logs
        .level
        .as_deref()
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("debug") => Some(LogLevel::Debug),
        Some("info") => Some(LogLevel::Info),
        Some("warn" | "warning") => Some(LogLevel::Warn),
        Some("error" | "dpanic" | "panic" | "fatal") => Some(LogLevel::Error),
        _ => None,
    };
    let default = if verbose {
        LogLevel::Debug
    } else {
        LogLevel::Info
    };
    args.and_then(|args| args.log_level)
        .or(configured)
        .unwrap_or(default)
}
