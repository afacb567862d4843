//! Eight n-grams a vector by Horner's rule: n - 1 multiplications of 64-bit lanes, and two to mix.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_loadu_si512, _mm512_mullo_epi64, _mm512_set1_epi64, _mm512_srli_epi64,
    _mm512_storeu_si512, _mm512_xor_si512,
};

use super::{BASE, MIX_ADD, MIX_FIRST, MIX_SECOND, scalar};

const LANES: usize = 8;

#[target_feature(enable = "avx512f,avx512dq")]
pub fn ngram_hashes(units: &[u64], ngram: usize, hashes: &mut [u64]) {
    let set = |value: u64| _mm512_set1_epi64(value as i64);
    let (base, add, first, second) = (set(BASE), set(MIX_ADD), set(MIX_FIRST), set(MIX_SECOND));
    let whole = hashes.len() / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        // The eight n-grams that begin here end within `units`: its length is hashes.len() + ngram - 1.
        let units: &[u64] = &units[at..at + LANES + ngram - 1];
        let load = |offset: usize| -> __m512i {
            // SAFETY: `offset` is below `ngram`, so eight u64 lie behind it in `units`; the load needs no alignment.
            unsafe { _mm512_loadu_si512(units.as_ptr().add(offset).cast()) }
        };
        let mut sum = load(0);
        for offset in 1..ngram {
            sum = _mm512_add_epi64(_mm512_mullo_epi64(sum, base), load(offset));
        }
        let mut z = _mm512_add_epi64(sum, add);
        z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64::<30>(z)), first);
        z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64::<27>(z)), second);
        z = _mm512_xor_si512(z, _mm512_srli_epi64::<31>(z));
        let target: &mut [u64] = &mut hashes[at..at + LANES];
        // SAFETY: `target` has eight u64; the store needs no alignment.
        unsafe { _mm512_storeu_si512(target.as_mut_ptr().cast(), z) };
    }
    scalar::ngram_hashes(&units[whole..], ngram, &mut hashes[whole..]);
}
