//! Rows of pieces to what a model reads: tokens, positions, labels, documents, each padded to the row's end.
//!
//! A column that nobody asked for is not written: tokens alone move at the speed of a copy.

/// What a token is given out as.
pub trait Token: Copy + Send + Sync {
    fn from_id(id: u32) -> Self;
    /// The label that losses skip.
    const IGNORED: Self;
}

impl Token for u32 {
    #[inline(always)]
    fn from_id(id: u32) -> Self {
        id
    }
    const IGNORED: Self = Self::MAX - 99;
}

impl Token for i32 {
    #[inline(always)]
    fn from_id(id: u32) -> Self {
        id as Self
    }
    const IGNORED: Self = -100;
}

impl Token for i64 {
    #[inline(always)]
    fn from_id(id: u32) -> Self {
        Self::from(id)
    }
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

/// Write the pieces, one after another, each begun at a multiple of `align`, and padding between and after them.
/// They fit: the caller has counted.
pub fn lay_out<'t, T: Token, L: Token>(
    pieces: impl Iterator<Item = Source<'t>> + Clone,
    align: usize,
    pad_id: u32,
    row: Row<'_, T, L>,
) {
    if let Some(slots) = row.tokens {
        let rest = each(pieces.clone(), align, slots, T::from_id(pad_id), |_, piece, slots| {
            for (slot, &token) in slots.iter_mut().zip(piece.tokens) {
                *slot = T::from_id(token);
            }
        });
        rest.fill(T::from_id(pad_id));
    }
    if let Some(slots) = row.position_ids {
        each(pieces.clone(), align, slots, 0, |_, _, slots| {
            for (slot, position) in slots.iter_mut().zip(0..) {
                *slot = position;
            }
        })
        .fill(0);
    }
    if let Some(slots) = row.document_ids {
        each(pieces.clone(), align, slots, -1, |index, _, slots| slots.fill(index)).fill(-1);
    }
    if let Some(slots) = row.labels {
        each(pieces.clone(), align, slots, L::IGNORED, |_, piece, slots| {
            let Some((last, before)) = slots.split_last_mut() else { return };
            let next = &piece.tokens[1..];
            match piece.mask {
                None => before.iter_mut().zip(next).for_each(|(slot, &token)| *slot = L::from_id(token)),
                Some(mask) => {
                    before.iter_mut().zip(next.iter().zip(&mask[1..])).for_each(|(slot, (&token, &learned))| {
                        *slot = if learned != 0 { L::from_id(token) } else { L::IGNORED };
                    })
                }
            }
            *last = L::IGNORED;
        })
        .fill(L::IGNORED);
    }
    if let Some(slots) = row.loss_mask {
        each(pieces, align, slots, 0, |_, piece, slots| {
            let Some((last, before)) = slots.split_last_mut() else { return };
            match piece.mask {
                None => before.fill(1),
                Some(mask) => {
                    before.iter_mut().zip(&mask[1..]).for_each(|(slot, &learned)| *slot = u8::from(learned != 0));
                }
            }
            *last = 0;
        })
        .fill(0);
    }
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
