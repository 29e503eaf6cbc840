//! Whatever is sent, reading it ends with a call or without one.

use proptest::prelude::*;

use super::*;

fn key() -> impl Strategy<Value = String> {
    let known: Vec<_> = crate::spans::dialects::TABLES
        .iter()
        .flat_map(|table| table.rows.iter().map(|(key, _)| (*key).to_owned()))
        .collect();
    let numbered = "(gen_ai\\.prompt|gen_ai\\.completion|llm\\.input_messages|llm\\.tools)\\.[0-9]{1,3}(\\.(message|role|content|tool_calls|0|tool)){0,4}";
    prop_oneof![4 => prop::sample::select(known), 1 => numbered]
}

fn value() -> impl Strategy<Value = Json> {
    let words = prop::sample::select(vec![
        "chat",
        "LLM",
        "ai.generateText.doGenerate",
        "invoke_agent",
        "{\"input\":1}",
        "[{\"role\":\"user\"}]",
        "[[[",
        "\"\"",
        "-1",
        "18446744073709551616",
        "1e999",
        "response.completed",
        "é",
    ]);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e12..1e12).prop_map(Json::from),
        words.prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
    ];
    let names = prop::sample::select(vec![
        "role",
        "content",
        "parts",
        "type",
        "tool_calls",
        "function",
        "text",
        "image",
        "data",
        "message",
        "usage",
        "arguments",
    ]);
    let tree = leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((names.clone(), inner), 0..4).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    });
    prop_oneof![
        tree.clone(),
        tree.prop_map(|value| Json::from(value.to_string()))
    ]
}

proptest! {
    #[test]
    fn any_attributes_give_a_call_that_reads_itself(
        fields in prop::collection::btree_map(key(), value(), 0..12),
        name in prop::sample::select(vec!["chat m", "claude_code.llm_request", "codex.sse_event", "gemini_cli.api_response", "gen_ai.choice"]),
        scope in prop::sample::select(vec!["any", "pydantic-ai", "gemini-cli", "com.anthropic.claude_code.tracing"]),
        body in value(),
    ) {
        let attributes: Json = fields.into_iter().collect();
        let events = vec![("gen_ai.choice", attributes.clone()), ("gen_ai.client.inference.operation.details", attributes.clone())];
        let sent = Sent { events, body, ..Sent::named(scope, name, attributes) };
        for call in [sent.as_span(), sent.as_log()].into_iter().flatten() {
            let written = serde_json::to_value(&call).unwrap();
            let read: LlmCall = serde_json::from_value(written.clone()).unwrap();
            prop_assert_eq!(serde_json::to_value(&read).unwrap(), written);
            if let Some(usage) = call.usage {
                prop_assert!(usage.input_tokens >= usage.cache_read_input_tokens);
                prop_assert!(usage.output_tokens >= usage.reasoning_output_tokens);
            }
        }
    }
}
