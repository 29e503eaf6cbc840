//! Streams, taken apart into their events, however they are cut into pieces on their way.

/// How a stream of events is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// [Server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html): `data: {...}`.
    Sse,
    /// A line of JSON for each event.
    Lines,
    /// One JSON array, as Gemini streams without `alt=sse`.
    JsonArray,
    /// Amazon's [binary events](https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html).
    AwsEventStream,
}

/// An event that is longer is left out.
const MAX_EVENT: usize = 16 << 20;

impl Framing {
    /// How a body of this content type streams; none if it is whole.
    pub fn of_content_type(content_type: &str) -> Option<Framing> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "text/event-stream" => Some(Framing::Sse),
            "application/x-ndjson" | "application/jsonl" | "application/stream+json" => {
                Some(Framing::Lines)
            }
            "application/vnd.amazon.eventstream" => Some(Framing::AwsEventStream),
            _ => None,
        }
    }
}

/// Takes a stream apart into its events. However it is cut into pieces, the events are the same.
#[derive(Debug)]
pub struct Frames {
    framing: Framing,
    /// What is not yet a whole line or event.
    rest: Vec<u8>,
    /// The event so far, of several lines.
    name: String,
    data: Vec<u8>,
    array: ArrayState,
    /// How many bytes of a binary event are still to be left out.
    skip: usize,
    /// Whether a carriage return ended the last line, so that a line feed may belong to it.
    after_return: bool,
    /// Whether the line or event at hand has become too long.
    is_too_long: bool,
    pub(super) has_left_out: bool,
}

/// Where in a JSON array the stream is.
#[derive(Debug, Default)]
struct ArrayState {
    depth: usize,
    is_in_text: bool,
    is_escaped: bool,
}

impl Frames {
    /// Before the first byte.
    pub fn new(framing: Framing) -> Frames {
        Frames {
            framing,
            rest: Vec::new(),
            name: String::new(),
            data: Vec::new(),
            array: ArrayState::default(),
            skip: 0,
            after_return: false,
            is_too_long: false,
            has_left_out: false,
        }
    }

    /// Takes the next bytes and hands out each event that they complete: its name, if it has one, and its data.
    pub fn push(&mut self, bytes: &[u8], event: &mut dyn FnMut(&str, &[u8])) {
        match self.framing {
            Framing::Sse | Framing::Lines => self.push_lines(bytes, event),
            Framing::JsonArray => bytes.iter().for_each(|byte| self.push_array(*byte, event)),
            Framing::AwsEventStream => self.push_binary(bytes, event),
        }
    }

    /// The stream is over: hands out what may be an event that lacks its end.
    pub fn finish(&mut self, event: &mut dyn FnMut(&str, &[u8])) {
        if matches!(self.framing, Framing::Sse | Framing::Lines) {
            self.end_line(event);
            self.end_event(event);
        }
    }

