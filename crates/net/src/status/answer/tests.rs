use http::HeaderValue;

use super::*;

fn http(status: u16, headers: &[(&'static str, &str)], body: &str) -> Outcome {
    let headers = headers
        .iter()
        .map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    http_outcome(
        status,
        &headers,
        body.as_bytes(),
        "https://backend/v1/traces",
        &Advice::GENERAL,
        SystemTime::UNIX_EPOCH,
    )
}

#[test]
fn exactly_four_http_statuses_are_retried() {
    let retried: Vec<u16> = (300..600)
        .filter(|status| matches!(http(*status, &[], ""), Outcome::Retry { .. }))
        .collect();
    assert_eq!(retried, [429, 502, 503, 504]);
}

#[test]
fn exactly_the_codes_of_the_specification_are_retried() {
    let status = |code, retry_after| Status {
        code,
        message: String::new(),
        retry_after,
        details: bytes::Bytes::new(),
    };
    let retried: Vec<i32> = (1..17)
        .filter(|number| {
            matches!(
                grpc_outcome(
                    &status(Code::from_number(*number), None),
                    "backend",
                    &Advice::GENERAL
                ),
                Outcome::Retry { .. }
            )
        })
        .collect();
    assert_eq!(retried, [1, 4, 10, 11, 14, 15]);
    let delay = Some(Duration::from_secs(3));
    let exhausted = grpc_outcome(
        &status(Code::ResourceExhausted, delay),
        "backend",
        &Advice::GENERAL,
    );
    assert!(matches!(exhausted, Outcome::Retry { after, .. } if after == delay));
    assert!(matches!(
        grpc_outcome(
            &status(Code::InvalidArgument, delay),
            "backend",
            &Advice::GENERAL
        ),
        Outcome::Rejected { .. }
    ));
}

#[test]
fn requests_that_are_too_large_are_told_from_quotas() {
    assert!(matches!(http(413, &[], ""), Outcome::TooLarge { .. }));
    let says = |code, message: &str, retry_after| {
        let status = Status {
            code,
            message: message.to_owned(),
            retry_after,
            details: bytes::Bytes::new(),
        };
        let outcome = grpc_outcome(&status, "backend", &Advice::GENERAL);
        matches!(outcome, Outcome::TooLarge { .. })
    };
    for (code, message) in [
        (
            Code::ResourceExhausted,
            "grpc: received message larger than max (5000 vs. 4000)",
        ),
        (
            Code::ResourceExhausted,
            "gRPC message exceeds maximum size 4194304: 5000000",
        ),
        (
            Code::ResourceExhausted,
            "Received message exceeds the maximum configured message size.",
        ),
        (
            Code::OutOfRange,
            "Error, decoded message length too large: found 5000 bytes, the limit is: 4000 bytes",
        ),
        (
            Code::from_http(StatusCode::PAYLOAD_TOO_LARGE),
            "HTTP status 413 Payload Too Large",
        ),
    ] {
        assert!(says(code, message, None), "{message}");
        assert!(!says(code, message, Some(Duration::from_secs(1))));
        assert!(!says(Code::Internal, message, None));
    }
    for message in ["", "quota exceeded", "rate limit exceeded for this key"] {
        assert!(!says(Code::ResourceExhausted, message, None), "{message}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let after = |value: &str| match http(503, &[("retry-after", value)], "") {
        Outcome::Retry { after, .. } => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(after("7"), Some(Duration::from_secs(7)));
    assert_eq!(
        after("Thu, 01 Jan 1970 00:01:00 GMT"),
        Some(Duration::from_secs(60))
    );
    assert_eq!(after("99999999999"), Some(LONGEST_DELAY));
    assert_eq!(after("soon"), None);
}

#[test]
fn the_reason_quotes_the_server_and_says_what_to_do() {
    let outcome = http(
        401,
        &[("content-type", "application/json")],
        r#"{"error":{"message":"bad\n key"}}"#,
    );
    assert_eq!(
        outcome.why(),
        "https://backend/v1/traces answered 401 Unauthorized: bad key (check the credentials: the headers or auth of this exporter)"
    );
    assert!(
        http(404, &[], "")
            .why()
            .contains("is the path of the endpoint right?")
    );
    assert!(
        http(308, &[("location", "https://new.example/x?key=abc")], "")
            .why()
            .ends_with("https://new.example/x)")
    );
    assert!(
        !http(
            500,
            &[("content-type", "text/html; charset=utf-8")],
            "<html>"
        )
        .why()
        .contains('<')
    );
    assert!(http(500, &[], &"long ".repeat(10_000)).why().len() < 500);
}
