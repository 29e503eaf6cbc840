//! Bodies as they went over the wire, with the times at which their pieces came.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

use super::budget::Charge;

/// Smaller pieces are copied together.
const SMALL: usize = 4 << 10;
/// How much is copied into one block.
const BLOCK: usize = 16 << 10;
/// What a piece costs beside its bytes.
const MARK: usize = size_of::<Mark>();

/// What was kept of a body.
#[derive(Debug, Default)]
pub(super) struct Body {
    blocks: Vec<Block>,
    marks: Vec<Mark>,
    /// How many bytes there were, kept or not.
    pub(super) length: u64,
    kept: usize,
    /// Why not all of it was kept.
    pub(super) cut: Option<Cut>,
    /// Whether it came to its end.
    pub(super) is_whole: bool,
    /// The call is over: nothing more is kept.
    is_closed: bool,
}

/// Why a body was not kept whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// It is longer than bodies may be.
    TooLong,
    /// Too much else is waiting.
    OutOfMemory,
}

#[derive(Debug)]
enum Block {
    /// A slice of a connection's buffer would keep all of it, which may be many times as large.
    Copied(Vec<u8>),
    /// Bytes that are nobody's buffer.
    Shared(Bytes),
}

/// A piece came: up to where, and when, since the call began.
#[derive(Clone, Copy, Debug)]
struct Mark {
    end: usize,
    at: Duration,
}

impl Body {
    /// Keeps a piece that is a slice of a connection's buffer, if it may.
    pub(super) fn push(&mut self, bytes: &Bytes, at: Duration, most: usize, charge: &mut Charge) {
        self.length += bytes.len() as u64;
        let room = self.room(bytes.len(), at, most, charge);
        if let Some(fits) = bytes.get(..room).filter(|fits| !fits.is_empty()) {
            self.copy(fits);
        }
    }

    /// Keeps a piece that takes no more memory than its bytes, if it may.
    pub(super) fn push_own(
        &mut self,
        bytes: &Bytes,
        at: Duration,
        most: usize,
        charge: &mut Charge,
    ) {
        self.length += bytes.len() as u64;
        self.keep_own(bytes, at, most, charge);
    }

    /// The same of what is counted already.
    pub(super) fn keep_own(
        &mut self,
        bytes: &Bytes,
        at: Duration,
        most: usize,
        charge: &mut Charge,
    ) {
        let room = self.room(bytes.len(), at, most, charge);
        if room > 0 {
            self.blocks.push(Block::Shared(bytes.slice(..room)));
        }
    }

    /// Makes room for a piece; says how much of it is to be kept.
    fn room(&mut self, length: usize, at: Duration, most: usize, charge: &mut Charge) -> usize {
        if self.cut.is_some() || self.is_closed || length == 0 {
            return 0;
        }
        let fits = length.min(most.saturating_sub(self.kept));
        if !charge.grow(fits + MARK) {
            self.cut = Some(Cut::OutOfMemory);
            return 0;
        }
        if fits < length {
            self.cut = Some(Cut::TooLong);
        }
        self.kept += fits;
        self.marks.push(Mark { end: self.kept, at });
        fits
    }

    /// What was kept; nothing more will be.
    pub(super) fn close(&mut self) -> Body {
        let closed = Body {
            is_closed: true,
            ..Body::default()
        };
        std::mem::replace(self, closed)
    }

    fn copy(&mut self, bytes: &[u8]) {
        match self.blocks.last_mut() {
            Some(Block::Copied(block))
                if bytes.len() < SMALL && block.len() + bytes.len() <= BLOCK =>
            {
                block.extend_from_slice(bytes);
            }
            _ => self.blocks.push(Block::Copied(bytes.to_vec())),
        }
    }

