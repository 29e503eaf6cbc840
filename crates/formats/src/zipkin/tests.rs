//! What the encodings become, and what strangers may send.

use super::*;

#[test]
fn the_liberties_of_json_senders_are_taken_for_what_they_mean() {
    let body = r#"[{"traceId":"1f","id":"2","parentId":null,"kind":"CLIENT","name":null,"timestamp":1700000000000000.25,
        "duration":"12","localEndpoint":{"serviceName":"a\"b","ipv4":"10.0.0.1","ipv6":"nothing","port":"80"},
        "remoteEndpoint":null,"annotations":null,"tags":{"n":5,"t":true,"x":"1"},"shared":true,"unknown":[{}]}]"#;
    let spans = read_json(body.as_bytes()).unwrap();
    let span = &spans[0];
    assert_eq!(span.trace_id, trace_id(0, 0x1f));
    assert_eq!(span.id, SpanId([0, 0, 0, 0, 0, 0, 0, 2]));
    assert!(span.parent_id.is_zero() && span.name.is_empty() && span.annotations.is_empty());
    assert_eq!(
        (span.timestamp, span.duration),
        (1_700_000_000_000_000_250, 12_000)
    );
    let endpoint = span.local_endpoint.as_ref().unwrap();
    assert_eq!(
        (endpoint.service_name.as_ref(), endpoint.port),
        ("a\"b", 80)
    );
    assert_eq!(
        (endpoint.ipv4, endpoint.ipv6),
        (Some([10, 0, 0, 1].into()), None)
    );
    let tags: Vec<_> = span.tags.iter().map(|(_, value)| value.clone()).collect();
    let text = TagValue::Text(Cow::Borrowed("1"));
    assert_eq!(tags, [TagValue::Int(5), TagValue::Bool(true), text]);
}

#[test]
fn an_id_that_is_none_is_refused_with_its_place() {
    for id in ["xyz", "+1f", "f0123456789abcdef"] {
        let body = format!(r#"[{{"traceId":"1","id":"{id}"}}]"#);
        let error = read_json(body.as_bytes()).unwrap_err().to_string();
        assert!(
            error.contains("hex digits") && error.contains("line 1"),
            "{error}"
        );
    }
    assert!(
        read_json(br#"{"traceId":"1"}"#).is_err(),
        "a span alone is no list"
    );
    assert!(read_json(br#"[{"kind":"SIDEWAYS"}]"#).is_err());
}

#[test]
fn texts_without_escapes_are_borrowed() {
    let spans = read_json(br#"[{"name":"plain","tags":{"k":"v"}}]"#).unwrap();
    assert!(matches!(spans[0].name, Cow::Borrowed("plain")));
    assert!(matches!(
        &spans[0].tags[0],
        (Cow::Borrowed("k"), TagValue::Text(Cow::Borrowed("v")))
    ));
}

#[test]
fn protobuf_ids_of_either_length_are_read() {
    use prost::Message as _;
    let span = |trace_id: &'static [u8]| proto::Span {
        trace_id: trace_id.into(),
        id: vec![2; 8].into(),
        timestamp: 7,
        ..proto::Span::default()
    };
    let list = proto::ListOfSpans {
        spans: vec![span(&[1; 16]), span(&[1; 8]), span(&[1; 3])],
    };
    let spans = proto::read(list.encode_to_vec().into()).unwrap();
    let half = u64::from_be_bytes([1; 8]);
    let ids: Vec<_> = spans.iter().map(|span| span.trace_id).collect();
    assert_eq!(
        ids,
        [trace_id(half, half), trace_id(0, half), TraceId::default()]
    );
    assert_eq!(spans[0].timestamp, 7_000);
}
