//! Prometheus behind the hub: the golden metrics are read back from its query API, through remote write and by scrape. And
//! beside it: both scrape the same targets, and the dashboard answers PromQL as it does.
//!
//! What is read back is compared with `prometheus/golden.txt`: one line a sample with all its labels, its time and its value
//! (of native histograms, every bucket), one line an exemplar. It was written from the specification of OpenTelemetry's
//! compatibility with Prometheus; none of the hub's code is in it.

mod beside;
mod promql;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use fanlight_otlp::Signal;
use serde_json::{Map, Value};

use super::Setting;
use super::golden::{self, Golden};
use super::server::prometheus::{Prometheus, Release};
use super::server::victoria_metrics::VictoriaMetrics;
use crate::hub::{Hub, Ports};
use crate::process::{eventually, free_port};
use crate::steps::{Steps, Tests};
use crate::{http, workspace};

/// What is expected.
const GOLDEN: &str = include_str!("prometheus/golden.txt");
/// How long the set may take to be there.
const PATIENCE: Duration = Duration::from_secs(30);
/// Remote write 2.0.
const VERSION_2: &str = "    protobuf_message: io.prometheus.write.v2.Request\n";

/// Remote write in both versions, and scrapes in protobuf and OpenMetrics.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run("remote write 1.0 to Prometheus 2.42", |_| {
        remote_write(setting, Release::Debian, "")
    });
    steps.run(
        "remote write 2.0 to Prometheus 2.42, which knows 1.0 only",
        |_| remote_write(setting, Release::Debian, VERSION_2),
    );
    steps.run("remote write 2.0 to Prometheus 3", |_| {
        remote_write(setting, Release::Newest, VERSION_2)
    });
    steps.run("remote write to VictoriaMetrics", |_| {
        victoria_metrics(setting)
    });
    steps.run("scrape by Prometheus 2.42, in protobuf", |_| {
        scrape(setting, Release::Debian)
    });
    steps.run("scrape by Prometheus 3, in OpenMetrics", |_| {
        scrape(setting, Release::Newest)
    });
    steps.run("scrape by the hub, beside Prometheus 3", |_| {
        beside::both(setting)
    });
    steps.run("the dashboard's PromQL, beside Prometheus 3", |_| {
        promql::both(setting)
    });
}

/// Scenario: the hub sends the golden metrics to a real Prometheus by remote write.
/// Guarantee: every sample, native histogram and exemplar reads back with its labels, time and value, and there are no others.
fn remote_write(setting: &Setting, release: Release, keys: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!(
        "interop/runs/prometheus-{release:?}-{}",
        keys.len()
    ))?;
    let prometheus = Prometheus::start(setting, release, &directory, "[]")?;
    let hub = start(
        setting,
        &directory,
        "",
        &write_exporter(prometheus.http, keys),
    )?;
    let base = send(&hub)?;
    // 2.42 takes the exemplars of a native histogram once its series exists, which is after the first request.
    let kept = |line: &str| release == Release::Newest || !line.starts_with("exemplar stock");
    eventually(PATIENCE, || {
        let mut found = read_back(prometheus.http, base)?;
        found.retain(|line| kept(line));
        compare(&found, &expected(kept))
    })?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// Scenario: the hub is told to speak version 2.0 to VictoriaMetrics.
