//! What a block may hold: two filters that answer "certainly not" without reading it.
//!
//! The first is a Bloom filter over attributes as `key=value`, names, services and resources. The second has a bit for
//! every three letters in a row, so that any text of three letters or more can be looked for, wherever it begins.

use fanlight_otlp::view::Value;
use fanlight_otlp::{DecodeError, json};

use super::codec::{BlockError, compress, decompress_to};

/// Bits of the filter for each thing in it: with three probes, one in a hundred answers is a needless yes.
const BITS: usize = 12;
const PROBES: u32 = 3;

/// Bits of the filter of texts.
const TEXT_BITS: usize = 1 << 15;

/// Collects what a block holds.
#[derive(Debug, Default)]
pub(crate) struct FilterBuilder {
    hashes: Vec<u64>,
    texts: Vec<u64>,
}

/// The first filter, as it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter<'a>(pub(crate) &'a [u8]);

/// The second filter.
#[derive(Debug)]
pub(crate) struct Texts(Vec<u8>);

/// A text that is looked for; ASCII letters match in either case.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    lower: Vec<u8>,
    bits: Vec<usize>,
}

impl FilterBuilder {
    pub(crate) fn add(&mut self, hash: u64) {
        self.hashes.push(hash);
    }

    /// Adds a text, or bytes that hold texts.
    pub(crate) fn add_text(&mut self, text: &[u8]) {
        if self.texts.is_empty() {
            self.texts.resize(TEXT_BITS / 64, 0);
        }
        for bit in trigrams(text) {
            if let Some(word) = self.texts.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// Adds all texts of another filter.
    pub(crate) fn add_texts(&mut self, texts: &Texts) {
        if self.texts.is_empty() {
            self.texts.resize(TEXT_BITS / 64, 0);
        }
        let (others, _) = texts.0.as_chunks::<8>();
        for (word, others) in self.texts.iter_mut().zip(others) {
            *word |= u64::from_le_bytes(*others);
        }
    }

    pub(crate) fn filter(&self) -> Vec<u8> {
        let bytes = (self.hashes.len() * BITS).div_ceil(8).max(8);
        let mut bits = vec![0_u8; bytes];
        for hash in &self.hashes {
            for bit in probes(*hash, bytes * 8) {
                if let Some(byte) = bits.get_mut(bit / 8) {
                    *byte |= 1 << (bit % 8);
                }
            }
        }
        bits
    }

    pub(crate) fn texts(&self) -> Result<Vec<u8>, BlockError> {
        let bytes: Vec<u8> = self
            .texts
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        Ok(compress(&bytes, 1)?)
    }
}

impl Filter<'_> {
    /// Whether a block may have this; never a wrong no.
    pub(crate) fn may_have(self, hash: u64) -> bool {
        probes(hash, self.0.len() * 8).all(|bit| {
            self.0
                .get(bit / 8)
                .is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
        })
    }
}

impl Texts {
    pub(crate) fn read(stored: &[u8]) -> Result<Texts, BlockError> {
        Ok(Texts(decompress_to(stored, TEXT_BITS / 8)?))
    }

    /// Adds all texts of another filter.
    pub(crate) fn add(&mut self, other: &Texts) {
        for (byte, others) in self.0.iter_mut().zip(&other.0) {
            *byte |= others;
        }
    }

    /// Whether a block may have this text; never a wrong no.
    pub(crate) fn may_have(&self, needle: &Needle) -> bool {
        needle.bits.iter().all(|bit| {
            self.0
                .get(bit / 8)
                .is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
        })
    }
}

impl Needle {
    pub(crate) fn new(text: &str) -> Needle {
        Needle {
            lower: text.to_ascii_lowercase().into_bytes(),
            bits: trigrams(text.as_bytes()).collect(),
        }
    }

    /// Whether the bytes have the text somewhere.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        let Some((first, rest)) = self.lower.split_first() else {
            return true;
        };
        let upper = first.to_ascii_uppercase();
        let mut from = 0;
        while let Some(found) = bytes
            .get(from..)
            .and_then(|bytes| memchr::memchr2(*first, upper, bytes))
        {
            let start = from + found + 1;
            if bytes
                .get(start..start + rest.len())
                .is_some_and(|part| part.eq_ignore_ascii_case(rest))
            {
                return true;
            }
            from = start;
        }
        false
    }
}

/// The bits of every three bytes in a row, ASCII letters as lower case.
fn trigrams(text: &[u8]) -> impl Iterator<Item = usize> {
    let mut last = 0_u32;
    let numbers = text.iter().map(move |byte| {
        last = (last << 8 | u32::from(byte.to_ascii_lowercase())) & 0x00ff_ffff;
        (last.wrapping_mul(0x9e37_79b1) >> 17) as usize
    });
    numbers.skip(2)
}

fn probes(hash: u64, bits: usize) -> impl Iterator<Item = usize> {
    let (first, second) = (hash, (hash >> 32) | 1);
    (0..u64::from(PROBES)).map(move |probe| {
        (first.wrapping_add(second.wrapping_mul(probe)) % (bits.max(1) as u64)) as usize
    })
}

/// The hash of an attribute. It is stored in filters, so it must never change. A value's text is the text of a string,
/// and what plain JSON has for everything else.
pub(crate) fn attribute_hash(key: &str, value: &Value<'_>) -> Result<u64, DecodeError> {
    let hash = fnv(fnv(FNV_START, key.as_bytes()), b"=");
    Ok(mixed(match value {
        Value::Str(text) => fnv(hash, text.as_bytes()),
        Value::Empty => hash,
        value => {
            let mut text = Vec::new();
            json::write_plain_value(value, &mut text)?;
            fnv(hash, &text)
        }
    }))
}

/// The hash of a name, a service or a resource: its kind and its id. Stored, too.
pub(crate) fn number_hash(kind: u8, id: i64) -> u64 {
    mixed(fnv(fnv(FNV_START, &[kind]), &id.to_le_bytes()))
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

const fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found_and_little_else() {
        let mut builder = FilterBuilder::default();
        (0..1000).for_each(|number| builder.add(number_hash(1, number)));
        let bytes = builder.filter();
        let filter = Filter(&bytes);
        assert!((0..1000).all(|number| filter.may_have(number_hash(1, number))));
        let wrong = (1000..11_000)
            .filter(|number| filter.may_have(number_hash(1, *number)))
            .count();
        assert!(wrong < 300, "{wrong} of 10,000");
    }

    #[test]
    fn texts_are_found_wherever_they_begin() {
        let mut builder = FilterBuilder::default();
        builder.add_text(b"Paid 5 EUR to Alice");
        let texts = Texts::read(&builder.texts().unwrap()).unwrap();
        for text in ["paid", "AID 5", "alice", "li", ""] {
            assert!(texts.may_have(&Needle::new(text)), "{text}");
            assert!(Needle::new(text).is_in(b"Paid 5 EUR to Alice"), "{text}");
        }
        assert!(!texts.may_have(&Needle::new("refund")));
        assert!(!Needle::new("paid 6").is_in(b"Paid 5 EUR to Alice"));
    }

    #[test]
    fn hashes_are_those_that_are_stored() {
        assert_eq!(
            attribute_hash("a", &Value::Int(1)).unwrap(),
            attribute_hash("a", &Value::Str("1")).unwrap()
        );
        assert_eq!(number_hash(1, 2), number_hash(1, 2));
        assert_ne!(number_hash(1, 2), number_hash(2, 1));
    }
}
