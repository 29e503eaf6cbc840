//! A backend's answers in its own terms.

/// What to ask the user when a known backend refuses: shown beside the backend's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The backend's name for people; empty where it is not known, and the address stands for it.
    pub backend: &'static str,
    /// After 401 and 403, `UNAUTHENTICATED` and `PERMISSION_DENIED`.
    pub credentials: &'static str,
    /// After 404 and 405, `UNIMPLEMENTED`.
    pub not_found: &'static str,
    /// After a TLS handshake that failed; may be empty.
    pub tls: &'static str,
}

impl Advice {
    /// For a backend about which nothing is known.
    pub const GENERAL: Advice = Advice {
        backend: "",
        credentials: "check the credentials: the headers or auth of this exporter",
        not_found: "is the path of the endpoint right?",
        tls: "",
    };

    /// Whether these words are among its own.
    pub(crate) fn says(&self, words: &str) -> bool {
        let own = [self.backend, self.credentials, self.not_found, self.tls];
        own.iter().any(|text| text.contains(words))
    }

    /// Who answered, for people: the backend's name with the address, or the address alone.
    pub(crate) fn who(&self, target: &str) -> String {
        match self.backend {
            "" => target.to_owned(),
            name => format!("{name} at {target}"),
        }
    }

    /// Adds what to do to the reason why a connection failed.
    pub(crate) fn explain_connection(&self, why: String) -> String {
        let is_tls = ["TLS", "certificate"].iter().any(|word| why.contains(word));
        // Which certificate to trust is no matter where there is none.
        let fits = !(why.contains("plain text") && self.tls.contains("certificate"));
        match is_tls && fits && !self.tls.is_empty() {
            true => format!("{why} ({}: {})", self.backend, self.tls),
            false => why,
        }
    }
}
