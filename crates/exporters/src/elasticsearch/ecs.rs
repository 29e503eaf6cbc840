//! Mode `ecs`: semantic conventions become fields of the
//! [Elastic Common Schema](https://www.elastic.co/guide/en/ecs/current/ecs-field-reference.html), by the tables of the
//! Collector's exporter. Modes `none` and `raw`: OTLP's fields under its own names, flat.
//!
//! Whatever has no place in the schema keeps its name. An attribute of an item replaces the scope's and the resource's.

use fanlight_otlp::view::{Attributes, LogView, SpanView, Value};
use fanlight_otlp::{DecodeError, SpanId, TraceId};

use super::config::Mode;
use super::documents::Envelope;
use super::route::{DATA_STREAM, Index};
use crate::fields::{Dialect, Fields, scalar, text, write_map};
use crate::span_words;

type Added = Result<(), DecodeError>;

/// Attributes of resources; an empty name leaves the attribute out, since it becomes part of `agent`.
const RESOURCE: &[(&str, &str)] = &[
    ("service.instance.id", "service.node.name"),
    ("deployment.environment", "service.environment"),
    ("deployment.environment.name", "service.environment"),
    ("telemetry.sdk.name", ""),
    ("telemetry.sdk.language", ""),
    ("telemetry.sdk.version", ""),
    ("telemetry.distro.name", ""),
    ("telemetry.distro.version", ""),
    ("cloud.platform", "cloud.service.name"),
    ("container.image.tags", "container.image.tag"),
    ("host.arch", "host.architecture"),
    ("process.executable.path", "process.executable"),
    ("process.runtime.name", "service.runtime.name"),
    ("process.runtime.version", "service.runtime.version"),
    ("os.name", "host.os.name"),
    ("os.type", "host.os.platform"),
    ("os.description", "host.os.full"),
    ("os.version", "host.os.version"),
    ("k8s.deployment.name", "kubernetes.deployment.name"),
    ("k8s.namespace.name", "kubernetes.namespace"),
    ("k8s.node.name", "kubernetes.node.name"),
    ("k8s.pod.name", "kubernetes.pod.name"),
    ("k8s.pod.uid", "kubernetes.pod.uid"),
    ("k8s.job.name", "kubernetes.job.name"),
    ("k8s.cronjob.name", "kubernetes.cronjob.name"),
    ("k8s.statefulset.name", "kubernetes.statefulset.name"),
    ("k8s.replicaset.name", "kubernetes.replicaset.name"),
    ("k8s.daemonset.name", "kubernetes.daemonset.name"),
    ("k8s.container.name", "kubernetes.container.name"),
    ("k8s.cluster.name", "orchestrator.cluster.name"),
];

/// Attributes of log records.
const LOG: &[(&str, &str)] = &[
    ("event.name", "event.action"),
    ("exception.message", "error.message"),
    ("exception.stacktrace", "error.stacktrace"),
    ("exception.type", "error.type"),
    ("exception.escaped", "event.error.exception.handled"),
];

/// Attributes of spans.
const SPAN: &[(&str, &str)] = &[
    ("messaging.destination.name", "span.message.queue.name"),
    ("messaging.operation.name", "span.action"),
    ("db.system", "span.db.type"),
    ("db.namespace", "span.db.instance"),
    ("db.query.text", "span.db.statement"),
    ("http.response.body.size", "http.response.encoded_body_size"),
];

/// Adds what every document of a scope has.
pub(super) fn resource_fields(envelope: &mut Envelope<'_>) -> Added {
    let resource = envelope.resource.attributes;
    let fields = &mut envelope.fields;
    convert(fields, resource, RESOURCE)?;
    // The host's name is `host.hostname` there, and keeps its own name too.
    if let Some(name) = resource.get("host.name")? {
        fields.value(&["host.hostname"], &name)?;
    }
    let of = |key: &str| Ok(resource.get(key)?.map(|value| value.to_text()));
    let (sdk, language) = (of("telemetry.sdk.name")?, of("telemetry.sdk.language")?);
    let distribution = of("telemetry.distro.name")?;
    let mut agent = sdk.as_deref().unwrap_or("otlp").to_owned();
    match (distribution, language) {
        (Some(distribution), language) => {
            let language = language.as_deref().unwrap_or("unknown").to_owned();
            agent = format!("{agent}/{language}/{distribution}");
        }
        (None, Some(language)) => agent = format!("{agent}/{language}"),
        (None, None) => {}
    }
    fields.text("agent.name", &agent);
    let version = match of("telemetry.distro.version")? {
        Some(version) => Some(version),
        None => of("telemetry.sdk.version")?,
    };
    if let Some(version) = version {
        fields.text("agent.version", &version);
    }
    let (kind, name) = (of("os.type")?, of("os.name")?);
    if let Some(kind) = operating_system(kind.as_deref(), name.as_deref()) {
        fields.text("host.os.type", kind);
    }
    Ok(())
}

