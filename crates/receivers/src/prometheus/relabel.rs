//! Relabelling, of targets before the scrape and of samples after it.
//! [Source](https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config).

use std::collections::BTreeMap;

use md5::{Digest as _, Md5};
use regex::Regex;
use serde::Deserialize;

/// Labels by name.
pub(super) type Labels = BTreeMap<String, String>;

/// A rule as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RuleKeys {
    source_labels: Vec<String>,
    separator: Option<String>,
    target_label: String,
    regex: Option<String>,
    modulus: u64,
    replacement: Option<String>,
    action: Action,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    #[default]
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

/// A checked rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    keys: RuleKeys,
    regex: Regex,
    replacement: String,
}

impl Rule {
    /// Checks a rule.
    pub(super) fn new(keys: &RuleKeys) -> Result<Rule, String> {
        let text = keys.regex.as_deref().unwrap_or("(.*)");
        let regex = Regex::new(&format!("^(?s:{text})$")).map_err(|error| {
            format!("the regex {text} of a relabel rule can't be used: {error}")
        })?;
        let needs_target = matches!(
            keys.action,
            Action::Replace
                | Action::HashMod
                | Action::Lowercase
                | Action::Uppercase
                | Action::KeepEqual
                | Action::DropEqual
        );
        if needs_target && keys.target_label.is_empty() {
            return Err("a relabel rule of this action wants target_label".to_owned());
        }
        if keys.action == Action::HashMod && keys.modulus == 0 {
            return Err("a relabel rule with the action hashmod wants modulus".to_owned());
        }
        Ok(Rule {
            keys: keys.clone(),
            regex,
            replacement: keys.replacement.clone().unwrap_or_else(|| "$1".to_owned()),
        })
    }

    /// Applies it; false when what has these labels goes.
    fn apply(&self, labels: &mut Labels) -> bool {
        let separator = self.keys.separator.as_deref().unwrap_or(";");
        let sources = self.keys.source_labels.iter();
        let values: Vec<&str> = sources
            .map(|name| labels.get(name).map_or("", String::as_str))
            .collect();
        let value = values.join(separator);
        let target = &self.keys.target_label;
        let of_target = |labels: &Labels| labels.get(target).cloned().unwrap_or_default();
        match self.keys.action {
            Action::Keep => return self.regex.is_match(&value),
            Action::Drop => return !self.regex.is_match(&value),
            Action::KeepEqual => return of_target(labels) == value,
            Action::DropEqual => return of_target(labels) != value,
            Action::Lowercase => set(labels, target, value.to_lowercase()),
            Action::Uppercase => set(labels, target, value.to_uppercase()),
            Action::HashMod => {
                let hash = Md5::digest(value.as_bytes());
                let low = hash
                    .iter()
                    .skip(8)
                    .fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
                set(labels, target, (low % self.keys.modulus.max(1)).to_string());
            }
            Action::LabelDrop => labels.retain(|name, _| !self.regex.is_match(name)),
            Action::LabelKeep => labels.retain(|name, _| self.regex.is_match(name)),
            Action::LabelMap => {
                let mapped: Vec<(String, String)> = (labels.iter())
                    .filter(|(name, _)| self.regex.is_match(name))
                    .map(|(name, value)| {
                        let new = self.regex.replace(name, self.replacement.as_str());
                        (new.into_owned(), value.clone())
                    })
                    .collect();
                labels.extend(mapped);
            }
            Action::Replace => {
                if let Some(captures) = self.regex.captures(&value) {
                    let (mut name, mut new) = (String::new(), String::new());
                    captures.expand(target, &mut name);
                    captures.expand(&self.replacement, &mut new);
                    set(labels, &name, new);
                }
            }
        }
        true
    }
}

/// An empty value is no label.
fn set(labels: &mut Labels, name: &str, value: String) {
    match value.is_empty() {
        true => drop(labels.remove(name)),
        false => drop(labels.insert(name.to_owned(), value)),
    }
}

/// Applies rules in order; false when what has these labels goes.
pub(super) fn relabel(rules: &[Rule], labels: &mut Labels) -> bool {
    rules.iter().all(|rule| rule.apply(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(rule: RuleKeys, labels: &[(&str, &str)]) -> Option<Labels> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut labels: Labels = labels.iter().map(pair).collect();
        relabel(&[Rule::new(&rule).unwrap()], &mut labels).then_some(labels)
    }

    fn rule(action: Action, sources: &[&str], regex: &str, target: &str) -> RuleKeys {
        RuleKeys {
            action,
            source_labels: sources.iter().map(|name| (*name).to_owned()).collect(),
            regex: Some(regex.to_owned()),
            target_label: target.to_owned(),
            ..RuleKeys::default()
        }
    }

    #[test]
    fn replace_takes_groups_of_the_whole_value() {
        let mut keys = rule(Action::Replace, &["a", "b"], "(.*);(.*)", "c");
        keys.replacement = Some("${2}-$1".to_owned());
        let labels = after(keys, &[("a", "1"), ("b", "2")]).unwrap();
        assert_eq!(labels["c"], "2-1");
        let keys = rule(Action::Replace, &["a"], "x", "c");
        assert!(
            !after(keys, &[("a", "xy")]).unwrap().contains_key("c"),
            "anchored"
        );
    }

    #[test]
    fn keep_and_drop_decide_over_all() {
        assert!(after(rule(Action::Keep, &["a"], "1|2", ""), &[("a", "3")]).is_none());
        assert!(after(rule(Action::Drop, &["a"], "1|2", ""), &[("a", "2")]).is_none());
        assert!(after(rule(Action::Drop, &["a"], "1|2", ""), &[("a", "3")]).is_some());
    }

    #[test]
    fn labels_are_mapped_dropped_and_hashed_as_prometheus_does() {
        let map = rule(Action::LabelMap, &[], "__meta_(.+)", "");
        assert_eq!(after(map, &[("__meta_zone", "x")]).unwrap()["zone"], "x");
        let dropped = after(
            rule(Action::LabelDrop, &[], "a.*", ""),
            &[("ab", "1"), ("b", "1")],
        );
        assert_eq!(dropped.unwrap().len(), 1);
        let mut hash = rule(Action::HashMod, &["c"], "(.*)", "d");
        hash.modulus = 1000;
        // The value that Prometheus' own test has for this label.
        assert_eq!(after(hash, &[("c", "baz")]).unwrap()["d"], "976");
    }
}
