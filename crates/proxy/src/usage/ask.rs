//! The request's side.

use bytes::Bytes;

use super::members::{Member, Members};

/// What is put into requests.
const MEMBER: &[u8] = br#""stream_options":{"include_usage":true}"#;
const INNER: &[u8] = br#""include_usage":true"#;
const OPTIONS: &[u8] = br#"{"include_usage":true}"#;

/// The pieces of a request that asks for the usage of its stream; none if it streams nothing, says by itself whether it wants
/// that, or is no JSON object.
pub(crate) fn ask(body: &Bytes) -> Option<[Bytes; 3]> {
    let mut members = Members::of(body, 0)?;
    let start = members.position();
    let mut streams = false;
    let mut options: Option<Member> = None;
    for member in members.by_ref() {
        match body.get(member.name.clone())? {
            b"stream" => streams = body.get(member.value.clone())? == b"true",
            b"stream_options" => options = Some(member),
            _ => {}
        }
    }
    // What does not end where an object ends is left to the provider to complain about.
    if !streams || body.get(members.position()) != Some(&b'}') {
        return None;
    }
    let Some(options) = options else {
        let is_empty = members.position() == start;
        return Some(cut(body, start, start, with_comma(MEMBER, !is_empty)));
    };
    let value = options.value;
    if body.get(value.clone())? == b"null" {
        return Some(cut(
            body,
            value.start,
            value.end,
            Bytes::from_static(OPTIONS),
        ));
    }
    let mut inner = Members::of(body.get(..value.end)?, value.start)?;
    let start = inner.position();
    let says = |member: Member| body.get(member.name) == Some(b"include_usage".as_slice());
    if inner.any(says) {
        return None;
    }
    let is_empty = body.get(start..value.end)?.trim_ascii_start() == b"}";
    Some(cut(body, start, start, with_comma(INNER, !is_empty)))
}

fn with_comma(member: &'static [u8], comma: bool) -> Bytes {
    match comma {
        true => [member, b","].concat().into(),
        false => Bytes::from_static(member),
    }
}

fn cut(body: &Bytes, start: usize, end: usize, between: Bytes) -> [Bytes; 3] {
    [body.slice(..start), between, body.slice(end..)]
}

/// The model that a request names at its top, as it is written.
pub(crate) fn model(body: &[u8]) -> Option<&str> {
    let mut members = Members::of(body, 0)?;
    let member =
        members.find(|member| body.get(member.name.clone()) == Some(b"model".as_slice()))?;
    let value = std::str::from_utf8(body.get(member.value)?).ok()?;
    value.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(body: &str) -> Option<String> {
        let pieces = ask(&Bytes::copy_from_slice(body.as_bytes()))?;
        Some(String::from_utf8(pieces.concat()).unwrap())
    }

    #[test]
    fn one_member_is_put_in_and_all_other_bytes_stay() {
        let cases = [
            (
                r#"{"model":"m","stream":true}"#,
                r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#,
            ),
            (
                " {\n  \"stream\" : true }\n",
                " {\"stream_options\":{\"include_usage\":true},\n  \"stream\" : true }\n",
            ),
            (
                r#"{"stream":true,"stream_options":null}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"stream":true,"stream_options":{ }}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true }}"#,
            ),
            (
                r#"{"stream":true,"stream_options":{"include_obfuscation":false}}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}"#,
            ),
        ];
        for (body, expected) in cases {
            let asked = asked(body).unwrap();
            assert_eq!(asked, expected);
            serde_json::from_str::<serde_json::Value>(&asked).unwrap();
        }
    }

    #[test]
    fn who_streams_nothing_or_says_by_himself_is_left_alone() {
        for body in [
            r#"{"model":"m"}"#,
            r#"{"stream":false}"#,
            r#"{"messages":[{"stream":true}]}"#,
            r#"{"content":"\"stream\":true"}"#,
            r#"{"stream":true,"stream_options":{"include_usage":false}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"stream":true,"stream_options":7}"#,
            r#"{"stream":true"#,
            r#"[{"stream":true}]"#,
            "",
        ] {
            assert_eq!(asked(body), None, "{body}");
        }
    }

    #[test]
    fn the_model_is_that_at_the_top() {
        assert_eq!(
            model(br#"{"messages":[{"model":"x"}],"model": "gpt-4o"}"#),
            Some("gpt-4o")
        );
        assert_eq!(model(br#"{"model": 7}"#), None);
    }
}
