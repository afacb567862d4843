//! Encoding a long piece of bytes in time in proportion to its length.
//!
//! A sequence of tokens is what merging gives exactly if each two neighbours are: no merge reaches over more than one seam
//! before one of the two sides of that seam is whole. So tokens are taken from the left, the longest first; one that does
//! not go with the token before it gives way to the next shorter token that starts there, and where none is left the
//! token before it gives way itself. A place that was found to be no seam is never tried again, which bounds the work by
//! the length of the piece times that of the longest token. (The idea is that of the linear encoder of GitHub's `bpe`.)
//!
//! Whether two tokens go together is found by undoing their merges from the last on, and asking each time whether the two
//! symbols at the seam would have merged before one of them did with its other neighbour; the answer is remembered.
//!
//! The trees of tokens are made as they are needed: half a millisecond for their list when the first long piece comes, then as far
//! as texts go ([`super::tree`]).

use tokenfoundry_kernels::byte_classes::Classifier;
use tokenfoundry_kernels::on_tier::{Work, on_tier};

use super::merge::merge_long;
use super::split::Splits;
use super::tree::{Spelled, Trees};
use tokenfoundry_kernels::pair_merges::{NONE, Pairs, SYMBOL_BITS};

/// As much of a run as shows what it is made of; runs of less than twice that are no trouble.
const RUN_HEAD: usize = 1024;

/// What a vocabulary has for it.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    pub trees: &'a Trees,
    pub spelled: Spelled<'a>,
    pub pairs: &'a Pairs,
    pub splits: &'a Splits,
}

/// Replace `symbols` by those of `piece`; `None` (and nothing of use in `symbols`) if there is no way to spell it.
pub fn encode(tables: Tables<'_>, seams: &mut Seams, piece: &[u8], symbols: &mut Vec<u32>) -> Option<()> {
    // A bit for each place that was found to be no seam.
    let mut dead = vec![0; piece.len() / 64 + 1];
    on_tier(Encode { tables, seams, piece, dead: &mut dead, symbols }, Encode::encode)
}

struct Encode<'a> {
    tables: Tables<'a>,
    seams: &'a mut Seams,
    piece: &'a [u8],
    dead: &'a mut [u64],
    symbols: &'a mut Vec<u32>,
}

impl Work for Encode<'_> {
    type Output = Option<()>;

    #[inline(always)]
    fn run(self, _: impl Classifier) -> Self::Output {
        self.encode()
    }
}

impl Encode<'_> {
    #[inline(always)]
    fn encode(self) -> Option<()> {
        let Self { tables: Tables { trees, spelled, pairs, splits }, seams, piece, dead, symbols } = self;
        seams.open();
        symbols.clear();
        let (mut at, mut before) = (0, NONE);
        while at < piece.len() {
            let mut candidate = trees.longest(spelled, &piece[at..]);
            loop {
                if candidate == NONE {
                    // Nothing that starts here goes with what is before: what is before must be shorter.
                    dead[at / 64] |= 1 << (at % 64);
                    let last = symbols.pop()?;
                    at -= trees.length(last);
                    candidate = trees.shorter(last);
                    before = symbols.last().copied().unwrap_or(NONE);
                    continue;
                }
                let end = at + trees.length(candidate);
                let is_dead = dead[end / 64] >> (end % 64) & 1 != 0;
                if !is_dead && (before == NONE || seams.hold(pairs, splits, before, candidate)) {
                    symbols.push(candidate);
                    (at, before) = (end, candidate);
                    break;
                }
                candidate = trees.shorter(candidate);
            }
        }
        Some(())
    }
}

