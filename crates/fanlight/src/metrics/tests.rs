//! Instruments through what a destination gets of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fanlight_otlp::view::{MetricKind, NumberView, PointValue, PointView};
use fanlight_otlp::{Batch, Signal};

use super::*;
use crate::Context;
use crate::collect::{Collector, MetricSource, Outlet, Reply, Temporality, Work};
use crate::destination::counts::{Cause, Counts};
use crate::form::Form;
use crate::handoff::Handoff;
use crate::notice::Notices;

/// A point, in words that are easy to compare.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    kind: Option<MetricKind>,
    unit: String,
    temporality: i32,
    is_monotonic: bool,
    number: Option<NumberView>,
    count: u64,
    sum: Option<f64>,
    min_max: Option<(f64, f64)>,
    /// Explicit: counts. Exponential: counts by index, negative side last.
    buckets: Vec<u64>,
    bounds: Vec<f64>,
    scale: i32,
    zero_count: u64,
    start: u64,
    time: u64,
    exemplar: Option<(NumberView, fanlight_otlp::TraceId, fanlight_otlp::SpanId)>,
}

/// What one collection told, by metric and attributes.
type Points = BTreeMap<(String, String), Told>;

fn builder<I>(registry: &Arc<Registry>, name: &'static str, shape: Shape) -> InstrumentBuilder<I> {
    InstrumentBuilder::new(Arc::clone(registry), name.into(), shape)
}

fn counter_of<T: Increment>(
    registry: &Arc<Registry>,
    name: &'static str,
) -> InstrumentBuilder<Counter<T>> {
    builder(registry, name, Shape::Sum { is_monotonic: true })
}

fn histogram_of(registry: &Arc<Registry>, name: &'static str) -> InstrumentBuilder<Histogram> {
    builder(
        registry,
        name,
        Shape::Histogram(histogram::default_bounds()),
    )
}

fn up_down_of<T: Signed>(
    registry: &Arc<Registry>,
    name: &'static str,
) -> InstrumentBuilder<UpDownCounter<T>> {
    let is_monotonic = false;
    builder(registry, name, Shape::Sum { is_monotonic })
}

fn gauge_of<T: Signed>(
    registry: &Arc<Registry>,
    name: &'static str,
) -> InstrumentBuilder<Gauge<T>> {
    builder(registry, name, Shape::Last)
}

fn observed(
    registry: &Arc<Registry>,
    name: &'static str,
    shape: Shape,
) -> InstrumentBuilder<Observable> {
    builder(registry, name, shape)
}

fn source(registry: &Arc<Registry>) -> Metrics {
    Metrics::of(
        Settings::default(),
        Notices::default(),
        Arc::clone(registry),
    )
}

fn told(source: &Metrics, temporality: Temporality) -> Points {
    source
        .batch(temporality, &[("service.name", "shop".into())])
        .map(|batch| read(&batch))
        .unwrap_or_default()
}

fn collected(source: &mut Metrics) -> Points {
    source.collect();
    told(source, Temporality::Cumulative)
}

fn read(batch: &Batch) -> Points {
    let mut points = Points::new();
    for resource in batch.resources() {
        for scope in resource.unwrap().scopes() {
            for metric in scope.unwrap().metrics() {
                let metric = metric.unwrap();
                for point in metric.points() {
                    let point = point.unwrap();
                    let told = Told {
                        kind: Some(metric.kind),
                        unit: metric.unit.to_owned(),
                        temporality: metric.aggregation_temporality,
                        is_monotonic: metric.is_monotonic,
                        ..read_point(&point)
                    };
                    let key = (metric.name.to_owned(), attributes_of(&point));
                    assert_eq!(points.insert(key, told), None, "a series twice");
                }
            }
        }
    }
    assert_eq!(points.len(), batch.items());
    points
}

fn attributes_of(point: &PointView<'_>) -> String {
    let attributes = point.attributes.iter().map(|attribute| {
        let (key, value) = attribute.unwrap();
        format!("{key}={value:?}")
    });
    attributes.collect::<Vec<_>>().join(" ")
}

