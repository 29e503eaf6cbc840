//! JSON objects in a stream of bytes: one, or many with white space between them, however they are laid out.

use std::collections::VecDeque;

/// The most bytes that one document may have.
const LONGEST: usize = 64 << 20;

/// Splits a stream into its objects. Only braces and strings are looked at; what reads an object finds other faults.
#[derive(Debug, Default)]
pub(super) struct Documents {
    open: Vec<u8>,
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    ready: VecDeque<Vec<u8>>,
}

impl Documents {
    /// Takes the next bytes of the stream.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), String> {
        for &byte in bytes {
            if self.depth == 0 && !self.begins(byte)? {
                continue;
            }
            self.open.push(byte);
            self.step(byte);
            if self.depth == 0 {
                self.ready.push_back(std::mem::take(&mut self.open));
            }
        }
        if self.open.len() > LONGEST {
            return Err(format!(
                "a document is larger than {} MiB; write a request on each line",
                LONGEST >> 20
            ));
        }
        Ok(())
    }

    /// The next whole object.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        self.ready.pop_front()
    }

    /// Checks that nothing is left open.
    pub(super) fn finish(self) -> Result<(), String> {
        if self.open.is_empty() {
            Ok(())
        } else {
            Err("the last document is not complete".to_owned())
        }
    }

    /// Whether an object begins here; white space and a byte order mark may stand before it.
    fn begins(&self, byte: u8) -> Result<bool, String> {
        match byte {
            b'{' => Ok(true),
            b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf => Ok(false),
            _ => Err(format!(
                "it is no OTLP/JSON: an object must begin where {:?} stands",
                char::from(byte)
            )),
        }
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' => self.depth += 1,
            b'}' => self.depth -= 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, piece: usize) -> Result<Vec<String>, String> {
        let mut documents = Documents::default();
        for bytes in text.as_bytes().chunks(piece) {
            documents.push(bytes)?;
        }
        let mut found = Vec::new();
        while let Some(document) = documents.next() {
            found.push(String::from_utf8(document).unwrap());
        }
        documents.finish().map(|()| found)
    }

    #[test]
    fn objects_are_found_wherever_the_stream_is_cut() {
        let text = "\u{feff}{\"a\":\"}\\\"{\"}\n{\n  \"b\": {\"c\": [{}]}\n}{}\r\n";
        for piece in 1..text.len() {
            let found = split(text, piece).unwrap();
            assert_eq!(
                found,
                ["{\"a\":\"}\\\"{\"}", "{\n  \"b\": {\"c\": [{}]}\n}", "{}"]
            );
        }
    }

    #[test]
    fn what_is_no_object_or_has_no_end_is_an_error() {
        assert!(split("[{}]", 9).unwrap_err().contains("'['"));
        assert!(split("{\"a\":\"}", 9).unwrap_err().contains("not complete"));
    }
}
