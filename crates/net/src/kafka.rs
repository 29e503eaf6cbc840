//! What every Kafka client is made from: librdkafka's settings for a configuration block, and its errors in words.
//!
//! librdkafka opens its own connections in threads of its own; its log lines become this program's, without the password.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fanlight_config::Secret;
use fanlight_config::blocks::{KafkaClient, SaslMechanism, TlsClient, TlsVersion};
use fanlight_otlp::Signal;
use fanlight_pipeline::{BuildError, Peer};
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// The port where a broker is named without one.
const DEFAULT_PORT: u16 = 9092;

/// Encodings of the Collector that neither the exporter nor the receiver speaks: Jaeger's and Zipkin's.
pub const FOREIGN_ENCODINGS: [&str; 5] = [
    "jaeger_proto",
    "jaeger_json",
    "zipkin_proto",
    "zipkin_json",
    "zipkin_thrift",
];

/// The topic of a signal, where the configuration names none.
pub const fn default_topic(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "otlp_spans",
        Signal::Metrics => "otlp_metrics",
        Signal::Logs => "otlp_logs",
        Signal::Profiles => "otlp_profiles",
    }
}

/// What librdkafka is told about where the brokers are, how they are reached and who is calling.
///
/// # Errors
/// When keys contradict each other, or a certificate can't be read.
pub fn client_config(block: &KafkaClient) -> Result<ClientConfig, BuildError> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", block.brokers.join(","))
        .set("client.id", &block.client_id)
        .set("client.rack", &block.rack_id)
        .set("connections.max.idle.ms", millis(block.conn_idle_timeout))
        .set(
            "topic.metadata.refresh.interval.ms",
            millis(block.metadata.refresh_interval),
        )
        .set("retry.backoff.ms", millis(block.metadata.retry.backoff))
        .set("socket.nagle.disable", "true")
        .set("socket.keepalive.enable", "true")
        // How long a broker that is away is left alone before the next attempt to connect.
        .set("reconnect.backoff.max.ms", "5000")
        .set("log.connection.close", "false");
    if block.resolve_canonical_bootstrap_servers_only {
        config.set(
            "client.dns.lookup",
            "resolve_canonical_bootstrap_servers_only",
        );
    }
    let sasl = credentials(block)?;
    let protocol = match (block.tls().is_some(), sasl.is_some()) {
        (false, false) => "plaintext",
        (true, false) => "ssl",
        (false, true) => "sasl_plaintext",
        (true, true) => "sasl_ssl",
    };
    config.set("security.protocol", protocol);
    if let Some((mechanism, username, password)) = sasl {
        config
            .set("sasl.mechanism", mechanism.name())
            .set("sasl.username", username)
            .set("sasl.password", password.expose());
    }
    if let Some(tls) = block.tls() {
        secure(&mut config, tls)?;
    }
    // What librdkafka would refuse later is refused here, where the component's name is known.
    config
        .create_native_config()
        .map_err(|error| refused(&error))?;
    Ok(config)
}

/// The brokers that are configured, for start-up and for recognising the hub itself.
pub fn peers(block: &KafkaClient) -> Vec<Peer> {
    let peer = |broker: &String| {
        let address = broker
            .rsplit_once("://")
            .map_or(&**broker, |(_, rest)| rest);
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().unwrap_or(DEFAULT_PORT)),
            None => (address, DEFAULT_PORT),
        };
        Peer {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
        }
    };
    block.brokers.iter().map(peer).collect()
}

/// librdkafka refused a setting.
pub fn refused(error: &KafkaError) -> BuildError {
    BuildError::new(match error {
        // The description repeats the value, which may be a secret.
        KafkaError::ClientConfig(_, _, key, _) => {
            format!("librdkafka does not take the setting {key}")
        }
        other => format!("librdkafka does not start: {other}"),
    })
}

type Credentials<'a> = (SaslMechanism, &'a str, &'a Secret);

fn credentials(block: &KafkaClient) -> Result<Option<Credentials<'_>>, BuildError> {
    let (mechanism, username, password) = match (&block.auth.sasl, &block.auth.plain_text) {
        (Some(_), Some(_)) => {
            return Err(BuildError::new(
                "auth.sasl and auth.plain_text exclude each other",
            ));
        }
        (None, None) => return Ok(None),
        (Some(sasl), None) => {
            let mechanism = sasl.mechanism.ok_or_else(|| {
                BuildError::new("auth.sasl.mechanism is missing")
                    .hint("write PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
            })?;
            (mechanism, &sasl.username, &sasl.password)
        }
        (None, Some(plain)) => (SaslMechanism::Plain, &plain.username, &plain.password),
    };
    if username.is_empty() || password.expose().is_empty() {
        return Err(BuildError::new("auth needs both a username and a password"));
    }
    Ok(Some((mechanism, username, password)))
}

