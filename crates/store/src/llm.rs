//! What is kept of a call of a language model.
//!
//! Two parts: its facts, which are numbers and ids of names, small enough to go through a million of them; and its details,
//! which are the texts that lists show. Everything else is read from the span when it is asked for.

mod columns;

pub(crate) use columns::{Columns, MAX_CALLS, PART_NS, part_of};

use fanlight_genai::Kind;
use serde::{Deserialize, Serialize};

use crate::block::{BlockError, Reader, put_varint};

/// The kinds as they are kept in files: never change the order.
const KINDS: [Kind; 13] = [
    Kind::Llm,
    Kind::Embedding,
    Kind::Image,
    Kind::Audio,
    Kind::Tool,
    Kind::Agent,
    Kind::Chain,
    Kind::Retriever,
    Kind::Reranker,
    Kind::Guardrail,
    Kind::Evaluator,
    Kind::Prompt,
    Kind::Other,
];

/// By what calls are found. The numbers are kept in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    Service = 1,
    Provider = 2,
    Model = 3,
    Session = 4,
    User = 5,
    Tag = 6,
    Agent = 7,
}

/// Those that have an index: few calls, out of many, have the same session, user or tag. For the others going through the
/// columns of all calls is faster than looking up many one by one.
pub(crate) const INDEXED: [Dimension; 3] = [Dimension::Session, Dimension::User, Dimension::Tag];

/// How many numbers facts are, besides start, number and tags.
const NUMBERS: usize = 19;

/// All of them.
pub(crate) const DIMENSIONS: [Dimension; 7] = [
    Dimension::Service,
    Dimension::Provider,
    Dimension::Model,
    Dimension::Session,
    Dimension::User,
    Dimension::Tag,
    Dimension::Agent,
];

/// Yes or no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(pub(crate) u64);

impl Flags {
    pub(crate) const ERROR: u64 = 1;
    /// Its usage is its own, by what it says itself.
    pub(crate) const OWN: u64 = 1 << 1;
    /// Another recording of the same call counts in its place.
    pub(crate) const REPEATED: u64 = 1 << 2;
    pub(crate) const USAGE: u64 = 1 << 3;
    pub(crate) const PRICED: u64 = 1 << 4;
    pub(crate) const REPORTED: u64 = 1 << 5;
    pub(crate) const LOG: u64 = 1 << 6;
    pub(crate) const PROXY: u64 = 1 << 7;
    /// The session is one of a conversation only.
    pub(crate) const CONVERSATION: u64 = 1 << 8;

    pub(crate) const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    pub(crate) const fn set(&mut self, flag: u64, truth: bool) {
        if truth {
            self.0 |= flag;
        } else {
            self.0 &= !flag;
        }
    }
}

/// The numbers of a call. Names are ids of the partition, 0 for none; amounts are 10⁻¹² dollars.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) start_ns: i64,
    /// Its number in the partition.
    pub(crate) call: i64,
    pub(crate) kind: Kind,
    pub(crate) flags: Flags,
    pub(crate) duration_ns: u64,
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
    pub(crate) reasoning: u64,
    pub(crate) cost: u64,
    pub(crate) savings: u64,
    pub(crate) service: i64,
    pub(crate) provider: i64,
    pub(crate) request_model: i64,
    pub(crate) response_model: i64,
    pub(crate) session: i64,
    pub(crate) user: i64,
    pub(crate) agent: i64,
    /// Tells traces apart, nearly always.
    pub(crate) trace: u64,
    /// Tells beginnings of questions apart, nearly always; 0 where there is none.
    pub(crate) prompt: u64,
    pub(crate) tags: Vec<i64>,
}

/// The texts of a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    #[serde(rename = "n", skip_serializing_if = "String::is_empty")]
    pub(crate) name: String,
    #[serde(rename = "o", skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<String>,
    /// The tool that ran.
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    pub(crate) tool: Option<String>,
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    pub(crate) error_type: Option<String>,
    #[serde(rename = "f", skip_serializing_if = "Vec::is_empty")]
    pub(crate) finish_reasons: Vec<String>,
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    pub(crate) conversation: Option<String>,
    #[serde(rename = "i", skip_serializing_if = "String::is_empty")]
    pub(crate) input: String,
    #[serde(rename = "a", skip_serializing_if = "String::is_empty")]
    pub(crate) output: String,
    #[serde(rename = "t", skip_serializing_if = "is_zero")]
    pub(crate) tool_calls: u64,
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub(crate) streaming: Option<bool>,
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    pub(crate) first_chunk_ns: Option<u64>,
    /// Of what the cost is made.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    pub(crate) parts: Option<CostParts>,
}

/// Of what a cost is made, in 10⁻¹² dollars.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CostParts {
    #[serde(rename = "i", skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<u64>,
    #[serde(rename = "o", skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<u64>,
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    pub(crate) cache_read: Option<u64>,
    #[serde(rename = "w", skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write: Option<u64>,
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    pub(crate) fees: Option<u64>,
    /// The table that it was computed by.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<String>,
    #[serde(rename = "a", skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_approximate: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Whether a kind is a call of a model.
pub(crate) const fn is_model(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Llm | Kind::Embedding | Kind::Image | Kind::Audio
    )
}

