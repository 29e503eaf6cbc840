//! Any bytes as a request of any signal: what is accepted can be read, split, joined and written as JSON without a fault.

#![no_main]

use bytes::Bytes;
use fanlight_otlp::{Batch, Signal, json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, request)) = input.split_first() else { return };
    let signal = Signal::ALL[*first as usize % Signal::ALL.len()];
    let Ok(batch) = Batch::decode(signal, Bytes::copy_from_slice(request)) else { return };

    for resource in batch.resources() {
        for scope in resource.expect("a valid batch has readable resources").scopes() {
            let scope = scope.expect("a valid batch has readable scopes");
            match signal {
                Signal::Traces => scope.spans().for_each(|span| {
                    let span = span.expect("a valid batch has readable spans");
                    span.events().for_each(|event| drop(event.expect("a valid span has readable events")));
                    span.links().for_each(|link| drop(link.expect("a valid span has readable links")));
                    span.attributes.iter().for_each(|attribute| drop(attribute.expect("readable attributes")));
                }),
                Signal::Metrics => scope.metrics().for_each(|metric| {
                    let metric = metric.expect("a valid batch has readable metrics");
                    metric.points().for_each(|point| drop(point.expect("a valid metric has readable points")));
                }),
                Signal::Logs => scope.logs().for_each(|log| drop(log.expect("a valid batch has readable log records"))),
                Signal::Profiles => {
                    scope.profiles().for_each(|profile| drop(profile.expect("a valid batch has readable profiles")));
                }
            }
        }
    }

    let text = json::to_vec(&batch).expect("a valid batch can be written as JSON");
    let again = json::read(signal, &text).expect("what was written can be read");
    assert_eq!(again.items(), batch.items(), "JSON keeps the number of items");

    let parts = batch.clone().split(2);
    assert_eq!(parts.iter().map(Batch::items).sum::<usize>(), batch.items(), "splitting keeps the number of items");
    if let Some(joined) = Batch::join(&parts) {
        assert_eq!(joined.items(), batch.items(), "joining keeps the number of items");
        Batch::decode(signal, joined.bytes().clone()).expect("a joined batch is valid");
    }
});
