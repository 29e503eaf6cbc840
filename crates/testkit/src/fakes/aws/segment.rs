//! What a segment document may hold, by its published schema (`xray-segmentdocument-schema-v1.0.0`) and the table of its
//! fields in the [developer guide](https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html).

use serde_json::{Map, Value};

type Checked = Result<(), String>;

/// How long a document may be, in bytes.
const LONGEST: usize = 64 << 10;

/// Every field that a document may have at its top.
const FIELDS: [&str; 23] = [
    "annotations",
    "aws",
    "cause",
    "end_time",
    "error",
    "fault",
    "http",
    "id",
    "in_progress",
    "links",
    "metadata",
    "name",
    "namespace",
    "origin",
    "parent_id",
    "precursor_ids",
    "service",
    "sql",
    "start_time",
    "throttle",
    "trace_id",
    "type",
    "user",
];

/// Checks a document, and returns it.
pub(super) fn check(text: &str) -> Result<Value, String> {
    if text.len() > LONGEST {
        return Err(format!("the document has {} bytes", text.len()));
    }
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let segment = document.as_object().ok_or("a document is an object")?;
    check_segment(segment)?;
    Ok(document)
}

fn check_segment(segment: &Map<String, Value>) -> Checked {
    only(segment, &FIELDS, "a segment")?;
    let name = text(segment, "name")?.ok_or("name is missing")?;
    let fits = |c: char| c.is_alphanumeric() || " _.:/%&#=+\\-@".contains(c);
    if name.is_empty() || name.chars().count() > 200 || !name.chars().all(fits) {
        return Err(format!("`{name}` is no name of a segment"));
    }
    hexadecimal(text(segment, "id")?.ok_or("id is missing")?, 16)?;
    trace_id(text(segment, "trace_id")?.ok_or("trace_id is missing")?)?;
    let number = |key: &str| segment.get(key).map(Value::as_f64);
    let start = number("start_time").flatten();
    let start = start.ok_or("start_time is no number")?;
    match (number("end_time"), segment.get("in_progress")) {
        (Some(Some(end)), None) if end >= start => {}
        (None, Some(Value::Bool(true))) => {}
        _ => return Err("it has either an end after its start or in_progress: true".to_owned()),
    }
    let parent = text(segment, "parent_id")?;
    if let Some(parent) = parent {
        hexadecimal(parent, 16)?;
    }
    match text(segment, "type")? {
        None => {}
        Some("subsegment") if parent.is_some() => {}
        other => return Err(format!("type {other:?} needs a parent")),
    }
    if !matches!(text(segment, "namespace")?, None | Some("aws" | "remote")) {
        return Err("namespace is aws or remote".to_owned());
    }
    for key in ["error", "fault", "throttle"] {
        if !matches!(segment.get(key), None | Some(Value::Bool(_))) {
            return Err(format!("{key} is true or false"));
        }
    }
    for key in ["origin", "user"] {
        text(segment, key)?;
    }
    check_annotations(segment)?;
    check_metadata(segment)?;
    check_http(segment)?;
    check_sql(segment)?;
    check_cause(segment)?;
    check_links(segment)
}

fn check_annotations(segment: &Map<String, Value>) -> Checked {
    for (key, value) in object(segment, "annotations")?.into_iter().flatten() {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.is_empty() || key.chars().count() > 500 || !key.chars().all(fits) {
            return Err(format!("`{key}` is no key of an annotation"));
        }
        match value {
            Value::String(text) if text.chars().count() <= 1000 => {}
            Value::Number(_) | Value::Bool(_) => {}
            _ => {
                return Err(format!(
                    "the annotation {key} is no short text, number or boolean"
                ));
            }
        }
    }
    Ok(())
}

fn check_metadata(segment: &Map<String, Value>) -> Checked {
    for (namespace, value) in object(segment, "metadata")?.into_iter().flatten() {
        if !value.is_object() {
            return Err(format!("metadata.{namespace} is an object"));
        }
    }
    Ok(())
}

