use super::*;
use fanlight_config::{Document, Environment};
use fanlight_otlp::Signal;
use fanlight_otlp::edit::{Verdict, rewrite};
use fanlight_otlp::json::write_plain_attributes;
use fanlight_otlp::write::RequestWriter;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Written {
    actions: Vec<ActionConfig>,
}

fn actions(yaml: &str) -> Result<Actions, ConfigError> {
    let node = Document::parse(
        "test.yaml",
        &format!("actions: [{yaml}]"),
        &Environment::default(),
    )
    .unwrap()
    .into_root();
    Actions::check(&node, "actions", node.decode::<Written>()?.actions)
}

/// The attributes `a: 1, s: text` after an action, as JSON.
fn after(yaml: &str) -> String {
    let actions = actions(yaml).unwrap();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let metadata = vec![
        header("x-tenant", "red"),
        header("other", "x"),
        header("x-tenant", "blue"),
    ];
    let origin = Origin {
        metadata,
        ..Origin::default()
    };
    let mut out = RequestWriter::new(Signal::Traces);
    out.resource(&[("a", 1.into()), ("s", "text".into())], |_| {});
    let batch = rewrite(out.finish(), |element| {
        if let Some(attributes) = element.attributes()? {
            actions.apply(attributes, Some(&origin))?;
        }
        Ok(Verdict::Keep)
    })
    .unwrap();
    let mut json = Vec::new();
    write_plain_attributes(
        &batch.resources().next().unwrap().unwrap().attributes,
        &mut json,
    )
    .unwrap();
    String::from_utf8(json).unwrap()
}

fn problem(yaml: &str) -> String {
    actions(yaml).unwrap_err().to_string()
}

#[test]
fn insert_sets_only_what_is_absent() {
    assert_eq!(
        after("{key: a, value: 2, action: insert}"),
        r#"{"a":1,"s":"text"}"#
    );
    assert_eq!(
        after("{key: b, value: 2, action: insert}"),
        r#"{"a":1,"s":"text","b":2}"#
    );
}

#[test]
fn update_sets_only_what_is_present() {
    assert_eq!(
        after("{key: a, value: 2, action: update}"),
        r#"{"a":2,"s":"text"}"#
    );
    assert_eq!(
        after("{key: b, value: 2, action: update}"),
        r#"{"a":1,"s":"text"}"#
    );
}

#[test]
fn upsert_sets_always_and_actions_may_be_upper_case() {
    assert_eq!(
        after("{key: a, value: 2, action: UPSERT}"),
        r#"{"a":2,"s":"text"}"#
    );
    assert_eq!(
        after("{key: b, value: x, action: upsert}"),
        r#"{"a":1,"s":"text","b":"x"}"#
    );
}

