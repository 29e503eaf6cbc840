//! Calls as they happen: coded, streamed, broken off, refused.

use std::io::Write;

use fanlight_otlp::view::PointValue;

use super::*;

const STREAM: &str = "data: {\"id\": \"1\", \"model\": \"gpt-4o\", \"choices\": [{\"index\": 0, \"delta\": {\"role\": \"assistant\", \"content\": \"\"}}]}\n\n\
data: {\"id\": \"1\", \"choices\": [{\"index\": 0, \"delta\": {\"content\": \"Hello.\"}, \"finish_reason\": \"stop\"}]}\n\n\
data: {\"id\": \"1\", \"choices\": [], \"usage\": {\"prompt_tokens\": 9, \"completion_tokens\": 2}}\n\ndata: [DONE]\n\n";

fn gzipped(text: &str) -> Bytes {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap().into()
}

/// Scenario: the provider answers a stream in gzip, cut into pieces of all sizes. (A14)
/// Guarantee: it is recorded as if it had come plain, and the exchange is text.
#[tokio::test]
async fn coded_answers_are_read() {
    for step in [1, 7, 1000] {
        let mut told = Told::default().answered(200, "text/event-stream", "");
        told.response
            .as_mut()
            .unwrap()
            .1
            .push(("content-encoding", "gzip".to_owned()));
        told.answer = gzipped(STREAM)
            .chunks(step)
            .map(Bytes::copy_from_slice)
            .collect();
        let handed = one(told).await;
        handed.span(|_, call| {
            let call = call.unwrap();
            assert_eq!(call.usage, Some(fanlight_genai::Usage::new(9, 2)));
            assert_eq!((call.streaming, call.truncated), (Some(true), false));
            assert!(call.time_to_first_chunk.unwrap() > 0.0);
        });
        assert_eq!(handed.exchanges()[0]["response"]["body"], json!(STREAM));
    }
}

/// Scenario: a call with a query and headers, some of them secret.
/// Guarantee: the exchange tells it as it went over the wire, without the secrets.
#[tokio::test]
async fn the_exchange_is_what_went_over_the_wire() {
    let told = Told {
        query: Some("beta=true&key=s3cret-key-of-mine"),
        ..Told::default()
    };
    let told = told
        .header("authorization", "Bearer not-shaped-like-a-key")
        .header("openai-organization", "org-1");
    let handed = one(told).await;
    let exchange = handed.exchanges().remove(0);
    assert_eq!(
        exchange["request"]["url"],
        json!("https://api.openai.com/v1/chat/completions?beta=true&key=[redacted]")
    );
    assert_eq!(exchange["request"]["method"], json!("POST"));
    assert_eq!(
        exchange["request"]["headers"],
        json!({"authorization": "[redacted]", "openai-organization": "org-1"})
    );
    let body: Json = serde_json::from_str(exchange["request"]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["model"], json!("gpt-4o"));
    assert_eq!(exchange["response"]["status"], json!(200));
    assert_eq!(exchange["response"]["truncated"], json!(false));
    let ids = handed.span(|span, _| (span.trace_id, span.span_id));
    let logs = handed.of(Signal::Logs).next().unwrap();
    let resource = logs.resources().next().unwrap().unwrap();
    let scope = resource.scopes().next().unwrap().unwrap();
    let log = scope.logs().next().unwrap().unwrap();
    assert_eq!((log.trace_id, log.span_id), ids);
    assert!(
        fanlight_genai::spans::read_log(&resource, &scope, &log).is_none(),
        "it is no second call"
    );
}

/// Scenario: the provider is busy and says when to come back. (A14)
/// Guarantee: an error span with the provider's type, its message, the status and the seconds.
#[tokio::test]
async fn refusals_are_errors() {
    let answer = json!({"error": {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}});
    let mut told = Told::default().answered(429, "application/json", answer.to_string());
    told.response
        .as_mut()
        .unwrap()
        .1
        .push(("retry-after", "20".to_owned()));
    one(told).await.span(|span, call| {
        assert_eq!(
            (span.status.code, span.status.message),
            (2, "Rate limit reached")
        );
        assert_eq!(attribute(&span.attributes, "error.type"), json!("tokens"));
        assert_eq!(
            attribute(&span.attributes, "http.response.status_code"),
            json!(429)
        );
        assert_eq!(
            attribute(&span.attributes, "fanlight.llm.retry_after"),
            json!(20.0)
        );
        assert_eq!(call.unwrap().error_type.as_deref(), Some("tokens"));
    });
    let plain = Told::default().answered(503, "text/html", "<html>no</html>");
    one(plain).await.span(|span, _| {
        assert_eq!(attribute(&span.attributes, "error.type"), json!("503"));
        assert_eq!(span.status.message, "503 Service Unavailable");
    });
}

