//! What may stand in `otlp`, `queues` and `backoff`, with Telegen's defaults.

use std::time::Duration;

use fanlight_config::{ByteSize, Endpoint, Headers, duration};
use serde::{Deserialize, Deserializer};

/// The keys of `otlp`. What is only passed on is read to be checked, and then taken from the node.
#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Keys {
    #[serde(deserialize_with = "empty_is_none")]
    pub(super) endpoint: Option<Endpoint>,
    pub(super) protocol: Protocol,
    pub(super) insecure: Option<bool>,
    #[serde(rename = "headers")]
    pub(super) _headers: Headers,
    #[serde(rename = "compression")]
    pub(super) _compression: Compression,
    #[serde(with = "duration")]
    pub(super) timeout: Duration,
    pub(super) max_connections: Option<u32>,
    #[serde(rename = "idle_timeout", with = "duration::option")]
    pub(super) _idle_timeout: Option<Duration>,
    pub(super) tls: Tls,
    pub(super) traces: Traces,
    pub(super) metrics: PerSignal,
    pub(super) logs: PerSignal,
    pub(super) profiles: PerSignal,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            endpoint: None,
            protocol: Protocol::Grpc,
            insecure: None,
            _headers: Headers::default(),
            _compression: Compression::Gzip,
            timeout: Duration::from_secs(10),
            max_connections: None,
            _idle_timeout: None,
            tls: Tls::default(),
            traces: Traces::default(),
            metrics: PerSignal::default(),
            logs: PerSignal::default(),
            profiles: PerSignal::default(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Protocol {
    Grpc,
    #[serde(alias = "http/protobuf")]
    Http,
    #[serde(rename = "http/json")]
    HttpJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Compression {
    Gzip,
    Zstd,
    #[serde(alias = "")]
    None,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Tls {
    pub(super) enabled: Option<bool>,
    pub(super) ca_file: String,
    pub(super) cert_file: String,
    pub(super) key_file: String,
    pub(super) insecure_skip_verify: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PerSignal {
    pub(super) enabled: Option<bool>,
    #[serde(deserialize_with = "empty_is_none")]
    pub(super) endpoint: Option<Endpoint>,
    pub(super) headers: Option<Headers>,
    pub(super) batch_size: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Traces {
    pub(super) enabled: Option<bool>,
    #[serde(deserialize_with = "empty_is_none")]
    pub(super) endpoint: Option<Endpoint>,
    pub(super) headers: Option<Headers>,
    pub(super) batch_size: Option<u64>,
    pub(super) sample_rate: Option<f64>,
    pub(super) sampler: Option<String>,
}

/// `queues`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Queues {
    pub(super) traces: QueueKeys,
    pub(super) metrics: QueueKeys,
    pub(super) logs: QueueKeys,
}

#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct QueueKeys {
    pub(super) mem_limit: Option<ByteSize>,
    #[serde(with = "duration::option")]
    pub(super) max_age: Option<Duration>,
    pub(super) batch_size: Option<u64>,
    #[serde(with = "duration::option")]
    pub(super) flush_interval: Option<Duration>,
}

/// `backoff`, with Telegen's defaults.
#[derive(Clone, Deserialize)]
#[serde(default)]
pub(super) struct Backoff {
    #[serde(with = "duration")]
    pub(super) initial: Duration,
    #[serde(with = "duration")]
    pub(super) max: Duration,
    pub(super) multiplier: f64,
    pub(super) jitter: f64,
    pub(super) max_retries: Option<u32>,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff {
            initial: Duration::from_millis(500),
            max: Duration::from_secs(30),
            multiplier: 2.0,
            jitter: 0.2,
            max_retries: None,
        }
    }
}

impl Backoff {
    /// About how long so many retries take, at most.
    pub(super) fn time_of(&self, retries: u32, timeout: Duration) -> Duration {
        /// Retries past these make no difference to anybody.
        const MOST: u32 = 10_000;
        let mut delay = self.initial.as_secs_f64();
        let mut total = 0.0;
        for _ in 0..retries.min(MOST) {
            total +=
                delay.min(self.max.as_secs_f64()) * (1.0 + self.jitter) + timeout.as_secs_f64();
            delay *= self.multiplier;
        }
        Duration::try_from_secs_f64(total.round()).unwrap_or(Duration::ZERO)
    }
}

/// Reads an endpoint; an empty text is none, as Telegen's defaults are written.
fn empty_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Endpoint>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.trim().is_empty());
    text.map(|text| text.parse().map_err(serde::de::Error::custom))
        .transpose()
}
