//! Labels: what resource, scope and attributes become.
//!
//! ```text
//! service.namespace/service.name   job              attributes            by their names; a.b and a_b meet as "1;2"
//! service.instance.id              instance         scope                 otel_scope_name, _version, _schema_url, _<key>
//! other resource attributes        target_info      external labels       where no other label has the name
//! ```
//! Every text is stored once and labels are pairs of numbers, so that a series costs no copy of its texts. A label with an
//! empty value is the same as none to Prometheus, and is left out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use fanlight_config::{ConfigError, Node};
use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{Attributes, ResourceView, ScopeView, Value};
use serde::Deserialize;

use super::Names;

/// A text's number in [`Symbols`].
pub(crate) type Symbol = u32;

/// A label's name and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Label {
    /// Its name.
    pub(crate) name: Symbol,
    /// Its value.
    pub(crate) value: Symbol,
}

/// Texts, each stored once; number 0 is the empty text.
#[derive(Debug)]
pub(crate) struct Symbols<'a> {
    known: HashMap<Cow<'a, str>, Symbol>,
    texts: Vec<Cow<'a, str>>,
}

/// How labels are made.
#[derive(Clone, Debug)]
pub(crate) struct LabelSettings {
    /// Makes their names.
    pub(crate) names: Names,
    /// Labels of every series that has none of that name.
    pub(crate) external: BTreeMap<String, String>,
    /// Which resource attributes become labels of every series.
    pub(crate) resource: ResourceLabels,
    /// Whether series tell their scope.
    pub(crate) scope: bool,
}

/// `resource_constant_labels`, and `resource_to_telemetry_conversion` with its older keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ResourceLabels {
    /// Keys that become labels; `*` stands for any text, `?` for any character. Default: none, or all where some are excluded.
    pub(crate) included: Vec<String>,
    /// Keys that don't, even if they are included.
    pub(crate) excluded: Vec<String>,
    /// All keys; the older way to write `included: ["*"]`. Default: false.
    pub(crate) enabled: bool,
    /// Not those that are in `job` and `instance` already. Default: false.
    pub(crate) exclude_service_attributes: bool,
}

/// The resource attributes that say who sends.
const SERVICE: [&str; 3] = ["service.name", "service.namespace", "service.instance.id"];

/// Makes the labels of one batch.
pub(crate) struct Labeller<'a, 's> {
    settings: &'s LabelSettings,
    /// The texts of the batch.
    pub(crate) symbols: Symbols<'a>,
    /// Attribute keys whose names are made already.
    names: HashMap<&'a str, Symbol>,
    external: Vec<Label>,
    /// Of the resource: `job` and `instance`, attributes that become labels, and those of `target_info`.
    identity: Vec<Label>,
    constant: Vec<(&'a str, Value<'a>)>,
    target: Vec<Label>,
    scope: Vec<Label>,
    /// Room for one point's attributes.
    sorted: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Symbols<'a> {
    /// With the empty text.
    pub(crate) fn new() -> Symbols<'a> {
        Symbols {
            known: HashMap::from([(Cow::Borrowed(""), 0)]),
            texts: vec![Cow::Borrowed("")],
        }
    }

    /// The number of a text.
    pub(crate) fn add(&mut self, text: impl Into<Cow<'a, str>>) -> Symbol {
        let text = text.into();
        if let Some(&known) = self.known.get(&text) {
            return known;
        }
        let symbol = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.clone());
        self.known.insert(text, symbol);
        symbol
    }

    /// The text of a number.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.texts.get(symbol as usize).map_or("", AsRef::as_ref)
    }

    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Puts labels into the order of their names, which is the order of the formats.
    pub(crate) fn sort(&self, labels: &mut [Label]) {
        labels.sort_unstable_by(|a, b| self.text(a.name).cmp(self.text(b.name)));
    }
}

