//! Where a piece falls apart: between two characters that no token has next to each other, nothing ever merges.
//!
//! Chinese runs to the next punctuation mark and is new nearly each time, but it falls apart into some characters at a time,
//! and those were seen before. So do most scripts of which a vocabulary has few tokens. Letters of Latin are left together:
//! there is a token for every two of them.

use tokenfoundry_kernels::byte_pairs::utf8_bits;
use tokenfoundry_kernels::character_pairs::{Asked, BLOCK, CharacterPairs};

use crate::vocabulary::Tokens;

/// See the module.
#[derive(Clone, Debug)]
pub struct Cuts {
    /// Characters that stand next to each other in a token.
    pairs: CharacterPairs,
    /// Where a token has but a part of one of the two: a bit for the first byte of the right one, by the last byte of the left.
    parts: Box<[[u64; 4]; 256]>,
}

/// How many bytes a character has, by the high half of its first.
static LENGTH: [u8; 16] = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4];

/// The number of a character, if that is what these bytes are.
fn number_of(bytes: &[u8]) -> Option<u32> {
    let &first = bytes.first()?;
    let is_whole = first & 0xC0 != 0x80 && bytes.len() == usize::from(LENGTH[usize::from(first >> 4)]);
    is_whole.then(|| bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}

impl Cuts {
    pub fn new(tokens: &Tokens) -> Self {
        // A token of Chinese has two characters in six bytes, and pairs come again and again.
        let mut pairs = CharacterPairs::with_capacity(tokens.len() / 4, ' ');
        let mut parts = Box::new([[0; 4]; 256]);
        for (_, token) in tokens.iter() {
            if token.is_ascii() {
                continue;
            }
            for start in 1..token.len() {
                let (last, first) = (token[start - 1], token[start]);
                if first & 0xC0 == 0x80 || (first | last) < 0x80 {
                    continue;
                }
                let continued = token[..start].iter().rev().take(3).take_while(|&&byte| byte & 0xC0 == 0x80).count();
                let left = number_of(&token[start.saturating_sub(continued + 1)..start]);
                let end = start + usize::from(LENGTH[usize::from(first >> 4)]);
                let right = token.get(start..end).and_then(number_of);
                match (left, right) {
                    (Some(left), Some(right)) => pairs.insert(left, right),
                    _ => parts[usize::from(last)][usize::from(first >> 6)] |= 1 << (first & 63),
                }
            }
        }
        Self { pairs, parts }
    }

    /// Append where the parts end that pieces fall apart into: UTF-8, one after another in `text`, each with its end in `pieces`.
    pub fn ends(&self, text: &[u8], pieces: impl Iterator<Item = u32>, masks: &mut Masks, ends: &mut Vec<u32>) {
        let Masks { high, starts, rights, apart, of_pieces } = masks;
        of_pieces.clear();
        for end in pieces {
            let (word, bit) = (end as usize / BLOCK, end as usize % BLOCK);
            of_pieces.resize(word + 1, 0);
            of_pieces[word] |= 1 << bit;
        }
        let words = of_pieces.len();
        for masks in [&mut *high, starts, rights, apart] {
            masks.resize(words, 0);
        }
        utf8_bits(text, 0, high, starts);
        let mut high_before = 0;
        for (right, (&high, starts)) in rights.iter_mut().zip(high.iter().zip(&mut *starts)) {
            *starts |= !high;
            // The first bytes of characters that are no ASCII or follow on such.
            *right = (high | high << 1 | high_before) & *starts;
            high_before = high >> 63;
        }
        if let Some(first) = rights.first_mut() {
            *first &= !1;
        }
        self.pairs.apart(text, 0, Asked { starts, rights }, apart);
        let all = apart.iter().zip(&*of_pieces).map(|(apart, of_pieces)| (apart | of_pieces).count_ones() as usize);
        let mut count = ends.len();
        ends.resize(count + all.sum::<usize>() + 1, 0);
        for (word, (&apart, &of_pieces)) in apart.iter().zip(&*of_pieces).enumerate() {
            let mut bits = apart | of_pieces;
            while bits != 0 {
                let at = word * BLOCK + bits.trailing_zeros() as usize;
                // Without a branch, which nothing could foresee.
                ends[count] = at as u32;
                let is_end = of_pieces & bits & bits.wrapping_neg() != 0;
                count += usize::from(is_end | !self.in_part(text, at));
                bits &= bits - 1;
            }
        }
        ends.truncate(count);
    }

    /// Whether a token has parts of the characters before and behind a place next to each other.
    #[inline(always)]
    fn in_part(&self, text: &[u8], at: usize) -> bool {
        let byte = |at: usize| text.get(at).copied().unwrap_or(0);
        let (last, first) = (byte(at.wrapping_sub(1)), byte(at));
        self.parts[usize::from(last)][usize::from(first >> 6)] >> (first & 63) & 1 == 1
    }
}

/// Room to work in: a bit for each byte of a text.
#[derive(Debug, Default)]
pub struct Masks {
    high: Vec<u64>,
    /// First bytes of characters, and of those the ones that may be parted from what is before.
    starts: Vec<u64>,
    rights: Vec<u64>,
    apart: Vec<u64>,
    of_pieces: Vec<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(tokens: &[&[u8]], pieces: &[&str]) -> Vec<String> {
        let text = pieces.concat();
        let mut end = 0;
        let piece_ends = pieces.iter().map(|piece| {
            end += piece.len() as u32;
            end
        });
        let mut ends = vec![0];
        let cuts = Cuts::new(&Tokens::from_ordered(tokens));
        cuts.ends(text.as_bytes(), piece_ends, &mut Masks::default(), &mut ends);
        ends.windows(2).map(|two| text[two[0] as usize..two[1] as usize].to_string()).collect()
    }

    #[test]
    fn characters_that_no_token_joins_are_parted() {
        assert_eq!(parts(&["中国".as_bytes(), "é".as_bytes()], &["中国中中国é"]), ["中国", "中", "中国", "é"]);
        assert_eq!(parts(&[], &["中a é"]), ["中", "a ", "é"]);
        assert_eq!(parts(&[], &["中"]), ["中"]);
        assert_eq!(parts(&[], &[]), [""; 0]);
    }

    #[test]
    fn pieces_are_parted_whatever_tokens_there_are() {
        let token = "中国".as_bytes();
        assert_eq!(parts(&[token], &["中", "国a", "b中国"]), ["中", "国", "a", "b", "中国"]);
        // Pieces that end with a block of masks, and in the next.
        let long = "a中".repeat(16);
        assert_eq!(parts(&[token], &[&long, "国", &long]).len(), 32 + 1 + 32);
    }

    #[test]
    fn parts_of_characters_join_as_well() {
        // The last two bytes of one and the first of the next.
        let token = [&"国".as_bytes()[1..], &"中".as_bytes()[..1]].concat();
        assert_eq!(parts(&[&token], &["国中中"]), ["国中", "中"]);
        let token = [b"a", &"中".as_bytes()[..2]].concat();
        assert_eq!(parts(&[&token], &["a中中"]), ["a中", "中"]);
    }
}
