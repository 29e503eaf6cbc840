//! The conventions' metrics of calls.
//!
//! [Source](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/), of the bounds as well.

use std::sync::LazyLock;
use std::time::Duration;

use super::call::{Outcome, Target};
use crate::ToValue;
use crate::metrics::{Histogram, histogram};

const SECONDS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const TOKENS: [f64; 14] = [
    1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0,
    16777216.0, 67108864.0,
];

static DURATION: LazyLock<Histogram> = LazyLock::new(|| {
    seconds(
        "gen_ai.client.operation.duration",
        "GenAI operation duration.",
    )
});

static TIME_TO_FIRST_CHUNK: LazyLock<Histogram> = LazyLock::new(|| {
    seconds(
        "gen_ai.client.operation.time_to_first_chunk",
        "Time from the request to the first chunk of the response.",
    )
});

static TIME_PER_OUTPUT_CHUNK: LazyLock<Histogram> = LazyLock::new(|| {
    seconds(
        "gen_ai.client.operation.time_per_output_chunk",
        "Time from one chunk of the response to the next.",
    )
});

static TOKEN_USAGE: LazyLock<Histogram> = LazyLock::new(|| {
    histogram("gen_ai.client.token.usage")
        .unit("{token}")
        .description("Number of input and output tokens used.")
        .bounds(TOKENS)
        .build()
});

fn seconds(name: &'static str, description: &'static str) -> Histogram {
    histogram(name)
        .unit("s")
        .description(description)
        .bounds(SECONDS)
        .build()
}

/// Measures a call that has ended.
pub(super) fn call(target: &Target, outcome: &Outcome, duration: Duration) {
    let attributes = attributes(target, outcome.model.as_ref());
    if let Some(usage) = outcome.usage {
        for (kind, tokens) in [
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
        ] {
            if tokens > 0 {
                let mut attributes = attributes.clone();
                attributes.push(("gen_ai.token.type", &kind));
                TOKEN_USAGE.record(tokens, attributes);
            }
        }
    }
    let mut attributes = attributes;
    if let Some(error) = &outcome.error {
        attributes.push(("error.type", error));
    }
    DURATION.record(duration, attributes);
}

/// Measures a chunk of a stream: the time since the one before, or since the request.
pub(super) fn chunk(target: &Target, model: Option<&String>, is_first: bool, after: Duration) {
    let instrument = match is_first {
        true => &TIME_TO_FIRST_CHUNK,
        false => &TIME_PER_OUTPUT_CHUNK,
    };
    instrument.record(after, attributes(target, model));
}

type Attributes<'a> = Vec<(&'static str, &'a dyn ToValue)>;

fn attributes<'a>(target: &'a Target, response_model: Option<&'a String>) -> Attributes<'a> {
    let mut attributes: Attributes<'a> = vec![
        ("gen_ai.operation.name", &target.operation),
        ("gen_ai.provider.name", &target.provider),
    ];
    if !target.model.is_empty() {
        attributes.push(("gen_ai.request.model", &target.model));
    }
    if let Some(model) = response_model {
        attributes.push(("gen_ai.response.model", model));
    }
    if let Some((address, port)) = &target.server {
        attributes.push(("server.address", address));
        attributes.push(("server.port", port));
    }
    attributes
}