/// `host.os.type`, which has few values.
fn operating_system(kind: Option<&str>, name: Option<&str>) -> Option<&'static str> {
    match (name, kind) {
        (Some("Android"), _) => Some("android"),
        (Some("iOS"), _) => Some("ios"),
        (_, Some("windows")) => Some("windows"),
        (_, Some("linux")) => Some("linux"),
        (_, Some("darwin")) => Some("macos"),
        (_, Some("aix" | "hpux" | "solaris")) => Some("unix"),
        _ => None,
    }
}

fn convert(fields: &mut Fields, attributes: Attributes<'_>, table: &[(&str, &str)]) -> Added {
    for attribute in attributes {
        let (key, value) = attribute?;
        let known = table.iter().find(|(name, _)| *name == key);
        match known.map(|(_, field)| *field) {
            Some("") => {}
            Some(field) => fields.value(&[field], &value)?,
            None => fields.value(&[key], &value)?,
        }
    }
    Ok(())
}

/// Adds the fields of a log record in mode `ecs`.
pub(super) fn log(
    envelope: &Envelope<'_>,
    record: &LogView<'_>,
    index: &Index,
    fields: &mut Fields,
) -> Added {
    fields.extend(&envelope.fields);
    fields.attributes("", envelope.scope.attributes)?;
    convert(fields, record.attributes, LOG)?;
    add_time(fields, "@timestamp", time_of(record));
    add_ids(
        fields,
        ["trace.id", "span.id"],
        record.trace_id,
        record.span_id,
    );
    if record.severity_number != 0 {
        fields.int("event.severity", i64::from(record.severity_number));
    }
    some_text(fields, "log.level", record.severity_text);
    some_text(fields, "event.action", record.event_name);
    if let Value::Str(body) = record.body {
        fields.text("message", body);
    }
    add_data_stream(fields, "", index);
    Ok(())
}

