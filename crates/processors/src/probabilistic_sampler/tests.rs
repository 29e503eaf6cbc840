use super::*;
use fanlight_config::{Document, Environment};
use fanlight_otlp::TraceId;
use fanlight_otlp::write::{LogRecord, RequestWriter, Span};

fn sampler(yaml: &str) -> Sampler {
    let node = Document::parse("test.yaml", yaml, &Environment::default())
        .unwrap()
        .into_root();
    decode(&node).unwrap();
    Sampler::new(node.decode().unwrap())
}

/// The trace state of a span after sampling; `None` when it was dropped.
fn span(yaml: &str, trace_id: &str, trace_state: &str) -> Option<String> {
    span_with(
        yaml,
        Span {
            trace_id: trace_id.parse().unwrap(),
            trace_state,
            ..Span::default()
        },
    )
}

fn span_with(yaml: &str, span: Span<'_>) -> Option<String> {
    let mut out = RequestWriter::new(Signal::Traces);
    out.resource(&[], |resource| {
        resource.scope("", "", |scope| scope.span(&span))
    });
    let batch = sampler(yaml).process(out.finish()).unwrap();
    let resource = batch.resources().next()?.unwrap();
    let span = resource
        .scopes()
        .next()
        .unwrap()
        .unwrap()
        .spans()
        .next()
        .unwrap()
        .unwrap();
    Some(span.trace_state.to_owned())
}

/// The threshold and randomness attributes of a log record after sampling; `None` when it was dropped.
fn log(yaml: &str, record: LogRecord<'_>) -> Option<(String, String)> {
    let mut out = RequestWriter::new(Signal::Logs);
    out.resource(&[], |resource| {
        resource.scope("", "", |scope| scope.log(&record))
    });
    let batch = sampler(yaml).process(out.finish()).unwrap();
    let resource = batch.resources().next()?.unwrap();
    let log = resource
        .scopes()
        .next()
        .unwrap()
        .unwrap()
        .logs()
        .next()
        .unwrap()
        .unwrap();
    let text = |key| {
        log.attributes
            .get(key)
            .unwrap()
            .and_then(|value| value.as_str())
            .unwrap_or("")
            .to_owned()
    };
    Some((text("sampling.threshold"), text("sampling.randomness")))
}

/// Draws exactly a half.
const HALF: &str = "fefefefefefefefefe80000000000000";
/// Draws the most.
const MOST: &str = "111111111111111111ffffffffffffff";

/// The trace state in equalizing and in proportional mode.
fn both(yaml: &str, trace_id: &str, trace_state: &str) -> [Option<String>; 2] {
    ["equalizing", "proportional"].map(|mode| {
        span(
            &format!("{{mode: {mode}, fail_closed: false, {yaml}}}"),
            trace_id,
            trace_state,
        )
    })
}

fn same(trace_state: Option<&str>) -> [Option<String>; 2] {
    [
        trace_state.map(str::to_owned),
        trace_state.map(str::to_owned),
    ]
}

#[test]
fn the_defaults_are_the_collectors() {
    let config = sampler("").config;
    assert_eq!(
        (config.sampling_percentage, config.hash_seed, config.mode),
        (0.0, 0, Mode::HashSeed)
    );
    assert!(config.fail_closed);
    assert_eq!(
        (config.sampling_precision, config.attribute_source),
        (4, AttributeSource::TraceId)
    );
}

#[test]
fn hash_seed_writes_the_threshold_in_14_bits() {
    for (percentage, threshold) in [
        ("100", "0"),
        ("75", "4"),
        ("50", "8"),
        ("25", "c"),
        ("10", "e668"),
        ("33.333332", "aaac"),
    ] {
        let yaml = format!("{{sampling_percentage: {percentage}, hash_seed: 4312}}");
        let kept = (1..2000_u128)
            .find_map(|id| span(&yaml, &format!("{id:032x}"), ""))
            .unwrap();
        let (randomness, found) = kept
            .strip_prefix("ot=rv:")
            .unwrap()
            .split_once(";th:")
            .unwrap();
        assert_eq!((randomness.len(), found), (14, threshold), "{percentage}%");
    }
}

