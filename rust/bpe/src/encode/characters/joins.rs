//! Which two characters a merge may bring together: the last of its left part and the first of its right one.
//!
//! Two characters that are together in a token were brought together by some merge, at its middle; so where two stand
//! side by side and no merge is known to join them, no token ever covers both, and the text may be cut between them.
//!
//! Pairs of ASCII characters are told by eight classes of right ones, all others share a table by hash; that either says
//! too often that two may be joined only makes longer units.

use tokenfoundry_kernels::byte_pairs::BytePairs;
use tokenfoundry_kernels::character_pairs::CharacterPairs;

use super::super::Encoder;
use super::Spaces;
use crate::unicode::{decode, previous_boundary};

#[derive(Clone, Debug)]
pub struct Joins {
    pub ascii: BytePairs,
    /// Pairs of which one at least is no ASCII.
    pub others: CharacterPairs,
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

impl Joins {
    pub fn new(encoder: &Encoder, spaces: &Spaces) -> Self {
        let mut first = [0; 256];
        let shown_as = spaces.shown_as.unwrap_or(' ');
        // As what bytes a character is met in a text.
        let ascii = |character: char| {
            if character == shown_as { Some(b' ') } else { u8::try_from(character).ok().filter(u8::is_ascii) }
        };
        let mut others = Vec::new();
        let character = |code: u32| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        for [left, right, _] in encoder.merges() {
            let (Some(left), Some(right)) = (encoder.tokens.get(left), encoder.tokens.get(right)) else { continue };
            let left = character(decode(left, previous_boundary(left, left.len())).0);
            let right = character(decode(right, 0).0);
            if spaces.cut && right == shown_as {
                continue;
            }
            if let (Some(left), Some(right)) = (ascii(left), ascii(right)) {
                first[left as usize] |= class(right);
            }
            // What a space is seen as may stand in a text as well.
            if !(left.is_ascii() && right.is_ascii()) {
                others.push((left, right));
            }
        }
        others.sort_unstable();
        others.dedup();
        let never_right = spaces.cut.then_some(shown_as);
        let second = std::array::from_fn(|byte| if byte < 128 { class(byte as u8) } else { 0 });
        Self { ascii: BytePairs::new(first, second), others: CharacterPairs::new(&others, shown_as, never_right) }
    }
}
