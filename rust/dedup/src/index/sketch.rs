//! What the index remembers of a document's content: six bits of each slot of its signature.
//!
//! b-bit minwise hashing (Li and König 2010): two unrelated slots agree by chance once in 64, which the estimate takes
//! back, so six bits tell almost as much as 32. Band keys are made of the same six bits, so that tables can be
//! built anew from sketches alone: that is what compaction does.

use tokenfoundry_base::stable_hash::mix64;

use crate::bands::Bands;

const BITS: usize = 6;
/// Four slots are three bytes.
const SLOTS_PER_GROUP: usize = 4;
const GROUP_BYTES: usize = 3;
const SLOT_MASK: u32 = (1 << BITS) - 1;

pub fn bytes_of(slots: usize) -> usize {
    slots.div_ceil(SLOTS_PER_GROUP) * GROUP_BYTES
}

/// Append the sketch of a signature.
pub fn push(signature: &[u32], sketches: &mut Vec<u8>) {
    for group in signature.chunks(SLOTS_PER_GROUP) {
        let packed =
            group.iter().enumerate().fold(0u32, |packed, (at, slot)| packed | (slot & SLOT_MASK) << (at * BITS));
        sketches.extend_from_slice(&packed.to_le_bytes()[..GROUP_BYTES]);
    }
}

fn slots(sketch: &[u8]) -> impl Iterator<Item = u32> + '_ {
    sketch.chunks_exact(GROUP_BYTES).flat_map(|group| {
        let packed = u32::from_le_bytes([group[0], group[1], group[2], 0]);
        (0..SLOTS_PER_GROUP).map(move |at| packed >> (at * BITS) & SLOT_MASK)
    })
}

/// The key of each band.
pub fn keys(sketch: &[u8], bands: Bands) -> impl Iterator<Item = u64> + '_ {
    let mut slots = slots(sketch);
    (0..bands.bands as u64)
        .map(move |band| slots.by_ref().take(bands.rows).fold(band, |key, slot| mix64(key ^ u64::from(slot))))
}

/// Jaccard similarity as two sketches of `count` slots estimate it: standard error below 0.046 for 120 slots.
pub fn estimate(left: &[u8], right: &[u8], count: usize) -> f64 {
    let equal = slots(left).zip(slots(right)).take(count).filter(|(left, right)| left == right).count();
    let by_chance = 1.0 / f64::from(1u32 << BITS);
    ((equal as f64 / count as f64 - by_chance) / (1.0 - by_chance)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_count_equal_slots() {
        for count in [64, 120, 121] {
            let signature: Vec<u32> = (0..count as u32).map(|slot| mix64(u64::from(slot)) as u32).collect();
            let mut changed = signature.clone();
            changed[..32].iter_mut().for_each(|slot| *slot ^= 1);
            let (mut left, mut right) = (Vec::new(), Vec::new());
            push(&signature, &mut left);
            push(&changed, &mut right);
            assert_eq!(left.len(), bytes_of(count));
            assert_eq!(estimate(&left, &left, count), 1.0);
            let share = 1.0 - 32.0 / count as f64;
            assert!((estimate(&left, &right, count) - (share - 1.0 / 64.0) / (63.0 / 64.0)).abs() < 1e-12);
            let shape = Bands { bands: 8, rows: 8 };
            let found: Vec<Vec<u64>> = [&left, &right].map(|sketch| keys(sketch, shape).collect()).into();
            let equal: Vec<bool> = found[0].iter().zip(&found[1]).map(|(left, right)| left == right).collect();
            assert_eq!(equal, [false, false, false, false, true, true, true, true]);
        }
    }
}
