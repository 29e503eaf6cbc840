//! Every component type that this build knows.

use fanlight_pipeline::Tables;

/// The tables of all component crates.
pub(crate) const fn all() -> Tables {
    Tables {
        receivers: fanlight_receivers::RECEIVERS,
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
