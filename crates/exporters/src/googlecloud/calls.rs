//! Calls as they are filled: one project each, within the sizes that Google takes.

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::Attributes;
use prost::Message;

use crate::pieces::{LeftOut, Piece};

/// Requests stay below this, in bytes: 10 MB is Cloud Logging's limit, 4 MiB what gRPC servers take by default.
const MOST_BYTES: usize = 4_000_000;
/// The resource attribute that names the project to send to.
const PROJECT: &str = "gcp.project.id";

/// A request, encoded.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The project that it is for.
    pub(super) project: String,
    /// The request message.
    pub(super) message: Vec<u8>,
    /// The item of each of its entries; a long log record is several.
    pub(super) items: Vec<usize>,
}

/// The calls that a batch becomes.
pub(super) struct Calls {
    pub(super) pieces: Vec<Piece<Call>>,
    pub(super) left_out: LeftOut,
    /// How many entries a call may have.
    most: usize,
    /// Writes what a request begins with.
    begin: fn(project: &str, &mut Vec<u8>),
}

impl Calls {
    pub(super) fn new(most: usize, begin: fn(project: &str, &mut Vec<u8>)) -> Calls {
        Calls {
            pieces: Vec::new(),
            left_out: LeftOut::default(),
            most,
            begin,
        }
    }

    /// Adds one message of a repeated field to the open call of its project.
    pub(super) fn add(&mut self, project: &str, field: u32, message: &impl Message, item: usize) {
        self.add_from(0, project, field, message, item);
    }

    /// As [`Calls::add`], to none of the first calls, and returns the number of the call.
    pub(super) fn add_from(
        &mut self,
        first: usize,
        project: &str,
        field: u32,
        message: &impl Message,
        item: usize,
    ) -> usize {
        let length = message.encoded_len();
        let mut open = self.pieces.iter().enumerate().skip(first);
        let open = open.find(|(_, piece)| {
            piece.request.project == project
                && piece.request.items.len() < self.most
                && piece.request.message.len() + length < MOST_BYTES
        });
        let open = open.map(|(index, _)| index);
        let open = open.unwrap_or_else(|| {
            let mut message = Vec::new();
            (self.begin)(project, &mut message);
            self.pieces.push(Piece {
                request: Call {
                    project: project.to_owned(),
                    message,
                    items: Vec::new(),
                },
                items: Vec::new(),
            });
            self.pieces.len() - 1
        });
        if let Some(piece) = self.pieces.get_mut(open) {
            prost::encoding::message::encode(field, message, &mut piece.request.message);
            piece.request.items.push(item);
            if piece.items.last() != Some(&item) {
                piece.items.push(item);
            }
        }
        open
    }

    /// An item is known not to be taken.
    pub(super) fn leave_out(&mut self, why: &str) {
        self.left_out.items += 1;
        self.left_out.why = why.to_owned();
    }
}

/// The project of a resource's items.
pub(super) fn project_of<'a>(
    attributes: &Attributes<'a>,
    configured: &'a str,
) -> Result<&'a str, DecodeError> {
    let own = attributes.get(PROJECT)?.and_then(|value| value.as_str());
    Ok(own.filter(|own| !own.is_empty()).unwrap_or(configured))
}

/// What to do where no project is known.
pub(super) const NO_PROJECT: &str = "no Google Cloud project is known; set project: in this exporter, GOOGLE_CLOUD_PROJECT, or gcp.project.id on the resource";

/// Text up to a length in bytes, cut between characters.
pub(super) fn front(text: &str, longest: usize) -> &str {
    let end = text.floor_char_boundary(longest);
    text.get(..end).unwrap_or_default()
}
