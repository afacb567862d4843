//! Tables from short pieces to their tokens, whose keys are the pieces themselves: no hash can lie.
//!
//! [`Words`]: up to 8 bytes and 2 tokens, 16 bytes an entry: nine of ten pieces of a text. [`Middle`]: up to 16 bytes and 6
//! tokens, 32 bytes. [`Wide`]: up to 32 bytes and 12 tokens, 64 bytes.

use tokenfoundry_kernels::byte_classes::Classifier;
use tokenfoundry_kernels::double_keys;
use tokenfoundry_kernels::packed_tokens::{SIX_NUMBER, Six, TOKEN_BITS, TOKENS_IN_WORD, pack};
use tokenfoundry_kernels::pair_merges::NONE;
use tokenfoundry_kernels::word_keys::{KEY_BYTES, Wanted, hash, word_key};

use super::block::ROOM;
use super::sets::{Bucket, Sets, View};

/// A piece's tokens: up to seven, and how many.
pub type Few = [u32; 8];

/// Where [`Few`] has the number of tokens, and the greatest such number.
pub const COUNT: usize = 7;
// What a middle piece is found to be is given as it is.
const _: () = assert!(COUNT == SIX_NUMBER && size_of::<Six>() == size_of::<Few>());

/// Write tokens as [`Few`]; `false` if they are too many.
#[inline]
pub fn write_few(tokens: &[u32], few: &mut Few) -> bool {
    if tokens.len() > COUNT {
        return false;
    }
    few[..tokens.len()].copy_from_slice(tokens);
    few[COUNT] = tokens.len() as u32;
    true
}

/// The eight bytes at `at`, of which there must be as many.
#[inline(always)]
fn word(text: &[u8], at: usize) -> u64 {
    text.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The longest pieces of each table.
pub const WORD_BYTES: usize = KEY_BYTES;
pub const MIDDLE_BYTES: usize = 16;
pub const WIDE_BYTES: usize = 32;

/// The bucket of a word that comes so many pieces later is asked for now.
pub const AHEAD: usize = 40;

/// Pieces of up to 8 bytes with up to 2 tokens. An entry is the key and the tokens, the second [`NONE`] if there is one only.
#[derive(Clone, Debug)]
pub struct Words(Sets<2>);

impl Words {
    pub fn new(first: usize, most: usize) -> Self {
        Self(Sets::new(first, most))
    }

    /// See [`Sets::dense`].
    pub fn dense(entries: usize) -> Self {
        Self(Sets::dense(entries))
    }

    /// Of the piece of `length` bytes at `at`, 8 at most, where eight bytes of text follow its start.
    #[inline(always)]
    pub fn key(text: &[u8], at: usize, length: usize) -> u64 {
        word_key(word(text, at), length)
    }

    /// What lies between the second token and the number is left as it was.
    #[inline(always)]
    fn write(tokens: u64, few: &mut Few) {
        (few[0], few[1]) = (tokens as u32, (tokens >> 32) as u32);
        few[COUNT] = 1 + u32::from((tokens >> 32) as u32 != NONE);
    }

    /// Look up the pieces between `places` (relative to `base`) in their first bucket: write the tokens of each, and the
    /// numbers of those that are not there into `missed`; gives how many. Eight bytes of text follow each start.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub fn find_all(
        &self,
        classifier: impl Classifier,
        text: &[u8],
        base: usize,
        places: &[u32],
        keys: &mut [u64; ROOM],
        buckets: &mut [u32; ROOM + AHEAD],
        found: &mut [Few; ROOM],
        missed: &mut [u16; ROOM],
    ) -> usize {
        let count = places.len().saturating_sub(1).min(ROOM);
        let table = self.0.view();
        let of_pieces = &mut buckets[..ROOM];
        classifier.word_keys(Wanted { text: &text[base..], places, shift: table.shift(), keys, buckets: of_pieces });
        let mut misses = 0;
        for index in 0..count {
            // SAFETY: `index` is below `ROOM`, the length of all that it indexes, and `buckets` has `AHEAD` more; there are at
            // most `index` misses so far.
            unsafe {
                // Behind the last there are some of earlier blocks.
                table.prefetch(Bucket(*buckets.get_unchecked(index + AHEAD)));
                let line = table.line(Bucket(*buckets.get_unchecked(index)));
                let tokens = classifier.value_of(line, *keys.get_unchecked(index));
                Self::write(tokens, found.get_unchecked_mut(index));
                *missed.get_unchecked_mut(misses) = index as u16;
                misses += usize::from(tokens == 0);
            }
        }
        misses
    }

    pub fn count(&self) -> usize {
        self.0.count()
    }

    #[inline(always)]
    pub fn view(&self) -> View<'_> {
        self.0.view()
    }

    #[inline(always)]
    pub fn prefetch_second(&self, key: u64) {
        let table = self.0.view();
        table.prefetch(table.second(hash(key)));
    }

    /// Write the tokens of a key that is not in its first bucket; `false` if it is not in its second either.
    #[inline(always)]
    pub fn find_second(&self, classifier: impl Classifier, key: u64, few: &mut Few) -> bool {
        let table = self.0.view();
        let tokens = classifier.value_of(table.line(table.second(hash(key))), key);
        Self::write(tokens, few);
        tokens != 0
    }

    /// Write the tokens of a key; `false` if it is not there.
    #[inline]
    pub fn find(&self, key: u64, few: &mut Few) -> bool {
        let Some([_, tokens]) = self.0.find(hash(key), |entry| entry[0] == key) else { return false };
        Self::write(tokens, few);
        true
    }

    /// Whether these are few enough.
    #[inline(always)]
    pub fn takes(length: usize, tokens: &[u32]) -> bool {
        // Both zero would be no entry.
        length <= WORD_BYTES
            && match tokens {
                [_] => true,
                [first, second] => first | second != 0,
                _ => false,
            }
    }

    pub fn insert(&mut self, key: u64, tokens: &[u32]) {
        let token = |index: usize| tokens.get(index).copied().unwrap_or(NONE) as u64;
        self.0.insert([key, token(0) | token(1) << 32], |entry| hash(entry[0]));
    }
}

