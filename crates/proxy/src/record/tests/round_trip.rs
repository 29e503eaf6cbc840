//! What is written is what readers of spans find.

use proptest::prelude::*;

use super::fixtures::{self, Fixture};
use super::*;

fn told(fixture: &Fixture) -> Told {
    Told {
        host: fixture.host,
        path: fixture.path.to_owned(),
        request: vec![fixture.request.to_string().into()],
        ..Told::default()
    }
    .answered(200, fixture.content_type, fixture.answer.clone())
}

/// The call as its bodies tell it, without a detour.
fn expected(fixture: &Fixture, told: &Told) -> LlmCall {
    let finished = Finished {
        settings: Arc::new(settings()),
        head: told.head(),
        request: body(&told.request),
        response: told.response.as_ref().map(|(status, of_answer)| {
            (StatusCode::from_u16(*status).unwrap(), headers(of_answer))
        }),
        answer: body(&told.answer),
        end: End::Complete,
        ended: Instant::now(),
        _charges: [0, 0].map(|none| Budget::new(none).take(none).unwrap()),
    };
    let record = read::Record::of(&finished, &Prices::default());
    let usage = record
        .call
        .usage
        .map(|usage| (usage.input_tokens, usage.output_tokens));
    assert_eq!(usage, fixture.tokens, "{}", fixture.name);
    record.call
}

fn body(chunks: &[Bytes]) -> Body {
    let mut charge = Budget::new(usize::MAX).take(0).unwrap();
    let mut body = Body::default();
    for chunk in chunks {
        body.push(chunk, Duration::from_millis(250), usize::MAX, &mut charge);
    }
    body
}

/// Scenario: a call of every interface, whole and streamed, is recorded.
/// Guarantee: reading the span back gives the same call: models, tokens, messages, tools, parameters, reasons, user, cost.
#[tokio::test]
async fn every_call_is_read_back_as_it_was() {
    let keeper = fanlight_testkit::Recorder::new(|_| Outcome::Delivered);
    let (hub, inlet) = Hub::with_door(&keeper).await;
    let recorder = Recorder::new(settings(), inlet);
    let fixtures = fixtures::all();
    let calls: Vec<LlmCall> = fixtures
        .iter()
        .map(|fixture| expected(fixture, &told(fixture)))
        .collect();
    for fixture in &fixtures {
        told(fixture).tell(&recorder);
    }
    recorder.finish().await;
    hub.running.stop(Duration::from_secs(10)).await;
    let handed = Handed {
        batches: keeper.taken(),
        status: hub.status.clone(),
    };
    let read = handed.spans(|_, call| call);
    assert_eq!(read.len(), fixtures.len());
    for ((fixture, mut call), read) in fixtures.iter().zip(calls).zip(read) {
        let read = read.unwrap_or_else(|| panic!("{} is a call", fixture.name));
        // The clock is another.
        call.time_to_first_chunk = call.time_to_first_chunk.and(read.time_to_first_chunk);
        assert_eq!(read, call, "{}", fixture.name);
        let prices = Prices::default();
        assert_eq!(
            prices.of_call(&read),
            prices.of_call(&call),
            "{}",
            fixture.name
        );
    }
}

#[test]
fn every_interface_has_a_fixture() {
    let fixtures = fixtures::all();
    let seen: std::collections::HashSet<_> = fixtures
        .iter()
        .filter_map(|fixture| ProviderApi::detect(fixture.host, fixture.path))
        .collect();
    // All but OpenAI's realtime events, which come over a socket.
    assert_eq!(seen.len(), 17);
}

