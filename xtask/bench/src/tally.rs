//! What came to the sink: requests, items, and which sequence numbers.

use anyhow::{Result, ensure};
use memchr::memmem;

use crate::payload::{MARK, NUMBER_SERIES, UNNUMBERED};

/// Counts of everything that came.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests with telemetry.
    pub requests: u64,
    /// Spans, log records, data points.
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

    /// Counts the spans of Zipkin's `ListOfSpans`.
    ///
    /// # Errors
    /// When the bytes are not a request.
    pub fn add_zipkin(&mut self, request: &[u8]) -> Result<()> {
        self.requests += 1;
        for span in fields(request, 1) {
            self.items += 1;
            if let Some(trace_id) = fields(span?, 1).next()
                && let Some(sequence) = sequence(trace_id?)
            {
                self.note(sequence);
            }
        }
        Ok(())
    }

    /// Counts the data points behind the samples of a `WriteRequest` of Prometheus' remote write 1.0.
    ///
    /// Of the series of a histogram only the one that counts is counted; what describes targets and scopes is not.
    ///
    /// # Errors
    /// When the bytes are not a request.
    pub fn add_samples(&mut self, request: &[u8]) -> Result<()> {
        self.requests += 1;
        for series in fields(request, 1) {
            let series = series?;
            let name = series_name(series)?;
            if [&b"_bucket"[..], b"_sum", b"_info"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                continue;
            }
            for sample in fields(series, 2) {
                self.items += 1;
                if name == NUMBER_SERIES.as_bytes() {
                    // Zero is not written.
                    let value = fields(sample?, 1).next().transpose()?;
                    let value = value.map_or(Ok([0; 8]), TryInto::try_into)?;
                    self.note(f64::from_le_bytes(value) as u64);
                }
            }
        }
        Ok(())
    }

    /// Counts the items in a body of any format that has each item's trace id once, in hexadecimal digits.
    pub fn add_text(&mut self, body: &[u8]) {
        self.requests += 1;
        self.items += memmem::find_iter(body, &hexadecimal(UNNUMBERED)).count() as u64;
        let mark = hexadecimal(MARK);
        for place in memmem::find_iter(body, &mark) {
            self.items += 1;
            let digits = body.get(place + mark.len()..place + mark.len() + 16);
            let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            if let Some(sequence) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
                self.note(sequence);
            }
        }
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

/// The label `__name__` of a `TimeSeries`.
fn series_name(series: &[u8]) -> Result<&[u8]> {
    for label in fields(series, 1) {
        let label = label?;
        if fields(label, 1).next().transpose()? == Some(b"__name__") {
            return Ok(fields(label, 2).next().transpose()?.unwrap_or_default());
        }
    }
    Ok(&[])
}

fn hexadecimal(bytes: [u8; 8]) -> Vec<u8> {
    let digits = |byte: u8| format!("{byte:02x}").into_bytes();
    bytes.into_iter().flat_map(digits).collect()
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

/// Takes one field off: its number, and its contents unless it is a varint.
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
    Ok((key >> 3, Some(contents)))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A length-delimited field shorter than 128 bytes.
    fn field(number: u8, contents: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, contents.len() as u8], contents].concat()
    }

    fn series_label(name: &str) -> Vec<u8> {
        field(
            1,
            &[field(1, b"__name__"), field(2, name.as_bytes())].concat(),
        )
    }

    fn series(name: &str, values: &[f64]) -> Vec<u8> {
        let mut series = series_label(name);
        for value in values {
            let sample = [&[1 << 3 | 1][..], &value.to_le_bytes(), &[2 << 3, 7]].concat();
            series.extend(field(2, &sample));
        }
        field(1, &series)
    }

    #[test]
    fn samples_count_once_a_point_and_their_numbers_are_found() {
        let request = [
            series("load_request", &[5.0, 6.0]),
            field(1, &[series_label("load_request"), field(2, &[])].concat()),
            series("http_requests_total", &[1.0]),
            series("duration_seconds_bucket", &[1.0]),
            series("duration_seconds_sum", &[1.0]),
            series("duration_seconds_count", &[1.0]),
            series("target_info", &[1.0]),
        ];
        let mut tally = Tally::default();
        tally.add_samples(&request.concat()).unwrap();
        assert_eq!((tally.items, tally.distinct()), (5, 3));
    }

    #[test]
    fn trace_ids_in_any_text_are_counted_and_their_numbers_found() {
        let mark = String::from_utf8(hexadecimal(MARK)).unwrap();
        let other = String::from_utf8(hexadecimal(UNNUMBERED)).unwrap();
        let body = format!(
            r#"[{{"traceId":"{mark}000000000000000a"}},{{"traceId":"{mark}000000000000000b"}},{{"id":"{other}0000000000000001"}}]"#
        );
        let mut tally = Tally::default();
        tally.add_text(body.as_bytes());
        assert_eq!((tally.items, tally.distinct()), (3, 2));
    }

    #[test]
    fn spans_of_zipkin_are_counted() {
        let id = [MARK, 3_u64.to_be_bytes()].concat();
        let other = [UNNUMBERED, 3_u64.to_be_bytes()].concat();
        let spans = [field(1, &field(1, &id)), field(1, &field(1, &other))];
        let mut tally = Tally::default();
        tally.add_zipkin(&spans.concat()).unwrap();
        assert_eq!((tally.items, tally.distinct()), (2, 1));
    }
}
