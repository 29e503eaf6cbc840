//! Sorting a batch's items into several batches, in one pass over the bytes.

use crate::schema::{Message, Role};
use crate::wire::{Record, Records};
use crate::write::{Encoder, Open};
use crate::{Batch, DecodeError, Signal};

impl Batch {
    /// So many batches: each item goes into the one that `group` names, with its resource and scope. Items are counted from
    /// 0 in the order of the views, and keep that order; a group that is not among them leaves the item out. Profiles stay
    /// whole, since they share a dictionary: the first item decides.
    pub fn partition(&self, groups: usize, group: impl FnMut(usize) -> usize) -> Vec<Batch> {
        let mut sorter = Sorter {
            group,
            next: 0,
            path: Vec::new(),
            envelopes: 0,
            groups: (0..groups).map(|_| Group::default()).collect(),
        };
        if !self.signal().info().joinable {
            let chosen = (sorter.group)(0);
            let part = |number| match number == chosen {
                true => self.clone(),
                false => Batch::empty(self.signal()),
            };
            return (0..groups).map(part).collect();
        }
        let walked = sorter.walk(Message::request(self.signal()), self.bytes());
        // A batch was validated when it came in.
        debug_assert!(walked.is_ok(), "{walked:?}");
        let finish = |group: Group| group.finish(self.signal());
        let batches = sorter.groups.into_iter().map(finish);
        batches
            .map(|batch| batch.with_origin(self.origin().cloned()))
            .collect()
    }
}

struct Sorter<F> {
    group: F,
    /// The number of the next item.
    next: usize,
    /// The envelopes around it.
    path: Vec<Envelope>,
    /// How many envelopes there were.
    envelopes: usize,
    groups: Vec<Group>,
}

struct Envelope {
    /// Which of all envelopes it is.
    serial: usize,
    /// The field that holds it.
    number: u32,
    /// What it says about itself.
    values: Vec<u8>,
}

#[derive(Default)]
struct Group {
    out: Encoder,
    /// The envelopes that are open.
    open: Vec<(usize, Open)>,
    items: usize,
}

impl<F: FnMut(usize) -> usize> Sorter<F> {
    fn walk(&mut self, message: &'static Message, bytes: &[u8]) -> Result<(), DecodeError> {
        for record in Records::new(bytes, message.name) {
            let record = record?;
            let Some(field) = message.field(record.number) else {
                continue;
            };
            match field.role {
                Role::Value => {}
                Role::Item => {
                    let chosen = (self.group)(self.next);
                    self.next += 1;
                    if let Some(group) = self.groups.get_mut(chosen) {
                        group.add(&self.path, &record);
                    }
                }
                Role::Envelope => {
                    let (child, bytes) = (field.child(), record.bytes()?);
                    self.envelopes += 1;
                    self.path.push(Envelope {
                        serial: self.envelopes,
                        number: record.number,
                        values: values(child, bytes)?,
                    });
                    self.walk(child, bytes)?;
                    self.path.pop();
                }
            }
        }
        Ok(())
    }
}

/// The fields of an envelope that are about itself.
fn values(message: &'static Message, bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut values = Vec::new();
    for record in Records::new(bytes, message.name) {
        let record = record?;
        let field = message.field(record.number);
        if field.is_none_or(|field| field.role == Role::Value) {
            values.extend_from_slice(record.raw());
        }
    }
    Ok(values)
}

impl Group {
    /// Adds an item, in the same envelopes as the one before where it stands in the same.
    fn add(&mut self, path: &[Envelope], item: &Record<'_>) {
        let shared = (self.open.iter().zip(path))
            .take_while(|((serial, _), envelope)| *serial == envelope.serial)
            .count();
        self.close(shared);
        for envelope in path.iter().skip(shared) {
            let open = self.out.open(envelope.number);
            self.out.raw(&envelope.values);
            self.open.push((envelope.serial, open));
        }
        self.out.raw(item.raw());
        self.items += 1;
    }

    /// Closes the envelopes deeper than this.
    fn close(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some((_, open)) = self.open.pop() {
                self.out.close(open);
            }
        }
    }

    fn finish(mut self, signal: Signal) -> Batch {
        self.close(0);
        Batch::trusted(signal, self.out.into_bytes().into(), self.items)
    }
}

#[cfg(test)]
mod tests {
    use crate::Signal;
    use crate::view::NumberView;
    use crate::write::{Data, Metric, NumberPoint, RequestWriter};

    #[test]
    fn parts_are_what_selecting_each_group_gives() {
        let mut out = RequestWriter::new(Signal::Metrics);
        let points = [1, 2, 3, 4, 5].map(|value| NumberPoint {
            attributes: &[],
            start_time_unix_nano: 0,
            time_unix_nano: value,
            value: NumberView::Int(7),
        });
        for service in ["a", "b"] {
            out.resource(&[("service.name", service.into())], |resource| {
                for scope in ["s", "t"] {
                    resource.scope(scope, "", |scope| {
                        for (name, is_monotonic) in [("m", true), ("n", false)] {
                            scope.metric(&Metric {
                                name,
                                description: "",
                                unit: "1",
                                data: Data::Sum {
                                    points: &points,
                                    is_monotonic,
                                },
                            });
                        }
                    });
                }
            });
        }
        let batch = out.finish();
        let group = |item: usize| item * item % 5;
        let parts = batch.partition(5, group);
        let total: usize = parts.iter().map(crate::Batch::items).sum();
        assert_eq!(total, batch.items());
        for (number, part) in parts.into_iter().enumerate() {
            let selected = batch.select(|item| group(item) == number);
            assert_eq!(part.items(), selected.items(), "{number}");
            assert_eq!(
                crate::json::to_vec(&part),
                crate::json::to_vec(&selected),
                "{number}"
            );
        }
        assert_eq!(
            batch
                .partition(1, |item| item.min(1))
                .first()
                .map(crate::Batch::items),
            Some(1)
        );
    }
}