/// Scenario: the client goes away in the middle of a stream; the provider can't be reached; it does not answer in time. (A14)
/// Guarantee: each is an error of its own kind, and what had come is there.
#[tokio::test]
async fn calls_that_break_off_are_recorded() {
    let (came, _) = STREAM.split_at(STREAM.find("Hello.").unwrap() + 40);
    let gone = Told {
        end: End::ClientGone,
        ..Told::default()
    };
    one(gone.answered(200, "text/event-stream", came))
        .await
        .span(|span, call| {
            assert_eq!(
                attribute(&span.attributes, "error.type"),
                json!("client_closed")
            );
            assert_eq!(call.unwrap().response_id.as_deref(), Some("1"));
        });
    for (why, kind) in [
        ("connection refused by 127.0.0.1:1", "connection_error"),
        ("no answer within 60s: timed out", "timeout"),
    ] {
        let failed = Told {
            end: End::Upstream(why.to_owned()),
            response: None,
            answer: Vec::new(),
            ..Told::default()
        };
        let handed = one(failed).await;
        handed.span(|span, _| {
            assert_eq!(attribute(&span.attributes, "error.type"), json!(kind));
            assert_eq!(span.status.message, why);
            assert_eq!(
                attribute(&span.attributes, "http.response.status_code"),
                Json::Null
            );
        });
        assert_eq!(handed.exchanges()[0]["response"], Json::Null);
    }
}

/// Scenario: a form with a recording goes up, speech comes down; a list of models; a realtime socket. (A14)
/// Guarantee: bodies that are no text are described; what is no call of a model is a plain span; sockets have their bytes counted.
#[tokio::test]
async fn what_is_no_text_is_described() {
    let speech = Told {
        path: "/v1/audio/speech".to_owned(),
        request: vec![Bytes::from_static(b"\0\xff binary")],
        ..Told::default()
    };
    let handed = one(speech.answered(200, "audio/mpeg", Bytes::from_static(b"\xff\xf3\0\0"))).await;
    handed.span(|span, call| {
        assert_eq!(span.name, "audio");
        assert_eq!(call.unwrap().kind, fanlight_genai::Kind::Audio);
    });
    let exchange = handed.exchanges().remove(0);
    assert_eq!(exchange["request"]["body"], json!("<binary, 9 bytes>"));
    assert_eq!(exchange["response"]["body"], json!("<binary, 4 bytes>"));
    let models = Told {
        path: "/v1/models".to_owned(),
        request: Vec::new(),
        ..Told::default()
    };
    one(models).await.span(|span, call| {
        assert_eq!(span.name, "POST /v1/models");
        assert!(call.is_none());
    });
    let socket = Told {
        path: "/v1/realtime".to_owned(),
        query: Some("model=gpt-realtime"),
        request: vec![Bytes::from_static(&[0x81; 10])],
        response: Some((101, Vec::new())),
        answer: vec![Bytes::from_static(&[0x81; 20])],
        ..Told::default()
    };
    one(socket).await.span(|span, call| {
        assert_eq!(span.name, "chat gpt-realtime");
        assert_eq!(
            attribute(&span.attributes, "http.request.body.size"),
            json!(10)
        );
        assert_eq!(
            attribute(&span.attributes, "http.response.body.size"),
            json!(20)
        );
        assert!(call.unwrap().error_type.is_none());
    });
}

/// Scenario: calls of two kinds, one of them streamed.
/// Guarantee: the conventions' histograms, cumulative, with their bounds and attributes.
#[tokio::test]
async fn metrics_are_those_of_the_conventions() {
    let handed = recorded(settings(), |recorder| {
        Told::default().tell(recorder);
        Told::default().tell(recorder);
        Told::default()
            .answered(200, "text/event-stream", STREAM)
            .tell(recorder);
        Told::default()
            .answered(500, "text/plain", "no")
            .tell(recorder);
    })
    .await;
    let points = points(&handed);
    let count = |name: &str, error: Json, kind: Json| {
        let found = points
            .iter()
            .filter(|point| point.0 == name && point.1 == error && point.2 == kind);
        found.map(|point| point.3).sum::<u64>()
    };
    let duration = "gen_ai.client.operation.duration";
    assert_eq!(count(duration, Json::Null, Json::Null), 3);
    assert_eq!(count(duration, json!("500"), Json::Null), 1);
    assert_eq!(
        count("gen_ai.client.token.usage", Json::Null, json!("input")),
        3
    );
    assert_eq!(
        count("gen_ai.client.token.usage", Json::Null, json!("output")),
        3
    );
    assert_eq!(
        count(
            "gen_ai.client.operation.time_to_first_chunk",
            Json::Null,
            Json::Null
        ),
        1
    );
    let read: f64 = points
        .iter()
        .filter(|point| point.2 == json!("input"))
        .filter_map(|point| point.4)
        .sum();
    assert_eq!(read, 2009.0);
}

/// The metrics' data points: of which metric, the kinds of error and token, count and sum.
fn points(handed: &Handed) -> Vec<(String, Json, Json, u64, Option<f64>)> {
    let mut points = Vec::new();
    for batch in handed.of(Signal::Metrics) {
        let resource = batch.resources().next().unwrap().unwrap();
        let scope = resource.scopes().next().unwrap().unwrap();
        for metric in scope.metrics().map(Result::unwrap) {
            for point in metric.points().map(Result::unwrap) {
                let error = attribute(&point.attributes, "error.type");
                let kind = attribute(&point.attributes, "gen_ai.token.type");
                let PointValue::Histogram(histogram) = point.value else {
                    panic!("{} is a histogram", metric.name);
                };
                points.push((
                    metric.name.to_owned(),
                    error,
                    kind,
                    histogram.count,
                    histogram.sum,
                ));
            }
        }
    }
    points
}
