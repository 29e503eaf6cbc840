use std::sync::{Arc, Mutex};

use super::*;

fn content(policy: ContentPolicy, limit: usize) -> Content {
    Content { policy, limit }
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_variable_says_what_is_recorded() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&told);
    let notices = Notices::to(move |notice| into.lock().unwrap().push(notice.to_string()));
    for (value, expected) in [
        (None, ContentPolicy::Full),
        (Some(""), ContentPolicy::Full),
        (Some("true"), ContentPolicy::Full),
        (Some("SPAN_AND_EVENT"), ContentPolicy::Full),
        (Some("False"), ContentPolicy::Off),
        (Some("NO_CONTENT"), ContentPolicy::Off),
        (Some("EVENT_ONLY"), ContentPolicy::Off),
        (Some("truncated:500"), ContentPolicy::Truncated(500)),
        (Some(" Hashed "), ContentPolicy::Hashed),
    ] {
        let policy = of_variable(value.map(str::to_owned), &notices);
        assert_eq!(policy, expected, "{value:?}");
    }
    assert!(told.lock().unwrap().is_empty());
}

#[test]
fn what_the_variable_cannot_mean_is_told_and_records_nothing() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&told);
    let notices = Notices::to(move |notice| into.lock().unwrap().push(notice.to_string()));
    let policy = of_variable(Some("truncated:many".to_owned()), &notices);
    assert_eq!(policy, ContentPolicy::Off);
    let told = told.lock().unwrap();
    assert!(told[0].contains(VARIABLE), "{told:?}");
    assert!(told[0].contains("truncated:<characters>"), "{told:?}");
}

#[test]
fn hashes_are_those_of_the_standard() {
    for (text, expected) in [
        (
            "",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ] {
        assert_eq!(hashed(text.as_bytes()), format!("sha256:{expected}"));
    }
    let million = "a".repeat(1_000_000);
    assert_eq!(
        hashed(million.as_bytes()),
        "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    );
}

#[test]
fn texts_are_cut_between_characters() {
    let policy = ContentPolicy::Truncated(3);
    assert_eq!(policy.text("日本語"), "日本語");
    assert_eq!(policy.text("日本語だ"), "日本語… (1 more characters)");
    assert_eq!(policy.json(&json!({})), json!({}));
    assert_eq!(policy.json(&json!({"a": 1})), "{\"a… (4 more characters)");
}

#[test]
fn hashed_messages_show_only_their_structure() {
    let messages = [
        Message::user("secret").with(Part::image("image/png", *b"secret")),
        Message::assistant("secret").with(Part::tool_call("call_1", "find", r#"{"q": "secret"}"#)),
        Message::tool("call_1", "secret").with(Part::Other(json!({"type": "file", "x": "secret"}))),
    ];
    let text = content(ContentPolicy::Hashed, 1 << 20).messages(&messages);
    assert!(!text.contains("secret"), "{text}");
    assert!(!text.contains(&STANDARD.encode("secret")), "{text}");
    let json = json(&text);
    assert_eq!(json[0]["role"], "user");
    assert_eq!(json[0]["parts"][0]["content"], hashed(b"secret"));
    assert_eq!(json[1]["parts"][1]["name"], "find");
    assert_eq!(json[2]["parts"][1]["type"], "file");
}

#[test]
fn of_long_messages_images_go_first() {
    let messages =
        [Message::user("What is this?").with(Part::image("image/png", vec![7; 1_000_000]))];
    let text = content(ContentPolicy::Full, 4096).messages(&messages);
    assert!(text.len() <= 4096);
    let parts = &json(&text)[0]["parts"];
    assert_eq!(parts[0]["content"], "What is this?");
    assert_eq!(parts[1]["content"], "");
    assert_eq!(parts[1]["omitted_bytes"], 1_000_000);
}

#[test]
fn then_texts_are_shortened() {
    let messages = [
        Message::user("a".repeat(100_000)),
        Message::assistant("b".repeat(100_000)),
    ];
    let text = content(ContentPolicy::Full, 4096).messages(&messages);
    assert!(text.len() <= 4096);
    let json = json(&text);
    for (at, letter) in ["a", "b"].into_iter().enumerate() {
        let shown = json[at]["parts"][0]["content"].as_str().unwrap();
        assert!(shown.starts_with(&letter.repeat(500)), "{shown}");
        assert!(shown.ends_with("more characters)"), "{shown}");
    }
}

#[test]
fn then_the_oldest_messages_go() {
    let messages: Vec<_> = (0..1000).map(|n| Message::user(n.to_string())).collect();
    let text = content(ContentPolicy::Full, 4096).messages(&messages);
    assert!(text.len() <= 4096);
    let json = json(&text);
    let all = json.as_array().unwrap();
    assert_eq!(all.last().unwrap()["parts"][0]["content"], "999");
    let missing = 1001 - all.len();
    assert_eq!(json[0]["parts"][0]["type"], "omitted");
    assert_eq!(json[0]["parts"][0]["content"], format!("{missing} older"));
    assert_eq!(json[1]["parts"][0]["content"], missing.to_string());
}

#[test]
fn a_tools_long_answer_is_shortened() {
    let answer = json!(["x".repeat(100_000)]);
    let text = content(ContentPolicy::Full, 4096).value(&answer);
    assert!(text.len() <= 4096);
    assert!(text.starts_with("[\"xxx"), "{text}");
}
