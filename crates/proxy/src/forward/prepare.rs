//! A request's body as far as something depends on it: Azure's path, a question about usage, a translation, a signature.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use fanlight_net::Body;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

use super::Forwarder;
use crate::body::{Edit, Upload, gather};
use crate::problem::Problem;
use crate::provider::Dialect;
use crate::record::RequestSide;
use crate::routes::{Azure, Target};
use crate::signing::signable;
use crate::translate;
use crate::usage::{self, UsageFilter};

/// How much of a request is looked at; what is longer goes on as it is.
const LOOKED_AT: usize = 16 << 20;

/// A request's body as far as it was looked at, and what follows from that.
pub(super) struct Prepared {
    /// The path and query at the provider.
    pub(super) path_and_query: String,
    /// What the client sent so far, and the rest of it.
    read: VecDeque<Bytes>,
    /// Whether that is one piece of its own, no slice of the connection's buffer.
    is_own: bool,
    rest: Option<Body>,
    change: Change,
}

/// What is sent in place of what the client sent.
enum Change {
    None,
    Usage([Bytes; 3]),
    Translation(Bytes, Box<translate::Reply>),
}

impl Prepared {
    /// Looks at a body as far as the target asks for it. `signs`: whether all of it must be known to sign it.
    ///
    /// # Errors
    /// When the client breaks off, or says what can't be translated.
    pub(super) async fn of(
        forwarder: &Forwarder,
        head: &mut Parts,
        body: Body,
        target: &Target,
        signs: bool,
    ) -> Result<Prepared, Problem> {
        let asks = may_ask(forwarder, head, target);
        let is_post = head.method == Method::POST;
        let needs_all = asks || target.translate.is_some() || target.needs_deployment || signs;
        let (read, rest) = match (is_post, needs_all, lacks_type(&head.headers)) {
            (true, true, _) => gather(body, LOOKED_AT).await,
            // The first byte tells JSON from a form.
            (true, false, true) => gather(body, 0).await,
            _ => Ok((VecDeque::new(), Some(body))),
        }
        .map_err(|_| Problem::bad("the request's body broke off"))?;
        let text = joined(&read);
        if is_post && lacks_type(&head.headers) && text.trim_ascii_start().starts_with(b"{") {
            // What curl sends with -d alone.
            head.headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let is_whole = rest.is_none() || !is_post;
        let is_own = read.len() > 1;
        let mut prepared = Prepared {
            path_and_query: path(forwarder, head, target, &text, signs),
            read: if is_own {
                VecDeque::from([text.clone()])
            } else {
                read
            },
            is_own,
            rest,
            change: Change::None,
        };
        if !is_whole && (signs || target.translate.is_some()) {
            let message = "a request to translate or sign may have 16 MiB";
            return Err(Problem::too_large(message));
        }
        if let Some(question) = target.translate {
            prepared.translate(question, &text, target)?;
        } else if asks
            && is_whole
            && (target.provider.dialect != Dialect::Azure
                || Azure::counts_streams(&prepared.path_and_query))
            && let Some(pieces) = usage::ask(&text)
        {
            prepared.change = Change::Usage(pieces);
        }
        Ok(prepared)
    }

    fn translate(
        &mut self,
        question: translate::Question,
        body: &Bytes,
        target: &Target,
    ) -> Result<(), Problem> {
        let translation = question
            .translated(&target.path, body)
            .map_err(|error| Problem::bad(format!("the request can't be translated: {error}")))?;
        let dialect = target.provider.dialect;
        self.path_and_query = target.base.path_of(dialect, &translation.path_and_query);
        self.change = Change::Translation(translation.body, Box::new(translation.reply));
        Ok(())
    }

    /// Whether the provider is asked what the client did not ask.
    pub(super) fn asks_usage(&self) -> bool {
        matches!(self.change, Change::Usage(_))
    }

    /// Whether the body that is sent is another one than came, and the answer is changed back.
    pub(super) fn is_changed(&self) -> bool {
        !matches!(self.change, Change::None)
    }

    /// What was read so far.
    pub(super) fn body(&self) -> Bytes {
        joined(&self.read)
    }

    /// The body to send, which the recording sees, and what happens to the answer. The recording sees a question about usage
    /// as little as the client, but translations as the provider does.
    pub(super) fn upload(self, mut side: RequestSide, target: &Target) -> (Upload, Edit) {
        let read = self.read;
        let told = |side: &mut RequestSide, piece| match self.is_own {
            true => side.own_chunk(piece),
            false => side.chunk(piece),
        };
        match (self.change, self.rest) {
            (Change::None, Some(rest)) => {
                read.iter().for_each(|piece| told(&mut side, piece));
                (Upload::streaming(read, rest, side), Edit::None)
            }
            (Change::None, None) => {
                read.iter().for_each(|piece| told(&mut side, piece));
                side.end();
                (Upload::ready(read), Edit::None)
            }
            (Change::Usage(pieces), _) => {
                read.iter().for_each(|piece| told(&mut side, piece));
                side.end();
                let filter = UsageFilter::new(says_null(target));
                (Upload::ready(pieces), Edit::Usage(filter))
            }
            (Change::Translation(body, reply), _) => {
                side.own_chunk(&body);
                side.end();
                (Upload::ready([body]), Edit::Translate(reply))
            }
        }
    }
}

/// The path and query at the provider.
fn path(forwarder: &Forwarder, head: &Parts, target: &Target, body: &[u8], signs: bool) -> String {
    let query = head.uri.query();
    if target.needs_deployment {
        let model = usage::model(body);
        return forwarder.routes.azure.path(&target.path, query, model);
    }
    let whole = match query {
        Some(query) => format!("{}?{query}", target.path),
        None => target.path.clone(),
    };
    if signs { signable(&whole) } else { whole }
}

/// Whether a stream may have to be asked what it used.
fn may_ask(forwarder: &Forwarder, head: &Parts, target: &Target) -> bool {
    forwarder.inject_usage
        && target.provider.counts_when_asked
        && target.path.ends_with("/chat/completions")
        && !head.headers.contains_key(CONTENT_ENCODING)
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
