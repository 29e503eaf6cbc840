use super::*;
use crate::json::to_vec;

/// Reads a request and writes it again.
fn rewritten(signal: Signal, json: &str) -> String {
    String::from_utf8(to_vec(&read(signal, json.as_bytes()).unwrap()).unwrap()).unwrap()
}

fn span(fields: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{fields}]}}]}}]}}"#)
}

fn error(json: &str) -> String {
    read(Signal::Traces, json.as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn an_empty_object_is_an_empty_request() {
    for signal in Signal::ALL {
        assert_eq!(read(signal, b" {} ").unwrap().items(), 0);
    }
}

#[test]
fn canonical_json_comes_back_unchanged() {
    let json = span(concat!(
        r#"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","flags":257,"name":"a\"b","kind":2,"#,
        r#""startTimeUnixNano":"18446744073709551615","attributes":[{"key":"s","value":{"stringValue":""}},"#,
        r#"{"key":"i","value":{"intValue":"-9223372036854775808"}},{"key":"d","value":{"doubleValue":0.1}},"#,
        r#"{"key":"b","value":{"boolValue":false}},{"key":"y","value":{"bytesValue":"AQI="}},{"key":"n","value":{}},"#,
        r#"{"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"},{}]}}},"#,
        r#"{"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}}]}}}],"#,
        r#""events":[{"timeUnixNano":"1","name":"e"}],"status":{"message":"bad","code":2}}"#,
    ));
    assert_eq!(rewritten(Signal::Traces, &json), json);
}

#[test]
fn lenient_forms_are_read() {
    let lenient = span(concat!(
        r#"{"trace_id":"0AF7651916CD43DD8448EB211C80319C","parentSpanId":"","kind":"SPAN_KIND_SERVER","#,
        r#""startTimeUnixNano":12,"endTimeUnixNano":"1e3","droppedAttributesCount":"3","status":null,"new":{"x":[1]},"#,
        r#""attributes":[{"key":"i","value":{"intValue":7}},{"key":"d","value":{"doubleValue":"Infinity"}},"#,
        r#"{"key":"a","value":{"arrayValue":{"values":[null]}}},{"key":"y","value":{"bytesValue":"-_8"}}]}"#,
    ));
    let canonical = span(concat!(
        r#"{"traceId":"0af7651916cd43dd8448eb211c80319c","kind":2,"startTimeUnixNano":"12","endTimeUnixNano":"1000","#,
        r#""attributes":[{"key":"i","value":{"intValue":"7"}},{"key":"d","value":{"doubleValue":"Infinity"}},"#,
        r#"{"key":"a","value":{"arrayValue":{"values":[{}]}}},{"key":"y","value":{"bytesValue":"+/8="}}],"#,
        r#""droppedAttributesCount":3}"#,
    ));
    assert_eq!(rewritten(Signal::Traces, &lenient), canonical);
}

#[test]
fn histograms_and_profiles_survive() {
    let metrics = concat!(
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"h","exponentialHistogram":{"dataPoints":["#,
        r#"{"count":"3","sum":0.0,"scale":-2,"positive":{"offset":-1,"bucketCounts":["1","2"]}}],"#,
        r#""aggregationTemporality":2}},{"name":"g","gauge":{"dataPoints":[{"asInt":"0"},{"asDouble":"NaN"}]}}]}]}]}"#,
    );
    assert_eq!(rewritten(Signal::Metrics, metrics), metrics);
    assert_eq!(
        read(Signal::Metrics, metrics.as_bytes()).unwrap().items(),
        3
    );
    let profiles = concat!(
        r#"{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{"samples":[{"stackIndex":1,"values":["-1","5"],"#,
        r#""timestampsUnixNano":["7"]}],"period":"-3","profileId":"0af7651916cd43dd8448eb211c80319c"}]}]}],"#,
        r#""dictionary":{"stringTable":["","a"],"stackTable":[{"locationIndices":[-1,2]}]}}"#,
    );
    assert_eq!(rewritten(Signal::Profiles, profiles), profiles);
}

#[test]
fn errors_name_the_key_and_what_was_expected() {
    assert_eq!(
        error(&span(r#"{},{"traceId":"xyz"}"#)),
        "invalid value: string \"xyz\", expected 32 hexadecimal digits at line 1 column 62 \
         (in resourceSpans[0].scopeSpans[0].spans[1].traceId)"
    );
    assert!(error(&span(r#"{"flags":-1}"#)).contains("-1 is out of range for flags"));
    assert!(error(&span(r#"{"name":5}"#)).contains("expected a string"));
    assert!(error(&span(r#"{"events":{}}"#)).contains("invalid type: map, expected a list"));
    assert!(error(&span(r#"{"kind":"SPAN_KIND_ODD"}"#)).contains("expected a number or a name"));
    assert!(error("[]").contains("expected an object (ExportTraceServiceRequest)"));
    assert!(error("{} x").contains("trailing characters"));
    assert!(error("").contains("EOF while parsing"));
}

#[test]
fn a_metric_has_one_kind_of_data() {
    let metric = |data: &str| {
        let json =
            format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{{data}}}]}}]}}]}}"#);
        read(Signal::Metrics, json.as_bytes())
    };
    let both = metric(r#""gauge":{"dataPoints":[{"asInt":1}]},"summary":{"dataPoints":[{}]}"#);
    assert_eq!(
        both.unwrap_err().to_string(),
        "only one kind of data is allowed, and `gauge` was there before at line 1 column 117 \
         (in resourceMetrics[0].scopeMetrics[0].metrics[0].summary)"
    );
    assert!(metric(r#""sum":{"dataPoints":[{}]},"sum":{"dataPoints":[{}]}"#).is_err());
    let one = metric(r#""gauge":null,"sum":{"dataPoints":[{}]},"histogram":null"#);
    assert_eq!(one.unwrap().items(), 1);
}

#[test]
fn long_values_are_cut_in_errors() {
    let message = error(&span(&format!(r#"{{"traceId":"{}"}}"#, "ü".repeat(5000))));
    assert!(message.len() < 500, "{message}");
    assert!(message.ends_with("(in resourceSpans[0].scopeSpans[0].spans[0].traceId)"));
}

#[test]
fn deep_nesting_is_refused() {
    let levels = 60;
    let value = r#"{"arrayValue":{"values":["#.repeat(levels) + &"]}}".repeat(levels);
    assert!(
        error(&span(&format!(
            r#"{{"attributes":[{{"key":"k","value":{value}}}]}}"#
        )))
        .contains("recursion limit")
    );
}