    /// All that was kept, in one piece.
    pub(super) fn whole(&self) -> Cow<'_, [u8]> {
        let mut blocks = self.blocks();
        match (blocks.next(), self.blocks.len()) {
            (None, _) => Cow::default(),
            (Some(only), 1) => Cow::Borrowed(only),
            (Some(first), _) => {
                let mut whole = Vec::with_capacity(self.kept);
                whole.extend_from_slice(first);
                blocks.for_each(|block| whole.extend_from_slice(block));
                Cow::Owned(whole)
            }
        }
    }

    /// What was kept, in pieces as large as they are.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        self.blocks.iter().map(|block| match block {
            Block::Copied(bytes) => bytes.as_slice(),
            Block::Shared(bytes) => bytes,
        })
    }

    /// What was kept, in the pieces in which it came, with their times.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (Duration, &[u8])> {
        let mut blocks = self.blocks();
        let mut rest: &[u8] = &[];
        let mut start = 0;
        self.marks.iter().map(move |mark| {
            // A piece lies within one block.
            if rest.is_empty() {
                rest = blocks.next().unwrap_or_default();
            }
            let (piece, after) = rest
                .split_at_checked(mark.end - start)
                .unwrap_or((rest, &[]));
            (rest, start) = (after, mark.end);
            (mark.at, piece)
        })
    }

    /// When the first piece came.
    pub(super) fn first_at(&self) -> Option<Duration> {
        self.marks.first().map(|mark| mark.at)
    }

    /// Seconds between one piece and the next.
    pub(super) fn gaps(&self) -> impl Iterator<Item = f64> {
        let pairs = self.marks.iter().zip(self.marks.iter().skip(1));
        pairs.map(|(one, next)| next.at.saturating_sub(one.at).as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::Budget;
    use super::*;

    #[test]
    fn own_pieces_are_kept_without_a_copy() {
        let mut charge = Budget::new(1 << 20).take(0).unwrap();
        let mut body = Body::default();
        let own = Bytes::from(b"of its own".to_vec());
        body.push_own(&own, Duration::ZERO, 100, &mut charge);
        assert_eq!(body.whole().as_ptr(), own.as_ptr());
        body.push_own(&own, Duration::ZERO, 12, &mut charge);
        body.push(&own, Duration::ZERO, 12, &mut charge);
        assert_eq!(*body.whole(), *b"of its ownof");
        assert_eq!((body.length, body.cut), (30, Some(Cut::TooLong)));
    }

    fn pushed(pieces: &[&[u8]], most: usize) -> Body {
        let mut charge = Budget::new(1 << 20).take(0).unwrap();
        let mut body = Body::default();
        for (at, piece) in pieces.iter().enumerate() {
            let at = Duration::from_millis(at as u64);
            body.push(&Bytes::copy_from_slice(piece), at, most, &mut charge);
        }
        body
    }

    #[test]
    fn pieces_come_back_as_they_came() {
        let large = vec![b'x'; 3 * SMALL];
        let small = vec![b'y'; SMALL - 1];
        let pieces: Vec<&[u8]> = vec![
            b"a", b"bc", &large, b"d", &small, &small, &small, &small, &small, b"e",
        ];
        let body = pushed(&pieces, usize::MAX);
        let back: Vec<&[u8]> = body.pieces().map(|(_, piece)| piece).collect();
        assert_eq!(back, pieces);
        assert_eq!(body.gaps().collect::<Vec<_>>(), vec![0.001; 9]);
        assert_eq!(*body.whole(), pieces.concat());
    }

    #[test]
    fn a_long_body_is_cut_and_counted() {
        let body = pushed(&[b"abc", b"def", b"ghi"], 5);
        assert_eq!(*body.whole(), *b"abcde");
        assert_eq!((body.length, body.cut), (9, Some(Cut::TooLong)));
    }

    #[test]
    fn without_room_nothing_more_is_kept() {
        let mut charge = Budget::new(100).take(0).unwrap();
        let mut body = Body::default();
        for _ in 0..3 {
            body.push(
                &Bytes::from_static(&[b'x'; 60]),
                Duration::ZERO,
                1000,
                &mut charge,
            );
        }
        assert_eq!(
            (body.kept, body.length, body.cut),
            (60, 180, Some(Cut::OutOfMemory))
        );
    }
}
