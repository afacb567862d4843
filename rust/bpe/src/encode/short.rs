//! Merging a short piece: look at all adjacent pairs, merge the best, look again.

use super::SHORT_BYTES;
use crate::vocabulary::{Merge, Vocabulary};

const NEVER: Merge = Merge { rank: u32::MAX, id: 0 };

/// Append the tokens of `piece` (at most [`SHORT_BYTES`] bytes).
pub fn merge(vocabulary: &Vocabulary, piece: &[u8], tokens: &mut Vec<u32>) {
    debug_assert!(piece.len() <= SHORT_BYTES);
    let mut ids = [0u32; SHORT_BYTES];
    // merges[i] is what ids[i] and ids[i + 1] would become.
    let mut merges = [NEVER; SHORT_BYTES];
    let mut length = piece.len();
    for (id, &byte) in ids.iter_mut().zip(piece) {
        *id = vocabulary.byte_id(byte);
    }
    let look = |left: u32, right: u32| vocabulary.merge(left, right).unwrap_or(NEVER);
    for index in 0..length.saturating_sub(1) {
        merges[index] = look(ids[index], ids[index + 1]);
    }
    while length > 1 {
        let mut best = 0;
        for index in 1..length - 1 {
            if merges[index].rank < merges[best].rank {
                best = index;
            }
        }
        if merges[best] == NEVER {
            break;
        }
        ids[best] = merges[best].id;
        ids.copy_within(best + 2..length, best + 1);
        merges.copy_within(best + 1..length - 1, best);
        length -= 1;
        if best > 0 {
            merges[best - 1] = look(ids[best - 1], ids[best]);
        }
        merges[best] = if best + 1 < length { look(ids[best], ids[best + 1]) } else { NEVER };
    }
    tokens.extend_from_slice(&ids[..length]);
}
