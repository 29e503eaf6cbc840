//! How coding assistants are signed in: calls that are made with an account go to other places than those with a key, and
//! can't go by the proxy.

use std::path::{Path, PathBuf};

use fanlight_config::Environment;
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::CstRootNode;
use serde_json::Value;

/// What a tool says of itself whose calls all go by the proxy: they are recorded there, and must not count twice.
pub(super) const PROXIED: &str = "fanlight.llm.proxied=true";

/// Whether Codex has an API key. It reads none of OpenAI's variables, but one of its own, and what `codex login` wrote.
pub(super) fn codex_has_key(environment: &Environment) -> bool {
    let folder = environment.non_empty("CODEX_HOME").map(PathBuf::from);
    let folder = folder.or_else(|| below_home(environment, ".codex"));
    let login = read(folder.map(|folder| folder.join("auth.json")));
    environment.non_empty("CODEX_API_KEY").is_some() || login["OPENAI_API_KEY"].is_string()
}

/// Whether Gemini CLI is set to use an API key. Without that, another address makes it ask for one in vain.
pub(super) fn gemini_has_key(environment: &Environment) -> bool {
    let settings = read(below_home(environment, ".gemini/settings.json"));
    settings["security"]["auth"]["selectedType"] == "gemini-api-key"
}

fn below_home(environment: &Environment, path: &str) -> Option<PathBuf> {
    Some(Path::new(environment.non_empty("HOME")?).join(path))
}

/// A file of JSON, with comments; null where there is none.
fn read(path: Option<PathBuf>) -> Value {
    let text = path.and_then(|path| std::fs::read_to_string(path).ok());
    let text = text.unwrap_or_default();
    let parsed = CstRootNode::parse(&text, &ParseOptions::default());
    let value = parsed.ok().and_then(|root| root.to_serde_value());
    value.unwrap_or_default()
}
