//! Tables from short pieces to their tokens, whose keys are the pieces themselves: a hit is one cache line, and no hash
//! can lie.
//!
//! [`Words`]: up to 8 bytes and 2 tokens, 16 bytes an entry: nine of ten pieces of a text. [`Middle`]: up to 16 bytes and 3
//! tokens, 32 bytes. [`Wide`]: up to 32 bytes and 7 tokens, 64 bytes. All are four-way set-associative (a slot, and the
//! three beside it), start small so that a new tokenizer answers at once, double while they fill, and are bounded: then
//! what is new takes the place of another that is not the first of its set.

use tokenfoundry_kernels::prefetch::prefetch;

use super::pairs::NONE;

/// A piece's tokens: up to seven, and how many.
pub type Few = [u32; 8];

/// Where [`Few`] has the number of tokens, and the greatest such number.
pub const COUNT: usize = 7;

/// 64-bit words from a cache line's start on, zeroed by the system and not touched.
#[derive(Clone, Debug)]
struct Lines {
    words: Vec<u64>,
    skip: usize,
}

impl Lines {
    fn new(words: usize) -> Self {
        let words = vec![0u64; words + 7];
        let skip = words.as_ptr().align_offset(64).min(7);
        Self { words, skip }
    }

    #[inline(always)]
    fn entry<const N: usize>(&self, slot: usize) -> &[u64; N] {
        let at = self.skip + slot * N;
        debug_assert!(at + N <= self.words.len());
        // SAFETY: slots are below the number of entries that `new` made room for, N words each, after at most 7 words:
        // every caller takes them from a hash's high bits by the table's own shift, or as the neighbour of such a one
        // (slot ^ 1, and the number of entries is even).
        unsafe { &*self.words.as_ptr().add(at).cast() }
    }

    #[inline(always)]
    fn entry_mut<const N: usize>(&mut self, slot: usize) -> Option<&mut [u64; N]> {
        self.words.get_mut(self.skip + slot * N..)?.first_chunk_mut()
    }

    fn entries<const N: usize>(&self, count: usize) -> impl Iterator<Item = &[u64; N]> {
        self.words.get(self.skip..self.skip + count * N).unwrap_or_default().as_chunks().0.iter()
    }
}

/// Multiply and take the high bits: they depend on all bits of `key`.
#[inline(always)]
fn slot_of(key: u64, shift: u32) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> shift) as usize
}

/// Four-way tables of `N`-word entries: growth and replacement, the same for all.
#[derive(Clone, Debug)]
pub struct Sets<const N: usize> {
    lines: Lines,
    shift: u32,
    used: usize,
    most: usize,
    turn: usize,
}

impl<const N: usize> Sets<N> {
    /// `first` and `most` entries, powers of two.
    pub fn new(first: usize, most: usize) -> Self {
        Self {
            lines: Lines::new(first * N),
            shift: 64 - first.trailing_zeros(),
            used: 0,
            most: most.max(first),
            turn: 0,
        }
    }

    fn len(&self) -> usize {
        1 << (64 - self.shift)
    }

    #[inline(always)]
    fn slot(&self, hash: u64) -> usize {
        slot_of(hash, self.shift)
    }

    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        prefetch(&self.lines.words, self.lines.skip + self.slot(hash) * N);
    }

    #[inline(always)]
    fn get(&self, slot: usize) -> &[u64; N] {
        self.lines.entry(slot)
    }

    fn put(&mut self, slot: usize, entry: [u64; N]) {
        if let Some(place) = self.lines.entry_mut(slot) {
            *place = entry;
        }
    }

    /// Which of the four places of `hash` holds an entry that `is` the one; it is the first of them from then on.
    #[inline(always)]
    pub fn find(&mut self, hash: u64, is: impl Fn(&[u64; N]) -> bool) -> Option<&[u64; N]> {
        let slot = self.slot(hash);
        if is(self.get(slot)) {
            return Some(self.get(slot));
        }
        for way in 1..4 {
            if is(self.get(slot ^ way)) {
                let (first, other) = (*self.get(slot), *self.get(slot ^ way));
                self.put(slot, other);
                self.put(slot ^ way, first);
                return Some(self.get(slot));
            }
        }
        None
    }

    /// Put an entry whose hash `hash_of` gives where it belongs; `is_empty` tells a free place.
    pub fn insert(&mut self, entry: [u64; N], hash_of: fn(&[u64; N]) -> u64, is_empty: fn(&[u64; N]) -> bool) {
        if self.used * 2 > self.len() && self.len() < self.most {
            self.grow(hash_of, is_empty);
        }
        let slot = self.slot(hash_of(&entry));
        if let Some(way) = (0..4).find(|way| is_empty(self.get(slot ^ way))) {
            self.used += 1;
            self.put(slot ^ way, entry);
        } else {
            self.turn = self.turn % 3 + 1;
            self.put(slot ^ self.turn, entry);
        }
    }

    #[cold]
    fn grow(&mut self, hash_of: fn(&[u64; N]) -> u64, is_empty: fn(&[u64; N]) -> bool) {
        let mut larger = Self::new(self.len() * 2, self.most);
        for entry in self.lines.entries::<N>(self.len()) {
            if !is_empty(entry) {
                larger.insert(*entry, hash_of, is_empty);
            }
        }
        *self = larger;
    }
}

