//! One hub, four backends at once: Tempo and Jaeger for traces, two stores of remote write for metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanlight_otlp::Signal;
use serde_json::Value;

use super::Setting;
use super::golden::Golden;
use super::jaeger::{Jaeger, as_kept, trace_ids};
use super::server::prometheus::{Prometheus, Release};
use super::server::tempo::Tempo;
use super::server::victoria_metrics::VictoriaMetrics;
use super::tempo;
use crate::hub::Ports;
use crate::otlp_json::Items;
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::{http, workspace};

/// How long a backend may take to show what it was sent.
const ARRIVAL: Duration = Duration::from_secs(30);

/// The hub forwards to four backends.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run(
        "hub to Tempo, Jaeger, Prometheus and VictoriaMetrics",
        |_| fan_out(setting),
    );
}

/// Scenario: the usual configuration of a fan-out, with these backends' addresses; the golden traces and metrics are sent.
/// Guarantee: Tempo and Jaeger have every span equal field by field; both metric stores have the same series and values.
fn fan_out(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/fan-out")?;
    let tempo = Tempo::start(setting, &directory)?;
    let jaeger = Jaeger::start(&setting.jaeger()?, &directory)?;
    let prometheus = Prometheus::start(setting, Release::Debian, &directory, "[]")?;
    let victoria = VictoriaMetrics::start(setting, &directory)?;
    let ports = Ports::free()?;
    let configuration = format!(
        "{}processors:
  batch:
exporters:
  otlp/tempo:
    endpoint: \"http://127.0.0.1:{}\"
  otlp/jaeger:
    endpoint: \"http://127.0.0.1:{}\"
  prometheusremotewrite/victoria:
    endpoint: \"http://127.0.0.1:{}/api/v1/write\"
  prometheusremotewrite/prometheus:
    endpoint: \"http://127.0.0.1:{}/api/v1/write\"
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlp/tempo, otlp/jaeger]
    metrics:
      receivers: [otlp]
      processors: [batch]
      exporters: [prometheusremotewrite/victoria, prometheusremotewrite/prometheus]
",
        ports.receivers(),
        tempo.otlp.grpc,
        jaeger.otlp.grpc,
        victoria.http,
        prometheus.http
    );
    let hub = setting.start_hub(&directory, ports, &configuration)?;
    let spans = Golden::send(Signal::Traces, ports)?.items()?;
    Golden::send(Signal::Metrics, ports)?;
    let ids = trace_ids(&spans);
    all_spans(&spans, tempo::as_kept, || tempo::traces(&tempo, &ids)).context("Tempo")?;
    all_spans(&spans, as_kept, || jaeger.traces(&ids)).context("Jaeger")?;
    let of_prometheus = eventually(ARRIVAL, || series(prometheus.http)).context("Prometheus")?;
    let of_victoria = eventually(ARRIVAL, || series(victoria.http)).context("VictoriaMetrics")?;
    ensure!(
        of_prometheus == of_victoria,
        "Prometheus has {of_prometheus:#?}, VictoriaMetrics {of_victoria:#?}"
    );
    hub.stop()?;
    Ok(Tests::passed(3))
}

/// Waits until a backend has all the spans, and compares them in the form that it keeps.
fn all_spans(sent: &Items, form: fn(&mut Value), traces: impl Fn() -> Result<Items>) -> Result<()> {
    let found = eventually(ARRIVAL, || {
        let found = traces()?;
        let (has, all) = (found.len(), sent.len());
        ensure!(has >= all, "{has} of {all} spans");
        Ok(found)
    })?;
    found.mapped(form).must_equal(&sent.mapped(form))
}

/// The newest value of every series, by its labels, once the last metric of the golden set has come.
///
/// Without native histograms, which the stores show in forms of their own, and `NaN`, which VictoriaMetrics drops.
fn series(port: u16) -> Result<BTreeMap<String, String>> {
    let answer = http::get(port, "/api/v1/query?query=%7B__name__%21%3D%22%22%7D")?.json()?;
    let result = answer["data"]["result"].as_array().context("no result")?;
    let values = result.iter().filter_map(|one| {
        let value: &Value = one.get("value")?.get(1)?;
        (value != "NaN").then(|| (one["metric"].to_string(), value.to_string()))
    });
    let series: BTreeMap<String, String> = values.collect();
    ensure!(
        series.keys().any(|labels| labels.contains("gc_pause")),
        "the summary is not there yet, only {:?}",
        series.keys()
    );
    Ok(series)
}
