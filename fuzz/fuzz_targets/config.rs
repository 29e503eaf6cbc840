//! Any text as a configuration: it is read or refused with a place, and what was read can be walked and decoded.

#![no_main]

use fanlight_config::{Document, Environment, Node, blocks};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    // `${file:...}` reads files by design, and a device has no end.
    if text.contains("file:") {
        return;
    }
    let environment: Environment = [("HOST", "example.com"), ("EMPTY", ""), ("MAP", "{a: 1}")].into_iter().collect();
    match Document::parse("fuzz.yaml", text, &environment) {
        Ok(document) => walk(document.root()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

fn walk(node: &Node) {
    let _ = node.decode::<blocks::Queue>();
    let _ = node.decode::<blocks::HttpClient>();
    let _ = node.decode::<blocks::GrpcServer>();
    let _ = node.decode_both::<blocks::Retry, blocks::TlsClient>();
    for (_, _, value) in node.entries().unwrap_or_default() {
        walk(value);
    }
    for element in node.elements().unwrap_or_default() {
        walk(element);
    }
}
