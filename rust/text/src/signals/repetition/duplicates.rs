//! Characters in word n-grams, joined without spaces, that were met before, for 5 to 10 words.
//!
//! Done plainly that is six hash tables over all words. Here an n-gram is looked up only where it can repeat: where its first
//! [`STEPS`] bytes do, as many as it has, which is necessary. Shorter ones are always looked up, so the answer is exact.

use super::super::Asked;
use super::joined::Joined;
use super::twice::Twice;
use crate::seen::Seen;
use crate::table::{hash, mix};

pub const SHORTEST: usize = 5;
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
    chain: Vec<u64>,
    keys: Vec<u64>,
    /// A bit a word: whether it begins an n-gram of few bytes, and these may repeat.
    begins_again: Vec<u64>,
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

/// Windows are kept for so many candidates; where there are more, n-grams are hashed from end to end.
const MOST_WINDOWS: usize = 1 << 16;

type Windows = [u64; STEPS.len() + 1];

impl Duplicates {
    /// For the asked sizes, bit 0 for 5 words; 0 for others.
    #[inline(never)]
    pub fn characters(&mut self, joined: &Joined, asked: Asked, seen: &mut Seen) -> [usize; SIZES] {
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
            self.find_keys(joined, n);
            seen.reset(self.keys.len());
            let mut next = 0;
            for (&index, &key) in self.open.iter().zip(&self.keys) {
                let at = self.candidates[index as usize].at;
                if at >= next && seen.insert(key) {
                    *duplicated += joined.characters_of(at as usize, n);
                    next = at + n as u32;
                }
            }
        }
        duplicated
    }

    /// The candidates whose n-grams may repeat, and the keys of these.
    #[inline(never)]
    fn find_keys(&mut self, joined: &Joined, n: usize) {
        let Self { candidates, windows, open, keys, .. } = self;
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
        let at = |index: u32| candidates[index as usize].at;
        keys.clear();
        if windows.is_empty() {
            keys.extend(open.iter().map(|&index| hash(joined.gram(at(index), n))));
        } else {
            keys.extend(open.iter().map(|&index| key(joined, at(index), n, &windows[index as usize])));
        }
    }

    /// The words among the first `count` from which on the first step may repeat, or which begin an n-gram that is shorter and whose
    /// first bytes may repeat among those: equal n-grams are equally long.
    #[inline(never)]
    fn find_candidates(&mut self, joined: &Joined, count: usize) {
        let Self { hashes, candidates, open, begins_again, twice, short, .. } = self;
        twice.reset(count);
        hashes.resize(count, 0);
        open.resize(count, 0);
        let lengths = || joined.lengths::<SHORTEST>();
        let mut shorter = 0;
        for (at, ((hash, window), length)) in
            (0..).zip(hashes.iter_mut().zip(joined.windows::<16>(count)).zip(lengths()))
        {
            *hash = two_words(window);
            twice.mark(*hash);
            open[shorter] = at;
            shorter += usize::from(length < STEPS[0]);
        }
        short.reset(shorter);
        open[..shorter].iter().for_each(|&at| short.mark(joined.head(at)));
        begins_again.clear();
        begins_again.resize(count.div_ceil(64), 0);
        for &at in &open[..shorter] {
            begins_again[at as usize / 64] |= u64::from(short.may_repeat(joined.head(at))) << (at % 64);
        }
        candidates.resize(count, Candidate::default());
        let mut kept = 0;
        for (at, (&hash, length)) in (0..).zip(hashes.iter().zip(lengths())) {
            let repeats = twice.may_repeat(hash);
            let begins_again = begins_again[at as usize / 64] >> (at % 64) & 1 != 0;
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
        let Self { hashes, candidates, windows, open, chain, twice, .. } = self;
        let keeps = candidates.len() <= MOST_WINDOWS;
        windows.resize(if keeps { candidates.len() } else { 0 }, Windows::default());
        open.resize(candidates.len(), 0);
        chain.resize(candidates.len(), 0);
        let mut kept = 0;
        for (index, candidate) in candidates.iter().enumerate() {
            let window = hashes[candidate.at as usize];
            if keeps {
                windows[index][1] = window;
            }
            (open[kept], chain[kept]) = (index as u32, window);
            kept += usize::from(candidate.limit == u32::MAX);
        }
        for (step, pair) in (2..).zip(STEPS.windows(2)) {
            open.truncate(kept);
            chain.truncate(kept);
            twice.reset(kept);
            for (&index, window) in open.iter().zip(chain.iter_mut()) {
                let at = candidates[index as usize].at;
                *window = joined.longer(*window, at, pair[0] as usize, pair[1] as usize);
                if keeps {
                    windows[index as usize][step] = *window;
                }
                twice.mark(*window);
            }
            kept = 0;
            for place in 0..open.len() {
                let (index, window) = (open[place], chain[place]);
                let repeats = twice.may_repeat(window);
                candidates[index as usize].limit = if repeats { u32::MAX } else { pair[1] };
                (open[kept], chain[kept]) = (index, window);
                kept += usize::from(repeats);
            }
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

#[inline(always)]
fn two_words(window: &[u8; 16]) -> u64 {
    let both = u128::from_le_bytes(*window);
    mix(both as u64, (both >> 64) as u64)
}
