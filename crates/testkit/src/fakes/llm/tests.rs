use super::*;
use crate::post;

const CHAT: &str = "/v1/chat/completions";

async fn ask(providers: &Providers, path: &str, headers: &[&str], body: &str) -> crate::Exchange {
    let json = "content-type: application/json";
    let headers: Vec<&str> = headers.iter().copied().chain([json]).collect();
    post(providers.address, path, &headers, body.as_bytes()).await
}

fn openai() -> String {
    format!("authorization: Bearer {OPENAI_KEY}")
}

#[tokio::test]
async fn wrong_keys_and_paths_are_refused_in_the_providers_words() {
    let providers = Providers::start();
    let cases = [
        (
            CHAT,
            "authorization: Bearer sk-wrong",
            401,
            "Incorrect API key provided: sk-wrong***",
        ),
        (
            "/v1/v1/chat/completions",
            &openai(),
            404,
            "Invalid URL (POST /v1/v1/chat/completions)",
        ),
        ("/v1/messages", "x-api-key: wrong", 401, "invalid x-api-key"),
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            "x-goog-api-key: wrong",
            400,
            "API key not valid",
        ),
        (
            "/v2/chat",
            "authorization: Bearer wrong",
            401,
            "invalid api token",
        ),
    ];
    for (path, header, status, words) in cases {
        let answer = ask(
            &providers,
            path,
            &[header],
            r#"{"model":"m","messages":[]}"#,
        )
        .await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text().contains(words), "{path}: {}", answer.text());
    }
    assert_eq!(providers.take_seen().len(), cases.len());
}

#[tokio::test]
async fn usage_is_streamed_only_where_it_is_asked_for() {
    let providers = Providers::start();
    let request = |options: &str| {
        format!(
            r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"Hi"}}],"stream":true{options}}}"#
        )
    };
    let plain = ask(&providers, CHAT, &[&openai()], &request(""))
        .await
        .text();
    assert!(!plain.contains("usage"), "{plain}");
    let asked = request(r#","stream_options":{"include_usage":true}"#);
    let with = ask(&providers, CHAT, &[&openai()], &asked).await.text();
    assert!(with.contains(r#""usage":null"#) && with.contains(r#""prompt_tokens":1200"#));
    assert!(
        with.trim_end()
            .trim_end_matches("0")
            .trim_end()
            .ends_with("data: [DONE]")
    );
}

#[tokio::test]
async fn wishes_shape_the_answer() {
    let providers = Providers::start();
    let request = |wish: &str| {
        format!(
            r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"{{{{{wish}}}}} Hi"}}],"stream":true}}"#
        )
    };
    let limited = ask(&providers, CHAT, &[&openai()], &request("status 429")).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "7"));
    let broken = ask(&providers, CHAT, &[&openai()], &request("abort 2"))
        .await
        .text();
    assert!(broken.contains("data: ") && !broken.contains("[DONE]"));
    let long = ask(&providers, CHAT, &[&openai()], &request("chunks 64"))
        .await
        .text();
    assert_eq!(long.matches(r#""content":""#).count(), 65);
    let gzip = [&*openai(), "accept-encoding: gzip"];
    let packed = ask(&providers, CHAT, &gzip, &request("gzip 1")).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
}

/// Path, headers, body, and what the answer must have.
type Case<'a> = (&'a str, Vec<String>, String, &'a str);

async fn all_answer(cases: Vec<Case<'_>>) {
    let providers = Providers::start();
    for (path, headers, body, words) in cases {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let answer = ask(&providers, path, &headers, &body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert!(answer.text().contains(words), "{path}: {}", answer.text());
    }
}

fn request(model: &str, rest: &str) -> String {
    format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"Hi"}}]{rest}}}"#)
}

#[tokio::test]
async fn openai_and_anthropic_answer_whole_and_streamed() {
    let claude = vec![
        format!("x-api-key: {ANTHROPIC_KEY}"),
        "anthropic-version: 2023-06-01".to_owned(),
    ];
    let (cached, last) = ("\"cache_read_input_tokens\":2048", "event: message_stop\n");
    let whole = r#"{"model":"gpt-4o-mini","input":"Hi"}"#.to_owned();
    let stream = r#"{"model":"gpt-4o-mini","input":"Hi","stream":true}"#.to_owned();
    let completed = "event: response.completed\n";
    let stream_of = |model| request(model, r#","max_tokens":9,"stream":true"#);
    all_answer(vec![
        (
            CHAT,
            vec![openai()],
            request("m", ""),
            "\"prompt_tokens\":1200",
        ),
        (CHAT, vec![openai()], stream_of("m"), "data: [DONE]\n"),
        (
            "/v1/responses",
            vec![openai()],
            whole,
            "\"input_tokens\":50",
        ),
        ("/v1/responses", vec![openai()], stream, completed),
        (
            "/v1/messages",
            claude.clone(),
            request("m", r#","max_tokens":9"#),
            cached,
        ),
        ("/v1/messages", claude, stream_of("m"), last),
    ])
    .await;
}

#[tokio::test]
async fn the_others_answer_whole_and_streamed() {
    let gemini = vec![format!("x-goog-api-key: {GEMINI_KEY}")];
    let cohere = vec![format!("authorization: Bearer {COHERE_KEY}")];
    let contents = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#.to_owned();
    let model = "/v1beta/models/gemini-2.5-flash";
    let [whole, array, events] = [
        "generateContent",
        "streamGenerateContent",
        "streamGenerateContent?alt=sse",
    ]
    .map(|action| format!("{model}:{action}"));
    let thoughts = "\"thoughtsTokenCount\":40";
    let streamed = request("command-r", r#","stream":true"#);
    all_answer(vec![
        (&whole, gemini.clone(), contents.clone(), thoughts),
        (&events, gemini.clone(), contents.clone(), thoughts),
        (&array, gemini, contents, "[{\"candidates\""),
        (
            "/v2/chat",
            cohere.clone(),
            request("command-r", ""),
            "\"billed_units\"",
        ),
        ("/v2/chat", cohere, streamed, "event: message-end\n"),
        (
            "/api/chat",
            Vec::new(),
            request("llama3.2", ""),
            "\"eval_count\":9",
        ),
        (
            "/api/chat",
            Vec::new(),
            request("llama3.2", r#","stream":false"#),
            ANSWER,
        ),
    ])
    .await;
}
