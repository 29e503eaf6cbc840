//! Items that say themselves whether they want to be kept.

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{LogView, SpanView, Value};

use super::threshold::{ALWAYS, NEVER, Threshold};

/// OpenTracing's `sampling.priority` of a span: 0 drops it, more keeps it, anything else says nothing.
pub(super) fn of_span(span: &SpanView<'_>) -> Result<Option<Threshold>, DecodeError> {
    let priority = match span.attributes.get("sampling.priority")? {
        Some(Value::Int(priority)) => priority as f64,
        Some(Value::Double(priority)) => priority,
        Some(Value::Str(text)) => text.parse().unwrap_or(-1.0),
        _ => return Ok(None),
    };
    Ok(match priority {
        0.0 => Some(NEVER),
        priority if priority > 0.0 => Some(ALWAYS),
        _ => None,
    })
}

/// The percentage that a log record asks for in an attribute; it can only raise what is configured.
pub(super) fn of_log(
    log: &LogView<'_>,
    attribute: &str,
    precision: u8,
) -> Result<Option<Threshold>, DecodeError> {
    if attribute.is_empty() {
        return Ok(None);
    }
    let percentage = match log.attributes.get(attribute)? {
        Some(Value::Int(percentage)) => percentage as f64,
        Some(Value::Double(percentage)) => percentage,
        _ => return Ok(None),
    };
    Ok(Threshold::of(percentage / 100.0, precision))
}
