//! Tokens that a short piece may be as a whole, in tables like those of pieces that were seen: a look-up is one wait for memory
//! and compares no bytes but the key's.

use tokenfoundry_kernels::byte_classes::Scalar;
use tokenfoundry_kernels::packed_tokens::SIX_NUMBER;
use tokenfoundry_kernels::word_keys::hash;

use super::tables::{COUNT, Few, Key, MIDDLE_BYTES, Middle, WORD_BYTES, Words};

/// Tokens of up to [`MIDDLE_BYTES`]. Read-only and shared by all threads.
#[derive(Clone, Debug)]
pub struct Whole {
    words: Words,
    middle: Middle,
    has_all: bool,
}

impl Whole {
    /// Of tokens with these bytes; those of more than [`MIDDLE_BYTES`] are left out.
    pub fn new<'a>(tokens: impl Iterator<Item = (u32, &'a [u8])> + Clone) -> Self {
        let up_to = |most: usize| tokens.clone().filter(|(_, bytes)| bytes.len() <= most).count();
        let (of_words, of_middle) = (up_to(WORD_BYTES), up_to(MIDDLE_BYTES));
        // Four in a line may be dense; two need more room.
        let (words, middle) = (of_words * 5 / 4, (of_middle - of_words) * 8 / 5);
        let table = |entries: usize| entries.next_power_of_two();
        let mut words = Words::dense(table(words));
        let mut middle = Middle::new(table(middle), table(middle) * 4);
        for (id, bytes) in tokens {
            let mut padded = [0; MIDDLE_BYTES];
            let Some(place) = padded.get_mut(..bytes.len()) else { continue };
            place.copy_from_slice(bytes);
            let key = Key::new(&padded, 0, bytes.len());
            if bytes.len() <= WORD_BYTES {
                words.insert(key.words[0], &[id]);
            } else if Middle::takes(bytes.len(), &[id]) {
                middle.insert(&key, &[id]);
            }
        }
        let has_all = words.count() + middle.count() == of_middle;
        Self { words, middle, has_all }
    }

    /// Whether every token found its place: none is there that [`Self::get`] does not find.
    pub fn has_all(&self) -> bool {
        self.has_all
    }

    /// Ask for the memory that [`Self::get`] will look at; most of what is looked for is not there, so that it looks at all.
    #[inline(always)]
    pub fn prefetch(&self, key: &Key<2>, length: usize) {
        let (table, hash) =
            if length <= WORD_BYTES { (self.words.view(), hash(key.words[0])) } else { (self.middle.view(), key.hash) };
        table.prefetch(table.first(hash));
        table.prefetch(table.second(hash));
    }

    /// The token that a piece of `length` bytes, [`MIDDLE_BYTES`] at most, with this key is.
    #[inline(always)]
    pub fn get(&self, key: &Key<2>, length: usize) -> Option<u32> {
        if length <= WORD_BYTES {
            let mut few: Few = [0; COUNT + 1];
            return self.words.find(key.words[0], &mut few).then_some(few[0]);
        }
        let six = self.middle.find(Scalar, key);
        (six[SIX_NUMBER] > 0).then_some(six[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(whole: &Whole, piece: &[u8]) -> Option<u32> {
        let mut padded = [0; MIDDLE_BYTES];
        padded[..piece.len()].copy_from_slice(piece);
        let key = Key::new(&padded, 0, piece.len());
        whole.prefetch(&key, piece.len());
        whole.get(&key, piece.len())
    }

    fn spelled(number: u32) -> Vec<u8> {
        (number.to_string() + &"x".repeat(number as usize % 9)).into_bytes()
    }

    #[test]
    fn every_token_is_found_and_nothing_else() {
        let tokens: Vec<(u32, Vec<u8>)> = (0..40_000).map(|id| (id, spelled(id))).collect();
        let whole = Whole::new(tokens.iter().map(|(id, bytes)| (*id, bytes.as_slice())));
        assert!(whole.has_all());
        for (id, bytes) in &tokens {
            assert_eq!(get(&whole, bytes), Some(*id));
        }
        assert!((40_000..80_000).all(|number| get(&whole, &spelled(number)).is_none()));
    }

    #[test]
    fn longer_tokens_are_none_of_it_and_numbers_too_great_are_told() {
        let (short, middle, long) = (b"ab".as_slice(), b"abcdefghij".as_slice(), [b'a'; 17]);
        let whole = Whole::new([(0, short), (7, middle), (9, &long)].into_iter());
        assert!(whole.has_all());
        assert_eq!([short, middle].map(|piece| get(&whole, piece)), [Some(0), Some(7)]);
        let whole = Whole::new([(u32::MAX - 1, short), (1 << 20, middle)].into_iter());
        assert!(!whole.has_all());
        assert_eq!([short, middle].map(|piece| get(&whole, piece)), [Some(u32::MAX - 1), None]);
        assert!(Whole::new(std::iter::empty()).has_all());
    }
}
