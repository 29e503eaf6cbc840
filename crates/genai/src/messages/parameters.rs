//! Parameters of requests, by the names that interfaces have for them.

use serde_json::Value as Json;

use crate::{Parameters, json};

/// What is content, or said elsewhere.
const NOT_PARAMETERS: [&str; 25] = [
    "model",
    "messages",
    "prompt",
    "input",
    "contents",
    "content",
    "system",
    "systemInstruction",
    "system_instruction",
    "instructions",
    "tools",
    "functions",
    "functionDeclarations",
    "file",
    "image",
    "mask",
    "documents",
    "texts",
    "images",
    "query",
    "inputs",
    "inputText",
    "data",
    "user",
    "metadata",
];

/// Takes over what an object says; what is known already stays.
pub(crate) fn read_parameters(parameters: &mut Parameters, object: &Json) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let number = || json::number(value);
        match name.as_str() {
            _ if value.is_null() || NOT_PARAMETERS.contains(&name.as_str()) => {}
            "temperature" => fill(&mut parameters.temperature, number()),
            "top_p" | "topP" | "p" => fill(&mut parameters.top_p, number()),
            "top_k" | "topK" | "k" => fill(&mut parameters.top_k, number()),
            "max_tokens"
            | "max_completion_tokens"
            | "max_output_tokens"
            | "maxOutputTokens"
            | "maxTokens"
            | "max_tokens_to_sample"
            | "max_gen_len"
            | "num_predict"
            | "maxTokenCount" => {
                fill(&mut parameters.max_tokens, json::count(value));
            }
            "frequency_penalty" | "frequencyPenalty" => {
                fill(&mut parameters.frequency_penalty, number())
            }
            "presence_penalty" | "presencePenalty" => {
                fill(&mut parameters.presence_penalty, number())
            }
            "seed" => fill(
                &mut parameters.seed,
                value.as_i64().or(number().map(|number| number as i64)),
            ),
            "n" | "candidateCount" | "candidate_count" => {
                fill(&mut parameters.choice_count, json::count(value))
            }
            "stop" | "stop_sequences" | "stopSequences" => {
                if parameters.stop_sequences.is_empty() {
                    parameters.stop_sequences = json::texts(value);
                }
            }
            "reasoning_effort" | "reasoning" => {
                let effort = value.get("effort").unwrap_or(value);
                fill(&mut parameters.reasoning_effort, json::text(effort));
            }
            "generationConfig"
            | "generation_config"
            | "inferenceConfig"
            | "textGenerationConfig"
            | "options" => {
                read_parameters(parameters, value);
            }
            "response_format" if value.get("type").is_some() => {
                fill(&mut parameters.output_type, json::text_of(value, &["type"]));
            }
            _ => {
                parameters
                    .other
                    .entry(name.clone())
                    .or_insert_with(|| value.clone());
            }
        }
    }
}

fn fill<T>(field: &mut Option<T>, value: Option<T>) {
    if field.is_none() {
        *field = value;
    }
}
