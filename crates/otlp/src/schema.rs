//! What OTLP messages look like: one table, from which validation, JSON and their tests are derived.
//!
//! The table follows [opentelemetry-proto](https://github.com/open-telemetry/opentelemetry-proto) 1.x, with profiles as
//! `v1development`. A message is an array of [`Check`]s by first tag byte, which is all that validation looks at, and a
//! list of [`Field`]s with names, which JSON uses. A field that is not in the table is unknown: validation wants it well
//! formed and leaves it in place, JSON leaves it out.

// One field is one line, like the rows of any table.
#[rustfmt::skip]
mod tables;

use crate::Signal;

#[cfg(test)]
pub(crate) use tables::every_message;
pub(crate) use tables::{ANY_VALUE, KEY_VALUE};

/// Numbers of the protobuf wire types.
pub(crate) mod wire_type {
    pub(crate) const VARINT: u8 = 0;
    pub(crate) const FIXED64: u8 = 1;
    pub(crate) const LENGTH: u8 = 2;
    pub(crate) const FIXED32: u8 = 5;
}

/// One message type.
pub(crate) struct Message {
    /// Its name in the `.proto` files.
    pub(crate) name: &'static str,
    /// Its fields, in the order in which JSON shows them.
    pub(crate) fields: &'static [Field],
    /// What validation does about a one-byte tag.
    pub(crate) checks: [Check; 128],
    /// The message types of fields 1 to 15; [`NOTHING`] where a field is none.
    pub(crate) children: [&'static Message; 16],
}

/// One field of a message.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) number: u32,
    /// The name in the `.proto` file, which JSON readers must accept too.
    pub(crate) name: &'static str,
    /// The name in JSON.
    pub(crate) json: &'static str,
    pub(crate) kind: Kind,
    pub(crate) label: Label,
    pub(crate) role: Role,
    /// Whether JSON shows it even when it is empty, because widespread readers insist on it.
    pub(crate) always: bool,
}

/// What a field is in the walk from a request to its items.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Something that a message says about itself.
    Value,
    /// A message that holds items, perhaps deeper in: a resource, a scope, a metric.
    Envelope,
    /// One item of its signal: a span, a data point, a log record, a sample.
    Item,
}

/// How often a field may occur, and whether its default value differs from its absence.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    /// Once; absent is the same as the default value.
    Implicit,
    /// Once; absent differs from the default value.
    Optional,
    /// At most one of the message's fields with this label; the last one counts. No OTLP message has two such groups.
    OneOf,
    /// Any number of times; scalars packed or not.
    Repeated,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Enum(&'static [(&'static str, i32)]),
    Fixed32,
    Fixed64,
    Sfixed64,
    Double,
    Text,
    Bytes,
    /// An id of so many bytes, or none; hexadecimal in JSON.
    Id(usize),
    Message(&'static Message),
}

/// What validation does about a tag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// Not in the table: step over it, whatever its wire type is.
    Unknown,
    /// In the table with another wire type.
    WrongWireType,
    Varint,
    Fixed32,
    Fixed64,
    Text,
    Bytes,
    SpanId,
    TraceId,
    PackedVarint,
    PackedFixed64,
    Message,
    /// A message that counts as an item.
    Item,
}

/// The message without fields.
pub(crate) static NOTHING: Message = message("Empty", &[]);

impl Message {
    /// The request of a signal.
    pub(crate) fn request(signal: Signal) -> &'static Message {
        match signal {
            Signal::Traces => &tables::EXPORT_TRACE_REQUEST,
            Signal::Metrics => &tables::EXPORT_METRICS_REQUEST,
            Signal::Logs => &tables::EXPORT_LOGS_REQUEST,
            Signal::Profiles => &tables::EXPORT_PROFILES_REQUEST,
        }
    }

    /// The field with this number.
    pub(crate) fn field(&self, number: u32) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.number == number)
    }

    /// What validation does about a tag of any length.
    pub(crate) fn check(&self, number: u32, wire_type: u8) -> (Check, &'static Message) {
        match self.field(number) {
            Some(field) => (field.check(wire_type), field.child()),
            None => (Check::Unknown, &NOTHING),
        }
    }
}

impl Field {
    pub(crate) const fn repeated(mut self) -> Field {
        self.label = Label::Repeated;
        self
    }

    pub(crate) const fn optional(mut self) -> Field {
        self.label = Label::Optional;
        self
    }