/// Guarantee: whether it knows that or falls back to 1.0, every sample reads back; it has no exemplars and drops `NaN`.
fn victoria_metrics(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/victoria-metrics")?;
    let store = VictoriaMetrics::start(setting, &directory)?;
    let hub = start(
        setting,
        &directory,
        "",
        &write_exporter(store.http, VERSION_2),
    )?;
    let base = send(&hub)?;
    let has = |line: &str| {
        !(line.starts_with("exemplar") || line.contains(" buckets ") || line.ends_with(" NaN"))
    };
    let kept = |line: &str| {
        has(line)
            && !line.starts_with("stock_latency_seconds")
            && !line.starts_with("stock_delta_seconds")
    };
    eventually(PATIENCE, || {
        let mut found = read_back(store.http, base)?;
        found.retain(|line| kept(line));
        compare(&found, &expected(kept))
    })?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// Scenario: a real Prometheus scrapes the hub, which has the golden metrics.
/// Guarantee: samples and exemplars read back with their labels, times and values (native histograms too, in protobuf), and
/// kind, help and unit are known.
fn scrape(setting: &Setting, release: Release) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/scrape-{release:?}"))?;
    let port = free_port()?;
    let exporter = format!(
        "  prometheus:\n    endpoint: 127.0.0.1:{port}\n    send_timestamps: true\n    enable_open_metrics: true\n"
    );
    let hub = start(setting, &directory, "", &exporter)?;
    let targets = format!(
        "[{{job_name: hub, honor_labels: true, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]"
    );
    let prometheus = Prometheus::start(setting, release, &directory, &targets)?;
    let base = send(&hub)?;
    // Text has no native histograms, and Prometheus 3 asks for text unless it is told otherwise.
    let is_native = |line: &str| {
        line.starts_with("stock_latency_seconds")
            || line.starts_with("stock_delta_seconds")
            || line.starts_with("exemplar stock")
    };
    // Exemplars of a native histogram are read from its classic buckets only, by releases of this age.
    let kept = |line: &str| match release {
        Release::Debian => !line.starts_with("exemplar stock"),
        Release::Newest => !is_native(line),
    };
    eventually(PATIENCE, || {
        let found = read_back(prometheus.http, base)?.into_iter();
        // What tells no instance gets the target's.
        let target = format!("instance=\"127.0.0.1:{port}\",");
        let found = found.map(|line| line.replace(&target, ""));
        let found: Vec<String> = found.filter(|line| kept(line)).collect();
        compare(&found, &expected(kept))
    })?;
    let metadata = ask(prometheus.http, "/api/v1/metadata", &[])?;
    let known = &metadata["http_server_requests_total"][0];
    let known = if known.is_null() {
        &metadata["http_server_requests"][0]
    } else {
        known
    };
    ensure!(
        known["type"] == "counter" && known["help"] == "Requests.",
        "metadata: {metadata}"
    );
    hub.stop()?;
    Ok(Tests::passed(2))
}

fn write_exporter(port: u16, keys: &str) -> String {
    format!("  prometheusremotewrite:\n    endpoint: http://127.0.0.1:{port}/api/v1/write\n{keys}")
}

/// Starts the hub with an exporter, and a receiver beside OTLP, or none.
fn start(setting: &Setting, directory: &Path, receiver: &str, exporter: &str) -> Result<Hub> {
    let ports = Ports::free()?;
    let configuration = format!("{}{receiver}exporters:\n{exporter}", ports.receivers());
    setting.start_hub(directory, ports, &configuration)
}

/// Sends the golden metrics, and returns the time that they are counted from, in Unix milliseconds.
fn send(hub: &Hub) -> Result<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)? - Duration::from_secs(20);
    let base = u64::try_from(since.as_millis())?;
    let golden = Golden::at(Signal::Metrics, base * 1_000_000);
    golden::send(Signal::Metrics, hub.ports, &golden.text)?;
    Ok(i64::try_from(base)?)
}

/// The expected lines that this Prometheus keeps.
fn expected(kept: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = GOLDEN.lines().filter(|line| !line.is_empty() && kept(line));
    lines.map(str::to_owned).collect()
}

fn compare(found: &[String], expected: &[String]) -> Result<()> {
    let missing: Vec<_> = expected
        .iter()
        .filter(|line| !found.contains(line))
        .collect();
    let surplus: Vec<_> = found
        .iter()
        .filter(|line| !expected.contains(line))
        .collect();
    if missing.is_empty() && surplus.is_empty() {
        return Ok(());
    }
    bail!("missing: {missing:#?}\nsurplus: {surplus:#?}");
}

