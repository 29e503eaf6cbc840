use std::fmt;
use std::io;

use serde_json::json;

use super::*;
use crate::testing::{CapturedSpan, Value, capture};
use crate::{SpanKind, span};

/// The JSON of an attribute.
fn document(span: &CapturedSpan, key: &str) -> Json {
    match &span.attributes[key] {
        Value::Str(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{key} is {other:?}"),
    }
}

fn only(record: impl FnOnce()) -> CapturedSpan {
    let captured = capture();
    record();
    let mut spans = captured.spans();
    assert_eq!(spans.len(), 1);
    spans.remove(0)
}

fn weather() -> [Message; 4] {
    [
        Message::system("Use tools."),
        Message::user("Weather in Paris?"),
        Message::new(
            Role::Assistant,
            [
                Part::Reasoning("A tool knows.".to_owned()),
                Part::tool_call("call_1", "get_weather", r#"{"location": "Paris"}"#),
            ],
        ),
        Message::tool("call_1", "rainy, 57°F"),
    ]
}

#[test]
fn a_chat_is_recorded_as_the_conventions_say() {
    let messages = weather();
    let span = only(|| {
        let _chat = chat("openai", "gpt-4o")
            .temperature(0.2)
            .top_p(0.9)
            .top_k(40.0)
            .max_tokens(100)
            .frequency_penalty(0.1)
            .presence_penalty(0.3)
            .seed(100)
            .stop_sequences(&["END"])
            .choices(2)
            .output_type("text")
            .server("api.openai.com", 443)
            .conversation("conv_1")
            .session("evening")
            .user("17")
            .messages(&messages)
            .start();
    });
    assert_eq!(span.name, "chat gpt-4o");
    assert_eq!(span.kind, SpanKind::Client);
    assert_eq!(span.error, None);
    let attributes = &span.attributes;
    for (key, expected) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.output.type", "text"),
        ("gen_ai.conversation.id", "conv_1"),
        ("server.address", "api.openai.com"),
        ("session.id", "evening"),
        ("user.id", "17"),
    ] {
        assert_eq!(attributes[key], expected, "{key}");
    }
    for (key, expected) in [
        ("gen_ai.request.temperature", 0.2),
        ("gen_ai.request.top_p", 0.9),
        ("gen_ai.request.top_k", 40.0),
        ("gen_ai.request.frequency_penalty", 0.1),
        ("gen_ai.request.presence_penalty", 0.3),
    ] {
        assert_eq!(attributes[key], expected, "{key}");
    }
    for (key, expected) in [
        ("gen_ai.request.max_tokens", 100),
        ("gen_ai.request.seed", 100),
        ("gen_ai.request.choice.count", 2),
        ("server.port", 443),
    ] {
        assert_eq!(attributes[key], expected, "{key}");
    }
    assert_eq!(attributes["gen_ai.request.stop_sequences"], ["END"]);
    assert!(!attributes.contains_key("gen_ai.system_instructions"));
}

#[test]
fn an_answer_is_recorded_as_the_conventions_say() {
    let span = only(|| {
        let chat = chat("openai", "gpt-4o").start();
        chat.response_id("chatcmpl-123")
            .response_model("gpt-4o-2024-08-06")
            .finish_reason("stop")
            .usage(Usage::new(100, 20).cache_read(60).reasoning(5));
    });
    let attributes = &span.attributes;
    for (key, expected) in [
        ("gen_ai.response.id", "chatcmpl-123"),
        ("gen_ai.response.model", "gpt-4o-2024-08-06"),
    ] {
        assert_eq!(attributes[key], expected, "{key}");
    }
    for (key, expected) in [
        ("gen_ai.usage.input_tokens", 100),
        ("gen_ai.usage.output_tokens", 20),
        ("gen_ai.usage.cache_read.input_tokens", 60),
        ("gen_ai.usage.reasoning.output_tokens", 5),
    ] {
        assert_eq!(attributes[key], expected, "{key}");
    }
    assert_eq!(attributes["gen_ai.response.finish_reasons"], ["stop"]);
    assert!(!attributes.contains_key("gen_ai.usage.cache_creation.input_tokens"));
    assert!(!attributes.contains_key("gen_ai.output.messages"));
}

#[test]
fn messages_are_the_conventions_json() {
    let messages = weather();
    let span = only(|| {
        let chat = chat("anthropic", "claude-sonnet-4-5")
            .system("Be kind.")
            .messages(&messages)
            .tools(&[ToolDefinition::new("get_weather")
                .description("Weather of a place")
                .parameters(r#"{"type": "object"}"#)])
            .start();
        chat.response(Message::assistant("Rainy."));
    });
    assert_eq!(
        document(&span, "gen_ai.input.messages"),
        json!([
            {"role": "system", "parts": [{"type": "text", "content": "Use tools."}]},
            {"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]},
            {"role": "assistant", "parts": [
                {"type": "reasoning", "content": "A tool knows."},
                {
                    "type": "tool_call", "id": "call_1", "name": "get_weather",
                    "arguments": {"location": "Paris"},
                },
            ]},
            {"role": "tool", "parts": [
                {"type": "tool_call_response", "id": "call_1", "response": "rainy, 57°F"},
            ]},
        ])
    );
    assert_eq!(
        document(&span, "gen_ai.output.messages"),
        json!([{
            "role": "assistant", "parts": [{"type": "text", "content": "Rainy."}],
            "finish_reason": "stop",
        }])
    );
    assert_eq!(
        document(&span, "gen_ai.system_instructions"),
        json!([{"type": "text", "content": "Be kind."}])
    );
    assert_eq!(
        document(&span, "gen_ai.tool.definitions"),
        json!([{
            "type": "function", "name": "get_weather", "description": "Weather of a place",
            "parameters": {"type": "object"},
        }])
    );
}

#[test]
fn messages_are_read_as_they_are_written() {
    let messages = weather().map(|message| {
        message
            .with(Part::image("image/png", [1, 2, 3]))
            .with(Part::Uri {
                modality: Modality::Audio,
                mime_type: None,
                uri: "https://example.com/a.wav".to_owned(),
            })
            .with(Part::Other(json!({"type": "file", "file_id": "f1"})))
            .finish_reason("stop")
    });
    for message in messages {
        let json = message.to_json(ContentPolicy::Full);
        assert_eq!(Message::from_json(&json), Some(message));
    }
    assert_eq!(Message::from_json(&json!({"role": "user"})), None);
}

#[test]
fn each_answer_has_its_own_finish_reason() {
    let span = only(|| {
        let chat = chat("openai", "gpt-4o").start();
        chat.response(Message::assistant("a"))
            .response(Message::assistant("b"))
            .response(Message::new(
                Role::Assistant,
                [Part::tool_call("1", "find", json!({}))],
            ))
            .finish_reason("stop")
            .finish_reason("length");
    });
    assert_eq!(
        span.attributes["gen_ai.response.finish_reasons"],
        ["stop", "length"]
    );
    let messages = document(&span, "gen_ai.output.messages");
    let reasons = [0, 1, 2].map(|at| messages[at]["finish_reason"].as_str().unwrap());
    assert_eq!(reasons, ["stop", "length", "tool_call"]);
}

#[test]
fn a_failed_call_says_why() {
    let span = only(|| {
        let chat = chat("openai", "gpt-4o").start();
        chat.error(&io::Error::other("connection reset"));
    });
    assert_eq!(span.attributes["error.type"], "std::io::error::Error");
    assert!(span.error.unwrap().contains("connection reset"));
    assert_eq!(span.events[0].name, "exception");

    let span = only(|| {
        chat("openai", "gpt-4o").start().fail("429", "rate limited");
    });
    assert_eq!(span.attributes["error.type"], "429");
    assert_eq!(span.error.as_deref(), Some("rate limited"));
}

#[test]
fn an_error_of_unknown_type_is_other() {
    let span = only(|| {
        let chat = chat("openai", "gpt-4o").start();
        let error: Box<dyn std::error::Error> = Box::new(fmt::Error);
        chat.error(&*error);
    });
    assert_eq!(span.attributes["error.type"], "_OTHER");
}

#[test]
fn embeddings_are_recorded_as_the_conventions_say() {
    let span = only(|| {
        let call = embeddings("openai", "text-embedding-3-small")
            .dimensions(512)
            .encoding_formats(&["float"])
            .start();
        call.usage(Usage::new(7, 0));
    });
    assert_eq!(span.name, "embeddings text-embedding-3-small");
    assert_eq!(span.kind, SpanKind::Client);
    let attributes = &span.attributes;
    assert_eq!(attributes["gen_ai.operation.name"], "embeddings");
    assert_eq!(attributes["gen_ai.embeddings.dimension.count"], 512);
    assert_eq!(attributes["gen_ai.request.encoding_formats"], ["float"]);
    assert_eq!(attributes["gen_ai.usage.input_tokens"], 7);
    assert!(!attributes.contains_key("gen_ai.usage.output_tokens"));
}

#[test]
fn a_tool_is_recorded_as_the_conventions_say() {
    let span = only(|| {
        let run = tool("roulette_wheel")
            .call_id("call_1")
            .description("check if the square is a winner")
            .arguments(r#"{"square":18}"#)
            .start();
        run.result("winner");
    });
    assert_eq!(span.name, "execute_tool roulette_wheel");
    assert_eq!(span.message, "running tool: roulette_wheel");
    assert_eq!(span.kind, SpanKind::Internal);
    for (key, expected) in [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "roulette_wheel"),
        ("gen_ai.tool.type", "function"),
        ("gen_ai.tool.call.id", "call_1"),
        ("gen_ai.tool.description", "check if the square is a winner"),
        ("gen_ai.tool.call.arguments", r#"{"square":18}"#),
        ("gen_ai.tool.call.result", "winner"),
    ] {
        assert_eq!(span.attributes[key], expected, "{key}");
    }
    let span = only(|| {
        let run = tool("list").start();
        run.result(json!({"items": [1, 2]}));
        run.error(&fmt::Error);
    });
    assert_eq!(
        document(&span, "gen_ai.tool.call.result"),
        json!({"items": [1, 2]})
    );
    assert_eq!(span.attributes["error.type"], "core::fmt::Error");
}

#[test]
fn an_agent_has_its_calls_inside() {
    let captured = capture();
    let question = [Message::user("Put my money on square eighteen")];
    let run = agent("roulette_agent")
        .id("asst_1")
        .description("plays")
        .model("openai", "gpt-4o")
        .system("Use the tool.")
        .messages(&question)
        .start();
    run.in_scope(|| {
        let _chat = chat("openai", "gpt-4o").messages(&question).start();
    });
    let work = run.around(async {
        let _tool = tool("roulette_wheel").start();
    });
    futures::executor::block_on(work);
    run.response(Message::assistant("You won!"))
        .usage(Usage::new(10, 5));
    run.end();
    let spans = captured.spans();
    let [chat, tool, run] = spans.as_slice() else {
        panic!("{spans:?}")
    };
    assert_eq!(run.name, "invoke_agent roulette_agent");
    assert_eq!(run.kind, SpanKind::Internal);
    assert_eq!(chat.parent_id, Some(run.span_id));
    assert_eq!(tool.parent_id, Some(run.span_id));
    for (key, expected) in [
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "roulette_agent"),
        ("gen_ai.agent.id", "asst_1"),
        ("gen_ai.agent.description", "plays"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o"),
    ] {
        assert_eq!(run.attributes[key], expected, "{key}");
    }
    assert_eq!(run.attributes["gen_ai.usage.input_tokens"], 10);
    assert_eq!(
        document(run, "gen_ai.output.messages")[0]["finish_reason"],
        "stop"
    );
    assert!(!run.attributes.contains_key("operation.cost"));
}

#[test]
fn a_remote_agent_is_a_request() {
    let span = only(|| agent("").remote().start().end());
    assert_eq!(span.name, "invoke_agent");
    assert_eq!(span.kind, SpanKind::Client);
}

#[test]
fn a_stream_is_one_span_with_all_its_pieces() {
    let span = only(|| {
        let mut answer = chat("openai", "gpt-4o").stream();
        answer.received().reasoning("Tool").reasoning("s know.");
        answer.chunk("Let me ").chunk("see.");
        answer.tool_call(1, Some("call_2"), Some("time"), "");
        answer.tool_call(0, Some("call_1"), Some("weather"), r#"{"pla"#);
        answer.tool_call(0, None, None, r#"ce": "Paris"}"#);
        answer.finished("tool_call");
        answer.usage(Usage::new(26, 9)).response_id("chatcmpl-1");
    });
    let attributes = &span.attributes;
    assert_eq!(attributes["gen_ai.request.stream"], true);
    assert_eq!(attributes["gen_ai.response.num_chunks"], 8);
    assert_eq!(attributes["gen_ai.usage.output_tokens"], 9);
    assert_eq!(attributes["gen_ai.response.finish_reasons"], ["tool_call"]);
    let Value::Double(first) = attributes["gen_ai.response.time_to_first_chunk"] else {
        panic!("no number")
    };
    assert!(first > 0.0 && first <= span.duration().as_secs_f64());
    assert_eq!(
        document(&span, "gen_ai.output.messages"),
        json!([{
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Tools know."},
                {"type": "text", "content": "Let me see."},
                {
                    "type": "tool_call", "id": "call_1", "name": "weather",
                    "arguments": {"place": "Paris"},
                },
                {"type": "tool_call", "id": "call_2", "name": "time", "arguments": ""},
            ],
            "finish_reason": "tool_call",
        }])
    );
}

#[test]
fn a_stream_that_is_dropped_is_incomplete() {
    let span = only(|| {
        let mut answer = chat("openai", "gpt-4o").stream();
        answer.chunk("Rai");
    });
    assert_eq!(span.error, None);
    assert_eq!(
        span.attributes["gen_ai.response.finish_reasons"],
        ["incomplete"]
    );
    let message = &document(&span, "gen_ai.output.messages")[0];
    assert_eq!(message["finish_reason"], "incomplete");
    assert_eq!(message["parts"][0]["content"], "Rai");
}

#[test]
fn a_stream_that_fails_keeps_what_came() {
    let span = only(|| {
        let mut answer = chat("openai", "gpt-4o").stream();
        answer.chunk("Rai");
        answer.error(&io::Error::other("reset"));
    });
    assert!(
        !span
            .attributes
            .contains_key("gen_ai.response.finish_reasons")
    );
    let message = &document(&span, "gen_ai.output.messages")[0];
    assert_eq!(message["finish_reason"], "error");
}

#[test]
fn an_observed_iterator_ends_the_call() {
    let captured = capture();
    let answer = chat("openai", "gpt-4o").stream();
    let mut pieces = answer.observe(["Rainy", "."].into_iter(), |answer, piece| {
        answer.chunk(piece);
    });
    assert_eq!(pieces.next(), Some("Rainy"));
    assert_eq!(pieces.next(), Some("."));
    assert!(captured.spans().is_empty());
    assert_eq!(pieces.next(), None);
    assert_eq!(pieces.next(), None);
    let spans = captured.spans();
    assert_eq!(
        document(&spans[0], "gen_ai.output.messages")[0]["finish_reason"],
        "stop"
    );
}

#[test]
fn an_observed_iterator_that_is_dropped_is_incomplete() {
    let span = only(|| {
        let answer = chat("openai", "gpt-4o").stream();
        let mut pieces = answer.observe(["Rainy", "."].into_iter(), |answer, piece| {
            answer.chunk(piece);
        });
        pieces.next();
    });
    assert_eq!(
        span.attributes["gen_ai.response.finish_reasons"],
        ["incomplete"]
    );
}

#[cfg(feature = "stream")]
#[test]
fn an_observed_stream_ends_the_call() {
    use futures::StreamExt;

    let span = only(|| {
        let answer = chat("openai", "gpt-4o").stream();
        let pieces = futures::stream::iter(["Rainy", "."]);
        let observed = answer.observe_stream(pieces, |answer, piece| {
            answer.chunk(piece);
        });
        let text: String = futures::executor::block_on(observed.collect());
        assert_eq!(text, "Rainy.");
    });
    assert_eq!(
        document(&span, "gen_ai.output.messages")[0]["parts"][0]["content"],
        "Rainy."
    );
}

#[test]
fn the_policy_of_a_call_holds_for_all_its_content() {
    let messages = [Message::user("secret")];
    let record = |policy| {
        only(|| {
            let chat = chat("openai", "gpt-4o")
                .content(policy)
                .system("secret")
                .messages(&messages)
                .start();
            chat.response(Message::assistant("secret"));
        })
    };
    let off = record(ContentPolicy::Off);
    assert!(!format!("{:?}", off.attributes).contains("secret"));
    assert!(!off.attributes.contains_key("gen_ai.input.messages"));
    assert!(!off.attributes.contains_key("gen_ai.output.messages"));
    let hashed = record(ContentPolicy::Hashed);
    assert!(!format!("{:?}", hashed.attributes).contains("secret"));
    let input = document(&hashed, "gen_ai.input.messages");
    let output = document(&hashed, "gen_ai.output.messages");
    assert_eq!(
        input[0]["parts"][0]["content"],
        output[0]["parts"][0]["content"]
    );
    let truncated = record(ContentPolicy::Truncated(2));
    assert_eq!(
        document(&truncated, "gen_ai.system_instructions")[0]["content"],
        "se… (4 more characters)"
    );
    let tool = only(|| {
        let run = tool("find")
            .content(ContentPolicy::Off)
            .arguments("secret")
            .start();
        run.result("secret");
    });
    assert!(!format!("{:?}", tool.attributes).contains("secret"));
}

#[test]
fn the_policy_may_be_given_after_the_messages() {
    let messages = [Message::user("secret")];
    let span = only(|| {
        let builder = chat("openai", "gpt-4o").messages(&messages);
        builder.content(ContentPolicy::Off).start().end();
    });
    assert!(!span.attributes.contains_key("gen_ai.input.messages"));
}

#[cfg(feature = "cost")]
#[test]
fn a_call_says_what_it_costs() {
    let of = |provider, model, response: Option<&str>| {
        let span = only(|| {
            let chat = chat(provider, model).start();
            chat.usage(Usage::new(1_000_000, 100_000));
            if let Some(model) = response {
                chat.response_model(model);
            }
        });
        span.attributes.get("operation.cost").cloned()
    };
    assert_eq!(of("openai", "gpt-4o", None), Some(Value::Double(3.5)));
    // The model that answered counts.
    let dated = Some("gpt-4o-mini-2024-07-18");
    assert_eq!(of("openai", "gpt-4o", dated), Some(Value::Double(0.21)));
    // What it is called in the answer may be anything.
    let unknown = Some("deployment-7");
    assert_eq!(
        of("azure.ai.openai", "gpt-4o", unknown),
        Some(Value::Double(3.5))
    );
    assert_eq!(of("openai", "gpt-99", None), None);
}

#[test]
fn calls_take_part_in_traces() {
    let captured = capture();
    span!("request").in_scope(|| {
        let _chat = generate_content("gcp.gemini", "gemini-2.5-pro").start();
    });
    let spans = captured.spans();
    let [chat, request] = spans.as_slice() else {
        panic!("{spans:?}")
    };
    assert_eq!(chat.name, "generate_content gemini-2.5-pro");
    assert_eq!(chat.parent_id, Some(request.span_id));
}
