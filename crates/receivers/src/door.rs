//! The way in that receivers over HTTP share: who may send, how much, and what becomes of it.
//!
//! A [`Door`] checks credentials, reads the body within limits, has it decoded and offers it to the pipelines. What it
//! answers is for clients that do not speak OTLP: a status, and a line of text.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanlight_config::blocks::HttpServer;
use fanlight_net::compress::{Encoding, UnsupportedEncoding};
use fanlight_net::http::text;
use fanlight_net::intake::{Held, Intake, Limits};
use fanlight_net::status::Failure;
use fanlight_net::{Body, auth};
use fanlight_otlp::Batch;
use fanlight_pipeline::{Accepted, Inlet, ServerAuth};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::open::limits;
use crate::origin::origin;

/// What an HTTP server of a receiver lets in.
pub(crate) struct Door {
    queues: Queues,
    limits: Limits,
    auth: Option<Arc<dyn ServerAuth>>,
    /// The content codings that are taken; empty means all there are.
    encodings: Vec<String>,
}

/// The way from a body, over whatever transport it came, into the queues.
#[derive(Clone)]
pub(crate) struct Queues {
    pub(crate) inlet: Inlet,
    /// The memory budget, and the threads that decode.
    pub(crate) intake: Intake,
    /// Whether the callers' headers go with the batches.
    pub(crate) include_metadata: bool,
}

impl Door {
    /// As the block says.
    pub(crate) fn new(
        block: &HttpServer,
        auth: Option<Arc<dyn ServerAuth>>,
        intake: Intake,
        inlet: Inlet,
    ) -> Door {
        Door {
            queues: Queues {
                inlet,
                intake,
                include_metadata: block.include_metadata,
            },
            limits: limits(block),
            auth,
            encodings: block.compression_algorithms.clone(),
        }
    }

    /// Reads the body of somebody who may send.
    pub(crate) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Held, Failure> {
        auth::check(self.auth.as_ref(), headers)?;
        let encoding = self.encoding(headers)?;
        self.queues.intake.read(body, encoding, &self.limits).await
    }

    /// As [`Queues::offer`], where decoding costs what the body has.
    pub(crate) async fn offer(
        &self,
        held: Held,
        headers: &HeaderMap,
        transport: &'static str,
        decode: impl FnOnce(Bytes) -> Result<Batch, Failure> + Send + 'static,
    ) -> Result<Accepted, Failure> {
        let cost = held.bytes.len();
        self.queues
            .offer(held, headers, transport, cost, decode)
            .await
    }

    fn encoding(&self, headers: &HeaderMap) -> Result<Option<Encoding>, Failure> {
        let Some(value) = headers.get(CONTENT_ENCODING) else {
            return Ok(None);
        };
        let encoding = Encoding::from_header(value.to_str().unwrap_or("?"))?;
        let is_allowed = |encoding: Encoding| {
            let same = |name: &String| Encoding::from_header(name) == Ok(Some(encoding));
            self.encodings.is_empty() || self.encodings.iter().any(same)
        };
        match encoding.filter(|encoding| !is_allowed(*encoding)) {
            None => Ok(encoding),
            Some(refused) => Err(UnsupportedEncoding::Unknown(refused.name().to_owned()).into()),
        }
    }
}

impl Queues {
    /// Decodes a body and hands it in, over a transport that the counters name. `cost` is what decoding takes, in bytes.
    ///
    /// Dropping it may leave the batch accepted or not; the sender has no answer then and will send again.
    pub(crate) async fn offer(
        &self,
        held: Held,
        headers: &HeaderMap,
        transport: &'static str,
        cost: usize,
        decode: impl FnOnce(Bytes) -> Result<Batch, Failure> + Send + 'static,
    ) -> Result<Accepted, Failure> {
        let bytes = held.bytes.clone();
        let batch = self.intake.run(cost, move || decode(bytes)).await??;
        let batch = batch.with_origin(origin(self.include_metadata, headers));
        let accepted = self.inlet.offer(batch, transport).await?;
        // The body counts against the memory budget until its batch is in the queues' books.
        drop(held);
        Ok(accepted)
    }
}

/// The `content-type` without its parameters, in lower case; empty where there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    let kind = value.unwrap_or_default().split(';').next();
    kind.unwrap_or_default().trim().to_ascii_lowercase()
}

/// The answer to who had something taken: a status without a body, or the refusal as a line of text.
pub(crate) fn answer(taken: Result<(), Failure>, status: StatusCode) -> Response<Body> {
    match taken {
        Ok(()) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            response
        }
        Err(failure) => refusal(&failure),
    }
}

fn refusal(failure: &Failure) -> Response<Body> {
    let mut response = text(failure.status, format!("{}\n", failure.message));
    let headers = response.headers_mut();
    if let Some(delay) = failure.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds(delay)));
    }
    if let Some(challenge) = failure.challenge {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

/// Whole seconds, at least one.
fn seconds(delay: Duration) -> u64 {
    delay.as_millis().div_ceil(1000).max(1) as u64
}
