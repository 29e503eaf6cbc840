//! Calls of language models, derived from spans and log records.
//!
//! Sums are made of calls of models that state their own usage. One call may be recorded more than once: by a library and by
//! another one below it, or by an SDK and by the proxy that its request went through. Only one recording counts then:
//!
//! - of two calls of models, one the direct child of the other, that have the same response id, or the same model where one
//!   of them has none: the inner one;
//! - of two that have the same response id while one ran, in whatever traces, one of them recorded by the proxy: the proxy's;
//!
//! unless only the other one knows what was used. The recording that counts takes over session, user, agent and tags where
//! it has none itself.
//!
//! Here they are read; `saving` writes them and decides which counts, `pricing` says what they cost.

mod pricing;
mod saving;

use fanlight_genai::{Counts, Kind, LlmCall};
use fanlight_otlp::json::{write_plain_attributes, write_plain_value};
use fanlight_otlp::view::{LogView, ResourceView, ScopeView, SpanView};
use fanlight_otlp::{SpanId, TraceId};
use sha2::{Digest, Sha256};

pub(crate) use saving::Calls;

/// The scope of the proxy's spans.
const PROXY: &str = "fanlight.proxy";

/// Calls that are in log records only, by how the names of events and scopes begin.
const LOGGED: [&str; 5] = [
    "gen_ai.client.inference.operation.details",
    "claude_code.",
    "com.anthropic.claude_code",
    "codex.",
    "gemini_cli.",
];

/// Where a call was recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recorded<'a> {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// Zero for none.
    pub(crate) parent: SpanId,
    pub(crate) start_ns: i64,
    pub(crate) duration_ns: u64,
    pub(crate) name: &'a str,
    pub(crate) service: i64,
    pub(crate) is_error: bool,
    pub(crate) is_proxy: bool,
    /// The number of the log record.
    pub(crate) log: Option<i64>,
}

/// The call that a span tells of, if it has ended.
pub(crate) fn of_span<'a>(
    resource: &ResourceView<'_>,
    scope: &ScopeView<'_>,
    span: &SpanView<'a>,
    service: i64,
) -> Option<(LlmCall, Recorded<'a>)> {
    let start_ns = span.start_time_unix_nano.cast_signed();
    let end_ns = span.end_time_unix_nano.cast_signed();
    if end_ns == 0 || end_ns < start_ns {
        return None;
    }
    let call = fanlight_genai::spans::read_span(resource, scope, span)?;
    let recorded = Recorded {
        trace_id: span.trace_id,
        span_id: span.span_id,
        parent: span.parent_span_id,
        start_ns,
        duration_ns: end_ns.abs_diff(start_ns),
        name: span.name,
        service,
        is_error: span.status.code == super::spans::ERROR || call.error_type.is_some(),
        is_proxy: scope.name == PROXY,
        log: None,
    };
    Some((call, recorded))
}

/// Whether a log record may tell of a call that no span tells of.
pub(crate) fn may_be_logged(scope: &str, log: &LogView<'_>) -> bool {
    let is_one = |name: &str| LOGGED.iter().any(|prefix| name.starts_with(prefix));
    is_one(scope) || is_one(fanlight_genai::spans::event_name(log))
}

/// The call that a log record tells of, if no span does. It is known by the hash of the record, so that one that comes
/// again is the same.
pub(crate) fn of_log<'a>(
    resource: &ResourceView<'_>,
    scope: &ScopeView<'_>,
    (log, number): (&LogView<'a>, i64),
    (service, time_ns): (i64, i64),
) -> Option<(LlmCall, Recorded<'a>)> {
    if !may_be_logged(scope.name, log) {
        return None;
    }
    let call = fanlight_genai::spans::read_log(resource, scope, log)?;
    let tells = match call.kind {
        Kind::Llm => call.usage.is_some() || call.error_type.is_some(),
        Kind::Tool => true,
        Kind::Prompt => !call.input_messages.is_empty(),
        _ => false,
    };
    if call.counts == Counts::Aggregate || !tells {
        return None;
    }
    let milliseconds = log.attributes.get("duration_ms").ok().flatten();
    let milliseconds = milliseconds.and_then(|value| match value {
        fanlight_otlp::view::Value::Int(number) => Some(number as f64),
        fanlight_otlp::view::Value::Double(number) => Some(number),
        fanlight_otlp::view::Value::Str(text) => text.parse().ok(),
        _ => None,
    });
    // A float turns into an integer by saturating, so a negative number means none.
    let duration_ns = (milliseconds.unwrap_or_default() * 1e6) as u64;
    let hash = identity(resource, log, time_ns);
    let (made_up, rest) = hash.split_first_chunk::<16>()?;
    let span_id = SpanId(*rest.first_chunk()?);
    let trace_id = match log.trace_id.is_zero() {
        true => TraceId(*made_up),
        false => log.trace_id,
    };
    let recorded = Recorded {
        trace_id,
        span_id,
        parent: log.span_id,
        start_ns: time_ns.saturating_sub_unsigned(duration_ns),
        duration_ns,
        name: fanlight_genai::spans::event_name(log),
        service,
        is_error: call.error_type.is_some(),
        is_proxy: false,
        log: Some(number),
    };
    Some((call, recorded))
}

/// A hash that tells log records apart, however they are encoded.
fn identity(resource: &ResourceView<'_>, log: &LogView<'_>, time_ns: i64) -> [u8; 32] {
    let mut text = Vec::new();
    for attributes in [&resource.attributes, &log.attributes] {
        // Writing into a vector fails only for values that can't be read, which are left out then.
        let _ = write_plain_attributes(attributes, &mut text);
    }
    let _ = write_plain_value(&log.body, &mut text);
    let mut hash = Sha256::new();
    hash.update(time_ns.to_le_bytes());
    hash.update(log.trace_id.0);
    hash.update(log.span_id.0);
    hash.update(log.event_name);
    hash.update(text);
    hash.finalize().into()
}
