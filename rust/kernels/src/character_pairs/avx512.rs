//! Sixteen characters and sixteen pairs a vector.

use std::arch::x86_64::{
    __m512i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm512_add_epi32, _mm512_and_si512, _mm512_cmpeq_epi32_mask,
    _mm512_cmpneq_epi32_mask, _mm512_cvtepu8_epi32, _mm512_i32gather_epi32, _mm512_loadu_si512,
    _mm512_mask_blend_epi32, _mm512_maskz_compress_epi8, _mm512_mullo_epi32, _mm512_permutexvar_epi32,
    _mm512_set1_epi32, _mm512_sllv_epi32, _mm512_srl_epi32, _mm512_srli_epi32, _mm512_storeu_si512,
    _mm512_test_epi32_mask, _pdep_u64,
};

use crate::byte_classes::PLACES;

use super::{Asked, BLOCK, CharacterPairs, KEPT, LEFT, Numbers, RIGHT, with_those_before};

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,bmi2,popcnt")]
pub fn apart(pairs: &CharacterPairs, text: &[u8], start: usize, asked: Asked<'_>, apart: &mut [u64]) {
    let mut numbers: Numbers = [0; 1 + BLOCK + 16];
    let mut places = [0u8; BLOCK];
    // SAFETY: `PLACES` has 64 bytes, `KEPT` 16 words.
    let (all_places, kept) =
        unsafe { (_mm512_loadu_si512(PLACES.as_ptr().cast()), _mm512_loadu_si512(KEPT.as_ptr().cast())) };
    for (word, (apart, (&starts, &rights))) in apart.iter_mut().zip(asked.starts.iter().zip(asked.rights)).enumerate() {
        *apart = 0;
        if rights == 0 {
            continue;
        }
        let base = start + word * BLOCK;
        let matter = with_those_before(starts, rights);
        let count = matter.count_ones() as usize;
        numbers[0] = pairs.number_before(text, base + matter.trailing_zeros() as usize);
        // SAFETY: `places` has 64 bytes.
        unsafe { _mm512_storeu_si512(places.as_mut_ptr().cast(), _mm512_maskz_compress_epi8(matter, all_places)) };
        match text.get(base..base + BLOCK + 3) {
            Some(block) => {
                for at in (0..count).step_by(16) {
                    let sixteen = numbers_of(pairs, block, &places[at..at + 16], kept);
                    let into = &mut numbers[1 + at..1 + at + 16];
                    // SAFETY: `into` has 16 words.
                    unsafe { _mm512_storeu_si512(into.as_mut_ptr().cast(), sixteen) };
                }
            }
            None => {
                for (number, &place) in numbers[1..].iter_mut().zip(&places[..count]) {
                    *number = pairs.number_at(text, base + place as usize);
                }
            }
        }
        let mut joined = 0;
        for at in (0..count).step_by(16) {
            joined |= u64::from(sixteen(pairs, &numbers, at)) << at;
        }
        *apart = _pdep_u64(!joined, matter) & rights;
    }
}

/// The numbers of the characters at sixteen places of a block, which has three bytes more than 64.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn numbers_of(pairs: &CharacterPairs, block: &[u8], places: &[u8], kept: __m512i) -> __m512i {
    assert!(block.len() >= BLOCK + 3 && places.len() == 16);
    // SAFETY: there are 16 places, each below 64, and four bytes can be read at each.
    let four = unsafe {
        let places = _mm512_cvtepu8_epi32(_mm_loadu_si128(places.as_ptr().cast()));
        _mm512_i32gather_epi32::<1>(places, block.as_ptr().cast())
    };
    // A permutation takes its index from the lowest four bits.
    let number = _mm512_and_si512(four, _mm512_permutexvar_epi32(_mm512_srli_epi32::<4>(four), kept));
    let is_space = _mm512_cmpeq_epi32_mask(number, _mm512_set1_epi32(i32::from(b' ')));
    _mm512_mask_blend_epi32(is_space, number, _mm512_set1_epi32(pairs.space as i32))
}

/// A bit for each of sixteen pairs from that of the numbers `at` and after it on.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn sixteen(pairs: &CharacterPairs, numbers: &Numbers, at: usize) -> u16 {
    let all = &numbers[at..at + 17];
    // SAFETY: there are seventeen numbers; the loads of sixteen need no alignment.
    let (left, right) =
        unsafe { (_mm512_loadu_si512(all.as_ptr().cast()), _mm512_loadu_si512(all.as_ptr().add(1).cast())) };
    let left_part = _mm512_mullo_epi32(left, _mm512_set1_epi32(LEFT as i32));
    let right_part = _mm512_mullo_epi32(right, _mm512_set1_epi32(RIGHT as i32));
    let hash = _mm512_srl_epi32(_mm512_add_epi32(left_part, right_part), _mm_cvtsi32_si128(pairs.shift as i32));
    // SAFETY: `shift` leaves as many bits as the table has, so the number of a word is less than there are words.
    let words = unsafe { _mm512_i32gather_epi32::<4>(_mm512_srli_epi32::<5>(hash), pairs.words.as_ptr().cast()) };
    let bits = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(hash, _mm512_set1_epi32(31)));
    _mm512_test_epi32_mask(words, bits) & _mm512_cmpneq_epi32_mask(right, _mm512_set1_epi32(pairs.never_right as i32))
}
