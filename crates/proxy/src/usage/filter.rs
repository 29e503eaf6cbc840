//! The answer's side.

use bytes::{Bytes, BytesMut};

use super::members::Members;

/// An event longer than this is none that only tells the usage, and nothing of it is held back.
const LONGEST: usize = 64 << 10;

/// Takes out of a stream what is there only because the proxy asked for the usage. Events are held back until they are whole
/// (nobody could read them before) and go on as they came.
pub(crate) struct UsageFilter {
    /// The beginning of an event.
    held: BytesMut,
    /// Whether an event goes by that is too long to be looked at.
    is_long: bool,
    /// Whether `"usage":null` is cut from chunks: OpenAI sends it to those who asked and to nobody else, but other servers
    /// send it always.
    cuts_null: bool,
}

impl UsageFilter {
    pub(crate) fn new(cuts_null: bool) -> UsageFilter {
        UsageFilter {
            held: BytesMut::new(),
            is_long: false,
            cuts_null,
        }
    }

    /// What goes on when a piece comes; may be empty.
    pub(crate) fn push(&mut self, piece: Bytes) -> Bytes {
        if self.held.is_empty() && !self.is_long {
            let end = end_of_events(&piece);
            if end == piece.len() && memchr::memmem::find(&piece, b"\"usage\"").is_none() {
                return piece;
            }
        }
        self.held.extend_from_slice(&piece);
        let mut out = BytesMut::new();
        while let Some(end) = end_of_event(&self.held) {
            let event = self.held.split_to(end).freeze();
            match std::mem::take(&mut self.is_long) {
                true => out.extend_from_slice(&event),
                false => self.pass(&event, &mut out),
            }
        }
        if self.is_long || self.held.len() > LONGEST {
            self.is_long = true;
            // The end may be cut in the middle of the line breaks that make it.
            let keep = self.held.len().min(3);
            let passed = self.held.split_to(self.held.len() - keep);
            out.extend_from_slice(&passed);
        }
        out.freeze()
    }

    /// What is still held back when the stream ends.
    pub(crate) fn finish(&mut self) -> Bytes {
        let rest = self.held.split().freeze();
        let mut out = BytesMut::new();
        match self.is_long {
            true => return rest,
            false => self.pass(&rest, &mut out),
        }
        out.freeze()
    }

    /// One whole event.
    fn pass(&self, event: &[u8], out: &mut BytesMut) {
        match self.judge(event) {
            Verdict::Pass => out.extend_from_slice(event),
            Verdict::Drop => {}
            Verdict::Cut(start, end) => {
                out.extend_from_slice(event.get(..start).unwrap_or_default());
                out.extend_from_slice(event.get(end..).unwrap_or_default());
            }
        }
    }

    fn judge(&self, event: &[u8]) -> Verdict {
        let Some(start) = data_of(event) else {
            return Verdict::Pass;
        };
        let Some(members) = Members::of(event, start) else {
            return Verdict::Pass;
        };
        let opening = members.position();
        let text = |range: std::ops::Range<usize>| event.get(range).unwrap_or_default();
        let (mut usage, mut before, mut after) = (None, None, None);
        let (mut has_no_choice, mut last) = (false, opening);
        for member in members {
            let name = text(member.name.clone());
            if usage.is_some() && after.is_none() {
                after = Some(member.name.start - 1);
            }
            if name == b"usage" {
                before = Some(last);
                usage = Some(member.value.clone());
            } else if name == b"choices" {
                has_no_choice = is_empty_array(text(member.value.clone()));
            }
            last = member.value.end;
        }
        match usage {
            None => Verdict::Pass,
            Some(usage) if text(usage.clone()) == b"null" => match (self.cuts_null, before) {
                (true, Some(before)) if before > opening => Verdict::Cut(before, usage.end),
                (true, Some(_)) => Verdict::Cut(opening, after.unwrap_or(usage.end)),
                _ => Verdict::Pass,
            },
            Some(_) if has_no_choice => Verdict::Drop,
            Some(_) => Verdict::Pass,
        }
    }
}

enum Verdict {
    Pass,
    Drop,
    Cut(usize, usize),
}

fn is_empty_array(text: &[u8]) -> bool {
    let inner = text
        .strip_prefix(b"[")
        .and_then(|text| text.strip_suffix(b"]"));
    inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

/// Where the value of the one `data` line of an event begins; none if there are several or none.
fn data_of(event: &[u8]) -> Option<usize> {
    let mut found = None;
    let mut at = 0;
    while let Some(rest) = event.get(at..).filter(|rest| !rest.is_empty()) {
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        if rest.starts_with(b"data:") {
            if found.is_some() {
                return None;
            }
            found = Some(at + b"data:".len());
        }
        at += length;
    }
    found
}

/// Where the first event of a text ends, behind its blank line.
fn end_of_event(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', text).find_map(|at| match text.get(at + 1..) {
        Some([b'\n', ..]) => Some(at + 2),
        Some([b'\r', b'\n', ..]) => Some(at + 3),
        _ => None,
    })
}

/// Where the last whole event of a text ends.
fn end_of_events(text: &[u8]) -> usize {
    match text {
        [.., b'\n', b'\n'] | [.., b'\n', b'\r', b'\n'] => text.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
