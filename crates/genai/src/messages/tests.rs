use super::*;
use serde_json::json;

fn call(id: &str) -> Part {
    Part::ToolCall {
        id: Some(id.to_owned()),
        name: "weather".to_owned(),
        arguments: json!({"city": "Paris"}),
    }
}

fn answer(id: &str, response: Json) -> Part {
    Part::ToolCallResponse {
        id: Some(id.to_owned()),
        name: None,
        response,
    }
}

#[test]
fn a_call_of_a_tool_is_the_same_in_every_dialect() {
    let arguments = json!({"city": "Paris"});
    let text = arguments.to_string();
    for written in [
        json!({"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": arguments}]}),
        json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": text}}]}),
        json!({"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": arguments}]}),
        json!({"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "c1", "toolName": "weather", "args": arguments}]}),
        json!({"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "c1", "toolName": "weather", "input": text}]}),
        json!({"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "weather", "arguments": text}),
        json!({"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "weather", "args": arguments}}]}),
        json!({"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "weather", "input": arguments}}]}),
        json!({"index": 0, "finish_reason": null, "message": {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": text}}]}}),
        json!({"type": "ai", "content": "", "tool_calls": [{"id": "c1", "name": "weather", "args": arguments}]}),
    ] {
        let message = message(&written, "user").unwrap_or_else(|| panic!("{written}"));
        assert_eq!(message.role, "assistant", "{written}");
        assert_eq!(message.parts, [call("c1")], "{written}");
    }
}

#[test]
fn what_a_tool_answered_is_the_same_in_every_dialect() {
    for written in [
        json!({"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "rain"}]}),
        json!({"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "result": "rain"}]}),
        json!({"role": "tool", "tool_call_id": "c1", "content": "rain"}),
        json!({"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "rain"}]}),
        json!({"role": "tool", "content": [{"type": "tool-result", "toolCallId": "c1", "output": {"type": "text", "value": "rain"}}]}),
        json!({"role": "tool", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "rain"}]}]}),
        json!({"type": "function_call_output", "call_id": "c1", "output": "rain"}),
        json!({"role": "tool", "content": "rain", "id": "c1"}),
    ] {
        let message = message(&written, "user").unwrap_or_else(|| panic!("{written}"));
        assert_eq!(message.parts, [answer("c1", json!("rain"))], "{written}");
        assert_eq!(message.role, "tool", "{written}");
    }
}

#[test]
fn media_are_named_and_not_held() {
    let blob = Part::Blob {
        modality: "image".to_owned(),
        mime_type: Some("image/png".to_owned()),
        bytes: 4,
    };
    for written in [
        json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAECAw=="}}),
        json!({"type": "input_image", "image_url": "data:image/png;base64,AAECAw=="}),
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAECAw=="}}),
        json!({"inlineData": {"mimeType": "image/png", "data": "AAECAw=="}}),
        json!({"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAECAw=="}),
        json!({"type": "image", "image": "AAECAw==", "mediaType": "image/png"}),
    ] {
        assert_eq!(parts(&written), std::slice::from_ref(&blob), "{written}");
    }
    let uri = Part::Uri {
        modality: "image".to_owned(),
        mime_type: None,
        uri: "https://example.com/cat.png".to_owned(),
    };
    for written in [
        json!({"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}),
        json!({"type": "image", "source": {"type": "url", "url": "https://example.com/cat.png"}}),
        json!({"type": "uri", "modality": "image", "uri": "https://example.com/cat.png"}),
    ] {
        assert_eq!(parts(&written), std::slice::from_ref(&uri), "{written}");
    }
    let file = parts(&json!({"type": "file", "file": {"file_id": "file-1"}}));
    assert!(matches!(file.as_slice(), [Part::File { file_id, .. }] if file_id == "file-1"));
}

#[test]
fn thoughts_stay_apart_from_text() {
    for written in [
        json!({"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yes"}]}),
        json!({"role": "assistant", "reasoning_content": "hm", "content": "yes"}),
        json!({"role": "model", "parts": [{"text": "hm", "thought": true}, {"text": "yes"}]}),
        json!({"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": "yes"}]}),
        json!({"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, {"type": "text", "content": "yes"}]}),
    ] {
        let expected = [
            Part::Reasoning {
                content: "hm".to_owned(),
            },
            Part::text("yes"),
        ];
        assert_eq!(
            message(&written, "assistant").unwrap().parts,
            expected,
            "{written}"
        );
    }
}

#[test]
fn requests_hold_their_messages() {
    let found = messages(
        &json!({"model": "m", "system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}]}),
        "user",
    );
    assert_eq!(
        found,
        [
            Message::text("system", "Be brief."),
            Message::text("user", "Hi")
        ]
    );
    assert_eq!(
        messages(&json!("Hi"), "user"),
        [Message::text("user", "Hi")]
    );
    assert_eq!(
        messages(&json!([[{"type": "human", "content": "Hi"}]]), "user"),
        [Message::text("user", "Hi")]
    );
    assert_eq!(messages(&json!(null), "user"), []);
}

#[test]
fn unknown_parts_are_kept_as_they_are() {
    let odd = json!({"type": "hologram", "depth": 3});
    assert_eq!(parts(&json!([odd])), [Part::Generic(odd)]);
}

#[test]
fn tools_are_defined_alike() {
    let schema = json!({"type": "object"});
    for written in [
        json!([{"type": "function", "function": {"name": "weather", "description": "d", "parameters": schema}}]),
        json!([{"type": "function", "name": "weather", "description": "d", "parameters": schema}]),
        json!([{"name": "weather", "description": "d", "input_schema": schema}]),
        json!([{"functionDeclarations": [{"name": "weather", "description": "d", "parameters": schema}]}]),
        json!([{"toolSpec": {"name": "weather", "description": "d", "inputSchema": {"json": schema}}}]),
        json!(r#"[{"name":"weather","description":"d","parameters":{"type":"object"}}]"#),
        json!([
            r#"{"type":"function","name":"weather","description":"d","inputSchema":{"type":"object"}}"#
        ]),
    ] {
        let found = tool_definitions(&written);
        assert_eq!(found.len(), 1, "{written}");
        assert_eq!(
            (found[0].name.as_str(), &found[0].parameters),
            ("weather", &schema),
            "{written}"
        );
    }
}
