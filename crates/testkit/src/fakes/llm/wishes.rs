//! How an answer is to be sent.

use std::time::Duration;

/// How an answer is to be sent. A request's own wishes stand in its text: `{{pause 2000}} What is the weather?`.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// `{{delay 20}}`: milliseconds before anything is answered.
    pub delay: Duration,
    /// `{{pause 2000}}`: milliseconds of silence in the middle of a stream.
    pub pause: Duration,
    /// `{{chunks 64}}`: the text in so many pieces.
    pub chunks: usize,
    /// `{{pace 20}}`: milliseconds between the frames of a stream.
    pub pace: Duration,
    /// `{{size 16384}}`: the text that long, in bytes.
    pub size: usize,
    /// `{{status 429}}`: fail with that status. With 429 the answer says when to come back.
    pub status: Option<u16>,
    /// `{{abort 3}}`: break the connection off after so many frames.
    pub abort: Option<usize>,
    /// `{{gzip 1}}`: compress the answer, where the client takes that.
    pub gzip: bool,
}

impl Wishes {
    /// These, with what a request's text wishes for.
    pub(super) fn read(mut self, body: &[u8]) -> Wishes {
        // A request is large in load tests, and has no wishes there.
        if !body.windows(2).any(|pair| pair == b"{{") {
            return self;
        }
        let text = String::from_utf8_lossy(body);
        for wish in text.split("{{").skip(1) {
            let wish = wish.split("}}").next().unwrap_or("");
            let Some((name, number)) = wish.split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            let (length, time) = (number as usize, super::milliseconds(number));
            match name {
                "delay" => self.delay = time,
                "pause" => self.pause = time,
                "chunks" => self.chunks = length,
                "pace" => self.pace = time,
                "size" => self.size = length,
                "status" => self.status = u16::try_from(number).ok(),
                "abort" => self.abort = Some(length),
                "gzip" => self.gzip = true,
                _ => {}
            }
        }
        self
    }

    /// The answer's text in pieces: a piece for each word, or as many as are wished for.
    pub(super) fn pieces(&self, answer: &str) -> Vec<String> {
        let mut text = answer.to_owned();
        if self.size > 0 {
            text = answer.chars().cycle().take(self.size).collect();
        }
        if self.chunks == 0 {
            return text.split_inclusive(' ').map(str::to_owned).collect();
        }
        if text.len() < self.chunks {
            text = answer.chars().cycle().take(self.chunks).collect();
        }
        super::split(&text, text.len().div_ceil(self.chunks))
    }
}
