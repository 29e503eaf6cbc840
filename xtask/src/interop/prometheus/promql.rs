//! The dashboard's PromQL beside Prometheus' own: the same samples, the same questions, the same answers.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use fanlight_otlp::Signal;
use serde_json::{Value, json};

use super::{PATIENCE, ask, elements, start, write_exporter};
use crate::interop::server::prometheus::{Prometheus, Release};
use crate::interop::{Setting, golden};
use crate::process::eventually;
use crate::steps::Tests;
use crate::workspace;

/// How many points each series has, and how far they are apart, in seconds.
const POINTS: i64 = 60;
const INTERVAL: i64 = 15;

/// Without scope labels and `target_info`, which the dashboard does not add.
const PLAIN: &str = "    disable_scope_info: true\n    target_info:\n      enabled: false\n";

/// What is asked, at one time and over a range.
const QUESTIONS: [&str; 56] = [
    "shop_requests_total",
    r#"shop_requests_total{status="500"}"#,
    r#"shop_requests_total{status=~"5..",job!="none"}"#,
    r#"{__name__=~"shop_.*_total"}"#,
    "shop_requests_total offset 2m",
    "shop_temperature_celsius",
    "rate(shop_requests_total[1m])",
    "rate(shop_requests_total[5m] offset 1m)",
    "increase(shop_requests_total[2m])",
    "irate(shop_requests_total[1m])",
    "resets(shop_requests_total[10m])",
    "changes(shop_temperature_celsius[5m])",
    "delta(shop_temperature_celsius[3m])",
    "idelta(shop_temperature_celsius[3m])",
    "deriv(shop_temperature_celsius[3m])",
    "avg_over_time(shop_temperature_celsius[3m])",
    "min_over_time(shop_temperature_celsius[3m])",
    "max_over_time(shop_temperature_celsius[3m])",
    "sum_over_time(shop_temperature_celsius[3m])",
    "count_over_time(shop_temperature_celsius[3m])",
    "last_over_time(shop_temperature_celsius[3m])",
    "present_over_time(shop_temperature_celsius[3m])",
    "stddev_over_time(shop_temperature_celsius[3m])",
    "quantile_over_time(0.9, shop_temperature_celsius[3m])",
    "max_over_time(rate(shop_requests_total[1m])[5m:30s])",
    "sum(rate(shop_requests_total[1m]))",
    "sum by (status) (rate(shop_requests_total[1m]))",
    "avg without (status) (shop_requests_total)",
    "min(shop_temperature_celsius)",
    "max by (room) (shop_temperature_celsius)",
    "count(shop_requests_total)",
    "group(shop_requests_total)",
    "stddev(shop_requests_total)",
    "stdvar(shop_requests_total)",
    "quantile(0.5, shop_requests_total)",
    "topk(2, shop_requests_total)",
    "bottomk(1, shop_requests_total)",
    r#"count_values("value", shop_temperature_celsius)"#,
    "histogram_quantile(0.95, rate(shop_latency_seconds_bucket[2m]))",
    "histogram_quantile(0.5, sum by (le) (rate(shop_latency_seconds_bucket[2m])))",
    "rate(shop_latency_seconds_sum[2m]) / rate(shop_latency_seconds_count[2m])",
    r#"sum(rate(shop_requests_total{status="500"}[1m])) / sum(rate(shop_requests_total[1m])) * 100"#,
    "shop_requests_total > 100",
    "shop_requests_total > bool 100",
    "10 < shop_temperature_celsius",
    "shop_temperature_celsius - ignoring(room) group_left shop_limit",
    "shop_temperature_celsius and on(room) shop_temperature_celsius > 21",
    "shop_temperature_celsius unless shop_temperature_celsius > 21",
    r#"shop_requests_total{status="200"} or shop_requests_total{status="500"}"#,
    "-shop_temperature_celsius ^ 2 % 7",
    "clamp(shop_temperature_celsius, 20, 21)",
    "round(shop_temperature_celsius, 0.5) + abs(floor(shop_temperature_celsius)) + sqrt(shop_limit)",
    r#"label_replace(shop_temperature_celsius, "floor", "$1-up", "room", "(.)itchen")"#,
    r#"label_join(shop_temperature_celsius, "place", "/", "job", "room")"#,
    "scalar(shop_limit) * 2 + time() * 0",
    "absent(shop_nothing) or vector(1)",
];

