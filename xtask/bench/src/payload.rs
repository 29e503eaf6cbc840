//! One request, encoded once; each use only rewrites a few numbers in it, which its sequence number says.
//!
//! Compressed, the number stands in a stored block of its own between two compressed ones, so it can be rewritten in place
//! as well; only the checksum is computed anew.

mod otlp;

use anyhow::{Result, ensure};
use bytes::{Bytes, BytesMut};
use clap::ValueEnum;
use flate2::{Compress, Compression, FlushCompress, Status};

/// The first eight bytes of the trace id that carries the request's sequence number in the other eight.
pub const MARK: [u8; 8] = *b"fanlight";
/// The first eight bytes of the trace ids of a request's other spans and log records.
pub const UNNUMBERED: [u8; 8] = *b"trace-id";
/// The gauge whose value is the request's sequence number, as Prometheus calls it.
pub const NUMBER_SERIES: &str = "load_request";

/// How many instances of a service send metrics: as many sets of series come to the backend.
const INSTANCES: u64 = 200;
/// The time of the first request's points, in nanoseconds.
const BEGINNING: u64 = 1_760_000_000_000_000_000;

/// What requests hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Signal {
    /// Spans with ten attributes.
    Traces,
    /// Data points of gauges, sums and, a fifth of them, histograms.
    Metrics,
    /// Log records with six attributes, each in a trace.
    Logs,
}

impl Signal {
    /// The path of OTLP/HTTP.
    pub const fn path(self) -> &'static str {
        match self {
            Signal::Traces => "/v1/traces",
            Signal::Metrics => "/v1/metrics",
            Signal::Logs => "/v1/logs",
        }
    }

    /// The path of OTLP/gRPC.
    pub const fn method(self) -> &'static str {
        match self {
            Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }
}

/// What a sequence number becomes in a request, where these eight bytes stand in its template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    /// Itself: the second half of a trace id.
    Number,
    /// Itself, as a data point's value.
    Value,
    /// The time of data points: later requests have later ones.
    Time,
    /// The name of an instance of the service.
    Instance,
}

impl Stamp {
    const ALL: [Stamp; 4] = [Stamp::Number, Stamp::Value, Stamp::Time, Stamp::Instance];

    const fn placeholder(self) -> [u8; 8] {
        match self {
            Stamp::Number => *b"sequence",
            Stamp::Value => *b"as_value",
            Stamp::Time => *b"as__time",
            Stamp::Instance => *b"as__name",
        }
    }

    fn of(self, sequence: u64) -> [u8; 8] {
        match self {
            Stamp::Number => sequence.to_be_bytes(),
            Stamp::Value => (sequence as f64).to_le_bytes(),
            Stamp::Time => (BEGINNING + sequence * 1_000_000).to_le_bytes(),
            Stamp::Instance => {
                let mut digits = [b'0'; 8];
                let mut rest = sequence % INSTANCES;
                for digit in digits.iter_mut().rev() {
                    *digit = b'0' + (rest % 10) as u8;
                    rest /= 10;
                }
                digits
            }
        }
    }
}

/// A request whose numbers can be rewritten.
#[derive(Clone, Debug)]
pub struct Payload {
    plain: Vec<u8>,
    /// What stands where in `plain`.
    stamps: Vec<(usize, Stamp)>,
    gzip: Option<Gzip>,
}

#[derive(Clone, Debug)]
struct Gzip {
    bytes: Vec<u8>,
    number_at: usize,
}

impl Payload {
    /// A request of so many items.
    ///
    /// # Errors
    /// When compression is asked for and fails; metrics, which have many numbers to rewrite, can't be compressed.
    pub fn new(signal: Signal, items: usize, gzip: bool) -> Result<Payload> {
        let plain = otlp::request(signal, items);
        let mut stamps = Vec::new();
        for stamp in Stamp::ALL {
            let places = memchr::memmem::find_iter(&plain, &stamp.placeholder())
                .map(|place| (place, stamp))
                .collect::<Vec<_>>();
            stamps.extend(places);
        }
        let gzip = match (gzip, stamps.as_slice()) {
            (false, _) => None,
            (true, [(number_at, Stamp::Number)]) => Some(compressed(&plain, *number_at)?),
            (true, _) => anyhow::bail!("requests of {signal:?} can't be sent compressed"),
        };
        Ok(Payload {
            plain,
            stamps,
            gzip,
        })
    }

