//! What a thread hands over: finished spans, log records and started spans, one after the other in a buffer.
//!
//! ```text
//! length  u32   of the message
//! callsite u32  its id
//! kind    u8    0 span, 1 log record, 2 started span
//! level   u8    severity number
//! message       fields of an OTLP Span or LogRecord, without what the callsite says
//! ```
//!
//! The message is OTLP already, so whoever collects the records adds what the callsite knows and copies the rest.

use fanlight_otlp::write::Encoder;

use crate::Level;
use crate::callsite::Callsite;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A span that ended.
    Span,
    /// A log record.
    Log,
    /// A span that started, for those who show what is under way.
    Started,
}

/// A record of a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) kind: Kind,
    pub(crate) callsite: &'static Callsite,
    pub(crate) level: Level,
    /// Fields of a `Span` or a `LogRecord`.
    pub(crate) message: &'a [u8],
}

const HEADER: usize = 10;

/// Appends a record.
pub(crate) fn append(
    buffer: &mut Vec<u8>,
    kind: Kind,
    callsite: &'static Callsite,
    level: Level,
    write: impl FnOnce(&mut Encoder),
) {
    let start = buffer.len();
    let [a, b, c, d] = callsite.id().to_le_bytes();
    buffer.extend_from_slice(&[0, 0, 0, 0, a, b, c, d, kind as u8, level.number()]);
    let mut out = Encoder::from(std::mem::take(buffer));
    write(&mut out);
    *buffer = out.into_bytes();
    let length = buffer.len() - start - HEADER;
    match u32::try_from(length) {
        Ok(length) => {
            if let Some(slot) = buffer.get_mut(start..start + 4) {
                slot.copy_from_slice(&length.to_le_bytes());
            }
        }
        // Nothing takes an item of 4 GiB.
        Err(_) => buffer.truncate(start),
    }
}

/// Appends a record as it is.
pub(crate) fn copy(buffer: &mut Vec<u8>, record: &Record<'_>) {
    append(buffer, record.kind, record.callsite, record.level, |out| {
        out.raw(record.message)
    });
}

/// The records of a buffer, in the order in which they were appended.
pub(crate) fn read(mut buffer: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let (length, rest) = buffer.split_first_chunk::<4>()?;
        let (id, rest) = rest.split_first_chunk::<4>()?;
        let ([kind, level], rest) = rest.split_first_chunk::<2>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (message, rest) = rest.split_at_checked(length)?;
        buffer = rest;
        Some(Record {
            kind: match kind {
                0 => Kind::Span,
                1 => Kind::Log,
                _ => Kind::Started,
            },
            callsite: Callsite::of(u32::from_le_bytes(*id))?,
            level: Level::from_number(*level).unwrap_or_default(),
            message,
        })
    })
}
