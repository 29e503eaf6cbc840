//! What backends call a span's kind and its status: the Collector's words, or the protocol's constants.
//!
//! A number that OTLP does not know is called as if it were not set.

const KINDS: [[&str; 3]; 6] = [
    ["SPAN_KIND_UNSPECIFIED", "Unspecified", "unspecified"],
    ["SPAN_KIND_INTERNAL", "Internal", "internal"],
    ["SPAN_KIND_SERVER", "Server", "server"],
    ["SPAN_KIND_CLIENT", "Client", "client"],
    ["SPAN_KIND_PRODUCER", "Producer", "producer"],
    ["SPAN_KIND_CONSUMER", "Consumer", "consumer"],
];

const STATUSES: [[&str; 2]; 3] = [
    ["STATUS_CODE_UNSET", "Unset"],
    ["STATUS_CODE_OK", "Ok"],
    ["STATUS_CODE_ERROR", "Error"],
];

/// `SPAN_KIND_SERVER`.
pub(crate) fn kind_constant(kind: i32) -> &'static str {
    let [constant, ..] = of(&KINDS, kind);
    constant
}

/// `Server`.
pub(crate) fn kind(kind: i32) -> &'static str {
    let [_, word, _] = of(&KINDS, kind);
    word
}

/// `server`.
pub(crate) fn kind_in_lower_case(kind: i32) -> &'static str {
    let [.., word] = of(&KINDS, kind);
    word
}

/// `STATUS_CODE_OK`.
pub(crate) fn status_constant(code: i32) -> &'static str {
    let [constant, _] = of(&STATUSES, code);
    constant
}

/// `Ok`.
pub(crate) fn status(code: i32) -> &'static str {
    let [_, word] = of(&STATUSES, code);
    word
}

fn of<const WORDS: usize, const KNOWN: usize>(
    table: &[[&'static str; WORDS]; KNOWN],
    number: i32,
) -> [&'static str; WORDS] {
    let known = usize::try_from(number).ok().and_then(|at| table.get(at));
    known.or(table.first()).copied().unwrap_or([""; WORDS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_otlp_and_unknown_ones_are_as_not_set() {
        assert_eq!(
            (kind(2), kind_constant(5)),
            ("Server", "SPAN_KIND_CONSUMER")
        );
        assert_eq!((status(1), status_constant(2)), ("Ok", "STATUS_CODE_ERROR"));
        for unknown in [-1, 0, 6] {
            assert_eq!(kind_in_lower_case(unknown), "unspecified");
            assert_eq!(status(if unknown == 6 { 3 } else { unknown }), "Unset");
        }
    }
}
