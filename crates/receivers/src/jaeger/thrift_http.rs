//! Spans in Thrift over HTTP: `POST /api/traces`, a batch in the binary protocol.

use bytes::Bytes;
use fanlight_formats::jaeger::thrift::read_batch;
use fanlight_formats::thrift::Protocol;
use fanlight_net::Body;
use fanlight_net::http::Handler;
use fanlight_net::status::Failure;
use fanlight_otlp::Batch;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};

use super::otlp;
use crate::door::{Door, answer, media_type};

/// What a Jaeger collector answers for; the others of its endpoints are not served.
pub(super) struct ThriftHandler(pub(super) Door);

impl Handler for ThriftHandler {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move { answer(self.take(request).await, StatusCode::ACCEPTED) })
    }
}

impl ThriftHandler {
    async fn take(&self, request: Request<Body>) -> Result<(), Failure> {
        let (head, body) = request.into_parts();
        if head.uri.path().trim_end_matches('/') != "/api/traces" {
            return Err(Failure::not_found(
                "nothing is served at this path; Jaeger's Thrift is taken at /api/traces",
            ));
        }
        if head.method != Method::POST {
            return Err(Failure {
                message: "only POST is served here: a Jaeger client sends its spans to this path"
                    .to_owned(),
                ..Failure::only_post()
            });
        }
        let kind = media_type(&head.headers);
        // Both names stand for the binary protocol: https://www.jaegertracing.io/docs/1.62/apis/#thrift-over-http-stable
        let is_thrift = [
            "",
            "application/x-thrift",
            "application/vnd.apache.thrift.binary",
        ];
        if !is_thrift.contains(&kind.as_str()) {
            return Err(Failure::unsupported_media_type(
                "this is not Thrift's binary protocol; send application/vnd.apache.thrift.binary",
            ));
        }
        let held = self.0.read(&head.headers, body).await?;
        let offered = self.0.offer(held, &head.headers, "collector_http", decode);
        offered.await.map(drop)
    }
}

fn decode(body: Bytes) -> Result<Batch, Failure> {
    let batch = read_batch(Protocol::Binary, &body).map_err(|error| {
        Failure::bad_request(format!("the body is no Thrift batch of spans: {error}"))
    })?;
    otlp::batch(batch).map_err(|invalid| Failure::bad_request(invalid.to_string()))
}
