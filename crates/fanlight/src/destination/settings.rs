//! How a destination is reached, and how much is kept for it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use fanlight_config::Headers;
use fanlight_otlp::Signal;

use crate::collect::Temporality;
use crate::form::Form;

/// One destination.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What it is called in what the user is told.
    pub(crate) name: String,
    /// Where each signal goes; those without a target are not sent.
    pub(crate) targets: Vec<Target>,
    pub(crate) form: Form,
    /// How metrics that add up are sent.
    pub(crate) temporality: Temporality,
    pub(crate) retry: Retry,
    /// How many bytes wait in memory at most.
    pub(crate) queue_bytes: usize,
    /// Where the undelivered is kept; nowhere without.
    pub(crate) disk: Option<Disk>,
    pub(crate) tls: Tls,
    pub(crate) user_agent: String,
}

/// Where one signal goes.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) signal: Signal,
    /// The whole URL, path included.
    pub(crate) url: String,
    pub(crate) headers: Headers,
    /// How long an attempt may take.
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    pub(crate) encoding: Encoding,
    /// What to look at when the credentials are not accepted, such as `OTEL_EXPORTER_OTLP_HEADERS`.
    pub(crate) credentials: String,
}

/// How requests are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    #[default]
    Protobuf,
    Json,
}

/// How request bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    None,
}

impl Default for Compression {
    /// Gzip; but a program built without optimization would need a second for each megabyte, so there it is nothing.
    fn default() -> Compression {
        if cfg!(debug_assertions) {
            Compression::None
        } else {
            Compression::Gzip
        }
    }
}

/// When a request that failed is sent again, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    /// The pause after the first failure; it doubles with each.
    pub(crate) first: Duration,
    /// The longest pause, unless the destination asks for a longer one.
    pub(crate) longest: Duration,
    /// What is older is given up.
    pub(crate) age_limit: Duration,
}

/// Where the undelivered is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    /// One directory for all destinations and programs of a user.
    pub(crate) directory: PathBuf,
    /// How many bytes at most, for this destination.
    pub(crate) max_bytes: u64,
    /// What the program is called: what one program left is not sent by another.
    pub(crate) program: String,
}

/// Whom to trust beside the system's certificates, and who this is. All are files in PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    /// Trusted in place of the system's certificates.
    pub(crate) authority: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

impl Settings {
    /// A destination with the usual limits, which keeps nothing on disk.
    pub(crate) fn new(name: impl Into<String>, targets: Vec<Target>) -> Settings {
        Settings {
            name: name.into(),
            targets,
            form: Form {
                spans: true,
                ..Form::default()
            },
            temporality: Temporality::Cumulative,
            retry: Retry::default(),
            queue_bytes: 64 << 20,
            disk: None,
            tls: Tls::default(),
            user_agent: concat!("fanlight-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl Target {
    /// A target with the usual limits and no headers.
    pub(crate) fn new(signal: Signal, url: impl Into<String>) -> Target {
        Target {
            signal,
            url: url.into(),
            headers: Headers::default(),
            timeout: Duration::from_secs(10),
            compression: Compression::default(),
            encoding: Encoding::Protobuf,
            credentials: "OTEL_EXPORTER_OTLP_HEADERS".to_owned(),
        }
    }

    /// Somebody else's words without what our headers hold, in case they repeat them.
    pub(crate) fn redact(&self, words: &str) -> String {
        let mut words = words.to_owned();
        for (_, value) in self.headers.iter() {
            let value = value.expose();
            let parts = std::iter::once(value).chain(value.split_whitespace());
            // What is shorter is `Basic`, or `true`.
            for secret in parts.filter(|part| part.len() > 6) {
                words = words.replace(secret, "[REDACTED]");
            }
        }
        words
    }

    /// The URL as it may be shown and stored: without user, password, query and fragment, each of which may be a secret.
    pub(crate) fn shown_url(&self) -> String {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        let Some((scheme, rest)) = url.split_once("://") else {
            return url.to_owned();
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        format!("{scheme}://{host}{path}")
    }
}

/// The URL may hold secrets.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("url", &self.shown_url())
            .field("headers", &self.headers)
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(15),
            age_limit: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl Disk {
    /// The usual bound.
    pub(crate) const MAX_BYTES: u64 = 512 << 20;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_shown_without_what_may_be_secret() {
        let shown = |url: &str| Target::new(Signal::Traces, url).shown_url();
        let plain = "https://host:4318/v1/traces";
        assert_eq!(shown(plain), plain);
        assert_eq!(shown("https://me:s3cret@host:4318/v1/traces"), plain);
        assert_eq!(shown("https://host:4318/v1/traces?key=s3cret"), plain);
        assert_eq!(shown("https://host:4318/v1/traces#s3cret"), plain);
        assert_eq!(shown("https://me:s3@cret@host:4318/v1/traces"), plain);
    }
}