    /// The size on the wire.
    pub fn len(&self) -> usize {
        self.gzip
            .as_ref()
            .map_or(self.plain.len(), |gzip| gzip.bytes.len())
    }

    /// The request with this sequence number, after `prefix` bytes of room for a frame's head.
    pub fn numbered(&mut self, sequence: u64, prefix: usize) -> BytesMut {
        for (place, stamp) in &self.stamps {
            self.plain[*place..*place + 8].copy_from_slice(&stamp.of(sequence));
        }
        let mut bytes = BytesMut::with_capacity(prefix + self.len());
        bytes.resize(prefix, 0);
        match &mut self.gzip {
            None => bytes.extend_from_slice(&self.plain),
            Some(gzip) => {
                let number = Stamp::Number.of(sequence);
                gzip.bytes[gzip.number_at..gzip.number_at + 8].copy_from_slice(&number);
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
        let mut bytes = self.numbered(sequence, 5);
        let length = (bytes.len() - 5) as u32;
        bytes[0] = u8::from(self.gzip.is_some());
        bytes[1..5].copy_from_slice(&length.to_be_bytes());
        bytes.freeze()
    }
}

/// gzip of the request, with the eight bytes of the number in a stored block.
fn compressed(plain: &[u8], number_at: usize) -> Result<Gzip> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // Each part starts without history, as the window would reach over the stored block.
    deflate(&plain[..number_at], FlushCompress::Full, &mut bytes)?;
    bytes.extend_from_slice(&[0, 8, 0, !8, 255]);
    let stored_at = bytes.len();
    bytes.extend_from_slice(&plain[number_at..number_at + 8]);
    deflate(&plain[number_at + 8..], FlushCompress::Finish, &mut bytes)?;
    bytes.extend_from_slice(&crc32fast::hash(plain).to_le_bytes());
    bytes.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    Ok(Gzip {
        bytes,
        number_at: stored_at,
    })
}

fn deflate(plain: &[u8], flush: FlushCompress, into: &mut Vec<u8>) -> Result<()> {
    let mut compress = Compress::new(Compression::new(6), false);
    into.reserve(plain.len() + 1024);
    let status = compress.compress_vec(plain, into, flush)?;
    ensure!(status != Status::BufError, "the request does not fit");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::tally::Tally;

    #[test]
    fn every_span_and_the_sequence_number_are_found_again() {
        let mut payload = Payload::new(Signal::Traces, 100, false).unwrap();
        let mut tally = Tally::default();
        for sequence in [0, 7, 7] {
            tally.add_spans(&payload.numbered(sequence, 0)).unwrap();
        }
        assert_eq!(
            (tally.items, tally.distinct(), tally.duplicates),
            (300, 2, 1)
        );
    }

    #[test]
    fn rewritten_gzip_is_valid() {
        let mut payload = Payload::new(Signal::Logs, 3, true).unwrap();
        let compressed = payload.numbered(0x0102_0304, 0);
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&compressed[..])
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(
            plain,
            Payload::new(Signal::Logs, 3, false)
                .unwrap()
                .numbered(0x0102_0304, 0)
        );
    }

    #[test]
    fn every_number_of_a_request_of_metrics_is_rewritten() {
        let mut payload = Payload::new(Signal::Metrics, 100, false).unwrap();
        // A time for each point, one value, one instance.
        assert_eq!(payload.stamps.len(), 102);
        let request = payload.numbered(201, 0);
        assert!(memchr::memmem::find(&request, b"checkout-00000001").is_some());
        for stamp in Stamp::ALL {
            assert!(memchr::memmem::find(&request, &stamp.placeholder()).is_none());
        }
    }
}
