//! Merging the symbols of many pieces side by side: again and again, in each, the pair of least rank, the leftmost of equals.
//!
//! A piece that was never seen is one look-up after another, each waiting for memory and followed by branches that depend on
//! what it found. Side by side all of them wait together, and there are hardly any branches. A piece's symbols stay where they
//! are; a bit says which of them were not merged into the one before.

mod pairs;
mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx512;

pub use pairs::{MAX_SYMBOLS, NONE, Pairs, SYMBOL_BITS};

use crate::tier::{self, Tier};

/// Pieces side by side.
pub(crate) const GROUP: usize = 8;
/// The most pieces at a time.
pub const MOST: usize = 16 * GROUP;
/// The most symbols of a piece: a bit each in a word.
pub const LONGEST: usize = 64;
/// A rank and its place in one number: the place in the low bits, so that the least of them is the leftmost of the least.
pub const PLACE_BITS: u32 = LONGEST.trailing_zeros();
const _: () = assert!((MAX_SYMBOLS as u64) << PLACE_BITS < NONE as u64);

/// A rank with its place; [`NONE`] stays.
#[inline(always)]
pub fn placed(rank: u32, place: usize) -> u32 {
    if rank == NONE { NONE } else { rank << PLACE_BITS | place as u32 }
}

/// Eight pieces on their way: place by place, a lane each.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
struct Group {
    /// The rank of the pair that starts at a place, [`placed`]; [`NONE`] where no pair merges.
    ranks: [[u32; GROUP]; LONGEST],
    symbols: [[u32; GROUP]; LONGEST],
    bytes: [[u8; GROUP]; LONGEST + 1],
    lengths: [u32; GROUP],
    alive: [u64; GROUP],
}

impl Group {
    const EMPTY: Self = Self {
        ranks: [[NONE; GROUP]; LONGEST],
        symbols: [[0; GROUP]; LONGEST],
        bytes: [[0; GROUP]; LONGEST + 1],
        lengths: [0; GROUP],
        alive: [0; GROUP],
    };
}

/// Pieces on their way, up to [`MOST`].
#[derive(Clone, Debug)]
pub struct Pieces {
    groups: Vec<Group>,
    count: usize,
}

impl Default for Pieces {
    fn default() -> Self {
        Self { groups: vec![Group::EMPTY; MOST / GROUP], count: 0 }
    }
}

impl Pieces {
    /// Merge `piece`, 1 to [`LONGEST`] bytes, too, as one of [`MOST`]. Pieces of like length should follow each other.
    #[inline(always)]
    pub fn push(&mut self, piece: &[u8]) {
        let (lane, length) = (self.count % GROUP, piece.len().min(LONGEST));
        let Some(group) = self.groups.get_mut(self.count / GROUP) else { return };
        if lane == 0 {
            group.lengths = [0; GROUP];
        }
        for (place, &byte) in group.bytes.iter_mut().zip(&piece[..length]) {
            place[lane] = byte;
        }
        group.lengths[lane] = length as u32;
        self.count += 1;
    }

    /// How many were pushed since.
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// There are no pieces.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Those that have pieces.
    fn groups_mut(&mut self) -> &mut [Group] {
        &mut self.groups[..self.count.div_ceil(GROUP)]
    }

    /// Merge the pieces that were [`Self::push`]ed.
    #[inline]
    pub fn merge(&mut self, pairs: &Pairs) {
        self.merge_on(tier::current(), pairs);
    }

    /// [`Self::merge`] on a given tier, or the best below it that this CPU has.
    #[inline]
    pub fn merge_on(&mut self, tier: Tier, pairs: &Pairs) {
        match tier.min(tier::detected()) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the tier is at most what was detected on this CPU, so it has AVX-512 with CD, DQ and VL.
            Tier::Avx512 => unsafe { avx512::merge(self, pairs) },
            _ => scalar::merge(self, pairs),
        }
    }

    /// Do something with the symbols that a piece was merged to, in order; its number is how many were pushed before.
    #[inline(always)]
    pub fn for_symbols_of(&self, piece: usize, mut work: impl FnMut(u32)) {
        let (group, lane) = (&self.groups[piece / GROUP], piece % GROUP);
        let mut alive = group.alive[lane];
        while alive != 0 {
            work(group.symbols[alive.trailing_zeros() as usize][lane]);
            alive &= alive - 1;
        }
    }

    /// With those of all pieces.
    #[inline(always)]
    pub fn for_symbols(&self, mut work: impl FnMut(u32)) {
        for piece in 0..self.count {
            self.for_symbols_of(piece, &mut work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some merges over few bytes, so that pieces merge often; results in the order in which they were made.
    struct Merges {
        pairs: Pairs,
        all: Vec<(u32, u32)>,
    }

    impl Merges {
        fn new(count: usize, next: &mut impl FnMut() -> u64) -> Self {
            let mut all: Vec<(u32, u32)> = Vec::new();
            while all.len() < count {
                let mut one = || {
                    let number = next() as usize % (6 + all.len());
                    if number < 6 { b'a' as u32 + number as u32 } else { 256 + number as u32 - 6 }
                };
                let pair = (one(), one());
                if !all.contains(&pair) {
                    all.push(pair);
                }
            }
            // Room for few, so that it grows.
            let mut pairs = Pairs::with_capacity(count / 8);
            for (number, &(left, right)) in all.iter().enumerate() {
                pairs.insert(left, right, 256 + number as u32);
            }
            for (number, &(left, right)) in all.iter().enumerate() {
                assert_eq!(pairs.get(left, right), 256 + number as u32);
                assert_eq!(pairs.get(left, 5), NONE);
            }
            Self { pairs, all }
        }

        /// By the definition, with a list.
        fn merged(&self, piece: &[u8]) -> Vec<u32> {
            let mut symbols: Vec<u32> = piece.iter().map(|&byte| byte as u32).collect();
            loop {
                let rank = |two: &[u32]| self.all.iter().position(|&pair| pair == (two[0], two[1]));
                let ranks = symbols.windows(2).map(rank).enumerate();
                let Some((rank, at)) = ranks.filter_map(|(at, rank)| Some((rank?, at))).min() else { return symbols };
                symbols.splice(at..at + 2, [256 + rank as u32]);
            }
        }
    }

    #[test]
    fn every_tier_equals_the_definition() {
        let mut state = 3u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state ^ state >> 29) >> 8
        };
        for count in [1, 5, 30, 300] {
            let merges = Merges::new(count, &mut next);
            let mut pieces = Pieces::default();
            for longest in [1, 2, 3, 8, 17, 63, 64] {
                for lanes in [1, 3, 7, 8, 9, 31, 32, 33, 40, MOST] {
                    let texts: Vec<Vec<u8>> = (0..lanes)
                        .map(|_| {
                            let length = 1 + next() as usize % longest;
                            let letters = 1 + next() % 7;
                            (0..length).map(|_| b'a' + (next() % letters) as u8).collect()
                        })
                        .collect();
                    for tier in tier::available() {
                        pieces.clear();
                        for text in &texts {
                            pieces.push(text);
                        }
                        pieces.merge_on(tier, &merges.pairs);
                        for (lane, text) in texts.iter().enumerate() {
                            let mut found = Vec::new();
                            pieces.for_symbols_of(lane, |symbol| found.push(symbol));
                            assert_eq!(found, merges.merged(text), "{} {text:?}", tier.name());
                        }
                    }
                }
            }
        }
    }
}
