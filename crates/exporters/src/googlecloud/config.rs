//! The configuration: fields and defaults as the
//! [Collector's](https://github.com/GoogleCloudPlatform/opentelemetry-operations-go/blob/main/exporter/collector/config.go).

use std::path::PathBuf;
use std::time::Duration;

use fanlight_config::blocks::{Compression, NotSupported};
use fanlight_config::{ConfigError, Endpoint, Node, Scheme};
use fanlight_formats::google::{logging, monitoring, trace};
use fanlight_net::status::Advice;
use fanlight_otlp::view::Attributes;
use fanlight_otlp::{DecodeError, Signal};
use regex::Regex;
use serde::Deserialize;

use super::resource::Labels;

/// Keys of its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Keys {
    /// The project of items whose resource names none in `gcp.project.id`. Default: that of the credentials.
    pub(super) project: String,
    /// Calls count against the quota of the project that they are for, not of the credentials' own. Default: false.
    pub(super) destination_project_quota: bool,
    /// The `User-Agent`; `{{version}}` stands for the hub's version. Default: the hub's.
    pub(super) user_agent: String,
    /// The service account to act as. Default: none.
    pub(super) impersonate: Impersonate,
    /// Cloud Trace.
    pub(super) trace: Trace,
    /// Cloud Monitoring.
    pub(super) metric: Metrics,
    /// Cloud Logging.
    pub(super) log: Log,
    /// How long one attempt may take. Default: 12s.
    #[serde(with = "fanlight_config::duration")]
    pub(super) timeout: Duration,
    /// The file with the credentials' JSON. Default: Application Default Credentials. Not in the Collector, where
    /// GOOGLE_APPLICATION_CREDENTIALS is the only way to name one. These are sent with `use_insecure`, too; default ones are not.
    pub(super) credentials_file: Option<PathBuf>,
}

/// `impersonate`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Impersonate {
    /// The service account's address.
    pub(super) target_principal: String,
    /// Not supported: the user of a whole domain that the account may act for.
    pub(super) subject: NotSupported,
    /// The accounts between, each of which may create tokens for the next.
    pub(super) delegates: Vec<String>,
}

/// `trace`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Trace {
    /// Default: cloudtrace.googleapis.com.
    pub(super) endpoint: Option<Endpoint>,
    /// Plain text, if there is an `endpoint`. Default: false.
    pub(super) use_insecure: bool,
    /// Accepted, no effect: calls share one connection.
    pub(super) grpc_pool_size: u32,
    /// What attributes are called there. Default: HTTP's and the service's name as Cloud Trace shows them.
    pub(super) attribute_mappings: Vec<AttributeMapping>,
}

/// An attribute's other name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct AttributeMapping {
    /// OpenTelemetry's.
    pub(super) key: String,
    /// Cloud Trace's.
    pub(super) replacement: String,
}

/// `metric`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Metrics {
    /// Default: monitoring.googleapis.com.
    pub(super) endpoint: Option<Endpoint>,
    /// Plain text, if there is an `endpoint`. Default: false.
    pub(super) use_insecure: bool,
    /// Accepted, no effect: calls share one connection.
    pub(super) grpc_pool_size: u32,
    /// `gzip` or none. Default: none.
    pub(super) compression: Option<Compression>,
    /// What metrics' names begin with. Default: `workload.googleapis.com`.
    pub(super) prefix: String,
    /// Names of these domains get no prefix.
    pub(super) known_domains: Vec<String>,
    /// Accepted, no effect: Cloud Monitoring describes metrics by their first points.
    pub(super) skip_create_descriptor: bool,
    /// Accepted, no effect. Default: 10.
    pub(super) create_metric_descriptor_buffer_size: u32,
    /// Not supported: only Google's own services may use it.
    pub(super) create_service_timeseries: NotSupported,
    /// Scopes become the labels `instrumentation_source` and `instrumentation_version`. Default: true.
    pub(super) instrumentation_library_labels: bool,
    /// The service's name, namespace and instance become labels. Default: true.
    pub(super) service_resource_labels: bool,
    /// Further attributes of the resource that become labels. Default: none.
    pub(super) resource_filters: Vec<ResourceFilter>,
    /// Accepted, no effect: what has no start starts with the hub. Default: true.
    pub(super) cumulative_normalization: bool,
    /// Not supported: it would be a guess.
    pub(super) sum_of_squared_deviation: NotSupported,
    /// Not supported: `sending_queue.storage` keeps metrics on disk.
    pub(super) experimental_wal_config: NotSupported,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let domains = ["googleapis.com", "kubernetes.io", "istio.io", "knative.dev"];
        Metrics {
            endpoint: None,
            use_insecure: false,
            grpc_pool_size: 0,
            compression: None,
            prefix: "workload.googleapis.com".to_owned(),
            known_domains: domains.map(str::to_owned).to_vec(),
            skip_create_descriptor: false,
            create_metric_descriptor_buffer_size: 10,
            create_service_timeseries: NotSupported,
            instrumentation_library_labels: true,
            service_resource_labels: true,
            resource_filters: Vec::new(),
            cumulative_normalization: true,
            sum_of_squared_deviation: NotSupported,
            experimental_wal_config: NotSupported,
        }
    }
}

