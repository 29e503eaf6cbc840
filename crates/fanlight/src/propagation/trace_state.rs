//! `tracestate`: what tracing systems on the way have to say to each other.
//!
//! [Source](https://www.w3.org/TR/trace-context/#tracestate-header).

/// How many systems may speak.
const MEMBERS: usize = 32;

/// The header's value, if it is one.
pub(super) fn checked(text: &str) -> Option<&str> {
    let text = text.trim_matches([' ', '\t', ',']);
    let members = text
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']));
    let mut count = 0;
    for member in members.filter(|member| !member.is_empty()) {
        let (key, value) = member.split_once('=')?;
        count += 1;
        if count > MEMBERS || !is_key(key) || !is_value(value) {
            return None;
        }
    }
    (count > 0).then_some(text)
}

fn is_key(key: &str) -> bool {
    match key.split_once('@') {
        Some((tenant, system)) => {
            is_name(tenant, 241, |first| !first.is_ascii_alphanumeric())
                && is_name(system, 14, |first| !first.is_ascii_lowercase())
        }
        None => is_name(key, 256, |first| !first.is_ascii_alphanumeric()),
    }
}

fn is_name(name: &str, longest: usize, is_no_first: impl Fn(u8) -> bool) -> bool {
    let may_be =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/".contains(&byte);
    name.len() <= longest
        && name.bytes().all(may_be)
        && name.bytes().next().is_some_and(|first| !is_no_first(first))
}

fn is_value(value: &str) -> bool {
    value.len() <= 256
        && !value.is_empty()
        && value
            .bytes()
            .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=')
}
