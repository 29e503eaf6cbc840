//! Calls as they go over the wire: requests and answers of providers' interfaces, whole or as they stream in.
//!
//! Bytes in, [`LlmCall`] out. Nothing here knows of connections, nothing fails, and nothing grows without bound: what cannot
//! be read is left out, what is too large is cut, and an answer that breaks off is what came of it.
//!
//! ```
//! use fanlight_genai::api::{AnswerStream, Framing, ProviderApi, read_request};
//! use fanlight_genai::{LlmCall, Usage};
//!
//! let api = ProviderApi::detect("api.openai.com", "/v1/chat/completions").unwrap();
//! let mut call = LlmCall::default();
//! read_request(api, "/v1/chat/completions", br#"{"model": "gpt-4o", "stream": true}"#, &mut call);
//!
//! let mut answer = AnswerStream::new(api, Framing::Sse);
//! answer.push(b"data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"Hi\"}}]}\n\nda");
//! answer.push(b"ta: {\"choices\": [], \"usage\": {\"prompt_tokens\": 9, \"completion_tokens\": 1}}\n\ndata: [DONE]\n\n");
//! answer.finish(&mut call);
//! assert_eq!(call.usage, Some(Usage::new(9, 1)));
//! ```

mod answer;
mod detect;
mod framing;
mod request;
mod socket;
mod usage;

pub use answer::AnswerStream;
pub use detect::{ProviderApi, model_in_path, provider_at};
pub use framing::{Frames, Framing};
pub use request::read_request;
pub use socket::read_socket;

use crate::LlmCall;

/// Reads an answer that came whole. An answer that is a stream after all is read as one.
pub fn read_response(api: ProviderApi, body: &[u8], call: &mut LlmCall) {
    let start = body.trim_ascii_start();
    let is_stream = [&b"data:"[..], b"event:", b":"]
        .iter()
        .any(|mark| start.starts_with(mark));
    if is_stream {
        let mut stream = AnswerStream::new(api, Framing::Sse);
        stream.push(body);
        return stream.finish(call);
    }
    let mut answer = answer::Answer::new(api);
    if let Some(body) = crate::json::parse_bytes(body) {
        answer.whole(&body);
    } else if api.streams_lines() {
        let mut stream = AnswerStream::new(api, Framing::Lines);
        stream.push(body);
        return stream.finish(call);
    }
    answer.finish(call);
}

/// Reads what the headers of an answer say was used, where the body does not: Bedrock states it there for every model.
pub fn read_response_headers<'h>(
    headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    call: &mut LlmCall,
) {
    if call.usage.is_some() {
        return;
    }
    let mut tally = crate::tally::Tally {
        is_cache_beside: true,
        ..crate::tally::Tally::default()
    };
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let slot = match name.strip_prefix("x-amzn-bedrock-") {
            Some("input-token-count") => &mut tally.input,
            Some("output-token-count") => &mut tally.output,
            Some("cache-read-input-token-count") => &mut tally.cache_read,
            Some("cache-write-input-token-count") => &mut tally.cache_creation,
            _ => continue,
        };
        *slot = crate::json::count_in(value);
    }
    call.usage = tally.usage();
}

#[cfg(test)]
mod tests;
