//! Splitting batches: items are copied as they are, the envelopes around them (resource, scope, metric) are repeated.

use crate::decode::count;
use crate::schema::{Message, Role};
use crate::wire::{Record, Records};
use crate::write::{Encoder, Open};
use crate::{Batch, DecodeError, Signal};

impl Batch {
    /// Batches of at most so many items, in order; each but the last is full. 0 means no limit. Profiles stay whole, since
    /// they share a dictionary.
    pub fn split(self, max_items: usize) -> Vec<Batch> {
        if max_items == 0 || self.items() <= max_items || !self.signal().info().joinable {
            return vec![self];
        }
        let mut splitter = Splitter {
            signal: self.signal(),
            limit: max_items,
            room: max_items,
            out: Encoder::with_capacity(self.bytes().len().min(max_items * 512)),
            levels: Vec::new(),
            batches: Vec::with_capacity(self.items().div_ceil(max_items)),
        };
        match splitter.walk(Message::request(self.signal()), self.bytes()) {
            Ok(()) => splitter.cut(),
            Err(error) => {
                // A batch was validated when it came in. Too large is better than lost.
                debug_assert!(false, "{error}");
                return vec![self];
            }
        }
        let origin = self.origin();
        splitter
            .batches
            .into_iter()
            .map(|batch| batch.with_origin(origin.cloned()))
            .collect()
    }

    /// Batches of at most so many bytes of protobuf, where items allow: a single larger item stays a batch of its own.
    /// 0 means no limit.
    pub fn split_bytes(self, max_bytes: usize) -> Vec<Batch> {
        let bytes = self.bytes().len();
        if max_bytes == 0
            || bytes <= max_bytes
            || self.items() <= 1
            || !self.signal().info().joinable
        {
            return vec![self];
        }
        // Items differ in size, and envelopes are repeated: what is still too large is split again.
        let items = self.items().div_ceil(bytes.div_ceil(max_bytes));
        self.split(items)
            .into_iter()
            .flat_map(|batch| batch.split_bytes(max_bytes))
            .collect()
    }
}

struct Splitter {
    signal: Signal,
    limit: usize,
    /// How many more items fit into the batch that is being written.
    room: usize,
    out: Encoder,
    /// The envelopes that are open.
    levels: Vec<Envelope>,
    batches: Vec<Batch>,
}

struct Envelope {
    /// The field that holds it.
    number: u32,
    /// What it says about itself.
    values: Vec<u8>,
    open: Open,
}

impl Splitter {
    /// Copies the envelopes and items of a message whose envelope is open.
    fn walk(&mut self, message: &'static Message, bytes: &[u8]) -> Result<(), DecodeError> {
        for record in Records::new(bytes, message.name) {
            let record = record?;
            let Some(field) = message.field(record.number) else {
                continue;
            };
            match field.role {
                Role::Value => {}
                Role::Item => self.copy(&record, 1),
                Role::Envelope => {
                    let items = count(field.child(), record.bytes()?)?;
                    if items <= self.room || (self.room == 0 && items <= self.limit) {
                        self.copy(&record, items);
                    } else {
                        self.enter(&record, field.child())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Copies a field as it is, into a new batch where this one is full.
    fn copy(&mut self, record: &Record<'_>, items: usize) {
        if items > self.room {
            self.cut();
        }
        self.out.raw(record.raw());
        self.room -= items;
    }

    /// Splits an envelope.
    fn enter(&mut self, record: &Record<'_>, message: &'static Message) -> Result<(), DecodeError> {
        if self.room == 0 {
            self.cut();
        }
        let bytes = record.bytes()?;
        let mut values = Vec::new();
        for record in Records::new(bytes, message.name) {
            let record = record?;
            if message
                .field(record.number)
                .is_none_or(|field| field.role == Role::Value)
            {
                values.extend_from_slice(record.raw());
            }
        }
        let open = self.out.open(record.number);
        self.out.raw(&values);
        self.levels.push(Envelope {
            number: record.number,
            values,
            open,
        });
        self.walk(message, bytes)?;
        if let Some(level) = self.levels.pop() {
            self.out.close(level.open);
        }
        Ok(())
    }

    /// Ends the batch that is being written, and starts the next one in the same envelopes.
    fn cut(&mut self) {
        self.levels
            .iter()
            .rev()
            .for_each(|level| self.out.close(level.open));
        let capacity = self.out.len();
        let bytes = std::mem::replace(&mut self.out, Encoder::with_capacity(capacity)).into_bytes();
        self.batches.push(Batch::trusted(
            self.signal,
            bytes.into(),
            self.limit - self.room,
        ));
        self.room = self.limit;
        for level in &mut self.levels {
            level.open = self.out.open(level.number);
            self.out.raw(&level.values);
        }
    }
}
