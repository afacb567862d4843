//! Permutations of the slots that are still unfilled only: pushed together, permuted as ever, and put back.

use super::UNFILLED;

/// Slots whose permutations are pushed together at a time.
pub const SLOTS_AT_ONCE: usize = 256;
/// Permutations are gathered to a multiple of this, which vectors like.
const LANES: usize = 16;

/// `permute(multipliers, minima)` lowers the minima by the hashes.
pub fn permute_min_unfilled(
    hashes: &[u64],
    multipliers: &[u16],
    slots: &mut [u32],
    permute: impl Fn(&[u16], &mut [u32]),
) -> usize {
    let mut total = 0;
    for (slots, multipliers) in slots.chunks_mut(SLOTS_AT_ONCE).zip(multipliers.chunks(SLOTS_AT_ONCE)) {
        // Whether a slot is unfilled cannot be foreseen, so each is written, and the next over it if it was filled.
        let mut unfilled = [0u16; SLOTS_AT_ONCE + 1];
        let mut own = [0u16; SLOTS_AT_ONCE + 1];
        let mut count = 0;
        for ((at, &slot), &multiplier) in (0..).zip(&*slots).zip(multipliers) {
            unfilled[count] = at;
            own[count] = multiplier;
            count += usize::from(slot >= UNFILLED);
        }
        total += count;
        if count == 0 || hashes.is_empty() {
            continue;
        }
        let mut minima = [u32::MAX; SLOTS_AT_ONCE];
        let whole = count.next_multiple_of(LANES);
        permute(&own[..whole], &mut minima[..whole]);
        for (&at, &minimum) in unfilled[..count].iter().zip(&minima) {
            let slot = &mut slots[usize::from(at)];
            *slot = (*slot).min(UNFILLED | minimum >> 1);
        }
    }
    total
}