    pub(crate) const fn one_of(mut self) -> Field {
        self.label = Label::OneOf;
        self
    }

    pub(crate) const fn always(mut self) -> Field {
        self.always = true;
        self
    }

    pub(crate) const fn envelope(mut self) -> Field {
        self.role = Role::Envelope;
        self
    }

    pub(crate) const fn items(mut self) -> Field {
        self.role = Role::Item;
        self.repeated()
    }

    pub(crate) const fn child(&self) -> &'static Message {
        match self.kind {
            Kind::Message(message) => message,
            _ => &NOTHING,
        }
    }

    const fn check(&self, wire_type: u8) -> Check {
        let check = self.kind.check(matches!(self.role, Role::Item));
        let repeated = matches!(self.label, Label::Repeated);
        match (check, wire_type) {
            (Check::Varint, wire_type::VARINT) => Check::Varint,
            (Check::Varint, wire_type::LENGTH) if repeated => Check::PackedVarint,
            (Check::Fixed64, wire_type::FIXED64) => Check::Fixed64,
            (Check::Fixed64, wire_type::LENGTH) if repeated => Check::PackedFixed64,
            (Check::Fixed32, wire_type::FIXED32) => Check::Fixed32,
            (Check::Varint | Check::Fixed64 | Check::Fixed32, _) => Check::WrongWireType,
            (_, wire_type::LENGTH) => check,
            (_, _) => Check::WrongWireType,
        }
    }
}

impl Kind {
    /// The check of one value.
    const fn check(&self, item: bool) -> Check {
        match self {
            Kind::Bool
            | Kind::Int32
            | Kind::Int64
            | Kind::Uint32
            | Kind::Uint64
            | Kind::Sint32
            | Kind::Enum(_) => Check::Varint,
            Kind::Fixed32 => Check::Fixed32,
            Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => Check::Fixed64,
            Kind::Text => Check::Text,
            Kind::Bytes => Check::Bytes,
            Kind::Id(8) => Check::SpanId,
            Kind::Id(_) => Check::TraceId,
            Kind::Message(_) if item => Check::Item,
            Kind::Message(_) => Check::Message,
        }
    }
}

const fn field(number: u32, name: &'static str, json: &'static str, kind: Kind) -> Field {
    Field {
        number,
        name,
        json,
        kind,
        label: Label::Implicit,
        role: Role::Value,
        always: false,
    }
}

const fn message(name: &'static str, fields: &'static [Field]) -> Message {
    let mut message = Message {
        name,
        fields,
        checks: [Check::Unknown; 128],
        children: [&NOTHING; 16],
    };
    let mut rest = fields;
    while let [field, tail @ ..] = rest {
        rest = tail;
        let number = field.number as usize;
        if number >= 16 {
            continue;
        }
        message.children[number] = field.child();
        let mut wire_type = 0;
        while wire_type < 8 {
            message.checks[number << 3 | wire_type] = field.check(wire_type as u8);
            wire_type += 1;
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camel(snake: &str) -> String {
        let mut upper = false;
        let mut camel = String::new();
        for letter in snake.chars() {
            match letter {
                '_' => upper = true,
                letter if upper => {
                    camel.extend(letter.to_uppercase());
                    upper = false;
                }
                letter => camel.push(letter),
            }
        }
        camel
    }

    #[test]
    fn json_names_are_the_camel_case_of_proto_names() {
        for message in every_message() {
            for field in message.fields {
                assert_eq!(camel(field.name), field.json, "{}", message.name);
            }
        }
    }

    #[test]
    fn field_numbers_are_unique_and_fit_the_seen_set() {
        for message in every_message() {
            let mut numbers: Vec<u32> = message.fields.iter().map(|field| field.number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), message.fields.len(), "{}", message.name);
            assert!(
                message.fields.len() <= 16
                    && numbers.iter().all(|number| (1..=16).contains(number))
            );
        }
    }

    #[test]
    fn one_byte_tags_and_long_tags_get_the_same_check() {
        for message in every_message() {
            for tag in 8..128_u8 {
                let (check, child) = message.check(u32::from(tag >> 3), tag & 7);
                assert!(
                    message.checks[usize::from(tag)] == check,
                    "{} tag {tag}",
                    message.name
                );
                assert_eq!(message.children[usize::from(tag >> 3)].name, child.name);
            }
        }
    }
}