fn read_point(point: &PointView<'_>) -> Told {
    let mut told = Told {
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        exemplar: point.exemplars().next().map(|exemplar| {
            let exemplar = exemplar.unwrap();
            (exemplar.value.unwrap(), exemplar.trace_id, exemplar.span_id)
        }),
        ..Told::default()
    };
    match point.value {
        PointValue::Number(number) => told.number = Some(number),
        PointValue::Histogram(view) => {
            (told.count, told.sum) = (view.count, view.sum);
            told.min_max = view.min.zip(view.max);
            told.buckets = view.bucket_counts().map(Result::unwrap).collect();
            told.bounds = view.explicit_bounds().map(Result::unwrap).collect();
        }
        PointValue::ExponentialHistogram(view) => {
            (told.count, told.sum) = (view.count, view.sum);
            told.min_max = view.min.zip(view.max);
            (told.scale, told.zero_count) = (view.scale, view.zero_count);
            for side in [view.positive, view.negative] {
                told.buckets
                    .extend(side.bucket_counts().map(Result::unwrap));
            }
        }
        _ => panic!("a point without a value"),
    }
    told
}

fn number(points: &Points, name: &str, attributes: &str) -> Option<NumberView> {
    points
        .get(&(name.to_owned(), attributes.to_owned()))?
        .number
}

const INT: fn(i64) -> Option<NumberView> = |value| Some(NumberView::Int(value));
const DOUBLE: fn(f64) -> Option<NumberView> = |value| Some(NumberView::Double(value));

#[test]
fn counts_are_exact_under_threads() {
    let registry = Arc::new(Registry::default());
    let mut source = source(&registry);
    let orders = counter_of::<u64>(&registry, "orders").build();
    let paid = counter_of::<f64>(&registry, "paid").build();
    let duration = histogram_of(&registry, "duration").build();
    let bound = orders.bind([("route", "/bound")]);
    let mut seen = 0;
    thread::scope(|scope| {
        for thread in 0..4 {
            let (orders, paid, duration, bound) = (&orders, &paid, &duration, &bound);
            scope.spawn(move || {
                for index in 0..5_000_u64 {
                    orders.add(1, ());
                    orders.add(2, (("shard", index % 7), ("thread", thread)));
                    paid.add(0.5, [("currency", "EUR")]);
                    duration.record(index % 100, ());
                    bound.add(3);
                }
            });
        }
        // Collecting meanwhile neither loses nor doubles anything.
        for _ in 0..20 {
            source.collect();
            let delta = told(&source, Temporality::Delta);
            let Some(NumberView::Int(new)) = number(&delta, "orders", "") else {
                continue;
            };
            seen += new;
        }
    });
    source.collect();
    let points = told(&source, Temporality::Cumulative);
    if let Some(NumberView::Int(new)) = number(&told(&source, Temporality::Delta), "orders", "") {
        seen += new;
    }
    assert_eq!(seen, 20_000);
    assert_eq!(number(&points, "orders", ""), INT(20_000));
    assert_eq!(
        number(&points, "orders", "route=Str(\"/bound\")"),
        INT(60_000)
    );
    assert_eq!(
        number(&points, "paid", "currency=Str(\"EUR\")"),
        DOUBLE(10_000.0)
    );
    let by_thread: i64 = points
        .iter()
        .filter(|((_, attributes), _)| attributes.contains("shard"))
        .map(|(_, told)| match told.number {
            Some(NumberView::Int(value)) => value,
            _ => 0,
        })
        .sum();
    assert_eq!(by_thread, 40_000);
    let told = &points[&("duration".to_owned(), String::new())];
    assert_eq!((told.count, told.sum), (20_000, Some(990_000.0)));
    assert_eq!(told.buckets.iter().sum::<u64>(), 20_000);
}

