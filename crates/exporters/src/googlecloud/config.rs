//! The configuration: fields and defaults as the
//! [Collector's](https://github.com/GoogleCloudPlatform/opentelemetry-operations-go/blob/main/exporter/collector/config.go).

use std::path::PathBuf;
use std::time::Duration;

use fanlight_config::blocks::{Compression, NotSupported};
use fanlight_config::{ConfigError, Endpoint, Node, Scheme};
use fanlight_formats::google::trace;
use fanlight_net::status::Advice;
use fanlight_otlp::Signal;
use serde::Deserialize;

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
pub(super) static SERVICES: &[Service] = &[Service {
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
}];

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            project: String::new(),
            destination_project_quota: false,
            user_agent: String::new(),
            impersonate: Impersonate::default(),
            trace: Trace::default(),
            timeout: super::TIMEOUT,
            credentials_file: None,
        }
    }
}

impl Keys {
    /// Refuses what contradicts itself.
    pub(super) fn check(&self, node: &Node) -> Result<(), ConfigError> {
        for service in SERVICES {
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
        let _ = signal;
        Client {
            endpoint: self.trace.endpoint.as_ref(),
            use_insecure: self.trace.use_insecure,
            compression: None,
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
