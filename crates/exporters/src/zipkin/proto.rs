//! Spans as Zipkin's protobuf. Field numbers are those of
//! [`zipkin.proto`](https://github.com/openzipkin/zipkin-api/blob/master/zipkin.proto).

use std::net::IpAddr;

use bytes::Bytes;
use fanlight_otlp::write::Encoder;
use fanlight_otlp::{Batch, DecodeError};

use super::span::{Endpoint, Span, each};

/// The body of a request: a `ListOfSpans`.
pub(super) fn write(batch: &Batch, default_service: &str) -> Result<Bytes, DecodeError> {
    let mut out = Encoder::new();
    each(batch, default_service, |span| {
        out.nested(1, |out| write_span(span, out));
    })?;
    Ok(out.into_bytes().into())
}

fn write_span(span: &Span<'_>, out: &mut Encoder) {
    out.some_bytes(1, span.trace_id.0);
    if !span.parent_id.is_zero() {
        out.some_bytes(2, span.parent_id.0);
    }
    out.some_bytes(3, span.id.0);
    out.varint(4, kind(span.kind));
    out.bytes(5, span.name);
    out.fixed64(6, span.timestamp);
    out.varint(7, span.duration);
    out.nested(8, |out| write_endpoint(&span.local, out));
    if let Some(remote) = &span.remote {
        out.nested(9, |out| write_endpoint(remote, out));
    }
    for (timestamp, value) in &span.annotations {
        out.nested(10, |out| {
            out.fixed64(1, *timestamp);
            // Zipkin drops an event without a text, and a tag without either part, but takes empty ones.
            out.some_bytes(2, value.as_bytes());
        });
    }
    for (key, text) in &span.tags {
        out.nested(11, |out| {
            out.some_bytes(1, key.as_bytes());
            out.some_bytes(2, text.as_bytes());
        });
    }
}

fn write_endpoint(endpoint: &Endpoint<'_>, out: &mut Encoder) {
    out.bytes(1, endpoint.service.as_bytes());
    match endpoint.address {
        Some(IpAddr::V4(address)) => out.some_bytes(2, address.octets()),
        Some(IpAddr::V6(address)) => out.some_bytes(3, address.octets()),
        None => {}
    }
    out.varint(4, u64::from(endpoint.port));
}

/// Zipkin's number for the kind of OTLP's number.
const fn kind(number: i32) -> u64 {
    match number {
        2 => 2,
        3 => 1,
        4 => 3,
        5 => 4,
        _ => 0,
    }
}
