//! What Cloud Logging wants of entries. [Limits](https://cloud.google.com/logging/quotas).

use std::collections::BTreeMap;

use fanlight_formats::google::logging::{
    LogEntry, PARTIAL_ERRORS, WriteLogEntriesPartialErrors, WriteLogEntriesRequest,
};
use fanlight_formats::google::{Any, Status};
use fanlight_net::status::{Code, Failure};
use prost::Message as _;

use super::{failure, require};

/// Entries that are wrong are refused alone, where the request allows that.
pub(super) fn check(request: &WriteLogEntriesRequest) -> Result<(), Failure> {
    if request.entries.is_empty() || request.encoded_len() > 10_000_000 {
        let why = "The request has no entries, or more than 10 MB";
        return Err(failure(Code::InvalidArgument, why));
    }
    let mut errors = BTreeMap::new();
    for (index, entry) in (0..).zip(&request.entries) {
        if let Err(message) = check_entry(entry) {
            let code = Code::InvalidArgument.number();
            let status = Status {
                code,
                message,
                details: Vec::new(),
            };
            errors.insert(index, status);
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(partial(errors)),
    }
}

/// The failure of a call of which only some entries were not taken.
pub fn partial(errors: BTreeMap<i32, Status>) -> Failure {
    let first = errors.values().next().cloned().unwrap_or_default();
    let detail = WriteLogEntriesPartialErrors {
        log_entry_errors: errors,
    };
    let status = Status {
        details: vec![Any {
            type_url: format!("type.googleapis.com/{PARTIAL_ERRORS}"),
            value: detail.encode_to_vec().into(),
        }],
        ..first.clone()
    };
    Failure {
        details: status.encode_to_vec().into(),
        ..failure(Code::from_number(first.code), first.message)
    }
}

/// The same with a code for each entry that was not taken.
pub fn partial_codes(refused: &[(i32, Code)]) -> Failure {
    let status = |code: &Code| Status {
        code: code.number(),
        message: "no".to_owned(),
        details: Vec::new(),
    };
    let errors = refused.iter().map(|(index, code)| (*index, status(code)));
    partial(errors.collect())
}

fn check_entry(entry: &LogEntry) -> Result<(), String> {
    let (project, log) = entry
        .log_name
        .strip_prefix("projects/")
        .and_then(|rest| rest.split_once("/logs/"))
        .ok_or("Invalid log_name")?;
    let is_log = |c: char| c.is_ascii_alphanumeric() || "-_.~%".contains(c);
    require(
        (1..512).contains(&log.len()) && log.chars().all(is_log),
        "Invalid log_name",
    )?;
    let resource = entry.resource.as_ref().ok_or("resource is required")?;
    require(!resource.r#type.is_empty(), "resource.type is required")?;
    require(entry.encoded_len() <= 256 * 1024, "Log entry is too large")?;
    require(
        (0..=800).contains(&entry.severity) && entry.severity % 100 == 0,
        "Invalid severity",
    )?;
    require(entry.labels.len() <= 64, "Too many labels")?;
    let fits = |(key, value): (&String, &String)| key.len() <= 512 && value.len() <= 64 * 1024;
    require(entry.labels.iter().all(fits), "A label is too long")?;
    require(entry.insert_id.len() <= 128, "insert_id is too long")?;
    let trace = entry.trace.strip_prefix("projects/");
    require(
        entry.trace.is_empty()
            || trace.is_some_and(|rest| rest.starts_with(&format!("{project}/traces/"))),
        "Invalid trace",
    )?;
    require(matches!(entry.span_id.len(), 0 | 16), "Invalid span_id")
}
