//! Trace and span ids.

use std::fmt;
use std::str::FromStr;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $length:literal, $article:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// Whether every byte is zero, which stands for no id.
            pub fn is_zero(&self) -> bool {
                self.0 == [0; $length]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<$name, InvalidId> {
                let mut id = [0; $length];
                from_hex(text.as_bytes(), &mut id).ok_or(InvalidId { kind: $article, digits: 2 * $length })?;
                Ok($name(id))
            }
        }
    };
}

id!(
    /// A trace id. Shown as 32 lower-case hexadecimal digits; read in either case.
    TraceId, 16, "a trace id"
);
id!(
    /// A span id. Shown as 16 lower-case hexadecimal digits; read in either case.
    SpanId, 8, "a span id"
);

/// The text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} has {digits} hexadecimal digits")]
pub struct InvalidId {
    kind: &'static str,
    digits: usize,
}

/// Reads hexadecimal digits in either case into exactly `out`.
pub(crate) fn from_hex(digits: &[u8], out: &mut [u8]) -> Option<()> {
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != out.len() {
        return None;
    }
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        let high = char::from(*high).to_digit(16)?;
        let low = char::from(*low).to_digit(16)?;
        *byte = (high << 4 | low) as u8;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_text_in_either_case() {
        let text = "0af7651916cd43dd8448eb211c80319c";
        let id: TraceId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(text.to_uppercase().parse(), Ok(id));
    }

    #[test]
    fn other_text_is_refused() {
        assert_eq!(
            "0af7".parse::<SpanId>().unwrap_err().to_string(),
            "a span id has 16 hexadecimal digits"
        );
        assert!("0af7651916cd43dg".parse::<SpanId>().is_err());
        assert!("+af7651916cd43dd".parse::<SpanId>().is_err());
    }
}