/// Scenario: the hub keeps a quarter of an hour of a shop's metrics and sends them to a real Prometheus by remote write;
/// both are asked the same questions, at one time and over a range.
/// Guarantee: they answer the same series with the same values.
pub(super) fn both(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/promql")?;
    let prometheus = Prometheus::start(setting, Release::Newest, &directory, "[]")?;
    let exporter = write_exporter(prometheus.http, PLAIN);
    let hub = start(setting, &directory, "", &exporter)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let end = i64::try_from(now)? / INTERVAL * INTERVAL - INTERVAL;
    golden::send(Signal::Metrics, hub.ports, &shop(end).to_string())?;
    let all = r#"{job="shop"}"#;
    let dashboard = hub.ports.dashboard;
    eventually(PATIENCE, || {
        let theirs = instant(prometheus.http, "", all, end)?;
        ensure!(theirs.len() == 2 + 2 + 1 + 6, "Prometheus has {theirs:?}");
        let ours = instant(dashboard, "/prometheus", all, end)?;
        ensure!(ours == theirs, "Prometheus has {theirs:#?}, we {ours:#?}");
        Ok(())
    })?;
    let mut wrong = Vec::new();
    for question in QUESTIONS {
        // Between samples, so that nothing depends on which end a range includes.
        for (what, ask) in [("at one time", instant as Ask), ("over time", range)] {
            let theirs = ask(prometheus.http, "", question, end - 7)?;
            match ask(dashboard, "/prometheus", question, end - 7) {
                Ok(ours) if ours == theirs => {}
                Ok(ours) => wrong.push(format!(
                    "{question} {what}:\n  Prometheus {theirs:?}\n  we         {ours:?}"
                )),
                Err(error) => wrong.push(format!("{question} {what}: {error:#}")),
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    hub.stop()?;
    Ok(Tests::passed(QUESTIONS.len() * 2))
}

type Ask = fn(u16, &str, &str, i64) -> Result<BTreeMap<String, String>>;

/// Series with their values.
fn instant(port: u16, base: &str, query: &str, time: i64) -> Result<BTreeMap<String, String>> {
    let path = format!("{base}/api/v1/query");
    let answer = ask(
        port,
        &path,
        &[("query", query), ("time", &time.to_string())],
    )?;
    if answer["resultType"] == "scalar" {
        return Ok(BTreeMap::from([(
            String::new(),
            rounded(&answer["result"]),
        )]));
    }
    let series = elements(&answer["result"]);
    Ok(series
        .map(|series| (series["metric"].to_string(), rounded(&series["value"])))
        .collect())
}

fn range(port: u16, base: &str, query: &str, end: i64) -> Result<BTreeMap<String, String>> {
    let path = format!("{base}/api/v1/query_range");
    let start = (end - 300).to_string();
    let parameters = [
        ("query", query),
        ("start", &start),
        ("end", &end.to_string()),
        ("step", "20s"),
    ];
    let answer = ask(port, &path, &parameters)?;
    let series = elements(&answer["result"]);
    Ok(series
        .map(|series| {
            let values: Vec<String> = elements(&series["values"]).map(rounded).collect();
            (series["metric"].to_string(), values.join(" "))
        })
        .collect())
}

/// A sample whose value has nine digits.
fn rounded(sample: &Value) -> String {
    let value = sample[1].as_str().unwrap_or("?");
    let value = value.parse().map_or(f64::NAN, |value: f64| value);
    let time = sample[0].as_f64().unwrap_or(f64::NAN);
    format!("{time}={value:.9e}")
}

/// A shop's metrics up to a time: requests, one of whose counters is reset, temperatures, a limit, and latencies.
fn shop(end: i64) -> Value {
    let ok = points(
        end,
        "status",
        "200",
        |n| json!({ "asInt": (n * 7 + n % 5).to_string() }),
    );
    let failed = points(
        end,
        "status",
        "500",
        |n| json!({ "asInt": (n % 40).to_string() }),
    );
    let kitchen = points(
        end,
        "room",
        "kitchen",
        |n| json!({ "asDouble": 20.0 + (n % 7) as f64 / 2.0 }),
    );
    let hall = points(
        end,
        "room",
        "hall",
        |n| json!({ "asDouble": 19.0 + (n % 3) as f64 }),
    );
    let limit = points(end, "", "", |_| json!({ "asInt": "21" }));
    let latency = points(end, "", "", |n| {
        json!({
            "count": (n * 10).to_string(), "sum": n as f64 * 2.5, "explicitBounds": [0.1, 0.5, 1.0],
            "bucketCounts": [(n * 4).to_string(), (n * 3).to_string(), (n * 2).to_string(), n.to_string()],
        })
    });
    let (requests, temperatures) = ([ok, failed].concat(), [kitchen, hall].concat());
    json!({ "resourceMetrics": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "shop" } }] },
        "scopeMetrics": [{ "metrics": [
            { "name": "shop.requests", "sum": {
                "isMonotonic": true, "aggregationTemporality": 2, "dataPoints": requests,
            } },
            { "name": "shop.temperature", "unit": "Cel", "gauge": { "dataPoints": temperatures } },
            { "name": "shop.limit", "gauge": { "dataPoints": limit } },
            { "name": "shop.latency", "unit": "s", "histogram": { "aggregationTemporality": 2, "dataPoints": latency } },
        ] }],
    }] })
}

/// The points of a series, which has one attribute or none.
fn points(end: i64, key: &str, text: &str, value: impl Fn(i64) -> Value) -> Vec<Value> {
    let nanos = |seconds: i64| (seconds * 1_000_000_000).to_string();
    let began = end - POINTS * INTERVAL;
    let attributes = match key {
        "" => json!([]),
        key => json!([{ "key": key, "value": { "stringValue": text } }]),
    };
    let point = |number: i64| {
        let mut point = value(number);
        point["startTimeUnixNano"] = nanos(began).into();
        point["timeUnixNano"] = nanos(began + (number + 1) * INTERVAL).into();
        point["attributes"] = attributes.clone();
        point
    };
    (0..POINTS).map(point).collect()
}
