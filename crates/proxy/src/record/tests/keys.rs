//! Keys never leave the recorder, wherever they stand and however they are cut.

use proptest::prelude::*;

use super::*;
use crate::redact;

const MARK: &str = redact::REDACTED;

/// Where keys stand in a call.
#[derive(Clone, Debug)]
struct Planted {
    key: String,
    capture: Capture,
    step: usize,
    status: u16,
    is_streamed: bool,
}

fn planted() -> impl Strategy<Value = Planted> {
    let captures = [Capture::Full, Capture::Truncated, Capture::Metadata];
    (
        redact::tests::keys(),
        prop::sample::select(captures.to_vec()),
        1usize..200,
        prop::sample::select(vec![200u16, 401]),
        any::<bool>(),
    )
        .prop_map(|(key, capture, step, status, is_streamed)| Planted {
            key,
            capture,
            step,
            status,
            is_streamed,
        })
}

impl Planted {
    /// A call with the key in every place that a stranger can write to.
    fn told(&self, query: &'static str) -> Told {
        let key = self.key.as_str();
        let filler = "word ".repeat(220);
        let text = format!("{filler} my key is {key} , keep it. api_key={key}");
        let request = json!({
            "model": format!("gpt-4o {key}"), "user": key, "stop": [key], "logit_bias": {"note": key}, "stream": self.is_streamed,
            "messages": [{"role": "system", "content": text}, {"role": "user", "content": text},
                {"role": "assistant", "tool_calls": [{"id": key, "function": {"name": "f", "arguments": json!({"token": key}).to_string()}}]},
                {"role": "tool", "tool_call_id": key, "content": text}],
            "tools": [{"type": "function", "function": {"name": "f", "description": text, "parameters": {"default": key}}}],
        });
        let told = Told {
            capture: self.capture,
            query: Some(query),
            path: "/v1/chat/completions".to_owned(),
            request: cut(request.to_string().as_bytes(), self.step),
            ..Told::default()
        };
        let told = [
            "authorization",
            "x-api-key",
            "api-key",
            "x-goog-api-key",
            "cookie",
            "helicone-auth",
        ]
        .iter()
        .fold(told, |told, name| told.header(name, key));
        let told = [
            "x-fanlight-session",
            "x-fanlight-user",
            "x-fanlight-service",
            "x-fanlight-tag",
            "x-fanlight-conversation",
            "x-fanlight-agent",
            "x-trace-id",
            "tracestate",
            "user-agent",
            "x-custom",
        ]
        .iter()
        .fold(told, |told, name| told.header(name, key));
        let content_type = if self.is_streamed {
            "text/event-stream"
        } else {
            "application/json"
        };
        let mut told = told.answered(self.status, content_type, "");
        if let Some((_, headers)) = &mut told.response {
            headers.push(("set-cookie", format!("session={key}")));
            headers.push(("x-echo", key.to_owned()));
        }
        told.answer = cut(&self.answer(&text), self.step);
        told
    }

    fn answer(&self, text: &str) -> Vec<u8> {
        let key = &self.key;
        if self.status != 200 {
            return json!({"error": {"message": format!("Incorrect API key provided: {key}."), "type": "invalid_request_error", "param": key}}).to_string().into_bytes();
        }
        if !self.is_streamed {
            return json!({"id": key, "model": format!("gpt-4o {key}"), "choices": [{"index": 0, "finish_reason": key, "message": {"role": "assistant", "content": text, "reasoning_content": text}}]}).to_string().into_bytes();
        }
        // Word by word, and the key itself in pieces.
        let pieces = cut(text.as_bytes(), 7);
        let events = pieces.iter().map(|piece| {
            let piece = String::from_utf8_lossy(piece);
            format!(
                "data: {}\n\n",
                json!({"id": "1", "choices": [{"index": 0, "delta": {"content": piece}}]})
            )
        });
        events.collect::<String>().into_bytes()
    }
}

fn cut(bytes: &[u8], step: usize) -> Vec<Bytes> {
    bytes.chunks(step).map(Bytes::copy_from_slice).collect()
}