#[test]
fn every_kind_comes_back_as_it_was_measured() {
    let registry = Arc::new(Registry::default());
    let mut source = source(&registry);
    counter_of::<u64>(&registry, "c")
        .unit("{order}")
        .build()
        .add(u64::MAX, ());
    let active = up_down_of::<i64>(&registry, "u").build();
    active.add(-3, ());
    let warmth = gauge_of::<f64>(&registry, "g").build();
    warmth.set(20.5, ());
    warmth.set(-1.5, ());
    let never_set = gauge_of::<i64>(&registry, "n").build();
    let _ = never_set.bind(());
    let explicit = histogram_of(&registry, "h")
        .unit("s")
        .bounds([1.0, 2.0])
        .build();
    for value in [0.5, 1.0, 1.5, 9.0] {
        explicit.record(value, ());
    }
    let exponential = histogram_of(&registry, "e")
        .max_size(4)
        .zero_threshold(0.01)
        .build();
    for value in [0.0, 1.0, 2.0, 4.0, -8.0] {
        exponential.record(value, ());
    }
    exponential.record(Duration::from_millis(500), ());

    let points = collected(&mut source);
    let names: Vec<&str> = points.keys().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["c", "e", "g", "h", "u"]);
    let of = |name: &str| points[&(name.to_owned(), String::new())].clone();
    let counted = of("c");
    assert_eq!(
        (counted.number, counted.unit.as_str()),
        (INT(i64::MAX), "{order}")
    );
    assert_eq!((counted.temporality, counted.is_monotonic), (2, true));
    assert!(counted.start <= counted.time && counted.start > 0);
    assert_eq!((of("u").number, of("u").is_monotonic), (INT(-3), false));
    assert_eq!(
        (of("g").number, of("g").kind),
        (DOUBLE(-1.5), Some(MetricKind::Gauge))
    );
    let explicit = of("h");
    assert_eq!((explicit.count, explicit.sum), (4, Some(12.0)));
    assert_eq!(explicit.min_max, Some((0.5, 9.0)));
    assert_eq!(
        (explicit.buckets, explicit.bounds),
        (vec![2, 1, 1], vec![1.0, 2.0])
    );
    let exponential = of("e");
    // Powers of two from 0.5 to 4 are four buckets of scale 0.
    assert_eq!((exponential.scale, exponential.zero_count), (0, 1));
    assert_eq!(exponential.buckets, [1, 1, 1, 1, 1]);
    // With negative values, a sum would not only grow.
    assert_eq!((exponential.count, exponential.sum), (6, None));
    assert_eq!(exponential.min_max, Some((-8.0, 4.0)));
}

#[test]
fn what_is_measured_before_the_start_is_told_after_it() {
    let registry = Arc::new(Registry::default());
    let early = counter_of::<u64>(&registry, "early").build();
    early.add(2, ());
    let mut first = source(&registry);
    early.add(3, ());
    first.collect();
    assert_eq!(
        number(&told(&first, Temporality::Delta), "early", ""),
        INT(5)
    );
    // After one end and another start, it goes on.
    early.add(4, ());
    let mut second = source(&registry);
    second.collect();
    assert_eq!(
        number(&told(&second, Temporality::Cumulative), "early", ""),
        INT(9)
    );
    assert_eq!(
        number(&told(&second, Temporality::Delta), "early", ""),
        INT(4)
    );
}

