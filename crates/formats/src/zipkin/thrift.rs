//! Zipkin's v1 spans in Thrift's binary protocol: a list of structs.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use fanlight_otlp::SpanId;

use super::v1::{Annotation, BinaryAnnotation, Span};
use super::{Endpoint, TagValue};
use crate::thrift::{Protocol, Reader, ThriftError, Type};

type Read<T> = Result<T, ThriftError>;

/// Reads the body of `POST /api/v1/spans` in Thrift.
///
/// # Errors
/// When it is not a list of spans.
pub fn read_thrift(body: &[u8]) -> Read<Vec<Span<'_>>> {
    let mut spans = Vec::new();
    Reader::new(Protocol::Binary, body).list(Type::Struct, |reader| {
        spans.push(span(reader)?);
        Ok(())
    })?;
    Ok(spans)
}

fn span<'a>(reader: &mut Reader<'a>) -> Read<Span<'a>> {
    let mut span = Span::default();
    let (mut low, mut high) = (0, 0);
    reader.structure(|reader, field| {
        match (field.id, field.kind) {
            (1, Type::I64) => low = reader.integer(field.kind)?,
            (3, Type::Bytes) => span.name = lossy(reader.bytes()?),
            (4, Type::I64) => span.id = SpanId(reader.integer(field.kind)?.to_be_bytes()),
            (5, Type::I64) => span.parent_id = SpanId(reader.integer(field.kind)?.to_be_bytes()),
            (6, Type::List) => reader.list(Type::Struct, |reader| {
                span.annotations.push(annotation(reader)?);
                Ok(())
            })?,
            (8, Type::List) => reader.list(Type::Struct, |reader| {
                span.binary_annotations.push(binary_annotation(reader)?);
                Ok(())
            })?,
            (10, Type::I64) => span.timestamp = nanos(reader.integer(field.kind)?),
            (11, Type::I64) => span.duration = nanos(reader.integer(field.kind)?),
            (12, Type::I64) => high = reader.integer(field.kind)?,
            _ => reader.skip(field.kind)?,
        }
        Ok(())
    })?;
    span.trace_id = super::trace_id(high.cast_unsigned(), low.cast_unsigned());
    Ok(span)
}

fn annotation<'a>(reader: &mut Reader<'a>) -> Read<Annotation<'a>> {
    let mut annotation = Annotation::default();
    reader.structure(|reader, field| {
        match (field.id, field.kind) {
            (1, Type::I64) => annotation.timestamp = nanos(reader.integer(field.kind)?),
            (2, Type::Bytes) => annotation.value = lossy(reader.bytes()?),
            (3, Type::Struct) => annotation.endpoint = Some(endpoint(reader)?),
            _ => reader.skip(field.kind)?,
        }
        Ok(())
    })?;
    Ok(annotation)
}

fn binary_annotation<'a>(reader: &mut Reader<'a>) -> Read<BinaryAnnotation<'a>> {
    let (mut key, mut value, mut kind): (_, &[u8], _) = (Cow::Borrowed(""), &[], 0);
    let mut host = None;
    reader.structure(|reader, field| {
        match (field.id, field.kind) {
            (1, Type::Bytes) => key = lossy(reader.bytes()?),
            (2, Type::Bytes) => value = reader.bytes()?,
            (3, Type::I32) => kind = reader.integer(field.kind)?,
            (4, Type::Struct) => host = Some(endpoint(reader)?),
            _ => reader.skip(field.kind)?,
        }
        Ok(())
    })?;
    Ok(BinaryAnnotation {
        key,
        value: typed(kind, value),
        endpoint: host,
    })
}

/// A value of the `AnnotationType` of that number, its bytes in network order. What does not fit its type stays text.
fn typed(kind: i64, value: &[u8]) -> TagValue<'_> {
    let number = match kind {
        0 => return TagValue::Bool(value == [1]),
        2 => value
            .try_into()
            .ok()
            .map(|bytes| i64::from(i16::from_be_bytes(bytes))),
        3 => value
            .try_into()
            .ok()
            .map(|bytes| i64::from(i32::from_be_bytes(bytes))),
        4 => value.try_into().ok().map(i64::from_be_bytes),
        _ => None,
    };
    match (number, kind) {
        (Some(number), _) => TagValue::Int(number),
        (None, 5) => value.try_into().map_or_else(
            |_| TagValue::Text(lossy(value)),
            |bytes| TagValue::Double(f64::from_be_bytes(bytes)),
        ),
        (None, _) => TagValue::Text(lossy(value)),
    }
}

fn endpoint<'a>(reader: &mut Reader<'a>) -> Read<Endpoint<'a>> {
    let mut endpoint = Endpoint::default();
    reader.structure(|reader, field| {
        match (field.id, field.kind) {
            (1, Type::I32) => {
                let address = reader.integer(field.kind)? as u32;
                endpoint.ipv4 = (address != 0).then(|| Ipv4Addr::from_bits(address));
            }
            // Thrift has no unsigned integers: a port past 32767 comes as a negative number.
            (2, Type::I16) => endpoint.port = reader.integer(field.kind)? as u16,
            (3, Type::Bytes) => endpoint.service_name = lossy(reader.bytes()?),
            (4, Type::Bytes) => {
                endpoint.ipv6 = <[u8; 16]>::try_from(reader.bytes()?)
                    .ok()
                    .map(Ipv6Addr::from);
            }
            _ => reader.skip(field.kind)?,
        }
        Ok(())
    })?;
    Ok(endpoint)
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn nanos(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0).saturating_mul(1000)
}
