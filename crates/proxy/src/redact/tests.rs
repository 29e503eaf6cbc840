use proptest::prelude::*;

use super::*;

/// Keys of every shape, made of letters and digits that are told.
pub(crate) fn keys() -> impl Strategy<Value = String> {
    let shape = prop::sample::select(vec![
        ("sk-", 32),
        ("sk-proj-", 48),
        ("sk-ant-api03-", 64),
        ("sk-or-v1-", 64),
        ("sk_live_", 24),
        ("gsk_", 52),
        ("AIza", 35),
        ("xoxb-", 40),
        ("ghp_", 36),
        ("github_pat_", 60),
        ("hf_", 34),
        ("xai-", 60),
        ("pplx-", 48),
        ("glpat-", 20),
        ("ya29.", 60),
        ("Bearer ", 40),
    ]);
    let known =
        (shape, "[A-Za-z0-9]{64}").prop_map(|((prefix, length), text): ((&str, usize), String)| {
            // Every key has a digit.
            let rest: String = text.chars().take(length - 1).collect();
            format!("{prefix}7{rest}")
        });
    let aws = "AKIA[A-Z2-7]{15}7";
    let token = "eyJ[A-Za-z0-9]{20}7\\.eyJ[A-Za-z0-9_-]{30}\\.[A-Za-z0-9_-]{43}";
    prop_oneof![8 => known, 1 => aws, 1 => token]
}

fn clean(text: &str) -> String {
    Redaction::default().text(text).into_owned()
}

proptest! {
    #[test]
    fn no_key_survives_in_a_text(key in keys(), before in "[ -~é\n]{0,40}([ \n\t\"'=:_,;(]|%20|é)", after in "[\"',;:)}\n ].{0,40}") {
        let text = format!("{before}{key}{after}");
        let secret = key.trim_start_matches("Bearer ");
        prop_assert!(!clean(&text).contains(secret), "{}", clean(&text));
        // Again, in JSON, and in JSON within JSON.
        let json = serde_json::Value::from(text).to_string();
        prop_assert!(!clean(&json).contains(secret));
        prop_assert!(!clean(&serde_json::Value::from(json).to_string()).contains(secret));
    }

    /// Places are skipped only where no shape begins.
    #[test]
    fn candidates_miss_nothing(pieces in prop::collection::vec(prop_oneof![
        2 => keys(),
        2 => prop::sample::select(vec![
            "api_key", "API-Key", "apikey", "secret_access_key", "secretKey", "client-secret", "access_token", "refreshtoken", "password",
            "helicone-auth", "?key=", "&x-amz-signature=", "?token=", "Bearer ", "basic%20", "BEARER+", "bedrock-api-key-", "pylf_v1_",
            "pylf_v12_us_", "xoxb-", "dop_v1_", "tgp_v1_", "lin_api_", "github_pat_", "-----BEGIN RSA PRIVATE KEY-----", "-----END PRIVATE KEY-----",
        ]).prop_map(str::to_owned),
        2 => "[A-Za-z0-9_-]{0,24}",
        3 => prop::sample::select(vec![
            ": ", "=", "\": \"", "\\\": \\\"", "'='", " : ", "\u{a0}=", "\n", "\\n", "\\u0020", "%20", " ", "é", "-", "_", "&", "?", "x",
        ]).prop_map(str::to_owned),
    ], 0..12)) {
        let text = pieces.concat();
        prop_assert_eq!(clean(&text), cleaned_everywhere(&text), "{}", text);
    }

    #[test]
    fn a_text_that_is_cut_does_not_end_in_half_a_key(key in keys(), cut in 1usize..60) {
        let text = format!("the key is {key} and more");
        let kept = beginning(&text, "the key is ".len() + cut.min(key.len()));
        prop_assert!("the key is Bearer ".starts_with(clean(kept).trim_end()), "{kept}");
    }
}