#[test]
fn hash_seed_keeps_the_share_asked_for_and_nests() {
    let kept = |yaml: &str| -> Vec<u128> {
        let ids =
            (1..2000_u128).map(|id| id.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        ids.filter(|id| span(yaml, &format!("{id:032x}"), "").is_some())
            .collect()
    };
    let tenth = kept("sampling_percentage: 10");
    let half = kept("sampling_percentage: 50");
    assert!((140..260).contains(&tenth.len()), "{}", tenth.len());
    assert!((900..1100).contains(&half.len()), "{}", half.len());
    assert!(
        tenth.iter().all(|id| half.contains(id)),
        "a larger share keeps what a smaller one keeps"
    );
    assert_ne!(tenth, kept("{sampling_percentage: 10, hash_seed: 7}"));
}

#[test]
fn hash_seed_leaves_items_alone_that_were_sampled_otherwise() {
    let state = "ot=th:8,vendor=1";
    assert_eq!(span("sampling_percentage: 100", MOST, state), None);
    assert_eq!(
        span(
            "{sampling_percentage: 100, fail_closed: false}",
            MOST,
            state
        ),
        Some(state.to_owned())
    );
}

#[test]
fn spans_without_trace_id_are_dropped_unless_told_otherwise() {
    let none = "0".repeat(32);
    for mode in ["hash_seed", "equalizing", "proportional"] {
        for (percentage, fail_closed, kept) in [
            (0, true, false),
            (62, true, false),
            (100, true, false),
            (0, false, false),
            (62, false, true),
            (100, false, true),
        ] {
            let yaml = format!(
                "{{mode: {mode}, sampling_percentage: {percentage}, fail_closed: {fail_closed}}}"
            );
            assert_eq!(span(&yaml, &none, "").is_some(), kept, "{yaml}");
        }
    }
}

#[test]
fn priority_decides_for_spans() {
    let kept = |yaml: &str, priority: Value<'_>| {
        let attributes = &[("sampling.priority", priority)];
        span_with(
            yaml,
            Span {
                trace_id: TraceId([1; 16]),
                attributes,
                ..Span::default()
            },
        )
        .is_some()
    };
    for mode in ["hash_seed", "equalizing", "proportional"] {
        let all = format!("{{mode: {mode}, sampling_percentage: 100}}");
        let nothing = format!("{{mode: {mode}, sampling_percentage: 0}}");
        for keep in [Value::Int(2), Value::Double(0.5), Value::Str("1")] {
            assert!(kept(&nothing, keep), "{mode} {keep:?}");
        }
        for drop in [Value::Int(0), Value::Double(0.0), Value::Str("0.0")] {
            assert!(!kept(&all, drop), "{mode} {drop:?}");
        }
        for other in [
            Value::Int(-1),
            Value::Str("NaN"),
            Value::Str("high"),
            Value::Bool(true),
        ] {
            assert!(
                kept(&all, other) && !kept(&nothing, other),
                "{mode} {other:?}"
            );
        }
    }
}

#[test]
fn consistent_modes_decide_by_the_trace_id() {
    assert_eq!(
        both("sampling_percentage: 200", HALF, ""),
        same(Some("ot=th:0"))
    );
    assert_eq!(
        both("sampling_percentage: 50", HALF, ""),
        same(Some("ot=th:8"))
    );
    assert_eq!(both("sampling_percentage: 49", HALF, ""), same(None));
    assert_eq!(
        both(
            "sampling_percentage: 25",
            "ddddddddddddddddddc0000000000000",
            ""
        ),
        same(Some("ot=th:c"))
    );
    assert_eq!(
        both(
            "sampling_percentage: 25",
            "ddddddddddddddddddb0000000000000",
            ""
        ),
        same(None)
    );
    assert_eq!(
        both(
            "sampling_percentage: 1",
            "a0a0a0a0a0a0a0a0a0fe000000000000",
            ""
        ),
        same(Some("ot=th:fd70a"))
    );
}

#[test]
fn explicit_randomness_goes_before_the_trace_id() {
    let state = "ot=rv:fd70a3d70a3d71";
    let kept = "ot=rv:fd70a3d70a3d71;th:fd70a";
    assert_eq!(
        both("sampling_percentage: 1, sampling_precision: 4", HALF, state),
        same(Some(kept))
    );
    assert_eq!(
        both("sampling_percentage: 1, sampling_precision: 3", HALF, state),
        same(None)
    );
    let third = Some("ot=rv:a0000000000000;th:99a");
    assert_eq!(
        both(
            "sampling_percentage: 40, sampling_precision: 3",
            HALF,
            "ot=rv:a0000000000000"
        ),
        same(third)
    );
}

