//! Sets of attributes: what tells the series of an instrument apart.
//!
//! A set is known by its encoded form, sorted by key: two sets with the same attributes are the same bytes, which go to
//! the wire as they are. Looking a series up allocates nothing.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use fanlight_otlp::write::Encoder;

use crate::value::{ToValue, put_attribute};

/// Attributes of a measurement. Where a key is given twice, the last counts.
///
/// ```
/// let requests = fanlight::counter("requests").build();
/// requests.add(1, ());
/// requests.add(1, [("route", "/pay"), ("method", "POST")]);
/// // Values of different types: a tuple, or references to `dyn ToValue`.
/// requests.add(1, (("route", "/pay"), ("status", 200)));
/// requests.add(1, &[("route", &"/pay" as &dyn fanlight::ToValue), ("status", &200)]);
/// ```
pub trait Attributes {
    /// Shows each attribute.
    fn each(&self, visit: &mut dyn FnMut(&str, &dyn ToValue));
}

impl Attributes for () {
    fn each(&self, _: &mut dyn FnMut(&str, &dyn ToValue)) {}
}

impl<T: Attributes + ?Sized> Attributes for &T {
    fn each(&self, visit: &mut dyn FnMut(&str, &dyn ToValue)) {
        (**self).each(visit);
    }
}

impl<K: AsRef<str>, V: ToValue> Attributes for [(K, V)] {
    fn each(&self, visit: &mut dyn FnMut(&str, &dyn ToValue)) {
        for (key, value) in self {
            visit(key.as_ref(), value);
        }
    }
}

impl<K: AsRef<str>, V: ToValue, const N: usize> Attributes for [(K, V); N] {
    fn each(&self, visit: &mut dyn FnMut(&str, &dyn ToValue)) {
        self.as_slice().each(visit);
    }
}

impl<K: AsRef<str>, V: ToValue> Attributes for Vec<(K, V)> {
    fn each(&self, visit: &mut dyn FnMut(&str, &dyn ToValue)) {
        self.as_slice().each(visit);
    }
}

impl<K: AsRef<str>, V: ToValue> Attributes for BTreeMap<K, V> {
    fn each(&self, visit: &mut dyn FnMut(&str, &dyn ToValue)) {
        for (key, value) in self {
            visit(key.as_ref(), value);
        }
    }
}

macro_rules! tuples {
    ($($(($key:ident $value:ident $pair:ident))*;)*) => {$(
        impl<$($key: AsRef<str>, $value: ToValue),*> Attributes for ($(($key, $value),)*) {
            fn each(&self, visit: &mut dyn FnMut(&str, &dyn ToValue)) {
                let ($($pair,)*) = self;
                $(visit($pair.0.as_ref(), &$pair.1);)*
            }
        }
    )*};
}
tuples! {
    (K1 V1 a);
    (K1 V1 a) (K2 V2 b);
    (K1 V1 a) (K2 V2 b) (K3 V3 c);
    (K1 V1 a) (K2 V2 b) (K3 V3 c) (K4 V4 d);
    (K1 V1 a) (K2 V2 b) (K3 V3 c) (K4 V4 d) (K5 V5 e);
    (K1 V1 a) (K2 V2 b) (K3 V3 c) (K4 V4 d) (K5 V5 e) (K6 V6 f);
}

/// Memory of more than this is freed rather than kept.
const SPARE_BYTES: usize = 16 * 1024;

/// Memory to encode a set in.
#[derive(Default)]
struct Scratch {
    encoded: Encoder,
    keys: String,
    parts: Vec<Part>,
    sorted: Vec<u8>,
}

/// Where an attribute is.
struct Part {
    key: Range<usize>,
    encoded: Range<usize>,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Runs with the encoded set: its attributes as fields `number`, sorted by key.
pub(crate) fn with_encoded<R>(
    number: u32,
    attributes: &(impl Attributes + ?Sized),
    run: impl FnOnce(&[u8]) -> R,
) -> R {
    // A value that measures something while it is encoded finds no memory here, and takes its own.
    let mut scratch = SCRATCH
        .try_with(Cell::take)
        .ok()
        .flatten()
        .unwrap_or_default();
    scratch.encode(number, attributes);
    let result = run(scratch.canonical());
    if scratch.encoded.capacity() <= SPARE_BYTES {
        // While the thread ends, there is nowhere to keep it.
        let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
    }
    result
}

impl Scratch {
    fn encode(&mut self, number: u32, attributes: &(impl Attributes + ?Sized)) {
        self.encoded.clear();
        self.keys.clear();
        self.parts.clear();
        attributes.each(&mut |key, value| {
            // OpenTelemetry has no attributes without a name.
            if key.is_empty() {
                return;
            }
            let (start, key_start) = (self.encoded.len(), self.keys.len());
            put_attribute(&mut self.encoded, number, key, value);
            self.keys.push_str(key);
            self.parts.push(Part {
                key: key_start..self.keys.len(),
                encoded: start..self.encoded.len(),
            });
        });
    }

    fn canonical(&mut self) -> &[u8] {
        let keys = self.keys.as_bytes();
        let key = |part: &Part| keys.get(part.key.clone());
        if self.parts.is_sorted_by(|a, b| key(a) < key(b)) {
            return self.encoded.as_bytes();
        }
        self.parts.sort_by(|a, b| key(a).cmp(&key(b)));
        self.sorted.clear();
        for (index, part) in self.parts.iter().enumerate() {
            let next = self.parts.get(index + 1);
            if next.is_none_or(|next| key(next) != key(part)) {
                let encoded = self.encoded.as_bytes().get(part.encoded.clone());
                self.sorted.extend_from_slice(encoded.unwrap_or_default());
            }
        }
        &self.sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(attributes: impl Attributes) -> Vec<u8> {
        with_encoded(7, &attributes, <[u8]>::to_vec)
    }

    #[test]
    fn order_does_not_tell_sets_apart() {
        let sorted = encoded((("a", 1), ("b", "x"), ("c", true)));
        assert_eq!(sorted, encoded((("c", true), ("b", "x"), ("a", 1))));
        assert_ne!(sorted, encoded((("a", "1"), ("b", "x"), ("c", true))));
    }

    #[test]
    fn the_last_value_of_a_key_counts() {
        assert_eq!(
            encoded([("a", 1), ("b", 5), ("a", 2)]),
            encoded([("a", 2), ("b", 5)])
        );
        assert_eq!(encoded([("", 1)]), encoded(()));
    }

    #[test]
    fn a_value_may_measure_while_it_is_encoded() {
        struct Nested;
        impl ToValue for Nested {
            fn to_value(&self, out: crate::ValueWriter<'_>) {
                out.bytes(&encoded([("inner", 1)]));
            }
        }
        let inner = encoded([("inner", 1)]);
        let outer = encoded([("a", Nested)]);
        assert!(outer.windows(inner.len()).any(|window| window == inner));
    }
}
