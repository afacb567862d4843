//! 64 bytes a vector: `vpermi2b` looks 128 entries up at once, `vptestmb` makes a mask of each bit.

use std::arch::x86_64::{
    __m512i, _mm_cvtsi128_si64, _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask,
    _mm512_cmplt_epi8_mask, _mm512_cvtepu8_epi32, _mm512_extracti32x4_epi32, _mm512_loadu_si512,
    _mm512_mask_cmpeq_epi8_mask, _mm512_mask_cmpeq_epi64_mask, _mm512_mask_mov_epi8, _mm512_mask_sub_epi8,
    _mm512_maskz_compress_epi8, _mm512_maskz_compress_epi64, _mm512_maskz_loadu_epi8, _mm512_maskz_permutex2var_epi8,
    _mm512_movepi8_mask, _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_shuffle_epi32, _mm512_storeu_si512, _mm512_test_epi8_mask,
};

use super::{AsciiTable, BIT_5, BLOCK, Bytes, Classifier, LeadTable, LongBlock, MIXED, PADDED, PLACES};
use crate::tier::{self, Tier};

/// There is a value only where the CPU has this tier.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    pub fn new() -> Option<Self> {
        (tier::detected() >= Tier::Avx512).then_some(Self(()))
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; BLOCK]) -> __m512i {
    // SAFETY: the reference is to 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn bytes(block: &[u8; BLOCK]) -> Bytes {
    let vector = load(block);
    Bytes {
        high: _mm512_movepi8_mask(vector),
        continuation: _mm512_cmplt_epi8_mask(vector, _mm512_set1_epi8(-64)),
        apostrophe: _mm512_cmpeq_epi8_mask(vector, _mm512_set1_epi8(b'\'' as i8)),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn leads(block: &LongBlock, table: &LeadTable) -> ([u8; BLOCK], u64) {
    // SAFETY: the reference is to 65 bytes, so there are 64 from its second on; neither load needs alignment.
    let (vector, next) =
        unsafe { (_mm512_loadu_si512(block.as_ptr().cast()), _mm512_loadu_si512(block.as_ptr().add(1).cast())) };
    let continuation = _mm512_cmplt_epi8_mask(vector, _mm512_set1_epi8(-64));
    let lead = _mm512_movepi8_mask(vector) & !continuation;
    // A look-up minds the low six bits only.
    let classes = _mm512_permutexvar_epi8(vector, load(&table.classes));
    let exceptions = _mm512_permutexvar_epi8(vector, load(&table.exceptions));
    let second = _mm512_and_si512(next, _mm512_set1_epi8(!BIT_5 as i8));
    let mixed = _mm512_mask_cmpeq_epi8_mask(lead, classes, _mm512_set1_epi8(MIXED as i8))
        | _mm512_mask_cmpeq_epi8_mask(lead, second, exceptions);
    // Each byte's lead is as many bytes before it as there are continuation bytes from there on.
    let one = _mm512_set1_epi8(1);
    let two_in_a_row = continuation & continuation << 1;
    let mut of_lead = load(&PLACES);
    of_lead = _mm512_mask_sub_epi8(of_lead, continuation, of_lead, one);
    of_lead = _mm512_mask_sub_epi8(of_lead, two_in_a_row, of_lead, one);
    of_lead = _mm512_mask_sub_epi8(of_lead, two_in_a_row & continuation << 2, of_lead, one);
    let mut filled = [0; BLOCK];
    // SAFETY: the array has 64 bytes; the store needs no alignment.
    unsafe { _mm512_storeu_si512(filled.as_mut_ptr().cast(), _mm512_permutexvar_epi8(of_lead, classes)) };
    (filled, mixed)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn planes(block: &[u8; BLOCK], table: &AsciiTable, beyond: Option<&[u8; BLOCK]>) -> [u64; 8] {
    let vector = load(block);
    let high = _mm512_movepi8_mask(vector);
    // SAFETY: the table is 128 bytes, two loads of 64; they need no alignment.
    let (first, second) =
        unsafe { (_mm512_loadu_si512(table.as_ptr().cast()), _mm512_loadu_si512(table.as_ptr().add(BLOCK).cast())) };
    let mut classes = _mm512_maskz_permutex2var_epi8(!high, first, vector, second);
    if let Some(beyond) = beyond {
        classes = _mm512_mask_mov_epi8(classes, high, load(beyond));
    }
    // Written out: a closure would not be compiled with the features of this function.
    [
        _mm512_test_epi8_mask(classes, _mm512_set1_epi8(1)),
        _mm512_test_epi8_mask(classes, _mm512_set1_epi8(1 << 1)),
        _mm512_test_epi8_mask(classes, _mm512_set1_epi8(1 << 2)),
        _mm512_test_epi8_mask(classes, _mm512_set1_epi8(1 << 3)),
        _mm512_test_epi8_mask(classes, _mm512_set1_epi8(1 << 4)),
        _mm512_test_epi8_mask(classes, _mm512_set1_epi8(1 << 5)),
        _mm512_test_epi8_mask(classes, _mm512_set1_epi8(1 << 6)),
        _mm512_movepi8_mask(classes),
    ]
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn places(mask: u64, base: u32, places: &mut [u32; BLOCK]) -> usize {
    let packed = _mm512_maskz_compress_epi8(mask, load(&PLACES));
    let base = _mm512_set1_epi32(base as i32);
    let count = mask.count_ones() as usize;
    let target = places.as_mut_ptr();
    // SAFETY: each store is of 16 numbers, the last from place 48 on, and there are 64.
    unsafe {
        _mm512_storeu_si512(
            target.cast(),
            _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed)), base),
        );
        if count > 16 {
            let part = _mm512_extracti32x4_epi32::<1>(packed);
            _mm512_storeu_si512(target.add(16).cast(), _mm512_add_epi32(_mm512_cvtepu8_epi32(part), base));
        }
        if count > 32 {
            let part = _mm512_extracti32x4_epi32::<2>(packed);
            _mm512_storeu_si512(target.add(32).cast(), _mm512_add_epi32(_mm512_cvtepu8_epi32(part), base));
            let part = _mm512_extracti32x4_epi32::<3>(packed);
            _mm512_storeu_si512(target.add(48).cast(), _mm512_add_epi32(_mm512_cvtepu8_epi32(part), base));
        }
    }
    count
}

#[inline]
#[target_feature(enable = "avx512f")]
fn value_of(line: &[u64; 8], key: u64) -> u64 {
    // SAFETY: the reference is to 64 bytes; the load needs no alignment.
    let line = unsafe { _mm512_loadu_si512(line.as_ptr().cast()) };
    const KEYS: u8 = 0b0101_0101;
    let equal = _mm512_mask_cmpeq_epi64_mask(KEYS, line, _mm512_set1_epi64(key as i64));
    // Each value in the place of its key.
    let values = _mm512_shuffle_epi32::<0b01_00_11_10>(line);
    _mm_cvtsi128_si64(_mm512_castsi512_si128(_mm512_maskz_compress_epi64(equal, values))) as u64
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn padded(text: &[u8]) -> [u8; PADDED] {
    let mut padded = [0; PADDED];
    let (blocks, _) = padded.as_chunks_mut::<BLOCK>();
    for (number, block) in blocks.iter_mut().enumerate() {
        let left = text.len().saturating_sub(number * BLOCK);
        let mask = if left >= BLOCK { u64::MAX } else { (1 << left) - 1 };
        // SAFETY: `left` bytes of the text follow that place, of which 64 at most are read, as the mask says; what it leaves
        // out is not touched. The store is to 64 bytes. Neither needs alignment.
        unsafe {
            let vector = _mm512_maskz_loadu_epi8(mask, text.as_ptr().wrapping_add(number * BLOCK).cast());
            _mm512_storeu_si512(block.as_mut_ptr().cast(), vector);
        }
    }
    padded
}

impl Classifier for Avx512 {
    #[inline(always)]
    fn bytes(self, block: &[u8; BLOCK]) -> Bytes {
        // SAFETY: a value of this type exists only where the CPU has the tier.
        unsafe { bytes(block) }
    }

    #[inline(always)]
    fn leads(self, block: &LongBlock, table: &LeadTable) -> ([u8; BLOCK], u64) {
        // SAFETY: as above.
        unsafe { leads(block, table) }
    }

    #[inline(always)]
    fn planes(self, block: &[u8; BLOCK], table: &AsciiTable, beyond: Option<&[u8; BLOCK]>) -> [u64; 8] {
        // SAFETY: as above.
        unsafe { planes(block, table, beyond) }
    }

    #[inline(always)]
    fn places(self, mask: u64, base: u32, into: &mut [u32; BLOCK]) -> usize {
        // SAFETY: as above.
        unsafe { places(mask, base, into) }
    }

    #[inline(always)]
    fn value_of(self, line: &[u64; 8], key: u64) -> u64 {
        // SAFETY: as above.
        unsafe { value_of(line, key) }
    }

    #[inline(always)]
    fn padded(self, text: &[u8]) -> [u8; PADDED] {
        // SAFETY: as above.
        unsafe { padded(text) }
    }
}
