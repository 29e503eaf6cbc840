//! Checking a whole request in one pass, without allocating.
//!
//! What passes is well formed down to the last attribute: every length fits, every known field has its wire type, every
//! string is UTF-8, every id has 16, 8 or no bytes, messages are nested at most [`MAX_DEPTH`] deep. Unknown fields pass
//! when they are well formed; groups are refused. A bad byte anywhere refuses the request, because requests are joined
//! without being looked at again, and one bad item would take its neighbours down with it.

use crate::Signal;
use crate::schema::{Check, KEY_VALUE, Message, Role, wire_type};
use crate::wire::{self, Fault, Records};

/// How deep messages may be nested, the request not counted. The limit of the protobuf libraries of C++, Java and Rust.
pub const MAX_DEPTH: usize = 100;

/// Bytes that are not a valid OTLP message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} (in {message}{})", fault.text(), offset.map(|offset| format!(", at byte {offset}")).unwrap_or_default())]
pub struct DecodeError {
    fault: Fault,
    message: &'static str,
    offset: Option<usize>,
}

impl DecodeError {
    pub(crate) const fn new(fault: Fault, message: &'static str) -> DecodeError {
        DecodeError {
            fault,
            message,
            offset: None,
        }
    }
}

/// Checks a request and counts its items.
pub(crate) fn validate(signal: Signal, bytes: &[u8]) -> Result<usize, DecodeError> {
    let mut items = 0;
    let mut message = Message::request(signal);
    let mut input = bytes;
    // The messages around the current one, each with what is left of it behind the current one. A loop with a stack of its
    // own is a fifth faster than recursion, and no input can exhaust the thread's.
    let mut around = [(message, input); MAX_DEPTH];
    let mut depth = 0_usize;
    loop {
        while input.is_empty() {
            let Some(outer) = depth.checked_sub(1) else {
                return Ok(items);
            };
            depth = outer;
            (message, input) = around[depth];
        }
        let fault = match field(message, input) {
            Ok(Step::Over(rest)) => {
                input = rest;
                continue;
            }
            Ok(Step::Into {
                child, value, rest, ..
            }) if std::ptr::eq(child, &KEY_VALUE) && is_plain_attribute(value) => {
                input = rest;
                continue;
            }
            Ok(Step::Into {
                check,
                child,
                value,
                rest,
            }) => match around.get_mut(depth) {
                Some(outer) => {
                    items += usize::from(check == Check::Item);
                    *outer = (message, rest);
                    depth += 1;
                    (message, input) = (child, value);
                    continue;
                }
                None => Fault::Depth,
            },
            Err(fault) => fault,
        };
        let offset = input.as_ptr().addr().checked_sub(bytes.as_ptr().addr());
        return Err(DecodeError {
            fault,
            message: message.name,
            offset,
        });
    }
}

/// Counts the items of a valid message: only the envelopes around them are looked at.
pub(crate) fn count(message: &Message, bytes: &[u8]) -> Result<usize, DecodeError> {
    let mut items = 0;
    for record in Records::new(bytes, message.name) {
        let record = record?;
        match message.field(record.number) {
            Some(field) if field.role == Role::Item => items += 1,
            Some(field) if field.role == Role::Envelope => {
                items += count(field.child(), record.bytes()?)?
            }
            _ => {}
        }
    }
    Ok(items)
}

/// What to do about a field that is well formed on its own level.
enum Step<'a> {
    /// Go on behind it.
    Over(&'a [u8]),
    /// Check the message that it holds, then go on behind it.
    Into {
        check: Check,
        child: &'static Message,
        value: &'a [u8],
        rest: &'a [u8],
    },
}

/// Checks the first field of a message.
#[inline(always)]
fn field<'a>(message: &'static Message, input: &'a [u8]) -> Result<Step<'a>, Fault> {
    let (check, child, wire_type, rest) = match input {
        // Field numbers below 16, which are nearly all: the tag byte is the index.
        [first @ 0x08..0x80, rest @ ..] => {
            let first = usize::from(first & 0x7f);
            (
                message.checks[first],
                message.children[first >> 3],
                (first & 7) as u8,
                rest,
            )
        }
        _ => {
            let (number, wire_type, rest) = wire::tag(input)?;
            let (check, child) = message.check(number, wire_type);
            (check, child, wire_type, rest)
        }
    };
    let rest = match check {
        Check::Varint => wire::varint(rest)?.1,
        Check::Fixed64 => rest.get(8..).ok_or(Fault::Truncated)?,
        Check::Fixed32 => rest.get(4..).ok_or(Fault::Truncated)?,
        Check::Unknown => skip(wire_type, rest)?,
        Check::WrongWireType => return Err(Fault::WireType),
        Check::Message | Check::Item => {
            let (value, rest) = wire::length_delimited(rest)?;
            return Ok(Step::Into {
                check,
                child,
                value,
                rest,
            });
        }
        Check::Text
        | Check::Bytes
        | Check::SpanId
        | Check::TraceId
        | Check::PackedVarint
        | Check::PackedFixed64 => {
            let (value, rest) = wire::length_delimited(rest)?;
            content(check, value)?;
            rest
        }
    };
    Ok(Step::Over(rest))
}