#[test]
fn deltas_are_what_is_new_since_the_last() {
    let registry = Arc::new(Registry::default());
    let mut source = source(&registry);
    let orders = counter_of::<u64>(&registry, "orders").build();
    let duration = histogram_of(&registry, "duration").build();
    let size = histogram_of(&registry, "size").max_size(4).build();
    let active = up_down_of::<f64>(&registry, "active").build();
    let measure = |count: u64| {
        orders.add(count, ());
        duration.record(count, ());
        size.record(count, ());
        active.add(1.0, ());
    };
    measure(1_000);
    source.collect();
    let first = told(&source, Temporality::Delta);
    measure(1);
    source.collect();
    let second = told(&source, Temporality::Delta);
    let all = told(&source, Temporality::Cumulative);
    let key = |name: &str| (name.to_owned(), String::new());

    assert_eq!(number(&second, "orders", ""), INT(1));
    assert_eq!(number(&all, "orders", ""), INT(1_001));
    assert_eq!(second[&key("orders")].temporality, 1);
    // One part begins after the other ended, and before it ends itself.
    assert!(second[&key("orders")].start > first[&key("orders")].start);
    assert!(second[&key("orders")].start <= first[&key("orders")].time);
    assert!(second[&key("orders")].start < second[&key("orders")].time);
    // Smallest and largest are those of the part.
    assert_eq!(second[&key("duration")].min_max, Some((1.0, 1.0)));
    assert_eq!(all[&key("duration")].min_max, Some((1.0, 1_000.0)));
    assert_eq!(
        (all[&key("duration")].count, second[&key("duration")].count),
        (2, 1)
    );
    assert_eq!(
        (all[&key("size")].count, second[&key("size")].count),
        (2, 1)
    );
    assert_eq!(second[&key("size")].scale, 20, "as fine as the part allows");
    // What goes up and down has to be told whole.
    assert_eq!(number(&second, "active", ""), DOUBLE(2.0));
    assert_eq!(second[&key("active")].temporality, 2);

    source.collect();
    let silent = told(&source, Temporality::Delta);
    assert_eq!(
        silent
            .keys()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        ["active"]
    );
}

#[test]
fn observables_are_asked_when_collected() {
    static TOTAL: AtomicU64 = AtomicU64::new(10);
    let registry = Arc::new(Registry::default());
    let mut source = source(&registry);
    let hits = observed(&registry, "hits", Shape::Sum { is_monotonic: true }).build(|observer| {
        observer.observe(TOTAL.load(Ordering::Relaxed), ());
        if TOTAL.load(Ordering::Relaxed) == 10 {
            observer.observe(1, [("only", "once")]);
        }
    });
    observed(&registry, "load", Shape::Last).build(|observer| observer.observe(0.5, ()));
    let first = collected(&mut source);
    assert_eq!(number(&first, "hits", ""), INT(10));
    assert_eq!(number(&first, "hits", "only=Str(\"once\")"), INT(1));
    assert_eq!(number(&first, "load", ""), DOUBLE(0.5));

    TOTAL.store(25, Ordering::Relaxed);
    source.collect();
    assert_eq!(
        number(&told(&source, Temporality::Delta), "hits", ""),
        INT(15)
    );
    assert_eq!(
        number(&told(&source, Temporality::LowMemory), "hits", ""),
        INT(25)
    );
    let second = told(&source, Temporality::Cumulative);
    assert_eq!(number(&second, "hits", "only=Str(\"once\")"), None);

    hits.stop();
    assert_eq!(number(&collected(&mut source), "hits", ""), None);
}

#[test]
fn a_callback_that_panics_hurts_nobody_else() {
    let registry = Arc::new(Registry::default());
    let mut source = source(&registry);
    observed(&registry, "bad", Shape::Last).build(|_| panic!("a panic that the test wants"));
    observed(&registry, "good", Shape::Last).build(|observer| observer.observe(1, ()));
    assert_eq!(number(&collected(&mut source), "good", ""), INT(1));
    assert!(registry.complaints().told()[0].contains("\"bad\" may lack values"));
}

#[test]
fn past_the_limit_one_series_takes_the_rest() {
    let registry = Arc::new(Registry::with_series_limit(10));
    let mut source = source(&registry);
    let orders = counter_of::<u64>(&registry, "orders").build();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|user| orders.add(1, [("user", user)])));
        }
    });
    orders.add(1, ());
    let points = collected(&mut source);
    assert_eq!(points.len(), 10);
    assert_eq!(number(&points, "orders", ""), INT(1));
    // Eight users have a series of their own, and keep it.
    assert_eq!(
        number(&points, "orders", "otel.metric.overflow=Bool(true)"),
        INT(92 * 4)
    );
    orders.add(1, [("user", 100)]);
    let overflow = number(
        &collected(&mut source),
        "orders",
        "otel.metric.overflow=Bool(true)",
    );
    assert_eq!(overflow, INT(92 * 4 + 1));
}

