//! 32 bytes a vector: a table of 128 entries is eight of `vpshufb`, each for one high half of the byte.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_blendv_epi8, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_srli_epi16,
};

use super::{AsciiTable, BLOCK, Bytes, Classifier};
use crate::tier::{self, Tier};

/// There is a value only where the CPU has this tier.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    pub fn new() -> Option<Self> {
        (tier::detected() >= Tier::Avx2).then_some(Self(()))
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; BLOCK]) -> [__m256i; 2] {
    // SAFETY: the reference is to 64 bytes, two loads of 32; they need no alignment.
    unsafe { [_mm256_loadu_si256(bytes.as_ptr().cast()), _mm256_loadu_si256(bytes.as_ptr().add(32).cast())] }
}

#[inline]
#[target_feature(enable = "avx2")]
fn mask(halves: [__m256i; 2]) -> u64 {
    let [low, high] = halves.map(|half| _mm256_movemask_epi8(half) as u32);
    u64::from(high) << 32 | u64::from(low)
}

#[inline]
#[target_feature(enable = "avx2")]
fn bytes(block: &[u8; BLOCK]) -> Bytes {
    let halves = load(block);
    Bytes {
        high: mask(halves),
        continuation: mask(halves.map(|half| _mm256_cmpgt_epi8(_mm256_set1_epi8(-64), half))),
        apostrophe: mask(halves.map(|half| _mm256_cmpeq_epi8(half, _mm256_set1_epi8(b'\'' as i8)))),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn planes(block: &[u8; BLOCK], table: &AsciiTable, beyond: Option<&[u8; BLOCK]>) -> [u64; 8] {
    let halves = load(block);
    let upper = halves.map(|half| _mm256_and_si256(_mm256_srli_epi16::<4>(half), _mm256_set1_epi8(15)));
    let mut classes = [_mm256_setzero_si256(); 2];
    for (row, entries) in table.chunks_exact(16).enumerate() {
        // SAFETY: a chunk is 16 bytes; the load needs no alignment.
        let entries = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(entries.as_ptr().cast()) });
        let row = _mm256_set1_epi8(row as i8);
        for (half, classes) in classes.iter_mut().enumerate() {
            // A byte of 0x80 or more is in no row, so whatever it shuffles to is dropped.
            let found = _mm256_and_si256(
                _mm256_cmpeq_epi8(upper[half], row),
                _mm256_shuffle_epi8(entries, _mm256_and_si256(halves[half], _mm256_set1_epi8(15))),
            );
            *classes = _mm256_or_si256(*classes, found);
        }
    }
    if let Some(beyond) = beyond {
        let beyond = load(beyond);
        for half in 0..2 {
            classes[half] = _mm256_blendv_epi8(classes[half], beyond[half], halves[half]);
        }
    }
    [
        mask(classes.map(|half| _mm256_slli_epi16::<7>(half))),
        mask(classes.map(|half| _mm256_slli_epi16::<6>(half))),
        mask(classes.map(|half| _mm256_slli_epi16::<5>(half))),
        mask(classes.map(|half| _mm256_slli_epi16::<4>(half))),
        mask(classes.map(|half| _mm256_slli_epi16::<3>(half))),
        mask(classes.map(|half| _mm256_slli_epi16::<2>(half))),
        mask(classes.map(|half| _mm256_slli_epi16::<1>(half))),
        mask(classes),
    ]
}

impl Classifier for Avx2 {
    #[inline(always)]
    fn bytes(self, block: &[u8; BLOCK]) -> Bytes {
        // SAFETY: a value of this type exists only where the CPU has the tier.
        unsafe { bytes(block) }
    }

    #[inline(always)]
    fn planes(self, block: &[u8; BLOCK], table: &AsciiTable, beyond: Option<&[u8; BLOCK]>) -> [u64; 8] {
        // SAFETY: as above.
        unsafe { planes(block, table, beyond) }
    }

    /// Eight at a time, whether or not there are so many: the branch that is left is nearly always taken the same way.
    #[inline(always)]
    fn places(self, mut mask: u64, base: u32, places: &mut [u32; BLOCK]) -> usize {
        let count = mask.count_ones() as usize;
        for eight in places.chunks_exact_mut(8) {
            for place in eight {
                *place = base + mask.trailing_zeros();
                mask &= mask.wrapping_sub(1);
            }
            if mask == 0 {
                break;
            }
        }
        count
    }
}
