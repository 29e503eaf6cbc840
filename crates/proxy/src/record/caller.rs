//! What the caller says of a call beside its body: in headers of ours, of LLMFlow, of Helicone, of tools.

use fanlight_otlp::{SpanId, TraceId};
use http::HeaderMap;

/// Who called, and in what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) service: Option<String>,
    pub(super) session: Option<String>,
    pub(super) conversation: Option<String>,
    pub(super) user: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) user_agent: Option<String>,
    pub(super) parent: Parent,
}

/// Of which trace a call is a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parent {
    /// The trace, if the caller names one.
    pub(super) trace_id: TraceId,
    /// The span within it, if the caller names one.
    pub(super) span_id: SpanId,
    pub(super) trace_state: String,
}

const SERVICE: &[&str] = &["x-fanlight-service", "x-llmflow-service"];
const SESSION: &[&str] = &[
    "x-fanlight-session",
    "x-fanlight-session-id",
    "x-llmflow-session",
    "x-llmflow-session-id",
    "helicone-session-id",
    "x-session-id",
    // Codex and Claude Code.
    "session_id",
    "x-claude-code-session-id",
];
const CONVERSATION: &[&str] = &[
    "x-fanlight-conversation",
    "x-fanlight-conversation-id",
    "x-llmflow-conversation-id",
    "x-conversation-id",
    "conversation_id",
];
const USER: &[&str] = &[
    "x-fanlight-user",
    "x-fanlight-user-id",
    "x-llmflow-user",
    "x-llmflow-user-id",
    "helicone-user-id",
    "x-user-id",
];
const AGENT: &[&str] = &["x-fanlight-agent"];
const TAGS: &[&str] = &[
    "x-fanlight-tag",
    "x-fanlight-tags",
    "x-llmflow-tag",
    "x-llmflow-tags",
];

impl Caller {
    /// Reads a request's headers.
    pub(super) fn of(headers: &HeaderMap) -> Caller {
        Caller {
            service: first(headers, SERVICE),
            session: first(headers, SESSION),
            conversation: first(headers, CONVERSATION),
            user: first(headers, USER),
            agent: first(headers, AGENT),
            tags: tags(headers),
            user_agent: first(headers, &["user-agent"]),
            parent: Parent::of(headers),
        }
    }
}

impl Parent {
    /// [W3C's `traceparent`](https://www.w3.org/TR/trace-context/), else LLMFlow's `x-trace-id` and `x-parent-id`, which may be
    /// any text: [`TraceId::of_text`] says which ids these stand for.
    fn of(headers: &HeaderMap) -> Parent {
        let w3c = first(headers, &["traceparent"]).and_then(|text| w3c(&text));
        if let Some((trace_id, span_id)) = w3c {
            return Parent {
                trace_id,
                span_id,
                trace_state: first(headers, &["tracestate"]).unwrap_or_default(),
            };
        }
        let trace_id = first(headers, &["x-trace-id"]).map(|text| TraceId::of_text(&text));
        let span_id = first(headers, &["x-parent-id"]).map(|text| SpanId::of_text(&text));
        Parent {
            trace_id: trace_id.unwrap_or_default(),
            // A parent without its trace is nowhere.
            span_id: span_id.filter(|_| trace_id.is_some()).unwrap_or_default(),
            trace_state: String::new(),
        }
    }
}

/// `00-<trace id>-<span id>-<flags>`; later versions may go on after that.
fn w3c(text: &str) -> Option<(TraceId, SpanId)> {
    let mut parts = text.trim().splitn(4, '-');
    let version = parts.next().filter(|version| version.len() == 2)?;
    let trace_id: TraceId = parts.next()?.parse().ok()?;
    let span_id: SpanId = parts.next()?.parse().ok()?;
    let is_valid = version != "ff" && !trace_id.is_zero() && !span_id.is_zero();
    is_valid.then_some((trace_id, span_id))
}

fn first(headers: &HeaderMap, names: &[&str]) -> Option<String> {
    let values = names.iter().filter_map(|name| headers.get(*name));
    let texts = values.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    let mut texts = texts.map(str::trim).filter(|text| !text.is_empty());
    texts.next().map(str::to_owned)
}

/// Several in one header, parted by commas, or in several headers; each once, in their order.
fn tags(headers: &HeaderMap) -> Vec<String> {
    let values = TAGS.iter().flat_map(|name| headers.get_all(*name));
    let texts = values.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    let mut tags: Vec<String> = Vec::new();
    for tag in texts.flat_map(|text| text.split(',')).map(str::trim) {
        if !tag.is_empty() && !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(headers: &[(&'static str, &'static str)]) -> Caller {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()));
        Caller::of(&headers.collect())
    }

    #[test]
    fn tags_are_taken_from_all_headers_once_each() {
        // A8 of LLMFlow's cases.
        let caller = caller(&[
            ("x-llmflow-tag", "user:alice, env:prod"),
            ("x-fanlight-tags", "env:prod,,nightly"),
        ]);
        assert_eq!(caller.tags, ["env:prod", "nightly", "user:alice"]);
    }

    #[test]
    fn the_standard_header_counts_before_others() {
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let caller = caller(&[
            ("traceparent", traceparent),
            ("tracestate", "a=b"),
            ("x-trace-id", "mine"),
        ]);
        assert_eq!(
            caller.parent,
            Parent {
                trace_id: "0af7651916cd43dd8448eb211c80319c".parse().unwrap(),
                span_id: "b7ad6b7169203331".parse().unwrap(),
                trace_state: "a=b".to_owned(),
            }
        );
    }

    #[test]
    fn other_ids_always_stand_for_the_same() {
        let one = caller(&[("x-trace-id", "checkout-42"), ("x-parent-id", "step 1")]).parent;
        let same = caller(&[("x-trace-id", "checkout-42"), ("x-parent-id", "step 2")]).parent;
        assert_eq!(one.trace_id, same.trace_id);
        assert_ne!(one.span_id, same.span_id);
        assert!(!one.trace_id.is_zero() && !one.span_id.is_zero());
        let alone = caller(&[("x-parent-id", "step 1")]).parent;
        assert_eq!(alone, Parent::default());
    }

    #[test]
    fn what_is_no_parent_is_none() {
        for text in [
            "",
            "00-0-0-0",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        ] {
            assert_eq!(
                caller(&[("traceparent", text)]).parent,
                Parent::default(),
                "{text}"
            );
        }
    }
}
