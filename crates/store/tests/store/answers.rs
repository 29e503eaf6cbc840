//! Overviews, rates, facets, errors, profiles, export and saved views.

use fanlight_otlp::{Batch, Signal, TraceId};
use fanlight_store::{
    AttributeFilter, ErrorFilter, ExportFilter, LogFilter, MetricFilter, NewView, OperationFilter,
    OverviewFilter, ProfileFilter, RedFilter, Store, TimeRange, TraceFilter,
};
use opentelemetry_proto::tonic::collector::profiles::v1development::ExportProfilesServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::profiles::v1development::{
    Function, Line, Location, Mapping, Profile, ProfilesDictionary, ResourceProfiles, Sample,
    ScopeProfiles, Stack, ValueType,
};
use opentelemetry_proto::tonic::trace::v1::{Span, span};
use prost::Message;
use serde_json::json;

use crate::requests::{attribute, batch, log, logs, metrics, open, resource, span, spans, status};
use crate::series::counter;

const MINUTE: u64 = 60_000_000_000;
const MILLISECOND: u64 = 1_000_000;

/// A span that starts in a minute and takes some milliseconds.
fn timed(trace: u8, id: u8, parent: Option<u8>, minute: u64, milliseconds: u64) -> Span {
    Span {
        start_time_unix_nano: minute * MINUTE + u64::from(id),
        end_time_unix_nano: minute * MINUTE + u64::from(id) + milliseconds * MILLISECOND,
        ..span(trace, id, parent)
    }
}

fn range(from: u64, to: u64) -> TimeRange {
    TimeRange {
        from: Some(from * MINUTE),
        to: Some(to * MINUTE),
    }
}

fn near(found: u64, milliseconds: u64) -> bool {
    (found as f64 / (milliseconds * MILLISECOND) as f64 - 1.0).abs() < 0.035
}

/// Two services over ten minutes; the shop calls the bank, whose spans arrive first; some fail; one comes twice.
async fn shop_and_bank(store: &Store) {
    for trace in 1..=10_u8 {
        let minute = 100 + u64::from(trace) - 1;
        let failed = Span {
            status: Some(status(2, "no")),
            ..timed(trace, 2, Some(1), minute, 20)
        };
        let charge = if trace == 3 {
            failed
        } else {
            timed(trace, 2, Some(1), minute, 20)
        };
        store
            .write(&spans("bank", vec![charge.clone()]))
            .await
            .unwrap();
        let order = timed(trace, 1, None, minute, 100);
        store.write(&spans("shop", vec![order])).await.unwrap();
        store.write(&spans("bank", vec![charge])).await.unwrap();
    }
}

/// Spans of two services come, some late, some twice.
/// Overview, RED, operations and service map count each once, in its minute, with its duration to 3 %.
#[tokio::test]
async fn overviews_count_every_span_once() {
    let (_directory, store) = open();
    shop_and_bank(&store).await;
    let overview = store
        .overview(OverviewFilter {
            time: range(100, 110),
            bins: 5,
        })
        .await
        .unwrap();
    assert_eq!(overview.step_nano, 2 * MINUTE);
    let bank = &overview.services[0];
    assert_eq!(
        (&*bank.service, bank.span_count, bank.error_count),
        ("bank", 10, 1)
    );
    assert_eq!(
        (&*bank.counts, &*bank.errors),
        (&[2; 5][..], &[0, 1, 0, 0, 0][..])
    );
    assert!(near(bank.p50_nano, 20) && near(overview.services[1].p99_nano, 100));
    let red = store
        .red(RedFilter {
            time: range(102, 104),
            service: "bank".to_owned(),
            operation: Some("span 2".to_owned()),
            bins: 2,
        })
        .await
        .unwrap();
    assert_eq!(
        (red.start_nano, &*red.counts, &*red.errors),
        (102 * MINUTE, &[1, 1][..], &[1, 0][..])
    );
    let operations = store.operations(OperationFilter::default()).await.unwrap();
    let names: Vec<_> = operations
        .iter()
        .map(|one| {
            (
                &*one.service,
                &*one.operation,
                one.span_count,
                one.error_count,
            )
        })
        .collect();
    assert_eq!(
        names,
        [("bank", "span 2", 10, 1), ("shop", "span 1", 10, 0)]
    );
    let map = store.service_map(TimeRange::default()).await.unwrap();
    assert_eq!(map.nodes.len(), 2);
    let edge = &map.edges[0];
    assert_eq!(
        (
            &*edge.from,
            &*edge.to,
            edge.call_count,
            edge.error_count,
            map.edges.len()
        ),
        ("shop", "bank", 10, 1, 1)
    );
    assert!(near(edge.p95_nano, 20));
}

