//! One call: to whom it goes, what is changed, and its answer back.

mod prepare;

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use fanlight_genai::api::ProviderApi;
use fanlight_net::Body;
use fanlight_net::http::Handler;
use futures::future::BoxFuture;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, UPGRADE,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, Uri};

use crate::body::{Edit, ReplyBody};
use crate::guard::Guard;
use crate::page::Page;
use crate::problem::Problem;
use crate::provider::Dialect;
use crate::record::{CallHead, End, Recorder, Recording, ResponseSide};
use crate::redact::Redaction;
use crate::refusals::Refusals;
use crate::routes::{Routes, Target};
use crate::upstream::{Answer, Pool};
use crate::{headers, keys, tunnel};
use prepare::Prepared;

/// Forwards whatever comes.
pub(crate) struct Forwarder {
    pub(crate) guard: Guard,
    pub(crate) page: Page,
    pub(crate) routes: Routes,
    pub(crate) pool: Pool,
    pub(crate) recorder: Recorder,
    pub(crate) refusals: Refusals,
    pub(crate) inject_usage: bool,
}

impl Handler for Forwarder {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            match self.answer(request).await {
                Ok(response) => response,
                Err(problem) => self.refused(problem, Redaction::default).response(),
            }
        })
    }
}

impl Forwarder {
    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, Problem> {
        let started = (SystemTime::now(), Instant::now());
        self.guard
            .admit(request.method(), request.uri(), request.headers())
            .map_err(|problem| {
                self.refused(problem, || {
                    Redaction::of_request(request.headers(), request.uri().query())
                })
            })?;
        if let Some(page) = self.page.answer(&request, &self.routes) {
            return Ok(page);
        }
        let (head, body) = request.into_parts();
        let target = self.routes.target(&head).map_err(|problem| {
            self.refused(problem, || {
                Redaction::of_request(&head.headers, head.uri.query())
            })
        })?;
        let forwarded = match head.headers.contains_key(UPGRADE) {
            true => tunnel::forward(self, head, &target, started).await,
            false => self.forward(head, body, &target, started).await,
        };
        forwarded.map_err(|problem| problem.of(&target.provider.name))
    }

    /// Counts a problem of a request that did not become a call. `secrets`: what must not be told of it.
    fn refused(&self, problem: Problem, secrets: impl FnOnce() -> Redaction) -> Problem {
        if problem.is_told {
            return problem;
        }
        self.refusals.count(&problem, &secrets());
        problem.told()
    }

    async fn forward(
        &self,
        mut head: Parts,
        body: Body,
        target: &Target,
        started: (SystemTime, Instant),
    ) -> Result<Response<Body>, Problem> {
        let signer = self.routes.signer(target, &head.headers)?;
        let prepared = Prepared::of(self, &mut head, body, target, signer.is_some()).await?;
        let url = url(prepared.path_and_query.clone())?;
        let recorded = call_head(&head, target, &url, started, prepared.asks_usage());
        let Recording {
            request: side,
            response,
        } = self.recorder.begin(recorded);
        head_to_upstream(&mut head, target);
        if let Some(signer) = signer {
            let body = prepared.body();
            let origin = &target.base.origin;
            if let Err(problem) = signer.sign(&mut head, origin, &url, &body).await {
                response.end(End::Upstream(problem.message.clone()));
                return Err(problem.told());
            }
        }
        if prepared.is_changed() {
            head.headers.remove(CONTENT_LENGTH);
            head.headers
                .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let (upload, edit) = prepared.upload(side, target);
        let mut request = Request::new(upload);
        *request.method_mut() = head.method;
        *request.uri_mut() = url;
        *request.headers_mut() = head.headers;
        match self.pool.send(&target.base.origin, request).await {
            Ok(answer) => Ok(reply(answer, response, edit).await),
            Err(error) => {
                response.end(End::Upstream(error.to_string()));
                Err(Problem::of_upstream(&error))
            }
        }
    }
}

/// What is recorded of a call before it goes on.
pub(crate) fn call_head(
    head: &Parts,
    target: &Target,
    url: &Uri,
    started: (SystemTime, Instant),
    injected_usage: bool,
) -> CallHead {
    let origin = &target.base.origin;
    let host = match target.provider.dialect {
        Dialect::Cohere => "cohere",
        _ => &origin.host,
    };
    CallHead {
        provider: Arc::clone(&target.provider),
        api: ProviderApi::detect(host, url.path()),
        method: head.method.clone(),
        path: url.path().to_owned(),
        query: url.query().map(str::to_owned),
        headers: head.headers.clone(),
        server: (origin.host.clone(), origin.port),
        started,
        capture: target.capture,
        injected_usage,
    }
}

/// Makes the client's headers those that the provider gets.
pub(crate) fn head_to_upstream(head: &mut Parts, target: &Target) {
    let provider = &target.provider;
    headers::to_upstream(&mut head.headers, target.with_helicone);
    if target.is_configured
        && let Some(key) = &provider.key
        && !keys::has_key(&head.headers, head.uri.query())
    {
        keys::give(&mut head.headers, key);
    }
    let is_encrypted = target.base.origin.is_encrypted();
    keys::place(
        &mut head.headers,
        provider.dialect,
        &target.path,
        is_encrypted,
    );
    if target.is_configured {
        for (name, value) in &provider.headers {
            head.headers.insert(name.clone(), value.clone());
        }
    }
    head.headers
        .insert(HOST, target.base.origin.authority.clone());
}

/// A path as the URL of a request.
pub(crate) fn url(path_and_query: String) -> Result<Uri, Problem> {
    PathAndQuery::from_maybe_shared(Bytes::from(path_and_query))
        .map(Uri::from)
        .map_err(|_| Problem::bad("the path can't be sent"))
}

/// The provider's answer as the client gets it.
async fn reply(answer: Answer, mut side: ResponseSide, mut edit: Edit) -> Response<Body> {
    let Answer { response, lease } = answer;
    let (mut head, incoming) = response.into_parts();
    side.head(head.status, &head.headers);
    headers::to_client(&mut head.headers);
    match &mut edit {
        Edit::None => {}
        Edit::Usage(_) if is_plain_stream(&head.headers) => {
            head.headers.remove(CONTENT_LENGTH);
        }
        Edit::Usage(_) => edit = Edit::None,
        Edit::Translate(reply) => reply.head(head.status, &mut head.headers),
    }
    let body = ReplyBody::new(incoming, lease, side, edit);
    let body = body.ended_if_empty().await;
    let mut response = Response::new(Body::streaming(body));
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    response
}

fn is_plain_stream(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], HeaderValue::as_bytes);
    let coding = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    kind.starts_with(b"text/event-stream") && coding.is_none_or(|coding| coding == b"identity")
}
