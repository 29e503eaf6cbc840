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

impl TraceId {
    /// The id that another system's name for a trace stands for, always the same for the same name and never zero:
    /// hexadecimal digits, with or without the dashes of a UUID, are the id itself (16 digits are its last ones), and any
    /// other text is hashed (128-bit FNV-1a).
    pub fn of_text(text: &str) -> TraceId {
        let digits = text.trim().replace('-', "");
        let padded = format!("{digits:0>32}");
        let stated = matches!(digits.len(), 16 | 32).then(|| padded.parse().ok());
        let stated = stated.flatten().filter(|id: &TraceId| !id.is_zero());
        stated.unwrap_or_else(|| TraceId(fnv1a(text.trim()).to_be_bytes()))
    }
}

impl SpanId {
    /// The id that another system's name for a span stands for, always the same for the same name and never zero: 16
    /// hexadecimal digits are the id itself, and any other text is hashed (the last half of its 128-bit FNV-1a).
    pub fn of_text(text: &str) -> SpanId {
        let stated = text.trim().parse().ok().filter(|id: &SpanId| !id.is_zero());
        stated.unwrap_or_else(|| {
            let hash = (fnv1a(text.trim()) as u64).max(1);
            SpanId(hash.to_be_bytes())
        })
    }
}

/// [FNV-1a](https://datatracker.ietf.org/doc/html/draft-eastlake-fnv) of 128 bits, which is never zero for texts that occur.
fn fnv1a(text: &str) -> u128 {
    let basis = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    let prime = 0x0000_0000_0100_0000_0000_0000_0000_013b_u128;
    let hash = text.bytes().fold(basis, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(prime)
    });
    hash.max(1)
}

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
    fn names_of_other_systems_stand_for_ids() {
        let uuid = "0AF76519-16cd-43dd-8448-eb211c80319c";
        let id = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(TraceId::of_text(uuid).to_string(), id);
        assert_eq!(
            TraceId::of_text("8448eb211c80319c").to_string(),
            format!("{:0>32}", "8448eb211c80319c")
        );
        assert_eq!(
            SpanId::of_text(" 8448eb211c80319c").to_string(),
            "8448eb211c80319c"
        );
        // The published hash of "a".
        assert_eq!(
            TraceId::of_text("a").to_string(),
            "d228cb696f1a8caf78912b704e4a8964"
        );
        assert_eq!(SpanId::of_text("a").to_string(), "78912b704e4a8964");
        for zero in ["", "0000000000000000", "00000000000000000000000000000000"] {
            assert!(!TraceId::of_text(zero).is_zero() && !SpanId::of_text(zero).is_zero());
        }
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