/// Traces and log records over ten minutes are counted by the minute.
/// Each is in the bin of its time, with the filters of the lists.
#[tokio::test]
async fn rates_are_those_of_the_lists() {
    let (_directory, store) = open();
    shop_and_bank(&store).await;
    let filter = TraceFilter {
        time: range(100, 110),
        ..TraceFilter::default()
    };
    let rate = store.trace_rate(filter.clone(), 10).await.unwrap();
    let counts = |rate: &fanlight_store::Rate| -> Vec<(u64, u64)> {
        rate.bins
            .iter()
            .map(|bin| (bin.count, bin.errors))
            .collect()
    };
    let mut expected = vec![(1, 0); 10];
    expected[2] = (1, 1);
    assert_eq!((rate.step_nano, counts(&rate)), (MINUTE, expected.clone()));
    let of_bank = TraceFilter {
        service: Some("bank".to_owned()),
        ..filter
    };
    assert_eq!(
        counts(&store.trace_rate(of_bank, 10).await.unwrap()),
        expected
    );
    let records =
        (0..10).map(|minute| log(minute * MINUTE + 1, if minute < 3 { 17 } else { 9 }, "x"));
    store.write(&logs("shop", records.collect())).await.unwrap();
    let filter = LogFilter {
        time: range(0, 10),
        ..LogFilter::default()
    };
    let rate = store.log_rate(filter, 2).await.unwrap();
    assert_eq!(counts(&rate), [(5, 3), (5, 0)]);
    assert_eq!(rate.bins[0].severities, Some([0, 0, 2, 0, 3, 0]));
}

/// Traces with attributes, messages and events; several filters at once.
/// Exactly those with one span that is all of that are found.
#[tokio::test]
async fn spans_are_found_by_what_they_have() {
    let (_directory, store) = open();
    let text = |value: &str| Value::StringValue(value.to_owned());
    let paid = Span {
        name: "pay".to_owned(),
        attributes: vec![
            attribute("customer", Value::IntValue(7)),
            attribute("logfire.msg", text("Alice pays 5 EUR")),
        ],
        ..span(1, 1, None)
    };
    let event = span::Event {
        name: "Card declined".to_owned(),
        ..span::Event::default()
    };
    let declined = Span {
        attributes: vec![attribute("customer", Value::IntValue(8))],
        events: vec![event],
        ..span(2, 1, None)
    };
    store
        .write(&spans("shop", vec![paid, declined]))
        .await
        .unwrap();
    store
        .write(&spans("bank", vec![span(3, 1, None), span(1, 9, Some(1))]))
        .await
        .unwrap();
    let customer = |value: &str| AttributeFilter {
        key: "customer".to_owned(),
        value: value.to_owned(),
    };
    let cpus = AttributeFilter {
        key: "host.cpu.count".to_owned(),
        value: "8".to_owned(),
    };
    let all = TraceFilter::default;
    let some = |text: &str| Some(text.to_owned());
    let cases = [
        (
            TraceFilter {
                attributes: vec![customer("7")],
                ..all()
            },
            vec![1],
        ),
        (
            TraceFilter {
                attributes: vec![customer("7"), cpus.clone()],
                ..all()
            },
            vec![1],
        ),
        (
            TraceFilter {
                attributes: vec![customer("7"), customer("8")],
                ..all()
            },
            vec![],
        ),
        (
            TraceFilter {
                attributes: vec![cpus],
                service: some("bank"),
                ..all()
            },
            vec![1, 3],
        ),
        (
            TraceFilter {
                attributes: vec![customer("7")],
                service: some("bank"),
                ..all()
            },
            vec![],
        ),
        (
            TraceFilter {
                text: some("alice PAYS"),
                ..all()
            },
            vec![1],
        ),
        (
            TraceFilter {
                text: some("declined"),
                ..all()
            },
            vec![2],
        ),
        (
            TraceFilter {
                text: some("refund"),
                ..all()
            },
            vec![],
        ),
        (
            TraceFilter {
                operation: some("pay"),
                ..all()
            },
            vec![1],
        ),
        (
            TraceFilter {
                name: some("SPAN 9"),
                ..all()
            },
            vec![1],
        ),
        (
            TraceFilter {
                operation: some("span 1"),
                service: some("bank"),
                ..all()
            },
            vec![3],
        ),
        (
            TraceFilter {
                max_duration_nano: Some(600),
                ..all()
            },
            vec![2, 3],
        ),
    ];
    for (filter, expected) in cases {
        let page = store.traces(filter.clone()).await.unwrap();
        let mut found: Vec<u8> = page.items.iter().map(|trace| trace.trace_id.0[0]).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{filter:?}");
    }
    let newest = store.traces(all()).await.unwrap().items;
    let message = newest
        .iter()
        .find_map(|trace| trace.root_message.as_deref());
    assert_eq!(message, Some("Alice pays 5 EUR"));
}

