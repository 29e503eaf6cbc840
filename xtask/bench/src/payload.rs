//! One request of spans, encoded once; each use only rewrites the first span's trace id, which carries the sequence number.
//!
//! Compressed, the id stands in a stored block of its own between two compressed ones, so it can be rewritten in place
//! as well; only the checksum is computed anew.

use anyhow::{Result, ensure};
use bytes::{Bytes, BytesMut};
use flate2::{Compress, Compression, FlushCompress, Status};

/// The first eight bytes of a trace id that carries a sequence number in the other eight.
pub const MARK: [u8; 8] = *b"fanlight";

/// A request whose id can be rewritten.
#[derive(Clone, Debug)]
pub struct Payload {
    plain: Vec<u8>,
    /// Where the sequence number stands in `plain`.
    id_at: usize,
    gzip: Option<Gzip>,
}

#[derive(Clone, Debug)]
struct Gzip {
    bytes: Vec<u8>,
    id_at: usize,
}

impl Payload {
    /// A request of so many spans, with about ten attributes each.
    ///
    /// # Errors
    /// When compression fails.
    pub fn new(spans: usize, gzip: bool) -> Result<Payload> {
        let plain = request(spans);
        let mark = plain.windows(MARK.len()).position(|window| window == MARK);
        let id_at = mark.map_or(0, |start| start + MARK.len());
        let gzip = gzip.then(|| compressed(&plain, id_at)).transpose()?;
        Ok(Payload { plain, id_at, gzip })
    }

    /// The size on the wire.
    pub fn len(&self) -> usize {
        self.gzip
            .as_ref()
            .map_or(self.plain.len(), |gzip| gzip.bytes.len())
    }

    /// The request with this sequence number, after `prefix` bytes of room for a frame's head.
    pub fn with_id(&mut self, sequence: u64, prefix: usize) -> BytesMut {
        let id = sequence.to_be_bytes();
        self.plain[self.id_at..self.id_at + 8].copy_from_slice(&id);
        let mut bytes = BytesMut::with_capacity(prefix + self.len());
        bytes.resize(prefix, 0);
        match &mut self.gzip {
            None => bytes.extend_from_slice(&self.plain),
            Some(gzip) => {
                gzip.bytes[gzip.id_at..gzip.id_at + 8].copy_from_slice(&id);
                let checksum_at = gzip.bytes.len() - 8;
                let checksum = crc32fast::hash(&self.plain).to_le_bytes();
                gzip.bytes[checksum_at..checksum_at + 4].copy_from_slice(&checksum);
                bytes.extend_from_slice(&gzip.bytes);
            }
        }
        bytes
    }

    /// The same as a gRPC message: the flag, the length, the request.
    pub fn grpc_message(&mut self, sequence: u64) -> Bytes {
        let mut bytes = self.with_id(sequence, 5);
        let length = (bytes.len() - 5) as u32;
        bytes[0] = u8::from(self.gzip.is_some());
        bytes[1..5].copy_from_slice(&length.to_be_bytes());
        bytes.freeze()
    }
}

/// gzip of the request, with the eight bytes of the id in a stored block.
fn compressed(plain: &[u8], id_at: usize) -> Result<Gzip> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // Each part starts without history, as the window would reach over the stored block.
    deflate(&plain[..id_at], FlushCompress::Full, &mut bytes)?;
    bytes.extend_from_slice(&[0, 8, 0, !8, 255]);
    let gzip_id_at = bytes.len();
    bytes.extend_from_slice(&plain[id_at..id_at + 8]);
    deflate(&plain[id_at + 8..], FlushCompress::Finish, &mut bytes)?;
    bytes.extend_from_slice(&crc32fast::hash(plain).to_le_bytes());
    bytes.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    Ok(Gzip {
        bytes,
        id_at: gzip_id_at,
    })
}

fn deflate(plain: &[u8], flush: FlushCompress, into: &mut Vec<u8>) -> Result<()> {
    let mut compress = Compress::new(Compression::new(6), false);
    into.reserve(plain.len() + 1024);
    let status = compress.compress_vec(plain, into, flush)?;
    ensure!(status != Status::BufError, "the request does not fit");
    Ok(())
}