impl Metrics {
    /// The labels that a resource gives.
    pub(super) fn resource_labels(&self, resource: &Attributes<'_>) -> Result<Labels, DecodeError> {
        labels(
            self.service_resource_labels,
            &self.resource_filters,
            resource,
        )
    }
}

/// `log`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Log {
    /// Default: logging.googleapis.com.
    pub(super) endpoint: Option<Endpoint>,
    /// Plain text, if there is an `endpoint`. Default: false.
    pub(super) use_insecure: bool,
    /// Accepted, no effect: calls share one connection.
    pub(super) grpc_pool_size: u32,
    /// `gzip` or none. Default: none.
    pub(super) compression: Option<Compression>,
    /// The log of records without `gcp.log_name`. Default: none, which is `opentelemetry` here; the Collector refuses them.
    pub(super) default_log_name: String,
    /// The service's name, namespace and instance become labels. Default: true.
    pub(super) service_resource_labels: bool,
    /// Further attributes of the resource that become labels. Default: none.
    pub(super) resource_filters: Vec<ResourceFilter>,
    /// Errors are marked for Error Reporting. Default: false.
    pub(super) error_reporting_type: bool,
}

impl Default for Log {
    fn default() -> Log {
        Log {
            endpoint: None,
            use_insecure: false,
            grpc_pool_size: 0,
            compression: None,
            default_log_name: String::new(),
            service_resource_labels: true,
            resource_filters: Vec::new(),
            error_reporting_type: false,
        }
    }
}

impl Log {
    /// The labels that a resource gives.
    pub(super) fn resource_labels(&self, resource: &Attributes<'_>) -> Result<Labels, DecodeError> {
        labels(
            self.service_resource_labels,
            &self.resource_filters,
            resource,
        )
    }
}

/// Which attributes of a resource become labels: those that match both.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct ResourceFilter {
    /// What the key begins with.
    prefix: String,
    /// What the key matches somewhere.
    regex: Pattern,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
struct Pattern(Option<Regex>);

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Pattern, regex::Error> {
        let regex = (!text.is_empty()).then(|| Regex::new(&text));
        regex.transpose().map(Pattern)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        let text = |pattern: &Pattern| pattern.0.as_ref().map(|regex| regex.as_str().to_owned());
        text(self) == text(other)
    }
}

fn labels(
    of_service: bool,
    filters: &[ResourceFilter],
    resource: &Attributes<'_>,
) -> Result<Labels, DecodeError> {
    let mut labels = Labels::new();
    for attribute in resource.iter() {
        let (key, value) = attribute?;
        let names_service = matches!(
            key,
            "service.name" | "service.namespace" | "service.instance.id"
        );
        let is_chosen = filters.iter().any(|filter| {
            let matches = |regex: &Regex| regex.is_match(key);
            key.starts_with(&filter.prefix) && filter.regex.0.as_ref().is_none_or(matches)
        });
        if is_chosen || (of_service && names_service) {
            labels.insert(key.to_owned(), value.to_text().into_owned());
        }
    }
    Ok(labels)
}

/// What the services' settings have in common.
pub(super) struct Client<'k> {
    pub(super) endpoint: Option<&'k Endpoint>,
    pub(super) use_insecure: bool,
    pub(super) compression: Option<Compression>,
}

/// One of Google's services.
pub(super) struct Service {
    pub(super) signal: Signal,
    key: &'static str,
    host: &'static str,
    pub(super) method: &'static str,
    pub(super) advice: Advice,
}