/// Log records with attributes, of two services.
/// The facets count services, severities and values; filters by attribute, time and trace find what they describe.
#[tokio::test]
async fn logs_have_facets_and_more_filters() {
    let (_directory, store) = open();
    let user = |time, name: &str| opentelemetry_proto::tonic::logs::v1::LogRecord {
        attributes: vec![attribute("user", Value::StringValue(name.to_owned()))],
        trace_id: vec![time as u8; 16],
        ..log(time, 9, "hello")
    };
    store
        .write(&logs(
            "shop",
            vec![user(1, "ann"), user(2, "bob"), user(3, "ann")],
        ))
        .await
        .unwrap();
    store
        .write(&logs("bank", vec![log(4, 17, "no")]))
        .await
        .unwrap();
    let facets = store.log_facets(LogFilter::default()).await.unwrap();
    assert_eq!(
        serde_json::to_value(&facets).unwrap(),
        json!({
            "services": [{ "value": "shop", "count": 3 }, { "value": "bank", "count": 1 }],
            "severities": [{ "value": "INFO", "count": 3 }, { "value": "ERROR", "count": 1 }],
            "scopes": [{ "value": "tests", "count": 4 }],
            "attributes": [{ "key": "user", "values": [{ "value": "ann", "count": 2 }, { "value": "bob", "count": 1 }] }],
            "sampled": false
        })
    );
    let ann = AttributeFilter {
        key: "user".to_owned(),
        value: "ann".to_owned(),
    };
    let find = async |filter: LogFilter| -> Vec<u64> {
        let items = store.logs(filter).await.unwrap().items;
        items.iter().map(|record| record.time_unix_nano).collect()
    };
    let all = LogFilter::default;
    assert_eq!(
        find(LogFilter {
            attributes: vec![ann],
            ..all()
        })
        .await,
        [3, 1]
    );
    let time = TimeRange {
        from: Some(2),
        to: Some(4),
    };
    assert_eq!(find(LogFilter { time, ..all() }).await, [3, 2]);
    let structured = opentelemetry_proto::tonic::logs::v1::LogRecord {
        body: Some(opentelemetry_proto::tonic::common::v1::AnyValue {
            value: Some(Value::KvlistValue(
                opentelemetry_proto::tonic::common::v1::KeyValueList {
                    values: vec![attribute("order", Value::IntValue(4711))],
                },
            )),
        }),
        ..log(9, 9, "")
    };
    store.write(&logs("bank", vec![structured])).await.unwrap();
    let text = Some("\"order\":471".to_owned());
    assert_eq!(find(LogFilter { text, ..all() }).await, [9]);
    let trace_id = Some(TraceId([2; 16]));
    assert_eq!(find(LogFilter { trace_id, ..all() }).await, [2]);
}

