//! Whose interfaces the proxy knows.

/// A provider, built in or configured.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    /// The name of its prefix, `groq` of `/groq/v1/...`.
    pub(crate) name: String,
    /// What `gen_ai.provider.name` says of it; none where its host or interface decides.
    pub(crate) semantic_name: Option<&'static str>,
}
