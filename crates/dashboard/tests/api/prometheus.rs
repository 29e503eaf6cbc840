//! Prometheus' query API, as Grafana's data source asks it. What PromQL means is compared with Prometheus itself by
//! `cargo xtask interop prometheus`.

use axum::http::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::items::counter;
use crate::support::{dashboard, get, send_body};

/// The counter's last sample, in seconds.
const END: u64 = 1_700_000_059;

fn query(text: &str) -> String {
    format!(
        "/prometheus/api/v1/query?time={END}&query={}",
        encoded(text)
    )
}

/// A text within a URL's query.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// A counter is asked for by selectors, at one time, over a range, and in a form.
/// The answers have Prometheus' shapes: names and labels by its rules, times in seconds, values as text.
#[tokio::test]
async fn answers_have_the_shapes_of_prometheus() {
    let (_directory, store, app) = dashboard();
    store.write(&counter()).await.unwrap();
    let east = json!({ "__name__": "orders_total", "job": "shop", "region": "east" });
    let (status, answer) = get(&app, &query(r#"orders_total{region="east"}"#)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer,
        json!({ "status": "success", "data": { "resultType": "vector", "result": [
            { "metric": east, "value": [1_700_000_059.0, "60"] },
        ] } })
    );
    let range = format!(
        "/prometheus/api/v1/query_range?start={}&end={END}&step=29s&query=sum(orders_total)",
        END - 29
    );
    let (_, answer) = get(&app, &range).await;
    assert_eq!(
        answer["data"],
        json!({ "resultType": "matrix", "result": [
            { "metric": {}, "values": [[1_700_000_030.0, "35"], [1_700_000_059.0, "65"]] },
        ] })
    );
    let form = format!("time={END}&query=scalar(vector(7))");
    let (_, answer) = send_body(
        &app,
        Method::POST,
        "/prometheus/api/v1/query",
        "application/x-www-form-urlencoded",
        form,
    )
    .await;
    assert_eq!(
        answer["data"],
        json!({ "resultType": "scalar", "result": [1_700_000_059.0, "7"] })
    );
    let (_, answer) = get(&app, &query(r#"orders_total{region="east"}[35s]"#)).await;
    assert_eq!(
        answer["data"]["result"],
        json!([{ "metric": east, "values": [[1_700_000_030.0, "30"], [1_700_000_059.0, "60"]] }])
    );
}

/// Grafana fills its fields: names, labels, their values, series, metadata, the version.
/// Each is there, and is narrowed by selectors.
#[tokio::test]
async fn grafanas_fields_are_filled() {
    let (_directory, store, app) = dashboard();
    store.write(&counter()).await.unwrap();
    let data = async |path: &str| -> Json {
        let (status, mut answer) = get(&app, &format!("/prometheus/api/v1/{path}")).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer["data"].take()
    };
    assert_eq!(data("label/__name__/values").await, json!(["orders_total"]));
    assert_eq!(data("labels").await, json!(["__name__", "job", "region"]));
    assert_eq!(data("label/region/values").await, json!(["east", "west"]));
    let west = format!("match[]={}", encoded(r#"{region="west"}"#));
    assert_eq!(
        data(&format!("label/region/values?{west}")).await,
        json!(["west"])
    );
    assert_eq!(
        data(&format!("series?{west}")).await,
        json!([{ "__name__": "orders_total", "job": "shop", "region": "west" }])
    );
    assert_eq!(data("metadata").await["orders_total"][0]["type"], "counter");
    assert_eq!(data("status/buildinfo").await["application"], "fanlight");
}

/// Somebody asks what can't be answered.
/// The answer says what is wrong, with the type and status that Prometheus has for it.
#[tokio::test]
async fn what_cannot_be_answered_is_told() {
    let (_directory, store, app) = dashboard();
    store.write(&counter()).await.unwrap();
    let nothing = "/prometheus/api/v1/query_range?start=2&end=1&step=1&query=vector(1)";
    let long = "/prometheus/api/v1/query_range?start=0&end=99999&step=1&query=vector(1)";
    for (path, status, kind, part) in [
        (query("sum("), 400, "bad_data", "parenthesis"),
        (query("orders_total[5m] / 2"), 400, "bad_data", "binary"),
        (
            query("holt_winters(orders_total[5m],1,1)"),
            400,
            "bad_data",
            "unknown function",
        ),
        (
            query("predict_linear(orders_total[5m],9)"),
            422,
            "execution",
            "predict_linear",
        ),
        (query("orders_total @ 5"), 422, "execution", "@ modifier"),
        (nothing.to_owned(), 400, "bad_data", "ends before"),
        (long.to_owned(), 400, "bad_data", "11000"),
        (
            "/prometheus/api/v1/query?time=noon&query=1".to_owned(),
            400,
            "bad_data",
            "noon",
        ),
        (
            "/prometheus/api/v1/rules".to_owned(),
            404,
            "not_found",
            "/api/v1/rules",
        ),
    ] {
        let (found, answer) = get(&app, &path).await;
        let message = answer["error"].as_str().unwrap_or_default();
        assert_eq!(
            (found.as_u16(), &answer["errorType"]),
            (status, &json!(kind)),
            "{path}: {answer}"
        );
        assert!(message.contains(part), "{path}: {message}");
    }
}
