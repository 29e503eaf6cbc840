use fanlight_genai::{Counts, Kind, LlmCall, Usage};
use fanlight_otlp::{SpanId, TraceId};
use proptest::prelude::*;

use super::*;
use crate::ingest::llm::{Calls, Recorded};
use crate::intern::{Caches, Interner};
use crate::open;
use crate::query::{
    CostBy, CostFilter, LlmFilter, LlmKinds, LlmPage, LlmSort, TimeRange, llm_calls, llm_cost,
    llm_facets,
};
use crate::readers::{Partition, View};

/// A minute.
const MINUTE: u64 = PART_NS as u64 / 10;

/// What happens to a partition.
#[derive(Clone, Debug)]
enum Event {
    /// A call arrives, perhaps again, or it is another recording of one that is there.
    Call(Seed),
    /// The writer has time.
    Rest(Which),
}

/// What a call is made of.
#[derive(Clone, Debug)]
struct Seed {
    trace: u8,
    span: u8,
    parent: u8,
    minute: u64,
    duration_ns: u64,
    model: u8,
    session: u8,
    tags: u8,
    tokens: u64,
    kind: Kind,
    is_error: bool,
    is_proxy: bool,
}

fn seed() -> impl Strategy<Value = Seed> {
    let ids = (0..4_u8, 1..6_u8, 0..6_u8, 0..60_u64);
    let kinds =
        prop_oneof![4 => Just(Kind::Llm), 1 => Just(Kind::Embedding), 1 => Just(Kind::Tool)];
    let names = (0..4_u8, 0..4_u8, 0..4_u8);
    let rest = (
        0..5_000_000_000_u64,
        0..100_000_u64,
        any::<bool>(),
        any::<bool>(),
    );
    (ids, names, rest, kinds).prop_map(|(ids, names, rest, kind)| {
        let (trace, span, parent, minute) = ids;
        let (model, session, tags) = names;
        let (duration_ns, tokens, is_error, is_proxy) = rest;
        Seed {
            trace,
            span,
            parent,
            minute,
            duration_ns,
            model,
            session,
            tags,
            tokens,
            kind,
            is_error,
            is_proxy,
        }
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => seed().prop_map(Event::Call),
        1 => Just(Event::Rest(Which::All)),
        1 => Just(Event::Rest(Which::Finished)),
    ]
}

impl Seed {
    fn call(&self) -> LlmCall {
        let some = |kind: &str, number: u8| (number > 0).then(|| format!("{kind} {number}"));
        let mut usage = Usage::default();
        usage.input_tokens = self.tokens;
        usage.cache_read_input_tokens = self.tokens / 3;
        usage.output_tokens = self.tokens % 77;
        let mut call = LlmCall::default();
        call.kind = self.kind;
        call.counts = Counts::Own;
        call.provider = Some("openai".to_owned());
        call.request_model = Some(
            ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "nobody-knows-it"][usize::from(self.model)]
                .to_owned(),
        );
        call.response_id = (self.tags == 3).then(|| format!("response {}", self.span));
        call.usage = (!self.tokens.is_multiple_of(5)).then_some(usage);
        call.session_id = some("session", self.session);
        call.user_id = some("user", self.session / 2);
        call.tags = (0..self.tags).map(|tag| format!("tag {tag}")).collect();
        call.input_messages = vec![fanlight_genai::Message::text(
            "user",
            format!("question {}", self.model),
        )];
        call
    }

    fn recorded(&self) -> Recorded<'static> {
        Recorded {
            trace_id: TraceId([self.trace + 1; 16]),
            span_id: SpanId([self.span; 8]),
            parent: SpanId([self.parent; 8]),
            start_ns: (self.minute * MINUTE + self.tokens).cast_signed(),
            duration_ns: self.duration_ns,
            name: "chat",
            service: 1,
            is_error: self.is_error,
            is_proxy: self.is_proxy,
            log: None,
        }
    }
}

fn partition(directory: &tempfile::TempDir) -> Connection {
    let connection = open::partition(&directory.path().join("fanlight.db"), 1).unwrap();
    connection
        .execute("INSERT INTO names (id, text) VALUES (1, 'shop')", [])
        .unwrap();
    connection
}

fn save(connection: &mut Connection, seed: &Seed) {
    let transaction = connection.transaction().unwrap();
    let mut caches = Caches::default();
    let mut interner = Interner::new(&transaction, &mut caches);
    let mut calls = Calls::new(&transaction, &mut interner);
    calls.save(&seed.call(), &seed.recorded()).unwrap();
    transaction.commit().unwrap();
}

