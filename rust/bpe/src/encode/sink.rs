//! What to do with the tokens of pieces: keep them, or count them.

use super::block::ROOM;
use super::tables::{COUNT, Few};

pub trait Sink {
    fn one(&mut self, token: u32);
    fn many(&mut self, tokens: &[u32]);
    /// The tokens of each of `pieces` in turn; they may stay in `space` until [`Self::end`].
    fn few(&mut self, pieces: &[Few], space: &mut Space);
    /// Tokens between those, of one piece.
    fn between(&mut self, tokens: &[u32], space: &mut Space);
    /// Of a block.
    fn end(&mut self, space: &mut Space);
}

/// Tokens on their way from a block of pieces to a sink.
///
/// It stays near: writing over and over to memory that is far takes twice the time.
#[derive(Debug)]
pub struct Space {
    tokens: [u32; OF_FEW + OF_MANY + 8],
    length: usize,
    of_many: usize,
}

/// Tokens of a block's pieces that have a few, and room for those of others.
const OF_FEW: usize = ROOM * COUNT;
const OF_MANY: usize = 1024;

impl Default for Space {
    fn default() -> Self {
        Self { tokens: [0; OF_FEW + OF_MANY + 8], length: 0, of_many: 0 }
    }
}

impl Sink for Vec<u32> {
    #[inline(always)]
    fn one(&mut self, token: u32) {
        self.push(token);
    }

    #[inline(always)]
    fn many(&mut self, tokens: &[u32]) {
        self.extend_from_slice(tokens);
    }

    #[inline(always)]
    fn few(&mut self, pieces: &[Few], space: &mut Space) {
        assert!(space.length + pieces.len() * COUNT <= OF_FEW + OF_MANY);
        let mut length = space.length;
        for piece in pieces {
            // SAFETY: each piece before moved `length` by at most COUNT (7), and there is room for that of every piece and
            // for one more write of eight.
            unsafe { space.tokens.as_mut_ptr().add(length).cast::<Few>().write_unaligned(*piece) };
            length += (piece[COUNT] & COUNT as u32) as usize;
        }
        space.length = length;
    }

    #[inline(always)]
    fn between(&mut self, tokens: &[u32], space: &mut Space) {
        if space.of_many + tokens.len() <= OF_MANY
            && let Some(room) = space.tokens.get_mut(space.length..space.length + tokens.len())
        {
            room.copy_from_slice(tokens);
            space.length += tokens.len();
            space.of_many += tokens.len();
        } else {
            self.end(space);
            self.extend_from_slice(tokens);
        }
    }

    #[inline(always)]
    fn end(&mut self, space: &mut Space) {
        self.extend_from_slice(&space.tokens[..space.length]);
        (space.length, space.of_many) = (0, 0);
    }
}

/// Counts tokens and keeps none.
#[derive(Debug, Default)]
pub struct Count(pub usize);

impl Sink for Count {
    #[inline(always)]
    fn one(&mut self, _token: u32) {
        self.0 += 1;
    }

    #[inline(always)]
    fn many(&mut self, tokens: &[u32]) {
        self.0 += tokens.len();
    }

    #[inline(always)]
    fn few(&mut self, pieces: &[Few], _space: &mut Space) {
        self.0 += pieces.iter().map(|piece| piece[COUNT] as usize).sum::<usize>();
    }
    #[inline(always)]
    fn between(&mut self, tokens: &[u32], _space: &mut Space) {
        self.0 += tokens.len();
    }

    #[inline(always)]
    fn end(&mut self, _space: &mut Space) {}
}