#[test]
fn series_that_are_not_observed_any_more_make_room() {
    static ROUND: AtomicU64 = AtomicU64::new(0);
    // Room for three of the last round and three of this one, beside the two that always have theirs.
    let registry = Arc::new(Registry::with_series_limit(8));
    let mut source = source(&registry);
    observed(&registry, "queue", Shape::Last).build(|observer| {
        let round = ROUND.fetch_add(1, Ordering::Relaxed);
        for queue in 0..3 {
            observer.observe(1, [("queue", round * 3 + queue)]);
        }
    });
    for round in 0..10 {
        let points = collected(&mut source);
        assert_eq!(points.len(), 3, "round {round}: {:?}", points.keys());
        assert!(
            points
                .keys()
                .all(|(_, attributes)| attributes.starts_with("queue="))
        );
    }
}

#[test]
fn instruments_of_the_same_name_and_kind_are_one() {
    let registry = Arc::new(Registry::default());
    let mut source = source(&registry);
    counter_of::<u64>(&registry, "orders").build().add(1, ());
    counter_of::<u64>(&registry, "Orders")
        .description("Orders")
        .build()
        .add(2, ());
    assert_eq!(number(&collected(&mut source), "orders", ""), INT(3));
    assert_eq!(registry.complaints().told(), Vec::<String>::new());

    counter_of::<u64>(&registry, "orders")
        .unit("{order}")
        .build();
    counter_of::<u64>(&registry, "orders")
        .unit("{order}")
        .build();
    histogram_of(&registry, "size").build();
    histogram_of(&registry, "size").bounds([1.0]).build();
    let complaints = registry.complaints().told();
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(
        complaints[0].starts_with("metric \"orders\" exists as counter of integers of unit \"\"")
    );
    assert!(complaints[1].starts_with("metric \"size\" keeps the buckets"));
}

#[test]
fn what_cannot_be_is_told_and_not_exported() {
    let registry = Arc::new(Registry::default());
    let mut source = source(&registry);
    for name in ["", "1st", "with space", "naïve"] {
        counter_of::<u64>(&registry, name).build().add(1, ());
    }
    let falling = counter_of::<f64>(&registry, "falling").build();
    falling.add(2.0, ());
    falling.add(-1.0, ());
    falling.add(f64::NAN, ());
    let duration = histogram_of(&registry, "duration")
        .bounds([2.0, 1.0])
        .build();
    duration.record(f64::INFINITY, ());
    duration.record(1.0, ());
    let points = collected(&mut source);
    assert_eq!(points.len(), 2);
    assert_eq!(number(&points, "falling", ""), DOUBLE(2.0));
    let told = &points[&("duration".to_owned(), String::new())];
    assert_eq!((told.count, told.bounds.len()), (1, 15));
    let complaints = registry.complaints().told().join("\n");
    assert_eq!(complaints.lines().count(), 7, "{complaints}");
    assert!(
        complaints.contains("metric \"falling\" ignores values such as -1: a counter only grows")
    );
    assert!(complaints.contains("metric \"1st\" is not exported: a name starts with a letter"));
}

#[test]
fn measurements_inside_sampled_spans_are_exemplars() {
    let registry = Arc::new(Registry::default());
    let mut source = source(&registry);
    let orders = counter_of::<u64>(&registry, "orders").build();
    let duration = histogram_of(&registry, "duration").build();
    let mut context = Context::new(
        fanlight_otlp::TraceId([1; 16]),
        fanlight_otlp::SpanId([2; 8]),
        true,
    );
    {
        let _entered = context.enter();
        orders.add(5, ());
        duration.record(0.25, ());
    }
    context.is_sampled = false;
    let _entered = context.enter();
    orders.add(7, [("sampled", false)]);
    let points = collected(&mut source);
    let exemplar =
        |name: &str, attributes: &str| points[&(name.to_owned(), attributes.to_owned())].exemplar;
    let ids = (context.trace_id, context.span_id);
    assert_eq!(
        exemplar("orders", ""),
        Some((NumberView::Int(5), ids.0, ids.1))
    );
    assert_eq!(
        exemplar("duration", ""),
        Some((NumberView::Double(0.25), ids.0, ids.1))
    );
    assert_eq!(exemplar("orders", "sampled=Bool(false)"), None);
    // It belongs to what is new; later points have none until there is another.
    assert_eq!(
        collected(&mut source)[&("orders".to_owned(), String::new())].exemplar,
        None
    );
}

