//! What the LLM proxy writes beyond all dialects.

use super::*;

#[test]
fn what_only_the_proxy_writes_is_read_back() {
    let said = json!([{"role": "user", "parts": [{"type": "blob", "modality": "image", "mime_type": "image/png", "bytes": 8}]}]);
    let call = span(json!({
        "gen_ai.operation.name": "audio",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_creation.input_tokens": 80,
        "fanlight.llm.usage.cache_creation_1h.input_tokens": 30,
        "fanlight.llm.usage.web_searches": 2,
        "fanlight.llm.service_tier": "flex",
        "fanlight.llm.truncated": true,
        "gen_ai.usage.cost": 0.5,
        "fanlight.llm.cost.source": "list",
        "gen_ai.input.messages": said.to_string(),
    }));
    let mut usage = Usage::new(100, 5).cache_creation(80).cache_creation_1h(30);
    usage.web_searches = 2;
    assert_eq!((call.kind, call.usage), (Kind::Audio, Some(usage)));
    assert_eq!(
        (call.service_tier.as_deref(), call.truncated),
        (Some("flex"), true)
    );
    let picture = Part::Blob {
        modality: "image".to_owned(),
        mime_type: Some("image/png".to_owned()),
        bytes: 8,
    };
    assert_eq!(call.input_messages[0].parts, [picture]);
    // Whoever reads it computes it anew, and knows of what it is made.
    assert_eq!(call.reported_cost, None);
    let reported = span(
        json!({"gen_ai.operation.name": "chat", "gen_ai.usage.cost": 0.5, "fanlight.llm.cost.source": "reported"}),
    );
    assert_eq!(reported.reported_cost.unwrap().total.to_string(), "0.5");
}
