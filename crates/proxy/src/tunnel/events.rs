//! What a provider says over a WebSocket, as far as it tells what was used: its messages are looked at as they pass.
//!
//! Nothing is held back and nothing is changed. Of each message the beginning tells whether it is wanted; sound and words in pieces,
//! which are nearly everything, are stepped over. Sockets whose messages are compressed tell nothing.

/// How much of a message is looked at to tell what it is. OpenAI says that first.
const BEGINNING: usize = 256;
/// A longer message is not kept.
const LONGEST: usize = 4 << 20;
/// What tells the session's model, what a response used, and what went wrong.
const WANTED: [&[u8]; 5] = [
    b"\"session.created\"",
    b"\"session.updated\"",
    b"\"response.done\"",
    b"\"type\":\"error\"",
    b"\"type\": \"error\"",
];
/// The longest head of a frame: two bytes, eight of a length, four of a mask.
const LONGEST_HEAD: usize = 14;

/// Takes the bytes of one side of a WebSocket, and finds the messages of text that are wanted.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The head of the next frame, as far as it came.
    head: Vec<u8>,
    /// What is to come of the frame at hand.
    frame: Option<Frame>,
    /// The message of text at hand, as far as it is wanted.
    message: Vec<u8>,
    is_wanted: bool,
    /// What came was no WebSocket that can be read.
    is_over: bool,
}

/// A frame whose head has come.
#[derive(Clone, Copy, Debug)]
struct Frame {
    left: u64,
    /// Whether its bytes belong to the message of text at hand, and whether they end it.
    is_text: bool,
    is_last: bool,
}

impl Events {
    /// Takes the next bytes; hands out each wanted message that they complete.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut event: impl FnMut(&[u8])) {
        while !self.is_over {
            let Some(frame) = &mut self.frame else {
                let Some(rest) = self.read_head(bytes) else {
                    return;
                };
                bytes = rest;
                continue;
            };
            let here =
                usize::try_from(frame.left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let (payload, rest) = bytes.split_at(here);
            frame.left -= here as u64;
            let (is_text, is_done, is_last) = (frame.is_text, frame.left == 0, frame.is_last);
            bytes = rest;
            if is_text {
                self.take(payload);
            }
            if !is_done {
                return;
            }
            self.frame = None;
            if is_text && is_last {
                if self.is_wanted && is_wanted(&self.message) {
                    event(&self.message);
                }
                self.message.clear();
            }
        }
    }

    /// Reads the head of a frame; what follows it, or none if more must come.
    fn read_head<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let had = self.head.len();
        self.head.extend(bytes.iter().take(LONGEST_HEAD - had));
        let [first, second, rest @ ..] = self.head.as_slice() else {
            return None;
        };
        let (length, size) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        let opcode = first & 0x0f;
        // Compressed, masked (which servers never do), or something else.
        self.is_over = first & 0x70 != 0 || second & 0x80 != 0 || matches!(opcode, 3..=7 | 11..);
        if opcode == 1 {
            self.message.clear();
            self.is_wanted = true;
        }
        if opcode == 2 {
            self.is_wanted = false;
        }
        self.frame = Some(Frame {
            left: length,
            // Frames of control may stand between those of a message.
            is_text: opcode < 3,
            is_last: first & 0x80 != 0,
        });
        self.head.clear();
        bytes.get(size - had..)
    }

    /// More of the message at hand.
    fn take(&mut self, payload: &[u8]) {
        if !self.is_wanted {
            return;
        }
        let had = self.message.len();
        if had + payload.len() > LONGEST {
            self.is_wanted = false;
        } else if had < BEGINNING && had + payload.len() >= BEGINNING {
            // Only as much is copied as it takes to tell.
            let (beginning, rest) = payload.split_at(BEGINNING - had);
            self.message.extend_from_slice(beginning);
            self.is_wanted = is_wanted(&self.message);
            if self.is_wanted {
                self.message.extend_from_slice(rest);
            }
        } else {
            self.message.extend_from_slice(payload);
        }
        if !self.is_wanted {
            self.message = Vec::new();
        }
    }
}

/// Whether a message, by its beginning, is one of those that are wanted.
fn is_wanted(message: &[u8]) -> bool {
    let beginning = message.get(..BEGINNING).unwrap_or(message);
    WANTED
        .iter()
        .any(|kind| memchr::memmem::find(beginning, kind).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            short @ 0..126 => bytes.push(short as u8),
            middle @ 126..0x1_0000 => {
                bytes.push(126);
                bytes.extend((middle as u16).to_be_bytes());
            }
            long => {
                bytes.push(127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        [bytes.as_slice(), payload].concat()
    }

    fn found(bytes: &[u8], step: usize) -> Vec<String> {
        let (mut events, mut found) = (Events::default(), Vec::new());
        for piece in bytes.chunks(step) {
            events.push(piece, |event| {
                found.push(String::from_utf8(event.to_vec()).unwrap())
            });
        }
        found
    }

    #[test]
    fn wanted_messages_are_found_however_they_are_cut() {
        let done = |size: usize| {
            format!(
                r#"{{"type":"response.done","response":{{"x":"{}"}}}}"#,
                "x".repeat(size)
            )
        };
        let (short, middle, long) = (done(1), done(1_000), done(100_000));
        let delta = format!(
            r#"{{"type":"response.output_audio.delta","delta":"{}"}}"#,
            "A".repeat(70_000)
        );
        let (begins, ends) = middle.split_at(20);
        let bytes = [
            frame(0x81, br#"{"type":"session.created","session":{}}"#),
            frame(0x81, delta.as_bytes()),
            frame(0x81, short.as_bytes()),
            frame(0x01, begins.as_bytes()),
            frame(0x89, b"ping"),
            frame(0x80, ends.as_bytes()),
            frame(0x82, br#"{"type":"response.done"}"#),
            frame(0x81, long.as_bytes()),
            frame(0x81, b""),
            frame(0x88, &[0x03, 0xe8]),
        ]
        .concat();
        let expected = [
            r#"{"type":"session.created","session":{}}"#,
            &short,
            &middle,
            &long,
        ];
        for step in [1, 2, 3, 7, 1_000, bytes.len()] {
            assert_eq!(found(&bytes, step), expected, "{step}");
        }
    }

    #[test]
    fn what_is_too_long_is_stepped_over() {
        let long = format!(
            r#"{{"type":"response.done","x":"{}"}}"#,
            "x".repeat(LONGEST)
        );
        let next = br#"{"type":"response.done"}"#;
        let bytes = [frame(0x81, long.as_bytes()), frame(0x81, next)].concat();
        assert_eq!(found(&bytes, 1 << 16), [r#"{"type":"response.done"}"#]);
    }

    #[test]
    fn what_is_compressed_or_no_socket_tells_nothing() {
        let next = frame(0x81, br#"{"type":"response.done"}"#);
        for first in [
            frame(0xc1, b"abc"),
            b"hello, world".to_vec(),
            vec![0x81, 0x83, 1, 2, 3, 4, 0, 0, 0],
        ] {
            assert_eq!(
                found(&[first, next.clone()].concat(), 5),
                Vec::<String>::new()
            );
        }
    }
}