#[test]
fn it_is_due_after_the_interval() {
    let settings = Settings {
        interval: Duration::from_secs(3_600),
        ..Settings::default()
    };
    let mut source = Metrics::of(settings, Notices::default(), Arc::default());
    let due = source.due().unwrap();
    assert!(due > Instant::now() + Duration::from_secs(3_500));
    source.collect();
    assert!(source.due().unwrap() >= due);
    assert_eq!(source.batch(Temporality::Cumulative, &[]), None);
}

#[test]
fn lost_records_are_told_once_there_are_any() {
    let mut source = Metrics::of(Settings::default(), Notices::default(), Arc::default());
    let handoff = Arc::new(Handoff::new(0));
    source.watch(&handoff);
    assert_eq!(collected(&mut source), Points::new());
    let buffer = handoff.join();
    for _ in 0..3 {
        handoff.append(&buffer, |records| records.extend([0; 100_000]));
    }
    let cause = "error.type=Str(\"memory_limit\")";
    let told = collected(&mut source);
    assert_eq!(number(&told, "fanlight.records.dropped", cause), INT(2));
    let told = collected(&mut source);
    assert_eq!(number(&told, "fanlight.records.dropped", cause), INT(2));
}

/// The names are those of the semantic conventions, and the values make sense for a process that runs this test.
#[test]
#[cfg(target_os = "linux")]
fn process_and_host_measure_themselves() {
    let settings = Settings {
        measured: Measured {
            process: true,
            host: true,
            delivery: false,
        },
        ..Settings::default()
    };
    let mut source = Metrics::of(settings, Notices::default(), Arc::default());
    let points = collected(&mut source);
    let of = |name: &str, attributes: &str| {
        number(&points, name, attributes)
            .unwrap_or_else(|| panic!("no {name} {attributes} in {:?}", points.keys()))
            .as_f64()
    };
    assert!(of("process.memory.usage", "") > 100_000.0);
    assert!(of("process.memory.virtual", "") >= of("process.memory.usage", ""));
    assert!(of("process.thread.count", "") >= 1.0);
    assert!(of("process.open_file_descriptor.count", "") >= 3.0);
    assert!(of("process.cpu.time", "cpu.mode=Str(\"user\")") >= 0.0);
    let uptime = of("process.uptime", "");
    assert!((0.0..3_600.0).contains(&uptime), "{uptime}");
    assert!(of("system.cpu.logical.count", "") >= 1.0);
    assert!(
        of(
            "system.cpu.time",
            "cpu.logical_number=Int(0) cpu.mode=Str(\"idle\")"
        ) > 0.0
    );
    let states = ["used", "free", "buffers", "cached"];
    let memory: f64 = states
        .iter()
        .map(|state| {
            of(
                "system.memory.usage",
                &format!("system.memory.state=Str({state:?})"),
            )
        })
        .sum();
    assert_eq!(memory, of("system.memory.limit", ""));
}

#[test]
fn literals_need_no_type() {
    counter("literals.counter").build().add(1, ());
    counter("literals.counter.double").build().add(0.5, ());
    up_down_counter("literals.up_down").build().add(-1, ());
    gauge("literals.gauge")
        .build()
        .set(21.5, [("room", "kitchen")]);
    histogram("literals.histogram").build().record(3, ());
}