fn secure(config: &mut ClientConfig, tls: &TlsClient) -> Result<(), BuildError> {
    let unsupported = [
        (
            tls.server_name_override.is_some(),
            "tls.server_name_override",
        ),
        (tls.max_version.is_some(), "tls.max_version"),
    ];
    if let Some((_, key)) = unsupported.iter().find(|(is_set, _)| *is_set) {
        return Err(BuildError::new(format!("{key} can't be set for Kafka"))
            .hint("name the brokers as their certificates do"));
    }
    if tls.min_version == TlsVersion::V1_3 {
        return Err(BuildError::new("tls.min_version can't be set for Kafka")
            .hint("let the brokers allow TLS 1.3 only"));
    }
    if tls.insecure_skip_verify {
        config.set("enable.ssl.certificate.verification", "false");
    }
    let text = |name: &str, file: Option<&std::path::PathBuf>, pem: Option<&str>| match (file, pem)
    {
        (Some(_), Some(_)) => Err(BuildError::new(format!(
            "tls.{name}_file and tls.{name}_pem exclude each other"
        ))),
        (Some(file), None) => std::fs::read_to_string(file).map(Some).map_err(|error| {
            BuildError::new(format!(
                "tls.{name}_file: could not read {}: {error}",
                file.display()
            ))
        }),
        (None, pem) => Ok(pem.map(str::to_owned)),
    };
    let authorities = text("ca", tls.ca_file.as_ref(), tls.ca_pem.as_deref())?;
    let certificate = text("cert", tls.cert_file.as_ref(), tls.cert_pem.as_deref())?;
    let key = text(
        "key",
        tls.key_file.as_ref(),
        tls.key_pem.as_ref().map(Secret::expose),
    )?;
    match authorities {
        Some(pem) => config.set("ssl.ca.pem", pem),
        // The places where systems keep their authorities.
        None => config.set("ssl.ca.location", "probe"),
    };
    match (certificate, key) {
        (None, None) => {}
        (Some(certificate), Some(key)) => {
            config
                .set("ssl.certificate.pem", certificate)
                .set("ssl.key.pem", key);
        }
        _ => {
            return Err(BuildError::new(
                "tls.cert_file and tls.key_file are only of use together",
            ));
        }
    }
    Ok(())
}

/// A duration as librdkafka wants it, within what it takes.
pub fn millis(duration: Duration) -> String {
    duration.as_millis().min(86_400_000).to_string()
}

/// Listens to librdkafka: its log, and the last thing that went wrong with a broker.
///
/// A clone listens to the same client.
#[derive(Clone, Debug)]
pub struct Ear {
    component: Arc<str>,
    password: Option<Secret>,
    last: Arc<Mutex<Option<String>>>,
}

impl Ear {
    /// An ear for the component of this id.
    pub fn new(component: &str, block: &KafkaClient) -> Ear {
        let password = credentials(block).ok().flatten();
        Ear {
            component: component.into(),
            password: password.map(|(_, _, password)| password.clone()),
            last: Arc::default(),
        }
    }

    /// What last went wrong with a broker, such as why it can't be connected to.
    pub fn last_trouble(&self) -> Option<String> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The text of an error, with what went wrong with the brokers where that explains it.
    pub fn explain(&self, error: &KafkaError) -> String {
        let code = error.rdkafka_error_code();
        let text = match code {
            Some(code) => self.redacted(&code.to_string()),
            None => self.redacted(&error.to_string()),
        };
        let is_symptom = matches!(
            code,
            Some(
                RDKafkaErrorCode::MessageTimedOut
                    | RDKafkaErrorCode::OperationTimedOut
                    | RDKafkaErrorCode::AllBrokersDown
                    | RDKafkaErrorCode::BrokerTransportFailure
            )
        );
        match self.last_trouble().filter(|_| is_symptom) {
            Some(trouble) => format!("{text} ({trouble})"),
            None => text,
        }
    }

    fn redacted(&self, text: &str) -> String {
        match &self.password {
            Some(password) if text.contains(password.expose()) => {
                text.replace(password.expose(), "[REDACTED]")
            }
            _ => text.to_owned(),
        }
    }
}

impl ClientContext for Ear {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let (component, message) = (&*self.component, self.redacted(message));
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => {
                tracing::warn!(component, facility, message, "librdkafka");
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(component, facility, message, "librdkafka");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(component, facility, message, "librdkafka"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let reason = advised(error.rdkafka_error_code(), self.redacted(reason));
        tracing::debug!(
            component = &*self.component,
            reason,
            "a broker can't be used"
        );
        // That all are down says less than why the last of them is.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        }
    }
}

impl ConsumerContext for Ear {}

fn advised(code: Option<RDKafkaErrorCode>, reason: String) -> String {
    let advice = match code {
        Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed) => {
            "check auth.sasl: username, password and mechanism"
        }
        Some(RDKafkaErrorCode::SSL) => {
            "check tls: does the broker speak TLS on this port, and is tls.ca_file its authority?"
        }
        _ if reason.contains("Disconnected") => {
            "the broker hangs up; does it want TLS (tls) or a password (auth.sasl)?"
        }
        _ => return reason,
    };
    format!("{reason}; {advice}")
}

#[cfg(test)]
mod tests;
