//! 32 bytes a vector: a table of 128 entries is eight of `vpshufb`, each for one high half of the byte.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_blendv_epi8, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_srli_epi16, _mm256_storeu_si256,
};

use super::{AsciiTable, BIT_5, BLOCK, Bytes, CharacterTable, Classifier, LongBlock, MIXED};
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

/// `table`, of 64 entries, looked up by the low six bits of each byte of 0xC0 and more; others give 0.
#[inline]
#[target_feature(enable = "avx2")]
fn by_lead(vector: __m256i, table: &[u8; BLOCK]) -> __m256i {
    let row = _mm256_and_si256(_mm256_srli_epi16::<4>(vector), _mm256_set1_epi8(15));
    let column = _mm256_and_si256(vector, _mm256_set1_epi8(15));
    let mut found = _mm256_setzero_si256();
    for (index, entries) in table.chunks_exact(16).enumerate() {
        // SAFETY: a chunk is 16 bytes; the load needs no alignment.
        let entries = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(entries.as_ptr().cast()) });
        let here = _mm256_cmpeq_epi8(row, _mm256_set1_epi8(12 + index as i8));
        found = _mm256_or_si256(found, _mm256_and_si256(here, _mm256_shuffle_epi8(entries, column)));
    }
    found
}

#[inline]
#[target_feature(enable = "avx2")]
fn leads(block: &LongBlock, table: &CharacterTable) -> ([u8; BLOCK], u64) {
    // What was found for the bytes before a byte, and whether they are continuation bytes, by way of memory.
    const BEFORE: usize = 32;
    let (mut classes, mut continues) = ([0u8; BEFORE + BLOCK], [0u8; BEFORE + BLOCK]);
    let mut filled = [0u8; BLOCK];
    let mut mixed = 0;
    for half in [0, 32] {
        // SAFETY: all loads and stores are of 32 bytes, at most from place 33 of 65, from place 32 of 64, or from place 64
        // of 96; they need no alignment.
        unsafe {
            let vector = _mm256_loadu_si256(block.as_ptr().add(half).cast());
            let next = _mm256_loadu_si256(block.as_ptr().add(half + 1).cast());
            let class = by_lead(vector, &table.of_lead);
            let continuation = _mm256_cmpgt_epi8(_mm256_set1_epi8(-64), vector);
            let second = _mm256_and_si256(next, _mm256_set1_epi8(!BIT_5 as i8));
            let exception = _mm256_cmpeq_epi8(second, by_lead(vector, &table.exceptions));
            let apart = _mm256_or_si256(_mm256_cmpeq_epi8(class, _mm256_set1_epi8(MIXED as i8)), exception);
            let is_lead = !_mm256_movemask_epi8(continuation) & _mm256_movemask_epi8(vector);
            mixed |= u64::from((_mm256_movemask_epi8(apart) & is_lead) as u32) << half;
            _mm256_storeu_si256(classes.as_mut_ptr().add(BEFORE + half).cast(), class);
            _mm256_storeu_si256(continues.as_mut_ptr().add(BEFORE + half).cast(), continuation);
            let class_before = |distance: usize| classes.as_ptr().add(BEFORE + half - distance).cast();
            let continues_before = |distance: usize| continues.as_ptr().add(BEFORE + half - distance).cast();
            let two = _mm256_and_si256(continuation, _mm256_loadu_si256(continues_before(1)));
            let three = _mm256_and_si256(two, _mm256_loadu_si256(continues_before(2)));
            let class = _mm256_blendv_epi8(class, _mm256_loadu_si256(class_before(1)), continuation);
            let class = _mm256_blendv_epi8(class, _mm256_loadu_si256(class_before(2)), two);
            let class = _mm256_blendv_epi8(class, _mm256_loadu_si256(class_before(3)), three);
            _mm256_storeu_si256(filled.as_mut_ptr().add(half).cast(), class);
        }
    }
    (filled, mixed)
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
    fn leads(self, block: &LongBlock, table: &CharacterTable) -> ([u8; BLOCK], u64) {
        // SAFETY: as above.
        unsafe { leads(block, table) }
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
