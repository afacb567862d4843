//! Pieces that no table has, merged from their bytes: short ones side by side, long ones one by one.

use super::lanes::Lanes;
use super::merge::SHORT;
use super::{Encoder, Scratch};

/// Where a piece is, and its number.
#[derive(Clone, Copy, Debug)]
struct Piece {
    number: u16,
    /// A text that is taken in blocks is no longer than a 32-bit number.
    start: u32,
    length: u32,
}

impl Piece {
    #[inline(always)]
    fn span(&self) -> (usize, usize) {
        (self.start as usize, self.length as usize)
    }
}

/// Room for the pieces of a block.
#[derive(Debug, Default)]
pub struct Fresh {
    pieces: Vec<Piece>,
    lanes: Lanes,
    tokens: Vec<u32>,
    pub scratch: Scratch,
}

impl Fresh {
    pub fn push(&mut self, number: u16, start: usize, length: usize) {
        self.pieces.push(Piece { number, start: start as u32, length: length as u32 });
    }

    /// Give the tokens of all that was pushed to `keep`, with number, start and length, in any order, and forget the pieces.
    pub fn finish(&mut self, encoder: &Encoder, text: &[u8], mut keep: impl FnMut(u16, usize, usize, &[u32])) {
        let Self { pieces, lanes, tokens, scratch } = self;
        // Those of one length side by side.
        pieces.sort_unstable_by_key(|piece| piece.length);
        let (short, long) = pieces.split_at(pieces.partition_point(|piece| piece.length as usize <= SHORT));
        let bytes = |piece: &Piece| {
            let (start, length) = piece.span();
            &text[start..start + length]
        };
        lanes.merge(&encoder.pairs, &encoder.to_token, short.iter().map(bytes), |index, tokens| {
            let (start, length) = short[index].span();
            keep(short[index].number, start, length, tokens);
        });
        for piece in long {
            tokens.clear();
            encoder.merge_piece(bytes(piece), scratch, tokens);
            let (start, length) = piece.span();
            keep(piece.number, start, length, tokens);
        }
        pieces.clear();
    }
}
