//! 64 bytes a vector: `vpermi2b` looks 128 entries up at once, `vptestmb` makes a mask of each bit.

use std::arch::x86_64::{
    __m128i, __m512i, _mm_cvtsi128_si64, _mm256_castsi256_si128, _mm256_cmpeq_epi64_mask, _mm256_loadu_si256,
    _mm256_maskz_compress_epi64, _mm256_set1_epi64x, _mm512_add_epi32, _mm512_and_si512, _mm512_castsi128_si512,
    _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask, _mm512_cmpge_epu32_mask, _mm512_cmplt_epi8_mask,
    _mm512_cvtepi32_epi8, _mm512_cvtepu8_epi32, _mm512_extracti32x4_epi32, _mm512_inserti32x4, _mm512_loadu_si512,
    _mm512_mask_cmpeq_epi8_mask, _mm512_mask_cmpge_epu8_mask, _mm512_mask_expand_epi8, _mm512_mask_i32gather_epi32,
    _mm512_mask_mov_epi8, _mm512_mask_mov_epi32, _mm512_mask_sub_epi8, _mm512_maskz_compress_epi8,
    _mm512_maskz_loadu_epi8, _mm512_maskz_permutex2var_epi8, _mm512_movepi8_mask, _mm512_or_si512,
    _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_slli_epi32,
    _mm512_storeu_si512, _mm512_test_epi8_mask,
};

use super::{AsciiTable, BIT_5, BLOCK, Bytes, CharacterTable, Classifier, LongBlock, MIXED, PADDED, PLACES};
use crate::by_length::{self, Parted, RANGES};
use crate::double_keys;
use crate::packed_tokens::{self, Line, Six, Twelve};
use crate::tier::{self, Tier};
use crate::word_keys::{self, Wanted};

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

/// The classes of lead bytes, at their places, and which of them are mixed.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn of_leads(vector: __m512i, next: __m512i, lead: u64, table: &CharacterTable) -> (__m512i, u64) {
    // A look-up minds the low six bits only.
    let classes = _mm512_permutexvar_epi8(vector, load(&table.of_lead));
    let exceptions = _mm512_permutexvar_epi8(vector, load(&table.exceptions));
    let second = _mm512_and_si512(next, _mm512_set1_epi8(!BIT_5 as i8));
    let mixed = _mm512_mask_cmpeq_epi8_mask(lead, classes, _mm512_set1_epi8(MIXED as i8))
        | _mm512_mask_cmpeq_epi8_mask(lead, second, exceptions);
    (classes, mixed)
}

/// To each byte of a character what stands at its lead byte.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn filled(classes: __m512i, continuation: u64) -> __m512i {
    // Each byte's lead is as many bytes before it as there are continuation bytes from there on.
    let one = _mm512_set1_epi8(1);
    let two_in_a_row = continuation & continuation << 1;
    let mut of_lead = load(&PLACES);
    of_lead = _mm512_mask_sub_epi8(of_lead, continuation, of_lead, one);
    of_lead = _mm512_mask_sub_epi8(of_lead, two_in_a_row, of_lead, one);
    of_lead = _mm512_mask_sub_epi8(of_lead, two_in_a_row & continuation << 2, of_lead, one);
    _mm512_permutexvar_epi8(of_lead, classes)
}

/// The classes of 16 characters of two or three bytes, a byte each, by their first three bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn of_code_points(first: __m128i, second: __m128i, third: __m128i, asked: u16, table: &CharacterTable) -> __m128i {
    let first = _mm512_cvtepu8_epi32(first);
    let six = _mm512_set1_epi32(0x3F);
    let second = _mm512_and_si512(_mm512_cvtepu8_epi32(second), six);
    let third = _mm512_and_si512(_mm512_cvtepu8_epi32(third), six);
    let is_three = _mm512_cmpge_epu32_mask(first, _mm512_set1_epi32(0xE0));
    // Of two bytes the low five bits of the first are more than the second's six; of three the low four.
    let two = _mm512_or_si512(_mm512_slli_epi32::<6>(_mm512_and_si512(first, _mm512_set1_epi32(0x1F))), second);
    let three = _mm512_or_si512(_mm512_slli_epi32::<6>(_mm512_and_si512(two, _mm512_set1_epi32(0x3FF))), third);
    let code_points = _mm512_mask_mov_epi32(two, is_three, three);
    let table = table.of_code_point.as_slice();
    assert!(table.len() >= super::PLANE as usize + super::BEHIND);
    // SAFETY: a code point is less than 2^16, and four bytes from any such place are within the table.
    let classes =
        unsafe { _mm512_mask_i32gather_epi32::<1>(_mm512_setzero_si512(), asked, code_points, table.as_ptr().cast()) };
    _mm512_cvtepi32_epi8(classes)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2")]
