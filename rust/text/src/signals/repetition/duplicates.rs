//! Characters in word n-grams, joined without spaces, that were met before, for 5 to 10 words.
//!
//! Done plainly that is six hash tables over all words. Here an n-gram is looked up only where it can repeat: where its first
//! [`STEPS`] bytes do, as many as it has, which is necessary. Shorter ones are always looked up, so the answer is exact.

use super::super::Asked;
use super::joined::Joined;
use super::twice::Twice;
use crate::table::{Table, hash, mix};

const SHORTEST: usize = 5;
const LONGEST: usize = 10;
/// Sizes of n-grams whose duplicates are counted.
pub const SIZES: usize = LONGEST - SHORTEST + 1;

/// Bytes that must repeat before an n-gram of as many can.
const STEPS: [u32; 6] = [16, 24, 32, 40, 48, 64];

#[derive(Debug, Default)]
pub struct Duplicates {
    windows: Vec<u64>,
    candidates: Vec<Candidate>,
    prints: Vec<u64>,
    again: Vec<u32>,
    twice: Twice,
}

/// A word from which on bytes may repeat.
#[derive(Clone, Copy, Debug, Default)]
struct Candidate {
    at: u32,
    /// N-grams of as many bytes or more do not repeat.
    limit: u32,
    /// The hash of the bytes that may repeat.
    window: u64,
}

impl Duplicates {
    /// For the asked sizes, bit 0 for 5 words; 0 for others.
    #[inline(never)]
    pub fn characters(&mut self, joined: &Joined, asked: Asked, table: &mut Table) -> [usize; SIZES] {
        let mut duplicated = [0; SIZES];
        let words = joined.words();
        if words < SHORTEST {
            return duplicated;
        }
        self.find_candidates(joined, words - SHORTEST + 1);
        self.find_limits(joined);
        for (n, duplicated) in (SHORTEST..).zip(&mut duplicated) {
            if asked & 1 << (n - SHORTEST) == 0 {
                continue;
            }
            while self.candidates.last().is_some_and(|last| last.at as usize + n > words) {
                self.candidates.pop();
            }
            let mut kept = 0;
            for index in 0..self.candidates.len() {
                let candidate = self.candidates[index];
                self.candidates[kept] = candidate;
                kept += usize::from(joined.bytes_of(candidate.at, n) < candidate.limit);
            }
            self.candidates.truncate(kept);
            // First by a print of both ends, then those that may repeat by all of their bytes.
            self.prints.clear();
            self.prints.extend(self.candidates.iter().map(|candidate| ends_print(joined.gram(candidate.at, n))));
            self.twice.find(&self.prints, &mut self.again);
            table.reset(self.again.len(), 1);
            let mut next = 0;
            for &index in &self.again {
                let at = self.candidates[index as usize].at;
                if at < next {
                    continue;
                }
                if table.seen(hash(joined.gram(at, n))) {
                    *duplicated += joined.characters_of(at as usize, n);
                    next = at + n as u32;
                }
            }
        }
        duplicated
    }

    /// The words among the first `count` from which on the first step may repeat, or which begin an n-gram that is shorter.
    #[inline(never)]
    fn find_candidates(&mut self, joined: &Joined, count: usize) {
        self.twice.reset(count);
        self.windows.clear();
        self.windows.extend(joined.windows::<16>(count).map(|window| {
            let hash = two_words(window);
            self.twice.mark(hash);
            hash
        }));
        self.candidates.clear();
        self.candidates.resize(count, Candidate::default());
        let mut kept = 0;
        for (at, &window) in self.windows.iter().enumerate() {
            let repeats = self.twice.may_repeat(window);
            let limit = if repeats { u32::MAX } else { STEPS[0] };
            self.candidates[kept] = Candidate { at: at as u32, limit, window };
            kept += usize::from(repeats | (joined.bytes_of(at as u32, SHORTEST) < STEPS[0]));
        }
        self.candidates.truncate(kept);
    }

    /// How far the bytes from each candidate on may repeat.
    #[inline(never)]
    fn find_limits(&mut self, joined: &Joined) {
        let mut open: Vec<u32> = (0..self.candidates.len() as u32)
            .filter(|&index| self.candidates[index as usize].limit == u32::MAX)
            .collect();
        for pair in STEPS.windows(2) {
            self.twice.reset(open.len());
            for &index in &open {
                let candidate = &mut self.candidates[index as usize];
                candidate.window = joined.longer(candidate.window, candidate.at, pair[0] as usize, pair[1] as usize);
                self.twice.mark(candidate.window);
            }
            let mut kept = 0;
            for place in 0..open.len() {
                let index = open[place];
                let candidate = &mut self.candidates[index as usize];
                let repeats = self.twice.may_repeat(candidate.window);
                candidate.limit = if repeats { u32::MAX } else { pair[1] };
                open[kept] = index;
                kept += usize::from(repeats);
            }
            open.truncate(kept);
        }
    }
}

#[inline(always)]
fn two_words(window: &[u8; 16]) -> u64 {
    let both = u128::from_le_bytes(*window);
    mix(both as u64, (both >> 64) as u64)
}

/// Equal for equal n-grams, and nearly always different for others: their first and last eight bytes and their length.
#[inline]
fn ends_print(gram: &[u8]) -> u64 {
    match (gram.first_chunk::<8>(), gram.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            let length = (gram.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            mix(u64::from_le_bytes(*first) ^ length, u64::from_le_bytes(*last))
        }
        _ => hash(gram),
    }
}