/// `ExportTraceServiceRequest` with one resource and one scope.
fn request(spans: usize) -> Vec<u8> {
    let mut resource = Vec::new();
    for (key, value) in [
        ("service.name", "checkout"),
        ("service.version", "1.4.2"),
        ("host.name", "web-17"),
    ] {
        field(&mut resource, 1, &text_attribute(key, value));
    }
    let mut scope = Vec::new();
    field(&mut scope, 1, b"io.example.http");
    field(&mut scope, 2, b"1.2.3");
    let mut scope_spans = Vec::new();
    field(&mut scope_spans, 1, &scope);
    for index in 0..spans {
        field(&mut scope_spans, 2, &span(index));
    }
    let mut resource_spans = Vec::new();
    field(&mut resource_spans, 1, &resource);
    field(&mut resource_spans, 2, &scope_spans);
    let mut request = Vec::new();
    field(&mut request, 1, &resource_spans);
    request
}

fn span(index: usize) -> Vec<u8> {
    let mut span = Vec::new();
    let mut trace_id = if index == 0 {
        MARK.to_vec()
    } else {
        b"trace-id".to_vec()
    };
    trace_id.extend_from_slice(
        &(index as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .to_be_bytes(),
    );
    field(&mut span, 1, &trace_id);
    field(
        &mut span,
        2,
        &(index as u64 + 1)
            .wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
            .to_be_bytes(),
    );
    field(&mut span, 5, b"GET /api/orders/{id}");
    span.extend_from_slice(&[0x30, 2]);
    let start = 1_760_000_000_000_000_000 + index as u64 * 1_000_003;
    fixed(&mut span, 7, start);
    fixed(&mut span, 8, start + 12_345_678 + index as u64 * 977);
    for (key, value) in [
        ("http.request.method", "GET"),
        ("url.scheme", "https"),
        ("server.address", "shop.example.com"),
        ("http.route", "/api/orders/{id}"),
        ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("network.protocol.version", "1.1"),
    ] {
        field(&mut span, 9, &text_attribute(key, value));
    }
    field(
        &mut span,
        9,
        &text_attribute("url.path", &format!("/api/orders/{}", 100_000 + index * 37)),
    );
    field(
        &mut span,
        9,
        &number_attribute("http.response.status_code", 200 + (index as u64 % 5)),
    );
    field(&mut span, 9, &number_attribute("server.port", 443));
    field(
        &mut span,
        9,
        &number_attribute("http.response.body.size", 1_000 + index as u64 * 13),
    );
    span
}

fn text_attribute(key: &str, text: &str) -> Vec<u8> {
    let mut value = Vec::new();
    field(&mut value, 1, text.as_bytes());
    attribute(key, &value)
}

fn number_attribute(key: &str, number: u64) -> Vec<u8> {
    let mut value = vec![0x18];
    varint(&mut value, number);
    attribute(key, &value)
}

fn attribute(key: &str, value: &[u8]) -> Vec<u8> {
    let mut attribute = Vec::new();
    field(&mut attribute, 1, key.as_bytes());
    field(&mut attribute, 2, value);
    attribute
}

fn field(into: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    varint(into, number << 3 | 2);
    varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn fixed(into: &mut Vec<u8>, number: u64, value: u64) {
    varint(into, number << 3 | 1);
    into.extend_from_slice(&value.to_le_bytes());
}

fn varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::tally::Tally;

    #[test]
    fn every_span_and_the_sequence_number_are_found_again() {
        let mut payload = Payload::new(100, false).unwrap();
        let mut tally = Tally::default();
        for sequence in [0, 7, 7] {
            tally.add_spans(&payload.with_id(sequence, 0)).unwrap();
        }
        assert_eq!(
            (tally.items, tally.distinct(), tally.duplicates),
            (300, 2, 1)
        );
    }

    #[test]
    fn rewritten_gzip_is_valid() {
        let mut payload = Payload::new(3, true).unwrap();
        let compressed = payload.with_id(0x0102_0304, 0);
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&compressed[..])
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(
            plain,
            Payload::new(3, false).unwrap().with_id(0x0102_0304, 0)
        );
    }
}