#[test]
fn proportional_multiplies_and_equalizing_levels() {
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        both(
            "sampling_percentage: 50",
            HALF,
            "ot=rv:90000000000000;th:80000000000000"
        ),
        [text("ot=rv:90000000000000;th:8"), None]
    );
    assert_eq!(
        both("sampling_percentage: 25", &"f".repeat(32), "ot=th:8"),
        [text("ot=th:c"), text("ot=th:e")]
    );
    let tid = "a0a0a0a0a0a0a0a0a0d0000000000000";
    let precise = "sampling_percentage: 40, sampling_precision: 6";
    assert_eq!(
        both(precise, tid, "ot=th:8"),
        [text("ot=th:99999a"), text("ot=th:cccccd")]
    );
    // 100 / 2^14, of what was kept at that share already.
    let tiny = "sampling_percentage: 0.006103515625";
    assert_eq!(
        both(tiny, MOST, "ot=th:fffc"),
        [text("ot=th:fffc"), text("ot=th:fffffff")]
    );
    let underflow = "sampling_percentage: 0.0625";
    assert_eq!(
        both(underflow, MOST, "ot=th:fffffffffffff8"),
        [text("ot=th:fffffffffffff8"), None]
    );
}

#[test]
fn a_threshold_that_cannot_be_true_is_an_error() {
    let state = "ot=rv:40000000000000;th:8";
    assert_eq!(
        both("sampling_percentage: 100", HALF, state),
        same(Some("ot=rv:40000000000000;th:0"))
    );
    assert_eq!(
        span("{mode: equalizing, sampling_percentage: 100}", HALF, state),
        None
    );
    for malformed in [
        "ot=rv:abababababababab",
        "ot=th:abababababababab",
        "ot=th:-1",
    ] {
        assert_eq!(
            span(
                "{mode: proportional, sampling_percentage: 100}",
                HALF,
                malformed
            ),
            None
        );
        assert_eq!(
            both("sampling_percentage: 1", HALF, malformed),
            same(Some(malformed))
        );
    }
}

#[test]
fn logs_are_judged_by_trace_id_or_attribute() {
    let traced = LogRecord {
        trace_id: HALF.parse().unwrap(),
        ..LogRecord::default()
    };
    assert_eq!(
        log("{mode: equalizing, sampling_percentage: 50}", traced),
        Some(("8".to_owned(), String::new()))
    );
    let attributes = &[("id", Value::Str("")), ("number", Value::Int(7))];
    let untraced = LogRecord {
        attributes,
        ..LogRecord::default()
    };
    assert_eq!(log("sampling_percentage: 100", untraced), None);
    assert_eq!(
        log("{sampling_percentage: 100, from_attribute: id}", untraced),
        None
    );
    let (threshold, randomness) = log(
        "{sampling_percentage: 100, from_attribute: number}",
        untraced,
    )
    .unwrap();
    assert_eq!(
        (threshold.as_str(), randomness),
        ("0", Randomness::hashed(b"7", 0).text())
    );
    assert_eq!(
        log(
            "{sampling_percentage: 100, attribute_source: record}",
            traced
        ),
        None
    );
}

#[test]
fn priority_raises_the_share_of_logs() {
    let yaml = "{sampling_percentage: 0, sampling_priority: priority}";
    let record = |priority: &'static [(&'static str, Value<'static>)]| LogRecord {
        trace_id: HALF.parse().unwrap(),
        attributes: priority,
        ..LogRecord::default()
    };
    assert_eq!(log(yaml, record(&[])), None);
    assert_eq!(log(yaml, record(&[("priority", Value::Int(0))])), None);
    assert!(log(yaml, record(&[("priority", Value::Int(100))])).is_some());
    assert!(log(yaml, record(&[("priority", Value::Double(100.0))])).is_some());
}

#[test]
fn wrong_values_are_refused_at_their_key() {
    let problem = |yaml: &str| {
        let node = Document::parse("test.yaml", yaml, &Environment::default())
            .unwrap()
            .into_root();
        decode(&node).unwrap_err().to_string()
    };
    assert!(
        problem("sampling_percentage: -1").contains("sampling_percentage: -1 is not a percentage")
    );
    assert!(problem("sampling_precision: 15").contains("15 is not from 1 to 14"));
    assert!(problem("mode: proportionate").contains("proportional"));
    assert!(problem("attribute_source: trace").contains("attribute_source"));
}