#[test]
fn what_became_of_telemetry_is_told_by_cause() {
    let counts = Arc::new(Counts::default());
    let of = |delivery: bool| {
        let settings = Settings {
            measured: Measured {
                delivery,
                ..Measured::default()
            },
            ..Settings::default()
        };
        let source = Metrics::of(settings, Notices::default(), Arc::default());
        source.watch_destination("jaeger", &counts);
        source
    };
    let (mut losses, mut all) = (of(false), of(true));
    counts.add_exported(Signal::Traces, 7);
    assert_eq!(collected(&mut losses), Points::new());
    counts.add_dropped(Signal::Traces, Cause::Refused, 2);
    counts.add_dropped(Signal::Logs, Cause::Expired, 3);
    counts.set_held(100, 2_000);

    let name = "otel.component.name=Str(\"jaeger\")";
    let refused = format!("error.type=Str(\"refused\") {name}");
    let expired = format!("error.type=Str(\"expired\") {name}");
    let points = collected(&mut losses);
    assert_eq!(points.len(), 2);
    assert_eq!(
        number(&points, "otel.sdk.exporter.span.exported", &refused),
        INT(2)
    );
    assert_eq!(
        number(&points, "otel.sdk.exporter.log.exported", &expired),
        INT(3)
    );
    let points = collected(&mut all);
    assert_eq!(points.len(), 5);
    assert_eq!(
        number(&points, "otel.sdk.exporter.span.exported", name),
        INT(7)
    );
    let place = |place: &str| {
        number(
            &points,
            "fanlight.queue.size",
            &format!("{name} place=Str({place:?})"),
        )
    };
    assert_eq!((place("memory"), place("disk")), (INT(100), INT(2_000)));
}

/// A destination that keeps what it gets.
#[derive(Debug)]
struct Kept {
    temporality: Option<Temporality>,
    batches: Arc<Mutex<Vec<Batch>>>,
}

impl Outlet for Kept {
    fn form(&self) -> Form {
        Form::default()
    }

    fn wants_metrics(&self) -> bool {
        self.temporality.is_some()
    }

    fn temporality(&self) -> Temporality {
        self.temporality.unwrap_or_default()
    }

    fn offer(&self, batch: Batch) {
        self.batches.lock().unwrap().push(batch);
    }

    fn flush(&self, _: Instant, reply: Reply) {
        reply.send(crate::Flushed::default());
    }
}

/// Scenario: three destinations, one of which wants no metrics; two flushes and the end.
/// Guarantee: each flush and the end collect, and each destination gets its temporality.
#[test]
fn each_destination_gets_its_temporality_at_each_flush() {
    let registry = Arc::new(Registry::default());
    let wanted = [
        Some(Temporality::Cumulative),
        Some(Temporality::Delta),
        None,
    ];
    let kept = wanted.map(|temporality| Kept {
        temporality,
        batches: Arc::default(),
    });
    let batches = kept.each_ref().map(|outlet| Arc::clone(&outlet.batches));
    let work = Work {
        outlets: kept
            .map(|outlet| Box::new(outlet) as Box<dyn Outlet>)
            .into(),
        metrics: vec![Box::new(source(&registry))],
        ..Work::default()
    };
    let collector = Collector::start(Arc::new(Handoff::new(1 << 20)), work).unwrap();
    let orders = counter_of::<u64>(&registry, "orders").build();
    let deadline = Instant::now() + Duration::from_secs(30);
    for is_last in [false, false, true] {
        orders.add(5, ());
        let done = match is_last {
            true => collector.stop(deadline),
            false => collector.flush(deadline),
        };
        assert_eq!(done.wait(deadline).unwrap().len(), 3);
    }
    let got = batches.map(|batches| {
        let batches = batches.lock().unwrap();
        let numbers = batches
            .iter()
            .map(|batch| number(&read(batch), "orders", ""));
        numbers.flatten().collect::<Vec<_>>()
    });
    let ints = |values: [i64; 3]| values.map(NumberView::Int).to_vec();
    assert_eq!(got, [ints([5, 10, 15]), ints([5, 5, 5]), vec![]]);
}
