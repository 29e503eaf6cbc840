use super::*;

/// What a question for models becomes, and what the answer to it does.
fn listed(target: Target, path: &str, status: u16, answer: &Json) -> (String, Json) {
    let translation = Question::Models(target).translated(path, b"").unwrap();
    assert!(translation.body.is_empty());
    let mut reply = translation.reply;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    reply.head(StatusCode::from_u16(status).unwrap(), &mut headers);
    assert!(reply.push(&Bytes::from(answer.to_string())).is_empty());
    let answer = serde_json::from_slice(&reply.finish()).unwrap();
    (translation.path_and_query, answer)
}

fn model(id: &str, created: u64, owner: &str) -> Json {
    json!({"id": id, "object": "model", "created": created, "owned_by": owner})
}

#[test]
fn lists_of_models_become_openais() {
    let (path, list) = listed(
        Target::Anthropic,
        "/v1/models",
        200,
        &json!({"data": [{"type": "model", "id": "claude-sonnet-4-20250514", "display_name": "Claude Sonnet 4", "created_at": "2025-05-14T00:00:00Z"}],
               "has_more": false, "first_id": "claude-sonnet-4-20250514", "last_id": "claude-sonnet-4-20250514"}),
    );
    assert_eq!(path, "/v1/models?limit=1000");
    let claude = model("claude-sonnet-4-20250514", 1_747_180_800, "anthropic");
    assert_eq!(list, json!({"object": "list", "data": [claude]}));

    let gemini = json!({"name": "models/gemini-2.5-flash", "version": "001", "supportedGenerationMethods": ["generateContent"]});
    let (path, list) = listed(
        Target::Gemini,
        "/v1/models",
        200,
        &json!({"models": [gemini]}),
    );
    assert_eq!(path, "/v1beta/models?pageSize=1000");
    let flash = model("gemini-2.5-flash", 0, "google");
    assert_eq!(list, json!({"object": "list", "data": [flash]}));
    let (path, one) = listed(Target::Gemini, "/v1/models/gemini-2.5-flash", 200, &gemini);
    assert_eq!((&*path, one), ("/v1beta/models/gemini-2.5-flash", flash));
    let (_, none) = listed(Target::Gemini, "/v1/models", 200, &json!({}));
    assert_eq!(none, json!({"object": "list", "data": []}));

    let answer = json!({"models": [{"name": "command-a-03-2025", "endpoints": ["chat"], "context_length": 256000}], "next_page_token": ""});
    let (path, list) = listed(Target::Cohere, "/v1/models", 200, &answer);
    assert_eq!(path, "/v1/models?page_size=1000");
    let command = model("command-a-03-2025", 0, "cohere");
    assert_eq!(list, json!({"object": "list", "data": [command]}));
}

#[test]
fn errors_of_lists_become_openais() {
    let refusal = json!({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}});
    let (_, answer) = listed(Target::Anthropic, "/v1/models", 401, &refusal);
    assert_eq!(
        (&answer["error"]["message"], &answer["error"]["type"]),
        (&json!("invalid x-api-key"), &json!("authentication_error"))
    );
}