    fn push_lines(&mut self, mut bytes: &[u8], event: &mut dyn FnMut(&str, &[u8])) {
        while let Some(at) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, rest) = bytes.split_at(at);
            let (end, after) = rest.split_at(1);
            // The line feed of `\r\n` ends nothing again, even where the two came apart.
            let is_second_half = end == b"\n" && self.after_return && line.is_empty();
            if !is_second_half {
                self.keep(line);
                self.end_line(event);
            }
            self.after_return = end == b"\r";
            bytes = after;
        }
        if !bytes.is_empty() {
            self.after_return = false;
        }
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.rest.len() + self.data.len() + bytes.len() > MAX_EVENT {
            self.is_too_long = true;
            self.rest = Vec::new();
            self.data = Vec::new();
        }
        if !self.is_too_long {
            self.rest.extend(bytes);
        }
    }

    fn end_line(&mut self, event: &mut dyn FnMut(&str, &[u8])) {
        let line = std::mem::take(&mut self.rest);
        if self.framing == Framing::Lines {
            self.data = line;
            return self.end_event(event);
        }
        if line.is_empty() && !self.is_too_long {
            return self.end_event(event);
        }
        if line.is_empty() {
            // The end of a line that was too long.
            self.has_left_out = true;
            self.is_too_long = false;
            self.name.clear();
            return;
        }
        let value = |field: &[u8]| {
            let value = line.strip_prefix(field)?;
            Some(value.strip_prefix(b" ").unwrap_or(value))
        };
        if let Some(data) = value(b"data:") {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data.extend(data);
        } else if let Some(name) = value(b"event:") {
            self.name = String::from_utf8_lossy(name).into_owned();
        }
    }

    fn end_event(&mut self, event: &mut dyn FnMut(&str, &[u8])) {
        let (name, data) = (
            std::mem::take(&mut self.name),
            std::mem::take(&mut self.data),
        );
        self.has_left_out |= self.is_too_long;
        self.is_too_long = false;
        if !data.trim_ascii().is_empty() {
            event(&name, &data);
        }
    }

    fn push_array(&mut self, byte: u8, event: &mut dyn FnMut(&str, &[u8])) {
        let state = &mut self.array;
        let is_within = state.depth > 0;
        if state.is_in_text {
            match byte {
                _ if state.is_escaped => state.is_escaped = false,
                b'\\' => state.is_escaped = true,
                b'"' => state.is_in_text = false,
                _ => {}
            }
        } else {
            match byte {
                b'"' => state.is_in_text = is_within,
                b'{' => state.depth += 1,
                // Arrays count only within an element, so that the outermost one does not.
                b'[' if is_within => state.depth += 1,
                b'}' => state.depth = state.depth.saturating_sub(1),
                b']' if is_within => state.depth -= 1,
                _ => {}
            }
        }
        let is_end = is_within && state.depth == 0;
        if is_within || state.depth > 0 {
            self.keep(&[byte]);
        }
        if is_end {
            self.data = std::mem::take(&mut self.rest);
            self.end_event(event);
        }
    }

    /// Four bytes each of the whole length, the length of the headers and a checksum; headers; payload; a checksum.
    fn push_binary(&mut self, bytes: &[u8], event: &mut dyn FnMut(&str, &[u8])) {
        const PRELUDE: usize = 12;
        const CHECKSUM: usize = 4;
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        self.rest.extend(bytes.get(skipped..).unwrap_or_default());
        loop {
            let (Some(length), Some(headers)) = (number(&self.rest, 0), number(&self.rest, 4))
            else {
                return;
            };
            if length < PRELUDE + CHECKSUM || headers > length - PRELUDE - CHECKSUM {
                // No such stream; nothing that follows can be trusted.
                self.has_left_out = true;
                self.skip = usize::MAX;
                self.rest = Vec::new();
                return;
            }
            if length > MAX_EVENT {
                self.has_left_out = true;
                let here = length.min(self.rest.len());
                self.rest.drain(..here);
                self.skip = length - here;
                if self.skip > 0 {
                    return;
                }
                continue;
            }
            if self.rest.len() < length {
                return;
            }
            let message: Vec<u8> = self.rest.drain(..length).collect();
            let payload_at = PRELUDE + headers;
            let names = message.get(PRELUDE..payload_at).unwrap_or_default();
            let payload = message
                .get(payload_at..length - CHECKSUM)
                .unwrap_or_default();
            event(event_type(names).unwrap_or_default(), payload);
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

/// The header that names the event: a name with its length, the type of its value, and the value with its length.
fn event_type(mut headers: &[u8]) -> Option<&str> {
    const TEXT: u8 = 7;
    loop {
        let (length, rest) = headers.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*length))?;
        let (kind, rest) = rest.split_first()?;
        let sized = || {
            let (length, rest) = rest.split_at_checked(2)?;
            let length = u16::from_be_bytes(length.try_into().ok()?);
            rest.split_at_checked(usize::from(length))
        };
        let (value, rest) = match *kind {
            0 | 1 => rest.split_at_checked(0)?,
            2 => rest.split_at_checked(1)?,
            3 => rest.split_at_checked(2)?,
            4 => rest.split_at_checked(4)?,
            5 | 8 => rest.split_at_checked(8)?,
            9 => rest.split_at_checked(16)?,
            _ => sized()?,
        };
        if *kind == TEXT && matches!(name, b":event-type" | b":exception-type") {
            return std::str::from_utf8(value).ok();
        }
        headers = rest;
    }
}
