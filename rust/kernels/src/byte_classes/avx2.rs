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
fn mask(low: __m256i, high: __m256i) -> u64 {
    u64::from(_mm256_movemask_epi8(high) as u32) << 32 | u64::from(_mm256_movemask_epi8(low) as u32)
}

/// The mask of bit `7 - SHIFT` of each byte.
#[inline]
#[target_feature(enable = "avx2")]
fn plane<const SHIFT: i32>(low: __m256i, high: __m256i) -> u64 {
    mask(_mm256_slli_epi16::<SHIFT>(low), _mm256_slli_epi16::<SHIFT>(high))
}

#[inline]
#[target_feature(enable = "avx2")]
fn bytes(block: &[u8; BLOCK]) -> Bytes {
    let [low, high] = load(block);
    // Written out, here and below: a closure would not be compiled with the features of its function.
    let (edge, apostrophe) = (_mm256_set1_epi8(-64), _mm256_set1_epi8(b'\'' as i8));
    Bytes {
        high: mask(low, high),
        continuation: mask(_mm256_cmpgt_epi8(edge, low), _mm256_cmpgt_epi8(edge, high)),
        apostrophe: mask(_mm256_cmpeq_epi8(low, apostrophe), _mm256_cmpeq_epi8(high, apostrophe)),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn planes(block: &[u8; BLOCK], table: &AsciiTable, beyond: Option<&[u8; BLOCK]>) -> [u64; 8] {
    let [low, high] = load(block);
    let fifteen = _mm256_set1_epi8(15);
    let (low_row, high_row) = (
        _mm256_and_si256(_mm256_srli_epi16::<4>(low), fifteen),
        _mm256_and_si256(_mm256_srli_epi16::<4>(high), fifteen),
    );
    let (low_column, high_column) = (_mm256_and_si256(low, fifteen), _mm256_and_si256(high, fifteen));
    let mut low_classes = _mm256_setzero_si256();
    let mut high_classes = _mm256_setzero_si256();
    for (row, entries) in table.chunks_exact(16).enumerate() {
        // SAFETY: a chunk is 16 bytes; the load needs no alignment.
        let entries = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(entries.as_ptr().cast()) });
        let row = _mm256_set1_epi8(row as i8);
        // A byte of 0x80 or more is in no row, so whatever it shuffles to is dropped.
        let found = _mm256_and_si256(_mm256_cmpeq_epi8(low_row, row), _mm256_shuffle_epi8(entries, low_column));
        low_classes = _mm256_or_si256(low_classes, found);
        let found = _mm256_and_si256(_mm256_cmpeq_epi8(high_row, row), _mm256_shuffle_epi8(entries, high_column));
        high_classes = _mm256_or_si256(high_classes, found);
    }
    if let Some(beyond) = beyond {
        let [low_beyond, high_beyond] = load(beyond);
        low_classes = _mm256_blendv_epi8(low_classes, low_beyond, low);
        high_classes = _mm256_blendv_epi8(high_classes, high_beyond, high);
    }
    [
        plane::<7>(low_classes, high_classes),
        plane::<6>(low_classes, high_classes),
        plane::<5>(low_classes, high_classes),
        plane::<4>(low_classes, high_classes),
        plane::<3>(low_classes, high_classes),
        plane::<2>(low_classes, high_classes),
        plane::<1>(low_classes, high_classes),
        mask(low_classes, high_classes),
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