/// Pieces of up to `8 * KEY` bytes, an entry of `ENTRY` words each: the key, and the tokens as [`tokenfoundry_kernels::packed_tokens`] has them.
#[derive(Clone, Debug)]
pub struct Keyed<const KEY: usize, const ENTRY: usize>(Sets<ENTRY>);

pub type Middle = Keyed<2, 4>;
pub type Wide = Keyed<4, 8>;

/// The bytes of a piece, in complement and marked at their end; and its hash.
#[derive(Clone, Copy, Debug)]
pub struct Key<const KEY: usize> {
    pub words: [u64; KEY],
    pub hash: u64,
}

impl<const KEY: usize> Default for Key<KEY> {
    fn default() -> Self {
        Self { words: [0; KEY], hash: 0 }
    }
}

impl<const KEY: usize> Key<KEY> {
    /// Of the piece of `length` bytes at `at`, where as many bytes of text follow its start as the longest piece has.
    #[inline(always)]
    pub fn new(text: &[u8], at: usize, length: usize) -> Self {
        let mut words = [0; KEY];
        for (number, key) in words.iter_mut().enumerate() {
            *key = word_key(word(text, at + KEY_BYTES * number), length.saturating_sub(KEY_BYTES * number));
        }
        Self { words, hash: Self::hash_of_words(&words) }
    }

    #[inline(always)]
    fn hash_of_words(words: &[u64]) -> u64 {
        let fold = |a: u64, b: u64| {
            let product = a as u128 * b as u128;
            product as u64 ^ (product >> 64) as u64
        };
        if let &[first, second] = words {
            return double_keys::hash([first, second]);
        }
        let hash = fold(words[0] ^ 0xA076_1D64_78BD_642F, words[1] ^ 0xE703_7ED1_A0B4_28DB);
        hash ^ fold(words[2] ^ 0x8EBC_6AF0_9C88_C6E3, words[3] ^ 0x5899_65CC_7537_4CC3)
    }
}

impl<const KEY: usize, const ENTRY: usize> Keyed<KEY, ENTRY> {
    const TOKENS: usize = (ENTRY - KEY) * TOKENS_IN_WORD;

    pub fn new(first: usize, most: usize) -> Self {
        Self(Sets::new(first, most))
    }

    #[inline(always)]
    pub fn view(&self) -> View<'_> {
        self.0.view()
    }

    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// Whether these are few enough, and their numbers small enough.
    pub fn takes(length: usize, tokens: &[u32]) -> bool {
        length <= 8 * KEY
            && (1..=Self::TOKENS).contains(&tokens.len())
            && tokens.iter().all(|token| token >> TOKEN_BITS == 0)
    }

    pub fn insert(&mut self, key: &Key<KEY>, tokens: &[u32]) {
        let mut entry = [0; ENTRY];
        entry[..KEY].copy_from_slice(&key.words);
        pack(tokens, &mut entry[KEY..]);
        self.0.insert(entry, |entry| Key::<KEY>::hash_of_words(&entry[..KEY]));
    }
}

impl Middle {
    /// The tokens of a key, or none.
    #[inline(always)]
    pub fn find(&self, classifier: impl Classifier, key: &Key<2>) -> Six {
        let table = self.view();
        let six = classifier.six_of(table.line(table.first(key.hash)), &key.words);
        if six[SIX_NUMBER] > 0 { six } else { classifier.six_of(table.line(table.second(key.hash)), &key.words) }
    }
}
