//! The definition.

use super::{Wanted, hash};
use crate::word_keys::{KEY_BYTES, word_key};

#[inline(always)]
pub(crate) fn double_keys(wanted: Wanted<'_>) {
    let (count, last_piece, last) = wanted.bounds();
    let Wanted { text, places, numbers, keys, hashes } = wanted;
    for index in 0..count {
        let number = (numbers[index] as usize).min(last_piece);
        let start = (places[number] as usize).min(last);
        let length = (places[number + 1] as usize).wrapping_sub(start);
        let word = |at: usize| text[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        keys[index] =
            [word_key(word(start), length), word_key(word(start + KEY_BYTES), length.saturating_sub(KEY_BYTES))];
        hashes[index] = hash(keys[index]);
    }
}