/// [`encode`] for a long run of one character or a few: `false` if `piece` is none, or not of the usual kind.
///
/// Nearly all of it is one symbol again and again. If that may stand beside itself, and before the symbols of what is
/// left, then the whole is what merging gives, and it is written down at once.
pub fn run(
    pairs: &Pairs,
    splits: &Splits,
    seams: &mut Seams,
    length_of: impl Fn(u32) -> usize,
    piece: &[u8],
    symbols: &mut Vec<u32>,
) -> bool {
    const LONGEST_PERIOD: usize = 4;
    const RESTS: usize = 16;
    if piece.len() < 2 * RUN_HEAD {
        return false;
    }
    let Some(period) = (1..=LONGEST_PERIOD).find(|&period| piece[period..] == piece[..piece.len() - period]) else {
        return false;
    };
    let merge = |bytes: &[u8], symbols: &mut Vec<u32>| {
        symbols.clear();
        symbols.extend(bytes.iter().map(|&byte| byte as u32));
        let count = merge_long(pairs, symbols);
        symbols.truncate(count);
    };
    seams.open();
    merge(&piece[..RUN_HEAD], symbols);
    let Some(&usual) = symbols.first() else { return false };
    let length = length_of(usual);
    if length == 0 || !length.is_multiple_of(period) || !seams.hold(pairs, splits, usual, usual) {
        return false;
    }
    for rest in (0..RESTS).map(|more| piece.len() % length + more * length) {
        merge(&piece[piece.len() - rest..], symbols);
        if symbols.first().is_none_or(|&first| seams.hold(pairs, splits, usual, first)) {
            let count = (piece.len() - rest) / length;
            symbols.splice(0..0, std::iter::repeat_n(usual, count));
            return true;
        }
    }
    false
}

/// Which two symbols may stand side by side, as far as it was asked; one thread's.
///
/// The two symbols, mixed by an odd factor, which loses nothing: the high bits are the place, the others are there, beside a bit
/// that says so and one for the answer.
#[derive(Debug, Default)]
pub struct Seams(Vec<u32>);

const PLACE_BITS: u32 = 16;
const TAG_BITS: u32 = 2 * SYMBOL_BITS - PLACE_BITS;
const _: () = assert!(TAG_BITS + 2 <= u32::BITS);

impl Seams {
    /// To be called before anything is asked.
    fn open(&mut self) {
        if self.0.is_empty() {
            self.0 = vec![0; 1 << PLACE_BITS];
        }
    }

    /// The place of an answer, and what stands there if it is "no"; one more if it is "yes".
    #[inline(always)]
    fn place(left: u32, right: u32) -> (usize, u32) {
        let key = (left as u64) << SYMBOL_BITS | right as u64;
        let mixed = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) & ((1 << (2 * SYMBOL_BITS)) - 1);
        let tag = mixed as u32 & ((1 << TAG_BITS) - 1);
        ((mixed >> TAG_BITS) as usize, 1 << 31 | tag << 1)
    }

    #[inline(always)]
    fn known(&self, left: u32, right: u32) -> Option<bool> {
        let (place, no) = Self::place(left, right);
        let known = self.0[place];
        (known & !1 == no).then_some(known & 1 != 0)
    }

    #[inline(always)]
    fn learn(&mut self, left: u32, right: u32, holds: bool) {
        let (place, no) = Self::place(left, right);
        self.0[place] = no | u32::from(holds);
    }

    #[inline(always)]
    fn hold(&mut self, pairs: &Pairs, splits: &Splits, left: u32, right: u32) -> bool {
        self.known(left, right).unwrap_or_else(|| {
            let holds = holds(pairs, splits, left, right);
            self.learn(left, right, holds);
            holds
        })
    }
}

