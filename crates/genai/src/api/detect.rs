//! Which interface a path is of, and whose a host is.

use crate::Kind;

/// An interface of a provider: how its requests, answers and counts look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProviderApi {
    /// [Chat completions](https://platform.openai.com/docs/api-reference/chat), which most providers speak.
    OpenAiChat,
    /// OpenAI's older completions of a text.
    OpenAiCompletions,
    /// [Responses](https://platform.openai.com/docs/api-reference/responses).
    OpenAiResponses,
    /// OpenAI's embeddings, which many speak.
    OpenAiEmbeddings,
    /// OpenAI's images.
    OpenAiImages,
    /// OpenAI's speech and transcriptions.
    OpenAiAudio,
    /// OpenAI's realtime events.
    OpenAiRealtime,
    /// [Anthropic's messages](https://platform.claude.com/docs/en/api/messages).
    AnthropicMessages,
    /// [Gemini's](https://ai.google.dev/api/generate-content) `generateContent`, streamed or not.
    GeminiGenerateContent,
    /// Gemini's embeddings.
    GeminiEmbedContent,
    /// [Ollama's](https://github.com/ollama/ollama/blob/main/docs/api.md) chat.
    OllamaChat,
    /// Ollama's completion of a text.
    OllamaGenerate,
    /// Ollama's embeddings.
    OllamaEmbed,
    /// [Cohere's chat](https://docs.cohere.com/reference/chat), of both versions.
    CohereChat,
    /// Cohere's embeddings.
    CohereEmbed,
    /// Cohere's order of documents.
    CohereRerank,
    /// [Bedrock's](https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html) `Converse`.
    BedrockConverse,
    /// Bedrock's `InvokeModel`, whose bodies are those of the model's vendor.
    BedrockInvoke,
}

use ProviderApi::*;

/// How hosts and paths of interfaces look. The host must contain the first, the path without its query must end with the second.
const ROUTES: &[(&str, &str, ProviderApi)] = &[
    ("cohere", "/chat", CohereChat),
    ("cohere", "/embed", CohereEmbed),
    ("cohere", "/rerank", CohereRerank),
    ("", "/api/chat", OllamaChat),
    ("", "/api/generate", OllamaGenerate),
    ("", "/api/embed", OllamaEmbed),
    ("", "/api/embeddings", OllamaEmbed),
    ("", "/chat/completions", OpenAiChat),
    ("", "/completions", OpenAiCompletions),
    ("", "/responses", OpenAiResponses),
    ("", "/embeddings", OpenAiEmbeddings),
    ("", "/images/generations", OpenAiImages),
    ("", "/images/edits", OpenAiImages),
    ("", "/images/variations", OpenAiImages),
    ("", "/audio/speech", OpenAiAudio),
    ("", "/audio/transcriptions", OpenAiAudio),
    ("", "/audio/translations", OpenAiAudio),
    ("", "/realtime", OpenAiRealtime),
    ("", "/v1/messages", AnthropicMessages),
    ("", ":rawPredict", AnthropicMessages),
    ("", ":streamRawPredict", AnthropicMessages),
    ("", ":generateContent", GeminiGenerateContent),
    ("", ":streamGenerateContent", GeminiGenerateContent),
    ("", ":embedContent", GeminiEmbedContent),
    ("", ":batchEmbedContents", GeminiEmbedContent),
    ("", ":predict", GeminiEmbedContent),
    ("", "/converse", BedrockConverse),
    ("", "/converse-stream", BedrockConverse),
    ("", "/invoke", BedrockInvoke),
    ("", "/invoke-with-response-stream", BedrockInvoke),
    ("", "/v2/chat", CohereChat),
    ("", "/v2/embed", CohereEmbed),
    ("", "/v2/rerank", CohereRerank),
    ("", "/rerank", CohereRerank),
];

