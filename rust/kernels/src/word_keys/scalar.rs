//! The definition.

use super::{KEY_BYTES, TOO_LONG, Wanted, hash};

/// Keeps so many of eight bytes from the lowest on.
static KEPT: [u64; 16] = {
    let mut masks = [0; 16];
    let mut length = 1;
    while length <= KEY_BYTES {
        masks[length] = u64::MAX >> (64 - 8 * length);
        length += 1;
    }
    masks
};

/// The byte behind so many; for pieces that are too long, what makes [`TOO_LONG`] of nothing kept.
static ENDED: [u64; 16] = {
    let mut marks = [0; 16];
    let mut length = 0;
    while length < KEY_BYTES {
        marks[length] = 0xFF << (8 * length);
        length += 1;
    }
    marks[KEY_BYTES + 1] = !TOO_LONG;
    marks
};

/// `length` of `KEY_BYTES + 1` is too long.
#[inline(always)]
pub(crate) fn word_key(word: u64, length: usize) -> u64 {
    !(word & KEPT[length & 15] | ENDED[length & 15])
}

#[inline(always)]
pub(crate) fn word_keys(wanted: Wanted<'_>) {
    let (count, last) = wanted.bounds();
    let Wanted { text, places, shift, keys, buckets } = wanted;
    for index in 0..count {
        // SAFETY: `start` is at most `last`, eight bytes before the end of `text`; `index + 1` is within `places`, and `index`
        // within `keys` and `buckets`, as `bounds` has it.
        unsafe {
            let start = (*places.get_unchecked(index) as usize).min(last);
            let length = (*places.get_unchecked(index + 1) as usize).wrapping_sub(start).min(KEY_BYTES + 1);
            let word = u64::from_le_bytes(text.as_ptr().add(start).cast::<[u8; KEY_BYTES]>().read());
            let key = word_key(word, length);
            *keys.get_unchecked_mut(index) = key;
            *buckets.get_unchecked_mut(index) = hash(key).unbounded_shr(shift) as u32;
        }
    }
}
