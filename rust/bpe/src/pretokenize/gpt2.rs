//! The pattern of GPT-2, r50k and p50k:
//! `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.

use super::Scan;
use super::classes::{ANY_WHITE, Classes, NUMBER, SPACE, contraction, white_space};
use crate::unicode::Category::*;

const LETTER: u8 = 16;
const OTHER: u8 = 32;

static CLASSES: Classes = Classes::new(
    &[(UpperCase, LETTER), (LowerCase, LETTER), (TitleCase, LETTER), (ModifierLetter, LETTER), (OtherLetter, LETTER)],
    OTHER,
);

#[derive(Clone, Copy, Debug)]
pub struct Gpt2;

impl Scan for Gpt2 {
    #[inline(always)]
    fn end(&self, text: &[u8], start: usize) -> usize {
        let (mut bits, mut length) = CLASSES.at(text, start);
        if text[start] == b'\'' {
            let contraction = contraction(text, start);
            if contraction > 0 {
                return start + contraction;
            }
        }
        let mut inside = start;
        if bits == SPACE {
            inside += 1;
            (bits, length) = CLASSES.at(text, inside);
        }
        if bits == LETTER {
            return CLASSES.run_of_letters(text, inside + length, LETTER);
        }
        if bits & (NUMBER | OTHER) != 0 {
            return CLASSES.run(text, inside + length, bits);
        }
        debug_assert!(inside > start || bits & ANY_WHITE != 0);
        white_space::<false, false>(&CLASSES, text, start)
    }
}
