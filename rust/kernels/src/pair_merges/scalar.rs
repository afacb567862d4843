//! One piece after another.

use super::{GROUP, Group, LONGEST, NONE, PLACE_BITS, Pairs, Pieces, placed};

pub fn merge(pieces: &mut Pieces, pairs: &Pairs) {
    for group in pieces.groups_mut() {
        for lane in 0..GROUP {
            merge_lane(group, pairs, lane);
        }
    }
}

fn merge_lane(group: &mut Group, pairs: &Pairs, lane: usize) {
    let Group { ranks, symbols, bytes, lengths, alive } = group;
    let length = lengths[lane] as usize;
    for place in 0..length {
        let byte = bytes[place][lane];
        symbols[place][lane] = u32::from(byte);
        let rank = if place + 1 < length { pairs.get_bytes(byte, bytes[place + 1][lane]) } else { NONE };
        ranks[place][lane] = placed(rank, place);
    }
    let alive = &mut alive[lane];
    *alive = if length == 0 { 0 } else { u64::MAX >> (LONGEST - length) };
    loop {
        let least = ranks[..length].iter().map(|ranks| ranks[lane]).min().unwrap_or(NONE);
        if least == NONE {
            return;
        }
        let (symbol, at) = (least >> PLACE_BITS, least as usize % LONGEST);
        let behind = *alive & (u64::MAX << at << 1);
        let right = behind.trailing_zeros() as usize % LONGEST;
        let behind = behind & behind.wrapping_sub(1);
        *alive &= !(1 << right);
        symbols[at][lane] = symbol;
        ranks[right][lane] = NONE;
        let rank = if behind == 0 { NONE } else { pairs.get(symbol, symbols[behind.trailing_zeros() as usize][lane]) };
        ranks[at][lane] = placed(rank, at);
        let before = *alive & !(u64::MAX << at);
        if before != 0 {
            let before = 63 - before.leading_zeros() as usize;
            ranks[before][lane] = placed(pairs.get(symbols[before][lane], symbol), before);
        }
    }
}
