use proptest::prelude::*;

use super::*;

/// What OpenAI sends to who asks, and to who does not.
const ASKED: &str = concat!(
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}\n\n",
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"say \\\"usage\\\":null \"}}],\"usage\":null,\"obfuscation\":\"x\"}\n\n",
    ": keep-alive\n\n",
    "data: {\"usage\":null,\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\n",
    "event: note\ndata: {\"usage\": null , \"choices\": [ {\"delta\": {\"usage\": null}} ] }\n\n",
    "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
);
const UNASKED: &str = concat!(
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"say \\\"usage\\\":null \"}}],\"obfuscation\":\"x\"}\n\n",
    ": keep-alive\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\n",
    "event: note\ndata: {\"choices\": [ {\"delta\": {\"usage\": null}} ] }\n\n",
    "data: [DONE]\n\n",
);

fn filtered(cuts_null: bool, pieces: &[&[u8]]) -> String {
    let mut filter = UsageFilter::new(cuts_null);
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&filter.push(Bytes::copy_from_slice(piece)));
    }
    out.extend_from_slice(&filter.finish());
    String::from_utf8(out).unwrap()
}

#[test]
fn every_cut_in_two_leaves_what_would_have_come_unasked() {
    for at in 0..=ASKED.len() {
        let (one, two) = ASKED.as_bytes().split_at(at);
        assert_eq!(filtered(true, &[one, two]), UNASKED, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = ASKED.as_bytes().chunks(1).collect();
    assert_eq!(filtered(true, &bytes), UNASKED);
}

proptest! {
    #[test]
    fn every_cut_in_pieces_leaves_what_would_have_come_unasked(cuts in prop::collection::vec(0..=ASKED.len(), 0..12)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut at = 0;
        for cut in cuts {
            pieces.push(&ASKED.as_bytes()[at..cut]);
            at = cut;
        }
        pieces.push(&ASKED.as_bytes()[at..]);
        prop_assert_eq!(filtered(true, &pieces), UNASKED);
    }

    #[test]
    fn what_is_no_stream_of_chunks_goes_on_as_it_came(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..200) {
        prop_assume!(memchr::memmem::find(&bytes, b"usage").is_none());
        let (one, two) = bytes.split_at(at.min(bytes.len()));
        let mut filter = UsageFilter::new(true);
        let mut out = filter.push(Bytes::copy_from_slice(one)).to_vec();
        out.extend_from_slice(&filter.push(Bytes::copy_from_slice(two)));
        out.extend_from_slice(&filter.finish());
        prop_assert_eq!(out, bytes);
    }
}

#[test]
fn servers_that_always_say_null_go_on_saying_it() {
    let chunk = "data: {\"choices\":[{\"delta\":{}}],\"usage\":null}\n\n";
    assert_eq!(filtered(false, &[chunk.as_bytes()]), chunk);
    let usage = "data: {\"choices\": [ ], \"usage\": {\"prompt_tokens\": 1}}\n\n";
    assert_eq!(filtered(false, &[usage.as_bytes()]), "");
}

#[test]
fn usage_beside_choices_stays() {
    let chunk = "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":1}}\n\n";
    assert_eq!(filtered(true, &[chunk.as_bytes()]), chunk);
}

#[test]
fn an_event_that_never_ends_is_not_held_back() {
    let mut filter = UsageFilter::new(true);
    let long = format!("data: {{\"x\":\"{}", "a".repeat(2 * LONGEST));
    let mut out = filter.push(Bytes::from(long.clone())).to_vec();
    assert!(out.len() > LONGEST, "it goes on while it comes");
    let tail = "\"}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n";
    out.extend_from_slice(&filter.push(Bytes::from_static(tail.as_bytes())));
    assert_eq!(
        String::from_utf8(out).unwrap(),
        format!("{long}\"}}\n\ndata: [DONE]\n\n")
    );
}
