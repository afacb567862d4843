//! From a piece of text to its tokens.
//!
//! Short pieces by a plain search for the best pair (quadratic in at most 64 bytes), long ones by a heap over a
//! linked list (n log n); both give the same. A bounded cache per encoder remembers the pieces that language repeats.

mod cache;
mod long;
mod short;

use crate::vocabulary::Vocabulary;
use cache::PieceCache;

/// Longest piece, in bytes, for the plain search: beyond it the heap wins.
const SHORT_BYTES: usize = 64;

/// The working memory of one thread; made once and used for many texts of one vocabulary.
#[derive(Default)]
pub struct Encoder {
    cache: PieceCache,
    long: long::Scratch,
    tokens: Vec<u32>,
}

impl Encoder {
    /// Append the tokens of one piece.
    #[inline]
    pub fn piece(&mut self, vocabulary: &Vocabulary, piece: &[u8], tokens: &mut Vec<u32>) {
        if let &[byte] = piece {
            tokens.push(vocabulary.byte_id(byte));
            return;
        }
        let Some(slot) = self.cache.slot(piece) else {
            self.miss(vocabulary, piece);
            tokens.extend_from_slice(&self.tokens);
            return;
        };
        if let Some(cached) = self.cache.get(slot, piece) {
            tokens.extend_from_slice(cached);
            return;
        }
        self.miss(vocabulary, piece);
        self.cache.put(slot, piece, &self.tokens);
        tokens.extend_from_slice(&self.tokens);
    }

    /// Number of tokens of one piece, without appending them anywhere.
    #[inline]
    pub fn count(&mut self, vocabulary: &Vocabulary, piece: &[u8]) -> usize {
        if piece.len() == 1 {
            return 1;
        }
        let Some(slot) = self.cache.slot(piece) else {
            self.miss(vocabulary, piece);
            return self.tokens.len();
        };
        if let Some(cached) = self.cache.get(slot, piece) {
            return cached.len();
        }
        self.miss(vocabulary, piece);
        self.cache.put(slot, piece, &self.tokens);
        self.tokens.len()
    }

    #[cold]
    fn miss(&mut self, vocabulary: &Vocabulary, piece: &[u8]) {
        self.tokens.clear();
        if vocabulary.whole_pieces()
            && let Some(id) = vocabulary.id(piece)
        {
            self.tokens.push(id);
        } else if piece.len() <= SHORT_BYTES {
            short::merge(vocabulary, piece, &mut self.tokens);
        } else {
            long::merge(vocabulary, piece, &mut self.long, &mut self.tokens);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let mut tokens: Vec<(Vec<u8>, u32)> = (0..=255u8).map(|byte| (vec![byte], u32::from(byte))).collect();
        for (index, token) in ["ab", "aa", "aaaa", "ba", "aba", "abab", "bab", "aab"].iter().enumerate() {
            tokens.push((token.as_bytes().to_vec(), 256 + index as u32));
        }
        Vocabulary::from_ranks(&tokens).expect("a vocabulary")
    }

    #[test]
    fn short_and_long_agree() {
        let vocabulary = vocabulary();
        let mut scratch = long::Scratch::default();
        for length in 2..14 {
            for bits in 0..1u32 << length {
                let piece: Vec<u8> = (0..length).map(|bit| if bits >> bit & 1 == 1 { b'a' } else { b'b' }).collect();
                let (mut by_search, mut by_heap) = (Vec::new(), Vec::new());
                short::merge(&vocabulary, &piece, &mut by_search);
                long::merge(&vocabulary, &piece, &mut scratch, &mut by_heap);
                assert_eq!(by_search, by_heap, "{}", piece.escape_ascii());
            }
        }
    }

    #[test]
    fn a_cached_piece_is_the_same_piece() {
        let vocabulary = vocabulary();
        let mut encoder = Encoder::default();
        for _ in 0..3 {
            for piece in [&b"abab"[..], b"aabab", b"x", b"aaaaaaaaaaaaaaaaaaaaaaaaab"] {
                let (mut once, mut plain) = (Vec::new(), Vec::new());
                encoder.piece(&vocabulary, piece, &mut once);
                Encoder::default().piece(&vocabulary, piece, &mut plain);
                assert_eq!(once, plain);
                assert_eq!(encoder.count(&vocabulary, piece), plain.len());
            }
        }
    }
}
