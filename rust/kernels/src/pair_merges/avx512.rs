//! Eight pieces, a group, in vectors of 64-bit numbers, and several groups at a time, so that their waits for memory overlap.

use std::arch::x86_64::{
    __m256i, __m512i, __mmask8, _mm_cvtsi64_si128, _mm_loadl_epi64, _mm256_cmpgt_epu32_mask, _mm256_cmpneq_epi32_mask,
    _mm256_cvtepu8_epi32, _mm256_loadu_si256, _mm256_mask_blend_epi32, _mm256_min_epu32, _mm256_mmask_i32gather_epi32,
    _mm256_or_si256, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_storeu_si256, _mm512_add_epi64,
    _mm512_and_si512, _mm512_andnot_si512, _mm512_cmpeq_epi64_mask, _mm512_cmpneq_epi64_mask, _mm512_cvtepi64_epi32,
    _mm512_cvtepu32_epi64, _mm512_loadu_si512, _mm512_lzcnt_epi64, _mm512_mask_i64gather_epi32,
    _mm512_mask_i64gather_epi64, _mm512_mask_i64scatter_epi32, _mm512_mask_mov_epi64, _mm512_mask_xor_epi64,
    _mm512_mullo_epi64, _mm512_or_si512, _mm512_set1_epi64, _mm512_setr_epi64, _mm512_setzero_si512, _mm512_slli_epi64,
    _mm512_sllv_epi64, _mm512_srl_epi64, _mm512_srli_epi64, _mm512_storeu_si512, _mm512_sub_epi64,
    _mm512_test_epi64_mask, _mm512_testn_epi64_mask,
};

use super::pairs::{EMPTY, MULTIPLIER, RESULT_MASK, SECOND_SHIFT};
use super::{GROUP, Group, LONGEST, NONE, PLACE_BITS, Pairs, Pieces, SYMBOL_BITS};

const LANE_BITS: u32 = GROUP.trailing_zeros();
/// Groups on their way at a time.
const AT_ONCE: usize = 4;

/// Eight ranks or symbols of a place, or lengths.
#[inline]
#[target_feature(enable = "avx512f")]
fn load(place: &[u32; GROUP]) -> __m256i {
    // SAFETY: there are eight of four bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(place.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(place: &mut [u32; GROUP], values: __m256i) {
    // SAFETY: as above.
    unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), values) }
}

/// Eight bytes of a place.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_bytes(place: &[u8; GROUP]) -> __m256i {
    // SAFETY: there are eight of them.
    _mm256_cvtepu8_epi32(unsafe { _mm_loadl_epi64(place.as_ptr().cast()) })
}

/// Write the symbols and ranks of a group's bytes; gives how many places they have.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]
fn start(group: &mut Group, pairs: &Pairs) -> usize {
    let mut places = 0;
    for (alive, length) in group.alive.iter_mut().zip(&mut group.lengths) {
        *length = (*length).min(LONGEST as u32);
        places = places.max(*length as usize);
        *alive = if *length == 0 { 0 } else { u64::MAX >> (LONGEST as u32 - *length) };
    }
    let none = _mm256_set1_epi32(NONE as i32);
    let lengths = load(&group.lengths);
    let mut left = load_bytes(&group.bytes[0]);
    for place in 0..places {
        let right = load_bytes(&group.bytes[place + 1]);
        let has_pair = _mm256_cmpgt_epu32_mask(lengths, _mm256_set1_epi32(place as i32 + 1));
        let two = _mm256_or_si256(_mm256_slli_epi32::<8>(left), right);
        // SAFETY: two bytes are an index below 1 << 16, the length of the table.
        let rank = unsafe { _mm256_mmask_i32gather_epi32::<4>(none, has_pair, two, pairs.bytes.as_ptr().cast()) };
        let merges = _mm256_cmpneq_epi32_mask(rank, none);
        let rank = _mm256_or_si256(_mm256_slli_epi32::<{ PLACE_BITS as i32 }>(rank), _mm256_set1_epi32(place as i32));
        store(&mut group.ranks[place], _mm256_mask_blend_epi32(merges, none, rank));
        store(&mut group.symbols[place], left);
        left = right;
    }
    // Places are looked at four at a time.
    for ranks in group.ranks.iter_mut().take(places.next_multiple_of(4)).skip(places) {
        store(ranks, none);
    }
    places
}

