//! Rows of pieces to what a model reads: tokens, positions, labels, documents, each padded to the row's end.
//!
//! A column that nobody asked for is not written. Columns that are larger than the caches go past them.

use std::ops::Range;

use tokenfoundry_kernels::line_writer::LineWriter;
use tokenfoundry_kernels::token_copy::{Slot, count_up, widen};

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

/// Where columns go: each the slots of all rows, or none.
pub struct Columns<'a, T, L> {
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

/// Columns of together so many bytes go past the caches: more than a core's hold, so that nothing of them would be there
/// when it is read.
const PAST_CACHES_FROM_BYTES: usize = 8 << 20;
/// Of fewer slots another thread would wake too late.
pub const PARALLEL_FROM_SLOTS: usize = 1 << 18;
/// A thread's share at the least.
const SLOTS_AT_LEAST: usize = 1 << 16;

/// What is laid out: row `r` has the pieces `row_offsets[r]` to `row_offsets[r + 1]`, and they fit: the caller has counted.
#[derive(Clone, Copy)]
pub struct Rows<'t> {
    pub values: &'t [u32],
    /// Not 0 where a value is to be learned; all are where there is no mask.
    pub mask: Option<&'t [u8]>,
    /// First value and length of each piece.
    pub starts: &'t [i64],
    pub lengths: &'t [i64],
    pub row_offsets: &'t [i64],
    pub capacity: usize,
    /// Pieces begin at multiples of this.
    pub align: usize,
    pub pad_id: u32,
}

/// A piece's tokens, and which of them are to be learned (all where there is no mask).
#[derive(Clone, Copy)]
struct Source<'t> {
    tokens: &'t [u32],
    mask: Option<&'t [u8]>,
}

impl<'t> Rows<'t> {
    pub fn count(&self) -> usize {
        self.row_offsets.len() - 1
    }

    fn piece(&self, piece: usize) -> Source<'t> {
        let range = self.starts[piece] as usize..(self.starts[piece] + self.lengths[piece]) as usize;
        Source { tokens: &self.values[range.clone()], mask: self.mask.map(|mask| &mask[range]) }
    }

    /// Write all rows.
    pub fn lay_out<T: Token, L: Token>(&self, columns: Columns<'_, T, L>) {
        let past_caches = columns.bytes() >= PAST_CACHES_FROM_BYTES;
        self.share(0..self.count(), usize::MAX, columns, past_caches);
    }

    /// The same on the threads of the pool that this runs in.
    pub fn lay_out_in_pool<T: Token, L: Token>(&self, columns: Columns<'_, T, L>) {
        let past_caches = columns.bytes() >= PAST_CACHES_FROM_BYTES;
        let slots = (self.count() * self.capacity).div_ceil(4 * rayon::current_num_threads()).max(SLOTS_AT_LEAST);
        self.share(0..self.count(), (slots / self.capacity.max(1)).max(1), columns, past_caches);
    }

    fn share<T: Token, L: Token>(
        &self,
        rows: Range<usize>,
        most: usize,
        columns: Columns<'_, T, L>,
        past_caches: bool,
    ) {
        if rows.len() > most {
            let middle = rows.start + rows.len() / 2;
            let (first, later) = columns.split((middle - rows.start) * self.capacity);
            rayon::join(
                || self.share(rows.start..middle, most, first, past_caches),
                || self.share(middle..rows.end, most, later, past_caches),
            );
        } else if past_caches {
            self.write_past_caches(rows, columns);
        } else {
            self.write(rows, columns);
        }
    }

    /// Call `take(piece, number in its row, slots left empty behind it)`, and `take(None, 0, slots)` for empty rows.
    fn each(&self, rows: Range<usize>, mut take: impl FnMut(Option<usize>, i32, usize)) {
        for row in rows {
            let pieces = self.row_offsets[row] as usize..self.row_offsets[row + 1] as usize;
            if pieces.is_empty() {
                take(None, 0, self.capacity);
            }
            let mut at = 0;
            for (piece, number) in pieces.clone().zip(0..) {
                let end = at + self.lengths[piece] as usize;
                at = if piece + 1 == pieces.end { self.capacity } else { end.next_multiple_of(self.align) };
                take(Some(piece), number, at - end);
            }
        }
    }

    fn write_past_caches<T: Token, L: Token>(&self, rows: Range<usize>, columns: Columns<'_, T, L>) {
        let mut tokens = columns.tokens.map(LineWriter::new);
        let mut labels = columns.labels.map(LineWriter::new);
        let mut position_ids = columns.position_ids.map(LineWriter::new);
        let mut document_ids = columns.document_ids.map(LineWriter::new);
        let mut loss_mask = columns.loss_mask;
        let pad = T::from_id(self.pad_id);
        self.each(rows, |piece, number, padding| {
            let source = piece.map_or(Source { tokens: &[], mask: None }, |piece| self.piece(piece));
            let count = source.tokens.len();
            if let Some(tokens) = &mut tokens {
                let next = piece.map_or(0, |piece| piece + 1);
                let ahead = if next < self.starts.len() { self.piece(next).tokens } else { &[] };
                tokens.tokens(source.tokens, ahead);
                tokens.fill(pad, padding);
            }
            if let Some(labels) = &mut labels {
                if let Some((_, following)) = source.tokens.split_first() {
                    match source.mask {
                        None => labels.tokens(following, &[]),
                        Some(mask) => labels.masked_tokens(following, &mask[1..], L::IGNORED),
                    }
                }
                labels.fill(L::IGNORED, padding + usize::from(count > 0));
            }
            if let Some(position_ids) = &mut position_ids {
                position_ids.count_up(count);
                position_ids.fill(0, padding);
            }
            if let Some(document_ids) = &mut document_ids {
                document_ids.fill(number, count);
                document_ids.fill(-1, padding);
            }
            if let Some(slots) = loss_mask.take() {
                let (these, later) = slots.split_at_mut(count);
                let (empty, later) = later.split_at_mut(padding);
                put_mask(source, these);
                empty.fill(0);
                loss_mask = Some(later);
            }
        });
    }

    fn write<T: Token, L: Token>(&self, rows: Range<usize>, columns: Columns<'_, T, L>) {
        let mut rest = Some(columns);
        self.each(rows, |piece, number, padding| {
            let source = piece.map_or(Source { tokens: &[], mask: None }, |piece| self.piece(piece));
            let Some(columns) = rest.take() else { return };
            let (out, later) = columns.split(source.tokens.len());
            let (empty, later) = later.split(padding);
            write(source, number, out);
            empty.pad(self.pad_id);
            rest = Some(later);
        });
    }
}

