//! What answers requests.

use std::convert::Infallible;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use tower_service::Service;

use crate::body::{Body, BodyError};

/// Answers requests. The connection's [`std::net::SocketAddr`] is among the request's extensions.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. Dropped when the client goes away.
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>>;
}

impl<F> Handler for F
where
    F: Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync + 'static,
{
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        self(request)
    }
}

/// A tower service, such as an axum router, as a handler.
#[derive(Clone, Debug)]
pub struct Tower<S>(pub S);

impl<S, B> Handler for Tower<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            let ready = std::future::poll_fn(|cx| service.poll_ready(cx)).await;
            let answer = match ready {
                Ok(()) => service.call(request).await,
                Err(never) => Err(never),
            };
            match answer {
                Ok(response) => response.map(Body::streaming),
                Err(never) => match never {},
            }
        })
    }
}

/// A response of plain text.
pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
