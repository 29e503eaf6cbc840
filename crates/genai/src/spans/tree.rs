//! Lists that were written as one attribute for each leaf, such as `gen_ai.prompt.0.role`.

use serde_json::{Map, Value as Json};

use super::fields::{Fields, to_json};

/// Keys with more names than that are left out.
const MAX_DEPTH: usize = 16;

/// The value that attributes under a prefix make: objects by name, arrays by number.
pub(super) fn tree(fields: &Fields<'_>, prefix: &str) -> Option<Json> {
    let mut root = Map::new();
    for (path, value) in fields.under(prefix) {
        if path.split('.').count() <= MAX_DEPTH {
            insert(&mut root, path, to_json(value));
        }
    }
    (!root.is_empty()).then(|| with_arrays(Json::Object(root)))
}

/// Puts a leaf into its place, unless another leaf is in the way.
fn insert(object: &mut Map<String, Json>, path: &str, leaf: Json) {
    match path.split_once('.') {
        None => {
            object.entry(path).or_insert(leaf);
        }
        Some((name, rest)) => {
            let inner = object
                .entry(name)
                .or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(inner) = inner {
                insert(inner, rest, leaf);
            }
        }
    }
}

/// Objects whose names are numbers are arrays in their order.
fn with_arrays(value: Json) -> Json {
    let Json::Object(object) = value else {
        return value;
    };
    let numbers: Option<Vec<u32>> = object.keys().map(|name| name.parse().ok()).collect();
    let members = object
        .into_iter()
        .map(|(name, value)| (name, with_arrays(value)));
    match numbers {
        Some(numbers) if !numbers.is_empty() => {
            let mut elements: Vec<_> = numbers
                .iter()
                .zip(members.map(|(_, value)| value))
                .collect();
            elements.sort_by_key(|(number, _)| **number);
            Json::Array(elements.into_iter().map(|(_, value)| value).collect())
        }
        _ => Json::Object(members.collect()),
    }
}