/// Whether merging leaves a seam between `left` and `right`, where each is what merging makes of its own bytes.
fn holds(pairs: &Pairs, splits: &Splits, mut left: u32, mut right: u32) -> bool {
    // The two symbols at the seam are there until the merge before which this is true: any of a lower number.
    let mut until = NONE;
    loop {
        let across = pairs.get(left, right);
        if across != NONE && across < until {
            return false;
        }
        // Go back to before the last merge on either side. Of two equal ones the right one came last.
        let of_left = splits.get(left);
        let of_right = splits.get(right);
        match (of_left, of_right) {
            (Some([_, end]), None) => {
                until = left;
                left = end;
            }
            (Some([_, end]), Some(_)) if left > right => {
                until = left;
                left = end;
            }
            (_, Some([start, _])) => {
                // The merge on the right is of the same pair as the one across at most: then the one across, which is to
                // the left of it, comes first.
                until = right + 1;
                right = start;
            }
            (None, None) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::encode::backtrack::{RUN_HEAD, Seams, run};
    use crate::encode::merge::merge_long;
    use crate::encode::{Encoder, Scratch};
    use crate::vocabulary::{Tokens, Vocabulary};

    fn random(state: &mut u64, below: usize) -> usize {
        *state = tokenfoundry_base::stable_hash::mix64(*state);
        (*state % below as u64) as usize
    }

    /// A vocabulary of the bytes and of joined pairs of what is there, over few letters, so that merges compete.
    fn vocabulary(seed: u64, letters: usize, merges: usize) -> Encoder {
        let mut state = seed;
        let mut tokens: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        let mut used: Vec<Vec<u8>> = (0..letters).map(|letter| vec![b'a' + letter as u8]).collect();
        for _ in 0..merges * 4 {
            let (left, right) = (random(&mut state, used.len()), random(&mut state, used.len()));
            let joined = [used[left].clone(), used[right].clone()].concat();
            if joined.len() <= 24 && !used.contains(&joined) {
                used.push(joined.clone());
                tokens.push(joined);
            }
        }
        Encoder::new(Vocabulary::from_ranks(Tokens::from_ordered(&tokens))).expect("a vocabulary")
    }

    #[test]
    fn backtracking_is_merging() {
        let (mut tried, mut runs) = (0, 0);
        for seed in 0..300u64 {
            let letters = 1 + seed as usize % 4;
            let encoder = vocabulary(seed + 1, letters, 3 + seed as usize % 40);
            let Some(tables) = encoder.tables(1 << 20, &mut 0) else { continue };
            tried += 1;
            let mut state = seed ^ 0x1234_5678;
            let (mut seams, mut symbols) = (Seams::default(), Vec::new());
            let encode = |seams: &mut Seams, piece: &[u8], symbols: &mut Vec<u32>| {
                let mut merged: Vec<u32> = piece.iter().map(|&byte| byte as u32).collect();
                let count = merge_long(&encoder.pairs, &mut merged);
                merged.truncate(count);
                assert!(super::encode(tables, seams, piece, symbols).is_some());
                assert_eq!(*symbols, merged, "{seed} {:?}", String::from_utf8_lossy(piece));
                merged
            };
            for _ in 0..40 {
                let length = 1 + random(&mut state, 500);
                let piece: Vec<u8> = (0..length).map(|_| b'a' + random(&mut state, letters) as u8).collect();
                encode(&mut seams, &piece, &mut symbols);
                let mut tokens = Vec::new();
                encoder.encode_piece(&piece, &mut Scratch::default(), &mut tokens);
                let expected: Vec<u32> = symbols.iter().map(|&symbol| encoder.to_token[symbol as usize]).collect();
                let whole = encoder.whole_piece(&piece).map(|token| vec![token]);
                assert_eq!(tokens, whole.unwrap_or(expected));
            }
            for period in ["a", "ab", "aab", "abab", "abcd"] {
                let piece = period.repeat(2 * RUN_HEAD / period.len() + seed as usize);
                let piece = &piece.as_bytes()[..piece.len() - seed as usize % period.len()];
                let merged = encode(&mut seams, piece, &mut symbols);
                let length_of = |symbol: u32| encoder.length_of(symbol);
                if run(&encoder.pairs, &encoder.splits, &mut seams, length_of, piece, &mut symbols) {
                    assert_eq!(symbols, merged, "{seed} {period} {}", piece.len());
                    runs += 1;
                }
            }
        }
        assert!(tried > 50 && runs > tried, "{tried} {runs}");
    }
}
