//! Every component type that this build knows.

use fanlight_pipeline::{ReceiverKind, Tables};

/// The receivers of all crates, in the order in which documents list them.
const RECEIVERS: [&ReceiverKind; fanlight_receivers::RECEIVERS.len() + 1] = {
    let mut all = [fanlight_proxy::RECEIVERS[0]; fanlight_receivers::RECEIVERS.len() + 1];
    let mut index = 0;
    while index < fanlight_receivers::RECEIVERS.len() {
        all[index] = fanlight_receivers::RECEIVERS[index];
        index += 1;
    }
    all
};

/// The tables of all component crates.
pub(crate) const fn all() -> Tables {
    Tables {
        receivers: &RECEIVERS,
        processors: fanlight_processors::PROCESSORS,
        exporters: fanlight_exporters::EXPORTERS,
        connectors: fanlight_processors::CONNECTORS,
        extensions: fanlight_extensions::EXTENSIONS,
        later: &[
            ("receiver", fanlight_receivers::LATER),
            ("processor", fanlight_processors::LATER),
            ("connector", fanlight_processors::LATER),
            ("exporter", fanlight_exporters::LATER),
        ],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fanlight_config::{Document, Environment};
    use fanlight_pipeline::Kind;

    use super::*;

    fn check<C: ?Sized>(class: &str, kinds: &[&Kind<C>]) {
        let mut names = BTreeSet::new();
        for kind in kinds {
            for name in std::iter::once(&kind.name).chain(kind.aliases) {
                assert!(
                    names.insert(*name),
                    "{class} {name} stands twice in its table"
                );
            }
            assert!(
                kind.about.ends_with('.'),
                "{class} {}: {}",
                kind.name,
                kind.about
            );
            let sample =
                Document::parse("sample.yaml", kind.sample, &Environment::default()).unwrap();
            let read = (kind.decode)(sample.root());
            assert!(
                read.is_ok(),
                "the sample of {class} {}: {}",
                kind.name,
                read.err().unwrap()
            );
            let wrong = format!("{}\nno_such_key: 1\n", kind.sample);
            let wrong = Document::parse("sample.yaml", &wrong, &Environment::default()).unwrap();
            let error = (kind.decode)(wrong.root()).err();
            let error = error.unwrap_or_else(|| panic!("{class} {} takes any key", kind.name));
            assert!(
                error.message.contains("no_such_key"),
                "{class} {}: {error}",
                kind.name
            );
        }
    }

    #[test]
    fn every_sample_loads_and_no_type_takes_an_unknown_key() {
        let tables = all();
        check("receiver", tables.receivers);
        check("processor", tables.processors);
        check("exporter", tables.exporters);
        check("connector", tables.connectors);
        check("extension", tables.extensions);
    }
}
