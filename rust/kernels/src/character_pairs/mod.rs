//! Which neighbouring characters of a text are pairs of a set: a tokenizer asks so where no merge can reach across.
//!
//! A character is told by its UTF-8 bytes as one number, so nothing is decoded. The set is a table of bits by hash: what is
//! in it is always found, and of what is not, about one in sixty is taken for it. Three to five cycles a character with
//! AVX-512; characters that nobody asks for cost nothing.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::tier::{self, Tier};

/// Bytes of one block, bits of one mask.
pub const BLOCK: usize = 64;

/// Bits of the table for each pair, and at least and at most altogether.
const BITS_OF_PAIR: usize = 64;
const FEWEST_BITS: usize = 1 << 12;
const MOST_BITS: usize = 1 << 21;

const LEFT: u32 = 0x9E37_79B1;
const RIGHT: u32 = 0x85EB_CA77;

/// A set of pairs of characters.
#[derive(Clone, Debug)]
pub struct CharacterPairs {
    /// A power of two of them.
    words: Vec<u32>,
    shift: u32,
    space: u32,
    never_right: u32,
}

/// Keeps of four bytes those of a character, by the high half of its first.
static KEPT: [u32; 16] = {
    let mut kept = [0xFF; 16];
    (kept[0xC], kept[0xD], kept[0xE], kept[0xF]) = (0xFFFF, 0xFFFF, 0xFF_FFFF, u32::MAX);
    kept
};

/// A character as a number: its bytes, the first one lowest.
pub fn number_of(character: char) -> u32 {
    let mut bytes = [0; 4];
    character.encode_utf8(&mut bytes);
    u32::from_le_bytes(bytes)
}

/// Where in a text characters are asked for: bit i of the masks is the byte `start + i`.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The first bytes of characters.
    pub starts: &'a [u64],
    /// Of those, the ones whose pair with the character before is asked for.
    pub rights: &'a [u64],
}

impl CharacterPairs {
    /// Of `pairs`; spaces of a text are seen as `space`, and `never_right` is in no pair with what is before it, whatever
    /// the set says.
    pub fn new(pairs: &[(char, char)], space: char, never_right: Option<char>) -> Self {
        let mut set = Self::with_capacity(pairs.len(), space);
        set.never_right = never_right.map_or(u32::MAX, number_of);
        for &(left, right) in pairs {
            set.insert(number_of(left), number_of(right));
        }
        set
    }

    /// Empty, for about so many pairs; spaces of a text are seen as `space`.
    pub fn with_capacity(pairs: usize, space: char) -> Self {
        let bits = (pairs * BITS_OF_PAIR).next_power_of_two().clamp(FEWEST_BITS, MOST_BITS);
        Self {
            words: vec![0; bits / 32],
            shift: 32 - bits.trailing_zeros(),
            space: number_of(space),
            never_right: u32::MAX,
        }
    }

    /// Two characters as [`number_of`] gives them.
    #[inline]
    pub fn insert(&mut self, left: u32, right: u32) {
        let (word, bit) = self.place(left, right);
        self.words[word] |= bit;
    }

    #[inline(always)]
    fn place(&self, left: u32, right: u32) -> (usize, u32) {
        let hash = left.wrapping_mul(LEFT).wrapping_add(right.wrapping_mul(RIGHT)) >> self.shift;
        ((hash >> 5) as usize, 1 << (hash & 31))
    }

    /// Whether two characters, as [`number_of`] gives them, are taken for a pair.
    #[inline(always)]
    pub fn relates(&self, left: u32, right: u32) -> bool {
        let (word, bit) = self.place(left, right);
        self.words[word] & bit != 0 && right != self.never_right
    }

    /// The number of the character at `at`, a space as what it is seen as.
    #[inline(always)]
    pub fn number_at(&self, text: &[u8], at: usize) -> u32 {
        let four = match text.get(at..).and_then(<[u8]>::first_chunk) {
            Some(four) => u32::from_le_bytes(*four),
            None => (0..4).map(|byte| u32::from(text.get(at + byte).copied().unwrap_or(0)) << (8 * byte)).sum(),
        };
        let number = four & KEPT[(four >> 4 & 15) as usize];
        if number == u32::from(b' ') { self.space } else { number }
    }

    /// The number of the character that ends at `end`.
    #[inline(always)]
    fn number_before(&self, text: &[u8], end: usize) -> u32 {
        let mut at = end.saturating_sub(1);
        while at > 0 && end - at < 4 && text[at] & 0xC0 == 0x80 {
            at -= 1;
        }
        self.number_at(text, at)
    }

