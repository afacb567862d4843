//! The definition.

use super::{Line, NUMBER_SHIFT, SIX_NUMBER, Six, TOKEN_BITS, TWELVE_NUMBER, Twelve};

const TOKEN: u64 = (1 << TOKEN_BITS) - 1;

/// All ones if there is no difference.
#[inline(always)]
fn mask(differs: u64) -> u64 {
    u64::from(differs == 0).wrapping_neg()
}

#[inline(always)]
fn three(word: u64) -> [u32; 3] {
    [word & TOKEN, word >> TOKEN_BITS & TOKEN, word >> (2 * TOKEN_BITS) & TOKEN].map(|token| token as u32)
}

#[inline(always)]
pub(crate) fn six_of(line: &Line, key: &[u64; 2]) -> Six {
    let first = mask((line[0] ^ key[0]) | (line[2] ^ key[1]));
    let second = mask((line[1] ^ key[0]) | (line[3] ^ key[1])) & !first;
    let words = [line[4] & first | line[5] & second, line[6] & first | line[7] & second];
    let mut six = [0; 8];
    six[..3].copy_from_slice(&three(words[0]));
    six[3..6].copy_from_slice(&three(words[1]));
    six[SIX_NUMBER] = (words[1] >> NUMBER_SHIFT) as u32;
    six
}

#[inline(always)]
pub(crate) fn twelve_of(line: &Line, key: &[u64; 4]) -> Twelve {
    let is = mask((line[0] ^ key[0]) | (line[1] ^ key[1]) | (line[2] ^ key[2]) | (line[3] ^ key[3]));
    let mut twelve = [0; 16];
    for number in 0..4 {
        twelve[3 * number..3 * number + 3].copy_from_slice(&three(line[4 + number] & is));
    }
    twelve[TWELVE_NUMBER] = ((line[7] & is) >> NUMBER_SHIFT) as u32;
    twelve
}
