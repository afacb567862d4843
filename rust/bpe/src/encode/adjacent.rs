//! Where a text without a split pattern may be cut all the same: between two characters that stand side by side in no
//! token. No merge ever reaches across such a place, so the parts can be encoded, and remembered, by themselves.
//!
//! Pairs of ASCII characters have a bit each; all others share a table by hash, where two pairs that meet only make
//! longer parts.

use crate::pretokenize::Scan;
use crate::unicode::decode;
use crate::vocabulary::Tokens;

const TABLE_BITS: u32 = 22;

#[derive(Clone, Debug)]
pub struct Adjacent {
    ascii: Box<[u128; 128]>,
    others: Vec<u64>,
}

#[inline(always)]
fn place(left: u32, right: u32) -> (usize, u64) {
    let key = (left as u64) << 21 | right as u64;
    let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - TABLE_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

impl Adjacent {
    pub fn of(tokens: &Tokens) -> Self {
        let mut adjacent = Self { ascii: Box::new([0; 128]), others: vec![0; 1 << (TABLE_BITS - 6)] };
        for (_, bytes) in tokens.iter() {
            let mut left = None;
            for right in std::str::from_utf8(bytes).unwrap_or("").chars().map(u32::from) {
                if let Some(left) = left.replace(right) {
                    adjacent.insert(left, right);
                }
            }
        }
        adjacent
    }

    fn insert(&mut self, left: u32, right: u32) {
        if left < 128 && right < 128 {
            self.ascii[left as usize] |= 1 << right;
        } else {
            let (word, bit) = place(left, right);
            self.others[word] |= bit;
        }
    }

    #[inline(always)]
    fn has(&self, left: u32, right: u32) -> bool {
        if left < 128 && right < 128 {
            self.ascii[left as usize] >> right & 1 != 0
        } else {
            let (word, bit) = place(left, right);
            self.others[word] & bit != 0
        }
    }
}

impl Scan for &Adjacent {
    #[inline(always)]
    fn end(&self, text: &[u8], start: usize) -> usize {
        let (mut left, length) = decode(text, start);
        let mut at = start + length;
        while at < text.len() {
            let (right, length) = decode(text, at);
            if !self.has(left, right) {
                break;
            }
            left = right;
            at += length;
        }
        at
    }
}