/// Parts with and without columns.
fn made(connection: &Connection) -> (i64, i64) {
    let sql = "SELECT count(columns), count(*) - count(columns) FROM llm_parts";
    connection
        .query_one(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}

fn filters() -> Vec<LlmFilter> {
    let some = |text: &str| Some(text.to_owned());
    let all = LlmFilter::default;
    let middle = TimeRange {
        from: Some(7 * MINUTE),
        to: Some(33 * MINUTE),
    };
    vec![
        all(),
        LlmFilter {
            time: middle,
            ..all()
        },
        LlmFilter {
            model: some("gpt-4o"),
            ..all()
        },
        LlmFilter {
            session: some("session 1"),
            ..all()
        },
        LlmFilter {
            tag: some("tag 1"),
            errors_only: true,
            ..all()
        },
        LlmFilter {
            kinds: LlmKinds::All,
            text: some("question 2"),
            ..all()
        },
        LlmFilter {
            kinds: LlmKinds::Only(Kind::Tool),
            time: middle,
            ..all()
        },
        LlmFilter {
            min_duration_nano: 2_000_000_000,
            min_cost: Some(0.001),
            ..all()
        },
    ]
}

/// Everything that is asked of many calls, as text: floats have all their digits there.
fn answers(connection: Connection) -> (Connection, Vec<String>) {
    let mut view = View {
        partitions: vec![Partition { id: 1, connection }],
    };
    let mut answers = Vec::new();
    for filter in filters() {
        for by in [CostBy::Model, CostBy::Session, CostBy::Tag, CostBy::User] {
            let wanted = CostFilter {
                filter: filter.clone(),
                by,
                bins: 7,
            };
            answers.push(format!("{:?}", llm_cost(&view, &wanted).unwrap()));
        }
        for sort in [LlmSort::Newest, LlmSort::Cost, LlmSort::Duration] {
            let wanted = LlmPage {
                filter: filter.clone(),
                sort,
                limit: 5,
                cursor: None,
            };
            answers.push(format!("{:?}", llm_calls(&view, &wanted).unwrap()));
        }
        answers.push(format!("{:?}", llm_facets(&view, &filter).unwrap()));
    }
    (view.partitions.remove(0).connection, answers)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn columns_answer_what_rows_do(events in proptest::collection::vec(event(), 1..80)) {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = partition(&directory);
        for event in &events {
            match event {
                Event::Call(seed) => save(&mut connection, seed),
                Event::Rest(which) => drop(step(&mut connection, *which).unwrap()),
            }
        }
        let (connection, some_columns) = answers(connection);
        connection.execute("UPDATE llm_parts SET columns = NULL", []).unwrap();
        let (mut connection, rows) = answers(connection);
        prop_assert_eq!(&some_columns, &rows);
        while step(&mut connection, Which::All).unwrap() {}
        prop_assert_eq!(made(&connection).1, 0);
        let (_, columns) = answers(connection);
        prop_assert_eq!(&columns, &rows);
    }
}

fn call_at(minute: u64) -> Seed {
    Seed {
        trace: 1,
        span: minute as u8 + 1,
        parent: 0,
        minute,
        duration_ns: 1,
        model: 0,
        session: 1,
        tags: 0,
        tokens: 1,
        kind: Kind::Llm,
        is_error: false,
        is_proxy: false,
    }
}

#[test]
fn while_there_is_other_work_the_newest_part_waits() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = partition(&directory);
    [1, 12, 25]
        .iter()
        .for_each(|minute| save(&mut connection, &call_at(*minute)));
    assert!(!step(&mut connection, Which::Finished).unwrap());
    assert_eq!(made(&connection), (2, 1));
    save(&mut connection, &call_at(13));
    assert_eq!(
        made(&connection),
        (1, 2),
        "a call that comes late drops its part's columns"
    );
    assert!(!step(&mut connection, Which::All).unwrap());
    assert_eq!(made(&connection), (3, 0));
}

#[test]
fn many_parts_are_made_some_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = partition(&directory);
    (0..20).for_each(|part| save(&mut connection, &call_at(part * 10)));
    assert!(step(&mut connection, Which::All).unwrap());
    assert_eq!(made(&connection), (16, 4));
    assert!(is_due(&connection).unwrap());
    assert!(!step(&mut connection, Which::All).unwrap());
    assert!(!is_due(&connection).unwrap());
}

#[test]
fn a_part_that_calls_have_left_goes() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = partition(&directory);
    save(&mut connection, &call_at(3));
    let moved = Seed {
        minute: 30,
        ..call_at(3)
    };
    save(&mut connection, &moved);
    step(&mut connection, Which::All).unwrap();
    assert_eq!(made(&connection), (1, 0));
}

#[test]
fn parts_are_noted_as_times_fall_into_them() {
    let directory = tempfile::tempdir().unwrap();
    let connection = partition(&directory);
    let times = [
        i64::MIN,
        -PART_NS - 1,
        -PART_NS,
        -1,
        0,
        1,
        PART_NS - 1,
        PART_NS,
        i64::MAX,
    ];
    for (call, time) in times.iter().enumerate() {
        connection
            .execute(
                "INSERT INTO llm_facts VALUES (?, ?, x'')",
                (time, call as i64),
            )
            .unwrap();
    }
    note_all(&connection).unwrap();
    let mut expected: Vec<i64> = times.map(crate::llm::part_of).to_vec();
    expected.dedup();
    let parts: Vec<i64> = (connection
        .prepare("SELECT part FROM llm_parts ORDER BY part")
        .unwrap())
    .query_map([], |row| row.get(0))
    .unwrap()
    .collect::<rusqlite::Result<_>>()
    .unwrap();
    assert_eq!(parts, expected);
}

#[test]
fn facts_that_cannot_be_read_leave_the_other_parts_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = partition(&directory);
    save(&mut connection, &call_at(1));
    save(&mut connection, &call_at(15));
    connection
        .execute(
            "UPDATE llm_facts SET facts = x'00' WHERE start_ns < ?",
            [PART_NS],
        )
        .unwrap();
    assert!(!step(&mut connection, Which::All).unwrap());
    assert!(!is_due(&connection).unwrap());
    let sizes: Vec<i64> = (connection
        .prepare("SELECT length(columns) FROM llm_parts ORDER BY part")
        .unwrap())
    .query_map([], |row| row.get(0))
    .unwrap()
    .collect::<rusqlite::Result<_>>()
    .unwrap();
    assert!(sizes[0] == 0 && sizes[1] > 0, "{sizes:?}");
}