/// Exceptions of two types, in spans and in a log record.
/// They are grouped by type and place, with counts and examples.
#[tokio::test]
async fn errors_are_grouped_by_type_and_place() {
    let (_directory, store) = open();
    let text = |value: &str| Value::StringValue(value.to_owned());
    let exception = |time: u64, kind: &str| span::Event {
        time_unix_nano: time,
        name: "exception".to_owned(),
        attributes: vec![
            attribute("exception.type", text(kind)),
            attribute("exception.message", text(&format!("at {time}"))),
        ],
        ..span::Event::default()
    };
    for trace in 1..=3 {
        let failed = Span {
            events: vec![exception(u64::from(trace) * 1000, "ValueError")],
            ..span(trace, 1, None)
        };
        store
            .write(&spans("shop", vec![failed.clone(), failed]))
            .await
            .unwrap();
    }
    let logged = opentelemetry_proto::tonic::logs::v1::LogRecord {
        attributes: vec![attribute("exception.type", text("IOError"))],
        ..log(5000, 17, "broken")
    };
    store.write(&logs("bank", vec![logged])).await.unwrap();
    let groups = store.errors(ErrorFilter::default()).await.unwrap();
    let found: Vec<_> = groups
        .iter()
        .map(|group| {
            (
                &*group.kind,
                &*group.place,
                &*group.service,
                group.count,
                &*group.message,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("ValueError", "span 1", "shop", 3, "at 3000"),
            ("IOError", "tests", "bank", 1, "")
        ]
    );
    assert_eq!((groups[0].first_nano, groups[0].last_nano), (1000, 3000));
    assert_eq!(groups[0].example_trace_ids[0], TraceId([3; 16]));
    assert_eq!(groups[0].counts.iter().sum::<u64>(), 3);
}

fn profile_request() -> Batch {
    let string_table = ["", "cpu", "nanoseconds", "main", "pay", "main.rs"];
    let function = |name| Function {
        name_strindex: name,
        filename_strindex: 5,
        ..Function::default()
    };
    let location = |function, line| Location {
        lines: vec![Line {
            function_index: function,
            line,
            ..Line::default()
        }],
        ..Location::default()
    };
    let dictionary = ProfilesDictionary {
        mapping_table: vec![Mapping::default()],
        function_table: vec![Function::default(), function(3), function(4)],
        location_table: vec![Location::default(), location(1, 10), location(2, 20)],
        stack_table: vec![
            Stack::default(),
            Stack {
                location_indices: vec![1],
            },
            Stack {
                location_indices: vec![2, 1],
            },
        ],
        string_table: string_table.map(str::to_owned).to_vec(),
        ..ProfilesDictionary::default()
    };
    let sample = |stack, value| Sample {
        stack_index: stack,
        values: vec![value],
        ..Sample::default()
    };
    let profile = Profile {
        sample_type: Some(ValueType {
            type_strindex: 1,
            unit_strindex: 2,
        }),
        samples: vec![sample(1, 5), sample(2, 7), sample(2, 3)],
        time_unix_nano: 9,
        duration_nano: 4,
        ..Profile::default()
    };
    let scope_profiles = vec![ScopeProfiles {
        profiles: vec![profile],
        ..ScopeProfiles::default()
    }];
    let resource_profiles = vec![ResourceProfiles {
        resource: Some(resource("shop")),
        scope_profiles,
        ..ResourceProfiles::default()
    }];
    let request = ExportProfilesServiceRequest {
        resource_profiles,
        dictionary: Some(dictionary),
    };
    batch(Signal::Profiles, &request)
}

/// A profile with two stacks is stored.
/// It is listed, and its flame graph has the functions with what was counted in them.
#[tokio::test]
async fn profiles_are_listed_and_shown_as_flame_graphs() {
    let (_directory, store) = open();
    store.write(&profile_request()).await.unwrap();
    let listed = store.profiles(ProfileFilter::default()).await.unwrap();
    let one = &listed[0];
    assert_eq!(
        (
            &*one.service,
            &*one.sample_type,
            &*one.unit,
            one.sample_count,
            one.time_unix_nano
        ),
        ("shop", "cpu", "nanoseconds", 3, 9)
    );
    let graph = store.profile(one.id.clone(), None).await.unwrap().unwrap();
    let main = json!({
        "name": "main", "file": "main.rs", "line": 10, "self": "5", "total": "15", "children": [
            { "name": "pay", "file": "main.rs", "line": 20, "self": "10", "total": "10", "children": [] }
        ]
    });
    let root = json!({ "name": "all", "file": null, "line": null, "self": "0", "total": "15", "children": [main] });
    assert_eq!(
        serde_json::to_value(&graph).unwrap(),
        json!({ "unit": "nanoseconds", "root": root })
    );
    assert!(
        store
            .profile(one.id.clone(), Some("heap".to_owned()))
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.profile("x".to_owned(), None).await.unwrap().is_none());
}

async fn exported(store: &Store, filter: ExportFilter) -> Batch {
    let mut export = store.export(filter);
    let mut batches = Vec::new();
    while let Some(batch) = export.next().await {
        batches.push(batch.unwrap());
    }
    Batch::join(&batches).unwrap()
}

/// Traces, log records and metrics are exported, and stored in another store.
/// What is read there is what is read here.
#[tokio::test]
async fn what_is_exported_is_what_was_stored() {
    let (_directory, store) = open();
    shop_and_bank(&store).await;
    store
        .write(&logs("shop", vec![log(1, 9, "hello"), log(2, 17, "no")]))
        .await
        .unwrap();
    store
        .write(&metrics("shop", vec![counter("a", &[(1, 5), (2, 6)])]))
        .await
        .unwrap();
    let (_other_directory, other) = open();
    let everything = [
        ExportFilter::Traces(TraceFilter::default()),
        ExportFilter::Logs(LogFilter::default()),
        ExportFilter::Metrics(MetricFilter::default(), TimeRange::default()),
    ];
    for filter in everything {
        other.write(&exported(&store, filter).await).await.unwrap();
    }
    for trace in 1..=10 {
        let id = TraceId([trace; 16]);
        let [a, b] = [
            store.trace(id).await.unwrap(),
            other.trace(id).await.unwrap(),
        ];
        assert_eq!(
            serde_json::to_value(a).unwrap(),
            serde_json::to_value(b).unwrap()
        );
    }
    let list = async |store: &Store| {
        let items = store.logs(LogFilter::default()).await.unwrap().items;
        let metrics = store.metrics(MetricFilter::default()).await.unwrap();
        (
            serde_json::to_value(items).unwrap(),
            serde_json::to_value(metrics).unwrap(),
        )
    };
    assert_eq!(list(&store).await, list(&other).await);
    let failed = TraceFilter {
        errors_only: true,
        ..TraceFilter::default()
    };
    assert_eq!(
        exported(&store, ExportFilter::Traces(failed)).await.items(),
        2
    );
}

/// Views are saved, replaced, listed and deleted, and the store is opened again in between.
/// They are what was saved last.
#[tokio::test]
async fn views_are_kept() {
    let (directory, store) = open();
    let view = |query: &str| NewView {
        name: "slow".to_owned(),
        page: "traces".to_owned(),
        query: query.to_owned(),
    };
    let saved = store.put_view(view("a=1")).await.unwrap();
    assert_eq!(store.put_view(view("a=2")).await.unwrap().id, saved.id);
    let path = store.path().to_owned();
    drop(store);
    let store = crate::opening::reopen(&path).await;
    let views = store.views().await.unwrap();
    assert_eq!((views.len(), &*views[0].query), (1, "a=2"));
    assert!(store.delete_view(saved.id.clone()).await.unwrap());
    assert!(!store.delete_view(saved.id).await.unwrap());
    assert!(store.views().await.unwrap().is_empty());
    drop(directory);
}

/// The request that holds a profile is read as it was sent.
#[test]
fn the_profile_of_these_tests_is_valid() {
    let request = ExportProfilesServiceRequest::decode(&profile_request().bytes()[..]).unwrap();
    assert_eq!(request.resource_profiles.len(), 1);
}