impl<'a, T: Token, L: Token> Columns<'a, T, L> {
    fn bytes(&self) -> usize {
        self.tokens.as_deref().map_or(0, size_of_val)
            + self.labels.as_deref().map_or(0, size_of_val)
            + self.position_ids.as_deref().map_or(0, size_of_val)
            + self.document_ids.as_deref().map_or(0, size_of_val)
            + self.loss_mask.as_deref().map_or(0, size_of_val)
    }

    /// The first so many slots, and the others.
    fn split(self, slots: usize) -> (Self, Self) {
        fn cut<S>(slots: Option<&mut [S]>, at: usize) -> (Option<&mut [S]>, Option<&mut [S]>) {
            slots.map(|slots| slots.split_at_mut(at)).unzip()
        }
        let (tokens, later_tokens) = cut(self.tokens, slots);
        let (position_ids, later_position_ids) = cut(self.position_ids, slots);
        let (labels, later_labels) = cut(self.labels, slots);
        let (document_ids, later_document_ids) = cut(self.document_ids, slots);
        let (loss_mask, later_loss_mask) = cut(self.loss_mask, slots);
        (
            Self { tokens, position_ids, labels, document_ids, loss_mask },
            Self {
                tokens: later_tokens,
                position_ids: later_position_ids,
                labels: later_labels,
                document_ids: later_document_ids,
                loss_mask: later_loss_mask,
            },
        )
    }

    fn pad(self, pad_id: u32) {
        self.tokens.into_iter().for_each(|slots| slots.fill(T::from_id(pad_id)));
        self.position_ids.into_iter().for_each(|slots| slots.fill(0));
        self.labels.into_iter().for_each(|slots| slots.fill(L::IGNORED));
        self.document_ids.into_iter().for_each(|slots| slots.fill(-1));
        self.loss_mask.into_iter().for_each(|slots| slots.fill(0));
    }
}

fn write<T: Token, L: Token>(piece: Source<'_>, number: i32, out: Columns<'_, T, L>) {
    if let Some(slots) = out.tokens {
        widen(piece.tokens, slots, &[]);
    }
    if let Some(slots) = out.position_ids {
        count_up(slots, 0);
    }
    if let Some(slots) = out.labels {
        put_labels(piece, slots);
    }
    if let Some(slots) = out.document_ids {
        slots.fill(number);
    }
    if let Some(slots) = out.loss_mask {
        put_mask(piece, slots);
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
