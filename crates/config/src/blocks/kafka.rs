//! How Kafka is reached, by producers and consumers alike.
//!
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/pkg/kafka/configkafka).

use std::time::Duration;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, de};

use super::{NotSupported, TlsClient};
use crate::Secret;

/// What every Kafka client is told, beside its own keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct KafkaClient {
    /// `host:port` of some brokers, as a list or separated by commas; the others are learnt from them. Default:
    /// `localhost:9092`.
    #[serde(deserialize_with = "brokers")]
    pub brokers: Vec<String>,
    /// The name that brokers see, for quotas and logs. Default: `otel-collector`.
    pub client_id: String,
    /// The rack that this machine stands in, for brokers that choose the nearest replica. Default: none.
    pub rack_id: String,
    /// How connections are secured. Default: plain text; `tls: {}` is enough for TLS with the system's authorities.
    #[serde(deserialize_with = "crate::present")]
    pub tls: Option<TlsClient>,
    /// Who this client is.
    pub auth: KafkaAuth,
    /// How often the cluster's layout is asked for.
    pub metadata: KafkaMetadata,
    /// How long an idle connection is kept. Default: 9m.
    #[serde(with = "crate::duration")]
    pub conn_idle_timeout: Duration,
    /// Whether brokers are connected to by their canonical names, as some SASL set-ups want. Default: false.
    pub resolve_canonical_bootstrap_servers_only: bool,
    /// Accepted, no effect: the versions that a broker speaks are asked for when connecting.
    pub protocol_version: String,
    /// Accepted, no effect: leader epochs are used where the broker knows them. Default: true.
    pub use_leader_epoch: bool,
}

/// `auth` of a Kafka client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct KafkaAuth {
    /// A user name and a password.
    #[serde(deserialize_with = "crate::present")]
    pub sasl: Option<KafkaSasl>,
    /// The old form of `sasl` with mechanism PLAIN.
    #[serde(deserialize_with = "crate::present")]
    pub plain_text: Option<KafkaPlainText>,
    /// The old place of `tls`, used where that is not there.
    #[serde(deserialize_with = "crate::present")]
    pub tls: Option<TlsClient>,
    /// Not supported: use `sasl` with a SCRAM mechanism, or client certificates under `tls`.
    pub kerberos: NotSupported,
}

/// `auth.sasl` of a Kafka client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct KafkaSasl {
    /// The user. Mandatory.
    pub username: String,
    /// The password. Mandatory.
    pub password: Secret,
    /// How the password is proven. Mandatory.
    pub mechanism: Option<SaslMechanism>,
    /// Accepted, no effect: the handshake's version is agreed on with the broker.
    pub version: u8,
    /// Not supported.
    pub aws_msk: NotSupported,
    /// Not supported.
    pub oauthbearer_token_source: NotSupported,
    /// Not supported.
    pub oidc_file: NotSupported,
}

/// `auth.plain_text` of a Kafka client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct KafkaPlainText {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// How a password is proven to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslMechanism {
    /// `PLAIN`: the password itself, which TLS should protect.
    Plain,
    /// `SCRAM-SHA-256`.
    ScramSha256,
    /// `SCRAM-SHA-512`.
    ScramSha512,
}

/// `metadata` of a Kafka client.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct KafkaMetadata {
    /// Accepted, no effect: only what is known of the topics in use is kept. Default: true.
    pub full: bool,
    /// How often the layout is asked for without need. Default: 10m.
    #[serde(with = "crate::duration")]
    pub refresh_interval: Duration,
    /// What happens while a partition has no leader.
    pub retry: KafkaMetadataRetry,
}

/// `metadata.retry` of a Kafka client.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct KafkaMetadataRetry {
    /// Accepted, no effect: the layout is asked for until it is known, within the exporter's own timeout. Default: 3.
    pub max: u64,
    /// How long to wait before asking again. Default: 250ms.
    #[serde(with = "crate::duration")]
    pub backoff: Duration,
}

impl Default for KafkaClient {
    fn default() -> KafkaClient {
        KafkaClient {
            brokers: vec!["localhost:9092".to_owned()],
            client_id: "otel-collector".to_owned(),
            rack_id: String::new(),
            tls: None,
            auth: KafkaAuth::default(),
            metadata: KafkaMetadata::default(),
            conn_idle_timeout: Duration::from_secs(9 * 60),
            resolve_canonical_bootstrap_servers_only: false,
            protocol_version: String::new(),
            use_leader_epoch: true,
        }
    }
}

impl Default for KafkaMetadata {
    fn default() -> KafkaMetadata {
        KafkaMetadata {
            full: true,
            refresh_interval: Duration::from_secs(600),
            retry: KafkaMetadataRetry::default(),
        }
    }
}

impl Default for KafkaMetadataRetry {
    fn default() -> KafkaMetadataRetry {
        KafkaMetadataRetry {
            max: 3,
            backoff: Duration::from_millis(250),
        }
    }
}

impl KafkaClient {
    /// The block that secures connections, wherever it stands.
    pub fn tls(&self) -> Option<&TlsClient> {
        let block = self.tls.as_ref().or(self.auth.tls.as_ref());
        block.filter(|tls| !tls.insecure)
    }
}

impl SaslMechanism {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            SaslMechanism::Plain => "PLAIN",
            SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
            SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl<'de> Deserialize<'de> for SaslMechanism {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SaslMechanism, D::Error> {
        const KNOWN: &str =
            "write PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, or use client certificates under `tls`";
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "PLAIN" => Ok(SaslMechanism::Plain),
            "SCRAM-SHA-256" => Ok(SaslMechanism::ScramSha256),
            "SCRAM-SHA-512" => Ok(SaslMechanism::ScramSha512),
            "AWS_MSK_IAM" | "AWS_MSK_IAM_OAUTHBEARER" => Err(D::Error::custom(format!(
                "`{text}` is not supported: give the cluster a SCRAM secret (Amazon MSK: Secrets Manager) and write SCRAM-SHA-512"
            ))),
            "OAUTHBEARER" | "OIDCFILE" | "GSSAPI" => Err(D::Error::custom(format!(
                "`{text}` is not supported: {KNOWN}"
            ))),
            _ => Err(D::Error::custom(format!(
                "`{text}` is no mechanism: {KNOWN}"
            ))),
        }
    }
}

/// A list, or one text with commas.
fn brokers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Brokers;

    impl<'de> Visitor<'de> for Brokers {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list of brokers such as [kafka-1:9092, kafka-2:9092]")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<String>, E> {
            let brokers = text.split(',').map(|broker| broker.trim().to_owned());
            Ok(brokers.filter(|broker| !broker.is_empty()).collect())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Vec<String>, A::Error> {
            Vec::deserialize(de::value::SeqAccessDeserializer::new(elements))
        }
    }

    let brokers = deserializer.deserialize_any(Brokers)?;
    match brokers.is_empty() {
        true => Err(D::Error::custom("there is no broker to connect to")),
        false => Ok(brokers),
    }
}
