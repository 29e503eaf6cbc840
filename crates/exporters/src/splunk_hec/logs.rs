//! Log records: the body is the event, attributes are fields.

use fanlight_otlp::view::{LogView, Value};
use fanlight_otlp::{Batch, DecodeError};

use super::PROFILING;
use super::config::Rules;
use super::event::Origin;
use super::requests::Requests;
use crate::fields::{Dialect, Fields, member, write_value};

/// Splunk refuses a whole request for one event that is blank.
const BLANK: &str = "Splunk takes no log records without a body";

/// Writes the log records of a batch.
pub(super) fn write(
    batch: &Batch,
    rules: &Rules,
    requests: &mut Requests,
) -> Result<(), DecodeError> {
    let mut number = 0;
    let mut fields = Fields::new(Dialect::Splunk);
    let mut common = Fields::new(Dialect::Splunk);
    for resource in batch.resources() {
        let resource = resource?;
        common.clear();
        let mut origin = Origin::new(rules);
        origin.take(resource.attributes, rules, |key, value| {
            common.value(&[key], value)
        })?;
        for scope in resource.scopes() {
            let scope = scope?;
            let is_profiling = scope.name == PROFILING;
            let is_wanted = if is_profiling {
                rules.profiling
            } else {
                rules.logs
            };
            for record in scope.logs() {
                let record = record?;
                number += 1;
                if !is_wanted {
                    continue;
                }
                if matches!(record.body, Value::Empty | Value::Str("")) {
                    requests.leave_out(1, BLANK);
                    continue;
                }
                let mut origin = origin.clone();
                let mut out = Vec::new();
                if rules.raw {
                    out.extend_from_slice(record.body.to_text().as_bytes());
                    out.push(b'\n');
                } else {
                    fields.clear();
                    add_record(&mut fields, &record, rules);
                    fields.extend(&common);
                    origin.take(record.attributes, rules, |key, value| {
                        fields.value(&[key], value)
                    })?;
                    write_event(&mut out, &origin, &record, &mut fields)?;
                }
                requests.add(&origin.group(is_profiling), &[out], &[number - 1]);
            }
        }
    }
    Ok(())
}

fn add_record(fields: &mut Fields, record: &LogView<'_>, rules: &Rules) {
    if !record.span_id.is_zero() {
        fields.text("span_id", &record.span_id.to_string());
    }
    if !record.trace_id.is_zero() {
        fields.text("trace_id", &record.trace_id.to_string());
    }
    if !record.severity_text.is_empty() {
        fields.text(&rules.severity.severity_text, record.severity_text);
    }
    if record.severity_number != 0 {
        let number = i64::from(record.severity_number);
        fields.int(&rules.severity.severity_number, number);
    }
}

fn write_event(
    out: &mut Vec<u8>,
    origin: &Origin<'_>,
    record: &LogView<'_>,
    fields: &mut Fields,
) -> Result<(), DecodeError> {
    let time = match record.time_unix_nano {
        0 => record.observed_time_unix_nano,
        time => time,
    };
    origin.start(out, time);
    member(out, b"event");
    write_value(out, &record.body, Dialect::Splunk)?;
    if !fields.is_empty() {
        member(out, b"fields");
        fields.write_flat(out);
    }
    out.push(b'}');
    Ok(())
}