/// The least rank of each piece of a group.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]
fn least(group: &Group, places: usize) -> __m256i {
    let (fours, _) = group.ranks.as_chunks::<4>();
    let mut least = [_mm256_set1_epi32(NONE as i32); 4];
    for four in &fours[..places.div_ceil(4).min(fours.len())] {
        for (least, ranks) in least.iter_mut().zip(four) {
            *least = _mm256_min_epu32(*least, load(ranks));
        }
    }
    _mm256_min_epu32(_mm256_min_epu32(least[0], least[1]), _mm256_min_epu32(least[2], least[3]))
}

/// What eight look-ups need.
struct Look<'a> {
    pairs: &'a Pairs,
    slot_shift: std::arch::x86_64::__m128i,
    bit_shift: std::arch::x86_64::__m128i,
    slot_mask: __m512i,
    word_mask: __m512i,
}

impl<'a> Look<'a> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]
    fn new(pairs: &'a Pairs) -> Self {
        Self {
            pairs,
            slot_shift: _mm_cvtsi64_si128(i64::from(pairs.shift)),
            bit_shift: _mm_cvtsi64_si128(i64::from(pairs.filter_shift)),
            slot_mask: _mm512_set1_epi64(pairs.slots.len() as i64 - 1),
            word_mask: _mm512_set1_epi64(pairs.filter.len() as i64 - 1),
        }
    }

    /// Which of the `wanted` pairs the filter lets through, and the keys and hashes of all.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]
    fn filter(&self, left: __m512i, right: __m512i, wanted: __mmask8) -> (__mmask8, __m512i, __m512i) {
        let key = _mm512_slli_epi64::<SYMBOL_BITS>(_mm512_or_si512(_mm512_slli_epi64::<SYMBOL_BITS>(left), right));
        let hash = _mm512_mullo_epi64(key, _mm512_set1_epi64(MULTIPLIER as i64));
        let bit = _mm512_srl_epi64(hash, self.bit_shift);
        let word = _mm512_and_si512(_mm512_srli_epi64::<6>(bit), self.word_mask);
        // SAFETY: masked to be below the filter's length, a power of two.
        let word = unsafe {
            _mm512_mask_i64gather_epi64::<8>(_mm512_setzero_si512(), wanted, word, self.pairs.filter.as_ptr().cast())
        };
        let one = _mm512_set1_epi64(1);
        let bit_number = |number| _mm512_and_si512(number, _mm512_set1_epi64(63));
        let first = _mm512_sllv_epi64(one, bit_number(bit));
        let second = _mm512_sllv_epi64(one, bit_number(_mm512_srli_epi64::<SECOND_SHIFT>(hash)));
        let unset = _mm512_andnot_si512(word, _mm512_or_si512(first, second));
        (_mm512_testn_epi64_mask(unset, unset) & wanted, key, hash)
    }

    /// What stands in the slots of the `wanted` pairs.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]
    fn entries(&self, wanted: __mmask8, slot: __m512i) -> __m512i {
        let slot = _mm512_and_si512(slot, self.slot_mask);
        let empty = _mm512_set1_epi64(EMPTY as i64);
        // SAFETY: masked to be below the number of slots, a power of two.
        unsafe { _mm512_mask_i64gather_epi64::<8>(empty, wanted, slot, self.pairs.slots.as_ptr().cast()) }
    }

    /// The ranks of pairs whose first slots have `entries`, [`NONE`] for those that do not merge.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]
    fn ranks(&self, mut entries: __m512i, key: __m512i, hash: __m512i) -> __m512i {
        let mut found = _mm512_set1_epi64(i64::from(NONE));
        let mut slot = _mm512_srl_epi64(hash, self.slot_shift);
        let result_mask = _mm512_set1_epi64(RESULT_MASK as i64);
        loop {
            let is = _mm512_cmpeq_epi64_mask(_mm512_andnot_si512(result_mask, entries), key);
            found = _mm512_mask_mov_epi64(found, is, _mm512_and_si512(entries, result_mask));
            let others = !is & _mm512_cmpneq_epi64_mask(entries, _mm512_set1_epi64(EMPTY as i64));
            if others == 0 {
                return found;
            }
            slot = _mm512_add_epi64(slot, _mm512_set1_epi64(1));
            entries = self.entries(others, slot);
        }
    }
}

