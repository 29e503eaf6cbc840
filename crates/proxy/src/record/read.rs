//! What a call that is over was about: its bodies read, its times and its end put into one record.

use std::borrow::Cow;
use std::time::Duration;

use fanlight_genai::api::{self, AnswerStream, Framing, ProviderApi};
use fanlight_genai::price::{CallCost, Prices};
use fanlight_genai::{Kind, LlmCall};
use fanlight_otlp::{SpanId, TraceId};
use http::{HeaderMap, StatusCode};
use serde_json::Value as Json;

use super::body::Body;
use super::caller::Caller;
use super::decode::Decoder;
use super::{End, Finished};

/// What is known of a call that is over.
#[derive(Debug)]
pub(super) struct Record<'f> {
    /// The interface; none for what is no call of a model.
    pub(super) api: Option<ProviderApi>,
    pub(super) call: LlmCall,
    pub(super) caller: Caller,
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    /// From the head of the request to the end of the answer.
    pub(super) duration: Duration,
    /// Seconds between the pieces of a streamed answer.
    pub(super) gaps: Vec<f64>,
    pub(super) tokens_per_second: Option<f64>,
    /// Seconds that the provider asks to wait.
    pub(super) retry_after: Option<f64>,
    pub(super) cost: Option<CallCost>,
    pub(super) status: Option<u16>,
    /// What went wrong: what kind of thing, and in words.
    pub(super) error: Option<(String, String)>,
    pub(super) request: Read<'f>,
    pub(super) response: Read<'f>,
}

/// A body without its content coding.
#[derive(Debug, Default)]
pub(super) struct Read<'f> {
    pub(super) bytes: Cow<'f, [u8]>,
    /// How long it was on the wire.
    pub(super) length: u64,
    /// Whether something is missing.
    pub(super) is_cut: bool,
}

