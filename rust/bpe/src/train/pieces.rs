//! All distinct pieces as one flat array of tokens in which neighbours are found without links.
//!
//! A token of n bytes takes n places. Its id stands in the first and in the last of them (so the token before a place
//! is read at the place before it, as in an allocator's boundary tags) and [`INNER`] in those between; [`EDGE`] stands
//! between pieces. Merging two tokens rewrites four places, all within a cache line or two, however long the piece.

use super::count::Table;
use super::merge::TrainError;

/// Between pieces.
pub(super) const EDGE: u32 = u32::MAX;
/// Neither the first nor the last byte of a token.
const INNER: u32 = u32::MAX - 1;

/// Where a pair begins, and the piece that it is in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) at: u32,
    pub(super) piece: u32,
}

/// A pair of tokens that stood at a [`Place`] and is one token now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joined {
    pub(super) before: u32,
    pub(super) after: u32,
}

pub(super) struct Pieces {
    tokens: Vec<u32>,
    /// How often each piece occurs.
    pub(super) counts: Vec<i64>,
}

impl Pieces {
    /// Pieces of one byte have no pairs and are left out, and so are bytes that are no tokens.
    pub(super) fn new(tables: &[Table], id_of_byte: &[u32; 256]) -> Result<Self, TrainError> {
        let (mut bytes, mut pieces) = (1usize, 0usize);
        for table in tables {
            table.for_each(|piece, _| {
                if piece.len() > 1 {
                    bytes += piece.len() + 1;
                    pieces += 1;
                }
            });
        }
        if bytes >= INNER as usize {
            return Err(TrainError::TooLarge(format!(
                "the distinct pieces have {bytes} bytes together, more than the {INNER} that training takes; \
                 train on a sample, or with a pattern that cuts into shorter pieces"
            )));
        }
        let mut tokens = Vec::with_capacity(bytes);
        let mut counts = Vec::with_capacity(pieces);
        tokens.push(EDGE);
        for table in tables {
            table.for_each(|piece, count| {
                if piece.len() > 1 {
                    let before = tokens.len();
                    tokens.extend(piece.iter().map(|&byte| id_of_byte[usize::from(byte)]).filter(|&id| id != EDGE));
                    if tokens.len() > before {
                        tokens.push(EDGE);
                        counts.push(i64::try_from(count).unwrap_or(i64::MAX));
                    }
                }
            });
        }
        Ok(Self { tokens, counts })
    }

    /// Visit each pair, before any merge: (left, right, place).
    pub(super) fn for_each_pair(&self, mut visit: impl FnMut(u32, u32, Place)) {
        let mut piece = 0;
        for (at, pair) in self.tokens.windows(2).enumerate() {
            if pair[1] == EDGE {
                piece += u32::from(pair[0] != EDGE);
            } else if pair[0] != EDGE {
                visit(pair[0], pair[1], Place { at: at as u32, piece });
            }
        }
    }

    /// Whether a pair stands at a place.
    #[inline(always)]
    pub(super) fn stands(&self, at: u32, left: (u32, u32), right: (u32, u32)) -> bool {
        let start = at as usize;
        // Past the end only where the left token has gone and its place is near the last piece's end.
        let middle = self.tokens.get(start + left.1 as usize).copied().unwrap_or(EDGE);
        (self.tokens[start] == left.0) & (middle == right.0)
    }

    /// Make one token of the pair at a place; `None` if the pair does not stand there any more.
    ///
    /// Stale places are safe to ask: whatever has covered a place's token since begins before it or is longer, so its
    /// id, where it happens to stand at the place, is another.
    #[inline(always)]
    pub(super) fn join(&mut self, at: u32, left: (u32, u32), right: (u32, u32), id: u32) -> Option<Joined> {
        if !self.stands(at, left, right) {
            return None;
        }
        let start = at as usize;
        let middle = start + left.1 as usize;
        let end = middle + right.1 as usize;
        self.tokens[middle - 1] = INNER;
        self.tokens[middle] = INNER;
        self.tokens[start] = id;
        self.tokens[end - 1] = id;
        Some(Joined { before: self.tokens[start - 1], after: self.tokens[end] })
    }
}
