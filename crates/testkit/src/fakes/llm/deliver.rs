//! From a reply to bytes on the wire: paced, paused, compressed or broken off as wished for.

use std::collections::VecDeque;
use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use fanlight_net::{Body, BodyError};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::Value;

use super::{Answered, Refusal, Reply, Wishes};

/// Headers that providers send along and clients look at.
const USUAL: [(&str, &str); 3] = [
    ("x-request-id", "req_fake0123456789"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("openai-processing-ms", "17"),
];

pub(super) fn send(answered: Answered, wishes: &Wishes, accepts_gzip: bool) -> Response<Body> {
    let gzip = wishes.gzip && accepts_gzip;
    let mut response = match answered {
        Ok(Reply::Whole(value)) => whole("application/json", value.to_string().into(), gzip),
        Ok(Reply::File(kind, bytes)) => whole(kind, bytes, gzip),
        Ok(Reply::Stream(kind, frames)) => streamed(kind, frames, wishes, gzip),
        Err(Refusal(status, value)) => {
            let status = StatusCode::from_u16(status).expect("a status code");
            let mut response = json(status, &value);
            if status == StatusCode::TOO_MANY_REQUESTS {
                let seconds = HeaderValue::from_static("7");
                response.headers_mut().insert(RETRY_AFTER, seconds);
            }
            response
        }
    };
    for (name, value) in USUAL {
        response.headers_mut().insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}

pub(super) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = whole("application/json", value.to_string().into(), false);
    *response.status_mut() = status;
    response
}

fn whole(kind: &'static str, mut bytes: Vec<u8>, gzip: bool) -> Response<Body> {
    if gzip {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&bytes).expect("memory takes it");
        bytes = encoder.finish().expect("memory takes it");
    }
    with_kind(Response::new(Body::from(bytes)), kind, gzip)
}

fn with_kind(mut response: Response<Body>, kind: &'static str, gzip: bool) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// What is left to send.
struct Sending {
    frames: VecDeque<Bytes>,
    /// How many are sent.
    sent: usize,
    /// After how many the silence comes.
    middle: usize,
    pause: Duration,
    pace: Duration,
    abort: Option<usize>,
    /// When the next frame is due, so that slow moments don't add up.
    due: tokio::time::Instant,
}

fn streamed(
    kind: &'static str,
    frames: Vec<String>,
    wishes: &Wishes,
    gzip: bool,
) -> Response<Body> {
    let frames: VecDeque<Bytes> = if gzip {
        compressed(&frames)
    } else {
        frames.into_iter().map(Bytes::from).collect()
    };
    let sending = Sending {
        middle: frames.len() / 2,
        frames,
        sent: 0,
        pause: wishes.pause,
        pace: wishes.pace,
        abort: wishes.abort,
        due: tokio::time::Instant::now(),
    };
    let body = StreamBody::new(stream::unfold(sending, next));
    with_kind(Response::new(Body::streaming(body)), kind, gzip)
}

async fn next(mut sending: Sending) -> Option<(Result<Frame<Bytes>, BodyError>, Sending)> {
    if sending.abort.is_some_and(|abort| sending.sent >= abort) {
        // What was sent must be on the wire before the connection breaks.
        tokio::time::sleep(Duration::from_millis(50)).await;
        return Some((Err("broken off as wished for".into()), sending));
    }
    let frame = sending.frames.pop_front()?;
    if sending.sent > 0 {
        sending.due += sending.pace;
        tokio::time::sleep_until(sending.due).await;
    }
    if sending.sent == sending.middle {
        tokio::time::sleep(sending.pause).await;
        sending.due += sending.pause;
    }
    sending.sent += 1;
    Some((Ok(Frame::data(frame)), sending))
}

/// One gzip stream, flushed after each frame so that the client sees it at once.
fn compressed(frames: &[String]) -> VecDeque<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut pieces = VecDeque::new();
    for frame in frames {
        encoder
            .write_all(frame.as_bytes())
            .expect("memory takes it");
        encoder.flush().expect("memory takes it");
        pieces.push_back(Bytes::from(std::mem::take(encoder.get_mut())));
    }
    pieces.push_back(Bytes::from(encoder.finish().expect("memory takes it")));
    pieces
}
