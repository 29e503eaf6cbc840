//! Bodies on their way through: what goes on is what came, and the recording sees a reference to it.

mod reply;
mod upload;

pub(crate) use reply::{Edit, ReplyBody};
pub(crate) use upload::{Upload, gather};
