//! `POST /loki/api/v1/push`: protobuf in a snappy block, or JSON.

use bytes::Bytes;
use fanlight_formats::loki::PUSH_PATH;
use fanlight_net::Body;
use fanlight_net::http::Handler;
use fanlight_net::status::Failure;
use futures::future::BoxFuture;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Method, Request, Response, StatusCode};

use super::records::{self, Times};
use crate::door::{Door, answer, media_type};

/// Takes pushes over HTTP.
pub(super) struct PushHandler {
    pub(super) door: Door,
    pub(super) times: Times,
    /// The largest body, after decompression.
    pub(super) max_bytes: usize,
}

impl Handler for PushHandler {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move { answer(self.push(request).await, StatusCode::NO_CONTENT) })
    }
}

impl PushHandler {
    async fn push(&self, request: Request<Body>) -> Result<(), Failure> {
        let (mut head, body) = request.into_parts();
        if head.uri.path().trim_end_matches('/') != PUSH_PATH {
            return Err(Failure::not_found(format!(
                "nothing is served at this path; logs are pushed to {PUSH_PATH}"
            )));
        }
        if head.method != Method::POST {
            return Err(Failure::only_post());
        }
        let headers = &mut head.headers;
        let is_json = match media_type(headers).as_str() {
            "application/json" => true,
            "application/x-protobuf" => false,
            _ => {
                return Err(Failure::unsupported_media_type(
                    "send application/json, or application/x-protobuf in a snappy block",
                ));
            }
        };
        // The snappy block of protobuf is part of the format, whether it is named or not.
        if is_snappy(headers) {
            headers.remove(CONTENT_ENCODING);
        }
        let held = self.door.read(headers, body).await?;
        let (times, most) = (self.times, self.max_bytes);
        let read = move |bytes: Bytes| {
            let body = match is_json {
                true => records::Body::Json(bytes),
                false => records::unsnap(&bytes, most)?,
            };
            records::read(body, times, most)
        };
        self.door.offer(held, headers, "http", read).await.map(drop)
    }
}

fn is_snappy(headers: &HeaderMap) -> bool {
    let named = headers.get(CONTENT_ENCODING);
    named.is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(b"snappy"))
}
