//! A batch as push requests: one for each tenant, or several where they would become large.
//!
//! Records with the same labels are one stream, its entries in the order of time; what is alike keeps the sender's order.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use fanlight_otlp::view::{LogView, ResourceView, ScopeView};
use fanlight_otlp::write::Encoder;
use fanlight_otlp::{Batch, DecodeError};
use http::HeaderValue;

use super::labels::{self, DefaultLabels, Labels};
use super::line::Line;
use crate::pieces::{LeftOut, Piece};

/// How large a request becomes before compression, in bytes, unless a single line is larger. Loki's parts take no more than
/// 4 MiB from each other, and its own agents send as much as this.
const MOST_BYTES: usize = 1 << 20;

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Push {
    /// `X-Scope-OrgID`; none where nothing was said.
    pub(super) tenant: Option<HeaderValue>,
    /// A `PushRequest` in a snappy block.
    pub(super) body: Bytes,
}

/// Makes the requests. Records without a time get `now`, in nanoseconds since 1970.
pub(super) fn pieces(
    batch: &Batch,
    defaults: DefaultLabels,
    now: u64,
) -> Result<(Vec<Piece<Push>>, LeftOut), DecodeError> {
    let mut sorter = Sorter {
        defaults,
        now,
        ..Sorter::default()
    };
    for resource in batch.resources() {
        sorter.resource(&resource?)?;
    }
    Ok(sorter.finish())
}

/// Sorts records into streams.
#[derive(Default)]
struct Sorter {
    defaults: DefaultLabels,
    now: u64,
    /// The number of the next record.
    number: usize,
    /// Every line, one after the other.
    lines: Vec<u8>,
    tenants: Vec<Tenant>,
    /// Where a tenant's stream is: tenant, line break, labels.
    known: HashMap<String, (usize, usize)>,
    left_out: LeftOut,
}

struct Tenant {
    name: String,
    header: Option<HeaderValue>,
    streams: Vec<Stream>,
}

struct Stream {
    labels: String,
    entries: Vec<Entry>,
}

struct Entry {
    nanos: u64,
    line: Range<usize>,
    number: usize,
}

impl Sorter {
    fn resource(&mut self, resource: &ResourceView<'_>) -> Result<(), DecodeError> {
        let common = Labels::of_resource(&resource.attributes, self.defaults)?;
        let mut labels = Labels::default();
        let mut key = String::new();
        for scope in resource.scopes() {
            let scope = scope?;
            for log in scope.logs() {
                labels.clone_from(&common);
                self.record(resource, &scope, &log?, &mut labels, &mut key)?;
            }
        }
        Ok(())
    }

