//! TOML, with comments and order kept.

use serde_json::Value;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike};

use super::file::Text;
use super::tools::Setting;

/// A TOML file.
pub(super) struct Toml(DocumentMut);

impl Toml {
    /// Reads one.
    pub(super) fn parse(text: &str) -> Result<Toml, String> {
        let parsed: Result<DocumentMut, _> = text.parse();
        parsed.map(Toml).map_err(|error| error.to_string())
    }

    fn parent(&mut self, path: &[String]) -> Option<&mut dyn TableLike> {
        let (_, parents) = path.split_last()?;
        let mut table: &mut dyn TableLike = self.0.as_table_mut();
        for name in parents {
            table = table.get_mut(name)?.as_table_like_mut()?;
        }
        Some(table)
    }
}

impl Text for Toml {
    fn get(&self, path: &[String]) -> Option<Value> {
        let mut item = self.0.as_item();
        for name in path {
            item = item.as_table_like()?.get(name)?;
        }
        json(item)
    }

    fn set(&mut self, path: &[String], value: &Value) {
        let Some((name, parents)) = path.split_last() else {
            return;
        };
        let mut table: &mut dyn TableLike = self.0.as_table_mut();
        for name in parents {
            let entry = table.entry(name).or_insert(Item::Table(Table::new()));
            if !entry.is_table_like() {
                *entry = Item::Table(Table::new());
            }
            match entry.as_table_like_mut() {
                Some(inner) => table = inner,
                None => return,
            }
        }
        if let Some(value) = toml(value) {
            table.insert(name, Item::Value(value));
        }
    }

    fn remove(&mut self, path: &[String]) {
        let Some((name, parents)) = path.split_last() else {
            return;
        };
        let Some(table) = self.parent(path) else {
            return;
        };
        table.remove(name);
        if table.is_empty() && !parents.is_empty() {
            self.remove(parents);
        }
    }

    fn render(&self) -> String {
        self.0.to_string()
    }
}

fn toml(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.into(),
        Value::Array(list) => list.iter().filter_map(toml).collect::<Array>().into(),
        Value::Object(map) => {
            let mut table = InlineTable::new();
            for (key, value) in map {
                table.insert(key, toml(value)?);
            }
            table.into()
        }
    })
}

/// What is in a place, as JSON; dates, which no setting has, are texts.
fn json(item: &Item) -> Option<Value> {
    if let Some(table) = item.as_table_like() {
        let fields = table.iter();
        let fields = fields.filter_map(|(key, item)| Some((key.to_owned(), json(item)?)));
        return Some(Value::Object(fields.collect()));
    }
    Some(match item.as_value()? {
        toml_edit::Value::String(text) => text.value().clone().into(),
        toml_edit::Value::Integer(number) => (*number.value()).into(),
        toml_edit::Value::Float(number) => (*number.value()).into(),
        toml_edit::Value::Boolean(value) => (*value.value()).into(),
        toml_edit::Value::Array(list) => list
            .iter()
            .filter_map(|value| json(&Item::Value(value.clone())))
            .collect(),
        other => other.to_string().trim().into(),
    })
}

/// The settings alone.
pub(super) fn snippet(settings: &[Setting]) -> String {
    let mut text = Toml(DocumentMut::new());
    for setting in settings {
        text.set(&setting.path, &setting.value);
    }
    text.render()
}
