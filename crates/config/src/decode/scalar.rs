//! Booleans and numbers in the forms of YAML's core schema. Nothing else becomes one: `yes` stays text.
//!
//! Two forms are refused where a number is wanted, because readers disagree on them: `0755` (octal in YAML 1.1) and
//! `1_000`.

use serde::de::Visitor;

use super::error::DecodeError;
use super::{Decoded, Decoder};
use crate::Node;
use crate::document::{Expansion, Value};

pub(super) fn boolean(decoder: Decoder<'_>) -> Decoded<bool> {
    let text = decoder.plain("true or false")?;
    if let Some(value) = parse_boolean(text) {
        return Ok(value);
    }
    let error = DecodeError::expected("true or false", &format!("`{text}`"));
    let error = match text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" => error.hint("write true"),
        "no" | "off" | "n" => error.hint("write false"),
        _ => error,
    };
    Err(error.placed_at(decoder.node))
}

pub(super) fn whole_number(decoder: Decoder<'_>, least: i128, most: i128) -> Decoded<i128> {
    let text = decoder.plain("a whole number")?;
    let number = parse_whole_number(text).ok_or_else(|| {
        let error = DecodeError::expected("a whole number", &format!("`{text}`"));
        let digits = text.trim_start_matches('0');
        let is_ambiguous = digits.len() < text.len()
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        let error = if is_ambiguous {
            error.hint(format!("write {digits}, or 0o{digits} if it is octal"))
        } else {
            error
        };
        error.placed_at(decoder.node)
    })?;
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    let expected = match (least, most) {
        (0, most) if most >= i128::from(u64::MAX) => "a whole number, 0 or above".to_owned(),
        _ => format!("a whole number from {least} to {most}"),
    };
    Err(DecodeError::expected(&expected, &format!("`{text}`")).placed_at(decoder.node))
}

pub(super) fn number(decoder: Decoder<'_>) -> Decoded<f64> {
    let text = decoder.plain("a number")?;
    parse_number(text).ok_or_else(|| {
        DecodeError::expected("a number", &format!("`{text}`")).placed_at(decoder.node)
    })
}

/// Lets the value itself say what it is.
pub(super) fn visit_any<'de, V: Visitor<'de>>(node: &Node, visitor: V) -> Decoded<V::Value> {
    let Value::Scalar { text, plain } = &node.value else {
        return visitor.visit_unit();
    };
    // Text with an expansion inside stays text, as in the Collector.
    let is_inline = matches!(&node.expansion, Some(Expansion { original: None, .. }));
    if !plain || is_inline {
        return visitor.visit_str(text);
    }
    if let Some(value) = parse_boolean(text) {
        return visitor.visit_bool(value);
    }
    if let Some(number) = parse_whole_number(text) {
        if let Ok(number) = u64::try_from(number) {
            return visitor.visit_u64(number);
        }
        if let Ok(number) = i64::try_from(number) {
            return visitor.visit_i64(number);
        }
    }
    match parse_number(text) {
        Some(number) => visitor.visit_f64(number),
        None => visitor.visit_str(text),
    }
}

fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

fn parse_whole_number(text: &str) -> Option<i128> {
    let (digits, radix) = match text.get(..2) {
        Some("0x") => (text.get(2..)?, 16),
        Some("0o") => (text.get(2..)?, 8),
        _ => (text, 10),
    };
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    let is_ambiguous = radix == 10 && unsigned.len() > 1 && unsigned.starts_with('0');
    let is_signed_twice = radix != 10 && unsigned.len() < digits.len();
    if is_ambiguous || is_signed_twice || unsigned.is_empty() {
        return None;
    }
    i128::from_str_radix(digits, radix).ok()
}

/// A finite number.
fn parse_number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts_well = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let leading_zero = unsigned.len() > 1
        && unsigned.starts_with('0')
        && !unsigned.starts_with("0.")
        && !unsigned.starts_with("0e");
    if !starts_well || leading_zero {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}
