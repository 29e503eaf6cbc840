//! One call: to whom it goes, what is changed, and its answer back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use fanlight_genai::api::ProviderApi;
use fanlight_net::Body;
use fanlight_net::http::Handler;
use futures::future::BoxFuture;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, UPGRADE,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};

use crate::body::{Edit, ReplyBody, Upload, gather};
use crate::guard::Guard;
use crate::page::Page;
use crate::problem::Problem;
use crate::provider::Dialect;
use crate::record::{CallHead, End, Recorder, Recording, RequestSide, ResponseSide};
use crate::routes::{Azure, Routes, Target};
use crate::upstream::{Answer, Pool};
use crate::usage::{self, UsageFilter};
use crate::{headers, keys, translate, tunnel};

/// How much of a request is looked at; what is longer goes on as it is.
const LOOKED_AT: usize = 16 << 20;

/// Forwards whatever comes.
pub(crate) struct Forwarder {
    pub(crate) guard: Guard,
    pub(crate) page: Page,
    pub(crate) routes: Routes,
    pub(crate) pool: Pool,
    pub(crate) recorder: Recorder,
    pub(crate) inject_usage: bool,
}

/// A request's body as far as it was looked at, and what follows from that.
struct Prepared {
    /// The path and query at the provider.
    path_and_query: String,
    /// What the client sent so far, and the rest of it.
    read: VecDeque<Bytes>,
    rest: Option<Body>,
    change: Change,
}

/// What is sent in place of what the client sent.
enum Change {
    None,
    Usage([Bytes; 3]),
    Translation(Bytes, Box<translate::Reply>),
}

impl Handler for Forwarder {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            match self.answer(request).await {
                Ok(response) => response,
                Err(problem) => problem.response(),
            }
        })
    }
}

impl Forwarder {
    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, Problem> {
        let started = (SystemTime::now(), Instant::now());
        self.guard
            .admit(request.method(), request.uri(), request.headers())?;
        if let Some(page) = self.page.answer(&request, &self.routes) {
            return Ok(page);
        }
        let (head, body) = request.into_parts();
        let target = self.routes.target(&head)?;
        let forwarded = match head.headers.contains_key(UPGRADE) {
            true => tunnel::forward(self, head, &target, started).await,
            false => self.forward(head, body, &target, started).await,
        };
        forwarded.map_err(|problem| problem.of(&target.provider.name))
    }

    async fn forward(
        &self,
        mut head: Parts,
        body: Body,
        target: &Target,
        started: (SystemTime, Instant),
    ) -> Result<Response<Body>, Problem> {
        let prepared = self.prepare(&mut head, body, target).await?;
        let is_asked = matches!(prepared.change, Change::Usage(_));
        let url = url(prepared.path_and_query)?;
        let Recording {
            request: mut side,
            response,
        } = self
            .recorder
            .begin(call_head(&head, target, &url, started, is_asked));
        head_to_upstream(&mut head, target);
        let edits_reply = !matches!(prepared.change, Change::None);
        if edits_reply {
            head.headers.remove(CONTENT_LENGTH);
            head.headers
                .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let mut edit = Edit::None;
        let upload = match prepared.change {
            Change::None => unchanged(prepared.read, prepared.rest, side),
            Change::Usage(pieces) => {
                prepared.read.iter().for_each(|piece| side.chunk(piece));
                side.end();
                edit = Edit::Usage(UsageFilter::new(says_null(target)));
                Upload::ready(pieces)
            }
            Change::Translation(body, reply) => {
                side.chunk(&body);
                side.end();
                edit = Edit::Translate(reply);
                Upload::ready([body])
            }
        };
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

    /// Looks at the body where something depends on it.
    async fn prepare(
        &self,
        head: &mut Parts,
        body: Body,
        target: &Target,
    ) -> Result<Prepared, Problem> {
        let broken = |_| Problem::bad("the request's body broke off");
        let query = head.uri.query();
        let as_is = |path: &str| match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let asks = self.may_ask(head, target);
        let most = match head.method == Method::POST {
            false => None,
            true if asks || target.translate.is_some() || target.needs_deployment => {
                Some(LOOKED_AT)
            }
            true => lacks_type(&head.headers).then_some(0),
        };
        let Some(most) = most else {
            let path_and_query = match target.needs_deployment {
                true => self.routes.azure.path(&target.path, query, None),
                false => as_is(&target.path),
            };
            return Ok(Prepared {
                path_and_query,
                read: VecDeque::new(),
                rest: Some(body),
                change: Change::None,
            });
        };
        let (read, rest) = gather(body, most).await.map_err(broken)?;
        let text = joined(&read);
        let path_and_query = match target.needs_deployment {
            true => self
                .routes
                .azure
                .path(&target.path, query, usage::model(&text)),
            false => as_is(&target.path),
        };
        if lacks_type(&head.headers) && text.trim_ascii_start().starts_with(b"{") {
            // What curl sends with -d alone.
            head.headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut prepared = Prepared {
            path_and_query,
            read,
            rest,
            change: Change::None,
        };
        if let Some(into) = target.translate {
            prepared.translate(into, &text, target)?;
        } else if asks
            && prepared.rest.is_none()
            && (target.provider.dialect != Dialect::Azure
                || Azure::counts_streams(&prepared.path_and_query))
            && let Some(pieces) = usage::ask(&text)
        {
            prepared.change = Change::Usage(pieces);
        }
        Ok(prepared)
    }

    /// Whether a stream may have to be asked what it used.
    fn may_ask(&self, head: &Parts, target: &Target) -> bool {
        self.inject_usage
            && target.provider.counts_when_asked
            && target.path.ends_with("/chat/completions")
            && !head.headers.contains_key(CONTENT_ENCODING)
    }
}

impl Prepared {
    fn translate(
        &mut self,
        into: translate::Target,
        body: &Bytes,
        target: &Target,
    ) -> Result<(), Problem> {
        if self.rest.is_some() {
            return Err(Problem::too_large("a request to translate may have 16 MiB"));
        }
        let translation = translate::request(into, body)
            .map_err(|error| Problem::bad(format!("the request can't be translated: {error}")))?;
        let dialect = target.provider.dialect;
        self.path_and_query = target.base.path_of(dialect, &translation.path_and_query);
        self.change = Change::Translation(translation.body, Box::new(translation.reply));
        Ok(())
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

/// The body as the client sent it.
fn unchanged(read: VecDeque<Bytes>, rest: Option<Body>, mut side: RequestSide) -> Upload {
    read.iter().for_each(|piece| side.chunk(piece));
    match rest {
        Some(rest) => Upload::streaming(read, rest, side),
        None => {
            side.end();
            Upload::ready(read)
        }
    }
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

/// Whether the provider says `"usage":null` in every chunk to who asked for it, and to nobody else.
fn says_null(target: &Target) -> bool {
    matches!(
        target.provider.name.as_str(),
        "openai" | "azure" | "helicone"
    )
}

/// Whether the client says nothing of what its body is, or what curl says by default.
fn lacks_type(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_none_or(|kind| kind.starts_with(b"application/x-www-form-urlencoded"))
}

fn joined(pieces: &VecDeque<Bytes>) -> Bytes {
    match pieces.len() {
        0 => Bytes::new(),
        1 => pieces.front().cloned().unwrap_or_default(),
        _ => {
            let mut all = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
            pieces.iter().for_each(|piece| all.extend_from_slice(piece));
            all.freeze()
        }
    }
}
