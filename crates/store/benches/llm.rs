//! What it costs to store calls of language models, and how long questions about many of them take.
//!
//! `cargo bench -p fanlight-store --bench llm -- --calls 1000000`: calls of 20 models, 50 users, 10,000 sessions and five
//! agents, evenly over seven days, or over `--days N`; each with a question and an answer. `--bytes N` makes the questions
//! longer by words of so many bytes, and `--exchanges` adds what was sent and answered as a log record for each. Absolute
//! figures mean nothing across machines.

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
/// How many bytes of requests are made before they are stored, so that making them is not measured.
const ROUND: u64 = 64 << 20;
/// Until the writer, which has nothing else to do then, has made the columns that sums are read from.
const REST: Duration = Duration::from_secs(5);
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

/// What the calls are.
#[derive(Clone, Copy)]
struct Calls {
    count: u64,
    days: u64,
    /// How much longer questions are.
    bytes: u64,
    has_exchanges: bool,
}

fn main() {
    let number = |name: &str| -> Option<u64> {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1)?.parse().ok()
    };
    let calls = Calls {
        count: number("--calls").unwrap_or(100_000),
        days: number("--days").unwrap_or(7),
        bytes: number("--bytes").unwrap_or(0),
        has_exchanges: std::env::args().any(|argument| argument == "--exchanges"),
    };
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let path = directory.path().join("fanlight.db");
    let store = runtime.block_on(async { Store::open(&StoreOptions::new(path)).unwrap() });
    let end = BEGIN + calls.days * DAY;
    let bench = Bench {
        runtime,
        store,
        last_day: TimeRange {
            from: Some(end - DAY),
            to: Some(end),
        },
    };
    bench.fill(calls);
    bench.ask_cost(
        "cost by Model, 24 h, at once",
        bench.last_day,
        CostBy::Model,
        1,
    );
    std::thread::sleep(REST);
    bench.ask_costs();
    bench.ask_lists();
    bench.ask_texts();
    bench.ask_others();
}

impl Bench {
    fn fill(&self, calls: Calls) {
        let (mut number, mut cpu, mut time) = (0, Duration::ZERO, Duration::ZERO);
        let in_round = (ROUND / (calls.bytes + 1024) / TOGETHER).max(1);
        while number < calls.count / TOGETHER {
            let round: Vec<Batch> = (number..(number + in_round).min(calls.count / TOGETHER))
                .flat_map(|number| requests(number, calls))
                .collect();
            number += in_round;
            let begun = (Instant::now(), cpu_time());
            let writes = stream::iter(&round)
                .map(|batch| self.store.write(batch))
                .buffer_unordered(32);
            let all = writes.for_each(async |answer| assert_eq!(answer.unwrap(), 0));
            self.runtime.block_on(all);
            time += begun.0.elapsed();
            cpu += cpu_time().saturating_sub(begun.1);
        }
        println!(
            "stored {} calls over {} days in {:.0} s: {:.1} us of CPU and {} bytes each",
            calls.count,
            calls.days,
            time.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / calls.count as f64,
            self.store.size_bytes() / calls.count
        );
    }

    fn ask_costs(&self) {
        for (name, time) in [("24 h", self.last_day), ("all", TimeRange::default())] {
            for by in [CostBy::Model, CostBy::User, CostBy::Session] {
                self.ask_cost(&format!("cost by {by:?}, {name}"), time, by, ROUNDS);
            }
        }
    }

    fn ask_cost(&self, name: &str, time: TimeRange, by: CostBy, rounds: usize) {
        let filter = LlmFilter {
            time,
            ..LlmFilter::default()
        };
        let wanted = CostFilter {
            filter,
            by,
            bins: 60,
        };
        measure(name, rounds, || {
            let cost = self.store.llm_cost(wanted.clone());
            assert!(self.runtime.block_on(cost).unwrap().totals.calls > 0);
        });
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
        let rare = LlmFilter {
            errors_only: true,
            min_duration_nano: 4_385_000_000,
            ..all()
        };
        for (name, filter, sort) in [
            ("newest 50", all(), LlmSort::Newest),
            ("newest 50 of a session", of_session, LlmSort::Newest),
            ("newest 50 of a user", of_user, LlmSort::Newest),
            ("newest 50 of a model", of_model, LlmSort::Newest),
            ("newest 50 with a tag", with_tag, LlmSort::Newest),
            ("newest 50 that failed", failed, LlmSort::Newest),
            ("newest 50 that failed after 4.385 s", rare, LlmSort::Newest),
            ("dearest 50 in 24 h", in_day, LlmSort::Cost),
        ] {
            self.ask_list(name, filter, sort);
        }
    }

    fn ask_texts(&self) {
        for (name, text) in [
            ("newest 50 with a frequent text", "question 77"),
            ("newest 50 with a rare text", "answer 12345"),
            ("newest 50 with a text that none has", "nobody asked"),
        ] {
            let filter = LlmFilter {
                text: Some(text.to_owned()),
                ..LlmFilter::default()
            };
            self.ask_list(name, filter, LlmSort::Newest);
        }
    }

    fn ask_list(&self, name: &str, filter: LlmFilter, sort: LlmSort) {
        let wanted = LlmPage {
            filter,
            sort,
            limit: 50,
            cursor: None,
        };
        measure(name, ROUNDS, || {
            let page = self.store.llm_calls(wanted.clone());
            assert!(self.runtime.block_on(page).unwrap().items.len() <= 50);
        });
    }

