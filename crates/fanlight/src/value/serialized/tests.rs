//! What becomes of serde's data model.

use std::collections::BTreeMap;

use fanlight_otlp::view::Value;

use super::*;
use crate::template::shown;

#[derive(serde::Serialize)]
enum Kind {
    Unit,
    Newtype(u8),
    Tuple(u8, &'static str),
    Struct { a: Option<bool>, b: f64 },
}

fn written(value: impl Serialize) -> String {
    let mut out = Encoder::new();
    SerializedValue(value).to_value(ValueWriter(&mut out));
    shown(Value::read(out.as_bytes()).unwrap())
}

#[test]
fn enums_are_what_they_are_in_json() {
    assert_eq!(written(Kind::Unit), r#""Unit""#);
    assert_eq!(written(Kind::Newtype(1)), "{Newtype: 1}");
    assert_eq!(written(Kind::Tuple(1, "x")), r#"{Tuple: [1, "x"]}"#);
    let kind = Kind::Struct { a: None, b: 0.5 };
    assert_eq!(written(kind), "{Struct: {a: null, b: 0.5}}");
}

#[test]
fn maps_have_keys_of_text() {
    assert_eq!(written(BTreeMap::from([(1, true)])), "{1: true}");
    let unusable = BTreeMap::from([(vec![1], true)]);
    assert!(written([unusable]).contains("not serializable: the key"));
}

#[test]
fn large_content_keeps_its_structure() {
    let long = "x".repeat(300);
    assert_eq!(written([[&long]]), format!("[[{long:?}]]"));
}