/// Scenario: a call with everything that callers say in headers.
/// Guarantee: it is all in the span, by the names that Langfuse, Phoenix and Opik look for. (A8, A29)
#[tokio::test]
async fn backends_find_what_they_look_for() {
    let told = Told::default()
        .header("x-llmflow-tag", "user:alice, env:prod")
        .header("x-fanlight-session", "s1")
        .header("x-fanlight-user", "alice")
        .header("x-fanlight-service", "shop")
        .header("user-agent", "OpenAI/Python 2.0")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        );
    let handed = one(told).await;
    handed.span(|span, call| {
        assert_eq!(span.name, "chat gpt-4o");
        assert_eq!(span.kind, 3);
        assert_eq!(span.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
        for (key, expected) in [
            ("gen_ai.operation.name", json!("chat")),
            ("gen_ai.provider.name", json!("openai")),
            ("gen_ai.request.model", json!("gpt-4o")),
            ("gen_ai.response.model", json!("gpt-4o-2024-08-06")),
            ("gen_ai.response.finish_reasons", json!(["stop"])),
            ("gen_ai.usage.input_tokens", json!(1000)),
            ("gen_ai.usage.output_tokens", json!(100)),
            ("gen_ai.usage.cost", json!(0.0035)),
            ("gen_ai.cost.input", json!(0.0025)),
            ("gen_ai.cost.output", json!(0.001)),
            ("fanlight.llm.cost.source", json!("list")),
            ("fanlight.llm.api", json!("openai_chat")),
            ("openinference.span.kind", json!("LLM")),
            ("session.id", json!("s1")),
            ("thread_id", json!("s1")),
            ("user.id", json!("alice")),
            ("tag.tags", json!(["user:alice", "env:prod"])),
            ("langfuse.trace.tags", json!(["user:alice", "env:prod"])),
            ("opik.tags", json!(["user:alice", "env:prod"])),
            ("server.address", json!("api.openai.com")),
            ("server.port", json!(443)),
            ("http.response.status_code", json!(200)),
            ("user_agent.original", json!("OpenAI/Python 2.0")),
            ("gen_ai.output.messages", json!(r#"[{"finish_reason":"stop","parts":[{"content":"Hello.","type":"text"}],"role":"assistant"}]"#)),
        ] {
            assert_eq!(attribute(&span.attributes, key), expected, "{key}");
        }
        let tokens_per_second = attribute(&span.attributes, "fanlight.llm.tokens_per_second");
        assert!(tokens_per_second.as_f64().unwrap() > 0.0);
        assert_eq!(call.unwrap().tags, ["user:alice", "env:prod"]);
    });
    let services: Vec<String> = handed
        .batches
        .iter()
        .flat_map(|batch| batch.resources())
        .map(|resource| {
            attribute(&resource.unwrap().attributes, "service.name")
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(services, ["shop", "shop", "shop"]);
}

/// Scenario: two calls with the same `x-trace-id`, one of them streamed. (A14, A29)
/// Guarantee: two spans of one trace, both below the parent that was named.
#[tokio::test]
async fn calls_of_one_trace_are_all_there() {
    let handed = recorded(settings(), |recorder| {
        for _ in 0..2 {
            Told::default()
                .header("x-trace-id", "checkout-42")
                .header("x-parent-id", "step-1")
                .tell(recorder);
        }
    })
    .await;
    let mut ids = handed.spans(|span, _| (span.trace_id, span.span_id, span.parent_span_id));
    ids.dedup_by_key(|(_, span_id, _)| *span_id);
    assert_eq!(ids.len(), 2);
    let parent = fanlight_otlp::SpanId::of_text("step-1");
    assert!(
        ids.iter()
            .all(|(trace, _, of)| *trace == TraceId::of_text("checkout-42") && *of == parent)
    );
}

/// Scenario: the provider says itself what a call cost; a model is unknown.
/// Guarantee: its word counts before the table of prices, and the unknown model has no cost.
#[tokio::test]
async fn a_cost_is_the_providers_or_the_tables_or_none() {
    let reported = json!({"model": "gpt-4o", "choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "cost": 0.5}});
    let told = Told::default().answered(200, "application/json", reported.to_string());
    one(told).await.span(|span, call| {
        assert_eq!(
            attribute(&span.attributes, "fanlight.llm.cost.source"),
            json!("reported")
        );
        assert_eq!(
            call.unwrap().reported_cost.unwrap().total,
            "0.5".parse::<Dollars>().unwrap()
        );
    });
    let unknown = Told {
        request: vec![json!({"model": "nobody-knows-it"}).to_string().into()],
        ..Told::default()
    };
    let answer = json!({"model": "nobody-knows-it", "usage": {"prompt_tokens": 1000, "completion_tokens": 100}});
    one(unknown.answered(200, "application/json", answer.to_string()))
        .await
        .span(|span, _| {
            assert_eq!(attribute(&span.attributes, "gen_ai.usage.cost"), Json::Null);
        });
}

proptest! {
    /// However bodies are cut on their way, the record is the same.
    #[test]
    fn cuts_change_nothing(step in 1usize..300, index in any::<prop::sample::Index>()) {
        let fixtures = fixtures::all();
        let fixture = index.get(&fixtures);
        let mut cut = told(fixture);
        for body in [&mut cut.request, &mut cut.answer] {
            *body = body.concat().chunks(step).map(Bytes::copy_from_slice).collect();
        }
        prop_assert_eq!(expected(fixture, &cut), expected(fixture, &told(fixture)));
    }
}
