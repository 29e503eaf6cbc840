use super::super::{json as format_json, named, toml};
use super::*;

fn snippet(name: &str) -> String {
    let tool = named(name).map_err(|problem| problem.message).unwrap();
    let environment = [("CODEX_API_KEY", "sk-1")].into_iter().collect();
    let settings = tool.settings(&Endpoints::usual(), &environment);
    tool.format.snippet(&settings)
}

#[test]
fn every_tool_has_something_to_set() {
    for tool in TOOLS {
        assert!(
            snippet(tool.name).contains("http://127.0.0.1:"),
            "{}",
            tool.name
        );
    }
}

#[test]
fn snippets_are_valid_where_parsers_look_at_them() {
    let claude: Value = serde_json::from_str(&snippet("claude-code")).unwrap();
    assert_eq!(
        claude["env"]["ANTHROPIC_BASE_URL"],
        "http://127.0.0.1:8080/passthrough/anthropic"
    );
    assert_eq!(claude["env"]["CLAUDE_CODE_ENABLE_TELEMETRY"], "1");
    let gemini: Value = serde_json::from_str(&snippet("gemini")).unwrap();
    assert_eq!(
        gemini["telemetry"],
        json!({"enabled": true, "target": "local", "otlpEndpoint": "http://127.0.0.1:4318", "otlpProtocol": "http", "traces": true})
    );
    let codex = toml::Toml::parse(&snippet("codex")).unwrap();
    let get = |path: &[&str]| {
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        super::super::file::Text::get(&codex, &path)
    };
    assert_eq!(
        get(&["openai_base_url"]),
        Some(json!("http://127.0.0.1:8080/v1"))
    );
    let endpoint = get(&["otel", "exporter", "otlp-http", "endpoint"]);
    assert_eq!(endpoint, Some(json!("http://127.0.0.1:4318/v1/logs")));
    assert!(format_json::Json::parse(&snippet("opencode")).is_ok());
}

#[test]
fn a_codex_account_keeps_its_own_address() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".codex")).unwrap();
    let login = r#"{"OPENAI_API_KEY": null, "tokens": {"access_token": "x"}}"#;
    std::fs::write(home.path().join(".codex/auth.json"), login).unwrap();
    let environment = [("HOME", home.path().display().to_string())]
        .into_iter()
        .collect();
    let tool = named("codex").map_err(|problem| problem.message).unwrap();
    let settings = tool.settings(&Endpoints::usual(), &environment);
    assert!(
        settings
            .iter()
            .all(|setting| setting.name().starts_with("otel."))
    );
    assert_eq!(
        tool.file(&environment),
        Some(home.path().join(".codex/config.toml"))
    );
}

#[test]
fn an_unknown_tool_gets_the_nearest() {
    let hint = |name| named(name).err().and_then(|problem| problem.hint).unwrap();
    assert_eq!(hint("claude-cod"), "did you mean claude-code?");
    assert_eq!(hint("Gemini_CLI2"), "did you mean gemini-cli?");
    assert!(hint("emacs").starts_with("fanlight setup lists"));
}
