//! Jaeger's model in Thrift, as its client libraries send it.
//!
//! Source: [`jaeger.thrift`](https://github.com/jaegertracing/jaeger-idl/blob/main/thrift/jaeger.thrift),
//! [`agent.thrift`](https://github.com/jaegertracing/jaeger-idl/blob/main/thrift/agent.thrift). What is read has the form
//! of the protobuf model. Clients cut long texts anywhere, so texts that are not UTF-8 are mended, not refused.

use super::{
    Batch, Duration, KeyValue, Log, Process, Span, SpanRef, SpanRefType, Timestamp, ValueType,
};
use crate::thrift::{Field, Protocol, Reader, ThriftError, Type};

type Read<T> = Result<T, ThriftError>;

/// What came in one packet to an agent.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentMessage<'a> {
    /// `emitBatch`.
    Batch(Batch),
    /// Another method, such as `emitZipkinBatch`.
    Other(&'a str),
}

/// Reads a `Batch` alone, as it stands in the body of a request to a collector.
///
/// # Errors
/// When the bytes are no batch.
pub fn read_batch(protocol: Protocol, bytes: &[u8]) -> Read<Batch> {
    batch(&mut Reader::new(protocol, bytes))
}

/// Reads a call of the agent's service, as it stands in a packet.
///
/// # Errors
/// When the bytes are no such call.
pub fn read_agent_message(protocol: Protocol, bytes: &[u8]) -> Read<AgentMessage<'_>> {
    let mut reader = Reader::new(protocol, bytes);
    let method = reader.message()?;
    if method != "emitBatch" {
        return Ok(AgentMessage::Other(method));
    }
    let mut message = Batch::default();
    reader.structure(|reader, field| {
        match (field.id, field.kind) {
            (1, Type::Struct) => message = batch(reader)?,
            _ => reader.skip(field.kind)?,
        }
        Ok(())
    })?;
    Ok(AgentMessage::Batch(message))
}

fn batch(reader: &mut Reader<'_>) -> Read<Batch> {
    let mut batch = Batch::default();
    reader.structure(|reader, field| {
        match (field.id, field.kind) {
            (1, Type::Struct) => batch.process = Some(process(reader)?),
            (2, Type::List) => list(reader, &mut batch.spans, span)?,
            _ => reader.skip(field.kind)?,
        }
        Ok(())
    })?;
    Ok(batch)
}

fn process(reader: &mut Reader<'_>) -> Read<Process> {
    let mut process = Process::default();
    reader.structure(|reader, field| {
        match (field.id, field.kind) {
            (1, Type::Bytes) => process.service_name = text(reader)?,
            (2, Type::List) => list(reader, &mut process.tags, tag)?,
            _ => reader.skip(field.kind)?,
        }
        Ok(())
    })?;
    Ok(process)
}

fn span(reader: &mut Reader<'_>) -> Read<Span> {
    let mut span = Span::default();
    let (mut low, mut high, mut id, mut parent, mut start, mut duration) = (0, 0, 0, 0, 0, 0);
    reader.structure(|reader, field| {
        match (field.id, field.kind) {
            (1, Type::I64) => low = integer(reader, field)?,
            (2, Type::I64) => high = integer(reader, field)?,
            (3, Type::I64) => id = integer(reader, field)?,
            (4, Type::I64) => parent = integer(reader, field)?,
            (5, Type::Bytes) => span.operation_name = text(reader)?,
            (6, Type::List) => list(reader, &mut span.references, reference)?,
            (7, Type::I32) => span.flags = integer(reader, field)? as u32,
            (8, Type::I64) => start = integer(reader, field)?,
            (9, Type::I64) => duration = integer(reader, field)?,
            (10, Type::List) => list(reader, &mut span.tags, tag)?,
            (11, Type::List) => list(reader, &mut span.logs, log)?,
            _ => reader.skip(field.kind)?,
        }
        Ok(())
    })?;
    span.trace_id = trace_id(high, low);
    span.span_id = span_id(id);
    span.start_time = Some(Timestamp::from_nanos(nanos(start)));
    span.duration = Some(Duration::from_nanos(nanos(duration)));
    let is_named = |reference: &SpanRef| {
        reference.span_id == span_id(parent) && reference.trace_id == span.trace_id
    };
    if parent != 0 && !span.references.iter().any(is_named) {
        let parent = SpanRef {
            trace_id: span.trace_id.clone(),
            span_id: span_id(parent),
            ref_type: SpanRefType::ChildOf as i32,
        };
        span.references.insert(0, parent);
    }
    Ok(span)
}