fn check_http(segment: &Map<String, Value>) -> Checked {
    let Some(http) = object(segment, "http")? else {
        return Ok(());
    };
    only(http, &["request", "response"], "http")?;
    if let Some(request) = object(http, "request")? {
        let fields = [
            "method",
            "url",
            "user_agent",
            "client_ip",
            "x_forwarded_for",
            "traced",
        ];
        only(request, &fields, "http.request")?;
        for key in ["method", "url", "user_agent", "client_ip"] {
            text(request, key)?;
        }
        if !matches!(request.get("x_forwarded_for"), None | Some(Value::Bool(_))) {
            return Err("x_forwarded_for is true or false".to_owned());
        }
    }
    if let Some(response) = object(http, "response")? {
        only(response, &["status", "content_length"], "http.response")?;
        if response.values().any(|value| !value.is_i64()) {
            return Err("status and content_length are integers".to_owned());
        }
    }
    Ok(())
}

fn check_sql(segment: &Map<String, Value>) -> Checked {
    let Some(sql) = object(segment, "sql")? else {
        return Ok(());
    };
    let fields = [
        "connection_string",
        "url",
        "sanitized_query",
        "database_type",
        "database_version",
        "driver_version",
        "user",
        "preparation",
    ];
    only(sql, &fields, "sql")?;
    fields.iter().try_for_each(|key| text(sql, key).map(|_| ()))
}

fn check_cause(segment: &Map<String, Value>) -> Checked {
    let Some(cause) = object(segment, "cause")? else {
        return Ok(());
    };
    only(
        cause,
        &["working_directory", "paths", "exceptions"],
        "cause",
    )?;
    let none = Vec::new();
    let exceptions = cause.get("exceptions").and_then(Value::as_array);
    for exception in exceptions.unwrap_or(&none) {
        let exception = exception.as_object().ok_or("an exception is an object")?;
        let fields = [
            "id",
            "message",
            "type",
            "remote",
            "truncated",
            "skipped",
            "cause",
            "stack",
        ];
        only(exception, &fields, "an exception")?;
        hexadecimal(text(exception, "id")?.ok_or("an exception has an id")?, 16)?;
        if let Some(cause) = text(exception, "cause")? {
            hexadecimal(cause, 16)?;
        }
        let stack = exception.get("stack").and_then(Value::as_array);
        for frame in stack.unwrap_or(&none) {
            let frame = frame.as_object().ok_or("a frame is an object")?;
            only(frame, &["path", "line", "label"], "a frame")?;
            if !frame.get("line").is_none_or(Value::is_u64) {
                return Err("a line is an integer".to_owned());
            }
        }
    }
    Ok(())
}

fn check_links(segment: &Map<String, Value>) -> Checked {
    let none = Vec::new();
    let links = segment.get("links").and_then(Value::as_array);
    for link in links.unwrap_or(&none) {
        let link = link.as_object().ok_or("a link is an object")?;
        only(link, &["trace_id", "id", "attributes"], "a link")?;
        trace_id(text(link, "trace_id")?.ok_or("a link has a trace_id")?)?;
        hexadecimal(text(link, "id")?.ok_or("a link has an id")?, 16)?;
    }
    Ok(())
}

fn only(object: &Map<String, Value>, fields: &[&str], of: &str) -> Checked {
    let unknown = object.keys().find(|key| !fields.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| Err(format!("{of} has no field `{key}`")))
}

fn text<'v>(object: &'v Map<String, Value>, key: &str) -> Result<Option<&'v str>, String> {
    match object.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("{key} is a text, not {other}")),
    }
}

fn object<'v>(
    object: &'v Map<String, Value>,
    key: &str,
) -> Result<Option<&'v Map<String, Value>>, String> {
    match object.get(key) {
        None => Ok(None),
        Some(Value::Object(inner)) => Ok(Some(inner)),
        Some(_) => Err(format!("{key} is an object")),
    }
}

fn hexadecimal(text: &str, digits: usize) -> Checked {
    let fits = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    match text.len() == digits && text.chars().all(fits) {
        true => Ok(()),
        false => Err(format!("`{text}` is no id of {digits} digits")),
    }
}

fn trace_id(text: &str) -> Checked {
    let mut parts = text.split('-');
    let (version, time, rest) = (parts.next(), parts.next(), parts.next());
    if version != Some("1") || parts.next().is_some() {
        return Err(format!("`{text}` is no trace id"));
    }
    hexadecimal(time.unwrap_or_default(), 8)?;
    hexadecimal(rest.unwrap_or_default(), 24)
}
