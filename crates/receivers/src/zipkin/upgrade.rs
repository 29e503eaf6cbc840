//! A v1 span as a v2 span.
//!
//! In v1, the moments at which a message is sent and received are annotations, the remote endpoint is an attribute, and
//! every annotation says who recorded it. [Source](https://github.com/openzipkin/zipkin-api/blob/master/thrift/zipkinCore.thrift).

use fanlight_formats::zipkin::v1;
use fanlight_formats::zipkin::{Annotation, Endpoint, Kind, Span};

/// The same span in v2.
pub(super) fn to_v2(old: v1::Span<'_>) -> Span<'_> {
    let kind = old
        .annotations
        .iter()
        .find_map(|annotation| kind(&annotation.value));
    let (timestamp, duration) = match old.timestamp {
        0 => extent(&old.annotations),
        known => (known, old.duration),
    };
    let mut span = Span {
        trace_id: old.trace_id,
        parent_id: old.parent_id,
        id: old.id,
        kind,
        name: old.name,
        timestamp,
        duration,
        ..Span::default()
    };
    // Who sent or received knows best who it is; then whoever recorded an attribute; then whoever recorded anything.
    let (mut of_kind, mut of_tag, mut of_event) = (None, None, None);
    for annotation in old.annotations {
        if self::kind(&annotation.value) == kind && kind.is_some() {
            named(&mut of_kind, annotation.endpoint);
            continue;
        }
        named(&mut of_event, annotation.endpoint);
        span.annotations.push(Annotation {
            timestamp: annotation.timestamp,
            value: annotation.value,
        });
    }
    for tag in old.binary_annotations {
        match &*tag.key {
            "sa" | "ca" | "ma" if tag.endpoint.is_some() => span.remote_endpoint = tag.endpoint,
            key => {
                named(&mut of_tag, tag.endpoint);
                let key = if key == "lc" {
                    "component".into()
                } else {
                    tag.key
                };
                span.tags.push((key, tag.value));
            }
        }
    }
    span.local_endpoint = of_kind.or(of_tag).or(of_event);
    span
}

/// What the annotations that every tracer knows say about a span.
fn kind(annotation: &str) -> Option<Kind> {
    match annotation {
        "cs" | "cr" => Some(Kind::Client),
        "sr" | "ss" => Some(Kind::Server),
        "ms" => Some(Kind::Producer),
        "mr" => Some(Kind::Consumer),
        _ => None,
    }
}

/// The first endpoint with a service's name.
fn named<'a>(known: &mut Option<Endpoint<'a>>, found: Option<Endpoint<'a>>) {
    if known.is_none() {
        *known = found.filter(|endpoint| !endpoint.service_name.is_empty());
    }
}

/// From the first annotation to the last.
fn extent(annotations: &[v1::Annotation<'_>]) -> (u64, u64) {
    let times = || annotations.iter().map(|annotation| annotation.timestamp);
    let first = times().min().unwrap_or(0);
    (first, times().max().unwrap_or(0) - first)
}
