//! What somebody may have meant.

/// The candidate nearest to what was written, where one is near enough to be meant.
///
/// Case, hyphens and underscores don't count (`queueSize` is `queue_size`); beyond that, one slip for every three
/// characters is forgiven.
pub fn nearest<'a>(written: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let written = plain(written);
    let most = (written.chars().count() / 3).max(1);
    candidates
        .iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&written, &plain(candidate)),
                *candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= most && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The hint about something that is not among the candidates: the nearest, or else all of them.
pub(crate) fn hint(written: &str, candidates: &[&str]) -> Option<String> {
    if let Some(candidate) = nearest(written, candidates) {
        return Some(format!("did you mean `{candidate}`?"));
    }
    let named = candidates.iter().filter(|candidate| !candidate.is_empty());
    let list: Vec<String> = named.map(|candidate| format!("`{candidate}`")).collect();
    (!list.is_empty()).then(|| format!("known here: {}", list.join(", ")))
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| *c != '_' && *c != '-')
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let keys = ["endpoint", "queue_size", "sending_queue", "tls", "timeout"];
        let cases = [
            ("endpont", Some("endpoint")),
            ("endpiont", Some("endpoint")),
            ("queueSize", Some("queue_size")),
            ("sending-queue", Some("sending_queue")),
            ("tsl", Some("tls")),
            ("time_out", Some("timeout")),
            ("colour", None),
            ("x", None),
        ];
        for (written, expected) in cases {
            assert_eq!(nearest(written, &keys), expected, "{written}");
        }
    }
}
