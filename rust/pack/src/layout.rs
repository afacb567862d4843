//! Rows of pieces to what a model reads: tokens, positions, labels, documents, each padded to the row's end.
//!
//! A column that nobody asked for is not written. Columns that are larger than the caches go past them: a row is made
//! in a scratch that the nearest cache holds and streamed from there.

use tokenfoundry_kernels::prefetch::prefetch;
use tokenfoundry_kernels::token_copy::{Slot, count_up, settle, stream, widen};

/// What a token or a label is given out as.
pub trait Token: Slot {
    /// The label that losses skip.
    const IGNORED: Self;
}

impl Token for u32 {
    const IGNORED: Self = Self::MAX - 99;
}

impl Token for i32 {
    const IGNORED: Self = -100;
}

impl Token for i64 {
    const IGNORED: Self = IGNORE;
}

/// The label that losses skip: PyTorch's `ignore_index`.
pub const IGNORE: i64 = -100;

/// Where one row's columns go; each all of the row's capacity, or none.
pub struct Row<'a, T, L> {
    pub tokens: Option<&'a mut [T]>,
    /// Position in the piece, from 0; 0 in padding.
    pub position_ids: Option<&'a mut [i32]>,
    /// The token that follows in the same piece; [`Token::IGNORED`] at a piece's end, in padding, and where the token
    /// that follows is not to be learned.
    pub labels: Option<&'a mut [L]>,
    /// Which piece of the row, from 0; -1 in padding.
    pub document_ids: Option<&'a mut [i32]>,
    /// 1 where the label counts.
    pub loss_mask: Option<&'a mut [u8]>,
}

/// A piece's tokens, and which of them are to be learned (all where there is no mask).
#[derive(Clone, Copy)]
pub struct Source<'t> {
    pub tokens: &'t [u32],
    pub mask: Option<&'t [u8]>,
}

/// A row of each type, made here and streamed to where it belongs; empty where rows are written in place.
pub struct Scratch<T, L> {
    tokens: Vec<T>,
    labels: Vec<L>,
    numbers: Vec<i32>,
    bytes: Vec<u8>,
}

/// Columns of together so many bytes are streamed: more than the caches of a core hold, so that nothing of them would
/// be there when it is read.
pub const STREAM_FROM_BYTES: usize = 8 << 20;
/// Longer rows would not stay in a near cache until they are streamed.
const LONGEST_STREAMED: usize = 1 << 15;

impl<T: Token, L: Token> Scratch<T, L> {
    pub fn new(capacity: usize, streamed: bool) -> Self {
        let length = if streamed && capacity <= LONGEST_STREAMED { capacity } else { 0 };
        Self {
            tokens: vec![T::from_id(0); length],
            labels: vec![L::from_id(0); length],
            numbers: vec![0; length],
            bytes: vec![0; length],
        }
    }
}

impl<T, L> Drop for Scratch<T, L> {
    /// A thread lets go of its scratch when it is through with its rows.
    fn drop(&mut self) {
        settle();
    }
}

/// Ask for the tokens of pieces that are laid out next.
pub fn prefetch_sources<'t>(pieces: impl Iterator<Item = Source<'t>>) {
    for piece in pieces {
        (0..piece.tokens.len()).step_by(TOKENS_A_LINE).for_each(|token| prefetch(piece.tokens, token));
    }
}

const TOKENS_A_LINE: usize = 16;

/// Let `write` fill the slots, by way of the scratch if it is as long.
#[inline(always)]
fn put<S: Slot>(slots: &mut [S], scratch: &mut [S], write: impl FnOnce(&mut [S])) {
    if scratch.len() == slots.len() && !slots.is_empty() {
        write(scratch);
        stream(scratch, slots);
    } else {
        write(slots);
    }
}

/// Write the pieces, one after another, each begun at a multiple of `align`, and padding between and after them.
/// They fit: the caller has counted.
pub fn lay_out<'t, T: Token, L: Token>(
    pieces: impl Iterator<Item = Source<'t>> + Clone,
    align: usize,
    pad_id: u32,
    row: Row<'_, T, L>,
    scratch: &mut Scratch<T, L>,
) {
    if let Some(slots) = row.tokens {
        put(slots, &mut scratch.tokens, |slots| {
            let pad = T::from_id(pad_id);
            each(pieces.clone(), align, slots, pad, |_, piece, slots| widen(piece.tokens, slots, &[])).fill(pad);
        });
    }
    if let Some(slots) = row.position_ids {
        put(slots, &mut scratch.numbers, |slots| {
            each(pieces.clone(), align, slots, 0, |_, _, slots| count_up(slots, 0)).fill(0);
        });
    }
    if let Some(slots) = row.document_ids {
        put(slots, &mut scratch.numbers, |slots| {
            each(pieces.clone(), align, slots, -1, |index, _, slots| slots.fill(index)).fill(-1);
        });
    }
    if let Some(slots) = row.labels {
        put(slots, &mut scratch.labels, |slots| {
            each(pieces.clone(), align, slots, L::IGNORED, |_, piece, slots| put_labels(piece, slots)).fill(L::IGNORED);
        });
    }
    if let Some(slots) = row.loss_mask {
        put(slots, &mut scratch.bytes, |slots| {
            each(pieces, align, slots, 0, |_, piece, slots| put_mask(piece, slots)).fill(0);
        });
    }
}

fn put_labels<L: Token>(piece: Source<'_>, slots: &mut [L]) {
    let Some((last, before)) = slots.split_last_mut() else { return };
    widen(&piece.tokens[1..], before, &[]);
    if let Some(mask) = piece.mask {
        for (slot, &learned) in before.iter_mut().zip(&mask[1..]) {
            *slot = if learned != 0 { *slot } else { L::IGNORED };
        }
    }
    *last = L::IGNORED;
}

fn put_mask(piece: Source<'_>, slots: &mut [u8]) {
    let Some((last, before)) = slots.split_last_mut() else { return };
    match piece.mask {
        None => before.fill(1),
        Some(mask) => {
            before.iter_mut().zip(&mask[1..]).for_each(|(slot, &learned)| *slot = u8::from(learned != 0));
        }
    }
    *last = 0;
}

/// Call `write` with each piece's slots, fill what lies between pieces, and return what is left of the row.
#[inline(always)]
fn each<'t, 's, S: Copy>(
    pieces: impl Iterator<Item = Source<'t>>,
    align: usize,
    slots: &'s mut [S],
    fill: S,
    mut write: impl FnMut(i32, Source<'t>, &mut [S]),
) -> &'s mut [S] {
    let mut at = 0;
    for (index, piece) in (0..).zip(pieces) {
        let end = at + piece.tokens.len();
        write(index, piece, &mut slots[at..end]);
        at = end;
        if align > 1 {
            let next = end.next_multiple_of(align).min(slots.len());
            slots[end..next].fill(fill);
            at = next;
        }
    }
    &mut slots[at..]
}
