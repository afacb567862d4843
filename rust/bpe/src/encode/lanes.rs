//! Several pieces merged at a time, so that the look-ups of one wait for memory while the others go on.
//!
//! Merging a piece that was never seen is one look-up after another in tables that no near cache holds. A lane is a piece
//! on its way: each step applies one merge, asks for the two pairs that came of it, and leaves; when its turn comes again
//! they are there. Eight lanes cost a merge a third of the time that one takes. With AVX-512 the lanes are those of vectors
//! ([`pair_merges`]), at a fifth of that again.

use tokenfoundry_kernels::byte_classes::Classifier;
use tokenfoundry_kernels::on_tier::{Work, on_tier};
use tokenfoundry_kernels::pair_merges::{self, NONE, Pairs, placed};
use tokenfoundry_kernels::prefetch::prefetch;
use tokenfoundry_kernels::tier::{self, Tier};

use super::merge::{Ranks, SHORT, least};

/// Pieces on their way at a time.
const LANES: usize = 8;

/// A place that no symbol of a piece has.
const NOWHERE: u8 = u8::MAX;

/// One piece on its way: its symbols stay where they are, and `alive` has a bit for each that was not merged into the one before.
#[derive(Clone, Debug)]
struct Lane {
    symbols: [u32; SHORT],
    ranks: Ranks,
    alive: u64,
    length: usize,
    piece: usize,
    /// The symbol that merged last, and the places before and behind it whose pairs with it were asked for.
    at: u8,
    before: u8,
    behind: u8,
}

impl Lane {
    const EMPTY: Self = Self {
        symbols: [0; SHORT],
        ranks: [NONE; SHORT],
        alive: 0,
        length: 0,
        piece: 0,
        at: 0,
        before: NOWHERE,
        behind: NOWHERE,
    };

    #[inline(always)]
    fn start(&mut self, pairs: &Pairs, piece: usize, bytes: &[u8]) {
        self.length = bytes.len().min(SHORT);
        self.piece = piece;
        self.alive = u64::MAX >> (SHORT - self.length.max(1));
        (self.before, self.behind) = (NOWHERE, NOWHERE);
        // Loops over numbers: chains of iterators are not compiled into a function of this size.
        for (at, &byte) in bytes[..self.length].iter().enumerate() {
            self.symbols[at] = byte as u32;
        }
        let last = self.length.saturating_sub(1);
        for at in 0..last {
            self.ranks[at] = placed(pairs.get_bytes(bytes[at], bytes[at + 1]), at);
        }
        for at in last..self.length.next_multiple_of(16).min(SHORT) {
            self.ranks[at] = NONE;
        }
    }

    /// Apply one merge, and ask for what the next needs; `false` if there is none to apply.
    #[inline(always)]
    fn step(&mut self, pairs: &Pairs, to_token: &[u32]) -> bool {
        let at = self.at as usize & (SHORT - 1);
        let symbol = self.symbols[at];
        if self.behind != NOWHERE {
            let behind = self.symbols[self.behind as usize & (SHORT - 1)];
            self.ranks[at] = placed(pairs.get(symbol, behind), at);
        }
        if self.before != NOWHERE {
            let before = self.before as usize & (SHORT - 1);
            self.ranks[before] = placed(pairs.get(self.symbols[before], symbol), before);
        }
        let least = least(&self.ranks, self.length);
        if least == NONE {
            return false;
        }
        let (symbol, at) = placed_parts(least);
        let behind = self.alive & (u64::MAX << at << 1);
        let right = behind.trailing_zeros() as usize & (SHORT - 1);
        let behind = behind & behind.wrapping_sub(1);
        self.alive &= !(1 << right);
        self.symbols[at] = symbol;
        self.ranks[right] = NONE;
        self.ranks[at] = NONE;
        self.at = at as u8;
        prefetch(to_token, symbol as usize);
        self.behind = NOWHERE;
        if behind != 0 {
            let place = behind.trailing_zeros() as usize;
            self.behind = place as u8;
            pairs.prefetch(symbol, self.symbols[place & (SHORT - 1)]);
        }
        let before = self.alive & !(u64::MAX << at);
        self.before = NOWHERE;
        if before != 0 {
            let place = 63 - before.leading_zeros() as usize;
            self.before = place as u8;
            pairs.prefetch(self.symbols[place & (SHORT - 1)], symbol);
        }
        true
    }

