//! What came to the sink: requests, items, and which sequence numbers.

use anyhow::{Result, ensure};

use crate::payload::MARK;

/// Counts of everything that came.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests with telemetry.
    pub requests: u64,
    /// Spans.
    pub items: u64,
    /// Sequence numbers that came again.
    pub duplicates: u64,
    seen: Vec<u64>,
}

impl Tally {
    /// Counts a request of spans, and notes the sequence numbers in it.
    ///
    /// # Errors
    /// When the bytes are not a request.
    pub fn add_spans(&mut self, request: &[u8]) -> Result<()> {
        self.requests += 1;
        for resource_spans in fields(request, 1) {
            for scope_spans in fields(resource_spans?, 2) {
                for span in fields(scope_spans?, 2) {
                    self.items += 1;
                    // Encoders write fields in order, so the trace id comes first.
                    if let Some(trace_id) = fields(span?, 1).next()
                        && let Some(sequence) = sequence(trace_id?)
                    {
                        self.note(sequence);
                    }
                }
            }
        }
        Ok(())
    }

    /// How many different sequence numbers came.
    pub fn distinct(&self) -> u64 {
        self.seen
            .iter()
            .map(|bits| u64::from(bits.count_ones()))
            .sum()
    }

    fn note(&mut self, sequence: u64) {
        let (word, bit) = ((sequence / 64) as usize, 1 << (sequence % 64));
        // A sequence number beyond any real run is somebody else's trace id.
        if word > 1 << 22 {
            return;
        }
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        if self.seen[word] & bit != 0 {
            self.duplicates += 1;
        }
        self.seen[word] |= bit;
    }
}

/// The sequence number in a trace id, if it carries one.
fn sequence(trace_id: &[u8]) -> Option<u64> {
    let number = trace_id.strip_prefix(&MARK)?;
    Some(u64::from_be_bytes(number.try_into().ok()?))
}

/// The contents of a message's fields of one number; others are skipped.
fn fields(message: &[u8], number: u64) -> impl Iterator<Item = Result<&[u8]>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            match next_field(&mut rest) {
                Ok((found, Some(contents))) if found == number => return Some(Ok(contents)),
                Ok(_) => {}
                Err(error) => {
                    rest = &[];
                    return Some(Err(error));
                }
            }
        }
        None
    })
}

/// Takes one field off: its number, and its contents where it is length-delimited.
fn next_field<'a>(rest: &mut &'a [u8]) -> Result<(u64, Option<&'a [u8]>)> {
    let key = varint(rest)?;
    let length = match key & 7 {
        0 => {
            varint(rest)?;
            return Ok((key >> 3, None));
        }
        1 => 8,
        2 => varint(rest)? as usize,
        _ => 4,
    };
    ensure!(length <= rest.len(), "a field is cut short");
    let (contents, after) = rest.split_at(length);
    *rest = after;
    Ok((key >> 3, (key & 7 == 2).then_some(contents)))
}

fn varint(rest: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for (index, byte) in rest.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *rest = &rest[index + 1..];
            return Ok(value);
        }
    }
    anyhow::bail!("a number is cut short")
}