/// Whether this is the usual attribute, `key` and then a short text or a scalar: it is well formed then. Attributes are most of
/// a request, and one look at a whole one is faster than three steps of the loop; whatever is unusual takes those.
#[inline(always)]
fn is_plain_attribute(bytes: &[u8]) -> bool {
    let [0x0a, key_length @ ..0x80, rest @ ..] = bytes else {
        return false;
    };
    let Some((key, [0x12, length @ ..0x80, value @ ..])) =
        rest.split_at_checked(usize::from(*key_length))
    else {
        return false;
    };
    if value.len() != usize::from(*length) {
        return false;
    }
    match value {
        // Tags and lengths are ASCII here, so the texts are if everything is.
        [0x0a, length @ ..0x80, text @ ..] => {
            text.len() == usize::from(*length) && bytes.is_ascii()
        }
        [0x10 | 0x18, ..0x80] => key.is_ascii(),
        [0x21, number @ ..] => number.len() == 8 && key.is_ascii(),
        _ => false,
    }
}

/// Checks what stands behind a length and is no message.
#[inline(always)]
fn content(check: Check, value: &[u8]) -> Result<(), Fault> {
    match check {
        Check::Text if value.is_ascii() => Ok(()),
        Check::Text => wire::text(value).map(drop),
        Check::TraceId if !matches!(value.len(), 0 | 16) => Err(Fault::IdLength),
        Check::SpanId if !matches!(value.len(), 0 | 8) => Err(Fault::IdLength),
        Check::PackedFixed64 if !value.len().is_multiple_of(8) => Err(Fault::Truncated),
        Check::PackedVarint => packed_varints(value),
        _ => Ok(()),
    }
}

fn packed_varints(mut bytes: &[u8]) -> Result<(), Fault> {
    while !bytes.is_empty() {
        (_, bytes) = wire::varint(bytes)?;
    }
    Ok(())
}

/// Steps over the value of an unknown field.
#[cold]
fn skip(wire_type: u8, input: &[u8]) -> Result<&[u8], Fault> {
    match wire_type {
        wire_type::VARINT => wire::varint(input).map(|(_, rest)| rest),
        wire_type::FIXED64 => input.get(8..).ok_or(Fault::Truncated),
        wire_type::LENGTH => wire::length_delimited(input).map(|(_, rest)| rest),
        wire_type::FIXED32 => input.get(4..).ok_or(Fault::Truncated),
        3 | 4 => Err(Fault::Group),
        _ => Err(Fault::WireType),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(signal: Signal, bytes: &[u8]) -> String {
        validate(signal, bytes).unwrap_err().to_string()
    }

    #[test]
    fn nothing_is_an_empty_request_of_every_signal() {
        for signal in Signal::ALL {
            assert_eq!(validate(signal, &[]), Ok(0));
        }
    }

    #[test]
    fn errors_name_the_message_and_the_byte() {
        // Request, ResourceSpans, ScopeSpans, Span with a trace id of two bytes.
        let bytes = [0x0a, 8, 0x12, 6, 0x12, 4, 0x0a, 2, 1, 2];
        assert_eq!(
            fault(Signal::Traces, &bytes),
            "an id has the wrong length (trace ids have 16 bytes, span ids 8) (in Span, at byte 6)"
        );
    }

    #[test]
    fn bad_framing_is_refused() {
        assert!(fault(Signal::Logs, &[0x0a, 5, 1]).contains("ends inside a field"));
        assert!(fault(Signal::Logs, &[0x08, 1]).contains("wrong wire type"));
        assert!(fault(Signal::Logs, &[0x00, 1]).contains("field number"));
        assert!(fault(Signal::Logs, &[0x7b, 0x7c]).contains("groups"));
        assert!(fault(Signal::Logs, &[0x7e]).contains("wrong wire type"));
        assert!(fault(Signal::Logs, &[0x0a, 3, 0x1a, 1, 0xff]).contains("not UTF-8"));
    }

    #[test]
    fn unknown_fields_pass_when_they_are_well_formed() {
        assert_eq!(
            validate(Signal::Logs, &[0x78, 1, 0x7a, 1, 9, 0x7d, 1, 2, 3, 4]),
            Ok(0)
        );
        assert_eq!(validate(Signal::Logs, &[0xc2, 0x3e, 1, 7]), Ok(0));
        assert!(fault(Signal::Logs, &[0xc2, 0x3e, 2, 7]).contains("ends inside a field"));
    }

    #[test]
    fn nesting_is_limited() {
        // Attribute values: AnyValue (5) -> ArrayValue (1) -> AnyValue ...
        let nest = |levels: usize| {
            let mut bytes = Vec::new();
            for level in 0..levels {
                let mut outer = vec![if level % 2 == 0 { 0x0a } else { 0x2a }];
                crate::write::put_varint(&mut outer, bytes.len() as u64);
                outer.append(&mut bytes);
                bytes = outer;
            }
            // Request 1, ResourceLogs 2, ScopeLogs 2, LogRecord 5 (body).
            for tag in [0x2a, 0x12, 0x12, 0x0a] {
                let mut outer = vec![tag];
                crate::write::put_varint(&mut outer, bytes.len() as u64);
                outer.append(&mut bytes);
                bytes = outer;
            }
            bytes
        };
        assert_eq!(validate(Signal::Logs, &nest(MAX_DEPTH - 4)), Ok(1));
        assert!(fault(Signal::Logs, &nest(MAX_DEPTH - 2)).contains("nested too deeply"));
    }
}