    #[inline(always)]
    fn tokens(&self, to_token: &[u32], tokens: &mut Vec<u32>) {
        tokens.clear();
        let mut alive = self.alive;
        while alive != 0 {
            tokens.push(to_token[self.symbols[alive.trailing_zeros() as usize] as usize]);
            alive &= alive - 1;
        }
    }
}

#[inline(always)]
fn placed_parts(placed: u32) -> (u32, usize) {
    (placed / SHORT as u32, placed as usize % SHORT)
}

/// The lanes of one thread.
#[derive(Debug)]
pub struct Lanes {
    lanes: Vec<Lane>,
    side_by_side: pair_merges::Pieces,
    tokens: Vec<u32>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { lanes: vec![Lane::EMPTY; LANES], side_by_side: pair_merges::Pieces::default(), tokens: Vec::new() }
    }
}

struct MergeAll<'a, P, D> {
    lanes: &'a mut Lanes,
    pairs: &'a Pairs,
    to_token: &'a [u32],
    pieces: P,
    done: D,
}

impl<'t, P: Iterator<Item = &'t [u8]>, D: FnMut(usize, &[u32])> MergeAll<'_, P, D> {
    #[inline(always)]
    fn merge(self) {
        let Self { lanes: Lanes { lanes, tokens, .. }, pairs, to_token, pieces, mut done } = self;
        let mut waiting = pieces.enumerate();
        let mut busy = 0;
        for (lane, (number, bytes)) in lanes.iter_mut().zip(waiting.by_ref().take(LANES)) {
            lane.start(pairs, number, bytes);
            busy += 1;
        }
        while busy > 0 {
            let mut index = 0;
            while index < busy {
                let lane = &mut lanes[index];
                if lane.step(pairs, to_token) {
                    index += 1;
                    continue;
                }
                lane.tokens(to_token, tokens);
                done(lane.piece, tokens);
                match waiting.next() {
                    Some((number, bytes)) => {
                        lane.start(pairs, number, bytes);
                        index += 1;
                    }
                    None => {
                        busy -= 1;
                        lanes.swap(index, busy);
                    }
                }
            }
        }
    }
}

impl<'t, P: Iterator<Item = &'t [u8]>, D: FnMut(usize, &[u32])> Work for MergeAll<'_, P, D> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: impl Classifier) {
        self.merge();
    }
}

impl Lanes {
    /// The tokens of each of `pieces` (1 to [`SHORT`] bytes each), given to `done` with the piece's number, in any order.
    pub fn merge<'t>(
        &mut self,
        pairs: &Pairs,
        to_token: &[u32],
        pieces: impl Iterator<Item = &'t [u8]>,
        mut done: impl FnMut(usize, &[u32]),
    ) {
        if tier::current() == Tier::Avx512 {
            let Self { side_by_side, tokens, .. } = self;
            let mut pieces = pieces;
            let mut before = 0;
            loop {
                side_by_side.clear();
                for piece in pieces.by_ref().take(pair_merges::MOST) {
                    side_by_side.push(piece);
                }
                if side_by_side.is_empty() {
                    return;
                }
                side_by_side.merge(pairs);
                side_by_side.for_symbols(|symbol| prefetch(to_token, symbol as usize));
                for piece in 0..side_by_side.count() {
                    tokens.clear();
                    side_by_side.for_symbols_of(piece, |symbol| tokens.push(to_token[symbol as usize]));
                    done(before + piece, tokens);
                }
                before += side_by_side.count();
            }
        }
        on_tier(MergeAll { lanes: self, pairs, to_token, pieces, done }, MergeAll::merge);
    }
}
