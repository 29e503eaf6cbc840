//! How long questions about calls of language models take, over many of them.
//!
//! `cargo bench -p fanlight-store --bench llm -- --calls 1000000`: calls of 20 models, 50 users, 10,000 sessions and five
//! agents, evenly over seven days, or over `--days N`; each with a question and an answer. Absolute figures mean nothing across
//! machines.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and may fail loudly"
)]

use std::time::{Duration, Instant};

use fanlight_otlp::{Batch, Signal};
use fanlight_store::{
    CostBy, CostFilter, LlmFilter, LlmPage, LlmSort, SessionFilter, SqlQuery, Store, StoreOptions,
    TimeRange,
};
use futures::stream::{self, StreamExt};
use serde_json::{Value as Json, json};

const BEGIN: u64 = 1_700_000_000_000_000_000;
const DAY: u64 = 86_400_000_000_000;
const TOGETHER: u64 = 100;
/// How often each question is asked.
const ROUNDS: usize = 20;

const MODELS: [(&str, &str); 4] = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gcp.gemini", "gemini-2.5-flash"),
];

fn main() {
    let number = |name: &str| -> Option<u64> {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1)?.parse().ok()
    };
    let calls = number("--calls").unwrap_or(100_000);
    let days = number("--days").unwrap_or(7);
    let step = days * DAY / calls;
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = runtime.block_on(async {
        Store::open(&StoreOptions::new(directory.path().join("fanlight.db"))).unwrap()
    });
    let begun = Instant::now();
    let batches = stream::iter(0..calls / TOGETHER)
        .map(|number| {
            let store = store.clone();
            async move { store.write(&request(number, step)).await }
        })
        .buffer_unordered(32);
    runtime.block_on(batches.for_each(async |answer| assert_eq!(answer.unwrap(), 0)));
    println!(
        "stored {calls} calls over {days} days in {:.0} s, {} bytes each",
        begun.elapsed().as_secs_f64(),
        store.size_bytes() / calls
    );
    let end = BEGIN + days * DAY;
    let last_day = TimeRange {
        from: Some(end - DAY),
        to: Some(end),
    };
    for (name, time) in [("24 h", last_day), ("all", TimeRange::default())] {
        for by in [CostBy::Model, CostBy::User, CostBy::Session] {
            let wanted = CostFilter {
                filter: LlmFilter {
                    time,
                    ..LlmFilter::default()
                },
                by,
                bins: 60,
            };
            measure(&format!("cost by {by:?}, {name}"), || {
                let cost = runtime.block_on(store.llm_cost(wanted.clone())).unwrap();
                assert!(cost.totals.calls > 0);
            });
        }
    }
    let list = |filter: LlmFilter, sort| LlmPage {
        filter,
        sort,
        limit: 50,
        cursor: None,
    };
    let some = |text: &str| Some(text.to_owned());
    for (name, wanted) in [
        ("newest 50", list(LlmFilter::default(), LlmSort::Newest)),
        (
            "newest 50 of a session",
            list(
                LlmFilter {
                    session: some("session 77"),
                    ..LlmFilter::default()
                },
                LlmSort::Newest,
            ),
        ),
        (
            "newest 50 of a user",
            list(
                LlmFilter {
                    user: some("user 7"),
                    ..LlmFilter::default()
                },
                LlmSort::Newest,
            ),
        ),
        (
            "newest 50 of a model",
            list(
                LlmFilter {
                    model: some("gpt-4o"),
                    ..LlmFilter::default()
                },
                LlmSort::Newest,
            ),
        ),
        (
            "newest 50 with a tag",
            list(
                LlmFilter {
                    tag: some("batch"),
                    ..LlmFilter::default()
                },
                LlmSort::Newest,
            ),
        ),
        (
            "newest 50 that failed",
            list(
                LlmFilter {
                    errors_only: true,
                    ..LlmFilter::default()
                },
                LlmSort::Newest,
            ),
        ),
        (
            "dearest 50 in 24 h",
            list(
                LlmFilter {
                    time: last_day,
                    ..LlmFilter::default()
                },
                LlmSort::Cost,
            ),
        ),
    ] {
        measure(name, || {
            let page = runtime.block_on(store.llm_calls(wanted.clone())).unwrap();
            assert!(!page.items.is_empty());
        });
    }
    measure("newest 50 sessions", || {
        let wanted = SessionFilter {
            limit: 50,
            ..SessionFilter::default()
        };
        assert_eq!(
            runtime
                .block_on(store.llm_sessions(wanted))
                .unwrap()
                .items
                .len(),
            50
        );
    });
    measure("a session, turn by turn", || {
        let session = runtime
            .block_on(store.llm_session("session 77".to_owned()))
            .unwrap();
        assert!(session.is_some_and(|session| !session.turns.is_empty()));
    });
    measure("facets", || {
        assert!(
            !runtime
                .block_on(store.llm_facets(LlmFilter::default()))
                .unwrap()
                .models
                .is_empty()
        );
    });
    measure("SQL: cost by model of the newest 100,000", || {
        let sql = "SELECT request_model, sum(cost) FROM (SELECT request_model, cost FROM llm_calls LIMIT 100000) GROUP BY 1";
        let query = SqlQuery {
            sql: sql.to_owned(),
            limit: 0,
        };
        assert!(!runtime.block_on(store.sql(query)).unwrap().rows.is_empty());
    });
}

