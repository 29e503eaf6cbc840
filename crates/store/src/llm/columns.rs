//! The facts of all calls that started within the same ten minutes, column by column.
//!
//! Looking up a million rows takes half a second; reading as many numbers from columns takes a tenth of that. A column's
//! numbers are kept as what they have over the smallest of them, all in as many bytes as the largest needs, so that any
//! number is found by its place, and columns that nobody asks for cost nothing.

use fanlight_genai::Kind;

use super::{Facts, Flags, NUMBERS, kind_of};
use crate::block::{BlockError, Reader, put_varint};

/// How long a part is. Kept in files.
pub(crate) const PART_NS: i64 = 600_000_000_000;

/// The most calls that columns are made of, so that making them takes little memory.
pub(crate) const MAX_CALLS: usize = 200_000;

/// The part that a time lies in.
pub(crate) const fn part_of(time_ns: i64) -> i64 {
    time_ns.div_euclid(PART_NS)
}

/// Numbers are read as eight bytes of which those that belong to others are masked; so many follow the last one.
const PADDING: usize = 8;

/// The calls of a part, newest first.
#[derive(Clone, Debug)]
pub(crate) struct Columns<'a> {
    count: usize,
    starts: Column<'a>,
    calls: Column<'a>,
    numbers: [Column<'a>; NUMBERS],
    /// Where each call's tags end.
    tag_ends: Column<'a>,
    tag_count: usize,
    tags: Column<'a>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Column<'a> {
    min: u64,
    width: usize,
    mask: u64,
    /// From its first number to the end of all columns.
    bytes: &'a [u8],
}

impl<'a> Columns<'a> {
    /// Writes calls, which must be sorted, the newest first.
    pub(crate) fn write(calls: &[Facts]) -> Vec<u8> {
        let numbers: Vec<[u64; NUMBERS]> = calls.iter().map(Facts::numbers).collect();
        let (mut head, mut body) = (Vec::new(), Vec::new());
        put_varint(&mut head, calls.len() as u64);
        let tags: Vec<u64> = (calls.iter().flat_map(|call| &call.tags))
            .map(|tag| tag.cast_unsigned())
            .collect();
        put_varint(&mut head, tags.len() as u64);
        let mut column = |numbers: &mut dyn Iterator<Item = u64>| {
            put_column(&numbers.collect::<Vec<_>>(), &mut head, &mut body);
        };
        column(&mut calls.iter().map(|call| call.start_ns.cast_unsigned()));
        column(&mut calls.iter().map(|call| call.call.cast_unsigned()));
        for place in 0..NUMBERS {
            column(&mut numbers.iter().filter_map(|call| call.get(place).copied()));
        }
        let mut end = 0;
        column(&mut calls.iter().map(|call| {
            end += call.tags.len() as u64;
            end
        }));
        column(&mut tags.into_iter());
        head.append(&mut body);
        head.extend_from_slice(&[0; PADDING]);
        head
    }

    /// Reads what [`Columns::write`] wrote.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Columns<'a>, BlockError> {
        let mut head = Reader::new(bytes);
        let (count, tag_count) = (head.size()?, head.size()?);
        if count > MAX_CALLS {
            return Err(BlockError::Malformed);
        }
        let mut read = || Column::read(&mut head);
        let (mut starts, mut calls) = (read()?, read()?);
        let mut numbers = [Column::default(); NUMBERS];
        for column in &mut numbers {
            *column = read()?;
        }
        let (mut tag_ends, mut tags) = (read()?, read()?);
        let mut body = head.rest();
        for column in [&mut starts, &mut calls].into_iter().chain(&mut numbers) {
            column.take(count, &mut body)?;
        }
        tag_ends.take(count, &mut body)?;
        tags.take(tag_count, &mut body)?;
        Ok(Columns {
            count,
            starts,
            calls,
            numbers,
            tag_ends,
            tag_count,
            tags,
        })
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// When a call started.
    pub(crate) fn start_ns(&self, place: usize) -> i64 {
        self.starts.at(place).cast_signed()
    }

    /// Kind, flags, duration and cost of a call.
    pub(crate) fn outline(&self, place: usize) -> (Kind, Flags, u64, u64) {
        let [kind, flags, duration, _, _, _, _, _, cost, ..] = &self.numbers;
        (
            kind_of(kind.at(place)),
            Flags(flags.at(place)),
            duration.at(place),
            cost.at(place),
        )
    }

    /// A call.
    pub(crate) fn facts(&self, place: usize) -> Facts {
        let end = |place: usize| (self.tag_ends.at(place) as usize).min(self.tag_count);
        let first = place.checked_sub(1).map_or(0, end);
        Facts {
            start_ns: self.start_ns(place),
            call: self.calls.at(place).cast_signed(),
            tags: (first..end(place))
                .map(|tag| self.tags.at(tag).cast_signed())
                .collect(),
            ..Facts::of_numbers(self.numbers.each_ref().map(|column| column.at(place)))
        }
    }
}

fn put_column(numbers: &[u64], head: &mut Vec<u8>, body: &mut Vec<u8>) {
    let min = numbers.iter().min().copied().unwrap_or_default();
    let max = numbers.iter().max().copied().unwrap_or_default();
    let width = (u64::BITS - (max - min).leading_zeros()).div_ceil(8);
    put_varint(head, min);
    put_varint(head, u64::from(width));
    for number in numbers {
        let bytes = (number - min).to_le_bytes();
        body.extend_from_slice(bytes.get(..width as usize).unwrap_or_default());
    }
}

impl<'a> Column<'a> {
    /// Reads how its numbers are kept.
    fn read(head: &mut Reader<'_>) -> Result<Column<'a>, BlockError> {
        let (min, width) = (head.varint()?, head.size()?);
        let mask = match width {
            0 => 0,
            1..=8 => u64::MAX >> (64 - 8 * width),
            _ => return Err(BlockError::Malformed),
        };
        Ok(Column {
            min,
            width,
            mask,
            bytes: &[],
        })
    }

    /// Takes its numbers from the front of the columns.
    fn take(&mut self, count: usize, body: &mut &'a [u8]) -> Result<(), BlockError> {
        self.bytes = body;
        let length = count.checked_mul(self.width).ok_or(BlockError::Malformed)?;
        *body = body.get(length..).ok_or(BlockError::Malformed)?;
        match body.len() >= PADDING {
            true => Ok(()),
            false => Err(BlockError::Malformed),
        }
    }

    /// A number; what is not there is as small as the smallest.
    #[inline]
    fn at(&self, place: usize) -> u64 {
        let start = place * self.width;
        let word = self.bytes.get(start..).and_then(<[u8]>::first_chunk);
        let word = word.map_or(0, |word| u64::from_le_bytes(*word));
        self.min.wrapping_add(word & self.mask)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), 0..300_u64, any::<u64>(), Just(u64::MAX)]
    }

    fn call() -> impl Strategy<Value = Facts> {
        let numbers = proptest::collection::vec(number(), NUMBERS);
        let tags = proptest::collection::vec(1..1000_i64, 0..4);
        (any::<i64>(), any::<i64>(), numbers, tags).prop_map(|(start_ns, call, numbers, tags)| {
            let numbers: [u64; NUMBERS] = numbers.try_into().unwrap();
            Facts {
                start_ns,
                call,
                tags,
                ..Facts::of_numbers(numbers)
            }
        })
    }

    proptest! {
        #[test]
        fn calls_come_back(calls in proptest::collection::vec(call(), 0..40)) {
            let bytes = Columns::write(&calls);
            let columns = Columns::read(&bytes).unwrap();
            prop_assert_eq!(columns.len(), calls.len());
            for (place, call) in calls.iter().enumerate() {
                prop_assert_eq!(&columns.facts(place), call);
                let outline = (call.kind, call.flags, call.duration_ns, call.cost);
                prop_assert_eq!(columns.outline(place), outline);
            }
        }

        #[test]
        fn whatever_the_bytes_nothing_breaks(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(columns) = Columns::read(&bytes) {
                for place in 0..columns.len().min(10) {
                    let call = columns.facts(place);
                    prop_assert!(call.tags.len() <= bytes.len());
                }
            }
        }
    }

    #[test]
    fn columns_that_were_cut_are_errors() {
        let calls: Vec<Facts> = (0..50_i64)
            .map(|number| Facts {
                start_ns: number * 1_000_000,
                call: number,
                tags: vec![number],
                ..Facts::default()
            })
            .collect();
        let bytes = Columns::write(&calls);
        for end in 0..bytes.len() {
            assert!(Columns::read(&bytes[..end]).is_err(), "{end}");
        }
        assert!(bytes.len() < 50 * 9, "{}", bytes.len());
    }
}
