//! Content codings undone as the body is read, never beyond a limit: what providers answer in gzip is recorded in plain text.

use std::io::{self, Write};

use flate2::write::{MultiGzDecoder, ZlibDecoder};

/// Undoes the content coding of a body, piece by piece.
pub(super) enum Decoder {
    Gzip(Box<MultiGzDecoder<Out>>),
    Deflate(Box<ZlibDecoder<Out>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Out>>),
    Brotli(Box<brotli_decompressor::DecompressorWriter<Out>>),
    /// It can't be read, or not any further.
    Broken,
}

/// What came out and was not taken yet.
#[derive(Debug)]
pub(super) struct Out {
    bytes: Vec<u8>,
    room: usize,
}

impl Decoder {
    /// For a body with this `content-encoding`, of which so many bytes are wanted; none where there is nothing to undo.
    pub(super) fn of(encoding: &str, most: usize) -> Option<Decoder> {
        let out = Out {
            bytes: Vec::new(),
            room: most,
        };
        Some(match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => return None,
            "gzip" | "x-gzip" => Decoder::Gzip(Box::new(MultiGzDecoder::new(out))),
            "deflate" => Decoder::Deflate(Box::new(ZlibDecoder::new(out))),
            "zstd" => zstd::stream::write::Decoder::new(out)
                .map_or(Decoder::Broken, |decoder| Decoder::Zstd(Box::new(decoder))),
            "br" => Decoder::Brotli(Box::new(brotli_decompressor::DecompressorWriter::new(
                out, 4096,
            ))),
            _ => Decoder::Broken,
        })
    }

    /// Whether all that was pushed could be read.
    pub(super) fn is_sound(&self) -> bool {
        !matches!(self, Decoder::Broken)
    }

    /// What the next piece becomes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let done = match self {
            Decoder::Gzip(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Decoder::Deflate(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Decoder::Zstd(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Decoder::Brotli(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Decoder::Broken => Ok(()),
        };
        // What came out before it broke is good.
        let decoded = self.out().map(|out| std::mem::take(&mut out.bytes));
        if done.is_err() {
            *self = Decoder::Broken;
        }
        decoded.unwrap_or_default()
    }

    fn out(&mut self) -> Option<&mut Out> {
        Some(match self {
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Deflate(decoder) => decoder.get_mut(),
            Decoder::Zstd(decoder) => decoder.get_mut(),
            Decoder::Brotli(decoder) => decoder.get_mut(),
            Decoder::Broken => return None,
        })
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.room);
        if fits == 0 && !bytes.is_empty() {
            return Err(io::Error::other("more than is wanted"));
        }
        self.bytes
            .extend_from_slice(bytes.get(..fits).unwrap_or_default());
        self.room -= fits;
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As another implementation (node's zlib) writes what [`text`] gives.
    const BROTLI: &[u8] = &[
        0x1b, 0xcb, 0x01, 0xf8, 0x1d, 0x09, 0x36, 0x8e, 0x72, 0x9b, 0x4c, 0x70, 0x68, 0xa1, 0x5a,
        0x01, 0x44, 0xa7, 0x4f, 0x6d, 0xed, 0x95, 0x48, 0x57, 0x0a, 0x52, 0x0a, 0x6f, 0x69, 0x81,
        0x09, 0xd5, 0x50, 0xf6, 0xd8, 0x9b, 0x74, 0x08,
    ];

    fn text() -> Vec<u8> {
        b"data: {\"choices\": []}\n\n".repeat(20)
    }

    fn decoded(encoding: &str, bytes: &[u8], step: usize, most: usize) -> (Vec<u8>, bool) {
        let mut decoder = Decoder::of(encoding, most).unwrap();
        let out = bytes
            .chunks(step)
            .flat_map(|chunk| decoder.push(chunk))
            .collect();
        (out, decoder.is_sound())
    }

    fn encodings() -> Vec<(&'static str, Vec<u8>)> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text()).unwrap();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(&text()).unwrap();
        vec![
            ("gzip", gzip.finish().unwrap()),
            ("deflate", zlib.finish().unwrap()),
            ("zstd", zstd::encode_all(text().as_slice(), 1).unwrap()),
            ("br", BROTLI.to_vec()),
        ]
    }

    #[test]
    fn every_coding_is_undone_however_it_is_cut() {
        for (encoding, bytes) in encodings() {
            for step in [1, 3, bytes.len()] {
                let (out, is_sound) = decoded(encoding, &bytes, step, 1 << 20);
                assert_eq!(
                    (out.as_slice(), is_sound),
                    (text().as_slice(), true),
                    "{encoding} {step}"
                );
            }
        }
    }

    #[test]
    fn plain_bodies_are_as_they_are() {
        for encoding in ["", "identity", " Identity"] {
            assert!(Decoder::of(encoding, 1).is_none(), "{encoding}");
        }
    }

    #[test]
    fn nothing_grows_beyond_the_limit() {
        let bomb = zstd::encode_all(vec![0; 50 << 20].as_slice(), 1).unwrap();
        let (out, is_sound) = decoded("zstd", &bomb, 1024, 100_000);
        assert_eq!((out.len(), is_sound), (100_000, false));
    }

    #[test]
    fn what_is_no_such_coding_is_no_text() {
        for encoding in ["gzip", "deflate", "zstd", "br", "compress"] {
            assert!(!decoded(encoding, &[7; 64], 64, 1 << 20).1, "{encoding}");
        }
    }
}