fn measure(name: &str, mut ask: impl FnMut()) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            ask();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    let milliseconds = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    println!(
        "{name:<44} median {:>8.2} ms, longest {:>8.2} ms",
        milliseconds(times.get(times.len() / 2)),
        milliseconds(times.last())
    );
}

fn request(number: u64, step: u64) -> Batch {
    let spans: Vec<Json> = (0..TOGETHER)
        .map(|place| span(number * TOGETHER + place, step))
        .collect();
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", &format!("service {}", number % 5))]},
        "scopeSpans": [{"scope": {"name": "bench"}, "spans": spans}],
    }]});
    fanlight_otlp::json::read(Signal::Traces, body.to_string().as_bytes()).unwrap()
}

fn text(key: &str, value: &str) -> Json {
    json!({"key": key, "value": {"stringValue": value}})
}

fn span(number: u64, step: u64) -> Json {
    let (provider, model) = MODELS[number as usize % MODELS.len()];
    let start = BEGIN + number * step;
    let number_of =
        |key: &str, value: u64| json!({"key": key, "value": {"intValue": value.to_string()}});
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let model = match number / 4 % 5 {
        0 => model.to_owned(),
        other => format!("{model}-{other}"),
    };
    let mut attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", provider),
        text("gen_ai.request.model", &model),
        text("gen_ai.response.id", &format!("response-{number}")),
        text("session.id", &format!("session {}", mixed % 10_000)),
        text("user.id", &format!("user {}", mixed % 50)),
        text("gen_ai.agent.name", &format!("agent {}", mixed % 5)),
        text(
            "gen_ai.input.messages",
            &format!(
                "[{{\"role\":\"user\",\"content\":\"Question {} about {}\"}}]",
                mixed % 1000,
                mixed % 77
            ),
        ),
        text(
            "gen_ai.output.messages",
            &format!("[{{\"role\":\"assistant\",\"content\":\"Answer {number}\"}}]"),
        ),
        number_of("gen_ai.usage.input_tokens", 100 + mixed % 5000),
        number_of("gen_ai.usage.output_tokens", 10 + mixed % 700),
        number_of("gen_ai.usage.cache_read.input_tokens", mixed % 100),
    ];
    if number % 10 == 0 {
        attributes.push(text("langfuse.trace.tags", "[\"batch\"]"));
    }
    json!({
        "traceId": format!("{:032x}", u128::from(number / 3) + 1), "spanId": format!("{:016x}", number + 1),
        "name": "chat", "kind": 3,
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 100_000_000 + mixed % 5_000_000_000).to_string(),
        "attributes": attributes, "status": {"code": if number % 97 == 0 { 2 } else { 0 }},
    })
}