impl<'f> Record<'f> {
    /// Reads a call.
    pub(super) fn of(finished: &'f Finished, prices: &Prices) -> Record<'f> {
        let head = &finished.head;
        let caller = Caller::of(&head.headers);
        let mut call = LlmCall::default();
        let request = read_body(
            &finished.request,
            &head.headers,
            finished.settings.body_bytes,
        );
        let mut timing = Timing::default();
        let response = match head.api {
            Some(api) => {
                read_request(finished, api, &request.bytes, &mut call);
                read_answer(finished, api, &mut call, &mut timing)
            }
            None => {
                let none = HeaderMap::new();
                let headers = finished.response.as_ref().map(|(_, headers)| headers);
                let most = finished.settings.body_bytes;
                read_body(&finished.answer, headers.unwrap_or(&none), most)
            }
        };
        call.truncated |= request.is_cut || response.is_cut;
        call.time_to_first_chunk = timing.first.map(|first| first.as_secs_f64());
        fill_from_caller(&mut call, &caller);
        let error = error_of(finished, &call, &response.bytes);
        call.error_type = error.as_ref().map(|(kind, _)| kind.clone());
        let duration = finished.ended.saturating_duration_since(head.started.1);
        let parent = &caller.parent;
        Record {
            api: head.api,
            tokens_per_second: tokens_per_second(&call, duration),
            cost: head.api.and_then(|_| prices.of_call(&call)),
            trace_id: match parent.trace_id.is_zero() {
                true => TraceId(rand::random()),
                false => parent.trace_id,
            },
            span_id: SpanId(rand::random()),
            duration,
            gaps: timing.gaps,
            retry_after: retry_after(finished),
            status: finished
                .response
                .as_ref()
                .map(|(status, _)| status.as_u16()),
            error,
            request,
            response,
            caller,
            call,
        }
    }

    /// What was done, as the conventions call it; none for what is no call of a model.
    pub(super) fn operation(&self) -> Option<&str> {
        self.api.and(self.call.operation.as_deref())
    }
}

/// When the pieces of an answer came.
#[derive(Debug, Default)]
struct Timing {
    first: Option<Duration>,
    gaps: Vec<f64>,
}

fn read_request(finished: &Finished, api: ProviderApi, body: &[u8], call: &mut LlmCall) {
    let head = &finished.head;
    let (host, port) = &head.server;
    let stated = head
        .provider
        .semantic_name
        .or_else(|| api::provider_at(&format!("{host}:{port}")));
    call.provider = stated.map(str::to_owned);
    api::read_request(api, &head.path, body, call);
    // A socket carries no request to read; the model stands in the query.
    let model = head.query.as_deref().unwrap_or_default().split('&');
    let model = model.filter_map(|pair| pair.strip_prefix("model=")).next();
    if call.request_model.is_none() {
        call.request_model = model.filter(|model| !model.is_empty()).map(str::to_owned);
    }
    let session = call.user_id.as_deref().and_then(session_in_user);
    call.session_id = session;
}

/// Claude Code names its session within the user: `user_..._account_..._session_<UUID>`, or as a member of JSON.
fn session_in_user(user: &str) -> Option<String> {
    if let Some((_, session)) = user.rsplit_once("_session_") {
        return (session.len() == 36).then(|| session.to_owned());
    }
    let user: Json = user
        .starts_with('{')
        .then(|| serde_json::from_str(user).ok())??;
    user.get("session_id")?.as_str().map(str::to_owned)
}

/// What the caller says in headers counts before what stands in the body.
fn fill_from_caller(call: &mut LlmCall, caller: &Caller) {
    let set = |field: &mut Option<String>, stated: &Option<String>| {
        if stated.is_some() {
            field.clone_from(stated);
        }
    };
    set(&mut call.session_id, &caller.session);
    set(&mut call.conversation_id, &caller.conversation);
    set(&mut call.user_id, &caller.user);
    // A conversation is a session for those who know nothing else; readers of spans take it for one as well.
    let conversation = call.conversation_id.clone();
    call.session_id = call.session_id.take().or(conversation);
    call.tags.clone_from(&caller.tags);
    if caller.agent.is_some() {
        let mut agent = call.agent.take().unwrap_or_default();
        agent.name.clone_from(&caller.agent);
        call.agent = Some(agent);
    }
}

/// Reads the answer of a model, piece by piece if it is a stream.
fn read_answer<'f>(
    finished: &'f Finished,
    api: ProviderApi,
    call: &mut LlmCall,
    timing: &mut Timing,
) -> Read<'f> {
    let Some((status, headers)) = &finished.response else {
        return Read::default();
    };
    let body = &finished.answer;
    if *status == StatusCode::SWITCHING_PROTOCOLS {
        let read = Read {
            bytes: body.whole(),
            length: body.length,
            is_cut: body.cut.is_some(),
        };
        api::read_socket(&read.bytes, call);
        return read;
    }
    let read = match framing(finished, api, headers) {
        Some(framing) => {
            let mut stream = AnswerStream::new(api, framing);
            let read = read_stream(finished, headers, &mut stream, timing);
            stream.finish(call);
            timing.first = timing.first.or(body.first_at());
            timing.gaps = body.gaps().collect();
            read
        }
        None => {
            let read = read_body(body, headers, finished.settings.body_bytes);
            // Sound and pictures tell nothing.
            let first = read.bytes.first();
            if first.is_none_or(|byte| !matches!(byte, 0 | 0x80..)) {
                api::read_response(api, &read.bytes, call);
            }
            read
        }
    };
    read_headers(headers, call);
    read
}

fn read_stream<'f>(
    finished: &'f Finished,
    headers: &HeaderMap,
    stream: &mut AnswerStream,
    timing: &mut Timing,
) -> Read<'f> {
    let body = &finished.answer;
    let encoding = text(headers, "content-encoding");
    let mut decoder = Decoder::of(encoding, finished.settings.body_bytes);
    let mut bytes = Vec::new();
    for (at, piece) in body.pieces() {
        match &mut decoder {
            None => stream.push(piece),
            Some(decoder) => {
                let decoded = decoder.push(piece);
                stream.push(&decoded);
                bytes.extend(decoded);
            }
        }
        if timing.first.is_none() && stream.has_content() {
            timing.first = Some(at);
        }
    }
    let is_sound = decoder.as_ref().is_none_or(Decoder::is_sound);
    Read {
        bytes: match decoder {
            None => body.whole(),
            Some(_) => Cow::Owned(bytes),
        },
        length: body.length,
        is_cut: body.cut.is_some() || !is_sound,
    }
}

