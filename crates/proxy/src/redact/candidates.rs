//! Where a key may begin: few places of a text, found at the speed of memory, at which its shape is looked at.
//!
//! Prompts are long, there are several copies of each to be cleaned, and nearly all of them have no key. So nothing here walks
//! over a text byte by byte: it jumps from one sign to the next (`-`, `=`, `?`, a word such as `AKIA`) and looks around it.

use std::sync::LazyLock;

use memchr::memchr2_iter;
use regex::Regex;

/// What keys and what precedes them begin with, where no sign gives them away.
static BEGINNINGS: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"AIza|ya29\.|AKIA|ASIA|ABIA|ACCA|eyJ|bearer|Bearer|BEARER|basic|Basic|-----BEGIN ";
    // The words are constants, and a test compiles them.
    Regex::new(words).unwrap_or_else(|_| unreachable!("words are a regular expression"))
});

/// What stands before the hyphen or the underscore of a key.
const PREFIXES: [&str; 30] = [
    "sk",
    "pk",
    "rk",
    "gsk",
    "hf",
    "ghp",
    "gho",
    "ghu",
    "ghs",
    "ghr",
    "github_pat",
    "r8",
    "fw",
    "npm",
    "csk",
    "nvapi",
    "xai",
    "pplx",
    "glpat",
    "tgp_v1",
    "xoxa",
    "xoxb",
    "xoxe",
    "xoxo",
    "xoxp",
    "xoxr",
    "xoxs",
    "sntrys",
    "dop_v1",
    "lin_api",
];
/// The shortest rest of such a key.
const SHORTEST_REST: usize = 10;

/// Where a key, or what says that one follows, may begin; in order.
pub(super) fn of(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    found.extend(memchr2_iter(b'-', b'_', bytes).filter_map(|at| key_around(bytes, at)));
    found.extend(memchr2_iter(b'?', b'&', bytes).filter(|at| may_be_parameter(bytes, *at)));
    found.extend(memchr2_iter(b'=', b':', bytes).filter_map(|at| member_before(text, at)));
    let words = BEGINNINGS.find_iter(text).filter(|word| {
        matches!(word.as_str().as_bytes().first(), Some(b'B' | b'b' | b'-'))
            || is_start(bytes, word.start())
    });
    found.extend(words.map(|word| word.start()));
    found.sort_unstable();
    found.dedup();
    found
}

/// Where a key begins whose prefix ends at this sign.
fn key_around(text: &[u8], sign: usize) -> Option<usize> {
    let (before, rest) = text.split_at_checked(sign)?;
    before.last().filter(|last| last.is_ascii_alphanumeric())?;
    let rest = rest.get(1..=SHORTEST_REST)?;
    let is_of_key = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/' | b'=')
    };
    if !rest.iter().all(is_of_key) {
        return None;
    }
    if before.ends_with(b"bedrock") && rest.starts_with(b"api-key-") {
        let at = sign - b"bedrock".len();
        return is_start(text, at).then_some(at);
    }
    // Pulumi's and Pydantic's tokens number their versions.
    let digits = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let unnumbered = before.get(..before.len() - digits).unwrap_or_default();
    if digits > 0 && unnumbered.ends_with(b"pylf_v") {
        let at = unnumbered.len() - b"pylf_v".len();
        return is_start(text, at).then_some(at);
    }
    let fitting = PREFIXES
        .iter()
        .filter(|prefix| before.ends_with(prefix.as_bytes()));
    let mut starts = fitting.map(|prefix| sign - prefix.len());
    starts.find(|at| is_start(text, *at))
}

/// Whether a key may begin here: behind anything but a letter or a digit, unless these are the end of something escaped.
fn is_start(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    match before {
        [] | [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => true,
        [.., b'%', one, two] if [one, two].iter().all(|byte| byte.is_ascii_hexdigit()) => true,
        [.., b'\\', b'u', one, two, three, four]
            if [one, two, three, four]
                .iter()
                .all(|byte| byte.is_ascii_hexdigit()) =>
        {
            true
        }
        [.., last] => !last.is_ascii_alphanumeric(),
    }
}

/// Whether a parameter of a query may follow that is a secret.
fn may_be_parameter(text: &[u8], at: usize) -> bool {
    let next = text.get(at + 1).map(u8::to_ascii_lowercase);
    matches!(next, Some(b'k' | b'a' | b't' | b's' | b'x'))
}

/// Where the name of a member or header begins that is a secret, and whose value this sign introduces.
fn member_before(text: &str, sign: usize) -> Option<usize> {
    let before = text.get(..sign)?.trim_end();
    let before = before.strip_suffix(['"', '\'']).unwrap_or(before);
    let before = before.strip_suffix('\\').unwrap_or(before).as_bytes();
    let start = match before.last()?.to_ascii_lowercase() {
        b'y' => {
            let before = without_sign(without(before, "key")?);
            without(before, "api")
                .or_else(|| without(before, "secret"))
                .or_else(|| without(without_sign(without(before, "access")?), "secret"))
        }
        b'n' => {
            let before = without_sign(without(before, "token")?);
            without(before, "access").or_else(|| without(before, "refresh"))
        }
        b't' => without(without_sign(without(before, "secret")?), "client"),
        b'd' => without(before, "password"),
        b'h' => without(before, "helicone-auth"),
        _ => None,
    };
    start.map(<[u8]>::len)
}

/// What stands before a word at the end of a text, which may be written in capitals.
fn without<'t>(text: &'t [u8], word: &str) -> Option<&'t [u8]> {
    let (before, last) = text.split_at_checked(text.len().checked_sub(word.len())?)?;
    last.eq_ignore_ascii_case(word.as_bytes()).then_some(before)
}

/// Without a hyphen or an underscore at the end.
fn without_sign(text: &[u8]) -> &[u8] {
    match text {
        [before @ .., b'-' | b'_'] => before,
        text => text,
    }
}