    fn ask_others(&self) {
        measure("newest 50 sessions", ROUNDS, || {
            let wanted = SessionFilter {
                limit: 50,
                ..SessionFilter::default()
            };
            let page = self.runtime.block_on(self.store.llm_sessions(wanted));
            assert_eq!(page.unwrap().items.len(), 50);
        });
        measure("a session, turn by turn", ROUNDS, || {
            let session = self.store.llm_session("session 77".to_owned());
            let session = self.runtime.block_on(session).unwrap();
            assert!(session.is_some_and(|session| !session.turns.is_empty()));
        });
        measure("facets", ROUNDS, || {
            let facets = self.store.llm_facets(LlmFilter::default());
            assert!(!self.runtime.block_on(facets).unwrap().models.is_empty());
        });
        measure("SQL: cost by model of the newest 100,000", ROUNDS, || {
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

/// What this process used of the processors so far; nothing is known of it where there is no `/proc`.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let numbers = stat.rsplit_once(')').map_or("", |(_, numbers)| numbers);
    let ticks = numbers.split_whitespace().skip(11).take(2);
    // A tick is a hundredth of a second wherever Linux runs.
    Duration::from_millis(ticks.flat_map(str::parse::<u64>).sum::<u64>() * 10)
}

fn measure(name: &str, rounds: usize, mut ask: impl FnMut()) {
    let cpu = cpu_time();
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            ask();
            begun.elapsed()
        })
        .collect();
    let cpu = cpu_time().saturating_sub(cpu) / times.len() as u32;
    times.sort_unstable();
    let milliseconds = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    println!(
        "{name:<44} median {:>8.2} ms, longest {:>8.2} ms, CPU {:>7.1} ms",
        milliseconds(times.get(times.len() / 2)),
        milliseconds(times.last()),
        cpu.as_secs_f64() * 1e3
    );
}

fn requests(number: u64, calls: Calls) -> Vec<Batch> {
    let step = calls.days * DAY / calls.count;
    let resource =
        json!({"attributes": [text("service.name", &format!("service {}", number % 5))]});
    let numbers = || (0..TOGETHER).map(|place| number * TOGETHER + place);
    let spans: Vec<Json> = numbers()
        .map(|number| span(number, step, calls.bytes))
        .collect();
    let spans = json!({"resourceSpans": [{
        "resource": resource, "scopeSpans": [{"scope": {"name": "bench"}, "spans": spans}],
    }]});
    let mut requests = vec![read(Signal::Traces, &spans)];
    if calls.has_exchanges {
        let logs: Vec<Json> = numbers()
            .map(|number| exchange(number, step, calls.bytes))
            .collect();
        let logs = json!({"resourceLogs": [{
            "resource": resource, "scopeLogs": [{"scope": {"name": "bench"}, "logRecords": logs}],
        }]});
        requests.push(read(Signal::Logs, &logs));
    }
    requests
}

fn read(signal: Signal, request: &Json) -> Batch {
    fanlight_otlp::json::read(signal, request.to_string().as_bytes()).unwrap()
}

/// What was asked: the words are other ones in every call.
fn question(number: u64, mixed: u64, bytes: u64) -> String {
    let mut question = format!("Question {} about {}", mixed % 1000, mixed % 77);
    let mut state = number;
    while (question.len() as u64) < bytes {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let word = state >> 48;
        question.push_str(&format!(
            " {}{}",
            SYLLABLES[word as usize % 16],
            SYLLABLES[word as usize / 16 % 16]
        ));
        if word.is_multiple_of(7) {
            question.push_str(SYLLABLES[word as usize / 256 % 16]);
        }
    }
    question
}

const SYLLABLES: [&str; 16] = [
    "fan", "light", "ra", "tion", "the", "per", "so", "call", "ing", "mo", "del", "que", "s", "an",
    "swer", "to",
];

const fn mixed(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

fn exchange(number: u64, step: u64, bytes: u64) -> Json {
    let asked = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": question(number, mixed(number), bytes)}]});
    let entry = |key: &str, value: Json| json!({"key": key, "value": value});
    let map = |entries: Vec<Json>| json!({"kvlistValue": {"values": entries}});
    let body = |text: String| entry("body", json!({"stringValue": text}));
    let request = map(vec![
        text("method", "POST"),
        text("url", "http://127.0.0.1/v1/chat/completions"),
        body(asked.to_string()),
    ]);
    let answer = map(vec![
        entry("status", json!({"intValue": "200"})),
        body(format!("{{\"content\":\"Answer {number}\"}}")),
    ]);
    json!({
        "traceId": trace_id(number), "spanId": span_id(number), "eventName": "fanlight.llm.exchange",
        "timeUnixNano": (BEGIN + number * step).to_string(),
        "body": map(vec![entry("request", request), entry("response", answer)]),
    })
}

fn trace_id(number: u64) -> String {
    format!("{:032x}", u128::from(number / 3) + 1)
}

fn span_id(number: u64) -> String {
    format!("{:016x}", number + 1)
}

fn text(key: &str, value: &str) -> Json {
    json!({"key": key, "value": {"stringValue": value}})
}

fn span(number: u64, step: u64, bytes: u64) -> Json {
    let (provider, model) = MODELS[number as usize % MODELS.len()];
    let start = BEGIN + number * step;
    let number_of =
        |key: &str, value: u64| json!({"key": key, "value": {"intValue": value.to_string()}});
    let mixed = mixed(number);
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
                "[{{\"role\":\"user\",\"content\":\"{}\"}}]",
                question(number, mixed, bytes)
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
        "traceId": trace_id(number), "spanId": span_id(number),
        "name": "chat", "kind": 3,
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 100_000_000 + mixed % 5_000_000_000).to_string(),
        "attributes": attributes, "status": {"code": if number.is_multiple_of(97) { 2 } else { 0 }},
    })
}
