//! The part of Prometheus' configuration that is here.
//! [Source](https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use fanlight_config::blocks::{NotSupported, TlsClient};
use fanlight_config::{ByteSize, Secret};
use serde::Deserialize;

use super::relabel::{Rule, RuleKeys};

/// What stands under `prometheus:`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Keys {
    config: Prometheus,
    /// Not supported.
    target_allocator: NotSupported,
    /// Not supported.
    api_server: NotSupported,
    /// Accepted, no effect: names stay as the target writes them.
    trim_metric_suffixes: bool,
    /// Accepted, no effect: the start time of a series is its `_created`, else when it was first seen.
    use_start_time_metric: bool,
    /// Accepted, no effect.
    start_time_metric_regex: String,
    /// Whether `scrape_sample_limit` and its like are reported too. Accepted, no effect.
    report_extra_scrape_metrics: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Prometheus {
    global: Global,
    scrape_configs: Vec<ScrapeKeys>,
    /// Not supported.
    scrape_config_files: NotSupported,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Global {
    #[serde(with = "fanlight_config::duration")]
    scrape_interval: Duration,
    #[serde(with = "fanlight_config::duration")]
    scrape_timeout: Duration,
    external_labels: BTreeMap<String, String>,
    /// Accepted, no effect: there are no rules.
    #[serde(with = "fanlight_config::duration::option")]
    evaluation_interval: Option<Duration>,
}

impl Default for Global {
    fn default() -> Global {
        Global {
            scrape_interval: Duration::from_secs(60),
            scrape_timeout: Duration::from_secs(10),
            external_labels: BTreeMap::new(),
            evaluation_interval: None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ScrapeKeys {
    job_name: String,
    #[serde(with = "fanlight_config::duration::option")]
    scrape_interval: Option<Duration>,
    #[serde(with = "fanlight_config::duration::option")]
    scrape_timeout: Option<Duration>,
    metrics_path: Option<String>,
    scheme: Option<String>,
    params: BTreeMap<String, Vec<String>>,
    honor_labels: bool,
    honor_timestamps: Option<bool>,
    /// Accepted, no effect: it is always offered.
    enable_compression: Option<bool>,
    /// Accepted, no effect: the target chooses among all of them.
    scrape_protocols: Vec<String>,
    /// Accepted, no effect: they are always taken.
    scrape_native_histograms: Option<bool>,
    /// Accepted, no effect: both kinds are taken.
    always_scrape_classic_histograms: Option<bool>,
    static_configs: Vec<StaticConfig>,
    file_sd_configs: Vec<FileDiscovery>,
    relabel_configs: Vec<RuleKeys>,
    metric_relabel_configs: Vec<RuleKeys>,
    basic_auth: Option<BasicAuth>,
    authorization: Option<Authorization>,
    bearer_token: Option<Secret>,
    tls_config: TlsConfig,
    sample_limit: usize,
    body_size_limit: Option<ByteSize>,
    /// Not supported.
    kubernetes_sd_configs: NotSupported,
    /// Not supported.
    http_sd_configs: NotSupported,
    /// Not supported.
    dns_sd_configs: NotSupported,
    /// Not supported.
    ec2_sd_configs: NotSupported,
    /// Not supported.
    consul_sd_configs: NotSupported,
    /// Not supported.
    docker_sd_configs: NotSupported,
    /// Not supported.
    oauth2: NotSupported,
    /// Not supported.
    proxy_url: NotSupported,
}

/// Targets that are written down.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StaticConfig {
    pub(super) targets: Vec<String>,
    pub(super) labels: BTreeMap<String, String>,
}

/// Targets in files, which may change.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct FileDiscovery {
    /// Files of JSON or YAML; the last part may have a `*`.
    pub(super) files: Vec<PathBuf>,
    #[serde(with = "fanlight_config::duration")]
    pub(super) refresh_interval: Duration,
}

impl Default for FileDiscovery {
    fn default() -> FileDiscovery {
        FileDiscovery {
            files: Vec::new(),
            refresh_interval: Duration::from_secs(300),
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct BasicAuth {
    username: String,
    password: Secret,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Authorization {
    #[serde(rename = "type")]
    scheme: Option<String>,
    credentials: Secret,
}

/// Prometheus' names for what the `tls` block says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct TlsConfig {
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    server_name: Option<String>,
    insecure_skip_verify: bool,
}

/// One job, checked.
#[derive(Clone, Debug)]
pub(super) struct ScrapeConfig {
    pub(super) job_name: String,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) metrics_path: String,
    pub(super) scheme: String,
    pub(super) params: BTreeMap<String, Vec<String>>,
    pub(super) honor_labels: bool,
    pub(super) honor_timestamps: bool,
    pub(super) external_labels: BTreeMap<String, String>,
    pub(super) static_configs: Vec<StaticConfig>,
    pub(super) file_sd_configs: Vec<FileDiscovery>,
    pub(super) relabel: Vec<Rule>,
    pub(super) metric_relabel: Vec<Rule>,
    pub(super) authorization: Option<Secret>,
    pub(super) tls: TlsClient,
    /// Zero means no limit.
    pub(super) sample_limit: usize,
    pub(super) body_limit: usize,
}

/// How much of a page is read where nothing is said: far more than any sane target has.
const LONGEST_BODY: usize = 64 << 20;

impl Keys {
    /// The jobs, or what is wrong with them.
    pub(super) fn jobs(self) -> Result<Vec<ScrapeConfig>, String> {
        let Prometheus {
            global,
            scrape_configs,
            ..
        } = self.config;
        if scrape_configs.is_empty() {
            return Err("scrape_configs names no job, so there is nothing to scrape".to_owned());
        }
        let mut jobs: Vec<ScrapeConfig> = Vec::new();
        for keys in scrape_configs {
            let job = keys.checked(&global)?;
            if jobs.iter().any(|other| other.job_name == job.job_name) {
                return Err(format!("job_name {} stands twice", job.job_name));
            }
            jobs.push(job);
        }
        Ok(jobs)
    }
}

impl ScrapeKeys {
    fn checked(self, global: &Global) -> Result<ScrapeConfig, String> {
        if self.job_name.is_empty() {
            return Err("a scrape config has no job_name".to_owned());
        }
        let of_job = |why: String| format!("job {}: {why}", self.job_name);
        let interval = self.scrape_interval.unwrap_or(global.scrape_interval);
        let timeout = self
            .scrape_timeout
            .unwrap_or(global.scrape_timeout.min(interval));
        if interval.is_zero() || timeout.is_zero() || timeout > interval {
            return Err(of_job(
                "scrape_timeout must be more than zero and no longer than scrape_interval"
                    .to_owned(),
            ));
        }
        let scheme = self.scheme.clone().unwrap_or_else(|| "http".to_owned());
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(of_job(format!("scheme is http or https, not {scheme}")));
        }
        let rules = |keys: &[RuleKeys]| keys.iter().map(Rule::new).collect::<Result<_, _>>();
        Ok(ScrapeConfig {
            relabel: rules(&self.relabel_configs).map_err(of_job)?,
            metric_relabel: rules(&self.metric_relabel_configs).map_err(of_job)?,
            authorization: self.authorization(),
            job_name: self.job_name,
            interval,
            timeout,
            metrics_path: self.metrics_path.unwrap_or_else(|| "/metrics".to_owned()),
            scheme,
            params: self.params,
            honor_labels: self.honor_labels,
            honor_timestamps: self.honor_timestamps.unwrap_or(true),
            external_labels: global.external_labels.clone(),
            static_configs: self.static_configs,
            file_sd_configs: self.file_sd_configs,
            tls: TlsClient {
                ca_file: self.tls_config.ca_file,
                cert_file: self.tls_config.cert_file,
                key_file: self.tls_config.key_file,
                server_name_override: self.tls_config.server_name,
                insecure_skip_verify: self.tls_config.insecure_skip_verify,
                ..TlsClient::default()
            },
            sample_limit: self.sample_limit,
            body_limit: self.body_size_limit.map_or(LONGEST_BODY, |size| {
                usize::try_from(size.bytes()).unwrap_or(usize::MAX)
            }),
        })
    }

    fn authorization(&self) -> Option<Secret> {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        if let Some(basic) = &self.basic_auth {
            let pair = format!("{}:{}", basic.username, basic.password.expose());
            return Some(Secret::new(format!("Basic {}", STANDARD.encode(pair))));
        }
        let (scheme, token) = match (&self.authorization, &self.bearer_token) {
            (Some(own), _) => (own.scheme.as_deref().unwrap_or("Bearer"), &own.credentials),
            (None, Some(token)) => ("Bearer", token),
            (None, None) => return None,
        };
        Some(Secret::new(format!("{scheme} {}", token.expose())))
    }
}