#[test]
fn values_have_the_type_that_yaml_gives_them() {
    assert_eq!(
        after(r#"{key: a, value: "2", action: update}"#),
        r#"{"a":"2","s":"text"}"#
    );
    assert_eq!(
        after("{key: a, value: true, action: update}"),
        r#"{"a":true,"s":"text"}"#
    );
    assert_eq!(
        after("{key: a, value: 2.5, action: update}"),
        r#"{"a":2.5,"s":"text"}"#
    );
    assert_eq!(
        after("{key: a, value: [1, x, {k: 2}], action: update}"),
        r#"{"a":[1,"x",{"k":2}],"s":"text"}"#
    );
}

#[test]
fn values_come_from_other_attributes() {
    assert_eq!(
        after("{key: b, from_attribute: s, action: insert}"),
        r#"{"a":1,"s":"text","b":"text"}"#
    );
    assert_eq!(
        after("{key: b, from_attribute: none, action: insert}"),
        r#"{"a":1,"s":"text"}"#
    );
}

#[test]
fn values_come_from_headers() {
    let both = r#"{"a":1,"s":"text","b":"red;blue"}"#;
    assert_eq!(
        after("{key: b, from_context: metadata.X-Tenant, action: insert}"),
        both
    );
    assert_eq!(
        after("{key: b, from_context: x-tenant, action: insert}"),
        both
    );
    assert_eq!(
        after("{key: b, from_context: metadata.none, action: insert}"),
        r#"{"a":1,"s":"text"}"#
    );
}

#[test]
fn delete_takes_keys_and_patterns() {
    assert_eq!(after("{key: a, action: delete}"), r#"{"s":"text"}"#);
    assert_eq!(after("{pattern: '^[a-s]$', action: delete}"), "{}");
    assert_eq!(
        after("{key: a, pattern: none, action: delete}"),
        r#"{"s":"text"}"#
    );
}

#[test]
fn hash_is_sha256_in_hexadecimal() {
    let text = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1";
    assert_eq!(
        after("{key: s, action: hash}"),
        format!(r#"{{"a":1,"s":"{text}"}}"#)
    );
    // The number 1 is hashed as eight bytes, least significant first.
    let one = "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8";
    assert_eq!(
        after("{pattern: a, action: hash}"),
        format!(r#"{{"a":"{one}","s":"text"}}"#)
    );
}

#[test]
fn extract_sets_an_attribute_for_each_named_group() {
    let yaml = "{key: s, pattern: '^(?P<first>.)(?P<a>.*)t$', action: extract}";
    assert_eq!(after(yaml), r#"{"a":"ex","s":"text","first":"t"}"#);
    assert_eq!(
        after("{key: s, pattern: '^(?P<first>x)', action: extract}"),
        r#"{"a":1,"s":"text"}"#
    );
    assert_eq!(
        after("{key: a, pattern: '^(?P<first>1)', action: extract}"),
        r#"{"a":1,"s":"text"}"#
    );
}

#[test]
fn convert_changes_the_type_where_it_can() {
    assert_eq!(
        after("{key: a, converted_type: string, action: convert}"),
        r#"{"a":"1","s":"text"}"#
    );
    assert_eq!(
        after("{key: a, converted_type: double, action: convert}"),
        r#"{"a":1.0,"s":"text"}"#
    );
    assert_eq!(
        after("{key: s, converted_type: int, action: convert}"),
        r#"{"a":1,"s":"text"}"#
    );
}

#[test]
fn actions_happen_in_order() {
    let yaml = "{key: b, from_attribute: a, action: insert}, {key: a, action: delete}, {key: b, value: 3, action: insert}";
    assert_eq!(after(yaml), r#"{"s":"text","b":1}"#);
}

#[test]
fn wrong_actions_are_refused_at_their_key() {
    assert_eq!(
        problem("{key: a, value: 1, action: updat}"),
        "test.yaml:1:38: actions[0].action: `updat` is not an action; did you mean `update`?"
    );
    assert!(
        problem("{key: a, action: insert}")
            .contains("needs one of value, from_attribute and from_context")
    );
    assert!(
        problem("{key: a, value: 1, from_attribute: b, action: insert}")
            .contains("takes only one of")
    );
    assert!(
        problem("{key: a, value: 1, pattern: x, action: insert}")
            .contains("insert does not use pattern")
    );
    assert!(problem("{value: 1, action: upsert}").contains("upsert needs a key"));
    assert!(problem("{action: delete}").contains("needs a key, a pattern or both"));
    assert!(problem("{action: hash, pattern: '('}").contains("not a regular expression"));
    assert!(problem("{key: a, action: extract}").contains("needs a pattern"));
    assert!(
        problem("{key: a, action: extract, pattern: '(x)'}").contains("a group without a name")
    );
    assert!(
        problem("{key: a, action: convert, converted_type: bool}").contains("`bool` is not a type")
    );
    assert!(
        problem("{key: a, action: insert, from_context: auth.user}")
            .contains("not in this release")
    );
    assert!(problem("").contains("there is nothing to do"));
}
