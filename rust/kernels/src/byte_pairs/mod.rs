//! Which bytes of a text stand in a relation to the byte after them, 64 at a time.
//!
//! The relation is given by eight classes of first bytes and eight of second bytes, a bit each: byte `a` relates to `b`
//! where `first[a] & second[b]` has a bit. A tokenizer asks so which characters may belong together, and where one of
//! its added tokens can start. A few instructions for 64 bytes with AVX-512, about half a cycle a byte with AVX2.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::tier::{self, Tier};

/// Bytes of one block, bits of one mask.
pub const BLOCK: usize = 64;

/// A relation of bytes to bytes.
#[derive(Clone, Debug)]
pub struct BytePairs {
    first: Table,
    second: Table,
}

/// A value for each byte; also as the value that most rows of sixteen have throughout, and the other rows' differences.
#[derive(Clone, Debug)]
struct Table {
    values: Box<[u8; 256]>,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    usual: u8,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    rows: Vec<(u8, [u8; 16])>,
}

impl Table {
    fn new(values: [u8; 256]) -> Self {
        let whole_rows_of = |value: u8| values.chunks_exact(16).filter(|row| row.iter().all(|&v| v == value)).count();
        let usual = values.iter().copied().max_by_key(|&value| whole_rows_of(value)).unwrap_or(0);
        let rows = values.chunks_exact(16).zip(0u8..).filter(|(row, _)| row.iter().any(|&value| value != usual));
        let rows = rows.map(|(row, number)| (number, std::array::from_fn(|at| row[at] ^ usual))).collect();
        Self { values: Box::new(values), usual, rows }
    }
}

impl BytePairs {
    pub fn new(first: [u8; 256], second: [u8; 256]) -> Self {
        Self { first: Table::new(first), second: Table::new(second) }
    }

    /// Whether `a` relates to `b` after it.
    #[inline(always)]
    pub fn relates(&self, a: u8, b: u8) -> bool {
        self.first.values[a as usize] & self.second.values[b as usize] != 0
    }

    /// Bit i of `masks`, which covers the text from `start` on: whether the byte there relates to the next one. What is
    /// behind the end of the text counts as zero bytes.
    pub fn masks(&self, text: &[u8], start: usize, masks: &mut [u64]) {
        self.masks_on(tier::current(), text, start, masks);
    }

    /// [`Self::masks`] on a given tier, or the best below it that this CPU has.
    pub fn masks_on(&self, tier: Tier, text: &[u8], start: usize, masks: &mut [u64]) {
        let rest = text.get(start..).unwrap_or(&[]);
        // Whole blocks, with the byte after each.
        let whole = (rest.len().saturating_sub(1) / BLOCK).min(masks.len());
        let (blocks, last) = masks.split_at_mut(whole);
        self.whole_blocks(tier, rest, blocks);
        if let Some((mask, beyond)) = last.split_first_mut() {
            let tail = &rest[whole * BLOCK..];
            let mut padded = [0; BLOCK + 1];
            let length = tail.len().min(BLOCK + 1);
            padded[..length].copy_from_slice(&tail[..length]);
            self.whole_blocks(tier, &padded, std::slice::from_mut(mask));
            beyond.fill(if self.relates(0, 0) { u64::MAX } else { 0 });
        }
    }

    /// `text` is a byte longer than the blocks at least.
    fn whole_blocks(&self, tier: Tier, text: &[u8], masks: &mut [u64]) {
        assert!(text.len() > masks.len() * BLOCK || masks.is_empty());
        match tier.min(tier::detected()) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the tier is at most what was detected on this CPU, so it has AVX-512 with VBMI; the assertion above
            // is what the function asks for.
            Tier::Avx512 => unsafe { avx512::masks(self, text, masks) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the tier is at most what was detected on this CPU, so it has AVX2; the assertion above is what the
            // function asks for.
            Tier::Avx2 => unsafe { avx2::masks(self, text, masks) },
            _ => scalar::masks(self, text, masks),
        }
    }
}