/// The text as it becomes when every place of it is looked at: slow, and plainly right.
fn cleaned_everywhere(text: &str) -> String {
    let start =
        Regex::new(r"(?:\A|[^A-Za-z0-9]|\\[nrtbf]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2})\z").unwrap();
    let places = text.char_indices().map(|(at, _)| at).filter(|at| {
        let (before, rest) = text.split_at(*at);
        // What says that a key follows may stand anywhere, keys themselves only where a word begins.
        let says = |found: Captures<'_>| !what_it_is(&found).is_empty();
        start.is_match(before)
            || rest.starts_with("-----")
            || SHAPES.captures(rest).is_some_and(says)
    });
    without_keys_at(text, places.collect()).into_owned()
}

#[test]
fn what_says_what_it_is_stays() {
    for (text, expected) in [
        (
            "Authorization: Bearer abcdef0123456789",
            "Authorization: Bearer [redacted]",
        ),
        (
            "GET /v1?key=abc123&alt=sse",
            "GET /v1?key=[redacted]&alt=sse",
        ),
        (
            r#"{"api_key": "abcd1234efgh", "n": 1}"#,
            r#"{"api_key": "[redacted]", "n": 1}"#,
        ),
        (
            r#"{\"password\":\"hunter2hunter2\"}"#,
            r#"{\"password\":\"[redacted]\"}"#,
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend",
            "[redacted]\nend",
        ),
        ("a -----BEGIN PRIVATE KEY-----\\nMIIE", "a [redacted]"),
    ] {
        assert_eq!(clean(text), expected);
    }
}

#[test]
fn what_is_no_key_stays_as_it_is() {
    for text in [
        "",
        "the sk-learn library, task-management-and-planning",
        "client = OpenAI(api_key=os.environ.get(name), password=hashed_password)",
        "Bearer of the ring, basic understanding of things",
        "token: 12, max_tokens=4096, ?key=",
        "task-2024-planning-document-17 desk-1234567890abcdefghij half_life_1234567890abcdef",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "call_abc123DEF456ghi789JKL012 msg_01XFDUDYJgAACzvnptvVoYEL chatcmpl-9xyz",
    ] {
        assert!(
            matches!(Redaction::default().text(text), Cow::Borrowed(_)),
            "{}",
            clean(text)
        );
    }
}

fn headers(headers: &[(&'static str, &'static str)]) -> HeaderMap {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()));
    headers.collect()
}

#[test]
fn credentials_are_found_wherever_they_turn_up_again() {
    let headers = headers(&[
        ("authorization", "Bearer an-odd-credential"),
        ("api-key", "0123abcd0123abcd"),
        ("cookie", "a=b; session=some-session-value"),
        ("x-trace-id", "an-innocent-text"),
    ]);
    let redaction = Redaction::of_request(&headers, Some("alt=sse&key=a-key-in-a-query"));
    let said = "wrong key an-odd-credential / 0123abcd0123abcd / some-session-value / a-key-in-a-query / an-innocent-text";
    let expected = "wrong key [redacted] / [redacted] / [redacted] / [redacted] / an-innocent-text";
    assert_eq!(redaction.text(said), expected);
    assert_eq!(
        redaction.query("alt=sse&key=a-key-in-a-query&b"),
        "alt=sse&key=[redacted]&b"
    );
}

#[test]
fn headers_of_secrets_are_told_by_name_only() {
    let redaction = Redaction::default();
    for name in [
        "Authorization",
        "Proxy-Authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "Cookie",
        "Set-Cookie",
        "Helicone-Auth",
        "x-amz-security-token",
    ] {
        assert_eq!(redaction.header(name, "x"), REDACTED, "{name}");
    }
    for name in [
        "x-ratelimit-remaining-tokens",
        "openai-organization",
        "content-type",
        "anthropic-version",
    ] {
        assert_eq!(redaction.header(name, "5"), "5", "{name}");
    }
}