/// Keeps so many of eight bytes from the lowest on; nothing of a piece that is too long.
static KEPT: [u64; 16] = {
    let mut masks = [0; 16];
    let mut length = 1;
    while length <= 8 {
        masks[length] = u64::MAX >> (64 - 8 * length);
        length += 1;
    }
    masks
};

/// A byte that is in no UTF-8, behind the piece, so that pieces of different lengths differ; for pieces that are too long, a
/// key that no piece has.
static ENDED: [u64; 16] = {
    let mut marks = [0; 16];
    let mut length = 1;
    while length < 8 {
        marks[length] = 0xFF << (8 * length);
        length += 1;
    }
    marks[9] = u64::MAX - 1;
    marks
};

/// The eight bytes at `at`, of which there must be as many.
#[inline(always)]
fn word(text: &[u8], at: usize) -> u64 {
    text.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Pieces of up to 8 bytes with up to 2 tokens. An entry is the complement of the key, so that zeros are no piece, and
/// the tokens, the second [`NONE`] if there is one only.
#[derive(Clone, Debug)]
pub struct Words(Sets<2>);

impl Words {
    pub fn new(first: usize, most: usize) -> Self {
        Self(Sets::new(first, most))
    }

    /// The complement of the key of the piece of `length` bytes at `at`, 8 at most, where eight bytes of text follow its start.
    #[inline(always)]
    pub fn key_at(text: &[u8], at: usize, length: usize) -> u64 {
        !(word(text, at) & KEPT[length & 15] | ENDED[length & 15])
    }

    /// What lies between the second token and the number is left as it was.
    #[inline(always)]
    fn write(tokens: u64, few: &mut Few) {
        (few[0], few[1]) = (tokens as u32, (tokens >> 32) as u32);
        few[COUNT] = 1 + u32::from((tokens >> 32) as u32 != NONE);
    }

    /// Look up the pieces between `places` (relative to `base`): write the tokens of each, and the numbers of those
    /// that are not there into `missed`; gives how many. Eight bytes of text follow each start.
    #[inline(always)]
    pub fn find_all(&self, text: &[u8], base: usize, places: &[u32], found: &mut [Few], missed: &mut [u16]) -> usize {
        let count = places.len().saturating_sub(1).min(found.len()).min(missed.len());
        let text = &text[base..];
        assert!(text.len() >= 8);
        let last = text.len() - 8;
        let mut misses = 0;
        for index in 0..count {
            // SAFETY: `start` is at most `last`, eight bytes before the end of `text`; `index + 1` is within `places`, and
            // `index` within `found`; there are at most `index` misses so far, and `missed` has `count` places; lengths
            // are at most 9.
            unsafe {
                let start = (*places.get_unchecked(index) as usize).min(last);
                let length = (*places.get_unchecked(index + 1) as usize).wrapping_sub(start).min(9);
                let word = u64::from_le_bytes(text.as_ptr().add(start).cast::<[u8; 8]>().read());
                let key = !(word & KEPT.get_unchecked(length) | ENDED.get_unchecked(length));
                let &[known, tokens] = self.0.get(self.0.slot(key));
                Self::write(tokens, found.get_unchecked_mut(index));
                *missed.get_unchecked_mut(misses) = index as u16;
                misses += usize::from(known != key);
            }
        }
        misses
    }

    /// Write the tokens of a key, wherever in its set it is; `false` if it is not there.
    #[inline(always)]
    pub fn find(&mut self, key: u64, few: &mut Few) -> bool {
        let Some(&[_, tokens]) = self.0.find(key, |entry| entry[0] == key) else { return false };
        Self::write(tokens, few);
        true
    }

    pub fn insert(&mut self, key: u64, tokens: [u32; 2]) {
        let entry = [key, tokens[0] as u64 | (tokens[1] as u64) << 32];
        self.0.insert(entry, |entry| entry[0], |entry| entry[0] == 0);
    }
}

/// The bytes of a piece of up to 32 in four words, and its length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Key {
    words: [u64; 4],
    pub length: usize,
    pub hash: u64,
}

/// The longest piece that has a [`Key`].
pub const KEY_BYTES: usize = 32;

impl Key {
    /// Of the piece of `length` bytes at `at`, which has eight bytes of text after its start.
    #[inline(always)]
    pub fn new(text: &[u8], at: usize, length: usize) -> Self {
        // Words of longer pieces overlap, so that nothing is masked and nothing read beyond the piece.
        let end = at + length;
        let words = match length {
            0..=8 => [word(text, at) & KEPT[length], 0, 0, 0],
            9..=16 => [word(text, at), word(text, end - 8), 0, 0],
            _ => [word(text, at), word(text, at + 8), word(text, end - 16), word(text, end - 8)],
        };
        Self { words, length, hash: Self::hash_of_words(words, length) }
    }