/// Scenario: keys of all shapes in headers, query, bodies, messages, errors, ids and names, cut anywhere, in every capture mode.
/// Guarantee: no emitted byte string has one, be it in a span, a log record or a metric.
#[test]
fn no_key_survives() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = ProptestConfig {
        cases: 48,
        ..ProptestConfig::default()
    };
    proptest!(config, |(planted in planted())| {
        let query: &'static str = Box::leak(format!("alt=sse&key={}&x=1", planted.key.replace(' ', "+")).into_boxed_str());
        let handed = runtime.block_on(one(planted.told(query)));
        let secret = planted.key.trim_start_matches("Bearer ");
        prop_assert!(handed.of(Signal::Traces).count() == 1 && handed.of(Signal::Metrics).count() == 1);
        prop_assert_eq!(handed.of(Signal::Logs).count() == 0, planted.capture == Capture::Metadata);
        for batch in &handed.batches {
            let bytes = batch.bytes();
            prop_assert!(memchr::memmem::find(bytes, secret.as_bytes()).is_none(), "in {}", batch.signal());
            // Nor the most of one.
            let most = secret.get(..secret.len().min(16)).unwrap_or_default();
            prop_assert!(memchr::memmem::find(bytes, most.as_bytes()).is_none(), "half in {}", batch.signal());
        }
    });
}

/// Scenario: a model writes a key, token by token.
/// Guarantee: neither the message nor the raw stream tells it.
#[tokio::test]
async fn a_key_in_pieces_is_not_told() {
    let event = |text: &str| {
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": {"content": text}}]})
        )
    };
    let answer = [
        event("sk-"),
        event("abcdefgh"),
        event("0123456789"),
        event(" there"),
    ]
    .concat();
    let handed = one(Told::default().answered(200, "text/event-stream", answer.clone())).await;
    handed.span(|span, _| {
        let said = attribute(&span.attributes, "gen_ai.output.messages");
        assert!(
            said.as_str().unwrap().contains(&format!("{MARK} there")),
            "{said}"
        );
    });
    let body = handed.exchanges()[0]["response"]["body"].clone();
    assert_eq!(
        body,
        json!(format!(
            "<stream with a secret in it, {} bytes>",
            answer.len()
        ))
    );
}

/// Scenario: a call in each capture mode.
/// Guarantee: `metadata` tells numbers and names only, `truncated` cuts long texts and says so, `off` tells nothing.
#[tokio::test]
async fn captures_tell_as_much_as_they_should() {
    let long = "word ".repeat(1000);
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": long}], "logit_bias": {"secret plan": 1}});
    let told = |capture| Told {
        capture,
        request: vec![request.to_string().into()],
        ..Told::default()
    };
    let handed = one(told(Capture::Truncated)).await;
    handed.span(|span, call| {
        let call = call.unwrap();
        assert!(call.truncated);
        assert_eq!(
            attribute(&span.attributes, "fanlight.llm.truncated"),
            json!(true)
        );
        let said = attribute(&span.attributes, "gen_ai.input.messages")
            .as_str()
            .unwrap()
            .len();
        assert!((900..1200).contains(&said), "{said}");
    });
    assert!(
        handed.exchanges()[0]["request"]["body"]
            .as_str()
            .unwrap()
            .len()
            <= 1024
    );
    let handed = one(told(Capture::Metadata)).await;
    assert!(handed.exchanges().is_empty());
    handed.span(|span, call| {
        let call = call.unwrap();
        assert_eq!(call.usage.unwrap().input_tokens, 1000);
        assert!(call.input_messages.is_empty() && call.output_messages.is_empty());
        assert_eq!(
            attribute(&span.attributes, "llm.invocation_parameters"),
            Json::Null
        );
    });
    assert!(
        handed
            .batches
            .iter()
            .all(|batch| memchr::memmem::find(batch.bytes(), b"word").is_none())
    );
    assert!(one(told(Capture::Off)).await.batches.is_empty());
}