/// Where the symbols of a group that merge now stand, as indices, and those beside them.
#[derive(Clone, Copy)]
struct Step {
    active: __mmask8,
    has_before: __mmask8,
    has_behind: __mmask8,
    at: __m512i,
    right: __m512i,
    before: __m512i,
    symbol: __m512i,
    symbol_before: __m512i,
    symbol_behind: __m512i,
}

/// The lowest bit of each that has one.
#[inline]
#[target_feature(enable = "avx512f")]
fn lowest(bits: __m512i) -> __m512i {
    _mm512_and_si512(bits, _mm512_sub_epi64(_mm512_setzero_si512(), bits))
}

/// The place of the highest bit of each, anything below [`LONGEST`] if there is none.
#[inline]
#[target_feature(enable = "avx512f,avx512cd")]
fn place_of(bits: __m512i) -> __m512i {
    let last = _mm512_set1_epi64(LONGEST as i64 - 1);
    _mm512_and_si512(_mm512_sub_epi64(last, _mm512_lzcnt_epi64(bits)), last)
}

/// The index of a place of a lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn index(place: __m512i, lanes: __m512i) -> __m512i {
    _mm512_or_si512(_mm512_slli_epi64::<LANE_BITS>(place), lanes)
}

impl Step {
    // SAFETY: all zeros is a value of masks and vectors.
    const NONE: Self = unsafe { std::mem::zeroed() };

    /// Merge the pairs of `least`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]
    fn new(group: &mut Group, least: __m256i) -> Self {
        let lanes = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
        // SAFETY: eight u64; the load needs no alignment.
        let mut alive = unsafe { _mm512_loadu_si512(group.alive.as_ptr().cast()) };
        let least = _mm512_cvtepu32_epi64(least);
        let active = _mm512_cmpneq_epi64_mask(least, _mm512_set1_epi64(i64::from(NONE)));
        let place = _mm512_and_si512(least, _mm512_set1_epi64(LONGEST as i64 - 1));
        let symbol = _mm512_srli_epi64::<PLACE_BITS>(least);
        let behind = _mm512_and_si512(alive, _mm512_sllv_epi64(_mm512_set1_epi64(-2), place));
        let right = lowest(behind);
        alive = _mm512_mask_xor_epi64(alive, active, alive, right);
        // SAFETY: as above.
        unsafe { _mm512_storeu_si512(group.alive.as_mut_ptr().cast(), alive) };
        let behind = _mm512_andnot_si512(right, behind);
        let before = _mm512_andnot_si512(_mm512_sllv_epi64(_mm512_set1_epi64(-1), place), alive);
        let has_behind = _mm512_test_epi64_mask(behind, behind) & active;
        let has_before = _mm512_test_epi64_mask(before, before) & active;
        let (at, right) = (index(place, lanes), index(place_of(right), lanes));
        let (before, behind) = (index(place_of(before), lanes), index(place_of(lowest(behind)), lanes));
        let symbols: *mut i32 = group.symbols.as_mut_ptr().cast();
        let none = _mm256_setzero_si256();
        // SAFETY: places are masked to be below LONGEST and lanes are below GROUP, so indices are below their product.
        let (symbol_before, symbol_behind) = unsafe {
            _mm512_mask_i64scatter_epi32::<4>(symbols, active, at, _mm512_cvtepi64_epi32(symbol));
            (
                _mm512_mask_i64gather_epi32::<4>(none, has_before, before, symbols),
                _mm512_mask_i64gather_epi32::<4>(none, has_behind, behind, symbols),
            )
        };
        let symbol_before = _mm512_cvtepu32_epi64(symbol_before);
        let symbol_behind = _mm512_cvtepu32_epi64(symbol_behind);
        Self { active, has_before, has_behind, at, right, before, symbol, symbol_before, symbol_behind }
    }