/// Every sample and exemplar of the golden services, as lines in order.
fn read_back(port: u16, base: i64) -> Result<Vec<String>> {
    let (start, end) = (base / 1000 - 60, base / 1000 + 120);
    let all = r#"{job=~"shop/checkout|stock"}"#;
    let samples = ask(port, "/api/v1/query", &[("query", &format!("{all}[10m]"))])?;
    let mut lines = Vec::new();
    for series in elements(&samples["result"]) {
        let labels = shown(&series["metric"])?;
        for sample in elements(&series["values"]) {
            let value = sample[1].as_str().context("a sample has no value")?;
            lines.push(format!(
                "{labels} {} {value}",
                offset(&labels, &sample[0], base)
            ));
        }
        for sample in elements(&series["histograms"]) {
            let at = offset(&labels, &sample[0], base);
            lines.push(format!("{labels} {at} {}", shown_histogram(&sample[1])?));
        }
    }
    lines.extend(exemplars(port, all, (start, end), base)?);
    lines.sort();
    Ok(lines)
}

/// The exemplars of the series that a selector chooses, between two times in seconds, one line each.
fn exemplars(port: u16, of: &str, (start, end): (i64, i64), base: i64) -> Result<Vec<String>> {
    let (start, end) = (start.to_string(), end.to_string());
    let range = [("query", of), ("start", &start), ("end", &end)];
    // VictoriaMetrics has none, and says so.
    let exemplars = ask(port, "/api/v1/query_exemplars", &range)?;
    let mut lines = Vec::new();
    for series in elements(&exemplars) {
        let labels = shown(&series["seriesLabels"])?;
        for exemplar in elements(&series["exemplars"]) {
            let own = shown(&exemplar["labels"])?;
            let value = exemplar["value"].as_str().unwrap_or("?");
            let at = offset("", &exemplar["timestamp"], base);
            lines.push(format!("exemplar {labels} {own} {at} {value}"));
        }
    }
    Ok(lines)
}

/// A native histogram: count, sum, and each bucket with its bounds, rounded, and what it counts.
fn shown_histogram(value: &Value) -> Result<String> {
    let [count, sum] = ["count", "sum"].map(|key| value[key].as_str().unwrap_or("?"));
    let mut shown = format!("count {count} sum {sum} buckets");
    for bucket in elements(&value["buckets"]) {
        let text = |place: usize| {
            bucket[place]
                .as_str()
                .context("a bucket is no list of texts")
        };
        let (low, high) = (text(1)?.parse::<f64>()?, text(2)?.parse::<f64>()?);
        shown.push_str(&format!(" {low:.4}..{high:.4}:{}", text(3)?));
    }
    Ok(shown)
}

/// Milliseconds since the set's first time. `target_info` has the time of the scrape.
fn offset(labels: &str, time: &Value, base: i64) -> String {
    if labels.starts_with("target_info") {
        return "-".to_owned();
    }
    let millis = (time.as_f64().unwrap_or_default() * 1000.0).round() as i64;
    format!("+{}", millis - base)
}

/// `name{label="value",...}`, bounds and quantiles as plain numbers whatever their spelling.
fn shown(metric: &Value) -> Result<String> {
    let empty = Map::new();
    let labels = metric.as_object().unwrap_or(&empty);
    let mut name = "";
    let mut pairs = Vec::new();
    for (key, value) in labels {
        let value = value.as_str().context("a label is no text")?;
        match key.as_str() {
            "__name__" => name = value,
            "le" | "quantile" => pairs.push(format!("{key}=\"{}\"", value.parse::<f64>()?)),
            key => pairs.push(format!("{key}={value:?}")),
        }
    }
    pairs.sort();
    Ok(format!("{name}{{{}}}", pairs.join(",")))
}

fn ask(port: u16, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
    let parameters = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)));
    let query = parameters.collect::<Vec<_>>().join("&");
    let mut answer = http::get(port, &format!("{path}?{query}"))?.json()?;
    ensure!(answer["status"] == "success", "{path} answers {answer}");
    Ok(answer["data"].take())
}

/// A text within a URL's query.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
