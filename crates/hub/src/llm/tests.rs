use fanlight_config::Document;
use serde_json::{Value, json};

use super::*;

fn read(yaml: &str, variables: &[(&str, &str)]) -> (Option<Value>, Vec<String>) {
    let environment: Environment = variables.iter().copied().collect();
    let document = Document::parse("hub.yaml", yaml, &environment).unwrap();
    let llm = Llm::read(document.root(), &environment, None, false).unwrap();
    if let Some(node) = &llm.node {
        receiver(node).unwrap();
    }
    (llm.node.map(|node| node.decode().unwrap()), llm.notes)
}

fn node(yaml: &str, variables: &[(&str, &str)]) -> Value {
    read(yaml, variables).0.unwrap()
}

#[test]
fn it_runs_where_somebody_asks_for_it() {
    assert_eq!(read("service: {}", &[]).0, None);
    assert_eq!(
        read("llm: {enabled: false}", &[("PROXY_PORT", "1")]).0,
        None
    );
    assert_eq!(
        node("{}", &[("PROXY_PORT", "9000")]),
        json!({"endpoint": "127.0.0.1:9000"})
    );
    let written = node(
        "llm: {endpoint: '127.0.0.1:8081'}",
        &[("PROXY_PORT", "9000")],
    );
    assert_eq!(written, json!({"endpoint": "127.0.0.1:8081"}));
}

#[test]
fn a9_the_environment_names_bases_and_headers() {
    let variables = [
        ("OPENAI_BASE_URL", "https://oai.helicone.ai/v1"),
        (
            "OPENAI_DEFAULT_HEADERS",
            r#"{"Helicone-Auth": "Bearer sk-helicone-xxx"}"#,
        ),
        ("OPENAI_API_KEY", "sk-1"),
    ];
    assert_eq!(
        node("llm: {}", &variables),
        json!({"providers": {"openai": {
            "base_url": "https://oai.helicone.ai/v1",
            "headers": {"Helicone-Auth": "Bearer sk-helicone-xxx"},
        }}})
    );
    let own = "llm: {providers: {openai: {base_url: 'http://a/v1'}}, use_environment_keys: true}";
    assert_eq!(
        node(own, &variables)["providers"]["openai"],
        json!({"base_url": "http://a/v1", "headers": {"Helicone-Auth": "Bearer sk-helicone-xxx"}, "key": "sk-1"})
    );
}

#[test]
fn a_variable_that_is_meant_for_clients_is_no_loop() {
    let (node, notes) = read(
        "llm: {}",
        &[("ANTHROPIC_BASE_URL", "http://localhost:8080/anthropic")],
    );
    assert_eq!(node, Some(json!({})));
    assert!(notes[0].contains("ANTHROPIC_BASE_URL"), "{notes:?}");
}

#[test]
fn llmflows_variables_are_read() {
    let variables = [
        ("OLLAMA_HOST", "0.0.0.0"),
        ("OLLAMA_PORT", "11500"),
        ("AZURE_OPENAI_RESOURCE", "mine"),
        ("AZURE_DEPLOYMENT_GPT_4O", "big"),
        ("AWS_REGION", "eu-central-1"),
        ("HELICONE_HOST", "gateway.lan"),
    ];
    let providers = node("llm: {}", &variables)["providers"].clone();
    assert_eq!(providers["ollama"]["base_url"], "http://127.0.0.1:11500");
    assert_eq!(
        providers["azure"],
        json!({"base_url": "https://mine.openai.azure.com", "deployments": {"GPT_4O": "big"}})
    );
    assert_eq!(
        providers["bedrock"]["base_url"],
        "https://bedrock-runtime.eu-central-1.amazonaws.com"
    );
    assert_eq!(
        providers["helicone"]["base_url"],
        "https://gateway.lan:443/v1"
    );
}
