//! `/api/traces/{id}/tree`: the spans of a trace, each within its parent.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use fanlight_otlp::{SpanId, TraceId};
use fanlight_store::{LlmCallRow, LlmFilter, LlmKinds, Span, TimeRange};
use serde_json::{Map, Value, json};

use super::super::{Part, calls, milliseconds, row};
use super::{find, plain_row, unknown};
use crate::api::ApiError;
use crate::router::App;

/// How deep spans are shown within each other; what is deeper stands beside its ancestor.
const MAX_DEPTH: usize = 100;

/// A trace with its sums and its spans. It may be named by its own id or by that of any of its spans.
pub(in super::super) async fn tree(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let trace_id = match id.parse::<TraceId>() {
        Ok(trace_id) => trace_id,
        Err(_) => find(&app, &id).await?.0,
    };
    let trace = app.store.trace(trace_id).await?;
    let spans = trace.map(|trace| trace.spans).unwrap_or_default();
    let start = spans.iter().map(|span| span.start_time_unix_nano).min();
    let start = start.ok_or_else(|| unknown(&id))?;
    let end = spans.iter().map(|span| span.end_time_unix_nano).max();
    let end = end.unwrap_or(start).max(start);
    let time = TimeRange {
        from: Some(start),
        to: Some(end.saturating_add(1)),
    };
    let known = calls_of(&app, trace_id, time).await?;
    let counted = |call: &&LlmCallRow| call.counts == fanlight_genai::Counts::Own;
    let tokens =
        |call: &LlmCallRow| call.input_tokens.unwrap_or(0) + call.output_tokens.unwrap_or(0);
    let own = || known.values().filter(counted);
    Ok(Json(json!({
        "trace": {
            "trace_id": trace_id.to_string(),
            "start_time": milliseconds(start),
            "end_time": milliseconds(end),
            "duration_ms": milliseconds(end - start),
            "total_cost": own().filter_map(|call| call.cost).sum::<f64>(),
            "total_tokens": own().map(tokens).sum::<u64>(),
            "span_count": spans.len(),
        },
        "spans": nested(&spans, &known),
    })))
}

/// What is known of the spans of a trace that have to do with models.
async fn calls_of(
    app: &App,
    trace_id: TraceId,
    time: TimeRange,
) -> Result<BTreeMap<SpanId, LlmCallRow>, ApiError> {
    let filter = LlmFilter {
        time,
        kinds: LlmKinds::All,
        ..LlmFilter::default()
    };
    let all = Part {
        limit: Some(usize::MAX),
        offset: 0,
    };
    let found = calls(app, filter, &all, |call| call.trace_id == trace_id).await?;
    Ok(found.into_iter().map(|call| (call.span_id, call)).collect())
}

/// Spans in each other, as they were begun.
fn nested(spans: &[Span], known: &BTreeMap<SpanId, LlmCallRow>) -> Vec<Value> {
    let mut below: BTreeMap<Option<SpanId>, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        let parent = span.parent_span_id;
        let is_here =
            |id: &SpanId| *id != span.span_id && spans.iter().any(|one| one.span_id == *id);
        below.entry(parent.filter(is_here)).or_default().push(span);
    }
    let roots = below.remove(&None).unwrap_or_default();
    roots
        .into_iter()
        .map(|span| with_children(span, &mut below, known, MAX_DEPTH))
        .collect()
}

/// A span with those below it. Each is taken out, so that spans that are each other's parents end somewhere.
fn with_children(
    span: &Span,
    below: &mut BTreeMap<Option<SpanId>, Vec<&Span>>,
    known: &BTreeMap<SpanId, LlmCallRow>,
    depth: usize,
) -> Value {
    let mut shown = match known.get(&span.span_id).map(row) {
        Some(Value::Object(call)) => call,
        _ => plain_row(span),
    };
    let mut children = Vec::new();
    let found = match depth {
        0 => Vec::new(),
        _ => below.remove(&Some(span.span_id)).unwrap_or_default(),
    };
    for child in found {
        children.push(with_children(child, below, known, depth - 1));
    }
    shown.insert("attributes".to_owned(), attributes(span));
    shown.insert("children".to_owned(), children.into());
    Value::Object(shown)
}

/// A span's attributes as an object.
fn attributes(span: &Span) -> Value {
    let list: Value = serde_json::from_str(span.attributes.as_str()).unwrap_or_default();
    object(&list)
}

fn object(list: &Value) -> Value {
    let pairs = list.as_array().into_iter().flatten();
    let pairs =
        pairs.filter_map(|pair| Some((pair["key"].as_str()?.to_owned(), plain(&pair["value"]))));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// A value of OTLP/JSON without its type.
fn plain(value: &Value) -> Value {
    let Some((kind, value)) = value.as_object().and_then(|typed| typed.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "intValue" => {
            let number = value.as_str().and_then(|text| text.parse::<i64>().ok());
            number.map_or_else(|| value.clone(), Value::from)
        }
        "arrayValue" => {
            let values = value["values"].as_array().into_iter().flatten();
            values.map(plain).collect()
        }
        "kvlistValue" => object(&value["values"]),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lose_their_types() {
        let list = json!([
            {"key": "n", "value": {"intValue": "7"}},
            {"key": "a", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {"boolValue": true}]}}},
            {"key": "o", "value": {"kvlistValue": {"values": [{"key": "d", "value": {"doubleValue": 0.5}}]}}},
            {"key": "none", "value": {}},
        ]);
        assert_eq!(
            object(&list),
            json!({"n": 7, "a": ["x", true], "o": {"d": 0.5}, "none": null})
        );
    }
}
