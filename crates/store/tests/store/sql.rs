//! SQL of users.

use fanlight_store::{QueryError, SqlQuery, Store};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, metric, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value as Json, json};

use crate::requests::{attribute, log, logs, metrics, open, span, spans, status};

async fn ask(store: &Store, sql: &str) -> Result<Vec<Vec<Json>>, QueryError> {
    let query = SqlQuery {
        sql: sql.to_owned(),
        limit: 0,
    };
    store.sql(query).await.map(|answer| answer.rows)
}

/// Spans, log records, metrics and a call of a language model are stored.
/// Every column of every view can be asked, and holds what was sent.
#[tokio::test]
async fn views_hold_what_was_sent() {
    let (_directory, store) = open();
    let text = |value: &str| Value::StringValue(value.to_owned());
    let call = Span {
        status: Some(status(2, "no")),
        attributes: vec![
            attribute("gen_ai.request.model", text("gpt")),
            attribute("gen_ai.usage.input_tokens", Value::IntValue(12)),
        ],
        ..span(1, 2, Some(1))
    };
    store
        .write(&spans("shop", vec![span(1, 1, None), call.clone(), call]))
        .await
        .unwrap();
    store
        .write(&logs("bank", vec![log(5, 17, "broken")]))
        .await
        .unwrap();
    let point = NumberDataPoint {
        time_unix_nano: 7,
        attributes: vec![attribute("host", text("a"))],
        value: Some(number_data_point::Value::AsDouble(0.5)),
        ..NumberDataPoint::default()
    };
    let gauge = Metric {
        name: "load".to_owned(),
        data: Some(metric::Data::Gauge(Gauge {
            data_points: vec![point],
        })),
        ..Metric::default()
    };
    store.write(&metrics("shop", vec![gauge])).await.unwrap();
    let rows = ask(&store, "SELECT trace_id, parent_span_id, name, service, status, status_message, start_time, start_time_ns, duration_ms, attributes ->> '$.\"gen_ai.request.model\"' FROM spans ORDER BY start_time_ns").await.unwrap();
    let id = "01".repeat(16);
    assert_eq!(
        rows,
        [
            vec![
                json!(id),
                Json::Null,
                json!("span 1"),
                json!("shop"),
                json!("UNSET"),
                json!(""),
                json!("1970-01-01T00:00:01.000001000Z"),
                json!(1_000_001_000),
                json!(0.0005),
                Json::Null
            ],
            vec![
                json!(id),
                json!("01".repeat(8)),
                json!("span 2"),
                json!("shop"),
                json!("ERROR"),
                json!("no"),
                json!("1970-01-01T00:00:01.000002000Z"),
                json!(1_000_002_000),
                json!(0.0005),
                json!("gpt")
            ],
        ]
    );
    let rows = ask(
        &store,
        "SELECT time_ns, severity, body, service, trace_id, resource ->> 'service.name' FROM logs",
    )
    .await
    .unwrap();
    assert_eq!(
        rows,
        [vec![
            json!(5),
            json!(17),
            json!("broken"),
            json!("bank"),
            Json::Null,
            json!("bank")
        ]]
    );
    let rows = ask(
        &store,
        "SELECT name, type, value, count, attributes FROM metrics",
    )
    .await
    .unwrap();
    assert_eq!(
        rows,
        [vec![
            json!("load"),
            json!("gauge"),
            json!(0.5),
            Json::Null,
            json!("{\"host\":\"a\"}")
        ]]
    );
    let rows = ask(
        &store,
        "SELECT span_id, request_model, input_tokens, response_model FROM llm_calls",
    )
    .await
    .unwrap();
    assert_eq!(
        rows,
        [vec![
            json!("02".repeat(8)),
            json!("gpt"),
            json!(12),
            Json::Null
        ]]
    );
    for view in store.sql_schema().views {
        for column in view.columns {
            let sql = format!("SELECT {} FROM {}", column.name, view.name);
            assert!(!ask(&store, &sql).await.unwrap().is_empty(), "{sql}");
        }
    }
    let joined = "SELECT count(*) FROM spans AS a JOIN spans AS b ON b.parent_span_id = a.span_id";
    assert_eq!(ask(&store, joined).await.unwrap(), [vec![json!(1)]]);
}

/// Statements that write, read files, or never end are asked, and more rows than are wanted.
/// They are refused in words, or cut; the store goes on.
#[tokio::test]
async fn only_reading_is_allowed_and_not_for_ever() {
    let (directory, store) = open();
    store
        .write(&spans("shop", vec![span(1, 1, None), span(1, 2, None)]))
        .await
        .unwrap();
    let file = directory.path().join("other.db");
    let attach = format!("ATTACH '{}' AS other", file.display());
    for sql in [
        "DELETE FROM span_list",
        "CREATE TABLE t (a)",
        "PRAGMA user_version = 3",
        "SELECT nonsense FROM spans",
        "SELEC 1",
        &attach,
    ] {
        let error = ask(&store, sql).await.unwrap_err();
        assert!(matches!(error, QueryError::Sql(_)), "{sql}: {error:?}");
    }
    assert!(!file.exists());
    let error = ask(&store, "SELECT nonsense FROM spans").await.unwrap_err();
    assert!(
        error.to_string().contains("no such column: nonsense"),
        "{error}"
    );
    let query = SqlQuery {
        sql: "SELECT span_id FROM spans".to_owned(),
        limit: 1,
    };
    let answer = store.sql(query).await.unwrap();
    assert_eq!((answer.rows.len(), answer.truncated), (1, true));
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let error = ask(&store, endless).await.unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
    assert_eq!(
        ask(&store, "SELECT 9007199254740993, 1.5, NULL")
            .await
            .unwrap(),
        [vec![json!("9007199254740993"), json!(1.5), Json::Null]]
    );
}