impl ResourceLabels {
    /// What two blocks, the newer and the older, say together.
    pub(crate) fn chosen(
        node: &Node,
        new: &ResourceLabels,
        old: &ResourceLabels,
    ) -> Result<ResourceLabels, ConfigError> {
        let nothing = ResourceLabels::default();
        if new.enabled || new.exclude_service_attributes {
            let why = "`enabled` and `exclude_service_attributes` are keys of the older block";
            let error = node.error_at("resource_constant_labels", why);
            return Err(error.hint("write included: [\"*\"] and excluded: [...]"));
        }
        match (*new == nothing, *old == nothing) {
            (true, _) => Ok(old.clone()),
            (false, true) => Ok(new.clone()),
            (false, false) => {
                let why = "resource_constant_labels says it already";
                let error = node.error_at("resource_to_telemetry_conversion", why);
                Err(error.hint("remove the older of the two, resource_to_telemetry_conversion"))
            }
        }
    }

    fn has(&self, key: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, key));
        let included = match self.included.as_slice() {
            [] => self.enabled || !self.excluded.is_empty(),
            patterns => any(patterns),
        };
        let service = self.exclude_service_attributes && SERVICE.contains(&key);
        included && !service && !any(&self.excluded)
    }
}

/// Whether a text is what a pattern with `*` and `?` describes.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pattern = pattern.chars();
    let mut rest = text.chars();
    loop {
        match pattern.next() {
            None => return rest.next().is_none(),
            Some('*') => {
                let tail = pattern.as_str();
                return tail.is_empty()
                    || std::iter::successors(Some(rest.clone()), |rest| {
                        let mut next = rest.clone();
                        next.next().map(|_| next)
                    })
                    .any(|rest| matches(tail, rest.as_str()));
            }
            Some('?') if rest.next().is_some() => {}
            Some(c) if c != '?' && rest.next() == Some(c) => {}
            Some(_) => return false,
        }
    }
}

impl<'a, 's> Labeller<'a, 's> {
    pub(crate) fn new(settings: &'s LabelSettings) -> Labeller<'a, 's> {
        let mut symbols = Symbols::new();
        let external = settings.external.iter();
        let external = external
            .map(|(name, value)| Label {
                name: symbols.add(settings.names.label(name).into_owned()),
                value: symbols.add(value.clone()),
            })
            .collect();
        Labeller {
            settings,
            symbols,
            names: HashMap::new(),
            external,
            identity: Vec::new(),
            constant: Vec::new(),
            target: Vec::new(),
            scope: Vec::new(),
            sorted: Vec::new(),
        }
    }