/// The services, one for each signal that is taken.
pub(super) static SERVICES: &[Service] = &[
    Service {
        signal: Signal::Traces,
        key: "trace",
        host: "cloudtrace.googleapis.com",
        method: trace::BATCH_WRITE_SPANS,
        advice: Advice {
            backend: "Cloud Trace",
            credentials: "has the service account the role roles/cloudtrace.agent in this project, and is the Cloud Trace API enabled there?",
            not_found: "is trace.endpoint right? leave it out for Google's own",
            tls: "",
        },
    },
    Service {
        signal: Signal::Metrics,
        key: "metric",
        host: "monitoring.googleapis.com",
        method: monitoring::CREATE_TIME_SERIES,
        advice: Advice {
            backend: "Cloud Monitoring",
            credentials: "has the service account the role roles/monitoring.metricWriter in this project, and is the Cloud Monitoring API enabled there?",
            not_found: "is metric.endpoint right? leave it out for Google's own",
            tls: "",
        },
    },
    Service {
        signal: Signal::Logs,
        key: "log",
        host: "logging.googleapis.com",
        method: logging::WRITE_LOG_ENTRIES,
        advice: Advice {
            backend: "Cloud Logging",
            credentials: "has the service account the role roles/logging.logWriter in this project, and is the Cloud Logging API enabled there?",
            not_found: "is log.endpoint right? leave it out for Google's own",
            tls: "",
        },
    },
];

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            project: String::new(),
            destination_project_quota: false,
            user_agent: String::new(),
            impersonate: Impersonate::default(),
            trace: Trace::default(),
            metric: Metrics::default(),
            log: Log::default(),
            timeout: super::TIMEOUT,
            credentials_file: None,
        }
    }
}

impl Keys {
    /// Refuses what contradicts itself.
    pub(super) fn check(&self, node: &Node) -> Result<(), ConfigError> {
        for service in SERVICES {
            let compression = self.client(service.signal).compression;
            if !matches!(
                compression,
                None | Some(Compression::None | Compression::Gzip)
            ) {
                let why = "Google Cloud takes gzip or no compression";
                return Err(node.error_at(service.key, why));
            }
            let Some(endpoint) = self.client(service.signal).endpoint else {
                continue;
            };
            let is_host = matches!(
                endpoint.scheme(),
                Scheme::None | Scheme::Https | Scheme::Http
            );
            if !is_host || !endpoint.path().is_empty() {
                let why = "a gRPC endpoint is a host and a port";
                let error = node.error_at(service.key, why);
                return Err(error.hint(format!("write endpoint: {}:443", service.host)));
            }
        }
        let mappings = &self.trace.attribute_mappings;
        for (index, mapping) in mappings.iter().enumerate() {
            let before = mappings.iter().take(index);
            for other in before {
                let twice = match () {
                    () if other.key == mapping.key => ("key", &mapping.key),
                    () if other.replacement == mapping.replacement => {
                        ("replacement", &mapping.replacement)
                    }
                    () => continue,
                };
                let why = format!("attribute_mappings has the {} {} twice", twice.0, twice.1);
                return Err(node.error_at("trace", why));
            }
        }
        Ok(())
    }

    /// The settings of a signal's service.
    pub(super) fn client(&self, signal: Signal) -> Client<'_> {
        let (endpoint, use_insecure, compression) = match signal {
            Signal::Metrics => {
                let Metrics {
                    endpoint,
                    use_insecure,
                    compression,
                    ..
                } = &self.metric;
                (endpoint, use_insecure, *compression)
            }
            Signal::Logs => {
                let Log {
                    endpoint,
                    use_insecure,
                    compression,
                    ..
                } = &self.log;
                (endpoint, use_insecure, *compression)
            }
            _ => (&self.trace.endpoint, &self.trace.use_insecure, None),
        };
        Client {
            endpoint: endpoint.as_ref(),
            use_insecure: *use_insecure,
            compression,
        }
    }

    /// Where a service is: host, port and whether with TLS.
    pub(super) fn place(&self, service: &Service) -> (String, u16, bool) {
        let client = self.client(service.signal);
        let Some(endpoint) = client.endpoint else {
            return (service.host.to_owned(), 443, true);
        };
        let encrypted = match endpoint.scheme() {
            Scheme::Http => false,
            Scheme::Https => true,
            _ => !client.use_insecure,
        };
        let port = endpoint.port_or_default(encrypted);
        (endpoint.host().to_owned(), port, encrypted)
    }
}
