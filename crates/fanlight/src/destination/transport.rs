//! One attempt: a request compressed, sent over HTTP, and its answer read.
//!
//! Redirects are not followed, since the headers would go to another host. No proxy is taken from the environment.

use std::borrow::Cow;
use std::error::Error;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, SystemTime};

use fanlight_otlp::Batch;
use flate2::write::GzEncoder;
use ureq::Agent;
use ureq::http::header::{
    ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER,
};

use crate::destination::answer::{Answer, Verdict};
use crate::destination::settings::{Compression, Encoding, Settings, Target};
use crate::destination::tls;

/// How much of an answer is read.
const LONGEST_ANSWER: u64 = 64 * 1024;
/// What is smaller is not worth compressing.
const WORTH_COMPRESSING: usize = 512;
/// Telemetry repeats itself so much that a higher level costs more than it saves.
const LEVEL: flate2::Compression = flate2::Compression::new(3);
/// Backends and load balancers close connections that are idle for a minute or less; one that was closed costs an attempt.
const IDLE: Duration = Duration::from_secs(20);

/// Connections to one destination.
#[derive(Debug)]
pub(crate) struct Transport {
    agent: Agent,
}

impl Transport {
    /// Reads the certificates, if any target needs them.
    ///
    /// # Errors
    /// Says which file can't be used.
    pub(crate) fn new(settings: &Settings) -> Result<Transport, String> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(settings.user_agent.as_str())
            .max_idle_connections(4)
            .max_idle_age(IDLE);
        let is_secure = |target: &Target| {
            let scheme = target.url.get(..8).unwrap_or_default();
            scheme.eq_ignore_ascii_case("https://")
        };
        let config = match settings.targets.iter().any(is_secure) {
            true => tls::configure(config, &settings.tls)?,
            false => config,
        };
        Ok(Transport {
            agent: config.build().new_agent(),
        })
    }

    /// Sends a request once. Ends within the timeout, whatever the other side does.
    pub(crate) fn attempt(&self, target: &Target, batch: &Batch, timeout: Duration) -> Verdict {
        // Resolving a name starts a thread, which panics where the system gives none.
        let attempt = AssertUnwindSafe(|| self.send(target, batch, timeout));
        let sent = panic::catch_unwind(attempt).unwrap_or_else(|_| Err(ureq::Error::HostNotFound));
        match sent {
            Ok(answer) => answer.verdict(batch.signal(), SystemTime::now()),
            Err(error) => no_answer(&error, timeout),
        }
    }

    fn send(
        &self,
        target: &Target,
        batch: &Batch,
        timeout: Duration,
    ) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.post(&target.url);
        for (name, value) in target.headers.iter() {
            if !is_ours(name) {
                request = request.header(name, value.expose());
            }
        }
        let (content_type, bytes) = match target.encoding {
            Encoding::Protobuf => ("application/x-protobuf", Cow::Borrowed(&batch.bytes()[..])),
            Encoding::Json => {
                let json = fanlight_otlp::json::to_vec(batch).map_err(io::Error::other)?;
                ("application/json", Cow::Owned(json))
            }
        };
        request = request
            .header(CONTENT_TYPE, content_type)
            .header(ACCEPT, "application/x-protobuf, application/json");
        let request = request.config().timeout_global(Some(timeout)).build();
        let answer = match target.compression {
            Compression::Gzip if bytes.len() >= WORTH_COMPRESSING => request
                .header(CONTENT_ENCODING, "gzip")
                .send(gzip(&bytes)?.as_slice())?,
            _ => request.send(&bytes[..])?,
        };
        let (head, mut body) = answer.into_parts();
        // The status is what counts: what came of a body that breaks off is enough.
        let mut read = Vec::new();
        let reader = body.with_config().limit(LONGEST_ANSWER).reader();
        let _ = io::copy(&mut io::Read::take(reader, LONGEST_ANSWER), &mut read);
        let content_type = text(&head.headers, &CONTENT_TYPE);
        Ok(Answer {
            status: head.status.as_u16(),
            retry_after: text(&head.headers, &RETRY_AFTER),
            location: text(&head.headers, &LOCATION),
            is_json: content_type.is_some_and(|kind| kind.contains("json")),
            body: read,
        })
    }
}

/// Headers that describe the body, which the user can't know.
fn is_ours(name: &str) -> bool {
    ["content-type", "content-encoding", "content-length", "host"]
        .iter()
        .any(|ours| name.eq_ignore_ascii_case(ours))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), LEVEL);
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Why there is no answer, in the user's words.
fn no_answer(error: &ureq::Error, timeout: Duration) -> Verdict {
    let mut is_broken = false;
    let why = match error {
        ureq::Error::Timeout(_) => format!("no answer within {timeout:.1?}"),
        ureq::Error::HostNotFound => "the host's name can't be resolved".to_owned(),
        ureq::Error::Io(error) => {
            is_broken = matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::NotConnected
            );
            match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    "connection refused; is the backend running?".to_owned()
                }
                _ => deepest(error),
            }
        }
        ureq::Error::Protocol(error) => {
            format!("the answer is not HTTP ({error}); does it want https://, or gRPC?")
        }
        ureq::Error::BadUri(_) => "the URL can't be used".to_owned(),
        // A header that can't be sent: its value is not shown.
        ureq::Error::Http(_) => "a header or the URL can't be sent".to_owned(),
        other => deepest(other),
    };
    Verdict::NoAnswer { why, is_broken }
}

fn deepest(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
