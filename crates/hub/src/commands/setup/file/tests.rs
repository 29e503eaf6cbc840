use serde_json::json;

use super::*;

fn setting(path: &[&str], value: Value) -> Setting {
    Setting {
        path: path.iter().map(|&part| part.to_owned()).collect(),
        value,
    }
}

/// Writes a file, changes it, and answers what is in it.
struct Case {
    directory: tempfile::TempDir,
    format: Format,
    settings: Vec<Setting>,
}

impl Case {
    fn new(format: Format, text: &str, settings: Vec<Setting>) -> Case {
        let directory = tempfile::tempdir().unwrap();
        let case = Case {
            directory,
            format,
            settings,
        };
        std::fs::write(case.file(), text).unwrap();
        case
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("settings")
    }

    fn apply(&self, what: &Change) -> (Outcome, String) {
        let outcome = change(&self.file(), self.format, &self.settings, what)
            .map_err(|problem| problem.message)
            .unwrap();
        let text = std::fs::read_to_string(self.file()).unwrap_or_default();
        (outcome, text)
    }
}

fn url() -> Setting {
    setting(
        &["env", "ANTHROPIC_BASE_URL"],
        json!("http://127.0.0.1:8080/x"),
    )
}

#[test]
fn json_keeps_its_comments_and_comes_back_as_it_was() {
    let before = "{\n  // mine\n  \"model\": \"opus\",\n  \"env\": {\n    \"A\": \"1\"\n  }\n}\n";
    let switch = setting(&["telemetry", "enabled"], json!(true));
    let case = Case::new(Format::Json, before, vec![url(), switch]);
    let (_, written) = case.apply(&Change::Write);
    assert!(written.contains("// mine"), "{written}");
    let without: String = written.replace("// mine", "");
    let value: Value = serde_json::from_str(&without).unwrap();
    assert_eq!(
        value,
        json!({"model": "opus", "env": {"A": "1", "ANTHROPIC_BASE_URL": "http://127.0.0.1:8080/x"}, "telemetry": {"enabled": true}})
    );
    let (again, same) = case.apply(&Change::Write);
    assert_eq!((&*again.done, same), ("is set up already", written));
    let (_, undone) = case.apply(&Change::Undo);
    assert_eq!(undone, before);
    assert!(!backup(&case.file()).exists());
}

#[test]
fn toml_keeps_its_comments_and_comes_back_as_it_was() {
    let before = "# mine\nmodel = \"gpt-5\" # fast\n\n[profiles.work]\nmodel = \"o3\"\n";
    let exporter =
        json!({"otlp-http": {"endpoint": "http://127.0.0.1:4318/v1/logs", "protocol": "binary"}});
    let settings = vec![
        setting(&["openai_base_url"], json!("http://127.0.0.1:8080/v1")),
        setting(&["otel", "exporter"], exporter.clone()),
    ];
    let case = Case::new(Format::Toml, before, settings);
    let (_, written) = case.apply(&Change::Write);
    assert!(
        written.contains("# mine") && written.contains("# fast"),
        "{written}"
    );
    let read = toml::Toml::parse(&written).unwrap();
    assert_eq!(
        read.get(&["otel".to_owned(), "exporter".to_owned()]),
        Some(exporter)
    );
    assert_eq!(
        read.get(&["openai_base_url".to_owned()]),
        Some(json!("http://127.0.0.1:8080/v1"))
    );
    let (_, undone) = case.apply(&Change::Undo);
    assert_eq!(undone, before);
}

#[test]
fn yaml_keeps_its_other_lines() {
    let before = "# mine\nmodel: gpt-4o\nread:\n  - CONVENTIONS.md\n";
    let base = setting(&["openai-api-base"], json!("http://127.0.0.1:8080/v1"));
    let case = Case::new(Format::Yaml, before, vec![base]);
    let (_, written) = case.apply(&Change::Write);
    assert_eq!(
        written,
        format!("{before}openai-api-base: http://127.0.0.1:8080/v1\n")
    );
    let read = fanlight_testkit::node(&written);
    assert!(
        read.entries()
            .unwrap()
            .iter()
            .any(|(key, _, _)| *key == "openai-api-base")
    );
    assert_eq!(case.apply(&Change::Undo).1, before);
}

#[test]
fn a_value_of_the_users_is_kept_and_told() {
    let before =
        "{\n  \"env\": {\n    \"ANTHROPIC_BASE_URL\": \"https://gateway.example.com\"\n  }\n}\n";
    let case = Case::new(Format::Json, before, vec![url()]);
    let (outcome, text) = case.apply(&Change::Write);
    assert_eq!(text, before);
    let kept = (
        "env.ANTHROPIC_BASE_URL".to_owned(),
        "\"https://gateway.example.com\"".to_owned(),
    );
    assert_eq!(outcome.kept, [kept]);
    assert_eq!(case.apply(&Change::Undo).1, before);
}

#[test]
fn a_hub_on_other_ports_replaces_what_was_written_before() {
    let before = "{\"env\": {\"ANTHROPIC_BASE_URL\": \"http://127.0.0.1:9999/x\"}}\n";
    let case = Case::new(Format::Json, before, vec![url()]);
    let (outcome, text) = case.apply(&Change::Write);
    assert!(
        outcome.kept.is_empty() && text.contains(":8080/x"),
        "{text}"
    );
}

#[test]
fn a_file_that_was_not_there_goes_again() {
    let case = Case::new(Format::Json, "", vec![url()]);
    std::fs::remove_file(case.file()).unwrap();
    let (_, written) = case.apply(&Change::Write);
    serde_json::from_str::<Value>(&written).unwrap();
    let mode = std::fs::metadata(case.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    case.apply(&Change::Undo);
    assert!(!case.file().exists());
}

#[test]
fn a_file_that_is_broken_is_left_alone() {
    let case = Case::new(Format::Json, "{ broken", vec![url()]);
    let refused = change(&case.file(), case.format, &case.settings, &Change::Write);
    assert!(refused.is_err_and(|problem| problem.message.contains("can't be read")));
    assert_eq!(std::fs::read_to_string(case.file()).unwrap(), "{ broken");
}
