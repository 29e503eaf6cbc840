use http::Request;

use super::*;
use crate::provider::BUILT_IN;

fn routes() -> Routes {
    Routes {
        providers: BUILT_IN
            .iter()
            .map(|known| Arc::new(Provider::built_in(known)))
            .collect(),
        captures: Vec::new(),
        capture: Capture::Full,
        forward_hosts: ForwardHosts::new(&[]).unwrap(),
        signer: None,
        azure: Azure::new("2024-10-21".to_owned(), &Default::default()),
    }
}

fn target(path: &str, headers: &[(&str, &str)]) -> Result<(String, Target), u16> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let head = request.body(()).unwrap().into_parts().0;
    let target = routes()
        .target(&head)
        .map_err(|problem| problem.status.as_u16())?;
    Ok((
        format!("{}{}", target.base.origin.host, target.path),
        target,
    ))
}

fn url(path: &str) -> String {
    target(path, &[]).unwrap().0
}

/// The client's path, and where it leads.
#[rustfmt::skip]
const PREFIXES: &[(&str, &str)] = &[
    ("/v1/chat/completions", "api.openai.com/v1/chat/completions"),
    ("/chat/completions", "api.openai.com/v1/chat/completions"),
    ("/openai/v1/models", "api.openai.com/v1/models"),
    ("/anthropic/v1/messages", "api.anthropic.com/v1/messages"),
    ("/Anthropic/v1/messages", "api.anthropic.com/v1/messages"),
    ("/gemini/v1beta/models/m:generateContent", "generativelanguage.googleapis.com/v1beta/models/m:generateContent"),
    ("/v1beta/models", "generativelanguage.googleapis.com/v1beta/models"),
    ("/ollama/v1/chat/completions", "127.0.0.1/v1/chat/completions"),
    ("/api/chat", "127.0.0.1/api/chat"),
    ("/groq/v1/chat/completions", "api.groq.com/openai/v1/chat/completions"),
    ("/mistral/v1/chat/completions", "api.mistral.ai/v1/chat/completions"),
    ("/together/v1/chat/completions", "api.together.xyz/v1/chat/completions"),
    ("/openrouter/v1/chat/completions", "openrouter.ai/api/v1/chat/completions"),
    ("/perplexity/chat/completions", "api.perplexity.ai/chat/completions"),
    ("/perplexity/v1/chat/completions", "api.perplexity.ai/v1/chat/completions"),
    ("/cohere/v2/chat", "api.cohere.com/v2/chat"),
    ("/xai/v1/chat/completions", "api.x.ai/v1/chat/completions"),
    ("/deepseek/chat/completions", "api.deepseek.com/chat/completions"),
    ("/fireworks/v1/chat/completions", "api.fireworks.ai/inference/v1/chat/completions"),
    ("/bedrock/model/m/converse", "bedrock-runtime.us-east-1.amazonaws.com/model/m/converse"),
    ("/passthrough/anthropic/v1/messages", "api.anthropic.com/v1/messages"),
    ("/passthrough/openai/chat/completions", "api.openai.com/v1/chat/completions"),
    ("/passthrough/helicone/v1/chat/completions", "oai.helicone.ai/v1/chat/completions"),
];

#[test]
fn a6_a12_a23_every_documented_prefix_leads_to_its_provider() {
    for (path, expected) in PREFIXES {
        assert_eq!(url(path), *expected, "{path}");
    }
}

#[test]
fn a7_a_header_names_the_provider() {
    let (url, _) = target("/v1/chat/completions", &[("x-llmflow-provider", "Groq")]).unwrap();
    assert_eq!(url, "api.groq.com/openai/v1/chat/completions");
    let unknown = target("/v1/chat/completions", &[("x-fanlight-provider", "nobody")]);
    assert_eq!(unknown.unwrap_err(), 404);
}

#[test]
fn what_is_meant_for_nobody_known_goes_nowhere() {
    for path in [
        "/grok/v1/chat/completions",
        "/passthrough/nobody/v1",
        "/",
        "/favicon.ico",
    ] {
        assert_eq!(target(path, &[]).unwrap_err(), 404, "{path}");
    }
    assert_eq!(target("/azure/v1/chat/completions", &[]).unwrap_err(), 400);
}

#[test]
fn a13_only_chat_completions_for_others_are_translated() {
    let is = |path, headers: &[(&str, &str)]| target(path, headers).unwrap().1.translate;
    assert_eq!(
        is("/anthropic/v1/chat/completions", &[]),
        Some(Question::Chat(translate::Target::Anthropic))
    );
    assert_eq!(
        is("/gemini/v1/chat/completions", &[]),
        Some(Question::Chat(translate::Target::Gemini))
    );
    assert_eq!(is("/gemini/v1beta/openai/chat/completions", &[]), None);
    assert_eq!(
        is("/cohere/v1/chat/completions", &[]),
        Some(Question::Chat(translate::Target::Cohere))
    );
    assert_eq!(is("/cohere/compatibility/v1/chat/completions", &[]), None);
    assert_eq!(is("/anthropic/v1/messages", &[]), None);
    assert_eq!(is("/passthrough/anthropic/v1/chat/completions", &[]), None);
    let native = ("x-llmflow-passthrough", "true");
    assert_eq!(is("/anthropic/v1/chat/completions", &[native]), None);
    assert_eq!(is("/groq/v1/chat/completions", &[]), None);
}

#[test]
fn lists_of_models_are_translated_for_clients_of_openai() {
    let is = |path, headers: &[(&str, &str)]| target(path, headers).unwrap().1.translate;
    let key = ("authorization", "Bearer k");
    let models = |target| Some(Question::Models(target));
    for (path, headers, expected) in [
        (
            "/anthropic/v1/models",
            &[key][..],
            models(translate::Target::Anthropic),
        ),
        (
            "/anthropic/models/claude",
            &[key],
            models(translate::Target::Anthropic),
        ),
        (
            "/anthropic/v1/models",
            &[key, ("anthropic-version", "2023-06-01")],
            None,
        ),
        ("/anthropic/v1/models", &[("x-api-key", "k")], None),
        ("/passthrough/anthropic/v1/models", &[key], None),
        (
            "/gemini/v1/models",
            &[key],
            models(translate::Target::Gemini),
        ),
        ("/gemini/v1beta/models", &[key], None),
        (
            "/gemini/v1/models",
            &[("authorization", "Bearer ya29.a")],
            None,
        ),
        ("/gemini/v1beta/openai/models", &[key], None),
        // Cohere's own clients have this path and this header, too.
        ("/cohere/v1/models", &[key], None),
        (
            "/cohere/v1/models",
            &[key, ("x-stainless-lang", "js")],
            models(translate::Target::Cohere),
        ),
        ("/groq/v1/models", &[key], None),
    ] {
        assert_eq!(is(path, headers), expected, "{path} {headers:?}");
    }
}

#[test]
fn a9_a_forward_url_takes_the_place_of_the_base() {
    let header = ("x-llmflow-forward-url", "https://oai.helicone.ai/v1");
    let (url, target) = target("/v1/chat/completions", &[header]).unwrap();
    assert_eq!(url, "oai.helicone.ai/v1/chat/completions");
    assert!(!target.is_configured, "configured keys do not go there");
    assert!(target.with_helicone);
}

#[test]
fn what_is_for_helicone_does_not_go_to_openai() {
    let with = |path| target(path, &[]).unwrap().1.with_helicone;
    assert!(!with("/v1/models"));
    assert!(with("/passthrough/helicone/v1/models"));
}
