//! Settings of one line each: keys at the top of a YAML file, variables, fields of a form.

use serde_json::Value;

use super::file::Text;
use super::tools::Setting;

/// A YAML file whose top keys with plain values are looked at; its other lines are left as they are.
pub(super) struct Lines(Vec<String>);

impl Lines {
    pub(super) fn parse(text: &str) -> Lines {
        Lines(text.lines().map(str::to_owned).collect())
    }

    fn position(&self, key: &str) -> Option<usize> {
        let is_it = |line: &String| {
            let rest = line.strip_prefix(key);
            rest.is_some_and(|rest| rest.starts_with(':'))
        };
        self.0.iter().position(is_it)
    }
}

impl Text for Lines {
    fn get(&self, path: &[String]) -> Option<Value> {
        let line = self.0.get(self.position(path.first()?)?)?;
        let (_, value) = line.split_once(':')?;
        let value = value.split(" #").next().unwrap_or("").trim();
        Some(value.trim_matches(['"', '\'']).into())
    }

    fn set(&mut self, path: &[String], value: &Value) {
        let Some(key) = path.first() else {
            return;
        };
        let line = line(key, value);
        match self.position(key).and_then(|index| self.0.get_mut(index)) {
            Some(old) => *old = line,
            None => self.0.push(line),
        }
    }

    fn remove(&mut self, path: &[String]) {
        let position = path.first().and_then(|key| self.position(key));
        if let Some(index) = position {
            self.0.remove(index);
        }
    }

    fn render(&self) -> String {
        self.0.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// Addresses and switches need no quotes in YAML.
fn line(key: &str, value: &Value) -> String {
    format!("{key}: {}", plain(value))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The settings as top keys.
pub(super) fn yaml(settings: &[Setting]) -> String {
    let lines = settings
        .iter()
        .map(|setting| line(&setting.name(), &setting.value) + "\n");
    lines.collect()
}

/// The settings as exported variables.
pub(super) fn shell(settings: &[Setting]) -> String {
    let lines = settings
        .iter()
        .map(|setting| format!("export {}={}\n", setting.name(), plain(&setting.value)));
    lines.collect()
}

/// The settings as fields to fill in.
pub(super) fn form(settings: &[Setting]) -> String {
    let lines = settings
        .iter()
        .map(|setting| format!("{}\n    {}\n", setting.name(), plain(&setting.value)));
    lines.collect()
}
