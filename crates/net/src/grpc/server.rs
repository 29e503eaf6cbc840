//! Answering unary calls.

use std::sync::Arc;

use bytes::Bytes;
use fanlight_pipeline::ServerAuth;
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};

use super::{Status, frame};
use crate::auth;
use crate::body::Body;
use crate::compress::Encoding;
use crate::http::Handler;
use crate::intake::{Held, Intake, Limits};
use crate::status::Failure;

pub(super) const CONTENT_TYPE_GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
pub(super) const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// The methods that a gRPC server offers.
pub trait Service: Send + Sync + 'static {
    /// Whether there is a method of this path, such as `/package.Service/Method`.
    fn serves(&self, method: &str) -> bool;

    /// Answers a call. The message is decompressed; the answer goes out uncompressed.
    fn call<'a>(
        &'a self,
        method: &'a str,
        headers: &'a HeaderMap,
        message: Held,
    ) -> BoxFuture<'a, Result<Bytes, Failure>>;
}

/// Speaks gRPC on behalf of a [`Service`].
pub struct GrpcHandler<S> {
    service: S,
    intake: Intake,
    limits: Limits,
    auth: Option<Arc<dyn ServerAuth>>,
}

impl<S: Service> GrpcHandler<S> {
    /// Messages are read within the limits, after the caller's credentials were checked.
    pub fn new(
        service: S,
        intake: Intake,
        limits: Limits,
        auth: Option<Arc<dyn ServerAuth>>,
    ) -> GrpcHandler<S> {
        GrpcHandler {
            service,
            intake,
            limits,
            auth,
        }
    }

    async fn call(&self, request: Request<Body>) -> Result<Bytes, Failure> {
        let (head, mut body) = request.into_parts();
        auth::check(self.auth.as_ref(), &head.headers)?;
        let method = head.uri.path();
        if !self.service.serves(method) {
            return Err(Failure::not_found(format!(
                "there is no method {}",
                method.chars().take(200).collect::<String>()
            )));
        }
        let declared = match head.headers.get(GRPC_ENCODING) {
            Some(value) => Encoding::from_header(value.to_str().unwrap_or("?"))?,
            None => None,
        };
        let most = self.limits.max_bytes.saturating_add(frame::HEAD);
        let (chunks, lease) = self.intake.gather(&mut body, most, &self.limits).await?;
        let (message, encoding) = frame::read(chunks, declared)?;
        let held = self
            .intake
            .decompress(message, encoding, &self.limits, lease)
            .await?;
        self.service.call(method, &head.headers, held).await
    }
}

impl<S: Service> Handler for GrpcHandler<S> {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            if let Some(refusal) = not_grpc(&request) {
                return refusal;
            }
            match self
                .call(request)
                .await
                .map(|answer| frame::write(answer, false))
            {
                Ok(Some((head, message))) => {
                    respond(Body::framed(head, message, Some(Status::ok_trailers())))
                }
                Ok(None) => refuse(&Failure::internal("the answer is too long")),
                Err(failure) => refuse(&failure),
            }
        })
    }
}

fn respond(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, CONTENT_TYPE_GRPC);
    headers.insert(
        GRPC_ACCEPT_ENCODING,
        HeaderValue::from_static(Encoding::ACCEPTED),
    );
    response
}

/// A refusal has no message: its status stands in the headers ("trailers only").
fn refuse(failure: &Failure) -> Response<Body> {
    let mut response = respond(Body::empty());
    Status::write(failure, response.headers_mut());
    response
}

/// The answer to what is not a gRPC call, most often OTLP/HTTP sent to the wrong port.
fn not_grpc(request: &Request<Body>) -> Option<Response<Body>> {
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = content_type.strip_prefix("application/grpc");
    let is_grpc = kind.is_some_and(|kind| {
        matches!(kind, "" | "+proto") || kind.starts_with(';') || kind.starts_with("+proto;")
    });
    if is_grpc && request.version() == Version::HTTP_2 && request.method() == http::Method::POST {
        return None;
    }
    let text = "this port speaks gRPC; OTLP over HTTP is served on another port, usually 4318\n";
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    Some(response)
}
