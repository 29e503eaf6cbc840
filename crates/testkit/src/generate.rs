//! Batches of any size.

use bytes::Bytes;
use fanlight_otlp::{Batch, Signal};

/// A batch of so many empty items: one resource, one scope.
pub fn batch(signal: Signal, items: usize) -> Batch {
    let list = |field: u8| {
        (0..items)
            .flat_map(|_| [field << 3 | 2, 0])
            .collect::<Vec<u8>>()
    };
    let scope = match signal {
        Signal::Traces | Signal::Logs => list(2),
        // One gauge (field 5) with the data points.
        Signal::Metrics => nested(2, &nested(5, &list(1))),
        // One profile with the samples.
        Signal::Profiles => nested(2, &list(2)),
    };
    let bytes = nested(1, &nested(2, &scope));
    let batch = Batch::decode(signal, Bytes::from(bytes)).expect("the generated batch is valid");
    assert_eq!(batch.items(), items, "{signal}");
    batch
}

fn nested(field: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![field << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(content);
    out
}
