//! The status of a call, in headers or trailers.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use fanlight_otlp::status::Status as RpcStatus;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::status::{Code, Failure};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Binary metadata is written without padding and read with or without it, as the protocol asks.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The code.
    pub code: Code,
    /// The server's words.
    pub message: String,
    /// When the server wants to be asked again (`RetryInfo`).
    pub retry_after: Option<Duration>,
    /// The `google.rpc.Status` with which it goes into details; empty where it does not.
    pub details: Bytes,
}

impl Status {
    /// The trailers of a call that succeeded.
    pub(crate) fn ok_trailers() -> HeaderMap {
        let mut trailers = HeaderMap::with_capacity(1);
        trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
        trailers
    }

    /// Writes a failure into headers or trailers.
    pub(crate) fn write(failure: &Failure, headers: &mut HeaderMap) {
        headers.insert(GRPC_STATUS, HeaderValue::from(failure.code.number()));
        if let Ok(message) = HeaderValue::from_str(&percent_encode(&failure.message)) {
            headers.insert(GRPC_MESSAGE, message);
        }
        let details = match failure.retry_after {
            _ if !failure.details.is_empty() => failure.details.to_vec(),
            Some(_) => failure.rpc_status().encode(),
            None => return,
        };
        if let Ok(details) = HeaderValue::from_str(&BASE64.encode(details)) {
            headers.insert(GRPC_DETAILS, details);
        }
    }

    /// Reads the status out of headers or trailers; `None` where there is none.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Status> {
        let number = headers
            .get(GRPC_STATUS)?
            .to_str()
            .ok()
            .and_then(|text| text.trim().parse().ok());
        let details = headers
            .get(GRPC_DETAILS)
            .and_then(|value| BASE64.decode(value.as_bytes()).ok())
            .unwrap_or_default();
        let delay = RpcStatus::decode(&details).ok();
        Some(Status {
            code: number.map_or(Code::Unknown, Code::from_number),
            message: headers
                .get(GRPC_MESSAGE)
                .map(|value| percent_decode(value.as_bytes()))
                .unwrap_or_default(),
            retry_after: delay.and_then(|status| status.retry_delay),
            details: details.into(),
        })
    }
}

/// Writes a message as header values need it.
fn percent_encode(message: &str) -> String {
    let mut encoded = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b'%' => encoded.push_str("%25"),
            b' '..=b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// Reads such a message; what is not encoded well is taken as it is.
fn percent_decode(value: &[u8]) -> String {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        let escaped = tail
            .first_chunk::<2>()
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .filter(|_| *byte == b'%')
        {
            Some(plain) => {
                decoded.push(plain);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => decoded.push(*byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_survives_the_wire() {
        let failure = Failure::unavailable("queue full: 100 % of ümläuts\n");
        let mut headers = HeaderMap::new();
        Status::write(&failure, &mut headers);
        let status = Status::read(&headers).unwrap();
        assert_eq!(status.code, Code::Unavailable);
        assert_eq!(status.message, failure.message);
        assert_eq!(status.retry_after, failure.retry_after);
    }

    #[test]
    fn odd_statuses_are_read_leniently() {
        assert_eq!(percent_decode(b"50% off %zz %4"), "50% off %zz %4");
        let mut headers = HeaderMap::new();
        assert_eq!(Status::read(&headers), None);
        headers.insert(GRPC_STATUS, HeaderValue::from_static("many"));
        headers.insert(GRPC_DETAILS, HeaderValue::from_static("!!"));
        let status = Status::read(&headers).unwrap();
        assert_eq!((status.code, status.retry_after), (Code::Unknown, None));
    }
}