fn read_headers(headers: &HeaderMap, call: &mut LlmCall) {
    let texts = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    api::read_response_headers(texts, call);
}

/// How an answer streams; none if it comes whole.
fn framing(finished: &Finished, api: ProviderApi, headers: &HeaderMap) -> Option<Framing> {
    let is_good = finished
        .response
        .as_ref()
        .is_some_and(|(status, _)| status.is_success());
    let stated = Framing::of_content_type(text(headers, "content-type"));
    // Gemini streams one array where it is not asked for server-sent events.
    let is_array = api == ProviderApi::GeminiGenerateContent
        && finished.head.path.contains(":streamGenerateContent");
    stated
        .or(is_array.then_some(Framing::JsonArray))
        .filter(|_| is_good)
}

fn read_body<'f>(body: &'f Body, headers: &HeaderMap, most: usize) -> Read<'f> {
    let Some(mut decoder) = Decoder::of(text(headers, "content-encoding"), most) else {
        return Read {
            bytes: body.whole(),
            length: body.length,
            is_cut: body.cut.is_some(),
        };
    };
    let mut bytes = Vec::new();
    for block in body.blocks() {
        bytes.extend(decoder.push(block));
    }
    Read {
        bytes: Cow::Owned(bytes),
        length: body.length,
        is_cut: body.cut.is_some() || !decoder.is_sound(),
    }
}

/// What went wrong, if something did.
fn error_of(finished: &Finished, call: &LlmCall, answer: &[u8]) -> Option<(String, String)> {
    match &finished.end {
        End::ClientGone => {
            let said = "the client went away before the answer was whole";
            return Some(("client_closed".to_owned(), said.to_owned()));
        }
        End::Upstream(why) => {
            let is_timeout = why.contains("timed out") || why.contains("timeout");
            let kind = if is_timeout {
                "timeout"
            } else {
                "connection_error"
            };
            return Some((kind.to_owned(), why.clone()));
        }
        End::Complete => {}
    }
    let (status, _) = finished.response.as_ref()?;
    if status.is_client_error() || status.is_server_error() {
        let kind = call.error_type.clone().filter(|kind| kind != "_OTHER");
        let kind = kind.unwrap_or_else(|| status.as_str().to_owned());
        let said = message_of(answer).unwrap_or_else(|| status.to_string());
        return Some((kind, said));
    }
    // A stream may begin well and end badly.
    let kind = call.error_type.clone()?;
    let said = "the provider reported an error within its answer".to_owned();
    Some((kind, said))
}

/// What a provider says about an error.
fn message_of(answer: &[u8]) -> Option<String> {
    let body: Json = serde_json::from_slice(answer).ok()?;
    let body = body.get(0).unwrap_or(&body);
    let places = [
        "/error/message",
        "/message",
        "/detail",
        "/error",
        "/Message",
    ];
    let said = places
        .iter()
        .find_map(|place| body.pointer(place)?.as_str());
    said.map(str::to_owned)
}

/// How fast the answer was written: after its first piece, if it was streamed.
fn tokens_per_second(call: &LlmCall, duration: Duration) -> Option<f64> {
    let tokens = call.usage?.output_tokens;
    let writing = duration.as_secs_f64() - call.time_to_first_chunk.unwrap_or(0.0);
    let is_known = tokens > 0 && writing > 0.0 && call.kind == Kind::Llm;
    is_known.then(|| tokens as f64 / writing)
}

/// How long the provider asks to wait: `retry-after` in seconds or as a date, or OpenAI's and Anthropic's finer header.
fn retry_after(finished: &Finished) -> Option<f64> {
    let (_, headers) = finished.response.as_ref()?;
    if let Ok(milliseconds) = text(headers, "retry-after-ms").parse::<f64>() {
        return Some(milliseconds / 1_000.0).filter(|seconds| seconds.is_finite());
    }
    let stated = text(headers, "retry-after");
    if let Ok(seconds) = stated.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then_some(seconds);
    }
    let until = httpdate::parse_http_date(stated).ok()?;
    let (started, _) = finished.head.started;
    Some(
        until
            .duration_since(started)
            .unwrap_or_default()
            .as_secs_f64(),
    )
}

/// The text of a header; empty if there is none.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim()
}