    fn record<'a>(
        &mut self,
        resource: &ResourceView<'a>,
        scope: &ScopeView<'a>,
        log: &LogView<'a>,
        labels: &mut Labels<'a>,
        key: &mut String,
    ) -> Result<(), DecodeError> {
        let number = self.number;
        self.number += 1;
        let resource = &resource.attributes;
        labels.add_record(resource, log, self.defaults)?;
        key.clear();
        key.push_str(&labels::tenant(resource, &log.attributes)?);
        let split = key.len();
        key.push('\n');
        labels.write(key);
        let Some((tenant, stream)) = self.place(key, split) else {
            self.left_out.items += 1;
            self.left_out.why = "the attribute that loki.tenant names has characters that the header X-Scope-OrgID can't carry".to_owned();
            return Ok(());
        };
        let format = labels::format(resource, &log.attributes)?;
        let start = self.lines.len();
        let line = Line {
            log,
            resource,
            scope,
            labels,
        };
        line.write(format, &mut self.lines)?;
        let nanos = [log.time_unix_nano, log.observed_time_unix_nano];
        let entry = Entry {
            nanos: nanos
                .into_iter()
                .find(|nanos| *nanos != 0)
                .unwrap_or(self.now),
            line: start..self.lines.len(),
            number,
        };
        let tenant = self.tenants.get_mut(tenant);
        if let Some(stream) = tenant.and_then(|tenant| tenant.streams.get_mut(stream)) {
            stream.entries.push(entry);
        }
        Ok(())
    }

    /// Where a stream is, by tenant and labels; none if the tenant can't be sent.
    fn place(&mut self, key: &str, split: usize) -> Option<(usize, usize)> {
        if let Some(place) = self.known.get(key) {
            return Some(*place);
        }
        let (name, labels) = key.split_at_checked(split)?;
        let found = self.tenants.iter().position(|tenant| tenant.name == name);
        let tenant = match found {
            Some(tenant) => tenant,
            None => {
                let header = match name {
                    "" => None,
                    name => Some(HeaderValue::from_str(name).ok()?),
                };
                self.tenants.push(Tenant {
                    name: name.to_owned(),
                    header,
                    streams: Vec::new(),
                });
                self.tenants.len() - 1
            }
        };
        let streams = &mut self.tenants.get_mut(tenant)?.streams;
        streams.push(Stream {
            labels: labels.trim_start_matches('\n').to_owned(),
            entries: Vec::new(),
        });
        let place = (tenant, streams.len() - 1);
        self.known.insert(key.to_owned(), place);
        Some(place)
    }

    fn finish(self) -> (Vec<Piece<Push>>, LeftOut) {
        let mut writer = Writer::default();
        for tenant in self.tenants {
            for mut stream in tenant.streams {
                stream.entries.sort_by_key(|entry| entry.nanos);
                let mut rest = &stream.entries[..];
                while !rest.is_empty() {
                    if writer.size >= MOST_BYTES {
                        writer.cut(tenant.header.as_ref());
                    }
                    rest = writer.stream(&stream.labels, rest, &self.lines);
                }
            }
            writer.cut(tenant.header.as_ref());
        }
        (writer.pieces, self.left_out)
    }
}

/// Writes requests.
#[derive(Default)]
struct Writer {
    out: Encoder,
    size: usize,
    items: Vec<usize>,
    pieces: Vec<Piece<Push>>,
}

impl Writer {
    /// Writes as many entries as there is room for, at least one; returns the others.
    fn stream<'e>(&mut self, labels: &str, entries: &'e [Entry], lines: &[u8]) -> &'e [Entry] {
        let mut written = 0;
        let mut size = self.size + labels.len();
        self.out.nested(1, |out| {
            out.bytes(1, labels);
            for entry in entries {
                let line = lines.get(entry.line.clone()).unwrap_or_default();
                // The time and the framing take about this.
                let more = line.len() + 24;
                if size + more > MOST_BYTES && written > 0 {
                    break;
                }
                size += more;
                written += 1;
                self.items.push(entry.number);
                out.nested(2, |out| {
                    out.nested(1, |out| {
                        out.varint(1, entry.nanos / 1_000_000_000);
                        out.varint(2, entry.nanos % 1_000_000_000);
                    });
                    out.bytes(2, line);
                });
            }
        });
        let rest = entries.get(written..).unwrap_or_default();
        // What is left over goes into the next request.
        self.size = if rest.is_empty() { size } else { MOST_BYTES };
        rest
    }

    /// Ends a request, if it has something.
    fn cut(&mut self, tenant: Option<&HeaderValue>) {
        let items = std::mem::take(&mut self.items);
        self.size = 0;
        if items.is_empty() {
            return;
        }
        let message = std::mem::take(&mut self.out).into_bytes();
        let mut snappy = snap::raw::Encoder::new();
        // Only messages past 4 GiB can't be compressed; none is nearly as long.
        let body = snappy.compress_vec(&message).unwrap_or_default();
        self.pieces.push(Piece {
            request: Push {
                tenant: tenant.cloned(),
                body: body.into(),
            },
            items,
        });
    }
}
