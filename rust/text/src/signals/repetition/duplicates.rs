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
/// Bytes at the start of a shorter one that must repeat.
const HEAD: u32 = 8;
/// Which of a candidate's windows an n-gram of eight times as many bytes holds: the last step that it reaches; 0 for none.
const REACHED: [u8; 9] = [0, 0, 1, 2, 3, 4, 5, 5, 6];

#[derive(Debug, Default)]
pub struct Duplicates {
    hashes: Vec<u64>,
    candidates: Vec<Candidate>,
    /// Of each candidate: hashes of as many bytes from its word on as each step has, behind a 0; those beyond its limit say nothing.
    windows: Vec<Windows>,
    open: Vec<u32>,
    keys: Vec<u64>,
    again: Vec<u32>,
    twice: Twice,
    short: Twice,
}

/// A word from which on bytes may repeat.
#[derive(Clone, Copy, Debug, Default)]
struct Candidate {
    at: u32,
    /// N-grams of as many bytes or more do not repeat.
    limit: u32,
}

type Windows = [u64; STEPS.len() + 1];

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
        self.open.clear();
        self.open.extend(0..self.candidates.len() as u32);
        for (n, duplicated) in (SHORTEST..).zip(&mut duplicated) {
            if asked & 1 << (n - SHORTEST) == 0 {
                continue;
            }
            self.find_again(joined, n);
            table.reset(self.again.len(), 1);
            let mut next = 0;
            for &place in &self.again {
                let at = self.candidates[self.open[place as usize] as usize].at;
                if at >= next && table.seen(self.keys[place as usize]) {
                    *duplicated += joined.characters_of(at as usize, n);
                    next = at + n as u32;
                }
            }
        }
        duplicated
    }

    /// The open candidates whose n-grams may repeat by all of their bytes, and the keys of all that are open.
    #[inline(never)]
    fn find_again(&mut self, joined: &Joined, n: usize) {
        let Self { candidates, windows, open, keys, again, twice, .. } = self;
        let words = joined.words();
        while open.last().is_some_and(|&last| candidates[last as usize].at as usize + n > words) {
            open.pop();
        }
        let mut kept = 0;
        for place in 0..open.len() {
            let index = open[place];
            let Candidate { at, limit } = candidates[index as usize];
            open[kept] = index;
            kept += usize::from(joined.bytes_of(at, n) < limit);
        }
        open.truncate(kept);
        keys.clear();
        keys.extend(open.iter().map(|&index| key(joined, candidates[index as usize].at, n, &windows[index as usize])));
        twice.find(keys, again);
    }

    /// The words among the first `count` from which on the first step may repeat, or which begin an n-gram that is shorter and whose
    /// first bytes may repeat among those: equal n-grams are equally long.
    #[inline(never)]
    fn find_candidates(&mut self, joined: &Joined, count: usize) {
        let Self { hashes, candidates, twice, short, .. } = self;
        twice.reset(count);
        short.reset(count);
        hashes.resize(count, 0);
        let lengths = || joined.lengths::<SHORTEST>();
        for ((hash, window), length) in hashes.iter_mut().zip(joined.windows::<16>(count)).zip(lengths()) {
            *hash = two_words(window);
            twice.mark(*hash);
            short.mark_if(head(window), length < STEPS[0]);
        }
        candidates.resize(count, Candidate::default());
        let mut kept = 0;
        let known = hashes.iter().zip(joined.windows::<16>(count)).zip(lengths());
        for (at, ((&hash, window), length)) in (0..).zip(known) {
            let repeats = twice.may_repeat(hash);
            let begins_again = short.may_repeat(head(window));
            let shorter = if begins_again { STEPS[0] } else { HEAD };
            let limit = if repeats { u32::MAX } else { shorter };
            candidates[kept] = Candidate { at, limit };
            kept += usize::from(length < limit);
        }
        candidates.truncate(kept);
    }

    /// How far the bytes from each candidate on may repeat.
    #[inline(never)]
    fn find_limits(&mut self, joined: &Joined) {
        let Self { hashes, candidates, windows, open, twice, .. } = self;
        windows.resize(candidates.len(), Windows::default());
        open.resize(candidates.len(), 0);
        let mut kept = 0;
        for (index, candidate) in candidates.iter().enumerate() {
            windows[index][1] = hashes[candidate.at as usize];
            open[kept] = index as u32;
            kept += usize::from(candidate.limit == u32::MAX);
        }
        open.truncate(kept);
        for (step, pair) in (1..).zip(STEPS.windows(2)) {
            twice.reset(open.len());
            for &index in open.iter() {
                let window = &mut windows[index as usize];
                let longer =
                    joined.longer(window[step], candidates[index as usize].at, pair[0] as usize, pair[1] as usize);
                window[step + 1] = longer;
                twice.mark(longer);
            }
            let mut kept = 0;
            for place in 0..open.len() {
                let index = open[place];
                let repeats = twice.may_repeat(windows[index as usize][step + 1]);
                candidates[index as usize].limit = if repeats { u32::MAX } else { pair[1] };
                open[kept] = index;
                kept += usize::from(repeats);
            }
            open.truncate(kept);
        }
    }
}

/// The hash of an n-gram: of the last window that it holds and of its last 16 bytes, or all if it has fewer.
#[inline(always)]
fn key(joined: &Joined, at: u32, n: usize, windows: &Windows) -> u64 {
    let (length, ends) = joined.ends(at, n);
    let window = windows[usize::from(REACHED[(length as usize / 8).min(8)])];
    let key = mix(ends.0 ^ window, ends.1 ^ u64::from(length).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    if length <= STEPS[5] + 16 {
        return key;
    }
    // What is between the last window and the last bytes.
    mix(key, hash(&joined.gram(at, n)[STEPS[5] as usize..]))
}

/// The hash of the first [`HEAD`] bytes.
#[inline(always)]
fn head(window: &[u8; 16]) -> u64 {
    (u128::from_le_bytes(*window) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[inline(always)]
fn two_words(window: &[u8; 16]) -> u64 {
    let both = u128::from_le_bytes(*window);
    mix(both as u64, (both >> 64) as u64)
}
