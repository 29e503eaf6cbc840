//! A bounded, crash-safe queue on disk: first in, first out, at least once.
//!
//! What [`Spool::append`] accepted is handed out by [`Spool::next`] until it is acknowledged, across crashes, in the
//! order in which it was appended. A record comes back exactly as it went in, or not at all. Synchronous; any number of
//! threads may use one [`Spool`].
//!
//! # Promises
//!
//! - **Kept.** With [`Options::sync`], `append` returns after `fdatasync`: what it accepted survives a power cut. One
//!   sync serves every appender that waits. Without it, accepted records survive a killed process, but the last seconds
//!   before a power cut may be lost.
//! - **Refused whole.** When `append` returns an error (full, no space, I/O error), none of its records will be handed
//!   out by this process, and the queue stays usable. Only a crash right after the error may bring such a record back.
//! - **At least once.** Acknowledgements are written at once, but not synced: after a power cut, records that were
//!   acknowledged shortly before may be handed out again. A killed process repeats nothing that it acknowledged.
//! - **Order.** Records are handed out by ascending id. A released record, and after a crash an unacknowledged one, comes
//!   before all later ones.
//! - **Recovery only reads.** Opening a queue writes nothing but the lock file and removes only segments in which
//!   nothing is left to deliver, so a crash while opening loses nothing, however often it happens.
//! - **Damage stays small.** A damaged record is skipped and counted; records before and after it, in the same segment or
//!   others, survive. This holds for any damage to a segment's content, its header included. Damage at the very end of
//!   the newest segment looks like a torn write and is reported as [`Recovery::torn_bytes`].
//! - **Bounded.** Segments never take more than [`Options::max_bytes`] (but for removed ones that a power cut
//!   brings back, until they are acknowledged again). Beside them stand 12 bytes for each acknowledged
//!   record of a segment that still holds others. Memory: 12 bytes for each record in the queue, and one segment while
//!   opening.
//!
//! # On disk
//!
//! ```text
//! lock                                     held while a process has the queue open
//! 00000000000000000042-9f3ac1b2.seg        segment: first id, salt
//! 00000000000000000042-9f3ac1b2.ack        which of its records are acknowledged
//! parked/00000000000000000057-9f3ac1b2.rec a record set aside, with the salt of its segment
//! ```
//!
//! Numbers are little-endian. `crc` is CRC-32 (IEEE) started from the file's salt, a random number.
//!
//! ```text
//! segment  = "FANLIGHT" version:u32=1 crc:u32(of the 12 bytes before) record*
//! record   = length:u32 id:u64 payload-crc:u32 header-crc:u32(of the 16 bytes before) payload
//! ack file = (id:u64 crc:u32)*
//! parked   = a segment with one record
//! ```
//!
//! Ids ascend by one. A segment holds ids from its own first id up to the next segment's: whatever else its bytes seem to
//! say is left over from an append that failed, and ignored. After damage, the reader looks for the next header, byte by
//! byte: its checksum, the secret salt and the range of plausible ids keep a payload from being taken for a record.
//! Segments are append-only; an opened queue starts a new one, so nothing is ever written behind a torn tail. A segment
//! is removed whole when it is full and all its records are acknowledged, before its ack file.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! let (spool, _recovery) = fanlight_spool::Spool::open(directory.path(), fanlight_spool::Options::default())?;
//! spool.append(&[b"first", b"second"])?;
//! while let Some(record) = spool.next()? {
//!     // deliver record.bytes, then:
//!     spool.ack(&[record.id])?;
//! }
//! # Ok(()) }
//! ```

pub mod disk;
mod error;
mod ledger;
mod parked;
mod queue;
mod recover;
mod segment;
mod spool;
mod writer;

pub use error::SpoolError;
pub use parked::Parked;
pub use recover::Recovery;
pub use spool::{Options, Record, Spool};
