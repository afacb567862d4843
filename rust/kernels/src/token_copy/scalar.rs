//! The definition; the compiler makes vectors of it, wider ones in the files of the other tiers.

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

impl Slot for u8 {
    #[inline(always)]
    fn from_id(id: u32) -> Self {
        id as Self
    }
}

#[inline(always)]
pub(super) fn widen<B: TokenBytes, S: Slot>(tokens: &[B], out: &mut [S]) {
    for (slot, token) in out.iter_mut().zip(tokens) {
        *slot = S::from_id(token.id());
    }
}

#[inline(always)]
pub(super) fn widen_pair<B: TokenBytes, S: Slot, L: Slot>(tokens: &[B], out: &mut [S], next: &mut [L]) {
    widen(tokens, out);
    widen(&tokens[1..], next);
}

#[inline(always)]
pub(super) fn count_up(out: &mut [i32], first: i32) {
    for (slot, number) in out.iter_mut().zip(first..) {
        *slot = number;
    }
}
