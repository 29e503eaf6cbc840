//! The five bytes before each message: whether it is compressed, and its length.

use bytes::Bytes;

use crate::compress::Encoding;
use crate::intake::Chunks;
use crate::status::{Code, Failure};

/// The length of the head.
pub(crate) const HEAD: usize = 5;

/// Messages up to this size are copied behind their head: one frame on the wire costs both ends less than the copy.
const COPIED: usize = 16 << 10;

/// The head and the message, to be sent one after the other; `None` if the message is too long for the format.
pub(crate) fn write(message: Bytes, compressed: bool) -> Option<(Bytes, Bytes)> {
    let length = u32::try_from(message.len()).ok()?.to_be_bytes();
    let mut head = Vec::with_capacity(if message.len() <= COPIED {
        HEAD + message.len()
    } else {
        HEAD
    });
    head.push(u8::from(compressed));
    head.extend_from_slice(&length);
    if message.len() <= COPIED {
        head.extend_from_slice(&message);
        return Some((head.into(), Bytes::new()));
    }
    Some((head.into(), message))
}

/// The one message of a unary call, and the coding it is compressed with. `declared` is what `grpc-encoding` says.
pub(crate) fn read(
    mut chunks: Chunks,
    declared: Option<Encoding>,
) -> Result<(Bytes, Option<Encoding>), Failure> {
    let [flag, length @ ..] = chunks
        .take_front::<HEAD>()
        .ok_or_else(|| Failure::bad_request("the call has no message"))?;
    let length = u32::from_be_bytes(length) as usize;
    if chunks.len() != length {
        let message = format!(
            "the message should have {length} bytes, and {} bytes came",
            chunks.len()
        );
        return Err(Failure::bad_request(message));
    }
    let encoding = match (flag, declared) {
        (0, _) => None,
        (1, Some(encoding)) => Some(encoding),
        (1, None) => {
            let failure = Failure::bad_request(
                "the message is compressed, but grpc-encoding is missing or identity",
            );
            return Err(Failure {
                code: Code::Internal,
                ..failure
            });
        }
        _ => {
            return Err(Failure::bad_request(
                "the message's first byte is neither 0 nor 1",
            ));
        }
    };
    Ok((chunks.join(), encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(wire: &[u8], size: usize) -> Chunks {
        let mut chunks = Chunks::default();
        wire.chunks(size)
            .for_each(|chunk| chunks.push(Bytes::copy_from_slice(chunk)));
        chunks
    }

    #[test]
    fn a_message_survives_any_chunking() {
        for length in [0, 1, 100, COPIED, COPIED + 1] {
            let message = Bytes::from(vec![7; length]);
            let (head, rest) = write(message.clone(), true).unwrap();
            let wire = [head, rest].concat();
            for size in [1, 2, 5, 6, 4096, wire.len()] {
                let (read, encoding) = read(chunks(&wire, size), Some(Encoding::Zstd)).unwrap();
                assert_eq!((read, encoding), (message.clone(), Some(Encoding::Zstd)));
            }
        }
    }

    #[test]
    fn what_is_not_one_whole_message_is_refused() {
        for wire in [
            &b""[..],
            b"\0\0\0\0",
            b"\0\0\0\0\x02a",
            b"\0\0\0\0\x01ab",
            b"\x02\0\0\0\x01a",
            b"\0\xff\xff\xff\xffa",
        ] {
            assert!(read(chunks(wire, 3), None).is_err(), "{wire:?}");
        }
        assert_eq!(
            read(chunks(b"\x01\0\0\0\x01a", 9), None).unwrap_err().code,
            Code::Internal
        );
    }
}
