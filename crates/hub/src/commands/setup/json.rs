//! JSON, with comments kept.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::{Map, Value};

use super::file::Text;
use super::tools::Setting;

/// A JSON file.
pub(super) struct Json {
    root: CstRootNode,
    object: CstObject,
}

impl Json {
    /// Reads one; an empty file has nothing set.
    pub(super) fn parse(text: &str) -> Result<Json, String> {
        let root = CstRootNode::parse(text, &ParseOptions::default());
        let root = root.map_err(|error| error.to_string())?;
        let object = root.object_value_or_create();
        let object = object.ok_or("it is not a JSON object")?;
        Ok(Json { root, object })
    }

    fn parent(&self, path: &[String]) -> Option<CstObject> {
        let (_, parents) = path.split_last()?;
        let mut object = self.object.clone();
        for name in parents {
            object = object.object_value(name)?;
        }
        Some(object)
    }
}

impl Text for Json {
    fn get(&self, path: &[String]) -> Option<Value> {
        self.parent(path)?
            .get(path.last()?)?
            .value()?
            .to_serde_value()
    }

    fn set(&mut self, path: &[String], value: &Value) {
        let Some((name, parents)) = path.split_last() else {
            return;
        };
        let mut object = self.object.clone();
        for name in parents {
            object = object.object_value_or_set(name);
        }
        match object.get(name) {
            Some(property) => property.set_value(input(value)),
            None => {
                object.append(name, input(value));
            }
        }
    }

    fn remove(&mut self, path: &[String]) {
        let Some((name, parents)) = path.split_last() else {
            return;
        };
        let Some(object) = self.parent(path) else {
            return;
        };
        if let Some(property) = object.get(name) {
            property.remove();
        }
        if object.properties().is_empty() && !parents.is_empty() {
            self.remove(parents);
        }
    }

    fn render(&self) -> String {
        let text = self.root.to_string();
        if text.ends_with('\n') {
            text
        } else {
            text + "\n"
        }
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(list) => CstInputValue::Array(list.iter().map(input).collect()),
        Value::Object(map) => CstInputValue::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), input(value)))
                .collect(),
        ),
    }
}

/// The settings alone.
pub(super) fn snippet(settings: &[Setting]) -> String {
    let mut whole = Value::Object(Map::new());
    for setting in settings {
        let mut place = &mut whole;
        for name in &setting.path {
            place = &mut place[name];
        }
        *place = setting.value.clone();
    }
    format!("{whole:#}\n")
}