/// Bit i of `high`: whether byte i of the text from `start` on is 0x80 or more; of `leads`: whether it is 0xC0 or more, the
/// first of a character's bytes. Beyond the end none is.
pub fn utf8_bits(text: &[u8], start: usize, high: &mut [u64], leads: &mut [u64]) {
    let rest = text.get(start..).unwrap_or(&[]);
    for (index, (high, leads)) in high.iter_mut().zip(leads).enumerate() {
        let block = rest.get(index * BLOCK..).unwrap_or(&[]);
        (*high, *leads) = match block.first_chunk() {
            Some(block) => utf8_bits_of(block),
            None => {
                let mut padded = [0; BLOCK];
                padded[..block.len()].copy_from_slice(block);
                utf8_bits_of(&padded)
            }
        };
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn utf8_bits_of(block: &[u8; BLOCK]) -> (u64, u64) {
    use std::arch::x86_64::{_mm_cmpgt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
    let (mut high, mut leads) = (0, 0);
    for (at, sixteen) in block.as_chunks::<16>().0.iter().enumerate() {
        // SAFETY: every x86-64 has SSE2; `sixteen` has 16 bytes, and the load needs no alignment.
        let (negative, above) = unsafe {
            let bytes = _mm_loadu_si128(sixteen.as_ptr().cast());
            (_mm_movemask_epi8(bytes), _mm_movemask_epi8(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(-65))))
        };
        high |= (negative as u64) << (at * 16);
        leads |= ((negative & above) as u64) << (at * 16);
    }
    (high, leads)
}

#[cfg(not(target_arch = "x86_64"))]
fn utf8_bits_of(block: &[u8; BLOCK]) -> (u64, u64) {
    scalar::utf8_bits(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_definition(pairs: &BytePairs, text: &[u8], start: usize, words: usize) -> Vec<u64> {
        let byte = |at: usize| text.get(at).copied().unwrap_or(0);
        let bit = |at: usize| u64::from(pairs.relates(byte(start + at), byte(start + at + 1)));
        (0..words).map(|word| (0..64).map(|at| bit(word * 64 + at) << at).sum()).collect()
    }

    /// A xorshift generator.
    fn bytes(mut seed: u64) -> impl FnMut() -> u8 {
        move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 24) as u8
        }
    }

    #[test]
    fn every_tier_is_the_definition_at_every_length() {
        let mut next = bytes(0x5EED_1234_ABCD);
        for sparse in [false, true] {
            let mut table = || {
                let mut values = [if sparse { 4 } else { 0 }; 256];
                for value in &mut values {
                    if !sparse || next() < 9 {
                        *value = next() & next();
                    }
                }
                values
            };
            let pairs = BytePairs::new(table(), table());
            for length in (0..150).chain([255, 256, 257, 1000]) {
                let text: Vec<u8> = (0..length).map(|_| next()).collect();
                for start in [0, 1, 63, 64, 200] {
                    for words in [0, 1, 2, 4] {
                        let expected = by_definition(&pairs, &text, start, words);
                        for tier in tier::available() {
                            let mut masks = vec![7; words];
                            pairs.masks_on(tier, &text, start, &mut masks);
                            assert_eq!(masks, expected, "{} {length} {start} {words}", tier.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn high_and_leading_bytes() {
        let text: Vec<u8> = (0..=255u8).chain((0..150u8).map(|at| at.wrapping_mul(37))).collect();
        let (mut high, mut leads) = ([7; 8], [7; 8]);
        utf8_bits(&text, 3, &mut high, &mut leads);
        for (at, block) in text[3..].as_chunks::<64>().0.iter().enumerate() {
            assert_eq!((high[at], leads[at]), scalar::utf8_bits(block));
        }
        for bit in 0..512 {
            let byte = text.get(3 + bit).copied().unwrap_or(0);
            assert_eq!(high[bit / 64] >> (bit % 64) & 1 != 0, byte >= 0x80);
            assert_eq!(leads[bit / 64] >> (bit % 64) & 1 != 0, byte >= 0xC0);
        }
    }
}
