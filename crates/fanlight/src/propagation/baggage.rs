//! Baggage: what programs of a trace tell those that they call.
//!
//! [Source](https://www.w3.org/TR/baggage/#baggage-http-header-format).

use std::fmt;

/// How long the header may be, and how many entries it may have: what everybody has to pass on.
const LONGEST: usize = 8192;
const MOST: usize = 64;

/// Names and values that go with a trace through all programs that it touches. Everyone on the way can read them, other
/// companies' programs too: nothing in there is a secret.
///
/// ```
/// let mut baggage = fanlight::Baggage::parse("tenant=17;internal, plan=a%20b");
/// assert_eq!(baggage.get("plan"), Some("a b"));
/// baggage.set("tenant", "18");
/// assert_eq!(baggage.to_string(), "plan=a%20b,tenant=18");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baggage {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    value: String,
    /// What follows the value, as it came: `;key=value;key`.
    properties: String,
}

impl Baggage {
    /// No baggage.
    pub fn new() -> Baggage {
        Baggage::default()
    }

    /// Reads the value of a header. Entries that are none are left out.
    pub fn parse(header: &str) -> Baggage {
        if header.len() > LONGEST {
            return Baggage::new();
        }
        let members = header.split(',').filter_map(Entry::parse);
        Baggage {
            entries: members.take(MOST).collect(),
        }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.entries.iter().find(|entry| entry.name == name)?;
        Some(&found.value)
    }

    /// Sets a value. Characters that no name may have become `_`.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Baggage {
        let as_named = |c: char| if is_of_token(c) { c } else { '_' };
        let name: String = name.chars().map(as_named).collect();
        self.remove(&name);
        if !name.is_empty() {
            self.entries.push(Entry {
                name,
                value: value.into(),
                properties: String::new(),
            });
        }
        self
    }

    /// Takes a value out.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let at = self.entries.iter().position(|entry| entry.name == name)?;
        Some(self.entries.remove(at).value)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.entries.iter();
        entries.map(|entry| (entry.name.as_str(), entry.value.as_str()))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Baggage {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Baggage {
        let mut baggage = Baggage::new();
        for (name, value) in entries {
            baggage.set(name.as_ref(), value);
        }
        baggage
    }
}

impl<N: AsRef<str>, V: Into<String>, const C: usize> From<[(N, V); C]> for Baggage {
    fn from(entries: [(N, V); C]) -> Baggage {
        entries.into_iter().collect()
    }
}

/// The value of the header. What is too much for one is left out.
impl fmt::Display for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut length = 0;
        let entries = self.entries.iter().map(Entry::to_string).take(MOST);
        for entry in entries {
            let comma = if length == 0 { "" } else { "," };
            if length + comma.len() + entry.len() <= LONGEST {
                write!(f, "{comma}{entry}")?;
                length += comma.len() + entry.len();
            }
        }
        Ok(())
    }
}

impl Entry {
    fn parse(member: &str) -> Option<Entry> {
        let (assigned, properties) = match member.split_once(';') {
            Some((assigned, properties)) => (assigned, Some(properties.trim())),
            None => (member, None),
        };
        let (name, value) = assigned.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let is_name = !name.is_empty() && name.chars().all(is_of_token);
        let properties = properties.filter(|text| text.chars().all(|c| matches!(c, ' '..='~')));
        (is_name && value.bytes().all(is_octet)).then(|| Entry {
            name: name.to_owned(),
            value: decoded(value),
            properties: properties
                .map(|text| format!(";{text}"))
                .unwrap_or_default(),
        })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.name)?;
        for byte in self.value.bytes() {
            if is_octet(byte) && byte != b'%' {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        f.write_str(&self.properties)
    }
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// What a value may hold as it is.
fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

/// `%20` and the like are what they stand for; what is no text after that is replaced.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| after.split_at_checked(2))
            .flatten()
            .and_then(|(digits, after)| Some((escape(digits)?, after)));
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn escape(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    are_digits.then(|| u8::from_str_radix(digits, 16).ok())?
}
