//! Lists, single entries, and sums over time.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::llm::{import, span, with_calls};
use crate::support::{dashboard, get, send_body};

/// Stores log records, or metrics, given in OTLP/JSON.
async fn store(app: &Router, request: &Json) {
    let (status, answer) = send_body(
        app,
        axum::http::Method::POST,
        "/api/import",
        "application/json",
        request.to_string(),
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

fn of(service: &str) -> Json {
    json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] })
}

fn models(rows: &Json) -> Vec<&str> {
    let rows = rows.as_array().unwrap_or_else(|| panic!("{rows}"));
    rows.iter()
        .map(|row| row["model"].as_str().unwrap_or("-"))
        .collect()
}

/// Spans are listed by each of LLMFlow's parameters, at its own place and beside ours.
/// The answer is a bare array of those that match, newest first; questions that are ours as well are answered as ours.
#[tokio::test]
async fn a28_spans_are_listed_by_every_parameter() {
    let (_directory, app) = with_calls().await;
    let mut failed = span(
        4,
        "gpt-4o",
        json!({"session.id": "b", "error.type": "timeout"}),
    );
    failed["status"] = json!({"code": 2, "message": "too slow"});
    import(&app, &json!([failed]).to_string()).await;
    for (query, expected) in [
        (
            "",
            vec!["gpt-4o", "nobody-knows-it", "gpt-4o-mini", "gpt-4o"],
        ),
        ("limit=1", vec!["gpt-4o"]),
        ("limit=2&offset=1", vec!["nobody-knows-it", "gpt-4o-mini"]),
        ("model=gpt-4o", vec!["gpt-4o", "gpt-4o"]),
        ("status=error", vec!["gpt-4o"]),
        (
            "status=success&limit=2",
            vec!["nobody-knows-it", "gpt-4o-mini"],
        ),
        ("q=hello&model=gpt-4o-mini", vec!["gpt-4o-mini"]),
        ("session_id=a", vec!["gpt-4o-mini", "gpt-4o"]),
        ("conversation_id=nobody", vec![]),
        ("provider=openai&limit=1", vec!["gpt-4o"]),
        ("provider=anthropic", vec![]),
        (
            "date_from=1700000002000&date_to=1700000003500",
            vec!["nobody-knows-it", "gpt-4o-mini"],
        ),
    ] {
        let (_, found) = get(&app, &format!("/llmflow/api/traces?{query}")).await;
        assert_eq!(models(&found), expected, "{query}");
    }
    let (_, beside) = get(&app, "/api/traces?status=error").await;
    let row = &beside[0];
    assert_eq!(
        [
            &row["status"],
            &row["error"],
            &row["span_type"],
            &row["duration_ms"]
        ],
        [&json!(500), &json!("timeout"), &json!("llm"), &json!(250)]
    );
    let (_, ours) = get(&app, "/api/traces?limit=1").await;
    assert_eq!(ours["traces"].as_array().unwrap().len(), 1);
    let (status, _) = get(&app, "/llmflow/api/traces?date_from=yesterday").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (_, health) = get(&app, "/llmflow/api/health").await;
    assert_eq!(health["status"], "ok");
}