fn reference(reader: &mut Reader<'_>) -> Read<SpanRef> {
    let (mut kind, mut low, mut high, mut id) = (0, 0, 0, 0);
    reader.structure(|reader, field| {
        match (field.id, field.kind) {
            (1, Type::I32) => kind = integer(reader, field)?,
            (2, Type::I64) => low = integer(reader, field)?,
            (3, Type::I64) => high = integer(reader, field)?,
            (4, Type::I64) => id = integer(reader, field)?,
            _ => reader.skip(field.kind)?,
        }
        Ok(())
    })?;
    Ok(SpanRef {
        trace_id: trace_id(high, low),
        span_id: span_id(id),
        // The numbers are those of protobuf.
        ref_type: kind as i32,
    })
}

fn log(reader: &mut Reader<'_>) -> Read<Log> {
    let mut log = Log::default();
    reader.structure(|reader, field| {
        match (field.id, field.kind) {
            (1, Type::I64) => {
                log.timestamp = Some(Timestamp::from_nanos(nanos(integer(reader, field)?)));
            }
            (2, Type::List) => list(reader, &mut log.fields, tag)?,
            _ => reader.skip(field.kind)?,
        }
        Ok(())
    })?;
    Ok(log)
}

fn tag(reader: &mut Reader<'_>) -> Read<KeyValue> {
    let mut tag = KeyValue::default();
    reader.structure(|reader, field| {
        match (field.id, field.kind) {
            (1, Type::Bytes) => tag.key = text(reader)?,
            (2, Type::I32) => tag.v_type = value_type(integer(reader, field)?) as i32,
            (3, Type::Bytes) => tag.v_str = text(reader)?,
            (4, Type::Double) => tag.v_float64 = reader.double()?,
            (5, Type::Bool) => tag.v_bool = reader.boolean()?,
            (6, Type::I64) => tag.v_int64 = integer(reader, field)?,
            (7, Type::Bytes) => tag.v_binary = reader.bytes()?.to_vec().into(),
            _ => reader.skip(field.kind)?,
        }
        Ok(())
    })?;
    Ok(tag)
}

/// Thrift numbers the types in another order than protobuf.
fn value_type(number: i64) -> ValueType {
    match number {
        1 => ValueType::Float64,
        2 => ValueType::Bool,
        3 => ValueType::Int64,
        4 => ValueType::Binary,
        _ => ValueType::String,
    }
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    into: &mut Vec<T>,
    read: impl Fn(&mut Reader<'a>) -> Read<T>,
) -> Read<()> {
    reader.list(Type::Struct, |reader| {
        into.push(read(reader)?);
        Ok(())
    })
}

fn integer(reader: &mut Reader<'_>, field: Field) -> Read<i64> {
    reader.integer(field.kind)
}

fn text(reader: &mut Reader<'_>) -> Read<String> {
    Ok(String::from_utf8_lossy(reader.bytes()?).into_owned())
}

fn trace_id(high: i64, low: i64) -> bytes::Bytes {
    [high.to_be_bytes(), low.to_be_bytes()].concat().into()
}

fn span_id(id: i64) -> bytes::Bytes {
    id.to_be_bytes().to_vec().into()
}

fn nanos(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0).saturating_mul(1000)
}

#[cfg(test)]
mod tests;
