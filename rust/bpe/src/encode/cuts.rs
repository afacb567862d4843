//! Where a piece falls apart: between two characters that no token has next to each other, nothing ever merges.
//!
//! Chinese runs to the next punctuation mark and is new nearly each time, but it falls apart into some characters at a time,
//! and those were seen before. So do most scripts of which a vocabulary has few tokens. Letters of Latin are left together:
//! there is a token for every two of them.

use tokenfoundry_kernels::character_pairs::CharacterPairs;

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

    /// Append where the parts end that `piece`, UTF-8, falls apart into; `base` is added.
    #[inline]
    pub fn ends(&self, piece: &[u8], base: u32, ends: &mut Vec<u32>) {
        let mut count = ends.len();
        ends.resize(count + piece.len() + 1, 0);
        let mut at = 0;
        let mut left = u32::MAX;
        let mut last = 0;
        while let Some(&first) = piece.get(at) {
            let right = self.pairs.number_at(piece, at);
            let in_part = self.parts[usize::from(last)][usize::from(first >> 6)] >> (first & 63) & 1 == 1;
            let is_apart = (first | last) >= 0x80 && at > 0 && !(in_part | self.pairs.relates(left, right));
            // Without a branch, which nothing could foresee.
            ends[count] = base + at as u32;
            count += usize::from(is_apart);
            left = right;
            at += usize::from(LENGTH[usize::from(first >> 4)]);
            last = piece.get(at - 1).copied().unwrap_or(0);
        }
        ends[count] = base + piece.len() as u32;
        ends.truncate(count + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(tokens: &[&[u8]], text: &'a str) -> Vec<&'a str> {
        let mut ends = vec![7];
        Cuts::new(&Tokens::from_ordered(tokens)).ends(text.as_bytes(), 7, &mut ends);
        ends.windows(2).map(|two| &text[two[0] as usize - 7..two[1] as usize - 7]).collect()
    }

    #[test]
    fn characters_that_no_token_joins_are_parted() {
        assert_eq!(parts(&["中国".as_bytes(), "é".as_bytes()], "中国中中国é"), ["中国", "中", "中国", "é"]);
        assert_eq!(parts(&[], "中a é"), ["中", "a ", "é"]);
        assert_eq!(parts(&[], ""), [""]);
    }

    #[test]
    fn parts_of_characters_join_as_well() {
        // The last two bytes of one and the first of the next.
        let token = [&"国".as_bytes()[1..], &"中".as_bytes()[..1]].concat();
        assert_eq!(parts(&[&token], "国中中"), ["国中", "中"]);
        let token = [b"a", &"中".as_bytes()[..2]].concat();
        assert_eq!(parts(&[&token], "a中中"), ["a中", "中"]);
    }
}
