//! The body of bulk requests: an action line and a document line each.
//! [API](https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk).

use std::ops::Range;

use bytes::Bytes;
use fanlight_otlp::DecodeError;

use super::config::Mode;
use super::route::Index;
use crate::fields::{member, scalar, text};
use crate::pieces::{LeftOut, Piece};

/// The largest request in bytes, before compression. Elasticsearch takes 100 MB, but works best far below.
pub(super) const LARGEST: usize = 5_000_000;

/// One request.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub(super) body: Bytes,
    pub(super) documents: Vec<Document>,
    /// The numbers of the batch's items, document by document.
    items: Vec<usize>,
}

/// One document of a request: whose it is.
#[derive(Clone, Debug)]
pub(super) struct Document {
    items: Range<usize>,
}

/// What an action line says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Action<'a> {
    pub(super) index: &'a str,
    /// Whether the index must be a data stream that there is a template for: what has no mapping would get a wrong one.
    pub(super) require_data_stream: bool,
    pub(super) id: Option<&'a str>,
    pub(super) pipeline: Option<&'a str>,
    /// The fields whose mapping is a template of the index, and its name.
    pub(super) templates: &'a [(&'a str, &'a str)],
}

/// Requests that are being written.
#[derive(Debug, Default)]
pub(super) struct Bulk {
    finished: Vec<Piece<Request>>,
    body: Vec<u8>,
    documents: Vec<Document>,
    items: Vec<usize>,
    left_out: LeftOut,
}

impl<'a> Action<'a> {
    /// The action for a document of this mode.
    pub(super) fn to(index: &'a Index, mode: Mode) -> Action<'a> {
        Action {
            index: &index.name,
            require_data_stream: mode == Mode::Otel && index.data_stream.is_some(),
            ..Action::default()
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"create\":{\"_index\":");
        text(out, self.index);
        if let Some(id) = self.id {
            member(out, b"_id");
            text(out, id);
        }
        if let Some(pipeline) = self.pipeline {
            member(out, b"pipeline");
            text(out, pipeline);
        }
        if self.require_data_stream {
            member(out, b"require_data_stream");
            scalar(out, &true);
        }
        if !self.templates.is_empty() {
            member(out, b"dynamic_templates");
            out.push(b'{');
            for (field, template) in self.templates {
                member(out, field.as_bytes());
                text(out, template);
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"}}\n");
    }
}

impl Bulk {
    /// Adds a document that belongs to these items.
    pub(super) fn add(
        &mut self,
        action: &Action<'_>,
        items: &[usize],
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.body.len();
        action.write(&mut self.body);
        write(&mut self.body);
        self.end(start, items);
    }

    /// The same where writing can fail.
    ///
    /// # Errors
    /// The closure's own; nothing is added then.
    pub(super) fn try_add(
        &mut self,
        action: &Action<'_>,
        items: &[usize],
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let start = self.body.len();
        action.write(&mut self.body);
        if let Err(error) = write(&mut self.body) {
            self.body.truncate(start);
            return Err(error);
        }
        self.end(start, items);
        Ok(())
    }

    /// Ends the document that starts there, in a request of its own where this one is full.
    fn end(&mut self, start: usize, items: &[usize]) {
        self.body.push(b'\n');
        if self.body.len() > LARGEST && start > 0 {
            let last = self.body.split_off(start);
            self.cut();
            self.body = last;
        }
        let first = self.items.len();
        self.items.extend_from_slice(items);
        self.documents.push(Document {
            items: first..self.items.len(),
        });
    }

    /// Notes items that have no document.
    pub(super) fn leave_out(&mut self, items: u64, why: &str) {
        self.left_out.items += items;
        why.clone_into(&mut self.left_out.why);
    }

    fn cut(&mut self) {
        let request = Request {
            body: std::mem::take(&mut self.body).into(),
            documents: std::mem::take(&mut self.documents),
            items: std::mem::take(&mut self.items),
        };
        let mut items = request.items.clone();
        items.sort_unstable();
        items.dedup();
        self.finished.push(Piece { request, items });
    }

    /// The requests, and what is in none of them.
    pub(super) fn finish(mut self) -> (Vec<Piece<Request>>, LeftOut) {
        if !self.documents.is_empty() {
            self.cut();
        }
        (self.finished, self.left_out)
    }
}

impl Request {
    /// The items of a document.
    pub(super) fn items(&self, document: &Document) -> &[usize] {
        self.items.get(document.items.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(documents: usize, length: usize) -> Bulk {
        let mut bulk = Bulk::default();
        for number in 0..documents {
            let action = Action {
                index: "i",
                ..Action::default()
            };
            bulk.add(&action, &[number], |out| {
                out.extend(std::iter::repeat_n(b'x', length));
            });
        }
        bulk
    }

    #[test]
    fn requests_stay_below_the_limit_and_lose_nothing() {
        let (pieces, _) = bulk(12, 1_000_000).finish();
        let sizes: Vec<usize> = pieces.iter().map(|piece| piece.items.len()).collect();
        assert_eq!(sizes, [4, 4, 4]);
        assert!(
            pieces
                .iter()
                .all(|piece| piece.request.body.len() <= LARGEST)
        );
        let (pieces, _) = bulk(2, LARGEST).finish();
        assert_eq!(pieces.len(), 2, "a document that is too large stays alone");
    }
}
