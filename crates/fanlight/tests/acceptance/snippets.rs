//! What Logfire's documents show, in Rust.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fanlight::llm::{self, Message, Usage};

use crate::shop::{BASE, HEADERS, TOKEN, TRACES, header, names, paths, run, spans};
use crate::sink::Sink;

/// The programs, by name.
pub(crate) fn main(kind: &str) {
    match kind {
        "jaeger of python" => jaeger_of_python(),
        "jaeger of julia" => jaeger_of_julia(),
        "never" => never(),
        "a model" => model(),
        other => panic!("{other}"),
    }
}

fn jaeger_of_python() {
    let _fanlight = fanlight::configure()
        .service_name("my_logfire_service")
        .send_to_logfire(false)
        .start()
        .unwrap();
    fanlight::span!("This is a span")
        .in_scope(|| fanlight::info!("Logfire logs are also actually just spans!"));
}

fn jaeger_of_julia() {
    let fanlight = fanlight::configure()
        .service_name("my-julia-app")
        .send_to_logfire("always")
        .start()
        .unwrap();
    fanlight::span!("main-operation").in_scope(|| {
        fanlight::span!("sub-task-1").in_scope(|| {});
        fanlight::span!("sub-task-2").in_scope(|| {});
    });
    fanlight.flush(Duration::from_secs(3));
}

fn never() {
    let _fanlight = fanlight::configure()
        .service_name("my-app")
        .send_to_logfire("never")
        .start()
        .unwrap();
    fanlight::info!("nobody hears this");
}

fn model() {
    let _fanlight = fanlight::start().unwrap();
    let question = [Message::user("What is the capital of France?")];
    let chat = llm::chat("openai", "gpt-4o")
        .conversation("conv_1")
        .session("evening")
        .user("u_17")
        .system("Answer in one word.")
        .messages(&question)
        .start();
    chat.response(Message::assistant("Paris"))
        .finish_reason("stop")
        .response_model("gpt-4o-2024-08-06")
        .usage(Usage::new(21, 2));
}

/// Scenario: Python's program for Jaeger, with a token of Logfire in the environment.
/// Guarantee: one trace of that service, with the log record as a span in it; nothing but traces is sent, and no token.
#[test]
fn the_program_for_jaeger_in_python() {
    let sink = Sink::start();
    let token = (TOKEN, "pylf_v1_us_s3cret");
    run(
        "jaeger of python",
        &[(TRACES, &sink.url("/v1/traces")), token],
    );
    let spans = spans(&sink);
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let log = named("Logfire logs are also actually just spans!");
    let span = named("This is a span");
    assert_eq!(
        (log.parent, log.trace, log.duration),
        (span.id, span.trace, 0)
    );
    assert_eq!(
        (spans.len(), span.service.as_str()),
        (2, "my_logfire_service")
    );
    assert!(paths(&sink).iter().eq(["/v1/traces"]));
    assert!(!format!("{:?}", sink.requests()).contains("s3cret"));
}

/// Scenario: Julia's program for Jaeger: sending to Logfire is demanded without a token.
/// Guarantee: the endpoint gets the three spans; one message says what is missing.
#[test]
fn the_program_for_jaeger_in_julia() {
    let sink = Sink::start();
    let told = run("jaeger of julia", &[(BASE, &sink.url(""))]);
    let spans = spans(&sink);
    let main = spans.iter().find(|span| span.name == "main-operation");
    let main = main.unwrap();
    assert_eq!(names(&sink), ["main-operation", "sub-task-1", "sub-task-2"]);
    for span in &spans {
        assert_eq!(
            (span.trace, span.service.as_str()),
            (main.trace, "my-julia-app")
        );
        assert!(span.id == main.id || span.parent == main.id);
    }
    assert_eq!(told.matches("LOGFIRE_TOKEN").count(), 1, "{told}");
}

/// Scenario: Julia's program that never sends to Logfire, with a token and nothing else.
/// Guarantee: nothing is sent, and it is no reason for a message.
#[test]
fn the_program_that_never_sends_in_julia() {
    let told = run("never", &[(TOKEN, "pylf_v1_us_1")]);
    assert!(!told.contains("fanlight:"), "{told}");
}

/// Scenario: Langfuse by the variables of the documents; a call of a model is recorded.
/// Guarantee: the span has all that makes it a generation there: model, tokens, messages, session, user, a name to show.
#[test]
fn c4_a_call_of_a_model_is_a_generation_to_langfuse() {
    let sink = Sink::start();
    let keys = BASE64_STANDARD.encode("pk-lf-1:sk-lf-2");
    let headers = format!("Authorization=Basic {keys}");
    run(
        "a model",
        &[(BASE, &sink.url("/api/public/otel")), (HEADERS, &headers)],
    );
    assert!(
        header(&sink, "authorization")
            .iter()
            .eq([&format!("Basic {keys}")])
    );
    assert!(paths(&sink).iter().eq(["/api/public/otel/v1/traces"]));
    let [span] = spans(&sink).try_into().unwrap();
    assert_eq!(span.name, "chat gpt-4o");
    for (key, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.response.model", "gpt-4o-2024-08-06"),
        ("gen_ai.usage.input_tokens", "21"),
        ("gen_ai.usage.output_tokens", "2"),
        ("gen_ai.conversation.id", "conv_1"),
        ("session.id", "evening"),
        ("user.id", "u_17"),
    ] {
        assert_eq!(span.attribute(key), Some(value), "{key}");
    }
    for (key, said) in [
        ("gen_ai.system_instructions", "Answer in one word."),
        ("gen_ai.input.messages", "What is the capital of France?"),
        ("gen_ai.output.messages", "Paris"),
    ] {
        let messages = span.attribute(key).unwrap_or_default();
        assert!(messages.contains(said), "{key}: {messages}");
    }
}
