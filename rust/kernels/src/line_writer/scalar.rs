//! The definition.

use crate::token_copy::Slot;

#[inline(always)]
pub(super) fn tokens<S: Slot>(tokens: &[u32], slots: &mut [S]) {
    slots.iter_mut().zip(tokens).for_each(|(slot, &token)| *slot = S::from_id(token));
}

#[inline(always)]
pub(super) fn masked_tokens<S: Slot>(tokens: &[u32], mask: &[u8], otherwise: S, slots: &mut [S]) {
    for (slot, (&token, &kept)) in slots.iter_mut().zip(tokens.iter().zip(mask)) {
        *slot = if kept != 0 { S::from_id(token) } else { otherwise };
    }
}

#[inline(always)]
pub(super) fn count_up(first: usize, slots: &mut [i32]) {
    slots.iter_mut().zip(first as i32..).for_each(|(slot, number)| *slot = number);
}
