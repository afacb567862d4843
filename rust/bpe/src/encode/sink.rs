//! What to do with the tokens of pieces: keep them, or count them.

use super::block::ROOM;
use super::tables::{COUNT, Few};

pub trait Sink {
    fn one(&mut self, token: u32);
    fn many(&mut self, tokens: &[u32]);
    /// The tokens of each of `pieces` in turn, with room for them in `space`.
    fn few(&mut self, pieces: &[Few], space: &mut Space);
}

/// Room for the tokens of a block of pieces, and of what is written behind them.
pub type Space = [u32; ROOM * COUNT + 8];

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
        assert!(pieces.len() <= ROOM);
        let mut length = 0;
        for piece in pieces {
            // SAFETY: each piece before moved `length` by at most COUNT (7), and there is room for that of every piece and
            // for one more write of eight.
            unsafe { space.as_mut_ptr().add(length).cast::<Few>().write_unaligned(*piece) };
            length += (piece[COUNT] & COUNT as u32) as usize;
        }
        // By way of `space`, which stays near: writing over and over to memory that is far takes twice the time.
        self.extend_from_slice(&space[..length]);
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
}
