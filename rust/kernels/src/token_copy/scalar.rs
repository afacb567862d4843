//! The definition; the compiler makes vectors of it, wider ones in the files of the other tiers.

use crate::prefetch::{LINE_BYTES, prefetch_second_level, prefetch_write_behind};

/// A token as files have it.
pub trait TokenBytes: Copy + Send + Sync {
    fn id(self) -> u32;
}

impl TokenBytes for [u8; 2] {
    #[inline(always)]
    fn id(self) -> u32 {
        u32::from(u16::from_le_bytes(self))
    }
}

impl TokenBytes for [u8; 4] {
    #[inline(always)]
    fn id(self) -> u32 {
        u32::from_le_bytes(self)
    }
}

impl TokenBytes for u32 {
    #[inline(always)]
    fn id(self) -> u32 {
        self
    }
}

/// What a token is given out as: plain numbers, any bytes of which are one.
pub trait Slot: Copy + Send + Sync + 'static {
    fn from_id(id: u32) -> Self;
}

impl Slot for u32 {
    #[inline(always)]
    fn from_id(id: u32) -> Self {
        id
    }
}

impl Slot for i32 {
    #[inline(always)]
    fn from_id(id: u32) -> Self {
        id as Self
    }
}

impl Slot for i64 {
    #[inline(always)]
    fn from_id(id: u32) -> Self {
        Self::from(id)
    }
}

/// Tokens a step: a line of a file's.
const STEP: usize = 16;

/// So far before the store are lines asked for where more is written than read: a store to a line that is in the
/// second-level cache only waits for it, and few can wait at once.
const WRITE_AHEAD_BYTES: usize = 512;

#[inline(always)]
fn plain<B: TokenBytes, S: Slot>(tokens: &[B], out: &mut [S]) {
    for (slot, token) in out.iter_mut().zip(tokens) {
        *slot = S::from_id(token.id());
    }
}

/// Sixteen at once: vectors without a loop. Iterators are calls here where a build without link-time optimisation does
/// not inline them.
#[inline(always)]
fn step<B: TokenBytes, S: Slot>(tokens: &[B; STEP], out: &mut [S; STEP]) {
    let mut made = *out;
    let mut at = 0;
    while at < STEP {
        made[at] = S::from_id(tokens[at].id());
        at += 1;
    }
    *out = made;
}

/// Slots before the first whole line: a vector is as long as a line, and one that straddles two costs two stores.
#[inline(always)]
fn before_a_line<S: Slot>(out: &[S]) -> usize {
    out.as_ptr().align_offset(LINE_BYTES).min(out.len())
}

#[inline(always)]
pub(super) fn widen<B: TokenBytes, S: Slot>(tokens: &[B], out: &mut [S], ahead: &[B]) {
    let count = tokens.len().min(out.len());
    let before = before_a_line(out).min(count);
    plain(&tokens[..before], &mut out[..before]);
    let (token_steps, token_rest) = tokens[before..count].as_chunks::<STEP>();
    let (steps, rest) = out[before..count].as_chunks_mut::<STEP>();
    let mut at = 0;
    while let (Some(tokens), Some(slots)) = (token_steps.get(at), steps.get_mut(at)) {
        prefetch_second_level(ahead, at * STEP);
        if size_of::<S>() > size_of::<B>() {
            prefetch_write_behind(slots, WRITE_AHEAD_BYTES);
        }
        step(tokens, slots);
        at += 1;
    }
    plain(token_rest, rest);
}

/// Both in one walk where their lines begin at the same token: a token's line is read once, while it is near.
#[inline(always)]
pub(super) fn widen_pair<B: TokenBytes, S: Slot, L: Slot>(tokens: &[B], out: &mut [S], next: &mut [L], ahead: &[B]) {
    let before = before_a_line(out);
    if before != before_a_line(next) || size_of::<S>() != size_of::<L>() {
        widen(tokens, out, ahead);
        widen(&tokens[1..], next, &[]);
        return;
    }
    plain(&tokens[..before], &mut out[..before]);
    plain(&tokens[1..], &mut next[..before]);
    let (these, those) = (&tokens[before..tokens.len() - 1], &tokens[before + 1..]);
    let (token_steps, token_rest) = these.as_chunks::<STEP>();
    let (later_steps, later_rest) = those.as_chunks::<STEP>();
    let (steps, rest) = out[before..].as_chunks_mut::<STEP>();
    let (next_steps, next_rest) = next[before..].as_chunks_mut::<STEP>();
    let mut at = 0;
    while let (Some(tokens), Some(later), Some(slots), Some(next)) =
        (token_steps.get(at), later_steps.get(at), steps.get_mut(at), next_steps.get_mut(at))
    {
        prefetch_second_level(ahead, at * STEP);
        prefetch_write_behind(slots, WRITE_AHEAD_BYTES);
        prefetch_write_behind(next, WRITE_AHEAD_BYTES);
        step(tokens, slots);
        step(later, next);
        at += 1;
    }
    plain(token_rest, rest);
    plain(later_rest, next_rest);
}

#[inline(always)]
pub(super) fn count_up(out: &mut [i32], first: i32) {
    for (slot, number) in out.iter_mut().zip(first..) {
        *slot = number;
    }
}