    /// Into `apart` those of `asked.rights` that are in no pair with the character before, which is in `text` as well.
    /// `text` is UTF-8; all slices are of one length.
    pub fn apart(&self, text: &[u8], start: usize, asked: Asked<'_>, apart: &mut [u64]) {
        self.apart_on(tier::current(), text, start, asked, apart);
    }

    /// [`Self::apart`] on a given tier, or the best below it that this CPU has.
    pub fn apart_on(&self, tier: Tier, text: &[u8], start: usize, asked: Asked<'_>, apart: &mut [u64]) {
        match tier.min(tier::detected()) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the tier is at most what was detected on this CPU, so it has AVX-512 with VBMI2, and BMI2.
            Tier::Avx512 => unsafe { avx512::apart(self, text, start, asked, apart) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the tier is at most what was detected on this CPU, so it has AVX2 and BMI2.
            Tier::Avx2 => unsafe { avx2::apart(self, text, start, asked, apart) },
            _ => scalar::apart(self, text, start, asked, apart),
        }
    }
}

/// Numbers of the characters of a block that matter, after that of the one before the first.
#[cfg(target_arch = "x86_64")]
type Numbers = [u32; 1 + BLOCK + 16];

/// The characters of `starts` that are in `rights`, or right before one that is.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "bmi2")]
fn with_those_before(starts: u64, rights: u64) -> u64 {
    use std::arch::x86_64::{_pdep_u64, _pext_u64};
    rights | _pdep_u64(_pext_u64(rights, starts) >> 1, starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks(text: &str, start: usize, words: usize, is: impl Fn(usize) -> bool) -> (Vec<u64>, Vec<u64>) {
        let (mut starts, mut rights) = (vec![0; words], vec![0; words]);
        for (at, _) in text.char_indices().filter(|&(at, _)| at >= start && at < start + words * BLOCK) {
            let (word, bit) = ((at - start) / BLOCK, 1 << ((at - start) % BLOCK));
            starts[word] |= bit;
            if at > 0 && is(at) {
                rights[word] |= bit;
            }
        }
        (starts, rights)
    }

    #[test]
    fn every_tier_is_the_definition() {
        let alphabet: Vec<char> = " ▁aé中国的🙂\u{10FFFF}\n".chars().collect();
        let mut seed = 7u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize
        };
        let pairs: Vec<(char, char)> =
            (0..30).map(|_| (alphabet[next() % alphabet.len()], alphabet[next() % alphabet.len()])).collect();
        for never_right in [None, Some('▁')] {
            let set = CharacterPairs::new(&pairs, '▁', never_right);
            for length in [0, 1, 2, 5, 30, 64, 200] {
                let text: String = (0..length).map(|_| alphabet[next() % alphabet.len()]).collect();
                for start in (0..text.len().min(70)).filter(|&start| text.is_char_boundary(start)) {
                    for every in [1, 3] {
                        let (starts, rights) = masks(&text, start, 3, |at| at % every == 0);
                        let mut expected = vec![0; 3];
                        let seen = |character: char| number_of(if character == ' ' { '▁' } else { character });
                        let mut before = None;
                        for (at, character) in text.char_indices() {
                            let place = at.wrapping_sub(start);
                            if let Some(before) = before
                                && place < 3 * BLOCK
                                && rights[place / BLOCK] >> (place % BLOCK) & 1 != 0
                                && !set.relates(seen(before), seen(character))
                            {
                                expected[place / BLOCK] |= 1 << (place % BLOCK);
                            }
                            before = Some(character);
                        }
                        for tier in tier::available() {
                            let mut apart = vec![7; 3];
                            let asked = Asked { starts: &starts, rights: &rights };
                            set.apart_on(tier, text.as_bytes(), start, asked, &mut apart);
                            assert_eq!(apart, expected, "{} {text:?} {start}", tier.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn pairs_are_found_and_others_seldom() {
        let character = |number: u32| char::from_u32(0x4E00 + number % 5000).unwrap_or('中');
        let pairs: Vec<(char, char)> =
            (0..20_000).map(|number| (character(number), character(number * 7 + number / 91))).collect();
        let set = CharacterPairs::new(&pairs, ' ', None);
        assert!(pairs.iter().all(|&(left, right)| set.relates(number_of(left), number_of(right))));
        let wrong = (0..100_000u32)
            .filter(|n| set.relates(number_of(character(n * 31)), number_of(character(n * 17 + 3))))
            .count();
        assert!(wrong < 6_000, "{wrong}");
    }
}
