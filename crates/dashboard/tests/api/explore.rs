//! What is asked to find things: filters, rates, services, errors, profiles, SQL, saved views.

use axum::Router;
use axum::http::{Method, StatusCode};
use fanlight_store::Store;
use serde_json::{Value as Json, json};

use crate::items::{START, TRACE, checkout, counter, log, profile, trace};
use crate::support::{dashboard, get, send_body};

/// A store with a checkout of two services of which one fails, a counter, a profile and a log record.
async fn filled() -> (tempfile::TempDir, Store, Router) {
    let (directory, store, app) = dashboard();
    for batch in [checkout(), counter(), profile(), log(9)] {
        store.write(&batch).await.unwrap();
    }
    (directory, store, app)
}

async fn ok(app: &Router, path: &str) -> Json {
    let (status, answer) = get(app, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    answer
}

fn count(list: &Json) -> usize {
    list.as_array().unwrap().len()
}

/// A list is asked for with each of its filters, once so that something fits, once so that nothing does.
/// Exactly what fits is answered.
#[tokio::test]
async fn every_filter_of_the_lists_counts() {
    let (_directory, _store, app) = filled().await;
    let after = START + 1;
    let traces = [
        (format!("from={START}&to={after}"), true),
        (format!("from={after}"), false),
        (format!("to={START}"), false),
        ("operation=charge&service=payments".to_owned(), true),
        ("operation=charge&service=shop".to_owned(), false),
        ("name=CHAR".to_owned(), true),
        ("q=declined".to_owned(), true),
        ("q=nowhere".to_owned(), false),
        ("attr=http.response.status_code=500".to_owned(), true),
        (
            "attr=http.response.status_code=500&attr=cached=true".to_owned(),
            true,
        ),
        (
            "attr=http.response.status_code=500&attr=cached=false".to_owned(),
            false,
        ),
        ("attr=host.name=a".to_owned(), true),
        ("maxDurationMs=5".to_owned(), true),
        ("maxDurationMs=4.9".to_owned(), false),
    ];
    for (query, fits) in traces {
        let page = ok(&app, &format!("/api/traces?{query}")).await;
        assert_eq!(count(&page["traces"]) == 1, fits, "{query}");
        let rate = ok(&app, &format!("/api/rate?signal=traces&{query}")).await;
        let bins = rate["bins"].as_array().unwrap();
        let counted: u64 = bins.iter().map(|bin| bin["count"].as_u64().unwrap()).sum();
        assert_eq!(counted == 1, fits, "{query}: {rate}");
    }
    let id = "09".repeat(16);
    for (query, fits) in [
        (format!("traceId={id}"), true),
        (format!("traceId={TRACE}"), false),
        ("severityMin=9&q=HELL&service=shop".to_owned(), true),
        ("attr=service.name=shop".to_owned(), true),
        ("attr=service.name=other".to_owned(), false),
    ] {
        let page = ok(&app, &format!("/api/logs?{query}")).await;
        assert_eq!(count(&page["logs"]) == 1, fits, "{query}");
        let rate = ok(&app, &format!("/api/rate?signal=logs&{query}")).await;
        let severities = rate["bins"][0]["severities"][2] == json!(1);
        assert_eq!(severities, fits, "{query}: {rate}");
    }
    let facets = ok(&app, "/api/logs/facets?q=hello").await;
    assert_eq!(facets["services"], json!([{ "value": "shop", "count": 1 }]));
    assert_eq!(facets["sampled"], json!(false));
}

/// Parameters of another signal, or that can't be read.
/// Each is refused with its name.
#[tokio::test]
async fn parameters_that_make_no_sense_are_refused() {
    let (_directory, _store, app) = dashboard();
    for (path, text) in [
        ("/api/rate", "missing field `signal`"),
        ("/api/rate?signal=profiles", "unknown variant `profiles`"),
        ("/api/rate?signal=metrics", "no rate"),
        (
            "/api/rate?signal=logs&operation=x",
            "unknown parameter `operation`",
        ),
        (
            "/api/export?signal=traces&format=xml",
            "unknown variant `xml`",
        ),
        ("/api/traces?from=yesterday", "from: "),
        (
            "/api/traces?attr=key",
            "attr \"key\" is not a key with a value",
        ),
        ("/api/red", "missing field `service`"),
        (
            "/api/metrics/series?name=x&aggregation=median",
            "unknown variant `median`",
        ),
        ("/api/logs?traceId=7", "not a trace id"),
    ] {
        let (status, answer) = get(&app, path).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {answer}");
        assert!(message.contains(text), "{path}: {message}");
    }
}

/// Two services, of which one calls the other and fails.
/// Overview, operations, rates and map show both with their numbers.
#[tokio::test]
async fn services_are_shown_with_rates_errors_and_durations() {
    let (_directory, _store, app) = filled().await;
    let range = format!("from={START}&to={}", START + 60_000_000_000);
    let overview = ok(&app, &format!("/api/overview?{range}&bins=1")).await;
    let payments = &overview["services"][0];
    assert_eq!(
        (
            &payments["service"],
            &payments["spanCount"],
            &payments["errorCount"]
        ),
        (&json!("payments"), &json!(1), &json!(1))
    );
    assert_eq!(overview["services"][1]["errorCount"], 0);
    let operations = ok(&app, "/api/operations?service=shop").await;
    assert_eq!(operations["operations"][0]["operation"], "GET /");
    let p95: f64 = operations["operations"][0]["p95Nano"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((p95 / 5e6 - 1.0).abs() < 0.04, "{p95}");
    let red = ok(
        &app,
        &format!("/api/red?service=payments&operation=charge&{range}"),
    )
    .await;
    let errors: u64 = red["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(errors, 1, "{red}");
    let map = ok(&app, &format!("/api/service-map?{range}")).await;
    assert_eq!(map["nodes"].as_array().unwrap().len(), 2);
    let edge = &map["edges"][0];
    assert_eq!(
        (
            &edge["from"],
            &edge["to"],
            &edge["callCount"],
            &edge["errorCount"]
        ),
        (&json!("shop"), &json!("payments"), &json!(1), &json!(1))
    );
}

/// A counter of two regions is asked for by region, and a profile as a flame graph; an exception was recorded.
/// Values, frames and the group are those that were sent.
#[tokio::test]
async fn metrics_profiles_and_errors_have_the_values_that_were_sent() {
    let (_directory, _store, app) = filled().await;
    let metrics = ok(&app, "/api/metrics?q=ord").await;
    assert_eq!(metrics["metrics"][0]["attributeKeys"], json!(["region"]));
    let end = START + 60_000_000_000;
    let path =
        format!("/api/metrics/series?name=orders&groupBy=region&from={START}&to={end}&bins=1");
    let series = ok(&app, &path).await;
    let labels: Vec<&Json> = series["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["labels"]["region"])
        .collect();
    assert_eq!(labels, [&json!("east"), &json!("west")]);
    let rate = series["series"][0]["values"][0].as_f64().unwrap();
    assert!((rate - 1.0).abs() < 0.05, "{series}");
    let sum = ok(&app, &format!("{path}&aggregation=max&attr=region=west")).await;
    assert_eq!(sum["series"][0]["values"], json!([5.0]), "{sum}");
    let profiles = ok(&app, "/api/profiles?service=shop").await;
    let listed = &profiles["profiles"][0];
    assert_eq!(
        (&listed["sampleType"], &listed["sampleCount"]),
        (&json!("cpu"), &json!(2))
    );
    let id = listed["id"].as_str().unwrap();
    let flame = ok(&app, &format!("/api/profiles/{id}")).await;
    let main = &flame["root"]["children"][0];
    assert_eq!(
        (&main["name"], &main["self"], &main["total"], &main["line"]),
        (&json!("main"), &json!("3"), &json!("5"), &json!(7))
    );
    assert_eq!(main["children"][0]["name"], "work");
    let (status, _) = get(&app, &format!("/api/profiles/{id}?sampleType=heap")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let errors = ok(&app, "/api/errors?service=payments").await;
    let group = &errors["groups"][0];
    assert_eq!(
        (
            &group["type"],
            &group["place"],
            &group["count"],
            &group["exampleTraceIds"]
        ),
        (
            &json!("Declined"),
            &json!("charge"),
            &json!(1),
            &json!([TRACE.to_string()])
        )
    );
}

/// Questions in SQL: good ones, wrong ones, and those that would change something.
/// Rows are answered, limits kept, and what is wrong is said in SQLite's own words.
#[tokio::test]
async fn sql_is_answered_or_refused_in_sqlites_words() {
    let (_directory, _store, app) = filled().await;
    let ask = async |sql: &str, limit: u32| {
        let question = json!({ "sql": sql, "limit": limit }).to_string();
        send_body(&app, Method::POST, "/api/sql", "application/json", question).await
    };
    let (status, answer) = ask(
        "SELECT service, name, duration_ms FROM spans ORDER BY service",
        0,
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["columns"], json!(["service", "name", "duration_ms"]));
    assert_eq!(
        answer["rows"],
        json!([["payments", "charge", 2.5], ["shop", "GET /", 5.0]])
    );
    let (_, answer) = ask("SELECT name FROM spans", 1).await;
    assert_eq!(
        (count(&answer["rows"]), &answer["truncated"]),
        (1, &json!(true))
    );
    for (sql, words) in [
        ("SELECT * FROM nope", "no such table: nope"),
        ("SELEC 1", "near \"SELEC\": syntax error"),
        ("DELETE FROM spans", ""),
        ("ATTACH '/tmp/x.db' AS x", ""),
        ("SELECT 1; SELECT 2", ""),
    ] {
        let (status, answer) = ask(sql, 0).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{sql}: {answer}");
        assert!(message.contains(words), "{sql}: {message}");
    }
    let schema = ok(&app, "/api/sql/schema").await;
    let names: Vec<&str> = schema["views"]
        .as_array()
        .unwrap()
        .iter()
        .map(|view| view["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["spans", "logs", "metrics", "llm_calls"]);
}

/// A view is saved, saved again under its name, and deleted.
/// There is one of it, with the newest query, and then none.
#[tokio::test]
async fn views_are_saved_replaced_and_deleted() {
    let (_directory, _store, app) = dashboard();
    let save = async |query: &str| {
        let view = json!({ "name": "slow", "page": "traces", "query": query }).to_string();
        send_body(&app, Method::PUT, "/api/views", "application/json", view).await
    };
    assert_eq!(save("minDurationMs=100").await.0, StatusCode::OK);
    let (_, saved) = save("minDurationMs=500").await;
    let views = ok(&app, "/api/views").await;
    assert_eq!(views["views"], json!([saved]));
    assert_eq!(saved["query"], "minDurationMs=500");
    let path = format!("/api/views/{}", saved["id"].as_str().unwrap());
    let (status, _) = send_body(&app, Method::DELETE, &path, "application/json", "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = send_body(&app, Method::DELETE, &path, "application/json", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(ok(&app, "/api/views").await["views"], json!([]));
}

/// Everything is exported from one store, in both formats, and imported into another; and once with a filter.
/// The other store answers the same; the filter keeps out what does not pass.
#[tokio::test]
async fn what_is_exported_can_be_imported_elsewhere() {
    let (_directory, store, app) = filled().await;
    store.write(&trace(3)).await.unwrap();
    for (format, content_type) in [
        ("otlp", "application/json"),
        ("jsonl", "application/x-ndjson"),
    ] {
        let (_other_directory, _other_store, other) = dashboard();
        for signal in ["traces", "logs", "metrics"] {
            let path = format!("/api/export?signal={signal}&format={format}");
            let response = crate::support::send(&app, Method::GET, &path, &[]).await;
            assert_eq!(response.headers()["content-type"], content_type);
            let disposition = response.headers()["content-disposition"]
                .to_str()
                .unwrap()
                .to_owned();
            assert!(
                disposition.starts_with(&format!("attachment; filename=\"fanlight-{signal}.")),
                "{disposition}"
            );
            let file = crate::support::body(response).await;
            let (status, taken) =
                send_body(&other, Method::POST, "/api/import", content_type, file).await;
            assert_eq!(status, StatusCode::OK, "{taken}");
            let expected = match signal {
                "traces" => 3,
                "logs" => 1,
                _ => 5,
            };
            assert_eq!(taken[signal], expected, "{format} {taken}");
        }
        for path in [
            "/api/traces",
            "/api/logs",
            "/api/metrics",
            &format!("/api/traces/{TRACE}"),
        ] {
            assert_eq!(
                ok(&other, path).await,
                ok(&app, path).await,
                "{format} {path}"
            );
        }
    }
    let document = ok(&app, "/api/export?signal=traces&attr=cached=true").await;
    let text = document.to_string();
    assert!(
        text.contains(&TRACE.to_string()) && !text.contains(&"03".repeat(16)),
        "{text}"
    );
    let nothing = ok(&app, "/api/export?signal=traces&q=nowhere").await;
    assert_eq!(nothing, json!({ "resourceSpans": [] }));
}

/// Traces start at the same nanosecond, and their ids differ only in the last byte, as ids of 64 bits do.
/// All of them are in the list, page by page.
#[tokio::test]
async fn traces_that_start_at_once_are_all_listed() {
    let (_directory, store, app) = dashboard();
    for id in 1..=5 {
        let json = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"name":"a","traceId":"{id:032x}","spanId":"{id:016x}",
            "startTimeUnixNano":"{START}","endTimeUnixNano":"{START}"}}]}}]}}]}}"#
        );
        let batch = fanlight_otlp::json::read(fanlight_otlp::Signal::Traces, json.as_bytes());
        store.write(&batch.unwrap()).await.unwrap();
    }
    let mut path = "/api/traces?limit=2".to_owned();
    let mut seen = 0;
    loop {
        let page = ok(&app, &path).await;
        seen += count(&page["traces"]);
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("/api/traces?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, 5);
}
