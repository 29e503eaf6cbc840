//! The hub scrapes what a real Prometheus scrapes, with the same configuration, and writes to a second one: both then have
//! the same.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{ask, compare, elements, exemplars, shown, shown_histogram, start};
use crate::interop::Setting;
use crate::interop::server::instrumented::Instrumented;
use crate::interop::server::prometheus::{Prometheus, Release};
use crate::process::eventually;
use crate::steps::Tests;
use crate::{hub::Hub, workspace};

/// The forms of the instrumented program's page: job, path, and how Prometheus is told to read it.
const FORMS: [(&str, &str, &str); 3] = [
    ("protobuf", "/metrics", "PrometheusProto"),
    ("openmetrics", "/openmetrics", "OpenMetricsText1.0.0"),
    ("text", "/text", "PrometheusText0.0.4"),
];
/// The job of a page whose values change from scrape to scrape: Prometheus' own.
const CHANGING: &str = "changing";
/// What each has in its own way: how long it took, starts of series, which the hub has as such and not as samples, and how many
/// samples there are, as the hub does not count the last buckets that protobuf leaves out.
const OWN: [&str; 5] = [
    "scrape_duration_seconds",
    "scrape_series_added",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "_created",
];
/// Some of what is there in each form, as the program has it: beginning, part and end of a line.
const KNOWN: [(&str, &str, &str); 6] = [
    (
        "shop_requests_total{",
        r#"path="/käse/\"🧀\"\\\n{,}""#,
        " 17",
    ),
    ("shop_requests_total{", r#"rack="R7",region="eu""#, " 0.5"),
    ("shop_temperature_celsius{", r#"room="unknown""#, " NaN"),
    (
        "shop_latency_seconds_bucket{",
        r#"le="0.1",op="read""#,
        " 4",
    ),
    ("shop_pause_seconds{", r#"quantile="0.5""#, " 5"),
    (
        "shop_clash{",
        r#"exported_job="own job",exported_zone="own zone""#,
        " 1",
    ),
];

/// Scenario: the hub and Prometheus scrape an instrumented program in each of its forms, and Prometheus' own page, with the
/// same labels and rules for targets and samples; the hub sends by remote write to another Prometheus.
/// Guarantee: both have the same series, values, native histograms, times and exemplars of the program, and the same series
/// of the page whose values change.
pub(super) fn both(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/prometheus-beside")?;
    let program = Instrumented::start(setting, &directory)?;
    let behind = Prometheus::start(setting, Release::Newest, &directory.join("behind"), "[]")?;
    let jobs = jobs(program.http, behind.http).to_string();
    let beside = Prometheus::start(setting, Release::Newest, &directory.join("beside"), &jobs)?;
    let hub = scraping(setting, &directory, &jobs, behind.http)?;
    eventually(super::PATIENCE, || {
        let expected = all(beside.http)?;
        is_all_known(&expected)?;
        compare(&all(behind.http)?, &expected)
    })?;
    hub.stop()?;
    Ok(Tests::passed(FORMS.len() + 1))
}

/// Checks that what was found has what the program is known to have, in each form.
fn is_all_known(found: &[String]) -> Result<()> {
    for (job, ..) in FORMS {
        let job = format!("job=\"{job}\"");
        for (start, part, end) in KNOWN {
            let is_known = |line: &String| {
                line.starts_with(start)
                    && line.contains(part)
                    && line.contains(&job)
                    && line.ends_with(end)
            };
            ensure!(
                found.iter().any(is_known),
                "{job}: no {start} {part} {end} in {found:#?}"
            );
        }
    }
    let is_native =
        |line: &String| line.starts_with("shop_size_bytes{") && line.contains(" count 10 sum ");
    ensure!(
        found.iter().any(is_native),
        "no native histogram in {found:#?}"
    );
    Ok(())
}

/// `scrape_configs` for both: labels of the target, rules that make others of them, and rules for samples.
fn jobs(program: u16, changing: u16) -> Value {
    let job = |name: &str, port: u16, path: &str, form: &str| {
        json!({
            "job_name": name,
            "scrape_interval": "1s",
            "metrics_path": path,
            "scrape_protocols": [form],
            "scrape_native_histograms": true,
            "static_configs": [{
                "targets": [format!("127.0.0.1:{port}")],
                "labels": {"zone": "eu-1", "__meta_rack": "r7"},
            }],
            "relabel_configs": [
                {"source_labels": ["zone"], "regex": "(.+)-([0-9]+)", "target_label": "region", "replacement": "$1"},
                {"action": "labelmap", "regex": "__meta_(.+)"},
                {"action": "hashmod", "source_labels": ["__address__"], "modulus": 8, "target_label": "shard"},
            ],
            "metric_relabel_configs": [
                {"action": "drop", "source_labels": ["__name__"], "regex": "shop_dropped.*"},
                {"action": "uppercase", "source_labels": ["rack"], "target_label": "rack"},
                {"source_labels": ["job", "zone"], "separator": "/", "target_label": "origin"},
            ],
        })
    };
    let mut jobs: Vec<Value> = (FORMS.iter())
        .map(|(name, path, form)| job(name, program, path, form))
        .collect();
    jobs.push(job(CHANGING, changing, "/metrics", FORMS[0].2));
    jobs.into()
}

/// Starts the hub with the same jobs, and remote write without names of its own.
fn scraping(setting: &Setting, directory: &Path, jobs: &str, port: u16) -> Result<Hub> {
    // A dollar sign is one of the configuration's own.
    let jobs = jobs.replace('$', "$$");
    let receiver = format!("  prometheus:\n    config:\n      scrape_configs: {jobs}\n");
    let exporter = super::write_exporter(
        port,
        &format!(
            "{}    add_metric_suffixes: false\n    disable_scope_info: true\n    target_info:\n      enabled: false\n",
            super::VERSION_2
        ),
    );
    start(setting, directory, &receiver, &exporter)
}

/// The newest samples, and exemplars, one line each. Of the page whose values change, only which series there are.
fn all(port: u16) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let newest = ask(port, "/api/v1/query", &[("query", r#"{job!=""}"#)])?;
    for series in elements(&newest["result"]) {
        let labels = shown(&series["metric"])?;
        let name = labels.split('{').next().unwrap_or_default();
        if OWN.iter().any(|own| name.ends_with(own)) {
            continue;
        }
        let is_changing = series["metric"]["job"] == CHANGING;
        lines.push(match (&series["value"][1], &series["histogram"][1]) {
            (Value::String(_), _) if is_changing => labels,
            (Value::String(value), _) => format!("{labels} {value}"),
            (_, histogram) if is_changing => {
                format!("{labels} is native: {}", histogram.is_object())
            }
            (_, histogram) => format!("{labels} {}", shown_histogram(histogram)?),
        });
    }
    let time = ask(
        port,
        "/api/v1/query",
        &[("query", "timestamp(shop_stamped)")],
    )?;
    for series in elements(&time["result"]) {
        let labels = shown(&series["metric"])?;
        lines.push(format!("time of {labels} {}", series["value"][1]));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let now = i64::try_from(now).context("the clock is wrong")?;
    let of_program = format!(r#"{{job=~".+",job!="{CHANGING}"}}"#);
    for line in exemplars(port, &of_program, (now - 600, now + 60), 0)? {
        // Text has seconds: Prometheus cuts off what is below a millisecond, the hub rounds it.
        let parts: Vec<&str> = line.rsplitn(3, ' ').collect();
        lines.push(match parts[..] {
            [value, _, labels] if labels.contains("job=\"openmetrics\"") => {
                format!("{labels} {value}")
            }
            _ => line.clone(),
        });
    }
    lines.sort();
    Ok(lines)
}