/// Whether a call of this kind, with these flags, is among what is summed up.
pub(crate) const fn counts(kind: Kind, flags: Flags) -> bool {
    is_model(kind) && flags.has(Flags::OWN) && !flags.has(Flags::REPEATED)
}

impl Facts {
    /// Whether it is among what is summed up.
    pub(crate) const fn counts(&self) -> bool {
        counts(self.kind, self.flags)
    }

    /// The model that answered, else the one that was asked for.
    pub(crate) const fn model(&self) -> i64 {
        match self.response_model {
            0 => self.request_model,
            model => model,
        }
    }

    pub(crate) const fn is_error(&self) -> bool {
        self.flags.has(Flags::ERROR)
    }

    pub(crate) const fn tokens(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// When it ended.
    pub(crate) const fn end_ns(&self) -> i64 {
        self.start_ns.saturating_add_unsigned(self.duration_ns)
    }

    /// The names that it has in a dimension.
    pub(crate) fn names(&self, dimension: Dimension) -> impl Iterator<Item = i64> + '_ {
        let (one, other, tags): (i64, i64, &[i64]) = match dimension {
            Dimension::Service => (self.service, 0, &[]),
            Dimension::Provider => (self.provider, 0, &[]),
            Dimension::Model if self.request_model == self.response_model => {
                (self.request_model, 0, &[])
            }
            Dimension::Model => (self.request_model, self.response_model, &[]),
            Dimension::Session => (self.session, 0, &[]),
            Dimension::User => (self.user, 0, &[]),
            Dimension::Tag => (0, 0, &self.tags),
            Dimension::Agent => (self.agent, 0, &[]),
        };
        [one, other]
            .into_iter()
            .chain(tags.iter().copied())
            .filter(|name| *name != 0)
    }

    /// All numbers except start and number, in the order in which they are kept: new ones come last.
    fn numbers(&self) -> [u64; NUMBERS] {
        let kind = KINDS.iter().position(|kind| *kind == self.kind);
        [
            kind.unwrap_or(KINDS.len() - 1) as u64,
            self.flags.0,
            self.duration_ns,
            self.input,
            self.output,
            self.cache_read,
            self.cache_write,
            self.reasoning,
            self.cost,
            self.savings,
            self.trace,
            self.prompt,
            self.service.cast_unsigned(),
            self.provider.cast_unsigned(),
            self.request_model.cast_unsigned(),
            self.response_model.cast_unsigned(),
            self.session.cast_unsigned(),
            self.user.cast_unsigned(),
            self.agent.cast_unsigned(),
        ]
    }

    /// The facts that have these numbers.
    fn of_numbers(numbers: [u64; NUMBERS]) -> Facts {
        let [
            kind,
            flags,
            duration_ns,
            input,
            output,
            cache_read,
            cache_write,
            reasoning,
            cost,
            savings,
            trace,
            prompt,
            names @ ..,
        ] = numbers;
        let [
            service,
            provider,
            request_model,
            response_model,
            session,
            user,
            agent,
        ] = names.map(u64::cast_signed);
        Facts {
            kind: kind_of(kind),
            flags: Flags(flags),
            duration_ns,
            input,
            output,
            cache_read,
            cache_write,
            reasoning,
            cost,
            savings,
            trace,
            prompt,
            service,
            provider,
            request_model,
            response_model,
            session,
            user,
            agent,
            ..Facts::default()
        }
    }

    /// Its bytes; start and number are kept beside them.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(80);
        let tags = self.tags.iter().map(|tag| tag.cast_unsigned());
        for number in self.numbers().into_iter().chain(tags) {
            put_varint(&mut out, number);
        }
        out
    }

    pub(crate) fn read(start_ns: i64, call: i64, bytes: &[u8]) -> Result<Facts, BlockError> {
        let mut reader = Reader::new(bytes);
        let mut numbers = [0; NUMBERS];
        for number in &mut numbers {
            *number = reader.varint()?;
        }
        Ok(Facts {
            start_ns,
            call,
            tags: reader.ids()?,
            ..Facts::of_numbers(numbers)
        })
    }
}

fn kind_of(number: u64) -> Kind {
    let place = usize::try_from(number).unwrap_or(usize::MAX);
    KINDS.get(place).copied().unwrap_or(Kind::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_survive_their_bytes() {
        let facts = Facts {
            start_ns: -5,
            call: 9,
            kind: Kind::Embedding,
            flags: Flags(Flags::ERROR | Flags::PRICED),
            duration_ns: u64::MAX,
            input: 1,
            output: 300,
            cache_read: 70_000,
            cost: 345_000_000,
            service: 4,
            response_model: 5,
            user: 77,
            trace: 0xffff_ffff,
            tags: vec![12, 1_000_000],
            ..Facts::default()
        };
        assert_eq!(Facts::read(-5, 9, &facts.write()).unwrap(), facts);
        assert!(Facts::read(0, 0, &[0, 1]).is_err());
    }

    #[test]
    fn every_kind_has_a_number() {
        for kind in KINDS {
            let facts = Facts {
                kind,
                ..Facts::default()
            };
            assert_eq!(Facts::read(0, 0, &facts.write()).unwrap().kind, kind);
        }
    }
}
