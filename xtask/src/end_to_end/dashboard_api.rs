//! The dashboard's API shows what was sent: every span with all its fields, log records, and metrics.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::http::get;
use crate::otlp_json::{Items, canonical_text};

/// Checks that the API shows the items.
///
/// # Errors
/// Names the first item or field that it does not show.
pub(super) fn shows(port: u16, sent: &Items) -> Result<()> {
    for span in sent.only("spans").values() {
        shows_span(port, &span)?;
    }
    for log in sent.only("logRecords").values() {
        shows_log(port, &log)?;
    }
    shows_metrics(port, sent)
}

/// The latest traces, newest first.
///
/// # Errors
/// When the API does not answer.
pub(super) fn traces(port: u16) -> Result<Vec<Value>> {
    let page = get(port, "/api/traces")?.json()?;
    Ok(page["traces"].as_array().cloned().unwrap_or_default())
}

fn shows_span(port: u16, sent: &Value) -> Result<()> {
    let item = &sent["item"];
    let id = item["traceId"]
        .as_str()
        .context("a span without trace id")?;
    ensure!(
        traces(port)?.iter().any(|trace| trace["traceId"] == id),
        "/api/traces does not list {id}"
    );
    let trace = get(port, &format!("/api/traces/{id}"))?.json()?;
    let found = elements(&trace["spans"]).find(|span| span["spanId"] == item["spanId"]);
    let found = found.with_context(|| format!("/api/traces/{id} lacks span {}", item["spanId"]))?;
    let kind = match item["kind"].as_str().unwrap_or_default() {
        "1" => "INTERNAL",
        "2" => "SERVER",
        "3" => "CLIENT",
        "4" => "PRODUCER",
        "5" => "CONSUMER",
        _ => "UNSPECIFIED",
    };
    let status = match item["status"]["code"].as_str().unwrap_or_default() {
        "1" => "OK",
        "2" => "ERROR",
        _ => "UNSET",
    };
    let expected = json!({
        "traceId": id,
        "spanId": item["spanId"],
        "parentSpanId": item["parentSpanId"],
        "name": item["name"],
        "kind": kind,
        "startTimeUnixNano": item["startTimeUnixNano"],
        "endTimeUnixNano": item["endTimeUnixNano"],
        "status": {"code": status, "message": item["status"]["message"]},
        "attributes": item["attributes"],
        "resource": {"attributes": sent["resource"]["attributes"]},
        "scope": {"name": sent["scope"]["name"], "version": sent["scope"]["version"]},
        "events": item["events"],
        "links": item["links"],
    });
    equal(
        &format!("/api/traces/{id}, span {}", item["spanId"]),
        &expected,
        found,
    )
}

fn shows_log(port: u16, sent: &Value) -> Result<()> {
    let item = &sent["item"];
    let path = match item["traceId"].as_str() {
        Some(id) => format!("/api/traces/{id}/logs"),
        None => "/api/logs".to_owned(),
    };
    let page = get(port, &path)?.json()?;
    let found = elements(&page["logs"])
        .find(|log| canonical_text(&log["timeUnixNano"]) == canonical_text(&item["timeUnixNano"]));
    let found =
        found.with_context(|| format!("{path} lacks the record of {}", item["timeUnixNano"]))?;
    let mut expected = item.clone();
    if let Some(fields) = expected.as_object_mut() {
        fields.retain(|name, _| name != "flags" && name != "droppedAttributesCount");
    }
    expected["resource"] = json!({"attributes": sent["resource"]["attributes"]});
    equal(&path, &expected, found)
}

fn shows_metrics(port: u16, sent: &Items) -> Result<()> {
    let list = get(port, "/api/metrics")?.json()?;
    let metrics = sent.only("metrics");
    let names: BTreeSet<String> = metrics
        .values()
        .filter_map(|metric| metric["item"]["name"].as_str().map(str::to_owned))
        .collect();
    for name in names {
        let found = elements(&list["metrics"]).find(|metric| metric["name"] == *name);
        let found = found.with_context(|| format!("/api/metrics does not list {name}"))?;
        let points: Vec<Value> = metrics
            .values()
            .filter(|metric| metric["item"]["name"] == *name)
            .collect();
        ensure!(
            found["points"] == points.len(),
            "/api/metrics counts {} points of {name}, not {}",
            found["points"],
            points.len()
        );
        for field in ["unit", "description"] {
            let expected = points
                .first()
                .map(|point| point["item"][field].clone())
                .unwrap_or_default();
            ensure!(
                canonical_text(&found[field]) == canonical_text(&expected),
                "/api/metrics: {field} of {name} is {}",
                found[field]
            );
        }
    }
    Ok(())
}

/// Every field of what was expected is in what was found, with an equal value; more fields may be.
fn equal(place: &str, expected: &Value, found: &Value) -> Result<()> {
    for (field, expected) in expected.as_object().into_iter().flatten() {
        let found = match (field.as_str(), &found[field]) {
            ("scope", scope) => json!({"name": scope["name"], "version": scope["version"]}),
            (_, found) => found.clone(),
        };
        let (expected, found) = (canonical_text(expected), canonical_text(&found));
        if expected != found {
            bail!("{place}: {field} is\n  {found:.1200}\nnot\n  {expected:.1200}");
        }
    }
    Ok(())
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
