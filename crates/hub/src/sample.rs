//! One item of each signal, to see what a destination answers.

use std::time::{SystemTime, UNIX_EPOCH};

use fanlight_otlp::view::{NumberView, Value};
use fanlight_otlp::write::{Data, LogRecord, Metric, NumberPoint, RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, SpanId, TraceId, json};

const SERVICE: &[(&str, Value<'static>)] = &[("service.name", Value::Str("fanlight-check"))];
/// What makes a log record an event of the user's own to SignalFx, which takes no others.
const EVENT: &[(&str, Value<'static>)] =
    &[("com.splunk.signalfx.event_category", Value::Int(1_000_000))];
const SECOND: u64 = 1_000_000_000;

/// A batch of one item, made now.
pub(crate) fn sample(signal: Signal) -> Batch {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    if signal == Signal::Profiles {
        return profile(now);
    }
    let mut request = RequestWriter::new(signal);
    request.resource(SERVICE, |resource| {
        resource.scope(
            "fanlight",
            env!("CARGO_PKG_VERSION"),
            |scope| match signal {
                Signal::Traces => scope.span(&Span {
                    // Time makes the ids new each time, and the constant keeps them from being zero.
                    trace_id: TraceId((u128::from(now) << 64 | 1).to_be_bytes()),
                    span_id: SpanId((now | 1).to_be_bytes()),
                    name: "fanlight check",
                    start_time_unix_nano: now.saturating_sub(SECOND),
                    end_time_unix_nano: now,
                    ..Span::default()
                }),
                Signal::Metrics => {
                    let value = NumberView::Int(1);
                    let point = NumberPoint {
                        attributes: &[],
                        start_time_unix_nano: 0,
                        time_unix_nano: now,
                        value,
                    };
                    let data = Data::Gauge(std::slice::from_ref(&point));
                    scope.metric(&Metric {
                        name: "fanlight.check",
                        description: "A test item.",
                        unit: "1",
                        data,
                    });
                }
                Signal::Logs | Signal::Profiles => scope.log(&LogRecord {
                    time_unix_nano: now,
                    observed_time_unix_nano: now,
                    severity_number: 9,
                    severity_text: "INFO",
                    body: Value::Str("fanlight check"),
                    attributes: EVENT,
                    ..LogRecord::default()
                }),
            },
        );
    });
    request.finish()
}

/// A CPU profile of one sample with a stack of one frame.
fn profile(now: u64) -> Batch {
    let text = format!(
        r#"{{"resourceProfiles":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"fanlight-check"}}}}]}},
        "scopeProfiles":[{{"scope":{{"name":"fanlight"}},"profiles":[{{"profileId":"{now:032x}","timeUnixNano":"{now}","durationNano":"{SECOND}",
        "sampleType":{{"typeStrindex":1,"unitStrindex":2}},"periodType":{{"typeStrindex":1,"unitStrindex":2}},"period":"1",
        "samples":[{{"stackIndex":1,"values":["1"],"timestampsUnixNano":["{now}"]}}]}}]}}]}}],
        "dictionary":{{"stringTable":["","samples","count","fanlight check"],"mappingTable":[{{}}],"linkTable":[{{}}],"attributeTable":[{{}}],
        "functionTable":[{{}},{{"nameStrindex":3}}],"locationTable":[{{}},{{"lines":[{{"functionIndex":1}}]}}],
        "stackTable":[{{}},{{"locationIndices":[1]}}]}}}}"#
    );
    json::read(Signal::Profiles, text.as_bytes()).unwrap_or_else(|_| Batch::empty(Signal::Profiles))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_a_sample_of_one_item() {
        for signal in Signal::ALL {
            let batch = sample(signal);
            assert_eq!((batch.signal(), batch.items()), (signal, 1));
        }
    }
}