/// Adds the fields of a span in mode `ecs`.
pub(super) fn span(
    envelope: &Envelope<'_>,
    span: &SpanView<'_>,
    index: &Index,
    fields: &mut Fields,
) -> Added {
    fields.extend(&envelope.fields);
    fields.attributes("", envelope.scope.attributes)?;
    convert(fields, span.attributes, SPAN)?;
    add_time(fields, "@timestamp", span.start_time_unix_nano);
    add_ids(fields, ["trace.id", "span.id"], span.trace_id, span.span_id);
    fields.text("span.name", span.name);
    let duration = span
        .end_time_unix_nano
        .saturating_sub(span.start_time_unix_nano);
    fields.with(&["event.duration"], |out| scalar(out, &duration));
    if !span.parent_span_id.is_zero() {
        fields.text("parent.id", &span.parent_span_id.to_string());
    }
    match span.status.code {
        1 => fields.text("event.outcome", "success"),
        2 => fields.text("event.outcome", "failure"),
        _ => {}
    }
    let kind = ["", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    let kind = usize::try_from(span.kind)
        .ok()
        .and_then(|number| kind.get(number));
    some_text(fields, "span.kind", kind.unwrap_or(&""));
    let links: Result<Vec<_>, _> = span.links().collect();
    let links = links?;
    if !links.is_empty() {
        fields.with(&["span.links"], |out| {
            out.push(b'[');
            for (number, link) in links.iter().enumerate() {
                let separator = if number > 0 { "," } else { "" };
                out.extend_from_slice(
                    format!(
                        "{separator}{{\"trace\":{{\"id\":\"{}\"}},\"span\":{{\"id\":\"{}\"}}}}",
                        link.trace_id, link.span_id
                    )
                    .as_bytes(),
                );
            }
            out.push(b']');
        });
    }
    add_data_stream(fields, "", index);
    Ok(())
}

/// Adds the fields of a log record in the modes `none` and `raw`.
pub(super) fn plain_log(
    envelope: &Envelope<'_>,
    record: &LogView<'_>,
    index: &Index,
    fields: &mut Fields,
) -> Added {
    let prefix = prefix(envelope.mode, "Attributes");
    add_time(fields, "@timestamp", time_of(record));
    add_ids(
        fields,
        ["TraceId", "SpanId"],
        record.trace_id,
        record.span_id,
    );
    fields.int("TraceFlags", i64::from(record.flags));
    some_text(fields, "SeverityText", record.severity_text);
    fields.int("SeverityNumber", i64::from(record.severity_number));
    some_text(fields, "EventName", record.event_name);
    fields.value(&["Body"], &record.body)?;
    fields.attributes(prefix, record.attributes)?;
    add_data_stream(fields, prefix, index);
    add_resource_and_scope(envelope, fields)
}

/// Adds the fields of a span in the modes `none` and `raw`.
pub(super) fn plain_span(
    envelope: &Envelope<'_>,
    span: &SpanView<'_>,
    index: &Index,
    fields: &mut Fields,
) -> Added {
    let attributes = prefix(envelope.mode, "Attributes");
    let events = prefix(envelope.mode, "Events");
    add_time(fields, "@timestamp", span.start_time_unix_nano);
    add_time(fields, "EndTimestamp", span.end_time_unix_nano);
    add_ids(fields, ["TraceId", "SpanId"], span.trace_id, span.span_id);
    add_ids(
        fields,
        ["", "ParentSpanId"],
        TraceId::default(),
        span.parent_span_id,
    );
    fields.text("Name", span.name);
    fields.text("Kind", span_words::kind_constant(span.kind));
    fields.int("TraceStatus", i64::from(span.status.code));
    some_text(fields, "TraceStatusDescription", span.status.message);
    fields.text("Link", &links_as_text(span)?);
    fields.attributes(attributes, span.attributes)?;
    for event in span.events() {
        let event = event?;
        // An event without a name still has a time, which must not take the place of an attribute without one.
        let name = match event.name {
            "" => "event",
            name => name,
        };
        let key = match events {
            "" => name.to_owned(),
            events => format!("{events}.{name}"),
        };
        add_time(fields, &format!("{key}.time"), event.time_unix_nano);
        fields.attributes(&key, event.attributes)?;
    }
    let duration = span
        .end_time_unix_nano
        .saturating_sub(span.start_time_unix_nano)
        / 1000;
    fields.with(&["Duration"], |out| scalar(out, &duration));
    add_data_stream(fields, attributes, index);
    add_resource_and_scope(envelope, fields)
}

/// The links as the Collector's exporter has them: a JSON list, as text.
fn links_as_text(span: &SpanView<'_>) -> Result<String, DecodeError> {
    let mut out = vec![b'['];
    for (number, link) in span.links().enumerate() {
        let link = link?;
        if number > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"attribute\":");
        write_map(&mut out, link.attributes, Dialect::Elastic)?;
        let ids = format!(
            ",\"spanID\":\"{}\",\"traceID\":\"{}\"}}",
            link.span_id, link.trace_id
        );
        out.extend_from_slice(ids.as_bytes());
    }
    out.push(b']');
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn add_resource_and_scope(envelope: &Envelope<'_>, fields: &mut Fields) -> Added {
    fields.attributes("Resource", envelope.resource.attributes)?;
    fields.attributes("Scope", envelope.scope.attributes)?;
    fields.text("Scope.name", envelope.scope.name);
    fields.text("Scope.version", envelope.scope.version);
    Ok(())
}

const fn prefix(mode: Mode, name: &'static str) -> &'static str {
    match mode {
        Mode::Raw => "",
        _ => name,
    }
}

/// Adds the data stream that the document goes to.
pub(super) fn add_data_stream(fields: &mut Fields, prefix: &str, index: &Index) {
    let Some(parts) = &index.data_stream else {
        return;
    };
    for (key, part) in DATA_STREAM.into_iter().zip(parts) {
        match prefix {
            "" => fields.text(key, part),
            prefix => fields.with(&[prefix, key], |out| text(out, part)),
        }
    }
}

/// Adds a time with nanoseconds, as RFC 3339 has it.
pub(super) fn add_time(fields: &mut Fields, key: &str, nanoseconds: u64) {
    let time = jiff::Timestamp::from_nanosecond(i128::from(nanoseconds));
    // The largest time that 64 bits of nanoseconds hold is in the year 2554, which is within reach.
    let time = time.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    fields.text(key, &format!("{time:.9}"));
}

const fn time_of(record: &LogView<'_>) -> u64 {
    match record.time_unix_nano {
        0 => record.observed_time_unix_nano,
        time => time,
    }
}

fn add_ids(fields: &mut Fields, keys: [&str; 2], trace: TraceId, span: SpanId) {
    let [trace_key, span_key] = keys;
    if !trace.is_zero() {
        fields.text(trace_key, &trace.to_string());
    }
    if !span.is_zero() {
        fields.text(span_key, &span.to_string());
    }
}

fn some_text(fields: &mut Fields, key: &str, value: &str) {
    if !value.is_empty() {
        fields.text(key, value);
    }
}
