use super::*;

const PROXY: &str = "http://127.0.0.1:8080";

fn chosen(owner: Owner, program: &str, variables: &[(&str, &str)]) -> Variables {
    let environment = variables.iter().copied().collect();
    Variables::choose(&Endpoints::usual(), owner, program, &environment)
}

fn value<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    let mut set = variables.set.iter();
    set.find(|(key, _)| key == name).map(|(_, value)| &**value)
}

#[test]
fn everything_goes_through_the_hub() {
    let variables = chosen(Owner::User, "python", &[]);
    let expected = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_SERVICE_NAME", "python"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1"),
        (
            "ANTHROPIC_BASE_URL",
            "http://127.0.0.1:8080/passthrough/anthropic",
        ),
        (
            "GOOGLE_GEMINI_BASE_URL",
            "http://127.0.0.1:8080/passthrough/gemini",
        ),
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
        ("GEMINI_TELEMETRY_OTLP_PROTOCOL", "http"),
    ];
    for (name, wanted) in expected {
        assert_eq!(value(&variables, name), Some(wanted), "{name}");
    }
    assert!(variables.notes.is_empty() && variables.arguments.is_empty());
}

#[test]
fn what_the_user_set_is_kept_and_told() {
    let own = [
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_LOGS_EXPORTER", "console"),
        (
            "OPENAI_BASE_URL",
            "https://me:secret@gateway.example.com/v1?key=secret",
        ),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:8080/anthropic"),
    ];
    let variables = chosen(Owner::User, "python", &own);
    for (name, _) in own {
        assert_eq!(value(&variables, name), None, "{name}");
    }
    let notes = variables.notes.join("\n");
    assert!(notes.contains("OPENAI_BASE_URL=https://gateway.example.com/v1: kept"));
    assert!(notes.contains("OTEL_LOGS_EXPORTER=console: kept"));
    assert!(!notes.contains("secret") && !notes.contains("ANTHROPIC"));
    let named = chosen(
        Owner::User,
        "python",
        &[("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop")],
    );
    assert_eq!(value(&named, "OTEL_SERVICE_NAME"), None);
}

#[test]
fn a_hub_of_ones_own_forwards_to_what_the_user_named() {
    let own = [
        ("OPENAI_API_BASE", "https://gateway.example.com/v1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otlp.example.com"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret"),
    ];
    let variables = chosen(Owner::Run, "python", &own);
    assert_eq!(
        value(&variables, "OPENAI_API_BASE"),
        Some("http://127.0.0.1:8080/v1")
    );
    assert_eq!(
        value(&variables, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        Some("http://127.0.0.1:4318")
    );
    assert!(
        variables
            .unset
            .contains(&"OTEL_EXPORTER_OTLP_HEADERS".to_owned())
    );
    let hub = for_own_hub(&own.iter().copied().collect());
    assert_eq!(
        hub.get("OPENAI_BASE_URL"),
        Some("https://gateway.example.com/v1")
    );
    assert_eq!(
        hub.get("OTEL_EXPORTER_OTLP_HEADERS"),
        Some("api-key=secret")
    );
}

#[test]
fn telemetry_that_goes_elsewhere_stays_as_it_is() {
    let own = [(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "https://otlp.example.com/v1/traces",
    )];
    let variables = chosen(Owner::User, "python", &own);
    assert_eq!(value(&variables, "OTEL_EXPORTER_OTLP_ENDPOINT"), None);
    assert!(variables.unset.is_empty());
    assert_eq!(
        value(&variables, "OPENAI_BASE_URL"),
        Some("http://127.0.0.1:8080/v1")
    );
}

#[test]
fn codex_gets_overrides_that_its_parser_takes() {
    let variables = chosen(Owner::User, "codex", &[("CODEX_API_KEY", "sk-1")]);
    let settings: Vec<&String> = variables.arguments.iter().skip(1).step_by(2).collect();
    for setting in &settings {
        setting.parse::<toml_edit::DocumentMut>().unwrap();
    }
    assert_eq!(
        settings.last().unwrap().as_str(),
        "openai_base_url=\"http://127.0.0.1:8080/v1\""
    );
    assert_eq!(value(&variables, "OTEL_RESOURCE_ATTRIBUTES"), Some(PROXIED));
    let account = chosen(Owner::User, "codex", &[]);
    let redirects = |one: &String| one.contains("openai_base_url");
    assert!(!account.arguments.iter().any(redirects));
    assert!(account.notes.iter().any(|note| note.contains("API key")));
    assert_eq!(value(&account, "OTEL_RESOURCE_ATTRIBUTES"), None);
}

#[test]
fn no_call_of_a_tool_counts_twice() {
    let own = [("OTEL_RESOURCE_ATTRIBUTES", "team=a")];
    let claude = chosen(Owner::User, "claude", &own);
    let both = format!("team=a,{PROXIED}");
    assert_eq!(value(&claude, "OTEL_RESOURCE_ATTRIBUTES"), Some(&*both));
    let gateway = [("ANTHROPIC_BASE_URL", "https://gateway.example.com")];
    let elsewhere = chosen(Owner::User, "claude", &gateway);
    assert_eq!(value(&elsewhere, "OTEL_RESOURCE_ATTRIBUTES"), None);
}

#[test]
fn variables_that_would_harm_are_left_out() {
    let gemini = chosen(Owner::User, "gemini", &[("GEMINI_API_KEY", "k")]);
    assert_eq!(value(&gemini, "GOOGLE_GEMINI_BASE_URL"), None);
    assert_eq!(gemini.notes.len(), 1);
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".gemini")).unwrap();
    let settings = r#"{"security": {"auth": {"selectedType": "gemini-api-key"}}}"#;
    std::fs::write(home.path().join(".gemini/settings.json"), settings).unwrap();
    let with_key = [("HOME", home.path().to_str().unwrap())];
    let with_key = chosen(Owner::User, "gemini", &with_key);
    let url = value(&with_key, "GOOGLE_GEMINI_BASE_URL");
    assert!(url.is_some_and(|url| url.starts_with(PROXY)));
    let ollama = chosen(Owner::User, "ollama", &[]);
    assert_eq!(value(&ollama, "OLLAMA_HOST"), None);
    let behind = [("HTTP_PROXY", "http://proxy:3128"), ("NO_PROXY", "corp")];
    let behind = chosen(Owner::User, "python", &behind);
    assert_eq!(value(&behind, "NO_PROXY"), Some("corp,127.0.0.1,localhost"));
}

#[test]
fn a_hub_without_a_proxy_leaves_calls_alone() {
    let endpoints = Endpoints {
        proxy: None,
        ..Endpoints::usual()
    };
    let variables = Variables::choose(&endpoints, Owner::User, "python", &Environment::default());
    assert_eq!(value(&variables, "OPENAI_BASE_URL"), None);
    assert!(
        variables
            .notes
            .iter()
            .any(|note| note.contains("no LLM proxy"))
    );
}
