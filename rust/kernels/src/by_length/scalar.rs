//! The definition.

use super::{LONGEST, Parted, RANGES};

const LAST: usize = LONGEST[RANGES - 2] + 1;

static RANGE_OF: [u8; LAST + 1] = {
    let mut ranges = [0; LAST + 1];
    let mut length = 0;
    while length <= LAST {
        ranges[length] = (length > LONGEST[0]) as u8 + (length > LONGEST[1]) as u8 + (length > LONGEST[2]) as u8;
        length += 1;
    }
    ranges
};

#[inline(always)]
pub(crate) fn by_length(parted: Parted<'_>) -> [usize; RANGES] {
    let last_piece = parted.bounds();
    let Parted { places, numbers, lists } = parted;
    let mut counts = [0; RANGES];
    for &number in numbers {
        let piece = (number as usize).min(last_piece);
        let length = (places[piece + 1] as usize).wrapping_sub(places[piece] as usize);
        let range = RANGE_OF[length.min(LAST)] as usize % RANGES;
        lists[range][counts[range]] = number;
        counts[range] += 1;
    }
    counts
}