    /// Of a piece that is too long for its bytes to be the key.
    #[inline(always)]
    pub fn hashed(length: usize, hash: u64) -> Self {
        Self { words: [0; 4], length, hash }
    }

    #[inline(always)]
    fn hash_of_words(words: [u64; 4], length: usize) -> u64 {
        let fold = |a: u64, b: u64| {
            let product = a as u128 * b as u128;
            product as u64 ^ (product >> 64) as u64
        };
        let hash = fold(words[0] ^ 0xA076_1D64_78BD_642F, words[1] ^ 0xE703_7ED1_A0B4_28DB ^ length as u64);
        if length <= MIDDLE_BYTES {
            return hash;
        }
        hash ^ fold(words[2] ^ 0x8EBC_6AF0_9C88_C6E3, words[3] ^ 0x5899_65CC_7537_4CC3)
    }
}

/// Pieces of up to 16 bytes with up to 3 tokens. The last word holds the third token, the length and the number of tokens.
#[derive(Clone, Debug)]
pub struct Middle(Sets<4>);

pub const MIDDLE_BYTES: usize = 16;
pub const MIDDLE_TOKENS: usize = 3;

impl Middle {
    pub fn new(first: usize, most: usize) -> Self {
        Self(Sets::new(first, most))
    }

    #[inline(always)]
    pub fn prefetch(&self, key: &Key) {
        self.0.prefetch(key.hash);
    }

    fn hash_of(entry: &[u64; 4]) -> u64 {
        Key::hash_of_words([entry[0], entry[1], 0, 0], (entry[3] >> 40) as usize)
    }

    /// Write the tokens of a key; `false` if it is not there.
    #[inline(always)]
    pub fn find(&mut self, key: &Key, few: &mut Few) -> bool {
        let is = |entry: &[u64; 4]| {
            (entry[0] ^ key.words[0]) | (entry[1] ^ key.words[1]) | (entry[3] >> 40 ^ key.length as u64) == 0
        };
        let Some(entry) = self.0.find(key.hash, is) else { return false };
        (few[0], few[1], few[2]) = (entry[2] as u32, (entry[2] >> 32) as u32, entry[3] as u32);
        few[COUNT] = (entry[3] >> 32) as u32 & 0xFF;
        true
    }

    pub fn insert(&mut self, key: &Key, tokens: &[u32]) {
        let token = |index: usize| tokens.get(index).copied().unwrap_or(NONE) as u64;
        let meta = (key.length << 8 | tokens.len()) as u64;
        let entry = [key.words[0], key.words[1], token(0) | token(1) << 32, token(2) | meta << 32];
        self.0.insert(entry, Self::hash_of, |entry| entry[3] >> 32 == 0);
    }
}

/// Pieces of up to 32 bytes with up to 7 tokens. The last word holds the last token, the length and the number of tokens.
#[derive(Clone, Debug)]
pub struct Wide(Sets<8>);

impl Wide {
    pub fn new(first: usize, most: usize) -> Self {
        Self(Sets::new(first, most))
    }

    #[inline(always)]
    pub fn prefetch(&self, key: &Key) {
        self.0.prefetch(key.hash);
    }

    fn hash_of(entry: &[u64; 8]) -> u64 {
        Key::hash_of_words([entry[0], entry[1], entry[2], entry[3]], (entry[7] >> 40) as usize)
    }

    /// Write the tokens of a key; `false` if it is not there.
    #[inline(always)]
    pub fn find(&mut self, key: &Key, few: &mut Few) -> bool {
        let is = |entry: &[u64; 8]| {
            let differs = |at: usize| entry[at] ^ key.words[at];
            differs(0) | differs(1) | differs(2) | differs(3) | (entry[7] >> 40 ^ key.length as u64) == 0
        };
        let Some(entry) = self.0.find(key.hash, is) else { return false };
        for (two, word) in few.chunks_exact_mut(2).zip(&entry[4..]) {
            (two[0], two[1]) = (*word as u32, (word >> 32) as u32);
        }
        few[COUNT] &= 0xFF;
        true
    }

    pub fn insert(&mut self, key: &Key, tokens: &[u32]) {
        let token = |index: usize| tokens.get(index).copied().unwrap_or(NONE) as u64;
        let meta = (key.length << 8 | tokens.len()) as u64;
        let [a, b, c, d] = key.words;
        let pair = |index: usize| token(index) | token(index + 1) << 32;
        let entry = [a, b, c, d, pair(0), pair(2), pair(4), token(6) | meta << 32];
        self.0.insert(entry, Self::hash_of, |entry| entry[7] >> 32 == 0);
    }
}
