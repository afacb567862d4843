//! Eight pairs a vector; the characters are read one by one.

use std::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm256_add_epi32, _mm256_and_si256, _mm256_andnot_si256, _mm256_castsi256_ps,
    _mm256_cmpeq_epi32, _mm256_i32gather_epi32, _mm256_loadu_si256, _mm256_movemask_ps, _mm256_mullo_epi32,
    _mm256_set1_epi32, _mm256_sllv_epi32, _mm256_srl_epi32, _mm256_srli_epi32, _pdep_u64,
};

use super::{Asked, BLOCK, CharacterPairs, LEFT, Numbers, RIGHT, with_those_before};

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub fn apart(pairs: &CharacterPairs, text: &[u8], start: usize, asked: Asked<'_>, apart: &mut [u64]) {
    let mut numbers: Numbers = [0; 1 + BLOCK + 16];
    for (word, (apart, (&starts, &rights))) in apart.iter_mut().zip(asked.starts.iter().zip(asked.rights)).enumerate() {
        *apart = 0;
        if rights == 0 {
            continue;
        }
        let base = start + word * BLOCK;
        let matter = with_those_before(starts, rights);
        numbers[0] = pairs.number_before(text, base + matter.trailing_zeros() as usize);
        let mut rest = matter;
        let mut count = 0;
        while rest != 0 {
            numbers[1 + count] = pairs.number_at(text, base + rest.trailing_zeros() as usize);
            rest &= rest - 1;
            count += 1;
        }
        let mut joined = 0;
        for at in (0..count).step_by(8) {
            joined |= u64::from(eight(pairs, &numbers, at)) << at;
        }
        *apart = _pdep_u64(!joined, matter) & rights;
    }
}

/// A bit for each of eight pairs from that of the numbers `at` and after it on.
#[inline]
#[target_feature(enable = "avx2")]
fn eight(pairs: &CharacterPairs, numbers: &Numbers, at: usize) -> u8 {
    let nine = &numbers[at..at + 9];
    // SAFETY: there are nine numbers; the loads of eight need no alignment.
    let (left, right) = unsafe {
        (_mm256_loadu_si256(nine.as_ptr().cast()), _mm256_loadu_si256(nine.as_ptr().add(1).cast::<__m256i>()))
    };
    let left_part = _mm256_mullo_epi32(left, _mm256_set1_epi32(LEFT as i32));
    let right_part = _mm256_mullo_epi32(right, _mm256_set1_epi32(RIGHT as i32));
    let hash = _mm256_srl_epi32(_mm256_add_epi32(left_part, right_part), _mm_cvtsi32_si128(pairs.shift as i32));
    // SAFETY: `shift` leaves as many bits as the table has, so the number of a word is less than there are words.
    let words = unsafe { _mm256_i32gather_epi32::<4>(pairs.words.as_ptr().cast(), _mm256_srli_epi32::<5>(hash)) };
    let bits = _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_and_si256(hash, _mm256_set1_epi32(31)));
    let found = _mm256_cmpeq_epi32(_mm256_and_si256(words, bits), bits);
    let never = _mm256_cmpeq_epi32(right, _mm256_set1_epi32(pairs.never_right as i32));
    _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_andnot_si256(never, found))) as u8
}
