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
        later: fanlight_processors::LATER,
    }
}
