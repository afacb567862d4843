//! Pieces that fall apart into parts ([`Cuts`](super::cuts::Cuts)), which are encoded as pieces are, a block of them at a time.

use tokenfoundry_kernels::byte_classes::{Classifier, Scalar};
use tokenfoundry_kernels::on_tier::{Work, on_tier};

use super::Encoder;
use super::block::{Block, LARGE_BLOCK, Of, Places, Unseen};
use super::cuts::{Cuts, Masks};
use super::memory::budget_bytes;
use super::seen::Seen;
use super::tables::WIDE_BYTES;

/// Longer pieces are not taken.
pub const LONGEST: usize = 4096;

/// A piece: its number in its block, where it is in the text, and where it ends among those that fall apart.
#[derive(Clone, Copy, Debug)]
struct Piece {
    number: u16,
    start: usize,
    length: usize,
    end: u32,
}

/// Room for the pieces of a block.
#[derive(Debug)]
pub struct Parts {
    block: Block,
    /// What tables know of parts where that is not what they know of pieces.
    own: Option<Seen>,
    /// The pieces, one after another.
    text: Vec<u8>,
    /// Where in `text` parts start, and where the last ends.
    places: Vec<u32>,
    masks: Masks,
    pieces: Vec<Piece>,
    /// The tokens of all, and where those of each part end.
    tokens: Vec<u32>,
    token_ends: Vec<u32>,
}

/// What [`Block::find`] needs, on a tier.
struct Encode<'a> {
    block: &'a mut Block,
    seen: &'a mut Seen,
    encoder: &'a Encoder,
    text: &'a [u8],
    places: &'a [u32],
}

impl Work for Encode<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, classifier: impl Classifier) {
        let Self { block, seen, encoder, text, places } = self;
        block.find(classifier, seen, encoder, Places { text, base: 0, places }, Unseen::merge(Of::Parts));
    }
}

impl Parts {
    pub fn new(encoder: &Encoder) -> Box<Self> {
        Box::new(Self {
            block: Block::new(),
            own: encoder.has_only_whole.then(|| Seen::new(budget_bytes())),
            text: Vec::new(),
            places: vec![0],
            masks: Masks::default(),
            pieces: Vec::new(),
            tokens: Vec::new(),
            token_ends: Vec::new(),
        })
    }

    /// Take a piece of [`LONGEST`] bytes at most.
    pub fn push(&mut self, text: &[u8], number: u16, start: usize, length: usize) {
        self.text.extend_from_slice(&text[start..start + length]);
        self.pieces.push(Piece { number, start, length, end: self.text.len() as u32 });
    }

    /// Find the tokens of all that was pushed, remember them, give them to `keep` with the piece's number, and forget the pieces.
    pub fn finish(
        &mut self,
        cuts: &Cuts,
        seen: &mut Seen,
        encoder: &Encoder,
        text: &[u8],
        mut keep: impl FnMut(u16, &[u32]),
    ) {
        let Self { block, own, text: own_text, places, masks, pieces, tokens, token_ends } = self;
        cuts.ends(own_text, pieces.iter().map(|piece| piece.end), masks, places);
        own_text.extend_from_slice(&[0; WIDE_BYTES]);
        let last = places.len() - 1;
        let mut at = 0;
        token_ends.clear();
        while at < last {
            let end = last.min(at + LARGE_BLOCK);
            let work = Encode {
                block,
                seen: own.as_mut().unwrap_or(seen),
                encoder,
                text: own_text,
                places: &places[at..=end],
            };
            on_tier(work, |work| work.run(Scalar));
            block.write(token_ends.last().map_or(0, |&end| end as usize), tokens, token_ends);
            at = end;
        }
        let (mut part, mut from) = (0, 0);
        for piece in &*pieces {
            while places[part + 1] < piece.end {
                part += 1;
            }
            let end = token_ends[part] as usize;
            seen.insert(text, piece.start, piece.length, &tokens[from..end]);
            keep(piece.number, &tokens[from..end]);
            (part, from) = (part + 1, end);
        }
        own_text.clear();
        places.truncate(1);
        pieces.clear();
    }
}
