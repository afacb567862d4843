//! Which two characters a merge may bring together: the last of its left part and the first of its right one.
//!
//! Two characters that are together in a token were brought together by some merge, at its middle; so where two stand
//! side by side and no merge is known to join them, no token ever covers both, and the text may be cut between them.
//!
//! Pairs of ASCII characters are told by eight classes of right ones, all others share a table by hash; that either says
//! too often that two may be joined only makes longer units.

use tokenfoundry_kernels::byte_pairs::BytePairs;

use super::super::Encoder;
use super::Spaces;
use crate::unicode::{decode, previous_boundary};

const TABLE_BITS: u32 = 21;

#[derive(Clone, Debug)]
pub struct Joins {
    pub ascii: BytePairs,
    others: Vec<u64>,
    /// What a space is seen as.
    space: u32,
    /// What nothing is joined to, though the table may say so.
    always_apart: u32,
    /// Where a group of units starts that are looked up together, as far as two bytes tell.
    pub groups: BytePairs,
}

/// Right characters that a text has in similar places.
fn class(right: u8) -> u8 {
    1 << match right {
        b' ' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        b'0'..=b'9' => 3,
        0..=0x1F | 0x7F.. => 4,
        b'\'' | b'-' | b'_' | b'.' => 5,
        b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'"' => 6,
        _ => 7,
    }
}

#[inline(always)]
fn place(left: u32, right: u32) -> (usize, u64) {
    let key = (left as u64) << 21 | right as u64;
    let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - TABLE_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

impl Joins {
    pub fn new(encoder: &Encoder, spaces: &Spaces) -> Self {
        let mut others = vec![0; 1 << (TABLE_BITS - 6)];
        let mut first = [0; 256];
        let shown_as = spaces.shown_as.map_or(u32::from(' '), u32::from);
        // As what bytes a character is met in a text.
        let ascii = |character: u32| {
            if character == shown_as { Some(b' ') } else { u8::try_from(character).ok().filter(u8::is_ascii) }
        };
        for [left, right, _] in encoder.merges() {
            let (Some(left), Some(right)) = (encoder.tokens.get(left), encoder.tokens.get(right)) else { continue };
            let left = decode(left, previous_boundary(left, left.len())).0;
            let right = decode(right, 0).0;
            if spaces.cut && right == shown_as {
                continue;
            }
            if let (Some(left), Some(right)) = (ascii(left), ascii(right)) {
                first[left as usize] |= class(right);
            }
            let (word, bit) = place(left, right);
            others[word] |= bit;
        }
        let always_apart = if spaces.cut { shown_as } else { u32::MAX };
        let second = std::array::from_fn(|byte| if byte < 128 { class(byte as u8) } else { 0 });
        Self { ascii: BytePairs::new(first, second), others, space: shown_as, always_apart, groups: groups() }
    }

    /// What an ASCII byte is seen as.
    #[inline(always)]
    pub fn seen(&self, byte: u8) -> u32 {
        if byte == b' ' { self.space } else { byte as u32 }
    }

    /// Whether the text is cut between two characters of which one at least is no ASCII.
    #[inline(always)]
    pub fn apart(&self, left: u32, right: u32) -> bool {
        let (word, bit) = place(left, right);
        self.others[word] & bit == 0 || right == self.always_apart
    }
}

/// Groups are what English words and the punctuation after them are: they start at a space, at a letter or digit after
/// punctuation, at a new line; a number is divided after its even digits, since few numbers come again. Between other characters one place in three is asked for, always the same ones, by the
/// last byte of the left one; `，` `。` `、` are among them.
fn groups() -> BytePairs {
    const SPACE: u8 = 1;
    const WORD: u8 = 2;
    const OTHER: u8 = 4;
    const LINE: u8 = 8;
    const SOME: u8 = 16;
    const DIGIT: u8 = 32;
    let first = std::array::from_fn(|byte| match byte as u8 {
        b'\n' => SPACE | WORD | OTHER | LINE,
        b' ' => SPACE,
        b'0' | b'2' | b'4' | b'6' | b'8' => SPACE | DIGIT,
        byte if byte.is_ascii_alphanumeric() => SPACE,
        0x80..=0x93 => SPACE | WORD | SOME,
        0x94.. => SPACE | WORD,
        _ => SPACE | WORD | OTHER,
    });
    let second = std::array::from_fn(|byte| match byte as u8 {
        b'\n' => LINE,
        b' ' => SPACE | LINE,
        b'0'..=b'9' => WORD | LINE | DIGIT,
        byte if byte.is_ascii_alphanumeric() => WORD | LINE,
        0xC0.. => OTHER | LINE | SOME,
        _ => LINE,
    });
    BytePairs::new(first, second)
}