fn character_planes(
    block: &LongBlock,
    ascii: &AsciiTable,
    table: &CharacterTable,
    beyond: impl Fn(usize) -> u8,
) -> [u64; 8] {
    // SAFETY: the reference is to 67 bytes, so there are 64 from its third on; no load needs alignment.
    let (vector, next, third) = unsafe {
        (
            _mm512_loadu_si512(block.as_ptr().cast()),
            _mm512_loadu_si512(block.as_ptr().add(1).cast()),
            _mm512_loadu_si512(block.as_ptr().add(2).cast()),
        )
    };
    let high = _mm512_movepi8_mask(vector);
    let continuation = _mm512_cmplt_epi8_mask(vector, _mm512_set1_epi8(-64));
    let (mut classes, mixed) = of_leads(vector, next, high & !continuation, table);
    if mixed != 0 {
        let mut four = _mm512_mask_cmpge_epu8_mask(mixed, vector, _mm512_set1_epi8(0xF0_u8 as i8));
        let asked = mixed & !four;
        // Side by side, looked up, and back to their places.
        let count = asked.count_ones();
        let first = _mm512_maskz_compress_epi8(asked, vector);
        let second = _mm512_maskz_compress_epi8(asked, next);
        let third = _mm512_maskz_compress_epi8(asked, third);
        let lanes = (1u64 << count) - 1;
        let mut found = _mm512_castsi128_si512(of_code_points(
            _mm512_castsi512_si128(first),
            _mm512_castsi512_si128(second),
            _mm512_castsi512_si128(third),
            lanes as u16,
            table,
        ));
        if count > 16 {
            let more = of_code_points(
                _mm512_extracti32x4_epi32::<1>(first),
                _mm512_extracti32x4_epi32::<1>(second),
                _mm512_extracti32x4_epi32::<1>(third),
                (lanes >> 16) as u16,
                table,
            );
            found = _mm512_inserti32x4::<1>(found, more);
        }
        classes = _mm512_mask_expand_epi8(classes, asked, found);
        while four != 0 {
            let place = four & four.wrapping_neg();
            four &= four - 1;
            let class = beyond(place.trailing_zeros() as usize);
            classes = _mm512_mask_mov_epi8(classes, place, _mm512_set1_epi8(class as i8));
        }
    }
    of_classes(_mm512_mask_mov_epi8(of_ascii(vector, !high, ascii), high, filled(classes, continuation)))
}

/// The classes of the ASCII bytes that `which` says, and zeros.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn of_ascii(vector: __m512i, which: u64, table: &AsciiTable) -> __m512i {
    // SAFETY: the table is 128 bytes, two loads of 64; they need no alignment.
    let (first, second) =
        unsafe { (_mm512_loadu_si512(table.as_ptr().cast()), _mm512_loadu_si512(table.as_ptr().add(BLOCK).cast())) };
    _mm512_maskz_permutex2var_epi8(which, first, vector, second)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn planes(block: &[u8; BLOCK], table: &AsciiTable, beyond: Option<&[u8; BLOCK]>) -> [u64; 8] {
    let vector = load(block);
    let high = _mm512_movepi8_mask(vector);
    let classes = of_ascii(vector, !high, table);
    of_classes(match beyond {
        Some(beyond) => _mm512_mask_mov_epi8(classes, high, load(beyond)),
        None => classes,
    })
}

/// A mask for each bit.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn of_classes(classes: __m512i) -> [u64; 8] {
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
#[target_feature(enable = "avx512f,avx512vl")]
fn value_of(line: &Line, key: u64) -> u64 {
    let (keys, values) = line.split_at(4);
    // SAFETY: both halves of the line are 32 bytes; the loads need no alignment.
    let (keys, values) =
        unsafe { (_mm256_loadu_si256(keys.as_ptr().cast()), _mm256_loadu_si256(values.as_ptr().cast())) };
    let equal = _mm256_cmpeq_epi64_mask(keys, _mm256_set1_epi64x(key as i64));
    _mm_cvtsi128_si64(_mm256_castsi256_si128(_mm256_maskz_compress_epi64(equal, values))) as u64
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
    fn character_planes(
        self,
        block: &LongBlock,
        ascii: &AsciiTable,
        table: &CharacterTable,
        beyond: impl Fn(usize) -> u8,
    ) -> [u64; 8] {
        // SAFETY: as above.
        unsafe { character_planes(block, ascii, table, beyond) }
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
    fn word_keys(self, wanted: Wanted<'_>) {
        // SAFETY: as above.
        unsafe { word_keys::avx512::word_keys(wanted) }
    }

    #[inline(always)]
    fn double_keys(self, wanted: double_keys::Wanted<'_>) {
        // SAFETY: as above.
        unsafe { double_keys::avx512::double_keys(wanted) }
    }

    #[inline(always)]
    fn by_length(self, parted: Parted<'_>) -> [usize; RANGES] {
        // SAFETY: as above.
        unsafe { by_length::avx512::by_length(parted) }
    }

    #[inline(always)]
    fn value_of(self, line: &Line, key: u64) -> u64 {
        // SAFETY: as above.
        unsafe { value_of(line, key) }
    }

    #[inline(always)]
    fn six_of(self, line: &Line, key: &[u64; 2]) -> Six {
        // SAFETY: as above.
        unsafe { packed_tokens::avx512::six_of(line, key) }
    }

    #[inline(always)]
    fn twelve_of(self, line: &Line, key: &[u64; 4]) -> Twelve {
        // SAFETY: as above.
        unsafe { packed_tokens::avx512::twelve_of(line, key) }
    }

    #[inline(always)]
    fn padded(self, text: &[u8]) -> [u8; PADDED] {
        // SAFETY: as above.
        unsafe { padded(text) }
    }
}