/// Whose a host is, as `gen_ai.provider.name` says; the host must contain the first.
const HOSTS: &[(&str, &str)] = &[
    (".openai.azure.com", "azure.ai.openai"),
    (".services.ai.azure.com", "azure.ai.inference"),
    (".models.ai.azure.com", "azure.ai.inference"),
    ("api.openai.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("bedrock", "aws.bedrock"),
    ("cohere", "cohere"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.groq.com", "groq"),
    ("api.together.", "together_ai"),
    ("openrouter.ai", "openrouter"),
    ("api.perplexity.ai", "perplexity"),
    ("api.x.ai", "x_ai"),
    ("api.deepseek.com", "deepseek"),
    ("api.fireworks.ai", "fireworks_ai"),
    ("api.moonshot.", "moonshot_ai"),
    ("api.voyageai.com", "voyage_ai"),
    ("ml.cloud.ibm.com", "ibm.watsonx.ai"),
    (":11434", "ollama"),
];

impl ProviderApi {
    /// The interface at a path of a host; none if what is there is no call of a model, such as a list of models.
    pub fn detect(host: &str, path: &str) -> Option<ProviderApi> {
        let path = without_query(path).trim_end_matches('/');
        let fits =
            |(at, end, _): &&(&str, &str, ProviderApi)| host.contains(at) && path.ends_with(end);
        ROUTES.iter().find(fits).map(|(.., api)| *api)
    }

    /// Its name, in words parted by `_`: `openai_chat`.
    pub fn name(self) -> &'static str {
        match self {
            OpenAiChat => "openai_chat",
            OpenAiCompletions => "openai_completions",
            OpenAiResponses => "openai_responses",
            OpenAiEmbeddings => "openai_embeddings",
            OpenAiImages => "openai_images",
            OpenAiAudio => "openai_audio",
            OpenAiRealtime => "openai_realtime",
            AnthropicMessages => "anthropic_messages",
            GeminiGenerateContent => "gemini_generate_content",
            GeminiEmbedContent => "gemini_embed_content",
            OllamaChat => "ollama_chat",
            OllamaGenerate => "ollama_generate",
            OllamaEmbed => "ollama_embed",
            CohereChat => "cohere_chat",
            CohereEmbed => "cohere_embed",
            CohereRerank => "cohere_rerank",
            BedrockConverse => "bedrock_converse",
            BedrockInvoke => "bedrock_invoke",
        }
    }

    /// What its calls do.
    pub fn kind(self) -> Kind {
        match self {
            OpenAiEmbeddings | GeminiEmbedContent | OllamaEmbed | CohereEmbed => Kind::Embedding,
            OpenAiImages => Kind::Image,
            OpenAiAudio => Kind::Audio,
            CohereRerank => Kind::Reranker,
            _ => Kind::Llm,
        }
    }

    /// What OpenTelemetry calls what its calls do.
    pub fn operation(self) -> &'static str {
        match self {
            GeminiGenerateContent => "generate_content",
            OpenAiCompletions | OllamaGenerate => "text_completion",
            OpenAiImages => "image_generation",
            OpenAiAudio => "audio",
            CohereRerank => "rerank",
            api if api.kind() == Kind::Embedding => "embeddings",
            _ => "chat",
        }
    }

    /// Whose interface it is, where nothing else says whose host is called.
    pub fn provider(self) -> &'static str {
        match self {
            AnthropicMessages => "anthropic",
            GeminiGenerateContent | GeminiEmbedContent => "gcp.gemini",
            OllamaChat | OllamaGenerate | OllamaEmbed => "ollama",
            CohereChat | CohereEmbed | CohereRerank => "cohere",
            BedrockConverse | BedrockInvoke => "aws.bedrock",
            _ => "openai",
        }
    }

    /// Whether it streams JSON line by line.
    pub(crate) fn streams_lines(self) -> bool {
        matches!(self, OllamaChat | OllamaGenerate | CohereChat)
    }
}

/// Whose a host is, if it is known: `api.openai.com` is `openai`'s.
pub fn provider_at(host: &str) -> Option<&'static str> {
    let fits = |(at, _): &&(&str, &str)| host.contains(at);
    HOSTS.iter().find(fits).map(|(_, provider)| *provider)
}

/// The model that a path names: `/v1beta/models/gemini-2.5-pro:generateContent`, `/model/us.amazon.nova-pro-v1%3A0/converse`,
/// or the deployment of Azure, which may be called otherwise than its model.
pub fn model_in_path(path: &str) -> Option<String> {
    let path = without_query(path);
    let after = ["/models/", "/model/", "/deployments/"]
        .iter()
        .find_map(|mark| path.split_once(mark))?
        .1;
    let segment = after.split('/').next()?;
    // Only Gemini ends a name with a colon and what to do; Bedrock's revisions are numbers.
    let name = match segment.rsplit_once(':') {
        Some((name, verb)) if verb.chars().all(char::is_alphabetic) => name,
        _ => segment,
    };
    let name = decoded(name);
    (!name.is_empty()).then_some(name)
}

fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// Undoes percent encoding, where it is one.
fn decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes: Vec<u8> = pieces.next().unwrap_or_default().into();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).unwrap_or(("", piece));
        match u8::from_str_radix(digits, 16) {
            Ok(byte) => {
                bytes.push(byte);
                bytes.extend(rest.as_bytes());
            }
            Err(_) => {
                bytes.push(b'%');
                bytes.extend(piece.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
