//! The definition.

use super::{AsciiTable, BIT_5, BLOCK, Bytes, CharacterTable, Classifier, LongBlock, MIXED};

#[derive(Clone, Copy, Debug)]
pub struct Scalar;

fn mask(block: &[u8; BLOCK], is: impl Fn(u8) -> bool) -> u64 {
    block.iter().rev().fold(0, |mask, &byte| mask << 1 | u64::from(is(byte)))
}

#[inline(always)]
pub(super) fn leads(block: &LongBlock, table: &CharacterTable) -> ([u8; BLOCK], u64) {
    let (mut classes, mut mixed) = ([0; BLOCK], 0);
    let mut class = 0;
    for at in 0..BLOCK {
        if block[at] >= 0xC0 {
            let lead = block[at] as usize & 63;
            class = table.of_lead[lead];
            let exception = block[at + 1] & !BIT_5 == table.exceptions[lead];
            mixed |= u64::from(class == MIXED || exception) << at;
        }
        classes[at] = class;
    }
    (classes, mixed)
}

impl Classifier for Scalar {
    fn bytes(self, block: &[u8; BLOCK]) -> Bytes {
        Bytes {
            high: mask(block, |byte| byte >= 0x80),
            continuation: mask(block, |byte| byte & 0xC0 == 0x80),
            apostrophe: mask(block, |byte| byte == b'\''),
        }
    }

    fn planes(self, block: &[u8; BLOCK], table: &AsciiTable, beyond: Option<&[u8; BLOCK]>) -> [u64; 8] {
        let mut planes = [0; 8];
        for (at, &byte) in block.iter().enumerate() {
            let class = match table.get(byte as usize) {
                Some(&class) => class,
                None => beyond.map_or(0, |beyond| beyond[at]),
            };
            for (bit, plane) in planes.iter_mut().enumerate() {
                *plane |= u64::from(class >> bit & 1) << at;
            }
        }
        planes
    }

    fn places(self, mut mask: u64, base: u32, places: &mut [u32; BLOCK]) -> usize {
        let count = mask.count_ones() as usize;
        for place in &mut places[..count] {
            *place = base + mask.trailing_zeros();
            mask &= mask - 1;
        }
        count
    }
}
