//! Any bytes as a compressed body: decompression never exceeds its cap, and undoes our own compression.

#![no_main]

use fanlight_net::admission::Admission;
use fanlight_net::compress::{Compressor, Decompressor, Encoding};
use libfuzzer_sys::fuzz_target;

const CAP: usize = 1 << 20;
const CODINGS: [Encoding; 3] = [Encoding::Gzip, Encoding::Zstd, Encoding::Deflate];

fuzz_target!(|input: &[u8]| {
    let Some((first, body)) = input.split_first() else { return };
    let coding = CODINGS[*first as usize % CODINGS.len()];
    let admission = Admission::new(4 * CAP);
    let decompressor = Decompressor::default();

    if let Ok(plain) = decompressor.decompress_now(coding, body, CAP, &mut admission.lease()) {
        assert!(plain.len() <= CAP, "{} bytes came out", plain.len());
    }
    let compressed = Compressor::new(coding, None).compress_now(body).expect("a small body compresses");
    let again = decompressor.decompress_now(coding, &compressed, CAP, &mut admission.lease());
    assert_eq!(again.expect("what was compressed decompresses"), body);
    assert_eq!(admission.held(), 0, "nothing stays on the budget");
});
