use std::io::Write as _;

use bytes::Bytes;

use super::*;
use crate::admission::Admission;

const ALL: [Encoding; 3] = [Encoding::Gzip, Encoding::Zstd, Encoding::Deflate];
const CAP: usize = 1 << 20;

fn sample() -> Vec<u8> {
    (0..5000u32)
        .flat_map(|number| {
            format!(
                "span-{} http.request.method GET;",
                number.wrapping_mul(2_654_435_761)
            )
            .into_bytes()
        })
        .collect()
}

fn decompress(encoding: Encoding, body: &[u8], cap: usize) -> Result<Bytes, DecompressError> {
    Decompressor::default().decompress_now(encoding, body, cap, &mut Admission::default().lease())
}

#[test]
fn every_coding_round_trips_at_every_level() {
    let sample = sample();
    for encoding in ALL {
        for level in [None, Some(-1), Some(0), Some(1), Some(6), Some(9), Some(99)] {
            let compressed = Compressor::new(encoding, level)
                .compress_now(&sample)
                .unwrap();
            assert_eq!(
                decompress(encoding, &compressed, CAP).unwrap(),
                sample,
                "{encoding:?} {level:?}"
            );
        }
        let empty = Compressor::new(encoding, None).compress_now(b"").unwrap();
        assert_eq!(decompress(encoding, &empty, CAP).unwrap(), Bytes::new());
    }
}

#[test]
fn the_cap_is_exact() {
    let sample = sample();
    for encoding in ALL {
        let compressed = Compressor::new(encoding, None)
            .compress_now(&sample)
            .unwrap();
        assert_eq!(
            decompress(encoding, &compressed, sample.len())
                .unwrap()
                .len(),
            sample.len(),
            "{encoding:?}"
        );
        let cap = sample.len() - 1;
        assert_eq!(
            decompress(encoding, &compressed, cap),
            Err(DecompressError::TooLarge { cap }),
            "{encoding:?}"
        );
    }
}

#[test]
fn several_gzip_members_are_one_body_even_when_they_are_equal() {
    let sample = sample();
    let member = Compressor::new(Encoding::Gzip, None)
        .compress_now(&sample)
        .unwrap();
    let twice = [&member[..], &member[..]].concat();
    assert_eq!(
        decompress(Encoding::Gzip, &twice, CAP).unwrap(),
        [&sample[..], &sample[..]].concat()
    );
    let cap = sample.len() + 10;
    assert_eq!(
        decompress(Encoding::Gzip, &twice, cap),
        Err(DecompressError::TooLarge { cap })
    );
}

#[test]
fn several_zstd_frames_are_one_body() {
    let frame = Compressor::new(Encoding::Zstd, None)
        .compress_now(b"hello ")
        .unwrap();
    let twice = [&frame[..], &frame[..]].concat();
    assert_eq!(
        decompress(Encoding::Zstd, &twice, CAP).unwrap(),
        &b"hello hello "[..]
    );
}

#[test]
fn a_zstd_stream_without_a_length_is_read() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(&sample()).unwrap();
    let stream = encoder.finish().unwrap();
    assert_eq!(decompress(Encoding::Zstd, &stream, CAP).unwrap(), sample());
    assert_eq!(
        decompress(Encoding::Zstd, &stream, 1000),
        Err(DecompressError::TooLarge { cap: 1000 })
    );
}

#[test]
fn a_bomb_is_refused_and_takes_no_more_than_the_cap() {
    let zeros = vec![0; 8 << 20];
    for encoding in ALL {
        let bomb = Compressor::new(encoding, None)
            .compress_now(&zeros)
            .unwrap();
        let admission = Admission::default();
        let mut lease = admission.lease();
        let result = Decompressor::default().decompress_now(encoding, &bomb, CAP, &mut lease);
        assert_eq!(
            result,
            Err(DecompressError::TooLarge { cap: CAP }),
            "{encoding:?}"
        );
        assert!(
            admission.held() < 4 * CAP,
            "{encoding:?} held {}",
            admission.held()
        );
    }
}

#[test]
fn what_the_budget_does_not_allow_is_refused() {
    let sample = sample();
    for encoding in ALL {
        let compressed = Compressor::new(encoding, None)
            .compress_now(&sample)
            .unwrap();
        let mut lease = Admission::new(1000).lease();
        let result = Decompressor::default().decompress_now(encoding, &compressed, CAP, &mut lease);
        assert!(
            matches!(result, Err(DecompressError::OverBudget(_))),
            "{encoding:?} {result:?}"
        );
    }
}

#[test]
fn damage_is_refused_and_never_panics() {
    let sample = sample();
    for encoding in ALL {
        let good = Compressor::new(encoding, None)
            .compress_now(&sample)
            .unwrap();
        for length in (0..good.len()).step_by(97) {
            let result = decompress(encoding, &good[..length], CAP);
            // Nothing at all is an empty zstd stream.
            assert!(
                result.is_err() || length == 0,
                "{encoding:?} cut at {length}"
            );
        }
        for position in (0..good.len()).step_by(31) {
            let mut bad = good.to_vec();
            bad[position] ^= 0x55;
            drop(decompress(encoding, &bad, CAP));
        }
    }
    let mut followed = Compressor::new(Encoding::Gzip, None)
        .compress_now(&sample)
        .unwrap()
        .to_vec();
    followed.extend_from_slice(b"rubbish");
    assert!(decompress(Encoding::Gzip, &followed, CAP).is_err());
}

#[test]
fn header_values_are_read_as_clients_write_them() {
    assert_eq!(Encoding::from_header(" GZIP "), Ok(Some(Encoding::Gzip)));
    assert_eq!(Encoding::from_header("identity"), Ok(None));
    assert_eq!(
        Encoding::from_header("gzip, gzip"),
        Err(UnsupportedEncoding::Stacked)
    );
    assert_eq!(
        Encoding::from_header("br"),
        Err(UnsupportedEncoding::Unknown("br".into()))
    );
}