/// One span is asked for by its id, and its trace as a tree; one of them is no call of a model.
/// The span has what was said; the tree has sums, and every span within its parent.
#[tokio::test]
async fn a28_a_span_and_its_tree() {
    let (_directory, _store, app) = dashboard();
    let mut call = span(1, "gpt-4o", json!({}));
    let parent = "00000000000000aa";
    call["parentSpanId"] = json!(parent);
    let root = json!({
        "traceId": call["traceId"], "spanId": parent, "name": "handler",
        "startTimeUnixNano": "1700000000900000000", "endTimeUnixNano": "1700000001400000000",
        "attributes": [{"key": "route", "value": {"stringValue": "/ask"}}],
    });
    import(&app, &json!([root, call]).to_string()).await;
    let id = "01".repeat(8);
    let (_, one) = get(&app, &format!("/api/traces/{id}")).await;
    let trace = &one["trace"];
    assert_eq!(
        [
            &trace["model"],
            &trace["prompt_tokens"],
            &trace["estimated_cost"],
            &trace["input"][0]["role"]
        ],
        [
            &json!("gpt-4o"),
            &json!(1200),
            &json!(0.00255),
            &json!("user")
        ]
    );
    assert_eq!(
        (&one["request"], &one["response"]),
        (&json!({}), &json!({}))
    );
    let (_, plain) = get(&app, &format!("/llmflow/api/traces/{parent}")).await;
    assert_eq!(
        [&plain["trace"]["span_name"], &plain["trace"]["duration_ms"]],
        [&json!("handler"), &json!(500)]
    );
    for id in [&*id, parent, &"01".repeat(16)] {
        let (_, tree) = get(&app, &format!("/api/traces/{id}/tree")).await;
        assert_eq!(
            tree["trace"],
            json!({
                "trace_id": "01".repeat(16), "start_time": 1_700_000_000_900_u64, "end_time": 1_700_000_001_400_u64,
                "duration_ms": 500, "total_cost": 0.00255, "total_tokens": 1280, "span_count": 2,
            })
        );
        let root = &tree["spans"][0];
        assert_eq!(
            (&root["span_name"], &root["attributes"]["route"]),
            (&json!("handler"), &json!("/ask"))
        );
        assert_eq!(root["children"][0]["model"], "gpt-4o");
        assert_eq!(root["children"][0]["children"], json!([]));
    }
    for path in ["/api/traces/00000000000000bb", "/api/traces/nobody/tree"] {
        assert_eq!(get(&app, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

/// A dashboard with three calls and three log records, one of which is the proxy's.
async fn with_logs() -> (tempfile::TempDir, Router) {
    let (directory, app) = with_calls().await;
    let record = |seconds: u64, severity: i32, event: &str, text: &str| {
        json!({"timeUnixNano": format!("{}", (1_700_000_000 + seconds) * 1_000_000_000), "severityNumber": severity,
               "severityText": "INFO", "eventName": event, "body": {"stringValue": text},
               "attributes": [{"key": "n", "value": {"intValue": "7"}}]})
    };
    let records = [
        record(1, 9, "", "It's a prompt"),
        record(9, 17, "api_error", "no connection"),
        record(8, 9, "fanlight.llm.exchange", ""),
    ];
    store(
        &app,
        &json!({"resourceLogs": [{"resource": of("cli"), "scopeLogs": [{"logRecords": records}]}]}),
    )
    .await;
    (directory, app)
}

/// Log records are listed, filtered, and asked for one by one.
/// Each has LLMFlow's names and its value.
#[tokio::test]
async fn a28_log_records_are_listed_by_every_parameter() {
    let (_directory, app) = with_logs().await;
    for (query, expected) in [
        ("", 3),
        ("service_name=shop", 0),
        ("event_name=api_error", 1),
        ("severity_min=17", 1),
        ("q=it's", 1),
        ("trace_id=00", 0),
        ("date_from=1700000008500", 1),
    ] {
        let (_, logs) = get(&app, &format!("/llmflow/api/logs?{query}")).await;
        let list = logs["logs"].as_array().unwrap();
        assert_eq!(
            (list.len(), &logs["total"]),
            (expected, &json!(expected)),
            "{query}"
        );
    }
    let (_, logs) = get(&app, "/api/logs?severity_min=17").await;
    let log = &logs["logs"][0];
    assert_eq!(
        [
            &log["event_name"],
            &log["body"],
            &log["timestamp"],
            &log["attributes"]
        ],
        [
            &json!("api_error"),
            &json!("no connection"),
            &json!(1_700_000_009_000_u64),
            &json!("{\"n\":7}")
        ]
    );
    let (_, one) = get(&app, &format!("/api/logs/{}", log["id"].as_str().unwrap())).await;
    assert_eq!(
        (&one["id"], &one["attributes"]),
        (&log["id"], &json!({"n": 7}))
    );
    let (_, filters) = get(&app, "/api/logs/filters").await;
    assert_eq!(
        filters,
        json!({"services": ["cli"], "event_names": ["api_error", "fanlight.llm.exchange"]})
    );
    assert_eq!(
        get(&app, "/api/logs/nothing").await.0,
        StatusCode::NOT_FOUND
    );
}

/// Spans and log records are asked for together.
/// The newest come first; the proxy's record of what went over the wire is not there beside its call.
#[tokio::test]
async fn a28_the_timeline_has_spans_and_log_records() {
    let (_directory, app) = with_logs().await;
    let (_, timeline) = get(&app, "/api/timeline?limit=3").await;
    let shown: Vec<_> = (timeline.as_array().unwrap().iter())
        .map(|item| {
            (
                item["type"].as_str().unwrap(),
                item["title"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [("log", "api_error"), ("trace", "chat"), ("trace", "chat")]
    );
    assert_eq!(
        (&timeline[1]["tool"], &timeline[2]["tokens"]),
        (&json!("shop"), &json!(1280))
    );
    for (query, expected) in [
        ("type=log", 2),
        ("tool=cli", 2),
        ("type=trace", 3),
        ("q=prompt", 1),
        ("date_from=1700000003000&type=trace", 1),
    ] {
        let (_, found) = get(&app, &format!("/api/timeline?{query}")).await;
        assert_eq!(found.as_array().unwrap().len(), expected, "{query}");
    }
}

/// A dashboard with points of a counter, of a gauge and of a histogram.
async fn with_metrics() -> (tempfile::TempDir, Router) {
    let (directory, _store, app) = dashboard();
    let point = |seconds: u64, value: Json| {
        let mut point = json!({"startTimeUnixNano": "1700000000000000000", "timeUnixNano": format!("{}", (1_700_000_000 + seconds) * 1_000_000_000)});
        point
            .as_object_mut()
            .unwrap()
            .extend(value.as_object().unwrap().clone());
        point
    };
    let counted = [
        point(1, json!({"asInt": "5"})),
        point(2, json!({"asInt": "5"})),
        point(3, json!({"asInt": "8"})),
    ];
    let metrics = json!([
        {"name": "requests", "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": counted}},
        {"name": "load", "gauge": {"dataPoints": [point(1, json!({"asDouble": 0.5}))]}},
        {"name": "duration", "unit": "s", "histogram": {"aggregationTemporality": 1, "dataPoints": [
            point(1, json!({"count": "2", "sum": 1.5, "explicitBounds": [1.0], "bucketCounts": ["1", "1"]}))]}},
    ]);
    store(&app, &json!({"resourceMetrics": [{"resource": of("shop"), "scopeMetrics": [{"metrics": metrics}]}]})).await;
    (directory, app)
}

/// Points are listed, and asked for one by one.
/// Whole numbers are integers, too.
#[tokio::test]
async fn a28_points_are_listed_by_every_parameter() {
    let (_directory, app) = with_metrics().await;
    let (_, all) = get(&app, "/llmflow/api/metrics").await;
    assert_eq!(all["total"], 5);
    let (_, counted) = get(&app, "/api/metrics?metric_type=sum&limit=1").await;
    let newest = &counted["metrics"][0];
    assert_eq!(
        [
            &newest["name"],
            &newest["value_int"],
            &newest["value_double"],
            &newest["timestamp"],
            &counted["total"]
        ],
        [
            &json!("requests"),
            &json!(8),
            &json!(8),
            &json!(1_700_000_003_000_u64),
            &json!(3)
        ]
    );
    let (_, one) = get(
        &app,
        &format!("/api/metrics/{}", newest["id"].as_str().unwrap()),
    )
    .await;
    assert_eq!(
        (&one["value_int"], &one["attributes"]),
        (&json!(8), &json!({}))
    );
    let (_, load) = get(&app, "/api/metrics?name=load").await;
    assert_eq!(
        (
            &load["metrics"][0]["value_int"],
            &load["metrics"][0]["value_double"]
        ),
        (&Json::Null, &json!(0.5))
    );
    let (_, duration) = get(&app, "/api/metrics?name=duration").await;
    assert_eq!(
        duration["metrics"][0]["histogram_data"],
        "{\"count\":2,\"sum\":1.5}"
    );
}

/// Metrics are summed up.
/// A counter that is told again counts once.
#[tokio::test]
async fn a28_metrics_are_summed_up() {
    let (_directory, app) = with_metrics().await;
    let (_, filters) = get(&app, "/api/metrics/filters").await;
    assert_eq!(
        filters,
        json!({"names": ["duration", "load", "requests"], "services": ["shop"]})
    );
    let (_, summary) = get(&app, "/api/metrics/summary").await;
    let requests = &summary[0];
    assert_eq!(
        [
            &requests["name"],
            &requests["data_points"],
            &requests["sum_int"],
            &requests["max_int"],
            &requests["first_seen"]
        ],
        [
            &json!("requests"),
            &json!(3),
            &json!(8),
            &json!(8),
            &json!(1_700_000_001_000_u64)
        ]
    );
    let (_, nested) = get(&app, "/api/metrics?aggregation=summary").await;
    assert_eq!(nested["summary"], summary);
    let (_, usage) = get(&app, "/api/metrics/tokens").await;
    assert_eq!(usage, json!({"usage": []}));
}

/// Calls of today and one of long ago are summed up by day, hour, service and model.
/// Every day and hour is there; sums are of the calls, and the old one is not among them.
#[tokio::test]
async fn a28_analytics_sum_up_the_last_days() {
    let (_directory, app) = with_calls().await;
    let now = jiff::Timestamp::now().as_nanosecond();
    let recent = [1, 2].map(|number| {
        let mut call = span(
            number + 10,
            if number == 1 {
                "gpt-4o"
            } else {
                "nobody-knows-it"
            },
            json!({}),
        );
        call["startTimeUnixNano"] = json!((now - i128::from(number)).to_string());
        call["endTimeUnixNano"] = json!((now + 1_000_000).to_string());
        call
    });
    import(&app, &json!(recent).to_string()).await;
    let (_, all) = get(&app, "/api/analytics?days=7").await;
    assert_eq!(
        (&all["days"], all["daily"].as_array().unwrap().len()),
        (&json!(7), 8)
    );
    let sum = |rows: &Json, name: &str| -> f64 {
        let rows = rows.as_array().unwrap().iter();
        rows.filter_map(|row| row[name].as_f64()).sum()
    };
    assert_eq!(
        (sum(&all["daily"], "requests"), sum(&all["daily"], "tokens")),
        (2.0, 2560.0)
    );
    assert!((sum(&all["daily"], "cost") - 0.00255).abs() < 1e-9);
    let tool = &all["by_tool"][0];
    assert_eq!(
        [
            &tool["provider"],
            &tool["service_name"],
            &tool["request_count"],
            &tool["prompt_tokens"]
        ],
        [&json!("openai"), &json!("shop"), &json!(2), &json!(2400)]
    );
    assert_eq!(models(&all["by_model"]), ["gpt-4o", "nobody-knows-it"]);
    assert_eq!(all["by_model"][1]["total_cost"], Json::Null);
    for (path, list, expected) in [
        ("daily?days=2", "daily", 3),
        ("cost-by-tool", "by_tool", 1),
        ("cost-by-model", "by_model", 2),
        ("token-trends?interval=day&days=3", "trends", 4),
        ("token-trends?days=1", "trends", 25),
        ("daily?days=0", "daily", 0),
    ] {
        let (_, answer) = get(&app, &format!("/api/analytics/{path}")).await;
        assert_eq!(answer[list].as_array().unwrap().len(), expected, "{path}");
    }
    let (_, trends) = get(&app, "/api/analytics/token-trends?interval=day&days=3").await;
    assert_eq!(sum(&trends["trends"], "total_tokens"), 2560.0);
    assert_eq!(trends["interval"], "day");
}
