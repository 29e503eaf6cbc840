//! Labels as text: `{app="shop", level="INFO"}`.
//!
//! Values are quoted as in Go: double quotes with escapes, single quotes likewise, back quotes without.
//! [Source](https://grafana.com/docs/loki/latest/query/log_queries/#log-stream-selector).

use std::iter::Peekable;
use std::str::Chars;

/// The text is no set of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("labels must look like {{app=\"shop\", level=\"INFO\"}}: {what}")]
pub struct InvalidLabels {
    what: &'static str,
}

/// Appends labels.
pub fn write_labels<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>, out: &mut String) {
    out.push('{');
    for (index, (name, value)) in labels.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(name);
        out.push_str("=\"");
        for character in value.chars() {
            match character {
                '"' | '\\' => out.extend(['\\', character]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                control if control.is_control() => {
                    out.push_str(&format!("\\u{:04x}", u32::from(control)));
                }
                other => out.push(other),
            }
        }
        out.push('"');
    }
    out.push('}');
}

/// Reads labels: names and values in the order of the text.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse_labels(text: &str) -> Result<Vec<(String, String)>, InvalidLabels> {
    let mut rest = text.trim().chars().peekable();
    expect(&mut rest, '{', "it does not begin with {")?;
    let mut labels = Vec::new();
    loop {
        skip_blanks(&mut rest);
        if rest.next_if_eq(&'}').is_some() {
            break;
        }
        let name = name(&mut rest)?;
        skip_blanks(&mut rest);
        expect(&mut rest, '=', "a name has no = behind it")?;
        skip_blanks(&mut rest);
        labels.push((name, quoted(&mut rest)?));
        skip_blanks(&mut rest);
        if rest.next_if_eq(&',').is_none() && rest.peek() != Some(&'}') {
            return Err(invalid("a value has neither , nor } behind it"));
        }
    }
    match rest.next() {
        None => Ok(labels),
        Some(_) => Err(invalid("something follows the }")),
    }
}

type Rest<'a> = Peekable<Chars<'a>>;

const fn invalid(what: &'static str) -> InvalidLabels {
    InvalidLabels { what }
}

fn expect(rest: &mut Rest<'_>, wanted: char, what: &'static str) -> Result<(), InvalidLabels> {
    rest.next_if_eq(&wanted).map(drop).ok_or(invalid(what))
}

fn skip_blanks(rest: &mut Rest<'_>) {
    while rest
        .next_if(|character| character.is_ascii_whitespace())
        .is_some()
    {}
}

/// A bare name, or a quoted one as newer Prometheus has them.
fn name(rest: &mut Rest<'_>) -> Result<String, InvalidLabels> {
    if rest.peek() == Some(&'"') {
        return quoted(rest);
    }
    let mut name = String::new();
    while let Some(character) =
        rest.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.'))
    {
        name.push(character);
    }
    match name.is_empty() {
        true => Err(invalid("a name is missing")),
        false => Ok(name),
    }
}

fn quoted(rest: &mut Rest<'_>) -> Result<String, InvalidLabels> {
    let quote = rest
        .next_if(|character| matches!(character, '"' | '\'' | '`'))
        .ok_or(invalid("a value is not in quotes"))?;
    // Escapes stand for bytes, several of which may make one character.
    let mut value = Vec::new();
    loop {
        match rest.next().ok_or(invalid("a quote is not closed"))? {
            end if end == quote => break,
            '\\' if quote != '`' => escape(rest, &mut value)?,
            plain => value.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(match String::from_utf8(value) {
        Ok(value) => value,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

fn escape(rest: &mut Rest<'_>, value: &mut Vec<u8>) -> Result<(), InvalidLabels> {
    const UNKNOWN: InvalidLabels = invalid("an escape is not one of Go's");
    let kind = rest.next().ok_or(UNKNOWN)?;
    let simple = match kind {
        'a' => b'\x07',
        'b' => b'\x08',
        'f' => b'\x0c',
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => b'\x0b',
        '\\' | '\'' | '"' => kind as u8,
        'x' => u8::try_from(number(rest, 0, 2, 16)?).map_err(|_| UNKNOWN)?,
        '0'..='7' => {
            let first = kind.to_digit(8).ok_or(UNKNOWN)?;
            u8::try_from(number(rest, first, 2, 8)?).map_err(|_| UNKNOWN)?
        }
        'u' | 'U' => {
            let digits = if kind == 'u' { 4 } else { 8 };
            let character = char::from_u32(number(rest, 0, digits, 16)?).ok_or(UNKNOWN)?;
            value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
        _ => return Err(UNKNOWN),
    };
    value.push(simple);
    Ok(())
}

fn number(
    rest: &mut Rest<'_>,
    mut number: u32,
    digits: usize,
    radix: u32,
) -> Result<u32, InvalidLabels> {
    for _ in 0..digits {
        let digit = rest.next().and_then(|digit| digit.to_digit(radix));
        let digit = digit.ok_or(invalid("an escape has too few digits"))?;
        number = number.wrapping_mul(radix).wrapping_add(digit);
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_survive_their_text() {
        let labels = [
            ("app", "shop"),
            ("empty", ""),
            ("odd", "a\"b\\c\nd\te\u{1}f 🦀 = , }"),
        ];
        let mut text = String::new();
        write_labels(labels, &mut text);
        let read = parse_labels(&text).unwrap();
        let read: Vec<_> = read.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(read, labels);
        assert_eq!(parse_labels("{}"), Ok(Vec::new()));
    }

    #[test]
    fn every_quote_and_escape_of_go_is_read() {
        let text = r#" { a = 'x"y' , b=`\n`, c="\xc3\xa4\101\u00e4\U0001F980",} "#;
        let values: Vec<String> = parse_labels(text)
            .unwrap()
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        assert_eq!(values, ["x\"y", "\\n", "äAä🦀"]);
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "{",
            "a=\"b\"",
            "{a}",
            "{a=b}",
            "{a=\"b}",
            "{=\"b\"}",
            "{a=\"b\"}x",
            "{a=\"\\q\"}",
            "{a=\"\\x1\"}",
            "{a=\"\\777\"}",
            "{a=\"\\ud800\"}",
            "{a=\"b\" c=\"d\"}",
        ] {
            assert!(parse_labels(text).is_err(), "{text}");
        }
    }
}
