//! Whatever arrives, and however it is cut, reading it ends; and how it is cut makes no difference.

use proptest::prelude::*;

use super::*;

const APIS: [ProviderApi; 18] = [
    OpenAiChat,
    OpenAiCompletions,
    OpenAiResponses,
    OpenAiEmbeddings,
    OpenAiImages,
    OpenAiAudio,
    OpenAiRealtime,
    AnthropicMessages,
    GeminiGenerateContent,
    GeminiEmbedContent,
    OllamaChat,
    OllamaGenerate,
    OllamaEmbed,
    CohereChat,
    CohereEmbed,
    CohereRerank,
    BedrockConverse,
    BedrockInvoke,
];
const FRAMINGS: [Framing; 4] = [
    Framing::Sse,
    Framing::Lines,
    Framing::JsonArray,
    Framing::AwsEventStream,
];

const WORDS: &[&str] = &[
    "text",
    "tool_use",
    "message_start",
    "message_delta",
    "content_block_start",
    "content_block_delta",
    "response.completed",
    "response.output_item.done",
    "function_call",
    "error",
    "{\"a\":",
    "AAAA",
    "message-end",
    "stop",
    "-5",
];
const NAMES: &[&str] = &[
    "choices",
    "delta",
    "message",
    "content",
    "tool_calls",
    "function",
    "arguments",
    "index",
    "type",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "response",
    "output",
    "item",
    "output_index",
    "candidates",
    "parts",
    "usageMetadata",
    "promptTokenCount",
    "cost",
    "error",
    "bytes",
    "text",
    "completion_tokens_details",
    "reasoning_tokens",
    "contentBlockDelta",
    "contentBlockIndex",
    "start",
    "metadata",
    "id",
    "model",
];

/// JSON of the words that interfaces use.
fn body() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e20..1e20).prop_map(Json::from),
        prop::sample::select(WORDS).prop_map(Json::from),
    ];
    let names = prop::sample::select(NAMES);
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

/// Feeds a stream in pieces that end at these places.
fn in_pieces(
    api: ProviderApi,
    framing: Framing,
    bytes: &[u8],
    cuts: &[prop::sample::Index],
) -> LlmCall {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut stream = AnswerStream::new(api, framing);
    let mut from = 0;
    for to in cuts.into_iter().chain([bytes.len()]) {
        stream.push(&bytes[from..to]);
        from = to;
    }
    let mut call = LlmCall::default();
    stream.finish(&mut call);
    call
}

proptest! {
    #[test]
    fn any_body_is_read(api in prop::sample::select(APIS.to_vec()), body in body(), path in "(/models/|/model/)?[a-z:%/]{0,12}") {
        let mut call = LlmCall::default();
        read_request(api, &path, body.to_string().as_bytes(), &mut call);
        read_response(api, body.to_string().as_bytes(), &mut call);
        let written = serde_json::to_value(&call).unwrap();
        let read: LlmCall = serde_json::from_value(written.clone()).unwrap();
        prop_assert_eq!(serde_json::to_value(&read).unwrap(), written);
        if let Some(usage) = call.usage {
            prop_assert!(usage.input_tokens >= usage.cache_read_input_tokens);
            prop_assert!(usage.output_tokens >= usage.reasoning_output_tokens);
        }
    }

    #[test]
    fn any_bytes_are_read(
        api in prop::sample::select(APIS.to_vec()),
        framing in prop::sample::select(FRAMINGS.to_vec()),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        prop_assert_eq!(in_pieces(api, framing, &bytes, &cuts), streamed(api, framing, &bytes));
        read_response(api, &bytes, &mut LlmCall::default());
    }

    #[test]
    fn cuts_make_no_difference(
        number in 0..9_usize,
        end in any::<prop::sample::Index>(),
        is_whole in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let stream = streams::all().swap_remove(number);
        let end = if is_whole { stream.bytes.len() } else { end.index(stream.bytes.len() + 1) };
        let bytes = &stream.bytes[..end];
        prop_assert_eq!(in_pieces(stream.api, stream.framing, bytes, &cuts), streamed(stream.api, stream.framing, bytes));
    }

    #[test]
    fn garbled_streams_are_read(
        number in 0..9_usize,
        garbled in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut stream = streams::all().swap_remove(number);
        for (at, byte) in garbled {
            let at = at.index(stream.bytes.len());
            stream.bytes[at] = byte;
        }
        prop_assert_eq!(
            in_pieces(stream.api, stream.framing, &stream.bytes, &cuts),
            streamed(stream.api, stream.framing, &stream.bytes)
        );
    }

    #[test]
    fn any_events_are_read(
        api in prop::sample::select(APIS.to_vec()),
        events in prop::collection::vec(body(), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let bytes = sse(&events);
        prop_assert_eq!(in_pieces(api, Framing::Sse, &bytes, &cuts), streamed(api, Framing::Sse, &bytes));
    }
}
