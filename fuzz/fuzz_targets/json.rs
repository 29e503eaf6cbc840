//! Any bytes as OTLP/JSON of any signal: what is accepted is a valid batch, and survives another round.

#![no_main]

use fanlight_otlp::{Batch, Signal, json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, text)) = input.split_first() else { return };
    let signal = Signal::ALL[*first as usize % Signal::ALL.len()];
    let Ok(batch) = json::read(signal, text) else { return };
    let decoded = Batch::decode(signal, batch.bytes().clone()).expect("what was read from JSON is valid protobuf");
    assert_eq!(decoded.items(), batch.items());
    let text = json::to_vec(&batch).expect("a batch can be written as JSON");
    let again = json::read(signal, &text).expect("what was written can be read");
    assert_eq!(again.items(), batch.items());
});
