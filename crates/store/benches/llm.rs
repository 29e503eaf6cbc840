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
use tokio::runtime::Runtime;

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

/// A store with calls, and what asks it.
struct Bench {
    runtime: Runtime,
    store: Store,
    last_day: TimeRange,
}

fn main() {
    let number = |name: &str| -> Option<u64> {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1)?.parse().ok()
    };
    let calls = number("--calls").unwrap_or(100_000);
    let days = number("--days").unwrap_or(7);
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let path = directory.path().join("fanlight.db");
    let store = runtime.block_on(async { Store::open(&StoreOptions::new(path)).unwrap() });
    let end = BEGIN + days * DAY;
    let bench = Bench {
        runtime,
        store,
        last_day: TimeRange {
            from: Some(end - DAY),
            to: Some(end),
        },
    };
    bench.fill(calls, days);
    bench.ask_costs();
    bench.ask_lists();
    bench.ask_others();
}

impl Bench {
    fn fill(&self, calls: u64, days: u64) {
        let step = days * DAY / calls;
        let begun = Instant::now();
        let batches = stream::iter(0..calls / TOGETHER)
            .map(|number| {
                let store = self.store.clone();
                async move { store.write(&request(number, step)).await }
            })
            .buffer_unordered(32);
        let all = batches.for_each(async |answer| assert_eq!(answer.unwrap(), 0));
        self.runtime.block_on(all);
        println!(
            "stored {calls} calls over {days} days in {:.0} s, {} bytes each",
            begun.elapsed().as_secs_f64(),
            self.store.size_bytes() / calls
        );
    }

    fn ask_costs(&self) {
        for (name, time) in [("24 h", self.last_day), ("all", TimeRange::default())] {
            for by in [CostBy::Model, CostBy::User, CostBy::Session] {
                let filter = LlmFilter {
                    time,
                    ..LlmFilter::default()
                };
                let wanted = CostFilter {
                    filter,
                    by,
                    bins: 60,
                };
                measure(&format!("cost by {by:?}, {name}"), || {
                    let cost = self.store.llm_cost(wanted.clone());
                    assert!(self.runtime.block_on(cost).unwrap().totals.calls > 0);
                });
            }
        }
    }

    fn ask_lists(&self) {
        let some = |text: &str| Some(text.to_owned());
        let all = LlmFilter::default;
        let of_session = LlmFilter {
            session: some("session 77"),
            ..all()
        };
        let of_user = LlmFilter {
            user: some("user 7"),
            ..all()
        };
        let of_model = LlmFilter {
            model: some("gpt-4o"),
            ..all()
        };
        let with_tag = LlmFilter {
            tag: some("batch"),
            ..all()
        };
        let failed = LlmFilter {
            errors_only: true,
            ..all()
        };
        let in_day = LlmFilter {
            time: self.last_day,
            ..all()
        };
        for (name, filter, sort) in [
            ("newest 50", all(), LlmSort::Newest),
            ("newest 50 of a session", of_session, LlmSort::Newest),
            ("newest 50 of a user", of_user, LlmSort::Newest),
            ("newest 50 of a model", of_model, LlmSort::Newest),
            ("newest 50 with a tag", with_tag, LlmSort::Newest),
            ("newest 50 that failed", failed, LlmSort::Newest),
            ("dearest 50 in 24 h", in_day, LlmSort::Cost),
        ] {
            let wanted = LlmPage {
                filter,
                sort,
                limit: 50,
                cursor: None,
            };
            measure(name, || {
                let page = self.store.llm_calls(wanted.clone());
                assert!(!self.runtime.block_on(page).unwrap().items.is_empty());
            });
        }
    }

    fn ask_others(&self) {
        measure("newest 50 sessions", || {
            let wanted = SessionFilter {
                limit: 50,
                ..SessionFilter::default()
            };
            let page = self.runtime.block_on(self.store.llm_sessions(wanted));
            assert_eq!(page.unwrap().items.len(), 50);
        });
        measure("a session, turn by turn", || {
            let session = self.store.llm_session("session 77".to_owned());
            let session = self.runtime.block_on(session).unwrap();
            assert!(session.is_some_and(|session| !session.turns.is_empty()));
        });
        measure("facets", || {
            let facets = self.store.llm_facets(LlmFilter::default());
            assert!(!self.runtime.block_on(facets).unwrap().models.is_empty());
        });
        measure("SQL: cost by model of the newest 100,000", || {
            let sql = "SELECT request_model, sum(cost) FROM (SELECT request_model, cost FROM llm_calls LIMIT 100000) GROUP BY 1";
            let query = SqlQuery {
                sql: sql.to_owned(),
                limit: 0,
            };
            assert!(
                !self
                    .runtime
                    .block_on(self.store.sql(query))
                    .unwrap()
                    .rows
                    .is_empty()
            );
        });
    }
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
    if number.is_multiple_of(10) {
        attributes.push(text("langfuse.trace.tags", "[\"batch\"]"));
    }
    json!({
        "traceId": format!("{:032x}", u128::from(number / 3) + 1), "spanId": format!("{:016x}", number + 1),
        "name": "chat", "kind": 3,
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 100_000_000 + mixed % 5_000_000_000).to_string(),
        "attributes": attributes, "status": {"code": if number.is_multiple_of(97) { 2 } else { 0 }},
    })
}
