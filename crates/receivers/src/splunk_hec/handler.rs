//! The paths: health, acknowledgements, raw lines, and events everywhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fanlight_formats::splunk_hec::AckRequest;
use fanlight_net::compress::Encoding;
use fanlight_net::http::Handler;
use fanlight_net::intake::{Intake, Limits};
use fanlight_net::status::Failure;
use fanlight_net::{Body, auth};
use fanlight_pipeline::{Inlet, ServerAuth};
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_ENCODING};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use serde_json::json;

use super::Rules;
use super::answer::{Refusal, respond};
use super::events::{Parsed, Source};

/// The header that names a client's channel.
const CHANNEL: &str = "x-splunk-request-channel";

/// Answers requests.
pub(super) struct HecHandler {
    rules: Rules,
    inlet: Inlet,
    intake: Intake,
    limits: Limits,
    auth: Option<Arc<dyn ServerAuth>>,
    /// The next id of an acknowledgement.
    next_ack: AtomicU64,
}

impl HecHandler {
    pub(super) fn new(
        rules: Rules,
        inlet: Inlet,
        intake: Intake,
        limits: Limits,
        auth: Option<Arc<dyn ServerAuth>>,
    ) -> HecHandler {
        HecHandler {
            rules,
            inlet,
            intake,
            limits,
            auth,
            next_ack: AtomicU64::new(0),
        }
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, Refusal> {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let health = self.rules.health_path.as_str();
        if path == health || path.strip_suffix("/1.0") == Some(health) {
            let well = json!({"text": "HEC is healthy", "code": 17});
            return Ok(respond(StatusCode::OK, &well));
        }
        if head.method != Method::POST {
            return Err(Refusal::only_post());
        }
        auth::check(self.auth.as_ref(), &head.headers).map_err(Failure::from)?;
        let channel = channel(&head.headers, &head.uri)?;
        let encoding = head.headers.get(CONTENT_ENCODING);
        let encoding = encoding.map(|value| value.to_str().unwrap_or("?"));
        let encoding =
            Encoding::from_header(encoding.unwrap_or_default()).map_err(Failure::from)?;
        let held = self.intake.read(body, encoding, &self.limits).await?;
        let body = held.bytes.clone();
        let is_ack = self.rules.ack.as_ref().is_some_and(|ack| path == ack.path);
        if is_ack || path == super::Ack::default().path {
            return self.acknowledgements(is_ack, channel.as_deref(), &body);
        }
        let parsed = self.parse(&head.uri, body).await?;
        let token = head
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Splunk "));
        for batch in parsed.batches(&self.rules, token) {
            let accepted = self.inlet.offer(batch, "http").await?;
            if accepted.rejected_items > 0 {
                return Err(Refusal::of_destination(accepted.message));
            }
        }
        // The body counts against the memory budget until its batches are in the queues' books.
        drop(held);
        let mut taken = json!({"text": "Success", "code": 0});
        if self.rules.ack.is_some() && channel.is_some() {
            taken["ackId"] = self.next_ack.fetch_add(1, Ordering::Relaxed).into();
        }
        Ok(respond(StatusCode::OK, &taken))
    }

    async fn parse(&self, uri: &Uri, body: Bytes) -> Result<Parsed, Refusal> {
        if body.is_empty() {
            return Err(Refusal::no_data());
        }
        if uri.path() != self.rules.raw_path {
            let cost = body.len();
            return self.intake.run(cost, move || Parsed::events(&body)).await?;
        }
        let text = |name: &str| parameter(uri, name).unwrap_or_default();
        let time = match parameter(uri, "time") {
            None => 0,
            Some(time) => fanlight_formats::splunk_hec::Time::Text(time)
                .nanoseconds()
                .ok_or_else(Refusal::invalid_format)?,
        };
        let source = Source {
            host: text("host"),
            source: text("source"),
            sourcetype: text("sourcetype"),
            index: text("index"),
        };
        Ok(Parsed::raw(&body, self.rules.splitting, &source, time))
    }

    /// Which of the ids are of events that are kept: all that were ever given.
    fn acknowledgements(
        &self,
        is_enabled: bool,
        channel: Option<&str>,
        body: &[u8],
    ) -> Result<Response<Body>, Refusal> {
        if !is_enabled {
            return Err(Refusal::ack_disabled());
        }
        if channel.is_none() {
            return Err(Refusal::channel_missing());
        }
        let asked: AckRequest =
            serde_json::from_slice(body).map_err(|_| Refusal::invalid_format())?;
        if asked.acks.is_empty() {
            return Err(Refusal::invalid_format());
        }
        let next = self.next_ack.load(Ordering::Relaxed);
        let known = asked
            .acks
            .into_iter()
            .map(|id| (id.to_string(), json!(id < next)));
        let acks: serde_json::Map<String, serde_json::Value> = known.collect();
        Ok(respond(StatusCode::OK, &json!({"acks": acks})))
    }
}

impl Handler for HecHandler {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            let answer = self.answer(request).await;
            answer.unwrap_or_else(|refusal| refusal.response())
        })
    }
}

/// The client's channel, which is a UUID.
fn channel(headers: &HeaderMap, uri: &Uri) -> Result<Option<String>, Refusal> {
    let header = headers
        .get(CHANNEL)
        .map(|value| value.to_str().unwrap_or("?").to_owned());
    let Some(channel) = header.or_else(|| parameter(uri, "channel")) else {
        return Ok(None);
    };
    let digits = channel.bytes().filter(u8::is_ascii_hexdigit).count();
    let others = channel
        .bytes()
        .filter(|byte| !byte.is_ascii_hexdigit() && *byte != b'-')
        .count();
    match (channel.is_empty(), digits, others) {
        (true, ..) => Err(Refusal::channel_missing()),
        (_, 32, 0) => Ok(Some(channel)),
        _ => Err(Refusal::invalid_channel()),
    }
}

/// A parameter of a query, with its escapes undone.
fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&');
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => (digit()? * 16 + digit()?) as u8,
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