    /// Goes on to another resource.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub(crate) fn enter_resource(
        &mut self,
        resource: &ResourceView<'a>,
    ) -> Result<(), DecodeError> {
        self.identity.clear();
        self.constant.clear();
        let [name, namespace, instance] = SERVICE.map(|key| resource.attributes.get(key));
        if let Some(name) = name? {
            let job = match namespace?.map(|namespace| namespace.to_text()) {
                Some(namespace) if !namespace.is_empty() => {
                    Cow::Owned(format!("{namespace}/{}", name.to_text()))
                }
                _ => name.to_text(),
            };
            let label = self.label("job", job);
            self.identity.push(label);
        }
        if let Some(instance) = instance? {
            let label = self.label("instance", instance.to_text());
            self.identity.push(label);
        }
        let mut others = Vec::new();
        for attribute in resource.attributes {
            let (key, value) = attribute?;
            if self.settings.resource.has(key) {
                self.constant.push((key, value));
            }
            if !SERVICE.contains(&key) {
                others.push((key, value));
            }
        }
        let mut target = std::mem::take(&mut self.target);
        target.clear();
        if !others.is_empty() && !self.identity.is_empty() {
            self.sorted = others;
            self.add_sorted(&mut target);
            // Who has no other attribute than empty ones has nothing to tell.
            target.retain(|label| label.value != 0);
            if !target.is_empty() {
                self.identity
                    .iter()
                    .for_each(|label| put(&mut target, *label));
                self.finish(&mut target);
            }
        }
        self.target = target;
        Ok(())
    }

    /// Goes on to another scope of the resource.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub(crate) fn enter_scope(&mut self, scope: &ScopeView<'a>) -> Result<(), DecodeError> {
        self.scope.clear();
        if !self.settings.scope {
            return Ok(());
        }
        let mut labels = std::mem::take(&mut self.scope);
        for attribute in scope.attributes {
            let (key, value) = attribute?;
            let name = format!("otel_scope_{key}");
            let name = self.settings.names.label(&name).into_owned();
            let label = self.label(name, value.to_text());
            put(&mut labels, label);
        }
        for (name, value) in [
            ("otel_scope_name", scope.name),
            ("otel_scope_version", scope.version),
            ("otel_scope_schema_url", scope.schema_url),
        ] {
            let label = self.label(name, value);
            put(&mut labels, label);
        }
        self.scope = labels;
        Ok(())
    }

    /// The labels of a point, without its name, in the order of their names.
    ///
    /// # Errors
    /// When the bytes are not attributes.
    pub(crate) fn point(
        &mut self,
        attributes: &Attributes<'a>,
        labels: &mut Vec<Label>,
    ) -> Result<(), DecodeError> {
        labels.clear();
        self.sorted.clear();
        for attribute in attributes.iter() {
            let (key, value) = attribute?;
            // As in the Collector, the resource's value wins.
            if !self.constant.iter().any(|(constant, _)| *constant == key) {
                self.sorted.push((key, value));
            }
        }
        self.sorted.extend_from_slice(&self.constant);
        self.add_sorted(labels);
        self.identity.iter().for_each(|label| put(labels, *label));
        self.scope.iter().for_each(|label| put(labels, *label));
        self.finish(labels);
        Ok(())
    }

    /// The labels of the resource's `target_info`, without its name; none where there is nothing to tell.
    pub(crate) fn target(&self) -> &[Label] {
        &self.target
    }

    /// The resource's `job` and `instance`.
    pub(crate) fn identity(&self) -> &[Label] {
        &self.identity
    }

    /// A label of these texts.
    pub(crate) fn label(
        &mut self,
        name: impl Into<Cow<'a, str>>,
        value: impl Into<Cow<'a, str>>,
    ) -> Label {
        Label {
            name: self.symbols.add(name),
            value: self.symbols.add(value),
        }
    }

    /// A label with an attribute's value.
    pub(crate) fn attribute(&mut self, key: &'a str, value: &Value<'a>) -> Label {
        let name = match self.names.get(key) {
            Some(&name) => name,
            None => {
                let name = self.symbols.add(self.settings.names.label(key));
                self.names.insert(key, name);
                name
            }
        };
        Label {
            name,
            value: self.symbols.add(value.to_text()),
        }
    }

    /// The attributes as labels. Keys that meet in one name have their values joined, in the order of the keys.
    fn add_sorted(&mut self, labels: &mut Vec<Label>) {
        let mut sorted = std::mem::take(&mut self.sorted);
        sorted.sort_by_key(|(key, _)| *key);
        for (key, value) in &sorted {
            let label = self.attribute(key, value);
            match labels.iter_mut().find(|known| known.name == label.name) {
                None => labels.push(label),
                Some(known) => {
                    let both = [known.value, label.value].map(|value| self.symbols.text(value));
                    known.value = self.symbols.add(both.join(";"));
                }
            }
        }
        self.sorted = sorted;
    }

    /// Adds the external labels, leaves empty ones out, and sorts.
    fn finish(&self, labels: &mut Vec<Label>) {
        for external in &self.external {
            if !labels.iter().any(|label| label.name == external.name) {
                labels.push(*external);
            }
        }
        labels.retain(|label| label.value != 0);
        self.symbols.sort(labels);
    }
}

/// Adds a label, in place of one of the same name.
fn put(labels: &mut Vec<Label>, label: Label) {
    match labels.iter_mut().find(|known| known.name == label.name) {
        Some(known) => *known = label,
        None => labels.push(label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_resource_attributes() {
        let chosen = |yaml: &str| {
            let labels: ResourceLabels = fanlight_testkit::node(yaml).decode().unwrap();
            ["service.name", "host.name", "k8s.pod.name"].map(|key| labels.has(key))
        };
        assert_eq!(chosen("{}"), [false; 3]);
        assert_eq!(chosen("{enabled: true}"), [true; 3]);
        assert_eq!(
            chosen("{enabled: true, exclude_service_attributes: true}"),
            [false, true, true]
        );
        assert_eq!(chosen("{included: ['*.name']}"), [true; 3]);
        assert_eq!(
            chosen("{included: ['k8s.*', 'host.nam?']}"),
            [false, true, true]
        );
        assert_eq!(chosen("{excluded: ['k8s.*']}"), [true, true, false]);
        assert_eq!(
            chosen("{included: ['*'], excluded: ['host?name']}"),
            [true, false, true]
        );
    }
}
