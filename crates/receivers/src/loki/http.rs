//! `POST /loki/api/v1/push`: protobuf in a snappy block, or JSON.

use std::sync::Arc;

use fanlight_formats::loki::PUSH_PATH;
use fanlight_net::compress::{Encoding, UnsupportedEncoding};
use fanlight_net::http::Handler;
use fanlight_net::intake::{Intake, Limits};
use fanlight_net::status::{BodyFormat, Failure};
use fanlight_net::{Body, auth};
use fanlight_pipeline::{Inlet, ServerAuth};
use futures::future::BoxFuture;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response, StatusCode};

use super::records::{self, Times};
use crate::origin::origin;

/// Takes pushes over HTTP.
pub(super) struct PushHandler {
    pub(super) inlet: Inlet,
    pub(super) intake: Intake,
    pub(super) limits: Limits,
    pub(super) auth: Option<Arc<dyn ServerAuth>>,
    pub(super) include_metadata: bool,
    /// The content codings that are taken; empty means all there are.
    pub(super) encodings: Vec<String>,
    pub(super) times: Times,
}

impl Handler for PushHandler {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            match self.push(request).await {
                Ok(()) => {
                    let mut response = Response::new(Body::empty());
                    *response.status_mut() = StatusCode::NO_CONTENT;
                    response
                }
                Err(failure) => failure.to_http(BodyFormat::Json),
            }
        })
    }
}

impl PushHandler {
    async fn push(&self, request: Request<Body>) -> Result<(), Failure> {
        let (head, body) = request.into_parts();
        if head.uri.path().trim_end_matches('/') != PUSH_PATH {
            return Err(Failure::not_found(format!(
                "nothing is served at this path; logs are pushed to {PUSH_PATH}"
            )));
        }
        if head.method != Method::POST {
            return Err(Failure::only_post());
        }
        auth::check(self.auth.as_ref(), &head.headers)?;
        let is_json = is_json(&head.headers)?;
        let encoding = self.encoding(&head.headers)?;
        let held = self.intake.read(body, encoding, &self.limits).await?;
        let (bytes, times, most) = (held.bytes.clone(), self.times, self.limits.max_bytes);
        // Logs take about ten times as long to read as a body to inflate.
        let cost = bytes.len().saturating_mul(4);
        let read = move || {
            let body = match is_json {
                true => records::Body::Json(bytes),
                false => records::unsnap(&bytes, most)?,
            };
            records::read(body, times, most)
        };
        let batch = self
            .intake
            .run(cost, read)
            .await??
            .with_origin(origin(self.include_metadata, &head.headers));
        if batch.items() > 0 {
            self.inlet.offer(batch, "http").await?;
        }
        // The body counts against the memory budget until its batch is in the queues' books.
        drop(held);
        Ok(())
    }

    /// The coding around the body. The snappy block of protobuf is part of the format, whether it is named or not.
    fn encoding(&self, headers: &HeaderMap) -> Result<Option<Encoding>, Failure> {
        let Some(value) = headers.get(CONTENT_ENCODING) else {
            return Ok(None);
        };
        let name = value.to_str().unwrap_or("?");
        if name.eq_ignore_ascii_case("snappy") {
            return Ok(None);
        }
        let encoding = Encoding::from_header(name)?;
        let is_allowed = |encoding: Encoding| {
            let mut allowed = self.encodings.iter();
            self.encodings.is_empty()
                || allowed.any(|name| Encoding::from_header(name) == Ok(Some(encoding)))
        };
        match encoding.filter(|encoding| !is_allowed(*encoding)) {
            None => Ok(encoding),
            Some(refused) => Err(UnsupportedEncoding::Unknown(refused.name().to_owned()).into()),
        }
    }
}

fn is_json(headers: &HeaderMap) -> Result<bool, Failure> {
    let named = headers.get(CONTENT_TYPE);
    let named = named.and_then(|value| value.to_str().ok());
    match named.and_then(BodyFormat::from_content_type) {
        Some(format) => Ok(format == BodyFormat::Json),
        None => Err(Failure::unsupported_media_type(
            "send application/json, or application/x-protobuf in a snappy block",
        )),
    }
}