    /// Write the ranks of the pairs that came of it.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]
    fn set(&self, group: &mut Group, rank_before: __m512i, rank_behind: __m512i) {
        let ranks: *mut i32 = group.ranks.as_mut_ptr().cast();
        let none = _mm256_set1_epi32(NONE as i32);
        // SAFETY: indices are below LONGEST * GROUP, as above.
        unsafe {
            _mm512_mask_i64scatter_epi32::<4>(ranks, self.active, self.right, none);
            _mm512_mask_i64scatter_epi32::<4>(ranks, self.active, self.at, placed(rank_behind, self.at));
            _mm512_mask_i64scatter_epi32::<4>(ranks, self.has_before, self.before, placed(rank_before, self.before));
        }
    }
}

/// Merge the pieces: a group's place is taken by another as soon as all of it is merged, the longest first.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]
pub fn merge(pieces: &mut Pieces, pairs: &Pairs) {
    let groups = pieces.groups_mut();
    let look = Look::new(pairs);
    let zero = _mm512_setzero_si512();
    let mut waiting = groups.len();
    let mut busy = 0;
    let mut numbers = [0; AT_ONCE];
    let mut places = [0; AT_ONCE];
    // Loops over numbers: closures that take vectors are not inlined into what calls them.
    loop {
        let mut leasts = [_mm256_setzero_si256(); AT_ONCE];
        let mut slot = 0;
        while slot < AT_ONCE {
            if slot == busy {
                if waiting == 0 {
                    break;
                }
                waiting -= 1;
                busy += 1;
                numbers[slot] = waiting;
                places[slot] = start(&mut groups[waiting], pairs);
            }
            let least = least(&groups[numbers[slot]], places[slot]);
            if _mm256_cmpneq_epi32_mask(least, _mm256_set1_epi32(NONE as i32)) == 0 {
                busy -= 1;
                (numbers[slot], places[slot]) = (numbers[busy], places[busy]);
            } else {
                leasts[slot] = least;
                slot += 1;
            }
        }
        if busy == 0 {
            return;
        }
        // Step by step for all, so that their waits for memory overlap.
        let mut steps = [Step::NONE; AT_ONCE];
        for slot in 0..busy {
            steps[slot] = Step::new(&mut groups[numbers[slot]], leasts[slot]);
        }
        let mut before = [(0, zero, zero); AT_ONCE];
        let mut behind = [(0, zero, zero); AT_ONCE];
        for slot in 0..busy {
            let step = &steps[slot];
            before[slot] = look.filter(step.symbol_before, step.symbol, step.has_before);
            behind[slot] = look.filter(step.symbol, step.symbol_behind, step.has_behind);
        }
        let mut before_entries = [zero; AT_ONCE];
        let mut behind_entries = [zero; AT_ONCE];
        for slot in 0..busy {
            before_entries[slot] = look.entries(before[slot].0, _mm512_srl_epi64(before[slot].2, look.slot_shift));
            behind_entries[slot] = look.entries(behind[slot].0, _mm512_srl_epi64(behind[slot].2, look.slot_shift));
        }
        for slot in 0..busy {
            let rank_before = look.ranks(before_entries[slot], before[slot].1, before[slot].2);
            let rank_behind = look.ranks(behind_entries[slot], behind[slot].1, behind[slot].2);
            steps[slot].set(&mut groups[numbers[slot]], rank_before, rank_behind);
        }
    }
}

/// Ranks with their places in the low bits; [`NONE`] stays.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd")]
fn placed(rank: __m512i, index: __m512i) -> __m256i {
    let place = _mm512_srli_epi64::<LANE_BITS>(index);
    let none = _mm512_set1_epi64(i64::from(NONE));
    let merges = _mm512_cmpneq_epi64_mask(rank, none);
    let placed = _mm512_or_si512(_mm512_slli_epi64::<PLACE_BITS>(rank), place);
    _mm512_cvtepi64_epi32(_mm512_mask_mov_epi64(none, merges, placed))
}
